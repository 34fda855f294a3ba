"""Copies of SQLite files as bytes: taken of one moment while others may write, and checked without a disk."""

import sqlite3
from pathlib import Path
from typing import Final

_WRITE_VERSION: Final = 18
"""Place of two bytes in the header: 1 is a file by itself, 2 one with a write-ahead log beside it."""


def copy_database(connection: sqlite3.Connection) -> bytes:
    """Return the file of an open database as it is at this moment. Raises: sqlite3.Error."""
    target = sqlite3.connect(":memory:")
    try:
        connection.backup(target)
        content = bytearray(target.serialize())
    finally:
        target.close()
    # The copy holds everything: it needs no log, and must be readable where none can be made.
    content[_WRITE_VERSION : _WRITE_VERSION + 2] = b"\1\1"
    return bytes(content)


def copy_database_file(path: Path) -> bytes:
    """Return a consistent copy of the database at `path`, which stays as it is. Raises: sqlite3.Error."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return copy_database(connection)
    finally:
        connection.close()


def validate_database(content: bytes) -> None:
    """Check every page and index of a copy. Raises: sqlite3.Error if it is damaged."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(content)
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict))

"""The sign guard on disk: what this key has signed, append-only, synced before a signature leaves.

It is born with its key and is never copied, restored or deleted. Source: consensus.md §7.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from google_crc32c import value as crc32c

from node.storage.errors import StorageError, WriteFailed
from node.storage.files import sync_folder

MAGIC = b"SYCEEGRD"
KEY_BYTES = 32
HEAD_BYTES = 8 + KEY_BYTES
STATEMENT_BYTES = 114
ENTRY_BYTES = STATEMENT_BYTES + 4


class GuardMissing(StorageError):
    """A consensus key without its guard: nobody knows what it has signed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{path} is missing. A key without its sign guard may not vote: rotate the key, "
            "or follow docs/operators/failover.md"
        )


class DamagedGuard(StorageError):
    """A guard that no power cut explains, or that belongs to another key."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}. This key may not vote from this disk")


def create_guard(path: Path, public_key: bytes) -> None:
    """Make an empty guard for a key that has just been made. Raises: WriteFailed, FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, MAGIC + public_key)
        os.fsync(descriptor)
    except OSError as error:
        raise WriteFailed(f"creation of {path}", str(error)) from error
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


class GuardFile:
    """Appends sign bytes; `append` runs on the wal thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, public_key: bytes) -> "tuple[GuardFile, list[bytes]]":
        """Open the guard of a key and return the sign bytes in it; a torn last entry is cut off.

        Raises: GuardMissing, DamagedGuard, WriteFailed.
        """
        if not path.exists():
            raise GuardMissing(path)
        content = path.read_bytes()
        if content[:HEAD_BYTES] != MAGIC + public_key:
            raise DamagedGuard(path, "it belongs to another key")
        statements: list[bytes] = []
        end = HEAD_BYTES
        while end + ENTRY_BYTES <= len(content):
            entry = content[end : end + ENTRY_BYTES]
            if int.from_bytes(entry[-4:], "big") != crc32c(entry[:-4]):
                break
            statements.append(entry[:-4])
            end += ENTRY_BYTES
        if any(_is_entry(content[at : at + ENTRY_BYTES]) for at in range(end + ENTRY_BYTES, len(content), ENTRY_BYTES)):
            raise DamagedGuard(path, f"the entry at byte {end} is damaged and whole ones follow it")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            os.ftruncate(descriptor, end)
            os.fsync(descriptor)
        except OSError as error:
            raise WriteFailed(f"opening of {path}", str(error)) from error
        return cls(descriptor), statements

    def append(self, statements: Iterable[bytes]) -> None:
        """Write and sync sign bytes. Raises: WriteFailed, which ends the process."""
        content = b"".join([statement + crc32c(statement).to_bytes(4, "big") for statement in statements])
        if not content:
            return
        try:
            if os.write(self._descriptor, content) != len(content):
                raise WriteFailed("sign guard", "not all bytes written")
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise WriteFailed("sign guard", str(error)) from error

    def close(self) -> None:
        """Release the file."""
        os.close(self._descriptor)


def _is_entry(entry: bytes) -> bool:
    return len(entry) == ENTRY_BYTES and int.from_bytes(entry[-4:], "big") == crc32c(entry[:-4])

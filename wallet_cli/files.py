"""Files of the wallet: private modes, and contents that are either old or new after a crash."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from wallet_cli.errors import PolicyRefused, UsageRefused

PRIVATE_FILE_MODE: Final = 0o600
PRIVATE_FOLDER_MODE: Final = 0o700
SMALL_FILE_BYTES_MAX: Final = 1024 * 1024
"""Longest configuration, contacts or key file read; real ones are a few kilobytes."""


def make_private_folder(path: Path) -> None:
    """Create `path` and its parents, the last of them for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)


def write_private(path: Path, content: bytes, *, is_new: bool = False) -> None:
    """Replace `path` by `content`, mode 0600, on disk before this returns.

    With `is_new` an existing file is left alone. Raises: FileExistsError.
    """
    temporary = path.with_name(f".{path.name}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE_MODE)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if is_new:
            os.link(temporary, path)
        else:
            os.replace(temporary, path)
            temporary = path
    finally:
        if temporary != path:
            temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Put on disk which names a folder holds."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_small(path: Path) -> bytes:
    """Return the content of a file that must be small. Raises: UsageRefused, FileNotFoundError."""
    with path.open("rb") as stream:
        content = stream.read(SMALL_FILE_BYTES_MAX + 1)
    if len(content) > SMALL_FILE_BYTES_MAX:
        raise UsageRefused(
            f"{path} is longer than {SMALL_FILE_BYTES_MAX} bytes",
            why="the wallet writes no such file",
            next_step=f"ls -l {path}",
            code="FILE_TOO_LONG",
        )
    return content


def has_types(row: Sequence[object], types: Sequence[type]) -> bool:
    """Tell whether each value of a database row is of its type; the database itself enforces none."""
    return len(row) == len(types) and all(type(value) is wanted for value, wanted in zip(row, types))


def validate_private(path: Path, mode_expected: int) -> None:
    """Check that nobody but the owner can read `path`. Raises: PolicyRefused (KEY_FILE_EXPOSED)."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~mode_expected:
        raise PolicyRefused(
            f"{path} has mode {mode:04o}, {mode_expected:04o} is required",
            why="others on this machine could read a key or a password",
            next_step=f"chmod {mode_expected:o} {path}",
            code="KEY_FILE_EXPOSED",
        )

"""Files that must survive power loss: directory syncs, atomic replacement, permissions."""

import os
from pathlib import Path

from node.storage.errors import StorageError, WriteFailed

PRIVATE_FILE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700


class LoosePermissions(StorageError):
    """A secret that others on the machine may read."""

    def __init__(self, path: Path, mode: int, wanted: int) -> None:
        self.path = path
        self.mode = mode
        super().__init__(f"{path} has mode {mode:04o}, must be {wanted:04o}: run `chmod {wanted:o} {path}`")


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: creating, renaming and removing a file is not, until its folder is synced.

    Raises: WriteFailed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WriteFailed(f"sync of folder {folder}", str(error)) from error


def replace_file(path: Path, content: bytes, *, mode: int = PRIVATE_FILE_MODE) -> None:
    """Replace a file so that after any crash it holds the old or the new content, whole.

    Raises: WriteFailed.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            written = os.write(descriptor, content)
            if written != len(content):
                raise WriteFailed(f"write of {path}", f"{written} of {len(content)} bytes written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError as error:
        raise WriteFailed(f"write of {path}", str(error)) from error
    sync_folder(path.parent)


def validate_private(path: Path) -> None:
    """Check that only the owner may read a secret and list its folder.

    Raises: LoosePermissions.
    """
    for checked, wanted in ((path, PRIVATE_FILE_MODE), (path.parent, PRIVATE_FOLDER_MODE)):
        mode = checked.stat().st_mode & 0o777
        if mode & 0o077:
            raise LoosePermissions(checked, mode, wanted)

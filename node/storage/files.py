"""The disk as the log, the guard and the key files see it: what must survive power loss, and what others must not read.

A file's content is durable after `OpenFile.sync`, its name after `FileSystem.sync_folder`. `DISK` is the real one;
`memory_files.py` has a twin that can lose power. Nothing here retries: after a failed sync nobody knows what the disk
holds.
"""

import os
from pathlib import Path
from typing import Final, Protocol

from node.storage.errors import StorageError, WriteFailed

PRIVATE_FILE_MODE = 0o600
PRIVATE_FOLDER_MODE = 0o700


class LoosePermissions(StorageError):
    """A secret that others on the machine may read."""

    def __init__(self, path: Path, mode: int, wanted: int) -> None:
        self.path = path
        self.mode = mode
        super().__init__(f"{path} has mode {mode:04o}, must be {wanted:04o}: run `chmod {wanted:o} {path}`")


class OpenFile(Protocol):
    """A file open for writing. Every method raises OSError when the disk refuses."""

    def write_at(self, content: bytes, offset: int) -> None:
        """Write all of `content` at a byte offset; it survives the process, not the power."""

    def truncate(self, file_bytes: int) -> None:
        """Cut the file to `file_bytes`."""

    def allocate(self, file_bytes: int) -> None:
        """Make the file at least `file_bytes` long, zeros behind its content, with the space reserved on the disk."""

    def sync(self) -> None:
        """Make content and length durable."""

    def close(self) -> None:
        """Release the file; says nothing about durability."""


class FileSystem(Protocol):
    """The few calls durability is made of. Every method raises OSError when the disk refuses."""

    def create(self, path: Path) -> OpenFile:
        """Make a new file, readable by its owner only. Raises: FileExistsError."""

    def open(self, path: Path) -> OpenFile:
        """Open an existing file for writing. Raises: FileNotFoundError."""

    def read(self, path: Path) -> bytes:
        """Return a file's content. Raises: FileNotFoundError."""

    def names(self, folder: Path) -> list[str]:
        """Return the names in a folder, sorted."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name in its folder, replacing what has that name."""

    def unlink(self, path: Path) -> None:
        """Remove a name."""

    def sync_folder(self, folder: Path) -> None:
        """Make names durable: creating, renaming and removing a file is not, until its folder is synced."""


class DiskFile:
    """An open file of the operating system."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def write_at(self, content: bytes, offset: int) -> None:
        """Write all of `content`; a short write is an error, because going on after it would be a retry."""
        written = os.pwrite(self._descriptor, content, offset)
        if written != len(content):
            raise OSError(f"{written} of {len(content)} bytes written to {self._path}")

    def truncate(self, file_bytes: int) -> None:
        """Cut the file."""
        os.ftruncate(self._descriptor, file_bytes)

    def allocate(self, file_bytes: int) -> None:
        """Reserve space, so that a sync writes no metadata and a full disk shows before a vote is at stake."""
        os.posix_fallocate(self._descriptor, 0, file_bytes)

    def sync(self) -> None:
        """Call fdatasync, which includes the length where it changed."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class DiskFiles:
    """The real file system."""

    def create(self, path: Path) -> DiskFile:
        """Make a new private file."""
        return DiskFile(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE))

    def open(self, path: Path) -> DiskFile:
        """Open an existing file."""
        return DiskFile(path, os.open(path, os.O_RDWR))

    def read(self, path: Path) -> bytes:
        """Read a whole file."""
        return path.read_bytes()

    def names(self, folder: Path) -> list[str]:
        """List a folder."""
        return sorted(os.listdir(folder))

    def rename(self, old: Path, new: Path) -> None:
        """Rename within one folder."""
        os.replace(old, new)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        os.unlink(path)

    def sync_folder(self, folder: Path) -> None:
        """Call fsync on the folder."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


DISK: Final[FileSystem] = DiskFiles()
"""The file system of this machine."""


def replace_file(path: Path, content: bytes, *, files: FileSystem = DISK) -> None:
    """Replace a file so that after any crash it holds the old or the new content, whole; only its owner may read it.

    Raises: WriteFailed.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        if temporary.name in files.names(path.parent):
            files.unlink(temporary)
        file = files.create(temporary)
        try:
            file.write_at(content, 0)
            file.sync()
        finally:
            file.close()
        files.rename(temporary, path)
        files.sync_folder(path.parent)
    except OSError as error:
        raise WriteFailed(f"write of {path}", str(error)) from error


def validate_private(path: Path) -> None:
    """Check that only the owner may read a secret and list its folder.

    Raises: LoosePermissions.
    """
    for checked, wanted in ((path, PRIVATE_FILE_MODE), (path.parent, PRIVATE_FOLDER_MODE)):
        mode = checked.stat().st_mode & 0o777
        if mode & 0o077:
            raise LoosePermissions(checked, mode, wanted)

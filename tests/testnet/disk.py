"""A data folder that can run out of room: a small file system where the system allows one, else a limit on file sizes.

With a file system of its own a node meets ENOSPC, as on a real full disk; with the limit it meets EFBIG. Either way no
byte more is written, and the node is not told in advance.
"""

import os
import resource
import shutil
import subprocess
from pathlib import Path

DISK_BYTES = 192 * 1024 * 1024
"""Room of the small disk: many times what a run writes; the ballast takes what is left."""
BALLAST_NAME = "ballast"
BALLAST_PIECE = bytes(64 * 1024)
FILE_BYTES_MAX = 1
"""The limit instead of a disk: no file may be written beyond its first byte."""


class SmallDisk:
    """The room for one node's data folder."""

    def __init__(self, folder: Path) -> None:
        """Put the folder, and what is in it, on a small disk if that is allowed."""
        self._folder = folder
        self._limited: int | None = None
        self.is_mounted = _mount(folder)

    def fill(self, process_id: int | None) -> None:
        """Leave no room for the process."""
        if not self.is_mounted:
            if process_id is not None:
                resource.prlimit(process_id, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, resource.RLIM_INFINITY))
                self._limited = process_id
            return
        with (self._folder / BALLAST_NAME).open("wb", buffering=0) as ballast:
            piece = BALLAST_PIECE
            while piece:
                try:
                    ballast.write(piece)
                except OSError:
                    # Smaller and smaller pieces, halved and rounded down, until not one byte fits.
                    piece = piece[: len(piece) // 2]

    def make_room(self) -> None:
        """Give the room back."""
        (self._folder / BALLAST_NAME).unlink(missing_ok=True)
        if self._limited is not None:
            unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            try:
                resource.prlimit(self._limited, resource.RLIMIT_FSIZE, unlimited)
            except ProcessLookupError:
                pass  # it ended over the limit; the next process has none
            self._limited = None

    def close(self) -> None:
        """Remove the disk and all that was on it; the node must have ended."""
        if self.is_mounted:
            subprocess.run(["umount", str(self._folder)], check=True)
            self.is_mounted = False


def _mount(folder: Path) -> bool:
    """Mount a small disk over `folder`, keeping its files, and tell whether that was possible."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    kept = folder.with_name(folder.name + "-kept")
    shutil.copytree(folder, kept)
    try:
        options = f"size={DISK_BYTES},mode=0700"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "sycee-testnet", str(folder)], capture_output=True, check=False
        )
        if done.returncode == 0:
            shutil.copytree(kept, folder, dirs_exist_ok=True)
        return done.returncode == 0
    finally:
        shutil.rmtree(kept)

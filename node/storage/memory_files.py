"""A file system in memory that can lose power, fill up and break, for tests and the simulator.

Content is *written*, then *synced*; a name is *written*, then *folder-synced*. `crash` forgets what was not made
durable, or keeps any part of it, as disks do. It promises no more than the worst disk the node must survive: sectors
are kept or lost one by one, names of one folder too, and a failed sync loses what it was to make durable.
"""

import errno
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from random import Random

SECTOR_BYTES = 512
"""What a disk writes whole or not at all. Larger real sectors only make fewer mixtures possible."""


class Keep(Enum):
    """What a power cut leaves of the writes nobody had synced."""

    NOTHING = auto()
    EVERYTHING = auto()
    ANY_PART = auto()
    """Each sector, length and name by the toss of a coin."""


class PowerCut(Exception):
    """Raised in place of an operation at which the simulated machine stops. Never caught by storage code."""


class _Content:
    """One file whatever its names: bytes as programs see them, and as the disk has them."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.synced = bytearray()
        self.pending: list[tuple[int, bytes] | int] = []
        """Since the last sync, in order: (offset, bytes of one sector), or a new length."""

    def write(self, content: bytes, offset: int) -> None:
        at = 0
        while at < len(content):
            until_sector_end = SECTOR_BYTES - (offset + at) % SECTOR_BYTES
            piece = content[at : at + until_sector_end]
            _apply(self.written, (offset + at, piece))
            self.pending.append((offset + at, piece))
            at += len(piece)

    def resize(self, file_bytes: int) -> None:
        _apply(self.written, file_bytes)
        self.pending.append(file_bytes)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, change)
        self.pending.clear()

    def lose_power(self, is_kept: Callable[[], bool]) -> None:
        for change in self.pending:
            if is_kept():
                _apply(self.synced, change)
        self.pending.clear()
        self.written = bytearray(self.synced)


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        content.extend(bytes(change - len(content)))
        return
    offset, piece = change
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(piece)] = piece


_NameChange = tuple[tuple[Path, _Content | None], ...]
"""Names that change together: a rename takes one away and gives another."""


class MemoryFile:
    """An open file of `MemoryFiles`; dead after a crash."""

    def __init__(self, files: "MemoryFiles", content: _Content) -> None:
        self._files = files
        self._content = content
        self._boot = files.boot_count

    def write_at(self, content: bytes, offset: int) -> None:
        """Write; a refused write leaves its first half, as a full disk does."""
        try:
            self._begin("write")
        except OSError:
            self._content.write(content[: len(content) // 2], offset)
            raise
        self._content.write(content, offset)

    def truncate(self, file_bytes: int) -> None:
        """Cut the file."""
        self._begin("truncate")
        self._content.resize(file_bytes)

    def allocate(self, file_bytes: int) -> None:
        """Lengthen the file with zeros."""
        self._begin("allocate")
        if file_bytes > len(self._content.written):
            self._content.resize(file_bytes)

    def sync(self) -> None:
        """Make content durable; a failed sync forgets for ever what it was to write."""
        try:
            self._begin("sync")
        except OSError:
            self._content.pending.clear()
            raise
        self._content.sync()

    def close(self) -> None:
        """Nothing to release."""

    def _begin(self, operation: str) -> None:
        if self._boot != self._files.boot_count:
            raise OSError(errno.EBADF, "file was open when the machine stopped")
        self._files.count(operation)


class MemoryFiles:
    """Files of one machine. Folders exist without being made."""

    def __init__(self) -> None:
        self.boot_count = 0
        """How often the machine has stopped; handles of earlier boots are dead."""
        self.operations: list[str] = []
        """Every change asked for, in order: what crash points are numbered by."""
        self.fail_at: dict[int, Exception] = {}
        """What to raise in place of the operation with that number, counted from 0 in `operations`."""
        self._names: dict[Path, _Content] = {}
        self._durable_names: dict[Path, _Content] = {}
        self._pending_names: list[_NameChange] = []

    def create(self, path: Path) -> MemoryFile:
        """Make a new file."""
        self.count("create")
        if path in self._names:
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        content = _Content()
        self._change_names(((path, content),))
        return MemoryFile(self, content)

    def open(self, path: Path) -> MemoryFile:
        """Open an existing file."""
        return MemoryFile(self, self._content_of(path))

    def read(self, path: Path) -> bytes:
        """Return what programs see, synced or not."""
        return bytes(self._content_of(path).written)

    def names(self, folder: Path) -> list[str]:
        """List a folder."""
        return sorted(path.name for path in self._names if path.parent == folder)

    def rename(self, old: Path, new: Path) -> None:
        """Rename, replacing."""
        self.count("rename")
        self._change_names(((old, None), (new, self._content_of(old))))

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        self.count("unlink")
        self._content_of(path)
        self._change_names(((path, None),))

    def sync_folder(self, folder: Path) -> None:
        """Make the names of one folder durable."""
        self.count("sync_folder")
        for change in self._pending_names:
            if change[0][0].parent == folder:
                _rename(self._durable_names, change)
        self._pending_names = [change for change in self._pending_names if change[0][0].parent != folder]

    def crash(self, generator: Random, keep: Keep) -> None:
        """Lose power: of what was not made durable, `keep` says what is left. Faults still to come are forgotten."""

        def is_kept() -> bool:
            if keep is Keep.ANY_PART:
                return generator.random() < 0.5
            return keep is Keep.EVERYTHING

        for change in self._pending_names:
            if is_kept():
                _rename(self._durable_names, change)
        self._pending_names.clear()
        self._names = dict(self._durable_names)
        for content in self._names.values():
            content.lose_power(is_kept)
        self.end_process()

    def has_unsynced(self) -> bool:
        """Tell whether a power cut now could take anything away."""
        return bool(self._pending_names) or any(content.pending for content in self._names.values())

    def end_process(self) -> None:
        """End the program but not the machine: nothing is lost, nothing becomes durable, open files are dead."""
        self.boot_count += 1
        self.fail_at.clear()

    def count(self, operation: str) -> None:
        """Number an operation and raise the fault meant for it."""
        number = len(self.operations)
        self.operations.append(operation)
        if number in self.fail_at:
            raise self.fail_at[number]

    def _content_of(self, path: Path) -> _Content:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        return self._names[path]

    def _change_names(self, change: _NameChange) -> None:
        _rename(self._names, change)
        self._pending_names.append(change)


def _rename(names: dict[Path, _Content], change: _NameChange) -> None:
    for path, content in change:
        if content is None:
            names.pop(path, None)
        else:
            names[path] = content

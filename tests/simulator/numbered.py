"""Everything one validator does that a crash can come between: numbered, in the order in which it does it.

Points are effects, changes of files, batches of the ledger and frames that leave. Whoever listens is told before and
after each, and may raise PowerCut there or let the disk refuse. Nothing here judges.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random
from typing import TypeVar

from network.channels import Channel
from network.transport import PeerKey
from node.storage.errors import WriteFailed
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.memory_files import Keep, MemoryFile
from tests.simulator.disk import Disk, _Files
from tests.simulator.simulated_node import SimulatedNode

Result = TypeVar("Result")

EFFECT, BATCH, SEND = "effect", "batch", "send"
"""Kinds of points that are no file operation."""


class Side(Enum):
    """Where at a point something happens."""

    BEFORE = "before"
    AFTER = "after"


class Mode(Enum):
    """What a crash leaves of what was written and not synced."""

    CLEAN = "clean"
    """The process ends, the machine does not: everything written is there, and still not durable."""
    LOST = "lost"
    """The power goes, and takes everything unsynced."""
    SUBSET = "subset"
    """The power goes; each sector, name and length is there by the toss of a coin."""


@dataclass(frozen=True, slots=True)
class Point:
    """One place in the life of a validator."""

    number: int
    side: Side
    kind: str
    what: str

    def shown(self) -> str:
        """Say where this is."""
        return f"{self.side.value} {self.kind} {self.what}"


class Points:
    """Numbers points and tells of them."""

    def __init__(self) -> None:
        self.count = 0
        """Points so far."""
        self.change_count = 0
        """Those of them that changed the disk or sent something."""
        self.reached: Callable[[Point], None] = lambda _point: None
        """Called at every point; what it raises happens there."""

    def perform(self, kind: str, what: str, action: Callable[[], Result]) -> Result:
        """Do something that has a number."""
        number = self.count
        self.count += 1
        self.reached(Point(number, Side.BEFORE, kind, what))
        result = action()
        self.change_count += kind != EFFECT
        self.reached(Point(number, Side.AFTER, kind, what))
        return result


class NumberedFile(MemoryFile):
    """A file each of whose changes is a point."""

    def write_at(self, content: bytes, offset: int) -> None:
        """Write."""
        self._perform("write", lambda: MemoryFile.write_at(self, content, offset))

    def truncate(self, file_bytes: int) -> None:
        """Cut the file."""
        self._perform("truncate", lambda: MemoryFile.truncate(self, file_bytes))

    def allocate(self, file_bytes: int) -> None:
        """Lengthen the file with zeros."""
        self._perform("allocate", lambda: MemoryFile.allocate(self, file_bytes))

    def sync(self) -> None:
        """Make content durable."""
        self._perform("sync", lambda: MemoryFile.sync(self))

    def _perform(self, kind: str, action: Callable[[], None]) -> None:
        assert isinstance(self._files, NumberedFiles)
        self._files.points.perform(kind, self._files.name_of(self), action)


class NumberedFiles(_Files):
    """Files each of whose changes is a point."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self.points = points

    def create(self, path: Path) -> MemoryFile:
        """Make a new file."""
        return self.points.perform("create", path.name, lambda: self._numbered(_Files.create(self, path)))

    def open(self, path: Path) -> MemoryFile:
        """Open an existing file."""
        return self._numbered(super().open(path))

    def rename(self, old: Path, new: Path) -> None:
        """Rename, replacing."""
        self.points.perform("rename", new.name, lambda: _Files.rename(self, old, new))

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        self.points.perform("unlink", path.name, lambda: _Files.unlink(self, path))

    def sync_folder(self, folder: Path) -> None:
        """Make the names of one folder durable."""
        self.points.perform("sync_folder", folder.name, lambda: _Files.sync_folder(self, folder))

    def name_of(self, file: MemoryFile) -> str:
        """Return the name of an open file, empty if it has none any more."""
        return next((path.name for path, content in self._names.items() if content is file._content), "")

    def _numbered(self, file: MemoryFile) -> MemoryFile:
        return NumberedFile(self, file._content)


class NumberedStore(MemoryStore):
    """A ledger each of whose batches is a point."""

    __slots__ = ("_points", "will_refuse")

    def __init__(self, points: Points) -> None:
        super().__init__()
        self._points = points
        self.will_refuse = False
        """Whether the next batch is refused."""

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        self._points.perform(
            BATCH, f"{len(batch.operations)} records", lambda: self._write_or_refuse(batch, is_synced=sync)
        )

    def reopen(self) -> "NumberedStore":
        self.close()
        store = NumberedStore(self._points)
        store._content, store._keys, store._unsynced = self._content, self._keys, self._unsynced
        return store

    def _write_or_refuse(self, batch: WriteBatch, *, is_synced: bool) -> None:
        if self.will_refuse:
            raise WriteFailed(f"batch of {len(batch.operations)} records", "refused by the simulated disk")
        MemoryStore.write(self, batch, sync=is_synced)


class ChosenDisk(Disk):
    """A disk that loses what it is told to lose."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = Mode.LOST

    def has_unsynced(self) -> bool:
        """Tell whether a power cut now could take anything away."""
        return self.files.has_unsynced() or self.store.unsynced_count > 0

    def crash(self, drawn: Random) -> None:
        """Stop the process or the machine."""
        match self.mode:
            case Mode.CLEAN:
                self.files.end_process()
                self.store = self.store.reopen()
            case Mode.LOST:
                self.files.crash(drawn, Keep.NOTHING)
                self.store = self.store.crash(drawn, Keep.NOTHING)
            case Mode.SUBSET:
                self.files.crash(drawn, Keep.ANY_PART)
                self.store = self.store.crash(drawn, Keep.ANY_PART)


class NumberedDisk(ChosenDisk):
    """A disk each of whose changes is a point."""

    def __init__(self, points: Points) -> None:
        super().__init__()
        self.files = NumberedFiles(points)
        self.store = NumberedStore(points)

    def refuse_next(self, kind: str, error_number: int) -> None:
        """Let the next change of a file fail with EIO or ENOSPC, or the next batch."""
        if kind == BATCH:
            assert isinstance(self.store, NumberedStore)
            self.store.will_refuse = True
        else:
            error = OSError(error_number, f"{errno.errorcode[error_number]} of the simulated disk")
            self.files.fail_at[len(self.files.operations)] = error


def number_life(node: SimulatedNode, points: Points) -> None:
    """Number the effects and frames of a life that has just begun."""
    assert node.node is not None and node.transport is not None
    driver, transport = node.node.driver, node.transport
    perform, send = driver._perform, transport.send
    names = {peer.key: peer.name for peer in node.cluster.peers}

    def numbered_send(peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        what = f"{channel.name.lower()} to {names[peer_key]}"
        return points.perform(SEND, what, lambda: send(peer_key, channel, payload, urgency))

    driver._perform = lambda effect: points.perform(EFFECT, type(effect).__name__, lambda: perform(effect))
    # A transport that alters frames broadcasts by sending to each peer, so nothing leaves by another way.
    assert transport.alter is not None
    transport.send = numbered_send  # type: ignore[method-assign]  # a tap: nothing is changed

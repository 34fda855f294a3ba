"""The disk of a simulated validator: log and guard in real files, of which a crash takes what was not synced."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from consensus.primitives.scalars import Hash32
from node.storage.memory import MemoryStore
from node.storage.wal import LogRecord, RecoveredLog, Wal

SEGMENT_BYTES = 64 * 1024
"""Small, so that logs rotate and are pruned within seconds."""

# The formats once more, because what judges the writer does not ask it.
OWN_VOTE_RECORD = 1
BODY_RECORD = 4
GUARD_HEAD_BYTES = 40
GUARD_ENTRY_BYTES = 118
GUARD_STATEMENT_BYTES = 114


@dataclass(slots=True)
class _Unsynced:
    """What one sync job wrote while nobody has heard yet that it is done."""

    path: Path
    start: int
    is_new_segment: bool
    records: tuple[LogRecord, ...]
    guard_start: int


class Disk:
    """Everything of a validator that outlives its process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = MemoryStore()
        self.votes_synced: set[bytes] = set()
        """Own votes in the log whose sync was reported to the node. Never shrinks: only final matters are pruned."""
        self.bodies_synced: set[bytes] = set()
        """Digests of bodies in the log, likewise."""
        self.guard_synced: set[bytes] = set()
        """Sign bytes in the guard, likewise."""
        self._unsynced: _Unsynced | None = None
        self.crashes_in_sync = 0

    @property
    def wal_folder(self) -> Path:
        """Folder of the log's segments."""
        return self.folder / "wal"

    @property
    def guard_file(self) -> Path:
        """The sign guard."""
        return self.folder / "signguard.log"

    def opened(self, records: Sequence[LogRecord]) -> None:
        """Note what a starting node found: opening cuts and syncs, so all of it stays."""
        self._note_records(records)
        self._note_guard(GUARD_HEAD_BYTES)

    def sync_begins(self, path: Path, start: int, *, is_new_segment: bool, records: Sequence[LogRecord]) -> None:
        """Note that a batch is about to be written at `start` of a segment, and the guard's entries after it."""
        guard_start = self.guard_file.stat().st_size
        self._unsynced = _Unsynced(path, start, is_new_segment, tuple(records), guard_start)

    def sync_ends(self) -> None:
        """Note that the node has heard of the sync."""
        if self._unsynced is not None:
            self._note_records(self._unsynced.records)
            self._note_guard(self._unsynced.guard_start)
            self._unsynced = None

    def crash(self, drawn: random.Random) -> None:
        """Lose power: of a sync under way keep the log's part, a torn one or none, and the guard's only behind it."""
        self.store = self.store.crash(drawn)
        unsynced, self._unsynced = self._unsynced, None
        if unsynced is None:
            return
        self.crashes_in_sync += 1
        log = unsynced.path.read_bytes()
        end = unsynced.start + len(log[unsynced.start :].rstrip(b"\x00"))
        guard = self.guard_file.read_bytes()
        fate = drawn.randrange(5)
        if fate == 0:
            # All of it was on disk; only nobody heard.
            return
        if fate == 1:
            keep = drawn.randrange(unsynced.guard_start, len(guard) + 1)
            self.guard_file.write_bytes(guard[:keep])
            return
        self.guard_file.write_bytes(guard[: unsynced.guard_start])
        if fate == 2:
            return
        if fate == 3:
            keep = drawn.randrange(unsynced.start, end + 1)
            torn = log[:keep] + bytes(len(log) - keep)
        else:
            hole_start = drawn.randrange(unsynced.start, end + 1)
            hole_end = drawn.randrange(hole_start, end + 1)
            torn = log[:hole_start] + bytes(hole_end - hole_start) + log[hole_end:]
        if unsynced.is_new_segment and drawn.randrange(2):
            unsynced.path.unlink()
        else:
            unsynced.path.write_bytes(torn)

    def _note_records(self, records: Sequence[LogRecord]) -> None:
        self.votes_synced.update(record.payload for record in records if record.type == OWN_VOTE_RECORD)
        self.bodies_synced.update(record.payload[:32] for record in records if record.type == BODY_RECORD)

    def _note_guard(self, start: int) -> None:
        content = self.guard_file.read_bytes()[start:]
        self.guard_synced.update(
            content[at : at + GUARD_STATEMENT_BYTES]
            for at in range(0, len(content) - GUARD_ENTRY_BYTES + 1, GUARD_ENTRY_BYTES)
        )


class TappedWal(Wal):
    """The production log; tells the disk where each batch is written."""

    disk: Disk

    @classmethod
    def open_on(cls, disk: Disk, *, chain_id: int, genesis_hash: Hash32) -> "tuple[TappedWal, RecoveredLog]":
        """Open the log of a disk."""
        wal, found = cls.open(
            disk.wal_folder, chain_id=chain_id, genesis_hash=genesis_hash, segment_bytes=SEGMENT_BYTES
        )
        assert isinstance(wal, TappedWal)
        wal.disk = disk
        return wal, found

    def append_batch(self, records: Sequence[LogRecord], *, tag: int) -> None:
        """Write and sync a batch, noting what of it a crash may still take."""
        is_new_segment = self._offset >= self._segment_bytes
        if is_new_segment:
            self._begin_segment(self._segment + 1)
        path = self.disk.wal_folder / f"{self._segment:08}.log"
        self.disk.sync_begins(path, self._offset, is_new_segment=is_new_segment, records=records)
        super().append_batch(records, tag=tag)

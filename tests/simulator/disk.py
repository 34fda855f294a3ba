"""The disk of a simulated validator: ledger, log and guard in memory, which a power cut leaves as disks do."""

import errno
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from random import Random

from consensus.primitives.scalars import Hash32
from node.chain.store import ChainStore
from node.storage.errors import WriteFailed
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.memory_files import Keep, MemoryFiles, PowerCut

SEGMENT_BYTES = 64 * 1024
"""Small, so that logs rotate and are pruned within seconds."""

WAL_FOLDER = Path("/node/wal")
GUARD_FILE = Path("/node/guard/signguard.log")

# The log's format once more, because what judges the writer does not ask it.
RECORD_BYTES_MAX = 16 * 1024 * 1024
BODY_RECORD = b"\x04"

CUT_WITHIN_OPERATIONS = 8
"""Operations within which a power cut that waits for a write comes: a sync of log and guard is four, a new segment
five more."""


class _Files(MemoryFiles):
    """Files whose durable image can be looked at."""

    def durable(self, folder: Path) -> list[bytearray]:
        """Return what a power cut now would surely leave of each of a folder's files, the newest first."""
        contents = self._durable_names
        return [contents[path].synced for path in sorted(contents, reverse=True) if path.parent == folder]

    def flip_bit(self, drawn: Random) -> None:
        """Change one bit of one durable file, of those written to if there are any."""
        contents = [self._durable_names[path] for path in sorted(self._durable_names)]
        content = drawn.choice(contents)
        # Behind what was written there are only zeros, which nobody reads.
        written = len(content.synced.rstrip(b"\x00"))
        if written:
            content.synced[drawn.randrange(written)] ^= 1 << drawn.randrange(8)
            content.written = bytearray(content.synced)

    def copied(self) -> "_Files":
        """Return other files with the same durable content."""
        files = deepcopy(self)
        files.crash(Random(0), Keep.NOTHING)
        return files

    def digest(self) -> bytes:
        """Return a hash of everything durable."""
        hashed = sha256()
        for path in sorted(self._durable_names):
            hashed.update(str(path).encode() + b"\x00" + self._durable_names[path].synced)
        return hashed.digest()


class _Store(MemoryStore):
    """A store whose next write can fail."""

    __slots__ = ("will_fail",)

    def __init__(self) -> None:
        super().__init__()
        self.will_fail = False

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        if self.will_fail:
            raise WriteFailed("ledger", "the simulated disk has no space left")
        super().write(batch, sync=sync)

    def reopen(self) -> "_Store":
        store, found = _Store(), super().reopen()
        store._content, store._keys, store._unsynced = found._content, found._keys, found._unsynced
        return store

    def copied(self) -> "_Store":
        """Return another disk with the same durable content."""
        store = _Store()
        store._content, store._keys = dict(self._content), list(self._keys)
        return store


class Disk:
    """Everything of a validator that outlives its process."""

    def __init__(self) -> None:
        self.files = _Files()
        self.store: MemoryStore = _Store()
        self.is_faulty = False
        """Whether an operation was to fail in this life of its process, which may then end by itself."""

        self.is_damaged = False
        """Whether something durable was lost or changed: then no process needs to start from it."""

    @property
    def chain(self) -> ChainStore:
        """The final chain on it."""
        return ChainStore(self.store)

    def cut_power_soon(self, drawn: Random) -> None:
        """Let one of the next changes to log or guard raise PowerCut instead of happening."""
        self.files.fail_at[len(self.files.operations) + drawn.randrange(CUT_WITHIN_OPERATIONS)] = PowerCut()

    def fail_soon(self, drawn: Random) -> None:
        """Let one of the next changes to log or guard, or the next one to the ledger, be refused."""
        self.is_faulty = True
        if drawn.randrange(4) == 0:
            assert isinstance(self.store, _Store)
            self.store.will_fail = True
            return
        number = drawn.choice((errno.EIO, errno.ENOSPC))
        at = len(self.files.operations) + drawn.randrange(CUT_WITHIN_OPERATIONS)
        self.files.fail_at[at] = OSError(number, "of the simulated disk")

    def be_sound(self) -> None:
        """Let nothing fail any more."""
        assert isinstance(self.store, _Store)
        self.store.will_fail = False
        self.files.fail_at.clear()

    def wipe(self) -> None:
        """Lose everything for ever."""
        self.files = _Files()
        self.store = _Store()
        self.is_damaged = True

    def flip_bit(self, drawn: Random) -> None:
        """Change one bit that was durable in the log or in the guard."""
        self.is_damaged = True
        self.files.flip_bit(drawn)

    def image(self) -> "Disk":
        """Return a copy of what a power cut now would leave: a backup."""
        copied = Disk()
        copied.files = self.files.copied()
        assert isinstance(self.store, _Store)
        copied.store = self.store.copied()
        return copied

    def forget_files(self) -> None:
        """Lose log and guard for ever."""
        self.files = _Files()

    def crash(self, drawn: Random) -> None:
        """Lose power: what was not synced is kept in part, wholly or not at all."""
        self.is_faulty = False
        self.files.crash(drawn, drawn.choice(list(Keep)))
        self.store = self.store.crash(drawn)

    def digest(self) -> bytes:
        """Return a hash of everything on it that a power cut would leave."""
        hashed = sha256(self.files.digest())
        for key, value in self.store.scan(b"", b"\xff"):
            hashed.update(key + b"\x00" + value)
        return hashed.digest()

    def logged(self, content: bytes) -> bool:
        """Tell whether the log holds these bytes, durably."""
        return any(content in segment for segment in self.files.durable(WAL_FOLDER))

    def guarded(self, content: bytes) -> bool:
        """Tell whether the guard holds these bytes, durably."""
        return any(content in file for file in self.files.durable(GUARD_FILE.parent))

    def has_body(self, digest: Hash32) -> bool:
        """Tell whether a block's body is durable, in the ledger or in the log."""
        if self.chain.height_of(digest) is not None:
            return True
        return any(_holds_body(segment, digest) for segment in self.files.durable(WAL_FOLDER))


def _holds_body(segment: bytearray, digest: Hash32) -> bool:
    at = segment.find(BODY_RECORD + digest)
    while at >= 8:
        # A record is u32 length ‖ u32 checksum ‖ type ‖ payload; other bytes would mean another length.
        if len(digest) <= int.from_bytes(segment[at - 8 : at - 4], "big") <= RECORD_BYTES_MAX:
            return True
        at = segment.find(BODY_RECORD + digest, at + 1)
    return False

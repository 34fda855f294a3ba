"""The disk of a simulated validator: ledger, log and guard in memory, which a power cut leaves as disks do."""

from hashlib import sha256
from pathlib import Path
from random import Random

from consensus.primitives.scalars import Hash32
from node.chain.store import ChainStore
from node.storage.memory import MemoryStore
from node.storage.memory_files import Keep, MemoryFiles, PowerCut

SEGMENT_BYTES = 64 * 1024
"""Small, so that logs rotate and are pruned within seconds."""

WAL_FOLDER = Path("/home/wal")
GUARD_FILE = Path("/home/guard/signguard.log")

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

    def digest(self) -> bytes:
        """Return a hash of everything durable."""
        hashed = sha256()
        for path in sorted(self._durable_names):
            hashed.update(str(path).encode() + b"\x00" + self._durable_names[path].synced)
        return hashed.digest()


class Disk:
    """Everything of a validator that outlives its process."""

    def __init__(self) -> None:
        self.files = _Files()
        self.store = MemoryStore()

    @property
    def chain(self) -> ChainStore:
        """The final chain on it."""
        return ChainStore(self.store)

    def cut_power_soon(self, drawn: Random) -> None:
        """Let one of the next changes to log or guard raise PowerCut instead of happening."""
        self.files.fail_at[len(self.files.operations) + drawn.randrange(CUT_WITHIN_OPERATIONS)] = PowerCut()

    def forget_files(self) -> None:
        """Lose log and guard for ever."""
        self.files = _Files()

    def crash(self, drawn: Random) -> None:
        """Lose power: what was not synced is kept in part, wholly or not at all."""
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

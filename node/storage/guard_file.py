"""The sign guard on disk: what this key has signed, synced before a signature leaves.

Born with its key, never copied, restored or deleted; one that is missing all the same is made anew, marked to wait for
others before anything is signed. `head ‖ batches` (`record_batches.py`), append-only; when it has
grown it is replaced, at once and whole, by the sign bytes that still bind and the floor at or below which nothing is
ever signed again. It sees bytes and knows nothing of votes. Source: consensus.md §7.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from node.storage.errors import UnsafeData, WriteFailed
from node.storage.files import DISK, FileSystem, OpenFile, replace_file
from node.storage.record_batches import (
    SALT_BYTES,
    DamagedLog,
    LogRecord,
    draw_salt,
    encode_batch,
    scan_batches,
    seal_head,
)

MAGIC = b"SYCEEGRD"
VERSION = 1
KEY_AT = 10
"""Offset of the public key, behind magic ‖ version u16; a salt and the head's CRC-32C follow."""
HEAD_BYTES = KEY_AT + 32 + SALT_BYTES + 4

STATEMENT_BYTES = 114
"""Length of sign bytes: consensus.md §2."""

VIEW_UNKNOWN = (1 << 64) - 1
"""Epoch and view of a resume mark that waits for others: above all."""

STATEMENT_RECORD = 1
"""Record type: sign bytes that were signed."""
FLOOR_RECORD = 2
"""Record type: epoch u64 ‖ view u64 of the floor when the file was last replaced."""
MARKS_RECORD = 3
"""Record type: resume epoch u64 ‖ resume view u64 ‖ resume reason u8 ‖ stop reason u8; the last one counts."""
MARKS_BYTES = 18

GUARD_BYTES_MAX = 1024 * 1024
"""Length at which a guard is replaced by what still binds: about 7 000 votes, minutes under load. Twice would be read
at every start for nothing; half would replace twice as often, at three syncs each."""


class ResumeReason(IntEnum):
    """Why a key may have signed what its guard does not know."""

    NONE = 0
    GUARD_MISSING = 1
    """The key is there, its guard is not: the disk was lost, or the home was restored without it."""
    GUARD_FOREIGN = 2
    """Guard and write-ahead log differ by more than a crash explains."""
    LEDGER_OLD = 3
    """The ledger ends below the guard's floor: it was restored from a backup."""
    STORE_REPAIRED = 4
    """The ledger was repaired and may hold wrong values."""


@dataclass(frozen=True, slots=True)
class GuardMarks:
    """What a guard remembers beside votes."""

    resume_epoch: int = 0
    """Epoch in which the resume view was found; VIEW_UNKNOWN while it is not known."""
    resume_view: int = 0
    """First view that may be signed in that epoch; VIEW_UNKNOWN while it is not known; 0 if nothing was forgotten."""
    resume_reason: ResumeReason = ResumeReason.NONE
    stop_reason: int = 0
    """Number of the consensus machine's stop reason; 0 while this key votes."""

    @property
    def is_waiting(self) -> bool:
        """Whether nothing may be signed until others have told where they are."""
        return self.resume_view == VIEW_UNKNOWN


NO_MARKS = GuardMarks()


def waiting_marks(reason: ResumeReason, before: GuardMarks = NO_MARKS) -> GuardMarks:
    """Return the marks of a key that must wait; having stopped is not forgotten by it."""
    return GuardMarks(VIEW_UNKNOWN, VIEW_UNKNOWN, reason, before.stop_reason)


class DamagedGuard(UnsafeData):
    """A guard that no power cut explains, or that belongs to another key."""

    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(
            f"{path}: {detail}. This key may not vote from this disk: treat the disk as lost "
            "(docs/operators/failover.md)"
        )


def create_guard(
    path: Path, public_key: bytes, *, files: FileSystem = DISK, salt: Callable[[], bytes] = draw_salt
) -> None:
    """Make an empty guard for a key that has just been made. Raises: WriteFailed, FileExistsError."""
    if path.name in files.names(path.parent):
        raise FileExistsError(f"{path} exists: a guard is born once, with its key")
    replace_file(path, _head(public_key, salt())[0], files=files)


def _replace_missing_guard(path: Path, public_key: bytes, files: FileSystem, salt: bytes) -> None:
    """Make the guard of a key whose own is gone: born waiting, so that no crash lets it vote before it may."""
    head, seed = _head(public_key, salt)
    marks = _marks_record(waiting_marks(ResumeReason.GUARD_MISSING))
    replace_file(path, head + encode_batch([marks], sequence=1, seed=seed), files=files)


class GuardFile:
    """Appends sign bytes; `append` and `replace` run on the wal thread."""

    def __init__(self, path: Path, public_key: bytes, *, files: FileSystem, salt: Callable[[], bytes]) -> None:
        """Use `GuardFile.open`."""
        self._path = path
        self._public_key = public_key
        self._files = files
        self._draw_salt = salt
        self._file: OpenFile | None = None
        self._seed = 0
        self._offset = 0
        self._bytes_max = GUARD_BYTES_MAX
        self._next_sequence = 1
        self._failure: WriteFailed | None = None
        self._floor = (0, 0)
        self._marks = NO_MARKS

    @classmethod
    def open(
        cls, path: Path, public_key: bytes, *, files: FileSystem = DISK, salt: Callable[[], bytes] = draw_salt
    ) -> "tuple[GuardFile, list[bytes]]":
        """Open the guard of a key and return the sign bytes in it; an unfinished last batch is cut off.

        In place of one that is missing a new one is made, which waits for others to tell what may be signed.
        Raises: DamagedGuard, WriteFailed.
        """
        guard = cls(path, public_key, files=files, salt=salt)
        return guard, guard._recover()

    @property
    def floor(self) -> tuple[int, int]:
        """Epoch and view at or below which this key never signs again; what it signed there is forgotten."""
        return self._floor

    @property
    def marks(self) -> GuardMarks:
        """What it remembers beside votes."""
        return self._marks

    def draw_nonce(self) -> bytes:
        """Return 32 bytes nobody can foresee."""
        return b"".join([self._draw_salt() for _ in range(32 // SALT_BYTES)])

    @property
    def is_grown(self) -> bool:
        """Whether it is time to `replace` the file by what still binds."""
        return self._offset >= self._bytes_max

    def append(self, statements: Sequence[bytes], *, marks: GuardMarks | None = None) -> None:
        """Write and sync sign bytes as one batch, and new marks with them.

        Raises: WriteFailed, which ends the process; from then on every call raises it again.
        """
        self._require_sound()
        if not statements and marks is None:
            return
        assert self._file is not None, "the guard is open"
        records = _records(statements)
        if marks is not None:
            self._marks = marks
            records.append(_marks_record(marks))
        content = encode_batch(records, sequence=self._next_sequence, seed=self._seed)
        try:
            self._file.write_at(content, self._offset)
            self._file.sync()
        except OSError as error:
            self._failure = WriteFailed("sign guard", str(error))
            raise self._failure from error
        self._offset += len(content)
        self._next_sequence += 1

    def replace(self, statements: Sequence[bytes], *, floor: tuple[int, int], marks: GuardMarks | None = None) -> None:
        """Keep only `statements`, which must be all that were signed above `floor`, the floor itself, and the marks.

        After a crash the guard is the old or the new one, whole. Raises: WriteFailed.
        """
        self._require_sound()
        assert floor >= self._floor, "a floor never moves back"
        head, seed = _head(self._public_key, self._draw_salt())
        records = [LogRecord(FLOOR_RECORD, floor[0].to_bytes(8, "big") + floor[1].to_bytes(8, "big"))]
        self._seed, self._floor = seed, floor
        self._marks = self._marks if marks is None else marks
        if self._marks != NO_MARKS:
            records.append(_marks_record(self._marks))
        content = head + encode_batch(records + _records(statements), sequence=1, seed=seed)
        # A guard that is long although all of it binds, after views in thousands, is not replaced at every vote.
        self._bytes_max = max(GUARD_BYTES_MAX, 2 * len(content))
        self._rewrite(content, next_sequence=2)

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _recover(self) -> list[bytes]:
        try:
            content = self._files.read(self._path)
        except FileNotFoundError:
            _replace_missing_guard(self._path, self._public_key, self._files, self._draw_salt())
            content = self._files.read(self._path)
        except OSError as error:
            raise DamagedGuard(self._path, f"cannot be read: {error}") from error
        self._read_head(content[:HEAD_BYTES])
        try:
            found = scan_batches(self._path, content, start=HEAD_BYTES, sequence=1, seed=self._seed, may_be_cut=True)
        except DamagedLog as error:
            raise DamagedGuard(self._path, f"at byte {error.offset}: {error.detail}") from error
        statements: list[bytes] = []
        for record in (record for batch in found.batches for record in batch):
            self._take(record, statements)
        # Written afresh, because after a failed sync the page cache may hold, marked clean, what the disk does not.
        self._rewrite(content[: found.end], next_sequence=len(found.batches) + 1)
        return statements

    def _take(self, record: LogRecord, statements: list[bytes]) -> None:
        payload = record.payload
        kind = (record.type, len(payload))
        if kind == (STATEMENT_RECORD, STATEMENT_BYTES):
            statements.append(payload)
        elif kind == (FLOOR_RECORD, 16):
            self._floor = (int.from_bytes(payload[:8], "big"), int.from_bytes(payload[8:], "big"))
        elif kind == (MARKS_RECORD, MARKS_BYTES) and payload[16] in list(ResumeReason):
            self._marks = GuardMarks(
                resume_epoch=int.from_bytes(payload[:8], "big"),
                resume_view=int.from_bytes(payload[8:16], "big"),
                resume_reason=ResumeReason(payload[16]),
                stop_reason=payload[17],
            )
        else:
            raise DamagedGuard(self._path, f"record of type {record.type} with {len(payload)} bytes, unknown here")

    def _read_head(self, head: bytes) -> None:
        sealed, self._seed = seal_head(head[:-4])
        if len(head) < HEAD_BYTES or sealed != head or not head.startswith(MAGIC):
            raise DamagedGuard(self._path, "its header is damaged")
        version = int.from_bytes(head[len(MAGIC) : KEY_AT], "big")
        if version != VERSION:
            raise DamagedGuard(self._path, f"it has version {version}, this node reads {VERSION}")
        if head[KEY_AT : KEY_AT + len(self._public_key)] != self._public_key:
            raise DamagedGuard(self._path, "it belongs to another key")

    def _rewrite(self, content: bytes, *, next_sequence: int) -> None:
        self.close()
        try:
            replace_file(self._path, content, files=self._files)
            self._file = self._files.open(self._path)
            self._file.allocate(max(self._bytes_max, len(content)))
            self._file.sync()
        except WriteFailed as error:
            self._failure = error
            raise
        except OSError as error:
            self._failure = WriteFailed("sign guard", str(error))
            raise self._failure from error
        self._offset, self._next_sequence = len(content), next_sequence

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise self._failure


def _head(public_key: bytes, salt: bytes) -> tuple[bytes, int]:
    return seal_head(MAGIC + VERSION.to_bytes(2, "big") + public_key + salt)


def _marks_record(marks: GuardMarks) -> LogRecord:
    payload = marks.resume_epoch.to_bytes(8, "big") + marks.resume_view.to_bytes(8, "big")
    return LogRecord(MARKS_RECORD, payload + bytes((marks.resume_reason, marks.stop_reason)))


def _records(statements: Sequence[bytes]) -> list[LogRecord]:
    assert all(len(statement) == STATEMENT_BYTES for statement in statements), "sign bytes have one length"
    return [LogRecord(STATEMENT_RECORD, statement) for statement in statements]

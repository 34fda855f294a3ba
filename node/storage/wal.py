"""The write-ahead log: what a validator said and heard above the final chain, durable before a vote leaves.

Segments `NNNNNNNN.log`, preallocated: `head ‖ batches ‖ zeros` (`record_batches.py`). An unfinished last batch is cut
off; any other damage stops the node. What a payload means is for others to know. Source: consensus.md §7.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from consensus.primitives.scalars import Hash32
from node.storage.errors import WriteFailed
from node.storage.files import DISK, FileSystem, OpenFile
from node.storage.record_batches import (
    END_OF_BATCH,
    SALT_BYTES,
    DamagedLog,
    LogRecord,
    ScannedBatches,
    draw_salt,
    encode_batch,
    scan_batches,
    seal_head,
)

__all__ = ["DamagedLog", "LogRecord", "RecoveredLog", "Segment", "Wal", "read_segments"]

MAGIC = b"SYCEEWAL"
VERSION = 2
IDENTITY_AT = 10
"""Offset of chain id u64 ‖ genesis hash, behind magic ‖ version u16."""
SEQUENCE_AT = 50
"""Offset of the number u64 of the segment's first batch; a salt and the head's CRC-32C follow."""
SEGMENT_HEAD_BYTES = SEQUENCE_AT + 8 + SALT_BYTES + 4
SEGMENT_BYTES = 64 * 1024 * 1024
"""Length to which a segment is allocated; a batch may make it longer. Half would rotate twice as often under load."""

SEGMENT_NAME_DIGITS = 8

TAG_UNKNOWN = (1 << 64) - 1
"""Tag of segments found at opening until the caller says what they concern: above every view, so they stay."""


@dataclass(frozen=True, slots=True)
class RecoveredLog:
    """What was found when the log was opened."""

    batches: tuple[tuple[LogRecord, ...], ...]
    """Whole sync batches, oldest first."""
    cut_bytes: int
    """Bytes of an unfinished batch that were cut off; 0 after a clean stop."""
    first_sequence: int = 1
    """Number of the first batch: it grows as the log is pruned."""

    @property
    def records(self) -> tuple[LogRecord, ...]:
        """Every record, oldest first."""
        return tuple(record for batch in self.batches for record in batch)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a log, as it is."""

    path: Path
    first_sequence: int
    """Number of its first batch."""
    batches: tuple[tuple[LogRecord, ...], ...]
    cut_bytes: int
    """Bytes of an unfinished batch at its end, which a start would cut off."""


def read_segments(folder: Path, *, files: FileSystem = DISK) -> Iterator[Segment]:
    """Yield the segments of a log, oldest first, and change nothing. For people: a node opens its log with `Wal.open`.

    Raises: DamagedLog, when everything before the damage has been yielded.
    """
    numbers = _segment_numbers(folder, files)
    for number in numbers:
        path = _segment_path(folder, number)
        content = _read_segment(path, files)
        head = content[:SEGMENT_HEAD_BYTES]
        is_last = number == numbers[-1]
        if is_last and _was_never_begun(head, content):
            return
        sequence, seed = _read_head(path, head)
        found = scan_batches(path, content, start=SEGMENT_HEAD_BYTES, sequence=sequence, seed=seed, may_be_cut=is_last)
        yield Segment(path, sequence, found.batches, found.cut_bytes)


class Wal:
    """Append-only log of one node. `append_batch` runs on the wal thread, everything else before the node starts."""

    def __init__(
        self,
        folder: Path,
        *,
        identity: bytes,
        segment_bytes: int,
        files: FileSystem,
        salt: Callable[[], bytes],
    ) -> None:
        """Use `Wal.open`."""
        self._folder = folder
        self._identity = identity
        self._segment_bytes = segment_bytes
        self._files = files
        self._draw_salt = salt
        self._next_sequence = 1
        self._segment = 0
        self._file: OpenFile | None = None
        self._seed = 0
        self._offset = 0
        self._segment_tags: dict[int, int] = {}
        """Highest tag of the records in each segment, in ascending order of segments."""
        self._failure: WriteFailed | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        chain_id: int,
        genesis_hash: Hash32,
        segment_bytes: int = SEGMENT_BYTES,
        files: FileSystem = DISK,
        salt: Callable[[], bytes] = draw_salt,
    ) -> "tuple[Wal, RecoveredLog]":
        """Read every segment in `folder`, which must exist, cut an unfinished batch, and open for appending.

        What is returned is durable, even if the process before ended between a write and its sync.
        Raises: DamagedLog, WriteFailed.
        """
        identity = chain_id.to_bytes(8, "big") + genesis_hash
        wal = cls(folder, identity=identity, segment_bytes=segment_bytes, files=files, salt=salt)
        return wal, wal._recover()

    def append_batch(self, records: Sequence[LogRecord], *, tag: int) -> None:
        """Write records as one batch and sync it. `tag` is the view up to which they matter, for `prune`.

        Raises: WriteFailed, which ends the process: nobody knows what is on disk after a failed sync. From then on
        every call raises it again.
        """
        assert all(record.type != END_OF_BATCH for record in records), "only the log closes batches"
        self._require_sound()
        if self._offset >= self._segment_bytes:
            self._begin_segment(self._segment + 1)
        assert self._file is not None, "the log is open"
        content = encode_batch(records, sequence=self._next_sequence, seed=self._seed)
        try:
            self._file.write_at(content, self._offset)
            self._file.sync()
        except OSError as error:
            raise self._failed("write-ahead log", error) from error
        self._offset += len(content)
        self._next_sequence += 1
        self._segment_tags[self._segment] = max(self._segment_tags[self._segment], tag)

    def tag_found(self, tag: int) -> None:
        """Say up to which tag the records found at opening matter; until then `prune` keeps them all."""
        for number, known in self._segment_tags.items():
            if known == TAG_UNKNOWN:
                self._segment_tags[number] = tag

    def prune(self, tag_below: int) -> None:
        """Remove segments in which every record has a tag below `tag_below`; never the one being written.

        Raises: WriteFailed.
        """
        self._require_sound()
        for number in list(self._segment_tags):
            if number == self._segment or self._segment_tags[number] >= tag_below:
                return
            path = self._path(number)
            try:
                self._files.unlink(path)
                # One by one: if two removals were synced together, a power cut could keep the first and
                # undo the second, and a segment would be missing in the middle.
                self._files.sync_folder(self._folder)
            except OSError as error:
                raise self._failed(f"removal of {path}", error) from error
            del self._segment_tags[number]

    def close(self) -> None:
        """Release the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _recover(self) -> RecoveredLog:
        numbers = _segment_numbers(self._folder, self._files)
        batches: list[tuple[LogRecord, ...]] = []
        last_found: ScannedBatches | None = None
        content = b""
        for position, number in enumerate(numbers):
            if number != numbers[0] + position:
                raise DamagedLog(self._path(number - 1), 0, "segment is missing")
            is_last = number == numbers[-1]
            content = _read_segment(self._path(number), self._files)
            head = content[:SEGMENT_HEAD_BYTES]
            if is_last and _was_never_begun(head, content):
                break
            first_sequence, seed = _read_head(self._path(number), head)
            if head[IDENTITY_AT:SEQUENCE_AT] != self._identity:
                raise DamagedLog(self._path(number), IDENTITY_AT, "belongs to another network")
            if position == 0:
                self._next_sequence = first_sequence
            elif first_sequence != self._next_sequence:
                raise DamagedLog(
                    self._path(number), SEQUENCE_AT, f"begins with batch {first_sequence}, not {self._next_sequence}"
                )
            found = scan_batches(
                self._path(number),
                content,
                start=SEGMENT_HEAD_BYTES,
                sequence=first_sequence,
                seed=seed,
                may_be_cut=is_last,
            )
            batches.extend(found.batches)
            self._next_sequence += len(found.batches)
            if is_last:
                self._seed, last_found = seed, found
        first_sequence = self._next_sequence - len(batches)
        # What the records found concern is known only when they are decoded: see `tag_found`.
        self._segment_tags = dict.fromkeys(numbers, TAG_UNKNOWN)
        last = numbers[-1] if numbers else 1
        if last_found is None:
            self._begin_segment(last)
            return RecoveredLog(tuple(batches), 0, first_sequence)
        self._continue_segment(last, content, last_found)
        return RecoveredLog(tuple(batches), last_found.cut_bytes, first_sequence)

    def _continue_segment(self, number: int, content: bytes, found: ScannedBatches) -> None:
        """Go on behind the last whole batch, with what follows erased: later bytes must not meet it.

        The last batch is written again: if the sync that ended the process before failed, the batch may be in the page
        cache, marked clean, and nowhere else, where no further sync would look at it.
        """
        path, end = self._path(number), found.end
        try:
            self._file = self._files.open(path)
            self._file.truncate(end)
            self._file.write_at(content[:SEGMENT_HEAD_BYTES], 0)
            self._file.write_at(content[found.last_start : end], found.last_start)
            self._file.allocate(max(self._segment_bytes, end))
            self._file.sync()
            self._files.sync_folder(self._folder)
        except OSError as error:
            raise self._failed(f"opening of {path}", error) from error
        self._segment, self._offset = number, end

    def _begin_segment(self, number: int) -> None:
        """Make a segment, over one of that number that a crash left before it was begun."""
        self.close()
        path = self._path(number)
        head = MAGIC + VERSION.to_bytes(2, "big") + self._identity + self._next_sequence.to_bytes(8, "big")
        sealed, self._seed = seal_head(head + self._draw_salt())
        try:
            if number in self._segment_tags:
                self._file = self._files.open(path)
                self._file.truncate(0)
            else:
                self._file = self._files.create(path)
            self._file.write_at(sealed, 0)
            self._file.allocate(max(self._segment_bytes, SEGMENT_HEAD_BYTES))
            self._file.sync()
            self._files.sync_folder(self._folder)
        except OSError as error:
            raise self._failed(f"creation of {path}", error) from error
        self._segment, self._offset = number, SEGMENT_HEAD_BYTES
        self._segment_tags[number] = 0

    def _path(self, number: int) -> Path:
        return _segment_path(self._folder, number)

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _failed(self, what: str, error: OSError) -> WriteFailed:
        self._failure = WriteFailed(what, str(error))
        return self._failure


def _segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:0{SEGMENT_NAME_DIGITS}}.log"


def _segment_numbers(folder: Path, files: FileSystem) -> list[int]:
    try:
        names = files.names(folder)
    except OSError as error:
        raise DamagedLog(folder, 0, f"cannot be listed: {error}") from error
    stems = [name.removesuffix(".log") for name in names if name.endswith(".log")]
    return sorted(int(stem) for stem in stems if len(stem) == SEGMENT_NAME_DIGITS and stem.isdecimal())


def _read_segment(path: Path, files: FileSystem) -> bytes:
    try:
        return files.read(path)
    except OSError as error:
        raise DamagedLog(path, 0, f"cannot be read: {error}") from error


def _read_head(path: Path, head: bytes) -> tuple[int, int]:
    """Return the number of a segment's first batch and the seed of its checksums. Raises: DamagedLog."""
    sealed, seed = seal_head(head[:-4])
    if len(head) < SEGMENT_HEAD_BYTES or sealed != head or not head.startswith(MAGIC):
        raise DamagedLog(path, 0, "segment header is damaged")
    version = int.from_bytes(head[len(MAGIC) : IDENTITY_AT], "big")
    if version != VERSION:
        raise DamagedLog(path, len(MAGIC), f"version {version}, this node reads {VERSION}")
    return int.from_bytes(head[SEQUENCE_AT : SEQUENCE_AT + 8], "big"), seed


def _was_never_begun(head: bytes, content: bytes) -> bool:
    """Tell whether a crash left this segment before its header was whole: then nothing was written behind it."""
    is_whole = len(head) == SEGMENT_HEAD_BYTES and head.strip(b"\x00") and seal_head(head[:-4])[0] == head
    return not is_whole and not content[SEGMENT_HEAD_BYTES:].strip(b"\x00")

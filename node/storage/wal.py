"""The write-ahead log: what a validator said and heard above the final chain, durable before a vote leaves.

Segments `NNNNNNNN.log`, preallocated. A batch is written, synced, and only then the next one is begun; so damage inside
the last batch is a power cut and is cut off, and damage before it is not, and the node refuses to start.
Source: consensus.md §7.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google_crc32c import value as crc32c

from consensus.primitives.scalars import Hash32
from node.storage.errors import StorageError, WriteFailed
from node.storage.files import sync_folder

MAGIC = b"SYCEEWAL"
VERSION = 1
SEGMENT_HEAD_BYTES = 8 + 2 + 8 + 32 + 8 + 4
SEGMENT_BYTES = 64 * 1024 * 1024
"""Length to which a segment is allocated; a batch may make it longer. Half would rotate twice as often under load."""

RECORD_HEAD_BYTES = 9
RECORD_BYTES_MAX = 16 * 1024 * 1024
"""Longest record believed when reading: twice the largest body."""

END_OF_BATCH = 8
"""Record type that closes a sync batch."""

TAG_UNKNOWN = 2**64
"""Tag of segments found at opening: above every view, so nothing in them is let go by mistake."""


class DamagedLog(StorageError):
    """Damage that no power cut explains. The node does not start: it might contradict what it said."""

    def __init__(self, path: Path, offset: int, detail: str) -> None:
        self.path = path
        self.offset = offset
        self.detail = detail
        super().__init__(
            f"{path} at byte {offset}: {detail}. This validator's memory is damaged; "
            "treat the disk as lost (docs/operators/failover.md)"
        )


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record as it is in the log."""

    type: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class RecoveredLog:
    """What was found when the log was opened."""

    batches: tuple[tuple[LogRecord, ...], ...]
    """Whole sync batches, oldest first."""
    cut_bytes: int
    """Bytes of an unfinished batch that were cut off; 0 after a clean stop."""

    @property
    def records(self) -> tuple[LogRecord, ...]:
        """Every record, oldest first."""
        return tuple(record for batch in self.batches for record in batch)


class Wal:
    """Append-only log of one node. `append_batch` runs on the wal thread, everything else before the node starts."""

    def __init__(self, folder: Path, identity: bytes, sequence: int, segment: int, segment_bytes: int) -> None:
        self._folder = folder
        self._identity = identity
        self._next_sequence = sequence
        self._segment = segment
        self._segment_bytes = segment_bytes
        self._descriptor = -1
        self._offset = 0
        self._segment_tags: dict[int, int] = {}
        """Highest tag of the records in each segment."""

    @classmethod
    def open(
        cls, folder: Path, *, chain_id: int, genesis_hash: Hash32, segment_bytes: int = SEGMENT_BYTES
    ) -> "tuple[Wal, RecoveredLog]":
        """Read every segment in `folder`, which must exist, cut an unfinished batch, and open for appending.

        Raises: DamagedLog, WriteFailed.
        """
        identity = chain_id.to_bytes(8, "big") + genesis_hash
        numbers = sorted(int(path.stem) for path in folder.glob("[0-9]*.log"))
        batches: list[tuple[LogRecord, ...]] = []
        sequence, cut_bytes, end = 1, 0, 0
        last_number = numbers[-1] if numbers else 0
        for position, number in enumerate(numbers):
            if number != numbers[0] + position:
                raise DamagedLog(_path(folder, number - 1), 0, "segment is missing")
            is_last = number == last_number
            scan = _Scan(_path(folder, number), identity, is_last=is_last)
            if scan.is_empty:
                break
            if position == 0:
                sequence = scan.first_sequence
            elif scan.first_sequence != sequence:
                raise DamagedLog(scan.path, 0, f"begins with batch {scan.first_sequence}, expected {sequence}")
            found, sequence = scan.read_batches(sequence, is_last=is_last)
            batches.extend(found)
            cut_bytes, end = scan.cut_bytes, scan.end if is_last else 0
        wal = cls(folder, identity, sequence, last_number, segment_bytes)
        # What the records found concern is known only when they are decoded: see `tag_found`.
        wal._segment_tags = dict.fromkeys(numbers, TAG_UNKNOWN)
        if end:
            wal._reopen(end)
        else:
            wal._begin_segment(max(last_number, 1))
        return wal, RecoveredLog(tuple(batches), cut_bytes)

    def append_batch(self, records: Sequence[LogRecord], *, tag: int) -> None:
        """Write records as one batch and sync it. `tag` is the view up to which they matter, for `prune`.

        Raises: WriteFailed, which ends the process: nobody knows what is on disk after a failed sync.
        """
        if self._offset >= self._segment_bytes:
            self._begin_segment(self._segment + 1)
        content = b"".join([_encode_record(record.type, record.payload) for record in records])
        closing = self._next_sequence.to_bytes(8, "big") + crc32c(content).to_bytes(4, "big")
        content += _encode_record(END_OF_BATCH, closing)
        try:
            written = os.pwrite(self._descriptor, content, self._offset)
            if written != len(content):
                raise WriteFailed("write-ahead log", f"{written} of {len(content)} bytes written")
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise WriteFailed("write-ahead log", str(error)) from error
        self._offset += len(content)
        self._next_sequence += 1
        self._segment_tags[self._segment] = max(self._segment_tags.get(self._segment, 0), tag)

    def tag_found(self, tag: int) -> None:
        """Say up to which tag the records found at opening matter; until then `prune` keeps them all."""
        for number, known in self._segment_tags.items():
            if known == TAG_UNKNOWN:
                self._segment_tags[number] = tag

    def prune(self, tag_below: int) -> None:
        """Remove segments in which every record has a tag below `tag_below`; never the one being written.

        Raises: WriteFailed.
        """
        removable = [number for number in sorted(self._segment_tags) if number != self._segment]
        removed = False
        for number in removable:
            if self._segment_tags[number] >= tag_below:
                break
            try:
                _path(self._folder, number).unlink()
            except OSError as error:
                raise WriteFailed("removal of a log segment", str(error)) from error
            del self._segment_tags[number]
            removed = True
        if removed:
            sync_folder(self._folder)

    def close(self) -> None:
        """Release the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _reopen(self, end: int) -> None:
        """Continue the last segment behind its last whole batch, with what follows erased."""
        path = _path(self._folder, self._segment)
        try:
            self._descriptor = os.open(path, os.O_RDWR)
            os.ftruncate(self._descriptor, end)
            self._allocate(end)
            os.fsync(self._descriptor)
        except OSError as error:
            raise WriteFailed(f"opening of {path}", str(error)) from error
        self._offset = end

    def _begin_segment(self, number: int) -> None:
        self.close()
        path = _path(self._folder, number)
        head = MAGIC + VERSION.to_bytes(2, "big") + self._identity + self._next_sequence.to_bytes(8, "big")
        head += crc32c(head).to_bytes(4, "big")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.pwrite(self._descriptor, head, 0)
            self._allocate(len(head))
            os.fsync(self._descriptor)
        except OSError as error:
            raise WriteFailed(f"creation of {path}", str(error)) from error
        sync_folder(self._folder)
        self._segment, self._offset = number, len(head)
        self._segment_tags[number] = 0

    def _allocate(self, from_offset: int) -> None:
        if self._segment_bytes > from_offset:
            os.posix_fallocate(self._descriptor, from_offset, self._segment_bytes - from_offset)


class _Scan:
    """Reads one segment."""

    def __init__(self, path: Path, identity: bytes, *, is_last: bool) -> None:
        self.path = path
        self.is_empty = False
        """Whether a crash came while it was created; then nothing was written into it."""
        self.cut_bytes = 0
        self.end = 0
        self.first_sequence = 0
        self._content = path.read_bytes()
        self._read_head(identity, is_last=is_last)

    def _read_head(self, identity: bytes, *, is_last: bool) -> None:
        head = self._content[:SEGMENT_HEAD_BYTES]
        if len(head) < SEGMENT_HEAD_BYTES or int.from_bytes(head[-4:], "big") != crc32c(head[:-4]) or head[:8] != MAGIC:
            # The header is synced before the first batch is written, so a torn one has nothing behind it.
            if is_last and not self._content[SEGMENT_HEAD_BYTES:].strip(b"\x00"):
                self.is_empty = True
                return
            raise DamagedLog(self.path, 0, "segment header is damaged")
        if int.from_bytes(head[8:10], "big") != VERSION:
            raise DamagedLog(self.path, 8, f"version {int.from_bytes(head[8:10], 'big')}, this node reads {VERSION}")
        if head[10:50] != identity:
            raise DamagedLog(self.path, 10, "belongs to another network")
        self.first_sequence = int.from_bytes(head[50:58], "big")
        self.end = SEGMENT_HEAD_BYTES

    def read_batches(self, sequence: int, *, is_last: bool) -> tuple[list[tuple[LogRecord, ...]], int]:
        """Return the whole batches and the next sequence. Raises: DamagedLog."""
        batches: list[tuple[LogRecord, ...]] = []
        open_records: list[LogRecord] = []
        at = self.end
        while True:
            record, after = self._record_at(at)
            if record is None:
                break
            if record.type != END_OF_BATCH:
                open_records.append(record)
                at = after
                continue
            found = int.from_bytes(record.payload[:8], "big")
            checksum = int.from_bytes(record.payload[8:12], "big")
            if found != sequence or checksum != crc32c(self._content[self.end : at]):
                raise DamagedLog(self.path, at, f"batch {found} is not {sequence}, or its checksum is wrong")
            batches.append(tuple(open_records))
            open_records = []
            sequence += 1
            at = self.end = after
        self._judge_tail(at, sequence, is_last=is_last)
        return batches, sequence

    def _record_at(self, at: int) -> tuple[LogRecord | None, int]:
        content = self._content
        if at + RECORD_HEAD_BYTES > len(content):
            return None, at
        length = int.from_bytes(content[at : at + 4], "big")
        after = at + RECORD_HEAD_BYTES + length
        if length > RECORD_BYTES_MAX or after > len(content):
            return None, at
        checksum = int.from_bytes(content[at + 4 : at + 8], "big")
        if checksum != crc32c(content[at + 8 : after]) or content[at + 8] == 0:
            return None, at
        return LogRecord(content[at + 8], content[at + RECORD_HEAD_BYTES : after]), after

    def _judge_tail(self, at: int, sequence: int, *, is_last: bool) -> None:
        """Behind the last whole batch there may be zeros, or one unfinished batch at the very end of the log."""
        tail = self._content[self.end :].rstrip(b"\x00")
        if not tail:
            return
        if not is_last or self._has_batch_after(at, sequence):
            raise DamagedLog(self.path, at, "a record is damaged and whole batches follow it")
        self.cut_bytes = len(tail)

    def _has_batch_after(self, at: int, sequence: int) -> bool:
        """Tell whether a closing record of a later batch stands behind `at`: then this is no power cut."""
        content = self._content
        needle = (12).to_bytes(4, "big")
        position = content.find(needle, at + 1)
        while position >= 0:
            record, _ = self._record_at(position)
            if record is not None and record.type == END_OF_BATCH:
                found = int.from_bytes(record.payload[:8], "big")
                if found > sequence:
                    return True
            position = content.find(needle, position + 1)
        return False


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:08}.log"


def _encode_record(record_type: int, payload: bytes) -> bytes:
    content = bytes((record_type,)) + payload
    checksum: int = crc32c(content)
    return len(payload).to_bytes(4, "big") + checksum.to_bytes(4, "big") + content

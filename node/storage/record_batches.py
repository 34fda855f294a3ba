"""Records in sync batches: the bytes that the write-ahead log and the sign guard share.

A record is `u32 length ‖ u32 checksum ‖ u8 type ‖ payload`; a batch is its records and a closing record with its
number. Batch k + 1 is first written after the sync of k returned. So what is damaged in the last batch was cut by a
power failure and was never relied on, and damage before it is not, and is never skipped. Source: consensus.md §7.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from google_crc32c import extend as extend_crc32c
from google_crc32c import value as crc32c

from node.storage.errors import UnsafeData

RECORD_HEAD_BYTES = 9
RECORD_BYTES_MAX = 16 * 1024 * 1024
"""Longest payload written, or believed when reading: twice the largest body."""

END_OF_BATCH = 8
"""Record type that closes a sync batch: payload sequence u64 ‖ CRC-32C of the batch's other records."""
CLOSING_PAYLOAD_BYTES = 12

SALT_BYTES = 8
"""Random bytes in a file's header, which seed every record checksum in it. Bodies in a log are written by others: with
a checksum they can compute, a body could hold what looks like later batches, and a power cut inside it like damage."""


class DamagedLog(UnsafeData):
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
    """1 to 255 without END_OF_BATCH; 0 is what follows the last record of a preallocated file."""
    payload: bytes
    """At most RECORD_BYTES_MAX."""


@dataclass(frozen=True, slots=True)
class ScannedBatches:
    """What is in a file behind its header."""

    batches: tuple[tuple[LogRecord, ...], ...]
    """Whole batches, oldest first."""
    last_start: int
    """Offset at which the last whole batch begins; `end` if there is none."""
    end: int
    """Offset behind the last whole batch."""
    cut_bytes: int
    """Bytes of an unfinished batch behind `end`; 0 if there is none."""


def draw_salt() -> bytes:
    """Return a salt nobody can foresee."""
    return os.urandom(SALT_BYTES)


def seal_head(head: bytes) -> tuple[bytes, int]:
    """Return a file header with its checksum behind it, and the seed of its records' checksums."""
    seed: int = crc32c(head)
    return head + seed.to_bytes(4, "big"), seed


def encode_batch(records: Sequence[LogRecord], *, sequence: int, seed: int) -> bytes:
    """Return the bytes of one whole batch."""
    # A body is copied once, by the last line.
    parts: list[bytes] = []
    checksum = 0
    for record in records:
        head = _encode_head(record.type, record.payload, seed)
        parts += (head, record.payload)
        checksum = extend_crc32c(extend_crc32c(checksum, head), record.payload)
    closing = sequence.to_bytes(8, "big") + checksum.to_bytes(4, "big")
    parts += (_encode_head(END_OF_BATCH, closing, seed), closing)
    return b"".join(parts)


def scan_batches(
    path: Path, content: bytes, *, start: int, sequence: int, seed: int, may_be_cut: bool
) -> ScannedBatches:
    """Read the batches of a file, the first of which has number `sequence`, from offset `start`.

    `may_be_cut`: the file is the newest, so that its last batch may be unfinished. Raises: DamagedLog.
    """
    batches: list[tuple[LogRecord, ...]] = []
    unfinished: list[LogRecord] = []
    at = end = last_start = start
    while (found := _record_at(content, at, seed)) is not None:
        record, after = found
        if record.type != END_OF_BATCH:
            unfinished.append(record)
            at = after
            continue
        number, checksum = int.from_bytes(record.payload[:8], "big"), int.from_bytes(record.payload[8:], "big")
        if number != sequence or checksum != crc32c(content[end:at]):
            raise DamagedLog(path, at, f"batch {number} closes where {sequence} should, or its checksum is wrong")
        batches.append(tuple(unfinished))
        unfinished = []
        sequence += 1
        last_start, at, end = end, after, after
    cut_bytes = len(content[end:].rstrip(b"\x00"))
    if cut_bytes and (not may_be_cut or _closes_later(content, at, sequence, seed)):
        raise DamagedLog(path, at, "a record is damaged and whole batches follow it")
    return ScannedBatches(tuple(batches), last_start if batches else end, end, cut_bytes)


def _closes_later(content: bytes, at: int, sequence: int, seed: int) -> bool:
    """Tell whether a batch after `sequence` is closed behind `at`: then no power cut did the damage."""
    needle = CLOSING_PAYLOAD_BYTES.to_bytes(4, "big")
    position = content.find(needle, at + 1)
    while position >= 0:
        found = _record_at(content, position, seed)
        if found is not None and _closed_sequence(found[0]) > sequence:
            return True
        position = content.find(needle, position + 1)
    return False


def _closed_sequence(record: LogRecord) -> int:
    """Return the number of the batch that a record closes; 0 if it closes none."""
    return int.from_bytes(record.payload[:8], "big") if record.type == END_OF_BATCH else 0


def _record_at(content: bytes, at: int, seed: int) -> tuple[LogRecord, int] | None:
    """Return the record at an offset and the offset behind it; None if there is no whole one."""
    if at + RECORD_HEAD_BYTES > len(content):
        return None
    length = int.from_bytes(content[at : at + 4], "big")
    record_type = content[at + 8]
    after = at + RECORD_HEAD_BYTES + length
    if record_type == 0 or length > RECORD_BYTES_MAX or after > len(content):
        return None
    if record_type == END_OF_BATCH and length != CLOSING_PAYLOAD_BYTES:
        return None
    if int.from_bytes(content[at + 4 : at + 8], "big") != extend_crc32c(seed, content[at + 8 : after]):
        return None
    return LogRecord(record_type, content[at + RECORD_HEAD_BYTES : after]), after


def _encode_head(record_type: int, payload: bytes, seed: int) -> bytes:
    assert 0 < record_type < 256, "type 0 marks the end of a preallocated file"
    assert len(payload) <= RECORD_BYTES_MAX, "a longer record could not be read back"
    type_byte = bytes((record_type,))
    checksum: int = extend_crc32c(extend_crc32c(seed, type_byte), payload)
    return len(payload).to_bytes(4, "big") + checksum.to_bytes(4, "big") + type_byte

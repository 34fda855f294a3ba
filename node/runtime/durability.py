"""The write-ahead log and the sign guard as one: what a turn must make durable before anything leaves."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.messages import Statement
from consensus.simplex.records import (
    OwnVoteRecord,
    Record,
    RecordType,
    ResumeViewRecord,
    VotingStoppedRecord,
    encode_record,
)
from node.storage.wal import LogRecord, Wal
from node.validator.signer import GuardedSigner

VIEW_BITS = 48
"""Bits of a log tag below the epoch; no epoch has 2^48 views."""

BUFFER_BYTES_MAX = 4 * 1024 * 1024
"""Buffered bytes after which a turn syncs although nobody waits for it: a node that signs nothing would else keep
every body it hears of in memory. Two bodies of default size; twice as much would only be written later."""

SYNC_SAMPLES = 1_000
"""Durations kept for the status screen's 99th percentile."""


class LogPosition(NamedTuple):
    """Up to where records of the log matter, in the order of the protocol."""

    epoch: Epoch
    view: View

    @property
    def tag(self) -> int:
        """The position as the log keeps it: one number that grows."""
        return self.epoch << VIEW_BITS | self.view


class WalAndGuard:
    """Buffers on the loop thread; its sync job runs on the wal thread."""

    def __init__(self, wal: Wal, signer: GuardedSigner, position_highest: Callable[[], LogPosition]) -> None:
        """`position_highest` is the highest that the records of a batch can concern, for pruning."""
        self._wal = wal
        self._signer = signer
        self._position_highest = position_highest
        self._buffer: list[LogRecord] = []
        self._buffer_bytes = 0
        self._durations_us: deque[int] = deque(maxlen=SYNC_SAMPLES)
        self._new_durations_us: list[int] = []
        self._took_us = 0

    def append(self, records: tuple[Record, ...]) -> None:
        """Buffer records; what the guard must know is told to the signer too. Raises: SignRefused."""
        for record in records:
            match record:
                case OwnVoteRecord(statement):
                    self._signer.record(statement)
                case ResumeViewRecord(epoch, view):
                    self._signer.set_resume_view(epoch, view)
                case VotingStoppedRecord(_, reason):
                    self._signer.stop(reason)
            record_type, payload = encode_record(record)
            self._add(LogRecord(record_type, payload))

    def append_body(self, digest: Hash32, body: bytes) -> None:
        """Buffer a whole body; any vote for it is synced after it, in the same log."""
        self._add(LogRecord(RecordType.BODY, digest + body))

    @property
    def is_full(self) -> bool:
        """Whether so much is buffered that it should be written."""
        return self._buffer_bytes >= BUFFER_BYTES_MAX

    def sync_job(self) -> Callable[[], None]:
        """Return the job that writes and syncs all that is buffered so far: the log first, then the guard."""
        records, self._buffer = self._buffer, []
        self._buffer_bytes = 0
        statements = self._signer.take_unsynced()
        tag = self._position_highest().tag

        def job() -> None:
            started_ns = time.perf_counter_ns()
            self._wal.append_batch(records, tag=tag)
            self._signer.sync(statements)
            self._took_us = (time.perf_counter_ns() - started_ns) // 1_000

        return job

    def synced(self) -> None:
        """The newest sync job is done: its signatures may leave."""
        self._signer.synced()
        self._durations_us.append(self._took_us)
        self._new_durations_us.append(self._took_us)

    def sync_durations_us(self) -> list[int]:
        """Return how long the latest syncs took."""
        return list(self._durations_us)

    def take_new_durations_us(self) -> list[int]:
        """Return the durations since the last call."""
        taken, self._new_durations_us = self._new_durations_us, []
        return taken

    def recovered(self, highest: LogPosition) -> None:
        """What was found in the log concerns nothing above `highest`."""
        self._wal.tag_found(highest.tag)

    def complete_guard(self, statements: Iterable[Statement]) -> None:
        """Put votes of the log that a crash kept from the guard into it, and new marks, before anything is signed.

        Raises: SignRefused, WriteFailed.
        """
        for statement in statements:
            self._signer.record(statement)
        self._signer.sync(self._signer.take_unsynced())
        self._signer.synced()

    def prune(self, committed: LogPosition) -> None:
        """Let go of log segments that concern only views up to one whose block is committed."""
        self._wal.prune(committed.tag + 1)

    def _add(self, record: LogRecord) -> None:
        self._buffer.append(record)
        self._buffer_bytes += len(record.payload)

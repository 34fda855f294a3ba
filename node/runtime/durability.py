"""The write-ahead log and the sign guard as one: what a turn must make durable before anything leaves."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from consensus.primitives.scalars import Hash32, View
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

BUFFER_BYTES_MAX = 4 * 1024 * 1024
"""Buffered bytes after which a turn syncs although nobody waits for it: a node that signs nothing would else keep
every body it hears of in memory. Two bodies of default size; twice as much would only be written later."""

SYNC_SAMPLES = 1_000
"""Durations kept for the status screen's 99th percentile."""


class WalAndGuard:
    """Buffers on the loop thread; its sync job runs on the wal thread."""

    def __init__(self, wal: Wal, signer: GuardedSigner, view_highest: Callable[[], View]) -> None:
        """`view_highest` is the highest view that the records of a batch can concern, for pruning."""
        self._wal = wal
        self._signer = signer
        self._view_highest = view_highest
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
        tag = self._view_highest()

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

    def recovered(self, view_highest: View) -> None:
        """What was found in the log concerns views up to `view_highest`."""
        self._wal.tag_found(view_highest)

    def complete_guard(self, statements: Iterable[Statement]) -> None:
        """Put votes of the log that a crash kept from the guard into it, and new marks, before anything is signed.

        Raises: SignRefused, WriteFailed.
        """
        for statement in statements:
            self._signer.record(statement)
        self._signer.sync(self._signer.take_unsynced())
        self._signer.synced()

    def prune(self, view: View) -> None:
        """Let go of log segments that concern only views up to `view`, whose block is committed."""
        self._wal.prune(view + 1)

    def _add(self, record: LogRecord) -> None:
        self._buffer.append(record)
        self._buffer_bytes += len(record.payload)

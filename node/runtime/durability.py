"""The write-ahead log and the sign guard as one: what a turn must make durable before anything leaves."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from consensus.primitives.scalars import Hash32, View
from consensus.simplex.messages import Statement
from consensus.simplex.records import OwnVoteRecord, Record, RecordType, encode_record
from node.storage.wal import LogRecord, Wal
from node.validator.signer import GuardedSigner

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
        self._durations_us: deque[int] = deque(maxlen=SYNC_SAMPLES)
        self._new_durations_us: list[int] = []
        self._took_us = 0

    def append(self, records: tuple[Record, ...]) -> None:
        """Buffer records; own votes are recorded by the signer too. Raises: SignRefused."""
        for record in records:
            if isinstance(record, OwnVoteRecord):
                self._signer.record(record.statement)
            record_type, payload = encode_record(record)
            self._buffer.append(LogRecord(record_type, payload))

    def append_body(self, digest: Hash32, body: bytes) -> None:
        """Buffer a whole body; any vote for it is synced after it, in the same log."""
        self._buffer.append(LogRecord(RecordType.BODY, digest + body))

    def sync_job(self) -> Callable[[], None]:
        """Return the job that writes and syncs all that is buffered so far: the log first, then the guard."""
        records, self._buffer = self._buffer, []
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
        """Put votes of the log that a crash kept from the guard into it, before anything else is signed or logged.

        Raises: SignRefused, WriteFailed.
        """
        for statement in statements:
            self._signer.record(statement)
        self._signer.sync(self._signer.take_unsynced())
        self._signer.synced()

    def prune(self, view: View) -> None:
        """Let go of log segments that concern only views up to `view`, whose block is committed."""
        self._wal.prune(view + 1)

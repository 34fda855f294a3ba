"""The write-ahead log and the sign guard as one: what a turn must make durable before anything leaves."""

from collections.abc import Callable

from consensus.primitives.scalars import Hash32, Height
from consensus.simplex.records import OwnVoteRecord, Record, RecordType, encode_record
from node.storage.wal import LogRecord, Wal
from node.validator.signer import GuardedSigner


class WalAndGuard:
    """Buffers on the loop thread; its sync job runs on the wal thread."""

    def __init__(self, wal: Wal, signer: GuardedSigner, height: Callable[[], Height]) -> None:
        """`height` is the highest height the records of a batch can concern, for pruning."""
        self._wal = wal
        self._signer = signer
        self._height = height
        self._buffer: list[LogRecord] = []

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
        tag = self._height()

        def job() -> None:
            self._wal.append_batch(records, tag=tag)
            self._signer.sync(statements)

        return job

    def synced(self) -> None:
        """The newest sync job is done: its signatures may leave."""
        self._signer.synced()

"""Final blocks to disk, in order, one synced batch each; then the tree, the mempool, and everybody who waits."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Height
from consensus.simplex.messages import Certificate, encode_certificate
from node.chain.block_tree import BlockTree
from node.chain.commit import commit_block
from node.chain.feed import Feed, FinalBlock
from node.chain.indexes import IndexWriter
from node.chain.records import FinalHead
from node.execution.transition import ExecutedBlock
from node.mempool.pool import Pool
from node.mempool.waiters import Waiters
from node.runtime.ports import Clock, Lane, Workers
from node.state.reader import FinalState, StateReader
from node.storage.kv import KeyValueStore


@dataclass(frozen=True, slots=True)
class FinalizedBlock:
    """A final, executed block on its way to disk."""

    executed: ExecutedBlock
    finalization: Certificate
    """Of this block, or of the descendant through which it is final."""
    is_own_finalization: bool
    build_ms: int
    certify_ms: int


class Committer:
    """Owned by the loop thread; batches are written on the store thread."""

    def __init__(
        self,
        *,
        store: KeyValueStore,
        tree: BlockTree,
        pool: Pool,
        waiters: Waiters,
        feed: Feed,
        validator_count: Callable[[], int],
        workers: Workers,
        clock: Clock,
        committed: Callable[[ExecutedBlock, Certificate], None],
        epoch_ended: Callable[[ExecutedBlock], None],
        failed: Callable[[BaseException], None],
        indexes: IndexWriter | None = None,
    ) -> None:
        self._store = store
        self._tree = tree
        self._pool = pool
        self._waiters = waiters
        self._feed = feed
        self._validator_count = validator_count
        self._workers = workers
        self._clock = clock
        self._committed = committed
        self._epoch_ended = epoch_ended
        self._failed = failed
        self._indexes = indexes
        self._queue: deque[FinalizedBlock] = deque()
        self._is_busy = False
        self.final_state: StateReader = FinalState(store.snapshot())
        """The state after the tree's final block. A snapshot: the store may already be one block ahead of the tree."""
        self.height_queued: Height = tree.final_height
        """Highest height handed in so far."""

    def enqueue(self, finalized: FinalizedBlock) -> None:
        """Commit a block after all handed in before; one that is already on its way is ignored."""
        header = finalized.executed.block.header
        if header.height <= self.height_queued:
            return
        assert header.height == self.height_queued + 1, "final blocks are handed in without gaps"
        self.height_queued = header.height
        self._queue.append(finalized)
        self._next()

    def _next(self) -> None:
        if self._is_busy or not self._queue:
            return
        finalized = self._queue.popleft()
        block = finalized.executed.block
        statement = finalized.finalization.statement
        # A restart between the blocks of one finalization begins at this block: the finalization's view belongs to
        # another, and a floor there would drop the votes and blocks that make the rest final again.
        view = statement.view if finalized.is_own_finalization else block.header.view
        head = FinalHead(block.header.height, block.block_hash, statement.epoch, view)
        encoded = encode_certificate(finalized.finalization) if finalized.is_own_finalization else None
        started_ms = self._clock.now_ms()
        self._is_busy = True

        def job() -> StateReader:
            commit_block(self._store, finalized.executed, head, encoded, self._indexes)
            return FinalState(self._store.snapshot())

        self._workers.submit(
            Lane.STORE,
            job,
            lambda final_state: self._done(finalized, final_state, self._clock.now_ms() - started_ms),
            self._failed,
        )

    def _done(self, finalized: FinalizedBlock, final_state: StateReader, commit_ms: int) -> None:
        self._is_busy = False
        executed = finalized.executed
        block = executed.block
        height = block.header.height
        self.final_state = final_state
        self._tree.advance(block.block_hash, height)
        for child in self._tree.above():
            if child.header.parent_hash == block.block_hash and child.executed is not None:
                child.executed.overlay.rebase(final_state)
        removed = self._pool.drop_final(zip(executed.senders, executed.nonces, strict=True))
        now_ms = self._clock.now_ms()
        for index, transaction_hash in enumerate(executed.transaction_hashes):
            self._waiters.wake(transaction_hash, height, index)
        self._committed(executed, finalized.finalization)
        self._feed.publish(
            FinalBlock(
                block=block,
                receipts=executed.receipts,
                senders=executed.senders,
                transaction_hashes=executed.transaction_hashes,
                finalization_view=finalized.finalization.statement.view,
                signer_count=len(finalized.finalization.signers),
                validator_count=self._validator_count(),
                build_ms=finalized.build_ms,
                certify_ms=finalized.certify_ms,
                commit_ms=commit_ms,
                submit_to_final_ms=tuple(now_ms - pooled.arrived_ms for pooled in removed if pooled.from_client),
                work_used=executed.work_used,
            )
        )
        if executed.last_of_epoch:
            # After the feed: whoever reports the block still names the validators of its own epoch.
            self._epoch_ended(executed)
        self._next()

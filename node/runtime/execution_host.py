"""Builds and certifies blocks on the execute thread, one job at a time, newest view first.

A verdict says valid or invalid only about the block and its parent state. When the parent is not executed here, or the
block was abandoned while it was executed, nothing is reported; the machine asks again when it still cares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consensus.chain.errors import InvalidTransaction
from consensus.chain.transaction import decode_transaction, recover_sender, validate_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View
from node.chain.block_tree import BlockTree, TreeBlock
from node.execution.builder import build_block
from node.execution.errors import InvalidBlock, OversizedBody, UndecodableBody
from node.execution.limits import BlockLimits
from node.execution.transition import BlockContext, ExecutedBlock, SignedTransaction, apply_block
from node.mempool.pool import Pool
from node.runtime.ports import Clock, Lane, Workers
from node.state.reader import StateReader


@dataclass(frozen=True, slots=True)
class EpochRules:
    """What execution needs to know of the epoch in force."""

    chain_id: int
    epoch: Epoch
    limits: BlockLimits
    leader_of: Callable[[View], Address]
    """Operator address of a view's leader."""


Built = Callable[[View, TreeBlock], None]
Certified = Callable[[Hash32, InvalidBlock | None], None]
"""Called with the reason when the block is invalid for ever, and with None when it is valid."""


class ExecutionHost:
    """Owned by the loop thread; only the jobs run on the execute thread."""

    def __init__(
        self,
        *,
        tree: BlockTree,
        pool: Pool,
        rules: Callable[[], EpochRules],
        final_state: Callable[[], StateReader],
        workers: Workers,
        clock: Clock,
        built: Built,
        certified: Certified,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._tree = tree
        self._pool = pool
        self._rules = rules
        self._final_state = final_state
        self._workers = workers
        self._clock = clock
        self._built = built
        self._certified = certified
        self._failed = failed
        self._build: tuple[Hash32, View, TimestampMs] | None = None
        self._to_certify: dict[Hash32, View] = {}
        self._is_busy = False

    def build(self, parent_hash: Hash32, view: View, timestamp_ms: TimestampMs) -> None:
        """Build on an executed parent. A build that has not begun is replaced."""
        self._build = (parent_hash, view, timestamp_ms)
        self._next()

    def certify(self, block_hash: Hash32) -> None:
        """Execute a block whose body and parent are here. Asking twice is harmless."""
        block = self._tree.get(block_hash)
        if block is not None:
            self._to_certify[block_hash] = block.header.view
            self._next()

    def parent_state(self, parent_hash: Hash32) -> StateReader | None:
        """Return the state after a block: the final one's or an executed speculative one's."""
        if parent_hash == self._tree.final_hash:
            return self._final_state()
        parent = self._tree.get(parent_hash)
        return None if parent is None or parent.executed is None else parent.executed.overlay

    def _next(self) -> None:
        if self._is_busy:
            return
        if self._build is not None:
            (parent_hash, view, timestamp_ms), self._build = self._build, None
            self._start_build(parent_hash, view, timestamp_ms)
        while not self._is_busy and self._to_certify:
            newest = max(self._to_certify, key=lambda block_hash: self._to_certify[block_hash])
            del self._to_certify[newest]
            self._start_certify(newest)

    def _start_build(self, parent_hash: Hash32, view: View, timestamp_ms: TimestampMs) -> None:
        parent_state = self.parent_state(parent_hash)
        parent_height = self._height_of(parent_hash)
        if parent_state is None or parent_height is None:
            return
        context = context_of(self._rules(), parent_hash, parent_height, view, timestamp_ms)
        candidates: list[SignedTransaction] = []
        bank_ids: list[int] = []
        for pooled in self._pool.in_arrival_order():
            candidates.append(SignedTransaction(pooled.transaction, pooled.sender))
            bank_ids.append(pooled.bank_id)
        started_ms = self._clock.now_ms()

        def done(result: tuple[ExecutedBlock, bytes]) -> None:
            executed, body = result
            self._is_busy = False
            if executed.block.header.height > self._tree.final_height:
                self._settle(executed)
                block = self._tree.add_built(executed, body)
                block.build_ms = self._clock.now_ms() - started_ms
                self._built(view, block)
            self._next()

        self._is_busy = True
        self._workers.submit(
            Lane.EXECUTE,
            lambda: build_block(parent_state, context, candidates, bank_ids=bank_ids),
            done,
            self._failed,
        )

    def _start_certify(self, block_hash: Hash32) -> None:
        block = self._tree.get(block_hash)
        if block is None or block.body is None or block.transactions is None:
            return
        if block.executed is not None or block.is_invalid:
            self._certified(block_hash, None if block.executed is not None else InvalidBlock("found invalid before"))
            return
        header = block.header
        parent_state = self.parent_state(header.parent_hash)
        parent_height = self._height_of(header.parent_hash)
        if parent_state is None or parent_height is None:
            return
        context = context_of(self._rules(), header.parent_hash, parent_height, header.view, header.timestamp_ms)
        resolved = [self._resolve(raw) for raw in block.transactions]
        body, started_ms = block.body, self._clock.now_ms()

        def job() -> ExecutedBlock | InvalidBlock:
            try:
                if len(body) > context.limits.body_bytes_max:
                    raise OversizedBody(len(body), context.limits.body_bytes_max)
                return apply_block(parent_state, context, header, recover_missing(resolved, context.chain_id))
            except InvalidBlock as invalid:
                return invalid

        def done(result: ExecutedBlock | InvalidBlock) -> None:
            self._is_busy = False
            # An abandoned block was executed on a state that may have moved on: its result means nothing.
            if self._tree.get(block_hash) is block:
                block.certify_ms = self._clock.now_ms() - started_ms
                if isinstance(result, ExecutedBlock):
                    self._settle(result)
                    block.executed = result
                    self._certified(block_hash, None)
                else:
                    block.is_invalid = True
                    self._certified(block_hash, result)
            self._next()

        self._is_busy = True
        self._workers.submit(Lane.EXECUTE, job, done, self._failed)

    def _settle(self, executed: ExecutedBlock) -> None:
        """Put the overlay on the final state if its parent was committed while it was executed."""
        if executed.block.header.parent_hash == self._tree.final_hash:
            executed.overlay.rebase(self._final_state())

    def _height_of(self, block_hash: Hash32) -> Height | None:
        if block_hash == self._tree.final_hash:
            return self._tree.final_height
        block = self._tree.get(block_hash)
        return None if block is None else block.header.height

    def _resolve(self, raw: bytes) -> SignedTransaction | bytes:
        """Return what the mempool already decoded and recovered, else the raw bytes."""
        pooled = self._pool.get(keccak256(raw))
        return raw if pooled is None else SignedTransaction(pooled.transaction, pooled.sender)


def context_of(
    rules: EpochRules, parent_hash: Hash32, parent_height: Height, view: View, timestamp_ms: TimestampMs
) -> BlockContext:
    """Return what execution knows of the block above a parent."""
    return BlockContext(
        chain_id=rules.chain_id,
        parent_hash=parent_hash,
        height=Height(parent_height + 1),
        timestamp_ms=timestamp_ms,
        leader=rules.leader_of(view),
        epoch=rules.epoch,
        view=view,
        limits=rules.limits,
    )


def recover_missing(resolved: Sequence[SignedTransaction | bytes], chain_id: int) -> list[SignedTransaction]:
    """Decode, check and recover the transactions that did not come from the mempool.

    Raises: UndecodableBody naming the index.
    """
    signed: list[SignedTransaction] = []
    for index, item in enumerate(resolved):
        if isinstance(item, SignedTransaction):
            signed.append(item)
            continue
        try:
            transaction = decode_transaction(item)
            validate_transaction(transaction, chain_id=chain_id)
            signed.append(SignedTransaction(transaction, recover_sender(transaction)))
        except InvalidTransaction as error:
            raise UndecodableBody(f"transaction {index}: {error}") from error
    return signed

"""Executes and commits verified final blocks while this node is behind, one after the other."""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Hash32, Height
from consensus.simplex.events import ViewZero
from node.chain.block_tree import BlockTree
from node.chain.header_facts import facts_of
from node.execution.errors import InvalidBlock
from node.execution.transition import ExecutedBlock, apply_block
from node.peers.sync import VerifiedBlock, VerifiedRange
from node.runtime.committer import Committer, FinalizedBlock
from node.runtime.execution_host import EpochRules, context_of, recover_missing
from node.runtime.ports import Lane, Workers
from node.state.reader import StateReader


class Divergence(Exception):
    """A final block is invalid here: this node computes differently from a quorum, and must not go on."""

    def __init__(self, height: Height, invalid: InvalidBlock) -> None:
        self.height = height
        super().__init__(f"block {height} is final for the network and invalid here: {invalid}")


@dataclass(slots=True)
class _Progress:
    verified: VerifiedRange
    rules: EpochRules
    """Of the range's own epoch: the machine may end it on its own while the range is still being executed."""
    next_index: int
    parent_state: StateReader
    parent_hash: Hash32
    parent_height: Height


class CatchUp:
    """One verified range at a time. Owned by the loop thread."""

    def __init__(
        self,
        *,
        tree: BlockTree,
        committer: Committer,
        rules: Callable[[], EpochRules],
        final_state: Callable[[], StateReader],
        workers: Workers,
        advanced: Callable[[ViewZero], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._tree = tree
        self._committer = committer
        self._rules = rules
        self._final_state = final_state
        self._workers = workers
        self._advanced = advanced
        self._failed = failed
        self._waiting_for: tuple[Height, ViewZero] | None = None

    def take(self, verified: VerifiedRange) -> None:
        """Execute and commit the blocks of a range that begins right above the final head."""
        tree = self._tree
        progress = _Progress(verified, self._rules(), 0, self._final_state(), tree.final_hash, tree.final_height)
        self._execute_next(progress)

    def committed(self, height: Height) -> None:
        """Note a committed height; when it is the end of the range, the next one may be asked for."""
        if self._waiting_for is not None and height >= self._waiting_for[0]:
            _, head = self._waiting_for
            self._waiting_for = None
            self._advanced(head)

    def _execute_next(self, progress: _Progress) -> None:
        block = progress.verified.blocks[progress.next_index]
        context = context_of(
            progress.rules, progress.parent_hash, progress.parent_height, block.header.view, block.header.timestamp_ms
        )
        parent_state = progress.parent_state

        def job() -> ExecutedBlock | InvalidBlock:
            try:
                return apply_block(
                    parent_state, context, block.header, recover_missing(block.transactions, context.chain_id)
                )
            except InvalidBlock as invalid:
                return invalid

        def done(result: ExecutedBlock | InvalidBlock) -> None:
            if isinstance(result, InvalidBlock):
                self._failed(Divergence(block.header.height, result))
                return
            self._executed(progress, block, result)

        self._workers.submit(Lane.EXECUTE, job, done, self._failed)

    def _executed(self, progress: _Progress, block: VerifiedBlock, executed: ExecutedBlock) -> None:
        finalization = progress.verified.finalization
        is_last = progress.next_index == len(progress.verified.blocks) - 1
        if is_last:
            self._waiting_for = (block.header.height, _head_of(progress.verified))
        is_own = is_last and progress.verified.is_own_finalization
        self._committer.enqueue(FinalizedBlock(executed, finalization, is_own, build_ms=0, certify_ms=0))
        if is_last:
            self.committed(self._tree.final_height)
            return
        progress.next_index += 1
        progress.parent_state = executed.overlay
        progress.parent_hash = block.block_hash
        progress.parent_height = block.header.height
        self._execute_next(progress)


def _head_of(verified: VerifiedRange) -> ViewZero:
    """Return the last block as the machine goes on from it: at its own view if a descendant makes it final."""
    last, finalization = verified.blocks[-1], verified.finalization
    facts = facts_of(last.header, last.block_hash)
    if verified.is_own_finalization:
        return ViewZero(facts, finalization.statement.view, finalization)
    return ViewZero(facts, facts.view, None)

"""Final blocks reach the disk in order, one at a time, and only then anybody hears of them."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from consensus.primitives.scalars import Epoch, Hash32, Height, View
from consensus.simplex.messages import Certificate, Kind, Statement, encode_certificate
from node.chain.block_tree import BlockTree
from node.chain.commit import commit_genesis
from node.chain.feed import Feed, FinalBlock
from node.chain.records import FinalHead
from node.chain.store import ChainStore
from node.execution.builder import build_block
from node.execution.genesis_state import Genesis
from node.execution.transition import ExecutedBlock
from node.mempool.pool import Pool, PoolLimits
from node.mempool.waiters import Waiters
from node.runtime.committer import Committer, FinalizedBlock
from node.runtime.ports import Lane
from node.state.reader import StateReader
from node.storage.memory import MemoryStore
from tests.node.execution.ledger import ALICE_KEY, BOB, context, genesis, payment
from tests.node.runtime.manual import ManualTime

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


class World:
    """A committer whose store thread waits to be told."""

    def __init__(self, block_zero: Genesis) -> None:
        self.store = MemoryStore()
        commit_genesis(self.store, block_zero.executed, block_zero.validator_payload)
        self.chain = ChainStore(self.store)
        self.tree = BlockTree(block_zero.executed.block.block_hash, Height(0))
        self.jobs: list[Callable[[], None]] = []
        self.told: list[int] = []
        feed = Feed()
        feed.subscribe(self._final)
        self.committer = Committer(
            store=self.store,
            tree=self.tree,
            pool=Pool(PoolLimits()),
            waiters=Waiters(),
            feed=feed,
            validator_count=lambda: 4,
            workers=self,
            clock=ManualTime(),
            committed=lambda _executed, _finalization: None,
            epoch_ended=lambda _executed: None,
            failed=self._failed,
        )
        self.blocks = self._build(block_zero)

    def _build(self, block_zero: Genesis) -> list[ExecutedBlock]:
        parent: StateReader = self.committer.final_state
        parent_hash = block_zero.executed.block.block_hash
        blocks = []
        for height in (1, 2, 3):
            executed, body = build_block(
                parent,
                context(block_zero, height=height, parent_hash=parent_hash),
                [payment(ALICE_KEY, height - 1, BOB, 1)],
            )
            self.tree.add_built(executed, body)
            blocks.append(executed)
            parent, parent_hash = executed.overlay, executed.block.block_hash
        return blocks

    def _final(self, final: FinalBlock) -> None:
        assert self.chain.final_head().height >= final.block.header.height, "told before it is on disk"
        self.told.append(final.block.header.height)

    def _failed(self, error: BaseException) -> None:
        raise error

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        assert lane is Lane.STORE
        self.jobs.append(lambda: done(job()))

    def enqueue(self, height: int, *, finalization: Certificate, is_own: bool) -> None:
        self.committer.enqueue(FinalizedBlock(self.blocks[height - 1], finalization, is_own, 0, 0))


def finalization_of(block: ExecutedBlock, view: int) -> Certificate:
    statement = Statement(Kind.FINALIZE, Epoch(0), View(view), View(view - 1), block.block.block_hash)
    return Certificate(statement, b"\x07", (bytes(64),) * 3)


def test_blocks_are_written_one_after_the_other_and_told_after_each(block_zero: Genesis) -> None:
    world = World(block_zero)
    for height in (1, 2, 3):
        world.enqueue(height, finalization=finalization_of(world.blocks[height - 1], height), is_own=True)
    for height in (1, 2, 3):
        assert world.told == list(range(1, height))
        assert len(world.jobs) == 1, "the next block waits for the one before"
        world.jobs.pop()()
        assert world.chain.final_head().height == world.tree.final_height == height
    assert world.told == [1, 2, 3]
    assert len(world.tree) == 0


def test_block_that_is_on_its_way_is_not_written_again(block_zero: Genesis) -> None:
    world = World(block_zero)
    finalization = finalization_of(world.blocks[0], 1)
    world.enqueue(1, finalization=finalization, is_own=True)
    world.enqueue(1, finalization=finalization, is_own=True)
    world.jobs.pop()()
    world.enqueue(1, finalization=finalization, is_own=True)
    assert world.jobs == []
    assert world.told == [1]


def test_gap_between_final_blocks_is_a_bug(block_zero: Genesis) -> None:
    world = World(block_zero)
    with pytest.raises(AssertionError, match="without gaps"):
        world.enqueue(2, finalization=finalization_of(world.blocks[1], 2), is_own=True)


def test_only_the_block_a_finalization_names_has_it_and_its_view(block_zero: Genesis) -> None:
    """A restart between the two begins at view 1: a floor of 9 would drop the votes that make block 2 final."""
    world = World(block_zero)
    finalization = finalization_of(world.blocks[1], 9)
    for height, is_own in ((1, False), (2, True)):
        world.enqueue(height, finalization=finalization, is_own=is_own)
    world.jobs.pop()()
    first: Hash32 = world.blocks[0].block.block_hash
    assert world.chain.final_head() == FinalHead(Height(1), first, Epoch(0), View(1))
    assert world.chain.own_finalization(Height(1)) is None
    world.jobs.pop()()
    assert world.chain.final_head().view == 9
    assert world.chain.own_finalization(Height(2)) == encode_certificate(finalization)
    assert world.chain.covering_finalization(Height(1)) == (
        [world.blocks[1].block.header_rlp],
        encode_certificate(finalization),
    )


def test_children_stand_on_the_final_state_after_their_parent_is_committed(block_zero: Genesis) -> None:
    world = World(block_zero)
    roots = [executed.block.header.state_root for executed in world.blocks]
    for height in (1, 2, 3):
        world.enqueue(height, finalization=finalization_of(world.blocks[height - 1], height), is_own=True)
        world.jobs.pop()()
    headers = list(world.chain.headers_from(Height(1), Height(3)))
    assert [header.state_root for header in headers] == roots
    account = world.committer.final_state.account(world.blocks[0].senders[0])
    assert account is not None and account.nonce == 3

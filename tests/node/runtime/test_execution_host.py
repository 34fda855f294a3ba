"""The execute thread: newest view first, one job at a time, and no word on what was abandoned."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from consensus.chain.block import EMPTY_BODY
from consensus.chain.header import block_hash_of, encode_header
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View
from node.chain.block_tree import BlockTree, TreeBlock
from node.execution.builder import build_block
from node.execution.errors import InvalidBlock, OversizedBody, WrongHeaderField
from node.execution.genesis_state import Genesis
from node.mempool.pool import Pool, PoolLimits
from node.runtime.execution_host import EpochRules, ExecutionHost, context_of
from node.runtime.ports import Lane
from tests.node.execution.ledger import ALICE_KEY, BOB, CHAIN_ID, GENESIS_MS, genesis, payment
from tests.node.runtime.manual import ManualTime

Result = TypeVar("Result")


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


class World:
    """An execution host above genesis whose thread waits to be told."""

    def __init__(self, block_zero: Genesis, *, body_bytes_max: int = 100_000) -> None:
        self.genesis = block_zero
        self.root: Hash32 = block_zero.executed.block.block_hash
        self.tree = BlockTree(self.root, Height(0))
        self.rules = EpochRules(
            chain_id=CHAIN_ID,
            epoch=Epoch(0),
            limits=replace(block_zero.limits, body_bytes_max=body_bytes_max),
            leader_of=lambda view: Address(bytes((view,)) * 20),
        )
        self.jobs: list[Callable[[], None]] = []
        self.built: list[tuple[View, TreeBlock]] = []
        self.certified: list[tuple[Hash32, InvalidBlock | None]] = []
        self.host = ExecutionHost(
            tree=self.tree,
            pool=Pool(PoolLimits()),
            rules=lambda: self.rules,
            final_state=lambda: block_zero.executed.overlay,
            workers=self,
            clock=ManualTime(),
            built=lambda view, block: self.built.append((view, block)),
            certified=lambda block_hash, invalid: self.certified.append((block_hash, invalid)),
            failed=self._failed,
        )

    def _failed(self, error: BaseException) -> None:
        raise error

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        assert lane is Lane.EXECUTE
        self.jobs.append(lambda: done(job()))

    def propose(self, view: int, *, gas_used_more: int = 0) -> Hash32:
        """Put a block above genesis, with one payment, into the tree; return its hash."""
        timestamp_ms = TimestampMs(GENESIS_MS + view)
        context = context_of(self.rules, self.root, Height(0), View(view), timestamp_ms)
        context = replace(context, limits=self.genesis.limits)
        executed, body = build_block(self.genesis.executed.overlay, context, [payment(ALICE_KEY, 0, BOB, 1)])
        header = replace(executed.block.header, gas_used=executed.block.header.gas_used + gas_used_more)
        header_rlp = encode_header(header)
        block_hash = block_hash_of(header_rlp)
        self.tree.add_header(block_hash, header, header_rlp)
        self.tree.add_body(block_hash, body)
        return block_hash

    def run_job(self) -> None:
        assert len(self.jobs) == 1, "one job at a time"
        self.jobs.pop()()


def test_newest_view_is_certified_first_whatever_was_asked_first(block_zero: Genesis) -> None:
    world = World(block_zero)
    running, old, newest = (world.propose(view) for view in (1, 2, 3))
    for block_hash in (running, old, newest):
        world.host.certify(block_hash)
    for _ in range(3):
        world.run_job()
    assert world.certified == [(running, None), (newest, None), (old, None)]


def test_build_goes_before_every_waiting_certification(block_zero: Genesis) -> None:
    world = World(block_zero)
    running, waiting = world.propose(1), world.propose(2)
    world.host.certify(running)
    world.host.certify(waiting)
    world.host.build(world.root, View(3), TimestampMs(GENESIS_MS + 1))
    world.host.build(world.root, View(4), TimestampMs(GENESIS_MS + 2))
    world.run_job()
    world.run_job()
    assert [view for view, _ in world.built] == [4], "a build that had not begun is replaced"
    assert world.certified == [(running, None)]
    world.run_job()
    assert world.certified[-1] == (waiting, None)


def test_result_of_a_block_that_was_abandoned_meanwhile_is_ignored(block_zero: Genesis) -> None:
    world = World(block_zero)
    loser, winner = world.propose(1), world.propose(2)
    world.host.certify(loser)
    world.tree.advance(winner, Height(1))
    world.run_job()
    assert world.certified == []


def test_built_block_at_a_height_that_became_final_meanwhile_is_ignored(block_zero: Genesis) -> None:
    world = World(block_zero)
    winner = world.propose(1)
    world.host.build(world.root, View(2), TimestampMs(GENESIS_MS + 1))
    world.tree.advance(winner, Height(1))
    world.run_job()
    assert world.built == []


def test_wrong_block_is_invalid_for_ever_and_executed_once(block_zero: Genesis) -> None:
    world = World(block_zero)
    wrong = world.propose(1, gas_used_more=1)
    world.host.certify(wrong)
    world.run_job()
    world.host.certify(wrong)
    assert world.jobs == []
    assert [block_hash for block_hash, _ in world.certified] == [wrong, wrong]
    assert isinstance(world.certified[0][1], WrongHeaderField)
    assert world.certified[1][1] is not None


def test_valid_block_asked_for_twice_is_executed_once(block_zero: Genesis) -> None:
    world = World(block_zero)
    block_hash = world.propose(1)
    world.host.certify(block_hash)
    world.run_job()
    world.host.certify(block_hash)
    assert world.jobs == []
    assert world.certified == [(block_hash, None)] * 2


def test_body_above_the_limit_is_invalid_and_one_at_the_limit_is_not(block_zero: Genesis) -> None:
    probe = World(block_zero)
    block = probe.tree.get(probe.propose(1))
    assert block is not None and block.body is not None
    for limit, reason in ((len(block.body), None), (len(block.body) - 1, OversizedBody)):
        world = World(block_zero, body_bytes_max=limit)
        world.host.certify(world.propose(1))
        world.run_job()
        [(_, invalid)] = world.certified
        assert (None if invalid is None else type(invalid)) == reason


def test_nothing_is_said_of_a_block_whose_parent_is_not_executed(block_zero: Genesis) -> None:
    world = World(block_zero)
    parent = world.tree.get(world.propose(1))
    assert parent is not None
    header = replace(parent.header, parent_hash=parent.block_hash, height=Height(2), view=View(2))
    child = block_hash_of(encode_header(header))
    world.tree.add_header(child, header, encode_header(header))
    world.host.certify(child)
    world.host.build(parent.block_hash, View(3), TimestampMs(GENESIS_MS))
    assert world.jobs == []
    assert world.certified == []


def test_block_that_is_not_known_is_not_executed(block_zero: Genesis) -> None:
    world = World(block_zero)
    world.host.certify(Hash32(b"\x01" * 32))
    assert world.jobs == []


def test_idle_pool_builds_an_empty_block_of_the_leader_asked(block_zero: Genesis) -> None:
    world = World(block_zero)
    world.host.build(world.root, View(7), TimestampMs(GENESIS_MS + 5))
    world.run_job()
    [(view, block)] = world.built
    assert view == 7
    assert block.body == EMPTY_BODY
    assert block.header.leader == bytes((7,)) * 20
    assert world.tree.get(block.block_hash) is block

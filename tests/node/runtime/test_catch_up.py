"""Catching up: verified blocks are executed and committed in order, and a different result stops the node."""

from dataclasses import replace

import pytest

from consensus.chain.block import encode_body
from consensus.chain.header import block_hash_of, encode_header
from consensus.primitives.scalars import Address, Epoch, Height
from consensus.simplex.events import ViewZero
from node.execution.genesis_state import Genesis
from node.peers.sync import VerifiedBlock, VerifiedRange
from node.runtime.catch_up import CatchUp, Divergence
from node.runtime.execution_host import EpochRules
from tests.node.execution.ledger import CHAIN_ID, genesis
from tests.node.runtime.manual import InstantWorkers
from tests.node.runtime.test_committer import World, finalization_of


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


class Behind:
    """A node that has genesis, and the verified blocks 1 to 3 of its network."""

    def __init__(self, block_zero: Genesis) -> None:
        self.world = World(block_zero)
        self.heads: list[ViewZero] = []
        self.failures: list[BaseException] = []
        self.rules = [EpochRules(CHAIN_ID, Epoch(0), block_zero.limits, lambda _view: Address(b"\xb1" * 20))]
        """In force from one asking to the next; the last one stays."""
        self.catch_up = CatchUp(
            tree=self.world.tree,
            committer=self.world.committer,
            rules=self._rules_in_turn,
            final_state=lambda: self.world.committer.final_state,
            workers=InstantWorkers(),
            advanced=self.heads.append,
            failed=self.failures.append,
        )
        self.blocks = tuple(
            VerifiedBlock(
                block.block_hash, block.header, block.header_rlp, block.transactions, encode_body(block.transactions)
            )
            for block in (executed.block for executed in self.world.blocks)
        )
        self.finalization = finalization_of(self.world.blocks[2], 9)

    def _rules_in_turn(self) -> EpochRules:
        return self.rules.pop(0) if len(self.rules) > 1 else self.rules[0]

    def commit_next(self) -> None:
        self.world.jobs.pop()()
        self.catch_up.committed(self.world.tree.final_height)


def test_range_is_committed_in_order_and_the_machine_told_at_its_end(block_zero: Genesis) -> None:
    behind = Behind(block_zero)
    behind.catch_up.take(VerifiedRange(behind.blocks, behind.finalization, is_own_finalization=True))
    for height in (1, 2, 3):
        assert behind.heads == []
        behind.commit_next()
        assert behind.world.tree.final_height == height
    assert [(head.facts.height, head.view, head.finalization) for head in behind.heads] == [(3, 9, behind.finalization)]
    store = behind.world.chain
    assert [store.own_finalization(Height(height)) is not None for height in (1, 2, 3)] == [False, False, True]


def test_range_that_is_final_through_a_descendant_ends_at_its_own_view(block_zero: Genesis) -> None:
    behind = Behind(block_zero)
    behind.catch_up.take(VerifiedRange(behind.blocks, behind.finalization, is_own_finalization=False))
    for _ in range(3):
        behind.commit_next()
    [head] = behind.heads
    assert (head.facts.height, head.view, head.finalization) == (3, behind.blocks[-1].header.view, None)
    assert behind.world.chain.own_finalization(Height(3)) is None


def test_final_block_that_is_invalid_here_stops_the_node(block_zero: Genesis) -> None:
    behind = Behind(block_zero)
    second = behind.blocks[1]
    header = replace(second.header, gas_used=second.header.gas_used + 1)
    header_rlp = encode_header(header)
    other = replace(second, header=header, header_rlp=header_rlp, block_hash=block_hash_of(header_rlp))
    behind.catch_up.take(VerifiedRange((behind.blocks[0], other), behind.finalization, is_own_finalization=True))
    [failure] = behind.failures
    assert isinstance(failure, Divergence)
    assert failure.height == 2
    behind.commit_next()
    assert behind.world.jobs == []
    assert behind.heads == []


def test_range_goes_by_its_own_epoch_when_the_machine_ends_that_meanwhile(block_zero: Genesis) -> None:
    # Seed 676619144 of ten validators: the rest of the range was held against the next epoch's leaders.
    behind = Behind(block_zero)
    next_epoch = replace(behind.rules[0], epoch=Epoch(1), leader_of=lambda _view: Address(b"\xb2" * 20))
    behind.rules.append(next_epoch)
    behind.catch_up.take(VerifiedRange(behind.blocks, behind.finalization, is_own_finalization=True))
    assert behind.failures == []
    assert behind.world.committer.height_queued == 3


def test_range_the_machine_finished_meanwhile_still_brings_it_forward(block_zero: Genesis) -> None:
    behind = Behind(block_zero)
    for height in (1, 2, 3):
        finalization = finalization_of(behind.world.blocks[height - 1], height)
        behind.world.enqueue(height, finalization=finalization, is_own=True)
    behind.catch_up.take(VerifiedRange(behind.blocks, behind.finalization, is_own_finalization=True))
    for _ in range(3):
        behind.commit_next()
    assert [head.facts.height for head in behind.heads] == [3]
    assert behind.world.told == [1, 2, 3]

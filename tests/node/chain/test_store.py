"""The final chain on disk: a block is there with everything it produced, or not at all."""

import pytest

from consensus.chain.block import encode_body
from consensus.primitives.scalars import Epoch, Hash32, Height, View
from contracts.layout import balance_slot
from node.chain.commit import commit_block, commit_genesis, genesis_head
from node.chain.records import FinalHead
from node.chain.store import ChainStore
from node.execution.builder import build_block
from node.execution.genesis_state import Genesis
from node.execution.transition import ExecutedBlock
from node.state.rebuild import rebuild_state_root
from node.storage.errors import ForeignStore, MissingRecord
from node.storage.memory import MemoryStore
from tests.node.execution.ledger import ALICE_KEY, BOB, EUR, OPENING_MINOR, context, genesis, payment


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


class Chain:
    """A chain of one payment a block; blocks whose height is in `finalized` have a finalization of their own."""

    def __init__(self, block_zero: Genesis, length: int, finalized: tuple[int, ...] = ()) -> None:
        self.memory = MemoryStore()
        self.store = ChainStore(self.memory)
        commit_genesis(self.memory, block_zero.executed, block_zero.validator_payload)
        self.blocks: list[ExecutedBlock] = [block_zero.executed]
        for height in range(1, length + 1):
            parent = self.blocks[-1]
            executed, _ = build_block(
                self.store.state_at(Height(height - 1)),
                context(block_zero, height=height, parent_hash=parent.block.block_hash),
                [payment(ALICE_KEY, height - 1, BOB, 1)],
            )
            head = FinalHead(Height(height), executed.block.block_hash, Epoch(0), View(height))
            commit_block(self.memory, executed, head, b"final %d" % height if height in finalized else None)
            self.blocks.append(executed)


def test_committed_block_is_found_in_every_way(block_zero: Genesis) -> None:
    chain = Chain(block_zero, 2, finalized=(1, 2))
    store, executed = chain.store, chain.blocks[1]
    height = Height(1)
    assert store.block(height) == executed.block
    assert store.header(height) == executed.block.header
    assert store.header_with_hash(height) == (
        executed.block.header,
        executed.block.header_rlp,
        executed.block.block_hash,
    )
    assert store.body(height) == encode_body(executed.block.transactions)
    assert store.height_of(executed.block.block_hash) == 1
    assert store.locate(executed.transaction_hashes[0]) == (1, 0)
    results = store.results(height)
    assert results is not None
    assert (results.receipts, results.senders) == (executed.receipts, executed.senders)
    assert store.own_finalization(height) == b"final 1"
    assert store.final_head().height == 2


def test_nothing_is_found_above_the_head(block_zero: Genesis) -> None:
    store = Chain(block_zero, 1, finalized=(1,)).store
    above = Height(2)
    by_height = (
        store.header,
        store.body,
        store.block,
        store.results,
        store.header_with_hash,
        store.own_finalization,
        store.covering_finalization,
    )
    assert [read(above) for read in by_height] == [None] * 7
    assert store.height_of(Hash32(b"\x01" * 32)) is None
    assert store.locate(Hash32(b"\x01" * 32)) is None
    assert [header.height for header in store.headers_from(Height(0), Height(9))] == [0, 1]


@pytest.mark.parametrize("height", range(6))
def test_finalization_of_a_descendant_covers_with_the_headers_between(block_zero: Genesis, height: int) -> None:
    chain = Chain(block_zero, 5, finalized=(2, 4))
    found = chain.store.covering_finalization(Height(height))
    covering = next((wanted for wanted in (2, 4) if wanted >= height), None)
    if covering is None:
        assert found is None
    else:
        headers = [executed.block.header_rlp for executed in chain.blocks[height + 1 : covering + 1]]
        assert found == (headers, b"final %d" % covering)


def test_state_of_every_kept_height_is_readable(block_zero: Genesis) -> None:
    store = Chain(block_zero, 3).store
    balances = [store.state_at(Height(height)).storage(EUR, balance_slot(BOB)) for height in range(4)]
    assert balances == [OPENING_MINOR + paid for paid in range(4)]


def test_state_on_disk_has_the_root_of_the_head(block_zero: Genesis) -> None:
    chain = Chain(block_zero, 3)
    assert rebuild_state_root(chain.memory) == chain.blocks[-1].block.header.state_root


def test_genesis_is_the_head_of_a_chain_without_blocks(block_zero: Genesis) -> None:
    store = Chain(block_zero, 0).store
    assert not store.is_empty()
    assert store.final_head() == genesis_head(block_zero.executed.block.block_hash)
    assert store.genesis_hash() == block_zero.executed.block.block_hash
    assert store.epoch_record(Epoch(0)) == (1, block_zero.validator_payload)
    assert store.epoch_record(Epoch(1)) is None


def test_empty_store_has_no_head_and_no_identity() -> None:
    store = ChainStore(MemoryStore())
    assert store.is_empty()
    for read in (store.final_head, store.genesis_hash):
        with pytest.raises(MissingRecord):
            read()
    with pytest.raises(ForeignStore, match="schema"):
        store.validate_identity(Hash32(bytes(32)))


def test_store_of_another_network_is_refused_with_both_hashes(block_zero: Genesis) -> None:
    store = Chain(block_zero, 0).store
    own = block_zero.executed.block.block_hash
    store.validate_identity(own)
    with pytest.raises(ForeignStore, match=f"0x{own.hex()}.*0x{'ee' * 32}"):
        store.validate_identity(Hash32(b"\xee" * 32))

"""Indexes say what blocks and receipts say, whether they were written with each block or built later."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from consensus.chain.receipt import Log, Receipt
from consensus.chain.transaction import created_address
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from contracts.native.money import TRANSFER
from node.chain import indexes
from node.chain.commit import commit_block, commit_genesis
from node.chain.index_reader import HistoryEntry, IndexReader
from node.chain.indexes import INDEX_GROUPS, IndexWriter, Role, open_indexes, rebuild_indexes
from node.chain.records import FinalHead
from node.execution.builder import build_block
from node.execution.genesis_state import Genesis
from node.execution.transition import ExecutedBlock, SignedTransaction
from node.state.reader import FinalState
from node.storage.kv import WriteBatch, prefix_end
from node.storage.memory import MemoryStore
from node.storage.schema import index_progress_key
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    CAROL,
    EUR,
    context,
    document,
    genesis,
    payment,
    raw_call,
    signed,
)

STRANGER = Address(b"\x77" * 20)
MEMO_WORD = b"\x05" * 32
INIT_CODE = bytes.fromhex("600160005360016000f3")
INDEX_PREFIXES = (b"l", b"y", b"z", b"k", b"o", b"g", b"mindex")


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


def blocks_to_come() -> list[list[SignedTransaction]]:
    """Return four blocks: payments; a memo to a stranger; nothing; a creation and one that fails."""
    with_memo = encode_call(find_function(CURRENCY, "transferWithMemo"), STRANGER, 7, MEMO_WORD)
    return [
        [payment(ALICE_KEY, 0, BOB, 5), payment(BOB_KEY, 0, ALICE, 2_000_000)],
        [signed(raw_call(ALICE_KEY, 1, with_memo)), payment(ALICE_KEY, 2, ALICE, 1)],
        [],
        [
            signed(raw_call(BOB_KEY, 1, INIT_CODE, to=None, gas=500_000)),
            signed(raw_call(BOB_KEY, 2, b"\xfe", to=None, gas=500_000)),
        ],
    ]


class Chain:
    """A chain whose indexes of `groups` are written with each block."""

    def __init__(self, block_zero: Genesis, groups: Sequence[str]) -> None:
        self.store = MemoryStore()
        self.blocks: list[ExecutedBlock] = [block_zero.executed]
        self.block_zero = block_zero
        commit_genesis(self.store, block_zero.executed, block_zero.validator_payload)
        self.indexes: IndexWriter | None = open_indexes(self.store, document(), groups) if groups else None

    def extend(self, wanted: list[list[SignedTransaction]]) -> "Chain":
        for transactions in wanted:
            height = len(self.blocks)
            parent_hash = self.blocks[-1].block.block_hash
            place = context(self.block_zero, height=height, parent_hash=parent_hash)
            executed, _ = build_block(FinalState(self.store.snapshot()), place, transactions)
            assert len(executed.receipts) == len(transactions)
            head = FinalHead(Height(height), executed.block.block_hash, Epoch(0), View(height))
            commit_block(self.store, executed, head, None, self.indexes)
            self.blocks.append(executed)
        return self

    def reader(self) -> IndexReader:
        return IndexReader(self.store.snapshot())


def entries(store: MemoryStore) -> list[tuple[bytes, bytes]]:
    return [pair for prefix in INDEX_PREFIXES for pair in store.scan(prefix, prefix_end(prefix))]


def hash_at(chain: Chain, height: int, index: int) -> Hash32:
    return chain.blocks[height].transaction_hashes[index]


def test_history_holds_each_transaction_of_an_account_with_its_roles(block_zero: Genesis) -> None:
    reader = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come()).reader()
    paid, got = Role.SENDER | Role.PARTY, Role.PARTY
    expected = {
        ALICE: [(1, 0, paid), (2, 0, paid), (2, 1, paid)],
        BOB: [(1, 0, got), (1, 1, Role.SENDER), (4, 0, Role.SENDER), (4, 1, Role.SENDER)],
        STRANGER: [(2, 0, got)],
        EUR: [(1, 0, Role.RECIPIENT), (1, 1, Role.RECIPIENT), (2, 0, Role.RECIPIENT), (2, 1, Role.RECIPIENT)],
        created_address(BOB, 1): [(4, 0, Role.CREATED)],
        created_address(BOB, 2): [],
        CAROL: [],
        Address(bytes(20)): [],
    }
    for account, rows in expected.items():
        wanted = [HistoryEntry(Height(height), index, roles) for height, index, roles in rows]
        assert list(reader.history(account)) == wanted
        assert list(reader.history_down(account, before=(9, 0))) == wanted[::-1]


def test_history_begins_and_ends_between_transactions_of_a_block(block_zero: Genesis) -> None:
    reader = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come()).reader()
    places = [(entry.height, entry.index) for entry in reader.history(ALICE, first=(2, 1))]
    assert places == [(2, 1)]
    assert [(entry.height, entry.index) for entry in reader.history(ALICE, before=(2, 1))] == [(1, 0), (2, 0)]
    assert [(entry.height, entry.index) for entry in reader.history_down(ALICE, before=(2, 1))] == [(2, 0), (1, 0)]


def test_transactions_creators_and_holders_are_found(block_zero: Genesis) -> None:
    chain = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come())
    reader = chain.reader()
    assert reader.transaction_by_nonce(ALICE, 2) == hash_at(chain, 2, 1)
    assert reader.transaction_by_nonce(ALICE, 3) is None
    creation = reader.creation(created_address(BOB, 1))
    assert creation is not None
    assert (creation.creator, creation.transaction_hash) == (BOB, hash_at(chain, 4, 0))
    assert reader.creation(created_address(BOB, 2)) is None
    holders = {holder.address: holder.first_height for holder in reader.holders(EUR, after=None)}
    assert holders == {ALICE: 0, BOB: 0, CAROL: 0, STRANGER: 2}
    in_order = sorted(holders)
    assert [holder.address for holder in reader.holders(EUR, after=in_order[1])] == in_order[2:]


def test_logs_are_found_by_address_and_by_topic_at_its_place(block_zero: Genesis) -> None:
    reader = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come()).reader()
    alice = Hash32(bytes(12) + ALICE)

    def found(addresses: Sequence[Address], *topics: Sequence[Hash32]) -> list[tuple[int, list[int]]]:
        return list(reader.log_positions(addresses, topics, first=Height(0), last=Height(4)))

    assert found([EUR]) == [(1, [0]), (2, [0, 1, 2])]
    assert found([EUR], [Hash32(TRANSFER.topic)]) == [(1, [0]), (2, [0, 2])]
    assert found([], [], [], [alice]) == [(2, [2])]
    assert found([], [], [alice], [alice]) == [(2, [2])]
    assert found([STRANGER, EUR], [], [], [], [Hash32(MEMO_WORD)]) == [(2, [1])]
    assert found([STRANGER]) == []
    assert found([], [alice]) == []


@pytest.mark.parametrize("operations_max", [3, 50_000])
def test_index_built_later_has_the_bytes_of_one_written_with_each_block(
    block_zero: Genesis, operations_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come())
    later = Chain(block_zero, ()).extend(blocks_to_come())
    assert entries(later.store) == []
    monkeypatch.setattr(indexes, "REBUILD_OPERATIONS_MAX", operations_max)
    open_indexes(later.store, document(), INDEX_GROUPS)
    assert entries(later.store) == entries(live.store)
    rebuild_indexes(live.store, document(), INDEX_GROUPS)
    assert entries(later.store) == entries(live.store)


def test_interrupted_build_goes_on_where_it_stopped(block_zero: Genesis, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Chain(block_zero, ()).extend(blocks_to_come())
    monkeypatch.setattr(indexes, "REBUILD_OPERATIONS_MAX", 1)

    class Interrupted(Exception):
        pass

    def interrupt(height: int, last: int) -> None:
        if height == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        open_indexes(chain.store, document(), INDEX_GROUPS, on_progress=interrupt)
    assert not any(chain.reader().is_complete(group) for group in INDEX_GROUPS)
    heights: list[int] = []
    open_indexes(chain.store, document(), ("logs",), on_progress=lambda height, last: heights.append(height))
    assert heights[0] == 2
    open_indexes(chain.store, document(), INDEX_GROUPS)
    assert entries(chain.store) == entries(Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come()).store)


def test_group_that_was_off_is_incomplete_until_it_is_switched_on_again(block_zero: Genesis) -> None:
    chain = Chain(block_zero, ("holders",)).extend(blocks_to_come()[:2])
    assert [chain.reader().is_complete(group) for group in INDEX_GROUPS] == [False, False, True]
    chain.indexes = open_indexes(chain.store, document(), ("logs", "addresses"))
    chain.extend(blocks_to_come()[2:])
    assert [chain.reader().is_complete(group) for group in INDEX_GROUPS] == [True, True, False]
    assert chain.store.get(index_progress_key("holders")) == (3).to_bytes(8, "big")
    open_indexes(chain.store, document(), INDEX_GROUPS)
    assert all(chain.reader().is_complete(group) for group in INDEX_GROUPS)


def test_block_out_of_order_is_never_indexed(block_zero: Genesis) -> None:
    chain = Chain(block_zero, INDEX_GROUPS)
    chain.indexes = IndexWriter(INDEX_GROUPS, Height(2))
    with pytest.raises(AssertionError, match="gap"):
        chain.extend([[]])


def test_forgotten_holders_keep_the_height_of_their_first_payment(
    block_zero: Genesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "KNOWN_HOLDERS_MAX", 1)
    chain = Chain(block_zero, INDEX_GROUPS).extend(blocks_to_come())
    chain.extend([[payment(ALICE_KEY, 3, STRANGER, 1), payment(ALICE_KEY, 4, BOB, 1)]])
    assert {holder.address: holder.first_height for holder in chain.reader().holders(EUR, after=None)} == {
        ALICE: 0,
        BOB: 0,
        CAROL: 0,
        STRANGER: 2,
    }


VECTORS: dict[str, str] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "storage" / "indexes.json").read_text(encoding="utf-8")
)


def test_bytes_on_disk_are_the_golden_ones() -> None:
    payer, payee = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
    words = [Hash32(bytes(12) + account) for account in (payer, payee)]
    transfer = Log(EUR, (Hash32(TRANSFER.topic), *words), (5).to_bytes(32, "big"))
    block = indexes.IndexedBlock(
        height=Height(0x1234),
        transaction_hashes=(Hash32(b"\x01" * 32), Hash32(b"\x02" * 32)),
        senders=(payer, payer),
        nonces=(7, 8),
        recipients=(EUR, None),
        receipts=(Receipt(2, True, 30_000, (transfer, transfer)), Receipt(2, True, 90_000, ())),
    )
    store, batch = MemoryStore(), WriteBatch()
    IndexWriter(INDEX_GROUPS, Height(0x1234)).write_block(batch, store, block)
    store.write(batch, sync=False)
    assert {f"0x{key.hex()}": f"0x{value.hex()}" for key, value in entries(store)} == VECTORS

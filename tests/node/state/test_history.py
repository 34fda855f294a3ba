"""Values before each height, how long they are kept, and what is answered below that."""

import pytest

from consensus.primitives.scalars import Height
from node.state.history import HistoricalState
from node.state.journal import Journal
from node.state.overlay import Overlay, state_root_of
from node.state.persist import prune_state_history, prune_trie_history, write_overlay
from node.state.reader import FinalState
from node.storage.errors import StatePruned
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from tests.node.state.ledger_model import ADDRESSES

ALICE, BOB, CURRENCY = ADDRESSES[:3]
HEIGHT_LAST = 9


def chain() -> tuple[MemoryStore, list[bytes]]:
    """Ten blocks: alice's balance and a word follow the height, bob exists at odd heights. Returns the state roots."""
    store = MemoryStore()
    roots: list[bytes] = []
    for height in range(HEIGHT_LAST + 1):
        overlay = Overlay(FinalState(store.snapshot()))
        journal = Journal(overlay)
        journal.set_nonce(CURRENCY, 1)
        journal.set_slot(CURRENCY, 5, height)
        journal.set_balance(ALICE, 100 + height)
        journal.set_balance(BOB, height % 2)
        journal.commit()
        roots.append(overlay.seal())
        batch = WriteBatch()
        write_overlay(batch, overlay, Height(height), store)
        store.write(batch, sync=True)
    return store, roots


def assert_height_reads(store: MemoryStore, height: int) -> None:
    state = HistoricalState(store.snapshot(), Height(height))
    alice = state.account(ALICE)
    assert alice is not None
    assert alice.balance == 100 + height
    assert (state.account(BOB) is not None) == bool(height % 2)
    assert state.storage(CURRENCY, 5) == height
    assert list(state.used_slots(CURRENCY)) == ([5] if height else [])


def prune(store: MemoryStore, *, state_oldest: int, trie_oldest: int, heights_max: int = 100) -> tuple[int, int]:
    batch = WriteBatch()
    trie = prune_trie_history(batch, store, oldest=Height(trie_oldest), heights_max=heights_max)
    state = prune_state_history(batch, store, oldest=Height(state_oldest), heights_max=heights_max)
    store.write(batch, sync=True)
    return state, trie


def test_every_height_reads_as_it_was() -> None:
    store, roots = chain()
    for height in range(HEIGHT_LAST + 1):
        assert_height_reads(store, height)
        assert state_root_of(HistoricalState(store.snapshot(), Height(height))) == roots[height]


def test_pruning_keeps_the_oldest_height_and_refuses_the_one_below() -> None:
    store, roots = chain()
    assert prune(store, state_oldest=4, trie_oldest=7) == (4, 7)
    for height in range(4, HEIGHT_LAST + 1):
        assert_height_reads(store, height)
    for height in range(7, HEIGHT_LAST + 1):
        assert state_root_of(HistoricalState(store.snapshot(), Height(height))) == roots[height]
    with pytest.raises(StatePruned, match="height 3 is not kept, the oldest is 4"):
        HistoricalState(store.snapshot(), Height(3))
    with pytest.raises(StatePruned, match="height 6 is not kept, the oldest is 7"):
        state_root_of(HistoricalState(store.snapshot(), Height(6)))


def test_pruning_goes_on_where_it_stopped_and_never_back() -> None:
    store, _ = chain()
    assert prune(store, state_oldest=6, trie_oldest=6, heights_max=2) == (2, 2)
    assert prune(store, state_oldest=6, trie_oldest=6, heights_max=2) == (4, 4)
    assert prune(store, state_oldest=6, trie_oldest=6, heights_max=4) == (6, 6)
    assert prune(store, state_oldest=3, trie_oldest=3) == (6, 6)
    for height in range(6, HEIGHT_LAST + 1):
        assert_height_reads(store, height)


def test_pruning_up_to_the_head_leaves_no_history_behind() -> None:
    store, _ = chain()
    prune(store, state_oldest=HEIGHT_LAST, trie_oldest=HEIGHT_LAST)
    assert list(store.scan(b"p", b"r")) == []
    assert_height_reads(store, HEIGHT_LAST)


def test_a_snapshot_taken_before_pruning_still_reads_the_past() -> None:
    store, roots = chain()
    snapshot = store.snapshot()
    prune(store, state_oldest=9, trie_oldest=9)
    assert state_root_of(HistoricalState(snapshot, Height(2))) == roots[2]

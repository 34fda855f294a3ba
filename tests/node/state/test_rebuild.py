"""The state root from flat records alone."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Height
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.persist import write_overlay
from node.state.reader import FinalState, encode_storage_record
from node.state.rebuild import MisplacedRecord, StorageRootMismatch, rebuild_state_root
from node.state.state_trie import account_trie, root_of_sorted, update_trie
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.schema import account_key, storage_key
from tests.node.state.ledger_model import ADDRESSES


def stored_state() -> tuple[MemoryStore, bytes]:
    store = MemoryStore()
    overlay = Overlay(FinalState(store.snapshot()))
    journal = Journal(overlay)
    for address in ADDRESSES:
        journal.set_nonce(address, 1)
        for slot in range(address[-1]):
            journal.set_slot(address, slot, slot + 1)
    journal.commit()
    root = overlay.seal()
    batch = WriteBatch()
    write_overlay(batch, overlay, Height(0), store)
    store.write(batch, sync=True)
    return store, root


def write_one(store: MemoryStore, key: bytes, value: bytes | None) -> None:
    batch = WriteBatch()
    if value is None:
        batch.delete(key)
    else:
        batch.put(key, value)
    store.write(batch, sync=True)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_root_of_a_sorted_stream_is_that_of_the_trie_built_at_once(seed: int) -> None:
    generator = random.Random(seed)
    beginning = generator.randbytes(generator.choice([0, 0, 1, 2]))
    count = generator.choice([0, 1, 2, 3, 40, 600])
    keys = {(beginning + keccak256(generator.randbytes(4)))[:32] for _ in range(count)}
    pairs = [(key, generator.randbytes(generator.choice([1, 40])) + b"\x01") for key in sorted(keys)]
    assert root_of_sorted(iter(pairs)) == update_trie(account_trie(), lambda _: None, pairs, {})


def test_flat_records_give_the_state_root_without_any_trie_node() -> None:
    store, root = stored_state()
    for key, _ in store.scan(b"t", b"v"):
        write_one(store, key, None)
    assert rebuild_state_root(store) == root
    assert rebuild_state_root(MemoryStore()) == EMPTY_TRIE_ROOT


def test_a_changed_balance_gives_another_root() -> None:
    store, root = stored_state()
    record = bytearray(store.get(account_key(ADDRESSES[4])) or b"")
    record[39] ^= 1
    write_one(store, account_key(ADDRESSES[4]), bytes(record))
    assert rebuild_state_root(store) != root


@pytest.mark.parametrize("value", [None, encode_storage_record(2, 77)], ids=["lost", "changed"])
def test_a_lost_or_changed_slot_names_its_account(value: bytes | None) -> None:
    store, _ = stored_state()
    write_one(store, storage_key(ADDRESSES[4], 2), value)
    with pytest.raises(StorageRootMismatch) as caught:
        rebuild_state_root(store)
    assert caught.value.address == ADDRESSES[4]


@pytest.mark.parametrize("address", ADDRESSES)
def test_slots_without_their_account_are_misplaced(address: bytes) -> None:
    store, _ = stored_state()
    write_one(store, b"a" + keccak256(address), None)
    with pytest.raises(MisplacedRecord, match="slots without an account"):
        rebuild_state_root(store)


def test_a_record_under_the_key_of_another_is_misplaced() -> None:
    store, _ = stored_state()
    write_one(store, account_key(ADDRESSES[0]), store.get(account_key(ADDRESSES[1])))
    with pytest.raises(MisplacedRecord, match="holds the account"):
        rebuild_state_root(store)
    store, _ = stored_state()
    write_one(store, storage_key(ADDRESSES[4], 2), encode_storage_record(3, 3))
    with pytest.raises(MisplacedRecord, match="holds slot 0x3"):
        rebuild_state_root(store)

"""Overlays, journal, history, persistence, proofs and rebuild together, over random chains of blocks."""

import random
from dataclasses import dataclass
from typing import Any

import pytest
import rlp
from hypothesis import given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32, Height
from node.state.history import HistoricalState
from node.state.journal import Journal
from node.state.overlay import Overlay, state_root_of
from node.state.persist import write_overlay
from node.state.proof import prove_account
from node.state.reader import Account, FinalState, StateReader
from node.state.rebuild import rebuild_state_root
from node.state.state_trie import account_trie, storage_trie, update_trie
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.schema import account_key, changed_keys_key, code_key, previous_key, storage_key
from tests.node.state.ledger_model import ADDRESSES, SLOTS, Model, run_transaction

ALICE, BOB = ADDRESSES[0], ADDRESSES[1]


@dataclass(frozen=True, slots=True)
class Sealed:
    height: Height
    overlay: Overlay
    root: Hash32
    model: Model


def commit(store: MemoryStore, overlay: Overlay, height: int) -> FinalState:
    """Commit an overlay and return the state to put its successors on."""
    batch = WriteBatch()
    write_overlay(batch, overlay, Height(height), store)
    store.write(batch, sync=True)
    return FinalState(store.snapshot())


def assert_reads(state: StateReader, model: Model) -> None:
    for address in ADDRESSES:
        account = state.account(address)
        assert (account is not None) == (address in model.accounts)
        if account is not None:
            code = state.code(account.code_hash)
            assert (account.nonce, account.balance, code) == model.accounts[address]
            assert account.storage_root == model.storage_trie(address).root_hash
        used = {slot for (owner, slot), value in model.slots.items() if owner == address and value}
        assert sorted(state.used_slots(address)) == sorted(used)
        for slot in SLOTS:
            assert state.storage(address, slot) == model.slots.get((address, slot), 0)


def assert_proofs(state: StateReader, model: Model, root: Hash32) -> None:
    for address in ADDRESSES:
        proof = prove_account(state, address, SLOTS)
        proved = proved_value(root, keccak256(address), proof.nodes)
        if address not in model.accounts:
            assert proved == b""
            continue
        nonce, balance, code = model.accounts[address]
        assert proved == rlp.encode([nonce, balance, proof.account.storage_root, keccak256(code)])
        for slot in proof.slots:
            value = model.slots.get((address, slot.slot), 0)
            key = keccak256(slot.slot.to_bytes(32, "big"))
            proved = proved_value(proof.account.storage_root, key, slot.nodes)
            assert slot.value == value
            assert proved == (rlp.encode(value) if value else b"")


def proved_value(root: Hash32, key: bytes, nodes: tuple[bytes, ...]) -> bytes:
    """Return what the `trie` package reads from the proof alone."""
    if not nodes:
        assert root == EMPTY_TRIE_ROOT
        return b""
    # Any: the package's methods have no types.
    verifier: Any = HexaryTrie
    value: bytes = verifier.get_from_proof(root, key, [rlp.decode(node) for node in nodes])
    return value


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_random_chains_of_blocks_equal_the_model_in_memory_on_disk_and_in_history(seed: int) -> None:
    generator = random.Random(seed)
    store = MemoryStore()
    model = Model()
    final: StateReader = FinalState(store.snapshot())
    speculative: list[Sealed] = []
    history: list[Sealed] = []
    for number in range(8):
        overlay = Overlay(speculative[-1].overlay if speculative else final)
        journal = Journal(overlay)
        for _ in range(generator.randrange(4)):
            run_transaction(generator, journal, model)
        root = overlay.seal()
        assert root == model.root()
        sealed = Sealed(Height(number), overlay, root, model.copy())
        speculative.append(sealed)
        history.append(sealed)
        while len(speculative) > generator.randrange(4):
            committed = speculative.pop(0)
            final = commit(store, committed.overlay, committed.height)
            if speculative:
                speculative[0].overlay.rebase(final)
            assert rebuild_state_root(store) == committed.root == state_root_of(final)
            assert_reads(final, committed.model)
        for waiting in speculative:
            assert_reads(waiting.overlay, waiting.model)
            assert state_root_of(waiting.overlay) == waiting.root
    for sealed in history:
        if sealed not in speculative:
            state = HistoricalState(store.snapshot(), sealed.height)
            assert_reads(state, sealed.model)
            assert state_root_of(state) == sealed.root
    last = history[-1]
    assert_proofs(last.overlay, last.model, last.root)
    early = history[2]
    if early not in speculative:
        assert_proofs(HistoricalState(store.snapshot(), early.height), early.model, early.root)
    assert_no_garbage(store, [sealed for sealed in history if sealed not in speculative])


def assert_no_garbage(store: MemoryStore, committed: list[Sealed]) -> None:
    """Current records are exactly those of the last committed state."""
    if not committed:
        return
    model = committed[-1].model
    assert [key for key, _ in store.scan(b"a", b"b")] == sorted(account_key(address) for address in model.accounts)
    used = [key for key, value in model.slots.items() if value]
    assert [key for key, _ in store.scan(b"s", b"t")] == sorted(storage_key(*key) for key in used)
    fresh: dict[bytes, bytes | None] = {}
    leaves = model.account_trie()
    hashes = sorted(keccak256(address) for address in model.accounts)
    update_trie(account_trie(), lambda _: None, [(key, leaves[key]) for key in hashes], fresh)
    for address in model.accounts:
        words = model.storage_trie(address)
        slots = sorted(keccak256(slot.to_bytes(32, "big")) for owner, slot in used if owner == address)
        updates = [(key, words[key]) for key in slots]
        if updates:
            update_trie(storage_trie(keccak256(address)), lambda _: None, updates, fresh)
    assert dict(store.scan(b"t", b"v")) == fresh


def funded(parent: StateReader, balances: dict[Address, int]) -> Overlay:
    overlay = Overlay(parent)
    journal = Journal(overlay)
    for address, balance in balances.items():
        journal.set_balance(address, balance)
    journal.commit()
    overlay.seal()
    return overlay


def test_siblings_over_one_parent_do_not_see_each_other() -> None:
    parent = funded(FinalState(MemoryStore()), {ALICE: 1})
    left, right = funded(parent, {BOB: 2}), funded(parent, {ALICE: 3})
    assert left.account(ALICE) == parent.account(ALICE)
    assert right.account(BOB) is None


def test_a_block_of_an_abandoned_branch_still_reads_its_own_past_after_the_other_was_committed() -> None:
    store = MemoryStore()
    genesis = funded(FinalState(store.snapshot()), {ALICE: 1, BOB: 1})
    final = commit(store, genesis, 0)
    winner, loser = funded(final, {ALICE: 2}), Overlay(final)
    commit(store, winner, 1)
    assert loser.account(ALICE) == genesis.account(ALICE)
    assert state_root_of(loser) == state_root_of(genesis) != state_root_of(winner)


def test_an_overlay_is_not_rebased_onto_another_state() -> None:
    store = MemoryStore()
    parent = funded(FinalState(store.snapshot()), {ALICE: 1})
    child = funded(parent, {BOB: 2})
    with pytest.raises(AssertionError, match="another state"):
        child.rebase(FinalState(store.snapshot()))
    child.rebase(commit(store, parent, 0))
    assert child.account(ALICE) == parent.account(ALICE)


def test_a_block_is_committed_on_its_parent_and_only_once() -> None:
    store = MemoryStore()
    parent = funded(FinalState(store.snapshot()), {ALICE: 1})
    child = funded(parent, {BOB: 2})
    with pytest.raises(AssertionError, match="on its parent"):
        commit(store, child, 1)
    commit(store, parent, 0)
    with pytest.raises(AssertionError, match="on its parent"):
        commit(store, parent, 0)
    commit(store, child, 1)


def test_writes_that_change_nothing_leave_no_record_and_no_history() -> None:
    store = MemoryStore()
    genesis = funded(FinalState(store.snapshot()), {ALICE: 1, BOB: 5})
    final = commit(store, genesis, 0)
    before = list(store.scan(b"", b"\xff"))
    overlay = funded(final, {ALICE: 1})
    assert (overlay.accounts, overlay.nodes) == ({}, {})
    commit(store, overlay, 1)
    assert list(store.scan(b"", b"\xff")) == before


def test_a_commit_keeps_the_value_before_of_every_changed_key_and_genesis_keeps_none() -> None:
    store = MemoryStore()
    final = commit(store, funded(FinalState(store.snapshot()), {ALICE: 1}), 0)
    assert list(store.scan(b"p", b"r")) == []
    record = store.get(account_key(ALICE))
    commit(store, funded(final, {ALICE: 2, BOB: 3}), 1)
    assert store.get(previous_key(account_key(ALICE), Height(1))) == record
    assert store.get(previous_key(account_key(BOB), Height(1))) == b""
    assert store.get(changed_keys_key(b"qs", 1)) == b"".join(b"\x21" + account_key(key) for key in (ALICE, BOB))
    assert store.get(changed_keys_key(b"qs", 0)) is None


def test_an_account_recreated_in_the_block_that_deleted_it_keeps_slots_written_again() -> None:
    base = Overlay(FinalState(MemoryStore()))
    journal = Journal(base)
    journal.set_nonce(ALICE, 1)
    journal.set_slot(ALICE, 3, 9)
    journal.commit()
    base.seal()
    overlay = Overlay(base)
    journal = Journal(overlay)
    journal.delete_account(ALICE)
    journal.commit()
    assert (journal.get_slot(ALICE, 3), journal.account_exists(ALICE)) == (0, False)
    journal.set_nonce(ALICE, 2)
    journal.set_slot(ALICE, 3, 9)
    journal.commit()
    overlay.seal()
    before, after = base.account(ALICE), overlay.account(ALICE)
    assert isinstance(before, Account)
    assert after == before._replace(nonce=2)
    assert overlay.slots == {}


def test_code_is_stored_once_under_its_hash_and_outlives_its_account() -> None:
    store = MemoryStore()
    overlay = Overlay(FinalState(store.snapshot()))
    journal = Journal(overlay)
    journal.set_code(ALICE, b"\x60\x00")
    journal.commit()
    overlay.seal()
    commit(store, overlay, 0)
    journal = Journal(successor := Overlay(FinalState(store.snapshot())))
    journal.delete_account(ALICE)
    journal.commit()
    assert successor.seal() == EMPTY_TRIE_ROOT
    commit(store, successor, 1)
    assert store.get(code_key(keccak256(b"\x60\x00"))) == b"\x60\x00"
    assert list(store.scan(b"a", b"b")) == list(store.scan(b"t", b"v")) == []


def test_a_sealed_overlay_takes_no_more_changes() -> None:
    overlay = funded(FinalState(MemoryStore()), {ALICE: 1})
    journal = Journal(overlay)
    journal.set_balance(ALICE, 2)
    with pytest.raises(AssertionError, match="sealed"):
        journal.commit()
    with pytest.raises(AssertionError, match="sealed"):
        overlay.seal()

"""EIP-1186 proofs, judged by the `trie` package and by the light client's own verifier."""

from typing import Any

import pytest
import rlp
from trie.exceptions import BadTrieProof
from trie.hexary import HexaryTrie

from consensus.chain.merkle import EMPTY_TRIE_ROOT, verify_merkle_proof
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.proof import path_nodes, prove_account
from node.state.reader import EMPTY_ACCOUNT, FinalState
from node.state.state_trie import account_trie, update_trie
from node.storage.memory import MemoryStore

ADDRESSES = [Address(number.to_bytes(20, "big")) for number in range(300)]
CURRENCY = ADDRESSES[7]

# Any: the package's methods have no types.
Verifier: Any = HexaryTrie


def sealed_state() -> tuple[Overlay, Hash32]:
    overlay = Overlay(FinalState(MemoryStore()))
    journal = Journal(overlay)
    for address in ADDRESSES[:200]:
        journal.set_balance(address, 1 + int.from_bytes(address, "big"))
    for slot in range(100):
        journal.set_slot(CURRENCY, slot, slot * slot)
    journal.commit()
    return overlay, overlay.seal()


def slot_hash(slot: int) -> bytes:
    return keccak256(slot.to_bytes(32, "big"))


def test_present_and_absent_accounts_and_slots_are_proved_to_two_verifiers() -> None:
    state, root = sealed_state()
    for address in ADDRESSES:
        proof = prove_account(state, address, [])
        value = Verifier.get_from_proof(root, keccak256(address), [rlp.decode(node) for node in proof.nodes])
        assert (verify_merkle_proof(root, keccak256(address), proof.nodes) or b"") == value
        assert bool(value) == (state.account(address) is not None)
    proof = prove_account(state, CURRENCY, range(150))
    storage_root = proof.account.storage_root
    for slot in proof.slots:
        value = Verifier.get_from_proof(storage_root, slot_hash(slot.slot), [rlp.decode(node) for node in slot.nodes])
        assert value == (rlp.encode(slot.slot * slot.slot) if 0 < slot.slot < 100 else b"")
        assert (verify_merkle_proof(storage_root, slot_hash(slot.slot), slot.nodes) or b"") == value


def test_a_proof_without_its_last_node_proves_nothing() -> None:
    state, root = sealed_state()
    nodes = [rlp.decode(node) for node in prove_account(state, CURRENCY, []).nodes]
    with pytest.raises(BadTrieProof):
        Verifier.get_from_proof(root, keccak256(CURRENCY), nodes[:-1])


def test_an_absent_account_has_no_storage_and_an_empty_state_no_nodes() -> None:
    state, _ = sealed_state()
    proof = prove_account(state, ADDRESSES[250], [1])
    assert proof.account == EMPTY_ACCOUNT
    assert [(slot.value, slot.nodes) for slot in proof.slots] == [(0, ())]
    assert prove_account(FinalState(MemoryStore()), CURRENCY, []).nodes == ()
    assert EMPTY_ACCOUNT.storage_root == EMPTY_TRIE_ROOT


def test_nodes_embedded_in_their_parent_are_not_listed_and_still_proved() -> None:
    beginning = b"\x22" * 29
    keys = [beginning + bytes((a, b, 0)) for a in range(3) for b in range(3)]
    stored: dict[bytes, bytes | None] = {}
    root = update_trie(account_trie(), lambda _: None, [(key, b"\x05") for key in keys], stored)
    for key in [*keys, beginning + b"\x01\x09\x00", beginning + b"\x09\x00\x00", b"\x33" * 32]:
        nodes = path_nodes(account_trie(), stored.get, key)
        assert all(len(node) >= 32 for node in nodes)
        value = Verifier.get_from_proof(root, key, [rlp.decode(node) for node in nodes])
        assert value == (b"\x05" if key in keys else b"")
        assert verify_merkle_proof(root, key, nodes) == (value or None)

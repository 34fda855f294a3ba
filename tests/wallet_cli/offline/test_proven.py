"""Words, classes and held sums are proven under a final header, and an attestation is compared with them."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode as abi_encode

from consensus.chain.header import encode_header
from consensus.light.attestation import AttestedKind, verify_attestation
from consensus.light.trust import ValueNotProven
from consensus.light.verify import FinalHeader, verify_final_proof
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode, uint_to_bytes
from consensus.primitives.scalars import Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.lock_rules import OfflineWord, encode_word
from tests.consensus.light.builders import certificate_of, child_of, make_network
from tests.consensus.light.tries import Trie
from tests.wallet_cli.offline.builders import (
    ALICE_ADDRESS,
    BOB_ADDRESS,
    CLASS,
    EUR,
    LOCK_ID,
    LOCK_WORD,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SHOPS,
    certify_lock,
    trust,
)
from wallet_cli.offline.proven import (
    OfflineStorage,
    prove_blacklisted_since,
    prove_class_membership,
    prove_held,
    prove_lock_word,
    prove_paid_to,
    prove_purse_flags,
    prove_purse_word,
    prove_storage,
)

CLASS_ID = PURSE_TERMS.accept_class


def mapping(kind: str, key: object, slot: bytes) -> bytes:
    """Return a mapping's slot as Solidity's manual defines it."""
    return keccak256(abi_encode([kind], [key]) + slot)


def number(slot: int) -> bytes:
    return slot.to_bytes(32, "big")


ENTRIES = {
    mapping("bytes32", LOCK_ID, number(1)): int.from_bytes(encode_word(LOCK_WORD), "big"),
    mapping("bytes32", PURSE_ID, number(3)): int.from_bytes(encode_word(PURSE_WORD), "big"),
    mapping("bytes32", PURSE_ID, number(4)): 2,
    mapping("address", BOB_ADDRESS, mapping("bytes32", PURSE_ID, number(5))): 12_34,
    mapping("bytes32", CLASS_ID, number(7)): len(CLASS),
    mapping("address", BOB_ADDRESS, mapping("bytes32", CLASS_ID, number(8))): 1,
    mapping("address", ALICE_ADDRESS, mapping("address", EUR, number(9))): 77,
    mapping("address", ALICE_ADDRESS, number(10)): 1_790_000_000,
}
STORAGE = Trie({keccak256(slot): encode(uint_to_bytes(value)) for slot, value in ENTRIES.items()})


def slot_proof(slot: bytes) -> list[bytes]:
    return STORAGE.proof(keccak256(slot))


def final_header() -> tuple[FinalHeader, Trie]:
    """Return a header whose state holds the storage above, final by three of four validators."""
    network = make_network()
    account = encode([b"", b"", STORAGE.root, keccak256(b"")])
    state = Trie({keccak256(OFFLINE_LOCKS): account, keccak256(b"\xcc" * 20): account})
    header = replace(child_of(network.genesis), state_root=state.root)
    final = verify_final_proof(
        network.trusted,
        header_rlp=encode_header(header),
        linking_headers=(),
        finalization=certificate_of(header, domain=network.domain),
    )
    return final, state


def storage() -> OfflineStorage:
    final, state = final_header()
    return prove_storage(final, state.proof(keccak256(OFFLINE_LOCKS)))


def test_everything_a_wallet_asks_is_proven() -> None:
    found = storage()
    assert prove_lock_word(found, LOCK_ID, slot_proof(mapping("bytes32", LOCK_ID, number(1)))) == LOCK_WORD
    assert prove_purse_word(found, PURSE_ID, slot_proof(mapping("bytes32", PURSE_ID, number(3)))) == PURSE_WORD
    assert prove_purse_flags(found, PURSE_ID, slot_proof(mapping("bytes32", PURSE_ID, number(4)))) == 2
    paid = slot_proof(mapping("address", BOB_ADDRESS, mapping("bytes32", PURSE_ID, number(5))))
    assert prove_paid_to(found, PURSE_ID, BOB_ADDRESS, paid) == 12_34
    held = slot_proof(mapping("address", ALICE_ADDRESS, mapping("address", EUR, number(9))))
    assert prove_held(found, EUR, ALICE_ADDRESS, held) == 77
    since = slot_proof(mapping("address", ALICE_ADDRESS, number(10)))
    assert prove_blacklisted_since(found, ALICE_ADDRESS, since) == 1_790_000_000


def test_class_is_as_large_as_proven_for_its_members_and_nothing_for_others() -> None:
    size = slot_proof(mapping("bytes32", CLASS_ID, number(7)))
    for payee, expected in ((BOB_ADDRESS, 4), (SHOPS[0], 0)):
        member = slot_proof(mapping("address", payee, mapping("bytes32", CLASS_ID, number(8))))
        assert prove_class_membership(storage(), CLASS_ID, payee, size_nodes=size, member_nodes=member) == expected


def test_lock_that_was_never_opened_is_proven_to_be_none() -> None:
    other = Hash32(keccak256(b"other"))
    empty = prove_lock_word(storage(), other, slot_proof(mapping("bytes32", other, number(1))))
    assert empty == OfflineWord(0, 0, 0, 0)


def test_proof_of_another_slot_or_with_a_wrong_byte_proves_nothing() -> None:
    nodes = slot_proof(mapping("bytes32", LOCK_ID, number(1)))
    with pytest.raises(ValueNotProven):
        prove_purse_word(storage(), PURSE_ID, nodes)
    for at in range(len(nodes[-1])):
        changed = bytearray(nodes[-1])
        changed[at] ^= 1
        with pytest.raises(ValueNotProven):
            prove_lock_word(storage(), LOCK_ID, [*nodes[:-1], bytes(changed)])


def test_network_without_offline_locks_is_told() -> None:
    final, _ = final_header()
    bare = Trie({keccak256(b"\xcc" * 20): encode([b"", b"", STORAGE.root, keccak256(b"")])})
    without = replace(final, header=replace(final.header, state_root=bare.root))
    with pytest.raises(ValueNotProven, match="no offline payments"):
        prove_storage(without, bare.proof(keccak256(OFFLINE_LOCKS)))


def test_attestation_says_what_was_proven() -> None:
    word = prove_lock_word(storage(), LOCK_ID, slot_proof(mapping("bytes32", LOCK_ID, number(1))))
    signers = verify_attestation(
        trust(), certify_lock().certificate, kind=AttestedKind.LOCK, id=LOCK_ID, word=encode_word(word)
    )
    assert signers == (0, 1, 2)

"""OfflineLocks keeps everything where Solidity would."""

from eth_abi.abi import encode as abi_encode

from consensus.primitives.hashing import keccak256
from contracts.offline import slots
from tests.wallet_cli.offline.builders import ALICE_ADDRESS, BOB_ADDRESS, EUR, LOCK_ID


def mapping(kind: str, key: object, slot: int) -> int:
    return int.from_bytes(keccak256(abi_encode([kind, "uint256"], [key, slot])), "big")


def test_slots_are_those_of_the_layout() -> None:
    assert slots.lock_word_slot(LOCK_ID) == mapping("bytes32", LOCK_ID, 1)
    assert slots.open_nonce_slot(BOB_ADDRESS) == mapping("address", BOB_ADDRESS, 2)
    assert slots.purse_word_slot(LOCK_ID) == mapping("bytes32", LOCK_ID, 3)
    assert slots.purse_flags_slot(LOCK_ID) == mapping("bytes32", LOCK_ID, 4)
    assert slots.paid_to_slot(LOCK_ID, BOB_ADDRESS) == mapping("address", BOB_ADDRESS, mapping("bytes32", LOCK_ID, 5))
    assert slots.hop_paid_slot(LOCK_ID) == mapping("bytes32", LOCK_ID, 6)
    assert slots.class_size_slot(LOCK_ID) == mapping("bytes32", LOCK_ID, 7)
    assert slots.class_member_slot(LOCK_ID, BOB_ADDRESS) == mapping(
        "address", BOB_ADDRESS, mapping("bytes32", LOCK_ID, 8)
    )
    assert slots.held_slot(EUR, ALICE_ADDRESS) == mapping("address", ALICE_ADDRESS, mapping("address", EUR, 9))
    assert slots.blacklisted_since_slot(ALICE_ADDRESS) == mapping("address", ALICE_ADDRESS, 10)
    behind = int.from_bytes(keccak256((11).to_bytes(32, "big")), "big")
    assert slots.revocation_slot(3) == behind + 3

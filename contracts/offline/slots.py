"""Where OfflineLocks keeps what wallets prove: its storage layout, version 1. A slot once published never moves.

Source: offline.md §5; Solidity, "Layout of State Variables in Storage".
"""

from typing import Final

from consensus.primitives.scalars import Address, Hash32
from contracts.layout import address_mapping_slot, array_data_slot, word_mapping_slot


class OfflineLocksSlots:
    """Slots of OfflineLocks."""

    LAYOUT_VERSION: Final = 0
    """uint: 1."""
    LOCKS: Final = 1
    """mapping(bytes32 lockId => word)."""
    OPEN_NONCES: Final = 2
    """mapping(address => uint64): locks and purses an account ever opened."""
    PURSES: Final = 3
    """mapping(bytes32 purseId => word); amounts 0 and times kept once closed."""
    PURSE_FLAGS: Final = 4
    """mapping(bytes32 purseId => uint8): 1 the owner flagged it, 2 it was spent twice."""
    PAID_TO: Final = 5
    """mapping(bytes32 purseId => mapping(address => uint96))."""
    HOPS_PAID: Final = 6
    """mapping(bytes32 hopDigest => uint8)."""
    CLASS_SIZES: Final = 7
    """mapping(bytes32 classId => uint32)."""
    CLASS_MEMBERS: Final = 8
    """mapping(bytes32 classId => mapping(address => uint8))."""
    HELD: Final = 9
    """mapping(address currency => mapping(address account => uint96))."""
    BLACKLISTED_SINCE: Final = 10
    """mapping(address => uint32 seconds); 0: not blacklisted."""
    REVOCATIONS: Final = 11
    """Length of the log; entries kind u8 ‖ expires u32 ‖ prefix bytes8 lie behind keccak(11)."""


def lock_word_slot(lock: Hash32) -> int:
    """Return the slot of a lock's word."""
    return word_mapping_slot(lock, OfflineLocksSlots.LOCKS)


def purse_word_slot(purse: Hash32) -> int:
    """Return the slot of a purse's word."""
    return word_mapping_slot(purse, OfflineLocksSlots.PURSES)


def open_nonce_slot(account: Address) -> int:
    """Return the slot of the number that an account's next terms must carry."""
    return address_mapping_slot(account, OfflineLocksSlots.OPEN_NONCES)


def purse_flags_slot(purse: Hash32) -> int:
    """Return the slot of a purse's flags."""
    return word_mapping_slot(purse, OfflineLocksSlots.PURSE_FLAGS)


def paid_to_slot(purse: Hash32, payee: Address) -> int:
    """Return the slot of what a payee was paid from a purse."""
    return address_mapping_slot(payee, word_mapping_slot(purse, OfflineLocksSlots.PAID_TO))


def hop_paid_slot(digest: Hash32) -> int:
    """Return the slot that is not 0 once a spend was paid."""
    return word_mapping_slot(digest, OfflineLocksSlots.HOPS_PAID)


def class_size_slot(class_id: Hash32) -> int:
    """Return the slot of the number of a class's payees."""
    return word_mapping_slot(class_id, OfflineLocksSlots.CLASS_SIZES)


def class_member_slot(class_id: Hash32, payee: Address) -> int:
    """Return the slot that is 1 if the payee is in the class."""
    return address_mapping_slot(payee, word_mapping_slot(class_id, OfflineLocksSlots.CLASS_MEMBERS))


def held_slot(currency: Address, account: Address) -> int:
    """Return the slot of what waits for an account that may not receive now."""
    return address_mapping_slot(account, address_mapping_slot(currency, OfflineLocksSlots.HELD))


def blacklisted_since_slot(account: Address) -> int:
    """Return the slot of when an owner was found to have spent twice."""
    return address_mapping_slot(account, OfflineLocksSlots.BLACKLISTED_SINCE)


def revocation_slot(index: int) -> int:
    """Return the slot of an entry of the revocation log, from 0."""
    return array_data_slot(OfflineLocksSlots.REVOCATIONS) + index

"""What a wallet proves of offline money while it has a network: words, classes, held sums, under a final header.

Nothing here asks a node; the proofs are arguments. What is proven here is what attestations are compared with before a
wallet believes or carries them. Source: offline.md §5, §7; EIP-1186.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.light.trust import ValueNotProven
from consensus.light.verify import FinalHeader, verify_account, verify_storage_slot
from consensus.primitives.scalars import Address, Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.lock_rules import OfflineWord, decode_word
from contracts.offline.slots import (
    blacklisted_since_slot,
    class_member_slot,
    class_size_slot,
    held_slot,
    lock_word_slot,
    paid_to_slot,
    purse_flags_slot,
    purse_word_slot,
)


@dataclass(frozen=True, slots=True)
class OfflineStorage:
    """The storage of OfflineLocks in one final block."""

    storage_root: Hash32
    height: int


def prove_storage(final: FinalHeader, account_nodes: Sequence[bytes]) -> OfflineStorage:
    """Return the storage of OfflineLocks under a final header. Raises: ValueNotProven, MalformedEvidence."""
    account = verify_account(final.header.state_root, OFFLINE_LOCKS, account_nodes)
    if account is None:
        raise ValueNotProven("OfflineLocks", "the proof shows that this network has no offline payments")
    return OfflineStorage(account.storage_root, final.header.height)


def prove_lock_word(storage: OfflineStorage, lock: Hash32, nodes: Sequence[bytes]) -> OfflineWord:
    """Return a lock's word, all zero if there is none. Raises: ValueNotProven, MalformedEvidence."""
    return _word(storage, lock_word_slot(lock), nodes)


def prove_purse_word(storage: OfflineStorage, purse: Hash32, nodes: Sequence[bytes]) -> OfflineWord:
    """Return a purse's word; amounts 0 with times is a closed purse. Raises: ValueNotProven, MalformedEvidence."""
    return _word(storage, purse_word_slot(purse), nodes)


def prove_class_membership(
    storage: OfflineStorage,
    class_id: Hash32,
    payee: Address,
    *,
    size_nodes: Sequence[bytes],
    member_nodes: Sequence[bytes],
) -> int:
    """Return the size of the class, of which `payee` is proven a member; 0 if it is none.

    Raises: ValueNotProven, MalformedEvidence.
    """
    if verify_storage_slot(storage.storage_root, class_member_slot(class_id, payee), member_nodes) == 0:
        return 0
    return verify_storage_slot(storage.storage_root, class_size_slot(class_id), size_nodes)


def prove_paid_to(storage: OfflineStorage, purse: Hash32, payee: Address, nodes: Sequence[bytes]) -> int:
    """Return the minor units a payee was paid from a purse. Raises: ValueNotProven, MalformedEvidence."""
    return verify_storage_slot(storage.storage_root, paid_to_slot(purse, payee), nodes)


def prove_held(storage: OfflineStorage, currency: Address, account: Address, nodes: Sequence[bytes]) -> int:
    """Return the minor units that wait for an account that could not receive.

    Raises: ValueNotProven, MalformedEvidence.
    """
    return verify_storage_slot(storage.storage_root, held_slot(currency, account), nodes)


def prove_purse_flags(storage: OfflineStorage, purse: Hash32, nodes: Sequence[bytes]) -> int:
    """Return a purse's flags: 1 its owner revoked it, 2 it was spent twice.

    Raises: ValueNotProven, MalformedEvidence.
    """
    return verify_storage_slot(storage.storage_root, purse_flags_slot(purse), nodes)


def prove_blacklisted_since(storage: OfflineStorage, owner: Address, nodes: Sequence[bytes]) -> int:
    """Return when an owner was blacklisted, in seconds; 0: it is not. Raises: ValueNotProven, MalformedEvidence."""
    return verify_storage_slot(storage.storage_root, blacklisted_since_slot(owner), nodes)


def _word(storage: OfflineStorage, slot: int, nodes: Sequence[bytes]) -> OfflineWord:
    return decode_word(verify_storage_slot(storage.storage_root, slot, nodes).to_bytes(32, "big"))

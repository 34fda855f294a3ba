"""The state root from the flat records alone, which is what `verify` compares with the header.

Nothing here reads a stored trie node: it must not trust what it checks.
"""

from collections.abc import Iterator
from itertools import groupby

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32
from node.state.reader import (
    address_of_record,
    decode_account_record,
    decode_slot,
    decode_storage_record,
    encode_account,
    encode_storage_value,
)
from node.state.state_trie import TrieUpdate, root_of_sorted
from node.storage.errors import StorageError
from node.storage.kv import ReadableStore, prefix_end
from node.storage.schema import ACCOUNT, STORAGE

_Record = tuple[bytes, bytes]

_HASH_END = 33
"""Where the hashed address ends in the key of an account or slot."""


class StorageRootMismatch(StorageError):
    """Flat records and the storage root of their account disagree."""

    def __init__(self, address: bytes, *, recorded: bytes, computed: bytes) -> None:
        self.address = address
        self.recorded = recorded
        self.computed = computed
        super().__init__(
            f"storage of 0x{address.hex()}: root recorded 0x{recorded.hex()}, computed 0x{computed.hex()}: "
            "move the data away and let the node sync afresh"
        )


class MisplacedRecord(StorageError):
    """A flat record whose key is not the hash of what it says it is about, or slots without an account."""

    def __init__(self, key: bytes, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"record 0x{key.hex()}: {reason}: move the data away and let the node sync afresh")


def rebuild_state_root(store: ReadableStore) -> Hash32:
    """Return the state root computed from the flat account and slot records alone, in one ordered scan of each.

    Memory stays at a 256th of the largest trie. Raises: StorageRootMismatch, MisplacedRecord.
    """
    return root_of_sorted(_accounts(store))


def _accounts(store: ReadableStore) -> Iterator[TrieUpdate]:
    """Yield the leaves of the account trie, walking the slots alongside: both are in the order of hashed addresses."""
    slot_groups = groupby(store.scan(STORAGE, prefix_end(STORAGE)), key=lambda record: record[0][1:_HASH_END])
    slots_of, slots = next(slot_groups, (None, iter(())))
    for key, record in store.scan(ACCOUNT, prefix_end(ACCOUNT)):
        address, account = address_of_record(record), decode_account_record(record)
        address_hash = key[1:]
        if keccak256(address) != address_hash:
            raise MisplacedRecord(key, f"holds the account of 0x{address.hex()}")
        if slots_of is not None and slots_of < address_hash:
            break
        root = EMPTY_TRIE_ROOT
        if slots_of == address_hash:
            root = root_of_sorted(_slots(slots))
            slots_of, slots = next(slot_groups, (None, iter(())))
        if root != account.storage_root:
            raise StorageRootMismatch(address, recorded=account.storage_root, computed=root)
        yield address_hash, encode_account(account)
    if slots_of is not None:
        raise MisplacedRecord(STORAGE + slots_of, "slots without an account")


def _slots(records: Iterator[_Record]) -> Iterator[TrieUpdate]:
    for key, record in records:
        slot = decode_slot(record)
        if keccak256(slot.to_bytes(32, "big")) != key[_HASH_END:]:
            raise MisplacedRecord(key, f"holds slot {slot:#x}")
        yield key[_HASH_END:], encode_storage_value(decode_storage_record(record))

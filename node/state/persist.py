"""An overlay as entries of a write batch, with the values before for history; and the root of flat records alone."""

from collections.abc import Iterator

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.scalars import Hash32, Height
from node.state.overlay import Overlay
from node.state.reader import (
    decode_account_record,
    decode_storage_record,
    encode_account,
    encode_account_record,
    encode_storage_record,
    encode_storage_value,
)
from node.state.state_trie import TrieUpdate, account_trie, storage_trie, update_trie
from node.storage.errors import StorageError
from node.storage.kv import ReadableStore, WriteBatch, prefix_end
from node.storage.schema import (
    ACCOUNT,
    STORAGE,
    account_key,
    code_key,
    previous_key,
    storage_key,
)


class StorageRootMismatch(StorageError):
    """Flat records and the storage root of their account disagree."""

    def __init__(self, address: bytes, *, recorded: bytes, computed: bytes) -> None:
        self.address = address
        self.recorded = recorded
        self.computed = computed
        super().__init__(f"storage of 0x{address.hex()}: root recorded 0x{recorded.hex()}, computed 0x{computed.hex()}")


def write_overlay(batch: WriteBatch, overlay: Overlay, height: Height, before: ReadableStore) -> None:
    """Add a sealed overlay to the batch that commits `height`; `before` is the store without that block.

    For every changed key the value before it is kept too, empty if there was none.
    """
    for key, value in _records(overlay):
        previous = before.get(key)
        batch.put(previous_key(key, height), previous or b"")
        if value is not None:
            batch.put(key, value)
        elif previous is not None:
            batch.delete(key)
    for code_hash, code in overlay.codes.items():
        if code_hash != KECCAK_EMPTY:
            batch.put(code_key(code_hash), code)


def rebuild_state_root(store: ReadableStore) -> Hash32:
    """Return the state root computed from the flat account and slot records alone, in two ordered scans.

    Raises: StorageRootMismatch if an account's slots do not give the storage root in its record.
    """
    slots_by_account: dict[bytes, list[TrieUpdate]] = {}
    for key, record in store.scan(STORAGE, prefix_end(STORAGE)):
        value = encode_storage_value(decode_storage_record(record))
        slots_by_account.setdefault(key[1:33], []).append((key[33:], value))
    updates: list[TrieUpdate] = []
    for key, record in store.scan(ACCOUNT, prefix_end(ACCOUNT)):
        account = decode_account_record(record)
        address_hash = Hash32(key[1:])
        slots = slots_by_account.get(address_hash)
        root = EMPTY_TRIE_ROOT
        if slots:
            root = update_trie(storage_trie(address_hash), lambda _: None, slots, {})
        if root != account.storage_root:
            raise StorageRootMismatch(record[104:], recorded=account.storage_root, computed=root)
        updates.append((address_hash, encode_account(account)))
    return update_trie(account_trie(), lambda _: None, updates, {})


def _records(overlay: Overlay) -> Iterator[tuple[bytes, bytes | None]]:
    for address, account in overlay.accounts.items():
        yield account_key(address), None if account is None else encode_account_record(address, account)
    for address, slots in overlay.slots.items():
        for slot, value in slots.items():
            yield storage_key(address, slot), encode_storage_record(slot, value) if value else None
    yield from overlay.nodes.items()

"""An overlay as entries of a write batch, with the values before for history, and the end of that history."""

from collections.abc import Iterator

from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.scalars import Address, Height
from node.state.history import load_floor
from node.state.overlay import Overlay, state_root_of
from node.state.reader import Account, FinalState, encode_account_record, encode_storage_record
from node.storage.kv import ReadableStore, WriteBatch
from node.storage.schema import (
    CHANGED_STATE,
    CHANGED_TRIE,
    META_STATE_FLOOR,
    META_TRIE_FLOOR,
    account_key,
    changed_keys_key,
    code_key,
    height_bytes,
    previous_key,
    storage_key,
)

GENESIS = 0
"""Height before which there is no state, so that block keeps no values before."""


def write_overlay(batch: WriteBatch, overlay: Overlay, height: Height, before: ReadableStore) -> None:
    """Add a sealed overlay to the batch that commits `height`; `before` is the store without that block.

    For every changed key the value before it is kept too, empty if there was none.
    """
    assert state_root_of(FinalState(before)) == overlay.root_before, "a block is committed on its parent, once"
    for kind, changes in ((CHANGED_STATE, _flat_changes(overlay)), (CHANGED_TRIE, overlay.node_changes())):
        changed_keys: list[bytes] = []
        for key, previous, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
            if height > GENESIS:
                batch.put(previous_key(key, height), previous or b"")
                changed_keys.append(key)
        if changed_keys:
            batch.put(changed_keys_key(kind, height), _encode_keys(changed_keys))
    for code_hash, code in overlay.codes.items():
        if code_hash != KECCAK_EMPTY:
            batch.put(code_key(code_hash), code)


def prune_state_history(batch: WriteBatch, store: ReadableStore, *, oldest: Height, heights_max: int) -> Height:
    """Forget accounts and slots as they were below height `oldest`, at most `heights_max` heights in one batch.

    Returns the lowest height that is kept then; call again until that is `oldest`. Trie nodes are never kept longer,
    so prune them first.
    """
    return _prune(batch, store, CHANGED_STATE, META_STATE_FLOOR, oldest, heights_max)


def prune_trie_history(batch: WriteBatch, store: ReadableStore, *, oldest: Height, heights_max: int) -> Height:
    """Forget trie nodes as they were below height `oldest`, at most `heights_max` heights in one batch.

    Returns the lowest height that is kept then; call again until that is `oldest`.
    """
    return _prune(batch, store, CHANGED_TRIE, META_TRIE_FLOOR, oldest, heights_max)


def _prune(
    batch: WriteBatch, store: ReadableStore, kind: bytes, meta_key: bytes, oldest: Height, heights_max: int
) -> Height:
    floor = load_floor(store, meta_key)
    reached = Height(min(oldest, floor + heights_max))
    if reached <= floor:
        return floor
    # Reading the state at `reached` needs the values before every height above it, and no other.
    start, stop = changed_keys_key(kind, floor + 1), changed_keys_key(kind, reached + 1)
    for list_key, keys in store.scan(start, stop):
        height = Height(int.from_bytes(list_key[len(kind) :], "big"))
        for key in _decode_keys(keys):
            batch.delete(previous_key(key, height))
        batch.delete(list_key)
    batch.put(meta_key, height_bytes(reached))
    return reached


def _flat_changes(overlay: Overlay) -> Iterator[tuple[bytes, bytes | None, bytes | None]]:
    for address, account_before, account in overlay.account_changes():
        yield account_key(address), _account_record(address, account_before), _account_record(address, account)
    for address, slot, value_before, value in overlay.slot_changes():
        yield storage_key(address, slot), _slot_record(slot, value_before), _slot_record(slot, value)


def _account_record(address: Address, account: Account | None) -> bytes | None:
    return None if account is None else encode_account_record(address, account)


def _slot_record(slot: int, value: int) -> bytes | None:
    return encode_storage_record(slot, value) if value else None


def _encode_keys(keys: list[bytes]) -> bytes:
    """Return each key after a byte with its length; the longest, of a storage trie node, has 98."""
    return b"".join([bytes((len(key),)) + key for key in keys])


def _decode_keys(value: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(value):
        end = at + 1 + value[at]
        assert end <= len(value), "list of changed keys is cut off"
        yield value[at + 1 : end]
        at = end

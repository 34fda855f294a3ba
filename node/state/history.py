"""The state as it was after an earlier height.

Each commit keeps, for every key it changed, the value before (`p` records). A value as of height H is therefore the
first kept one above H, or the current one if the key has not changed since: one seek. Below the floors that pruning
left, nothing is answered: a missing record there would look like "unchanged".
"""

from collections.abc import Iterator

from consensus.primitives.scalars import Address, Hash32, Height
from node.state.reader import Account, decode_account_record, decode_slot, decode_storage_record, load_code
from node.storage.errors import StatePruned
from node.storage.kv import ReadableStore, prefix_end
from node.storage.schema import (
    META_STATE_FLOOR,
    META_TRIE_FLOOR,
    PREVIOUS,
    account_key,
    previous_key,
    storage_key,
    storage_prefix,
)

_AFTER_ALL_HEIGHTS = b"\xff" * 8


class HistoricalState:
    """The state after `height`, read from a store that has moved on."""

    __slots__ = ("_height", "_store", "_trie_floor")

    def __init__(self, store: ReadableStore, height: Height) -> None:
        """Read as of `height`, which must not be above the store's head.

        Raises: StatePruned.
        """
        floor = load_floor(store, META_STATE_FLOOR)
        if height < floor:
            raise StatePruned(height=height, oldest=floor)
        self._store = store
        self._height = height
        self._trie_floor = load_floor(store, META_TRIE_FLOOR)

    def account(self, address: Address) -> Account | None:
        record = self._value(account_key(address))
        return None if record is None else decode_account_record(record)

    def storage(self, address: Address, slot: int) -> int:
        record = self._value(storage_key(address, slot))
        return 0 if record is None else decode_storage_record(record)

    def used_slots(self, address: Address) -> Iterator[int]:
        prefix = storage_prefix(address)
        # A slot that was in use then is in use now, or a later block changed it.
        slots = {decode_slot(record) for _, record in self._store.scan(prefix, prefix_end(prefix))}
        changed = PREVIOUS + prefix
        for _, before in self._store.scan(changed, prefix_end(changed)):
            if before:
                slots.add(decode_slot(before))
        for slot in sorted(slots):
            if self.storage(address, slot):
                yield slot

    def code(self, code_hash: Hash32) -> bytes:
        return load_code(self._store, code_hash)

    def trie_node(self, key: bytes) -> bytes | None:
        """Return the node at `key` then. Raises: StatePruned, as tries are kept for fewer heights than accounts."""
        if self._height < self._trie_floor:
            raise StatePruned(height=self._height, oldest=self._trie_floor)
        return self._value(key)

    def _value(self, key: bytes) -> bytes | None:
        first_after = previous_key(key, Height(self._height + 1))
        end = first_after[: -len(_AFTER_ALL_HEIGHTS)] + _AFTER_ALL_HEIGHTS
        for _, before in self._store.scan(first_after, end):
            return before or None
        return self._store.get(key)


def load_floor(store: ReadableStore, meta_key: bytes) -> Height:
    """Return the lowest height that is kept; `meta_key` is META_STATE_FLOOR or META_TRIE_FLOOR."""
    value = store.get(meta_key)
    return Height(0 if value is None else int.from_bytes(value, "big"))

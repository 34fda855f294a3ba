"""The state as it was after an earlier height.

Each commit keeps, for every key it changed, the value before (`p` records). A value as of height H is therefore the
first kept one above H, or the current one if the key has not changed since: one seek.
"""

from consensus.primitives.scalars import Address, Hash32, Height
from node.state.reader import Account, decode_account_record, decode_storage_record, load_code
from node.storage.kv import ReadableStore
from node.storage.schema import account_key, previous_key, storage_key

_AFTER_ALL_HEIGHTS = b"\xff" * 8


class HistoricalState:
    """The state after `height`, read from a store that has moved on."""

    __slots__ = ("_height", "_store")

    def __init__(self, store: ReadableStore, height: Height) -> None:
        self._store = store
        self._height = height

    def account(self, address: Address) -> Account | None:
        record = self._value(account_key(address))
        return None if record is None else decode_account_record(record)

    def storage(self, address: Address, slot: int) -> int:
        record = self._value(storage_key(address, slot))
        return 0 if record is None else decode_storage_record(record)

    def code(self, code_hash: Hash32) -> bytes:
        return load_code(self._store, code_hash)

    def trie_node(self, key: bytes) -> bytes | None:
        return self._value(key)

    def _value(self, key: bytes) -> bytes | None:
        first_after = previous_key(key, Height(self._height + 1))
        end = first_after[: -len(_AFTER_ALL_HEIGHTS)] + _AFTER_ALL_HEIGHTS
        for _, before in self._store.scan(first_after, end):
            return before or None
        return self._store.get(key)

"""Accounts, slots, code and trie nodes at one height."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.rlp_codec import encode_bytes, encode_joined, encode_uint
from consensus.primitives.scalars import Address, Hash32
from node.storage.errors import DamagedValue, MissingRecord
from node.storage.kv import ReadableStore, prefix_end
from node.storage.schema import account_key, code_key, storage_key, storage_prefix

ACCOUNT_RECORD_BYTES = 124


class Account(NamedTuple):
    """An account as the account trie holds it. A tuple, because execution makes several for each transaction."""

    nonce: int
    """Transactions sent."""
    balance: int
    """Native value in wei."""
    storage_root: Hash32
    """Root of the storage trie as of the last sealed block."""
    code_hash: Hash32
    """keccak-256 of the code; of nothing for plain accounts."""


EMPTY_ACCOUNT = Account(0, 0, EMPTY_TRIE_ROOT, KECCAK_EMPTY)
"""What an address that never appeared looks like; never stored."""


class StateReader(Protocol):
    """The state at one height, or a difference over one."""

    def account(self, address: Address) -> Account | None:
        """Return the account; None if it does not exist."""
        ...

    def storage(self, address: Address, slot: int) -> int:
        """Return the word in a slot, 0 if never written."""
        ...

    def used_slots(self, address: Address) -> Iterator[int]:
        """Yield the slots of an account that are not 0, in no particular order."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the code with that hash. Raises: MissingRecord."""
        ...

    def trie_node(self, key: bytes) -> bytes | None:
        """Return the RLP of the trie node under a store key of kind `t` or `u`; None if there is none."""
        ...


class FinalState:
    """The state after the last committed block, as of a snapshot; on the live store it changes with every commit."""

    __slots__ = ("_store",)

    def __init__(self, store: ReadableStore) -> None:
        self._store = store

    def account(self, address: Address) -> Account | None:
        record = self._store.get(account_key(address))
        return None if record is None else decode_account_record(record)

    def storage(self, address: Address, slot: int) -> int:
        record = self._store.get(storage_key(address, slot))
        return 0 if record is None else decode_storage_record(record)

    def used_slots(self, address: Address) -> Iterator[int]:
        prefix = storage_prefix(address)
        for _, record in self._store.scan(prefix, prefix_end(prefix)):
            yield decode_slot(record)

    def code(self, code_hash: Hash32) -> bytes:
        return load_code(self._store, code_hash)

    def trie_node(self, key: bytes) -> bytes | None:
        return self._store.get(key)


def load_code(store: ReadableStore, code_hash: Hash32) -> bytes:
    """Return the code with that hash. Raises: MissingRecord."""
    if code_hash == KECCAK_EMPTY:
        return b""
    code = store.get(code_key(code_hash))
    if code is None:
        raise MissingRecord(f"code 0x{code_hash.hex()}")
    return code


def encode_account(account: Account) -> bytes:
    """Return the RLP that the account trie holds."""
    return encode_joined(
        encode_uint(account.nonce)
        + encode_uint(account.balance)
        + b"\xa0"
        + account.storage_root
        + b"\xa0"
        + account.code_hash
    )


def encode_account_record(address: Address, account: Account) -> bytes:
    """Return the flat record: nonce ‖ balance ‖ storage root ‖ code hash ‖ address."""
    return (
        account.nonce.to_bytes(8, "big")
        + account.balance.to_bytes(32, "big")
        + account.storage_root
        + account.code_hash
        + address
    )


def decode_account_record(record: bytes) -> Account:
    """Return the account in a flat record. Raises: DamagedValue."""
    if len(record) != ACCOUNT_RECORD_BYTES:
        raise DamagedValue("an account", f"{len(record)} bytes, not {ACCOUNT_RECORD_BYTES}")
    return Account(
        int.from_bytes(record[:8], "big"),
        int.from_bytes(record[8:40], "big"),
        Hash32(record[40:72]),
        Hash32(record[72:104]),
    )


def address_of_record(record: bytes) -> Address:
    """Return the address in a flat record."""
    return Address(record[104:])


def encode_storage_record(slot: int, value: int) -> bytes:
    """Return the flat record: slot ‖ value without leading zeros."""
    return slot.to_bytes(32, "big") + value.to_bytes((value.bit_length() + 7) // 8, "big")


def decode_storage_record(record: bytes) -> int:
    """Return the value in a flat record, 1 to 2^256 - 1. Raises: DamagedValue."""
    if not 32 < len(record) <= 64 or record[32] == 0:
        raise DamagedValue("a slot", f"0x{record.hex()} is no slot with a value without leading zeros")
    return int.from_bytes(record[32:], "big")


def decode_slot(record: bytes) -> int:
    """Return the slot in a flat record."""
    return int.from_bytes(record[:32], "big")


def encode_storage_value(value: int) -> bytes:
    """Return the RLP that a storage trie holds for a nonzero word."""
    return encode_bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))

"""The state as one transaction sees and changes it, with the way back; `commit` hands its result to the overlay.

Every write leaves an undo entry (dictionary, key, value before); reverting plays them backwards. So a checkpoint costs
nothing and a transaction costs what it touches. What the block's earlier transactions left is in the overlay, untouched
until `commit`: the original value of a slot is what the overlay says.
"""

from typing import Any

from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.chain.receipt import Log
from consensus.primitives.hashing import KECCAK_EMPTY, keccak256
from consensus.primitives.scalars import Address, Hash32
from node.state.overlay import Overlay
from node.state.reader import EMPTY_ACCOUNT, Account

_MISSING = object()

Checkpoint = tuple[int, int]
"""Length of the undo list and of the log list."""


class Journal:
    """Owned by whoever executes the block; one transaction at a time."""

    __slots__ = ("_accounts", "_codes", "_logs", "_overlay", "_slots", "_transient", "_undo", "_warm")

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._accounts: dict[Address, Account | None] = {}
        self._slots: dict[Address, dict[int, int]] = {}
        self._codes: dict[Hash32, bytes] = {}
        self._transient: dict[tuple[Address, int], int] = {}
        self._warm: dict[Address | tuple[Address, int], None] = {}
        # Any: entries of dictionaries of different types share one list.
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._logs: list[Log] = []

    def get_nonce(self, address: Address) -> int:
        """Return how many transactions `address` has sent."""
        account = self._account(address)
        return 0 if account is None else account.nonce

    def get_balance(self, address: Address) -> int:
        """Return the native balance in wei."""
        account = self._account(address)
        return 0 if account is None else account.balance

    def get_code(self, address: Address) -> bytes:
        """Return the code at `address`, empty for plain accounts."""
        account = self._account(address)
        if account is None or account.code_hash == KECCAK_EMPTY:
            return b""
        code = self._codes.get(account.code_hash)
        return self._overlay.code(account.code_hash) if code is None else code

    def get_code_hash(self, address: Address) -> Hash32:
        """Return the keccak-256 of the code at `address`, that of nothing for plain and absent accounts."""
        account = self._account(address)
        return KECCAK_EMPTY if account is None else account.code_hash

    def account_exists(self, address: Address) -> bool:
        """Tell whether there is an account, even one that holds nothing and will go with `commit`."""
        return self._account(address) is not None

    def is_empty(self, address: Address) -> bool:
        """Tell whether `address` has no nonce, no balance and no code. Source: EIP-161."""
        account = self._account(address)
        return account is None or _is_empty(account)

    def get_slot(self, address: Address, slot: int) -> int:
        """Return the word in a slot."""
        slots = self._slots.get(address)
        if slots is not None:
            value = slots.get(slot)
            if value is not None:
                return value
        return self._overlay.storage(address, slot)

    def get_original_slot(self, address: Address, slot: int) -> int:
        """Return the word that was in a slot before this transaction. Source: EIP-2200."""
        return self._overlay.storage(address, slot)

    def has_storage(self, address: Address) -> bool:
        """Tell whether a slot of `address` was nonzero before this transaction. Source: EIP-7610."""
        account = self._overlay.account(address)
        if account is None:
            return False
        if account.storage_root != EMPTY_TRIE_ROOT:
            return True
        return any(self._overlay.slots.get(address, {}).values())

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set the nonce, making the account if need be."""
        account = self._account(address) or EMPTY_ACCOUNT
        self._set(self._accounts, address, Account(nonce, account.balance, account.storage_root, account.code_hash))

    def set_balance(self, address: Address, balance: int) -> None:
        """Set the native balance in wei, making the account if need be."""
        assert balance >= 0
        account = self._account(address) or EMPTY_ACCOUNT
        self._set(self._accounts, address, Account(account.nonce, balance, account.storage_root, account.code_hash))

    def set_code(self, address: Address, code: bytes) -> None:
        """Put code at `address`, making the account if need be."""
        account = self._account(address) or EMPTY_ACCOUNT
        code_hash = keccak256(code)
        self._set(self._codes, code_hash, code)
        self._set(self._accounts, address, Account(account.nonce, account.balance, account.storage_root, code_hash))

    def set_slot(self, address: Address, slot: int, value: int) -> None:
        """Write a word (0 to 2^256 - 1); 0 erases the slot."""
        slots = self._slots.get(address)
        if slots is None:
            slots = self._slots[address] = {}
        self._undo.append((slots, slot, slots.get(slot, _MISSING)))
        slots[slot] = value

    def touch(self, address: Address) -> None:
        """Note that a call reached `address`: an account there that is empty goes with `commit`. Source: EIP-161."""
        self._set(self._accounts, address, self._account(address))

    def delete_account(self, address: Address) -> None:
        """Remove the account, its balance and its slots."""
        self.clear_storage(address)
        self._set(self._accounts, address, None)

    def clear_storage(self, address: Address) -> None:
        """Erase every slot of `address`. Takes time for each used slot, of which a new account has none."""
        for slot, value in list(self._slots.get(address, {}).items()):
            if value:
                self.set_slot(address, slot, 0)
        if self._overlay.account(address) is None and address not in self._overlay.slots:
            return
        for slot in sorted(self._overlay.used_slots(address)):
            self.set_slot(address, slot, 0)

    def get_transient(self, address: Address, slot: int) -> int:
        """Return a word that lives for this transaction only. Source: EIP-1153."""
        return self._transient.get((address, slot), 0)

    def set_transient(self, address: Address, slot: int, value: int) -> None:
        """Write a word that lives for this transaction only. Source: EIP-1153."""
        self._set(self._transient, (address, slot), value)

    def is_warm_address(self, address: Address) -> bool:
        """Tell whether this transaction has accessed the account. Source: EIP-2929."""
        return address in self._warm

    def warm_address(self, address: Address) -> None:
        """Note that this transaction has accessed the account. Source: EIP-2929."""
        if address not in self._warm:
            self._set(self._warm, address, None)

    def is_warm_slot(self, address: Address, slot: int) -> bool:
        """Tell whether this transaction has accessed the slot. Source: EIP-2929."""
        return (address, slot) in self._warm

    def warm_slot(self, address: Address, slot: int) -> None:
        """Note that this transaction has accessed the slot. Source: EIP-2929."""
        if (address, slot) not in self._warm:
            self._set(self._warm, (address, slot), None)

    def add_log(self, log: Log) -> None:
        """Append an event."""
        self._logs.append(log)

    def snapshot(self) -> Checkpoint:
        """Return a mark to which `revert` can return."""
        return len(self._undo), len(self._logs)

    def revert(self, checkpoint: Checkpoint) -> None:
        """Undo every write and forget every log since the mark. Marks taken after it are void."""
        undo_length, log_length = checkpoint
        undo = self._undo
        assert undo_length <= len(undo), "a mark is void once an earlier one was reverted to"
        while len(undo) > undo_length:
            changed, key, before = undo.pop()
            if before is _MISSING:
                del changed[key]
            else:
                changed[key] = before
        del self._logs[log_length:]

    def logs_from(self, count: int) -> tuple[Log, ...]:
        """Return the transaction's logs but the first `count`."""
        return tuple(self._logs[count:])

    def take_logs(self) -> tuple[Log, ...]:
        """Return the transaction's logs and begin a new list."""
        logs = tuple(self._logs)
        self._logs.clear()
        return logs

    def commit(self) -> None:
        """End the transaction and keep what it wrote. Accounts that it left empty cease to exist (EIP-161)."""
        for address, account in list(self._accounts.items()):
            if account is not None and _is_empty(account):
                self.delete_account(address)
        self._overlay.apply_changes(self._accounts, self._slots, self._codes)
        self.discard()

    def discard(self) -> None:
        """End the transaction and forget everything since the last `commit`."""
        for changed in (self._accounts, self._slots, self._codes, self._transient, self._warm, self._undo, self._logs):
            changed.clear()

    def _account(self, address: Address) -> Account | None:
        if address in self._accounts:
            return self._accounts[address]
        return self._overlay.account(address)

    def _set(self, changed: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((changed, key, changed.get(key, _MISSING)))
        changed[key] = value


def _is_empty(account: Account) -> bool:
    return not account.nonce and not account.balance and account.code_hash == KECCAK_EMPTY

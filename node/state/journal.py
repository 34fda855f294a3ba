"""The state as one transaction sees and changes it: writes into the block's overlay, and the way back.

Every write leaves an undo entry (dictionary, key, value before); reverting plays them backwards. So a checkpoint costs
nothing and a transaction costs what it touches.
"""

from typing import Any

from consensus.chain.receipt import Log
from consensus.primitives.hashing import KECCAK_EMPTY, keccak256
from consensus.primitives.scalars import Address
from node.state.overlay import Overlay
from node.state.reader import EMPTY_ACCOUNT, Account

_MISSING = object()

Checkpoint = tuple[int, int]
"""Length of the undo list and of the log list."""


class Journal:
    """Owned by whoever executes the block; one transaction at a time."""

    __slots__ = ("_logs", "_overlay", "_undo")

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        # Any: entries of dictionaries of different types share one list.
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        self._logs: list[Log] = []

    def get_nonce(self, address: Address) -> int:
        """Return how many transactions `address` has sent."""
        account = self._overlay.account(address)
        return 0 if account is None else account.nonce

    def get_balance(self, address: Address) -> int:
        """Return the native balance in wei."""
        account = self._overlay.account(address)
        return 0 if account is None else account.balance

    def get_code(self, address: Address) -> bytes:
        """Return the code at `address`, empty for plain accounts."""
        account = self._overlay.account(address)
        if account is None or account.code_hash == KECCAK_EMPTY:
            return b""
        return self._overlay.code(account.code_hash)

    def get_slot(self, address: Address, slot: int) -> int:
        """Return the word in a slot."""
        return self._overlay.storage(address, slot)

    def set_nonce(self, address: Address, nonce: int) -> None:
        """Set the nonce, making the account if need be."""
        account = self._overlay.account(address) or EMPTY_ACCOUNT
        self._set_account(address, Account(nonce, account.balance, account.storage_root, account.code_hash))

    def set_balance(self, address: Address, balance: int) -> None:
        """Set the native balance; an account left with nothing at all ceases to exist (EIP-161)."""
        account = self._overlay.account(address) or EMPTY_ACCOUNT
        changed = Account(account.nonce, balance, account.storage_root, account.code_hash)
        self._set_account(address, None if changed == EMPTY_ACCOUNT else changed)

    def set_code(self, address: Address, code: bytes) -> None:
        """Put code at `address`."""
        account = self._overlay.account(address) or EMPTY_ACCOUNT
        code_hash = keccak256(code)
        self._set(self._overlay.codes, code_hash, code)
        self._set_account(address, Account(account.nonce, account.balance, account.storage_root, code_hash))

    def set_slot(self, address: Address, slot: int, value: int) -> None:
        """Write a word (0 to 2^256 - 1); 0 erases the slot."""
        slots = self._overlay.slots.get(address)
        if slots is None:
            slots = self._overlay.slots[address] = {}
        self._undo.append((slots, slot, slots.get(slot, _MISSING)))
        slots[slot] = value

    def add_log(self, log: Log) -> None:
        """Append an event."""
        self._logs.append(log)

    def snapshot(self) -> Checkpoint:
        """Return a mark to which `revert` can return."""
        return len(self._undo), len(self._logs)

    def revert(self, checkpoint: Checkpoint) -> None:
        """Undo every write and forget every log since the mark."""
        undo_length, log_length = checkpoint
        undo = self._undo
        while len(undo) > undo_length:
            changed, key, before = undo.pop()
            if before is _MISSING:
                del changed[key]
            else:
                changed[key] = before
        del self._logs[log_length:]

    def take_logs(self) -> tuple[Log, ...]:
        """Return the transaction's logs and begin a new list."""
        logs = tuple(self._logs)
        self._logs.clear()
        return logs

    def commit(self) -> None:
        """Keep what the transaction wrote; there is no way back behind this point."""
        self._undo.clear()

    def discard(self) -> None:
        """Undo everything since the last `commit`."""
        self.revert((0, 0))

    def _set_account(self, address: Address, account: Account | None) -> None:
        self._set(self._overlay.accounts, address, account)

    def _set(self, changed: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((changed, key, changed.get(key, _MISSING)))
        changed[key] = value

"""How money moves, whatever moves it: the checks in their one order, then the writes and the events.

The first check that fails names itself: pause; sender, then recipient; transfer policy; limits; allowance; balance;
what of it is frozen; only then is anything written. Source: ledger.md §4, ERC-20, ERC-6093, ERC-7943.
"""

from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    FROZEN_ACCOUNTS_BITS,
    FROZEN_ACCOUNTS_OFFSET_BITS,
    UINT256_MAX,
    CurrencySlots,
    allowance_slot,
    balance_slot,
    frozen_slot,
)
from contracts.native import errors
from contracts.native.compliance import LimitUse, check_transfer, record
from contracts.native.context import CallContext
from contracts.native.errors import revert

TRANSFER: Final = declare_event("Transfer(address indexed from, address indexed to, uint256 value)")
APPROVAL: Final = declare_event("Approval(address indexed owner, address indexed spender, uint256 value)")
MEMO: Final = declare_event("Memo(address indexed from, address indexed to, bytes32 indexed memo)")

_PADDING: Final = bytes(12)
_TRANSFER_TOPIC: Final = TRANSFER.topic
_MEMO_TOPIC: Final = MEMO.topic
_FROZEN_ACCOUNTS_MASK: Final = (1 << FROZEN_ACCOUNTS_BITS) - 1 << FROZEN_ACCOUNTS_OFFSET_BITS


def move(context: CallContext, sender: Address, to: Address, amount: int, *, spender: Address | None) -> None:
    """Run the checks of a transfer in their order, then move; `spender` is None when the sender moves its own."""
    flags = context.get_slot(CurrencySlots.FLAGS)
    use: LimitUse = {}
    check_transfer(context, flags, sender, to, amount, use)
    allowed = UINT256_MAX if spender is None else require_allowance(context, sender, spender, amount)
    sender_slot = balance_slot(sender)
    balance = context.get_slot(sender_slot)
    if amount > balance:
        raise revert(errors.INSUFFICIENT_BALANCE, sender, balance, amount)
    if flags & _FROZEN_ACCOUNTS_MASK:
        require_unfrozen(context, sender, balance, amount)
    if spender is not None:
        spend_allowance(context, sender, spender, allowed, amount)
    if sender != to and amount:
        to_slot = balance_slot(to)
        context.set_slot(sender_slot, balance - amount)
        context.set_slot(to_slot, context.get_slot(to_slot) + amount)
    if use:
        record(context, use)
    emit_transfer(context, sender, to, amount)


def require_allowance(context: CallContext, owner: Address, spender: Address, amount: int) -> int:
    """Return what `spender` may move of `owner`'s balance. Reverts with ERC20InsufficientAllowance below `amount`."""
    allowed = context.get_slot(allowance_slot(owner, spender))
    if amount > allowed:
        raise revert(errors.INSUFFICIENT_ALLOWANCE, spender, allowed, amount)
    return allowed


def spend_allowance(context: CallContext, owner: Address, spender: Address, allowed: int, amount: int) -> None:
    """Write what is left of an allowance, unless it is without end."""
    if allowed != UINT256_MAX:
        context.set_slot(allowance_slot(owner, spender), allowed - amount)


def require_spendable(context: CallContext, account: Address, amount: int) -> int:
    """Return the balance of `account`, of which `amount` may leave.

    Reverts with ERC20InsufficientBalance, then with ERC7943InsufficientUnfrozenBalance.
    """
    balance = context.get_slot(balance_slot(account))
    if amount > balance:
        raise revert(errors.INSUFFICIENT_BALANCE, account, balance, amount)
    if context.get_slot(CurrencySlots.FLAGS) & _FROZEN_ACCOUNTS_MASK:
        require_unfrozen(context, account, balance, amount)
    return balance


def require_unfrozen(context: CallContext, account: Address, balance: int, amount: int) -> None:
    """Revert with ERC7943InsufficientUnfrozenBalance if `amount` of `balance` includes something frozen."""
    unfrozen = max(balance - context.get_slot(frozen_slot(account)), 0)
    if amount > unfrozen:
        raise revert(errors.INSUFFICIENT_UNFROZEN_BALANCE, account, amount, unfrozen)


def emit_transfer(context: CallContext, sender: Address, to: Address, amount: int) -> None:
    """Log a movement."""
    # Written out because it runs for every payment; a test holds it equal to encode_event.
    context.emit((_TRANSFER_TOPIC, _PADDING + sender, _PADDING + to), amount.to_bytes(32, "big"))


def emit_memo(context: CallContext, sender: Address, to: Address, memo: bytes) -> None:
    """Log a movement's end-to-end reference."""
    context.emit((_MEMO_TOPIC, _PADDING + sender, _PADDING + to, memo), b"")


def set_allowance(context: CallContext, owner: Address, spender: Address, amount: int) -> None:
    """Let `spender` move `amount` of `owner`'s balance in all, replacing what it could. A pause does not stop it."""
    if owner == ZERO_ADDRESS:
        raise revert(errors.INVALID_APPROVER, owner)
    if spender == ZERO_ADDRESS:
        raise revert(errors.INVALID_SPENDER, spender)
    context.set_slot(allowance_slot(owner, spender), amount)
    context.emit(*encode_event(APPROVAL, owner, spender, amount))

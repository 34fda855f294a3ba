"""Freezing an amount and moving money without its owner, as the law may ask of an issuer: ERC-7943, fungible.

What is frozen stays in the balance and cannot leave it. Held and parked amounts are promised to somebody else already:
neither freezing nor a forced transfer reaches them. Source: ERC-7943, ledger.md §4.
"""

from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import is_system_address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    FROZEN_ACCOUNTS_BITS,
    FROZEN_ACCOUNTS_OFFSET_BITS,
    CurrencySlots,
    balance_slot,
    frozen_slot,
    read_packed,
    write_packed,
)
from contracts.native import errors
from contracts.native.compliance import check_transfer, may_receive, may_send, require_not_paused, require_receiver
from contracts.native.context import CallContext, NativeRevert
from contracts.native.dispatch import GAS_ISSUE, GAS_ROLE, WORK_ISSUE, WORK_READ_RULES, WORK_ROLE, FunctionTable
from contracts.native.errors import revert
from contracts.native.money import emit_transfer
from contracts.native.roles import ENFORCER_ROLE, FREEZER_ROLE, require_role

FROZEN: Final = declare_event("Frozen(address indexed account, uint256 amount)")
FORCED_TRANSFER: Final = declare_event("ForcedTransfer(address indexed from, address indexed to, uint256 amount)")
ENFORCEMENT_EVENTS: Final = (FROZEN, FORCED_TRANSFER)

ENFORCEMENT: Final = FunctionTable()


@ENFORCEMENT.function("canSend(address account)", returns="bool allowed", work=WORK_READ_RULES)
def can_send(context: CallContext, account: Address) -> bool:
    """Tell whether an account may pay at all; pause, limits and balance are not asked."""
    return account != ZERO_ADDRESS and may_send(context, account)


@ENFORCEMENT.function("canReceive(address account)", returns="bool allowed", work=WORK_READ_RULES)
def can_receive(context: CallContext, account: Address) -> bool:
    """Tell whether an account may be paid at all; pause and limits are not asked."""
    return account != ZERO_ADDRESS and not is_system_address(account) and may_receive(context, account)


@ENFORCEMENT.function(
    "canTransfer(address from, address to, uint256 amount)", returns="bool allowed", work=WORK_READ_RULES
)
def can_transfer(context: CallContext, sender: Address, to: Address, amount: int) -> bool:
    """Tell whether pause, policy, limits and what is frozen would let a payment pass.

    Whether the balance suffices is not asked of an account of which nothing is frozen: that is ERC-20's own check.
    """
    try:
        check_transfer(context, context.get_slot(CurrencySlots.FLAGS), sender, to, amount, {})
    except NativeRevert:
        return False
    frozen = get_frozen_tokens(context, sender)
    return not frozen or frozen + amount <= context.get_slot(balance_slot(sender))


@ENFORCEMENT.function("getFrozenTokens(address account)", returns="uint256 amount")
def get_frozen_tokens(context: CallContext, account: Address) -> int:
    """Return how much of an account is frozen, in minor units; it may exceed the balance."""
    return context.get_slot(frozen_slot(account))


@ENFORCEMENT.function(
    "setFrozenTokens(address account, uint256 amount)",
    returns="bool result",
    gas=GAS_ROLE,
    work=WORK_ROLE,
    mutates=True,
)
def set_frozen_tokens(context: CallContext, account: Address, amount: int) -> bool:
    """Freeze `amount` minor units of an account in place of what was; more than it has withholds what will come.

    A freezer's call. Moves nothing, so a pause does not stop it. Reverts with ERC20InvalidSender for a system contract.
    """
    require_role(context, FREEZER_ROLE)
    _require_no_system_address(account)
    _write_frozen(context, account, amount)
    return True


@ENFORCEMENT.function(
    "forcedTransfer(address from, address to, uint256 amount)",
    returns="bool result",
    gas=GAS_ISSUE,
    work=WORK_ISSUE + WORK_ROLE,
    mutates=True,
)
def forced_transfer(context: CallContext, sender: Address, to: Address, amount: int) -> bool:
    """Move `amount` of the balance of `from` without its consent, out of what is frozen last; an enforcer's call.

    The payer's policy and all limits are passed over, the recipient's policy is not. What is frozen shrinks to what
    the balance keeps. Reverts with ERC20InvalidSender for a system contract, ERC20InvalidReceiver, also for
    `from` itself, ERC7943CannotReceive and ERC20InsufficientBalance.
    """
    require_not_paused(context)
    require_role(context, ENFORCER_ROLE)
    _require_no_system_address(sender)
    require_receiver(to)
    if sender == to:
        raise revert(errors.INVALID_RECEIVER, to)
    if not may_receive(context, to):
        raise revert(errors.CANNOT_RECEIVE, to)
    sender_slot, to_slot = balance_slot(sender), balance_slot(to)
    balance = context.get_slot(sender_slot)
    if amount > balance:
        raise revert(errors.INSUFFICIENT_BALANCE, sender, balance, amount)
    frozen = get_frozen_tokens(context, sender)
    if amount and frozen + amount > balance:
        # The standard wants the frozen amount and its event to change before the transfer's.
        _write_frozen(context, sender, balance - amount)
    context.set_slot(sender_slot, balance - amount)
    context.set_slot(to_slot, context.get_slot(to_slot) + amount)
    emit_transfer(context, sender, to, amount)
    context.emit(*encode_event(FORCED_TRANSFER, sender, to, amount))
    return True


def _require_no_system_address(account: Address) -> None:
    """Revert with ERC20InvalidSender for a system contract: what it has is locked for others and promised to them."""
    if is_system_address(account):
        raise revert(errors.INVALID_SENDER, account)


def _write_frozen(context: CallContext, account: Address, amount: int) -> None:
    """Write and log what is frozen, and keep count of the accounts of which anything is."""
    slot = frozen_slot(account)
    change = (amount > 0) - (context.get_slot(slot) > 0)
    if change:
        flags = context.get_slot(CurrencySlots.FLAGS)
        count = read_packed(flags, offset_bits=FROZEN_ACCOUNTS_OFFSET_BITS, bits=FROZEN_ACCOUNTS_BITS) + change
        assert count >= 0, "every frozen account was counted"
        flags = write_packed(flags, count, offset_bits=FROZEN_ACCOUNTS_OFFSET_BITS, bits=FROZEN_ACCOUNTS_BITS)
        context.set_slot(CurrencySlots.FLAGS, flags)
    context.set_slot(slot, amount)
    context.emit(*encode_event(FROZEN, account, amount))

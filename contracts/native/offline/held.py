"""Held sub-accounts: money that was paid to somebody who could not have it then.

Nobody can spend it but towards its owner, or, by lawful order, as a forced transfer. Source: offline.md §5, §6.
"""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.declarations import declare_event, encode_event
from contracts.native import errors
from contracts.native.compliance import check_payout, may_receive, require_not_paused, require_receiver
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, GAS_TRANSFER, WORK_TRANSFER, FunctionTable
from contracts.native.errors import revert
from contracts.native.offline.custody import leave, require_currency
from contracts.native.offline.errors import EXCEEDS_HELD
from contracts.native.offline.records import require_not_blacklisted
from contracts.native.roles import ENFORCER_ROLE, require_role
from contracts.offline.slots import held_slot

HELD_RELEASED: Final = declare_event("HeldReleased(address indexed currency, address indexed account, uint96 amount)")
HELD_ENFORCED: Final = declare_event(
    "HeldEnforced(address indexed currency, address indexed account, address indexed to, uint96 amount, bytes32 reason)"
)
HELD_EVENTS: Final = (HELD_RELEASED, HELD_ENFORCED)

WORK_HELD: Final = WORK_TRANSFER + 20
"""A transfer, and the sub-account it leaves."""

HELD: Final = FunctionTable()


@HELD.function("heldOf(address currency, address account)", returns="uint96 amount")
def held_of(context: CallContext, currency: Address, account: Address) -> int:
    """Return the minor units that wait for an account."""
    return context.get_slot(held_slot(currency, account))


@HELD.function(
    "releaseHeld(address currency, address account, uint96 amount)", gas=GAS_TRANSFER, work=WORK_HELD, mutates=True
)
def release_held(context: CallContext, currency: Address, account: Address, amount: int) -> None:
    """Pay what waits for an account that may receive again; anybody's call.

    Reverts with UnknownCurrency, ZeroAmount, ExceedsHeld, AccountBlacklisted, EnforcedPause, and with what the
    account's policy, status and limits say.
    """
    require_currency(context, currency)
    held = _require_held(context, currency, account, amount)
    require_not_blacklisted(context, account)
    money = context.at(currency)
    require_not_paused(money)
    use = check_payout(money, context.address, account, amount)
    context.set_slot(held_slot(currency, account), held - amount)
    leave(context, currency, account, amount, use)
    context.emit(*encode_event(HELD_RELEASED, currency, account, amount))


@HELD.function(
    "enforceHeld(address currency, address account, address to, uint96 amount, bytes32 reason)",
    gas=GAS_ROLE,
    work=WORK_HELD,
    mutates=True,
)
def enforce_held(
    context: CallContext, currency: Address, account: Address, to: Address, amount: int, reason: bytes
) -> None:
    """Move what waits for an account to somebody else, as the law may ask; an enforcer of the currency calls.

    As a forced transfer it passes over limits, not over the recipient's policy. Reverts with UnknownCurrency,
    EnforcedPause, AccessControlUnauthorizedAccount, ZeroAmount, ExceedsHeld, ERC20InvalidReceiver,
    ERC7943CannotReceive.
    """
    require_currency(context, currency)
    money = context.at(currency)
    require_not_paused(money)
    require_role(money, ENFORCER_ROLE)
    held = _require_held(context, currency, account, amount)
    require_receiver(to)
    if not may_receive(money, to):
        raise revert(errors.CANNOT_RECEIVE, to)
    context.set_slot(held_slot(currency, account), held - amount)
    leave(context, currency, to, amount, {})
    context.emit(*encode_event(HELD_ENFORCED, currency, account, to, amount, reason))


def _require_held(context: CallContext, currency: Address, account: Address, amount: int) -> int:
    if not amount:
        raise revert(errors.ZERO_AMOUNT)
    held = held_of(context, currency, account)
    if amount > held:
        raise revert(EXCEEDS_HELD, held)
    return held

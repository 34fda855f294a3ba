"""How money gets into OfflineLocks and out again, and who waits for it if the rules of its currency keep it back.

What is locked is the contract's own balance in the currency, so that indexers of transfers stay right. On the way in
every check of a payment is asked. The leg to a payee is never stopped: neither a pause nor what became of the payer
matters, and what the payee may not receive now waits in its held sub-account. A leg back to the payer waits for the end
of a pause. Every plan asks before anything is written. Source: offline.md §5, §6.
"""

from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.addresses import is_currency
from contracts.declarations import SELECTOR_BYTES, declare_event, encode_event
from contracts.layout import balance_slot
from contracts.native import errors
from contracts.native.compliance import LimitUse, check_out, check_payout, check_sender, record
from contracts.native.compliance import require_not_paused as require_currency_not_paused
from contracts.native.context import CallContext, NativeRevert
from contracts.native.currency import require_created
from contracts.native.errors import revert
from contracts.native.money import emit_transfer, require_spendable
from contracts.native.offline.errors import ACCOUNT_BLACKLISTED
from contracts.native.offline.records import is_blacklisted
from contracts.offline.slots import held_slot

PAYOUT_HELD: Final = declare_event(
    "PayoutHeld(address indexed currency, address indexed account, uint96 amount, bytes4 reason)"
)

_NOT_HELD: Final = b""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money on its way in, checked."""

    currency: Address
    payer: Address
    amount: int
    """Minor units."""
    balance: int
    """What the payer has before it, minor units."""
    use: LimitUse


@dataclass(frozen=True, slots=True)
class Payout:
    """Money on its way out, checked."""

    currency: Address
    to: Address
    amount: int
    """Minor units; 0 moves nothing."""
    use: LimitUse
    held_for: bytes
    """Selector of the error that keeps it back; empty if it is paid."""


def require_currency(context: CallContext, currency: Address) -> None:
    """Revert with UnknownCurrency unless a native currency was created at this address."""
    if not is_currency(currency):
        raise revert(errors.UNKNOWN_CURRENCY, currency)
    require_created(context.at(currency))


def plan_deposit(
    context: CallContext, currency: Address, payer: Address, amount: int, *, payee: Address | None
) -> Deposit:
    """Ask everything that is asked of a payment to `payee`, or of the payer alone where any of a class may be paid.

    Reverts with the errors of the currency.
    """
    money = context.at(currency)
    use = check_sender(money, payer, amount) if payee is None else check_out(money, payer, payee, amount)
    return Deposit(currency, payer, amount, require_spendable(money, payer, amount), use)


def take_in(context: CallContext, deposit: Deposit) -> None:
    """Move the money of a plan into this contract's balance."""
    money = context.at(deposit.currency)
    money.set_slot(balance_slot(deposit.payer), deposit.balance - deposit.amount)
    _add(money, context.address, deposit.amount)
    record(money, deposit.use)
    emit_transfer(money, deposit.payer, context.address, deposit.amount)


def plan_payout_to_payee(
    context: CallContext, currency: Address, *, payer: Address, payee: Address, amount: int
) -> Payout:
    """Ask whether a payee may receive now what it was promised; reverts never."""
    try:
        use = check_payout(context.at(currency), payer, payee, amount) if amount else {}
    except NativeRevert as refusal:
        return Payout(currency, payee, amount, {}, refusal.data[:SELECTOR_BYTES])
    return Payout(currency, payee, amount, use, _NOT_HELD)


def plan_return(
    context: CallContext, currency: Address, payer: Address, amount: int, *, waits_for_clearing: bool = False
) -> Payout:
    """Ask whether a payer may have back now what was not spent.

    `waits_for_clearing` is true of a purse's rest, which a blacklisted owner gets once it is cleared. Reverts with
    EnforcedPause if there is something to return.
    """
    if not amount:
        return Payout(currency, payer, 0, {}, _NOT_HELD)
    require_currency_not_paused(context.at(currency))
    if waits_for_clearing and is_blacklisted(context, payer):
        return Payout(currency, payer, amount, {}, ACCOUNT_BLACKLISTED.selector)
    return plan_payout_to_payee(context, currency, payer=payer, payee=payer, amount=amount)


def pay_out(context: CallContext, payout: Payout) -> None:
    """Move the money of a plan to its recipient, or note that it waits for it."""
    if not payout.amount:
        return
    if payout.held_for:
        slot = held_slot(payout.currency, payout.to)
        context.set_slot(slot, context.get_slot(slot) + payout.amount)
        context.emit(*encode_event(PAYOUT_HELD, payout.currency, payout.to, payout.amount, payout.held_for))
        return
    leave(context, payout.currency, payout.to, payout.amount, payout.use)


def leave(context: CallContext, currency: Address, to: Address, amount: int, use: LimitUse) -> None:
    """Move money out of this contract's balance."""
    money = context.at(currency)
    slot = balance_slot(context.address)
    left = money.get_slot(slot) - amount
    assert left >= 0, "the contract's balance is the sum of live words and held sub-accounts"
    money.set_slot(slot, left)
    _add(money, to, amount)
    record(money, use)
    emit_transfer(money, context.address, to, amount)


def _add(money: CallContext, account: Address, amount: int) -> None:
    slot = balance_slot(account)
    money.set_slot(slot, money.get_slot(slot) + amount)

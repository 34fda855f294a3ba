"""Holds: reserve now, pay later. Escrow, card pre-authorisation and delivery against payment are all this.

A held amount has left the payer's balance, so that it can be neither spent twice nor missed. Making a hold passes every
check of a payment. Paying from it asks only whether the payee may have it: neither a pause nor a freeze of the payer
undoes what was promised, and giving back asks nothing, so that no money is ever stranded. An expired hold is never paid
and stays held until anybody releases it. Source: ledger.md §6.
"""

from dataclasses import replace
from typing import Final

from consensus.primitives.scalars import Address
from contracts.addresses import is_system_address
from contracts.declarations import declare_event, encode_event
from contracts.layout import balance_slot, held_slot
from contracts.native import errors
from contracts.native.compliance import check_in, check_out, record
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_HOLD, WORK_HOLD, FunctionTable
from contracts.native.errors import revert
from contracts.native.hold_records import (
    Hold,
    HoldStatus,
    has_hold,
    read_hold,
    write_consent,
    write_new_hold,
    write_progress,
)
from contracts.native.money import (
    emit_memo,
    emit_transfer,
    require_allowance,
    require_spendable,
    spend_allowance,
)

HOLD_CREATED: Final = declare_event(
    "HoldCreated(bytes32 indexed id, address indexed payer, address indexed to, address notary, uint256 amount,"
    " uint64 expiresAt, bytes32 memo)"
)
HOLD_EXECUTED: Final = declare_event(
    "HoldExecuted(bytes32 indexed id, address indexed payer, address indexed to, uint256 amount, uint256 remaining)"
)
HOLD_RELEASED: Final = declare_event(
    "HoldReleased(bytes32 indexed id, address indexed payer, address indexed to, uint256 amount, address releasedBy)"
)
HOLD_EXTENSION_CONSENTED: Final = declare_event(
    "HoldExtensionConsented(bytes32 indexed id, address indexed executor, uint64 consentedUntil)"
)
HOLD_EXTENDED: Final = declare_event(
    "HoldExtended(bytes32 indexed id, address indexed payer, uint64 previousExpiresAt, uint64 expiresAt)"
)
HOLD_EVENTS: Final = (HOLD_CREATED, HOLD_EXECUTED, HOLD_RELEASED, HOLD_EXTENSION_CONSENTED, HOLD_EXTENDED)

HOLDS: Final = FunctionTable()


@HOLDS.function(
    "createHold(bytes32 id, address to, address notary, uint256 amount, uint64 expiresAt, bytes32 memo)",
    gas=GAS_HOLD,
    work=WORK_HOLD,
    mutates=True,
)
def create_hold(
    context: CallContext, hold_id: bytes, to: Address, notary: Address, amount: int, expires_at_s: int, memo: bytes
) -> None:
    """Reserve `amount` of the caller's balance for `to` until the end of second `expiresAt` since the epoch.

    `notary` executes it, or the payee if that is zero. Reverts with HoldExists for an id that was ever used,
    InvalidNotary, ZeroAmount, ExpiryPassed, and the errors of a payment.
    """
    _create(context, context.caller, hold_id, to, notary, amount, expires_at_s, memo, spender=None)


@HOLDS.function(
    "createHoldFrom(address from, bytes32 id, address to, address notary, uint256 amount, uint64 expiresAt,"
    " bytes32 memo)",
    gas=GAS_HOLD,
    work=WORK_HOLD,
    mutates=True,
)
def create_hold_from(
    context: CallContext,
    payer: Address,
    hold_id: bytes,
    to: Address,
    notary: Address,
    amount: int,
    expires_at_s: int,
    memo: bytes,
) -> None:
    """Do the same with the balance of `from`, out of what it allowed the caller."""
    _create(context, payer, hold_id, to, notary, amount, expires_at_s, memo, spender=context.caller)


@HOLDS.function("executeHold(bytes32 id, uint256 amount)", gas=GAS_HOLD, work=WORK_HOLD, mutates=True)
def execute_hold(context: CallContext, hold_id: bytes, amount: int) -> None:
    """Pay `amount` of a hold to its payee and keep the rest held; the executor's call.

    Reverts with UnknownHold, HoldClosed, HoldExecutorOnly, HoldExpired, ZeroAmount, HoldExceeded, and with what the
    payee's policy and limits say.
    """
    _execute(context, hold_id, amount, releases_rest=False)


@HOLDS.function("executeHoldAndRelease(bytes32 id, uint256 amount)", gas=GAS_HOLD, work=WORK_HOLD, mutates=True)
def execute_hold_and_release(context: CallContext, hold_id: bytes, amount: int) -> None:
    """Pay `amount` of a hold to its payee and give the rest back to its payer; the executor's call."""
    _execute(context, hold_id, amount, releases_rest=True)


@HOLDS.function("releaseHold(bytes32 id)", gas=GAS_HOLD, work=WORK_HOLD, mutates=True)
def release_hold(context: CallContext, hold_id: bytes) -> None:
    """Give what remains back to the payer: the notary's or the payee's call, after expiry anybody's.

    Asks neither pause nor policy: it is the payer's own money. Reverts with UnknownHold, HoldClosed, HoldNotReleasable.
    """
    hold = _require_open(context, hold_id)
    caller = context.caller
    if caller not in (hold.executor, hold.payee) and not _has_expired(context, hold):
        raise revert(errors.HOLD_NOT_RELEASABLE, hold_id, caller, hold.expires_at_s)
    write_progress(context, replace(hold, remaining=0, status=HoldStatus.RELEASED))
    _leave_held(context, hold.payer, hold.remaining)
    _add(context, hold.payer, hold.remaining)
    context.emit(*encode_event(HOLD_RELEASED, hold_id, hold.payer, hold.payee, hold.remaining, caller))


@HOLDS.function("consentToExtension(bytes32 id, uint64 expiresAt)", gas=GAS_HOLD, work=WORK_HOLD, mutates=True)
def consent_to_extension(context: CallContext, hold_id: bytes, expires_at_s: int) -> None:
    """Let the payer extend a hold up to `expiresAt`, in place of what was consented to; the executor's call.

    A time not after the hold's own withdraws consent.
    """
    hold = _require_open(context, hold_id)
    _require_executor(context, hold)
    _require_not_expired(context, hold)
    write_consent(context, replace(hold, consented_until_s=expires_at_s))
    context.emit(*encode_event(HOLD_EXTENSION_CONSENTED, hold_id, context.caller, expires_at_s))


@HOLDS.function("extendHold(bytes32 id, uint64 expiresAt)", gas=GAS_HOLD, work=WORK_HOLD, mutates=True)
def extend_hold(context: CallContext, hold_id: bytes, expires_at_s: int) -> None:
    """Let a hold expire later, as far as its executor consented; the payer's call.

    Reverts with UnknownHold, HoldClosed, HoldPayerOnly, HoldExpired, ExpiryNotLater, ExtensionNotConsented.
    """
    hold = _require_open(context, hold_id)
    if context.caller != hold.payer:
        raise revert(errors.HOLD_PAYER_ONLY, hold_id, context.caller, hold.payer)
    _require_not_expired(context, hold)
    if expires_at_s <= hold.expires_at_s:
        raise revert(errors.EXPIRY_NOT_LATER, hold_id, expires_at_s, hold.expires_at_s)
    if expires_at_s > hold.consented_until_s:
        raise revert(errors.EXTENSION_NOT_CONSENTED, hold_id, expires_at_s, hold.consented_until_s)
    write_progress(context, replace(hold, expires_at_s=expires_at_s))
    context.emit(*encode_event(HOLD_EXTENDED, hold_id, hold.payer, hold.expires_at_s, expires_at_s))


@HOLDS.function(
    "holdOf(bytes32 id)",
    returns="address payer, address to, address notary, uint256 amount, uint256 remaining, uint64 expiresAt,"
    " uint64 consentedUntil, bytes32 memo, uint8 status",
)
def hold_of(context: CallContext, hold_id: bytes) -> tuple[Address, Address, Address, int, int, int, int, bytes, int]:
    """Return a hold: status 1 open, 2 executed, 3 released. An expired one is open until released.

    Reverts with UnknownHold.
    """
    hold = read_hold(context, hold_id)
    parties = (hold.payer, hold.payee, hold.notary)
    times = (hold.expires_at_s, hold.consented_until_s)
    return *parties, hold.amount, hold.remaining, *times, hold.memo, hold.status


def _create(
    context: CallContext,
    payer: Address,
    hold_id: bytes,
    to: Address,
    notary: Address,
    amount: int,
    expires_at_s: int,
    memo: bytes,
    *,
    spender: Address | None,
) -> None:
    use = check_out(context, payer, to, amount)
    if has_hold(context, hold_id):
        raise revert(errors.HOLD_EXISTS, hold_id)
    if is_system_address(notary):
        raise revert(errors.INVALID_NOTARY, notary)
    if not amount:
        raise revert(errors.ZERO_AMOUNT)
    if expires_at_s <= context.block_timestamp_s:
        raise revert(errors.EXPIRY_PASSED, expires_at_s, context.block_timestamp_s)
    if spender is not None:
        allowed = require_allowance(context, payer, spender, amount)
    balance = require_spendable(context, payer, amount)
    if spender is not None:
        spend_allowance(context, payer, spender, allowed, amount)
    write_new_hold(
        context,
        Hold(
            id=hold_id,
            payer=payer,
            payee=to,
            notary=notary,
            amount=amount,
            remaining=amount,
            expires_at_s=expires_at_s,
            consented_until_s=0,
            memo=memo,
            status=HoldStatus.OPEN,
        ),
    )
    slot = held_slot(payer)
    context.set_slot(balance_slot(payer), balance - amount)
    context.set_slot(slot, context.get_slot(slot) + amount)
    record(context, use)
    context.emit(*encode_event(HOLD_CREATED, hold_id, payer, to, notary, amount, expires_at_s, memo))


def _execute(context: CallContext, hold_id: bytes, amount: int, *, releases_rest: bool) -> None:
    hold = _require_open(context, hold_id)
    _require_executor(context, hold)
    _require_not_expired(context, hold)
    use = check_in(context, hold.payer, hold.payee, amount)
    if not amount:
        raise revert(errors.ZERO_AMOUNT)
    if amount > hold.remaining:
        raise revert(errors.HOLD_EXCEEDED, hold_id, hold.remaining, amount)
    rest = hold.remaining - amount
    status = HoldStatus.EXECUTED if not rest else HoldStatus.RELEASED if releases_rest else HoldStatus.OPEN
    kept = rest if status is HoldStatus.OPEN else 0
    write_progress(context, replace(hold, remaining=kept, status=status))
    _leave_held(context, hold.payer, hold.remaining - kept)
    _add(context, hold.payee, amount)
    record(context, use)
    emit_transfer(context, hold.payer, hold.payee, amount)
    emit_memo(context, hold.payer, hold.payee, hold.memo)
    context.emit(*encode_event(HOLD_EXECUTED, hold_id, hold.payer, hold.payee, amount, rest))
    if status is HoldStatus.RELEASED:
        _add(context, hold.payer, rest)
        context.emit(*encode_event(HOLD_RELEASED, hold_id, hold.payer, hold.payee, rest, context.caller))


def _require_open(context: CallContext, hold_id: bytes) -> Hold:
    hold = read_hold(context, hold_id)
    if hold.status is not HoldStatus.OPEN:
        raise revert(errors.HOLD_CLOSED, hold_id, hold.status)
    return hold


def _require_executor(context: CallContext, hold: Hold) -> None:
    if context.caller != hold.executor:
        raise revert(errors.HOLD_EXECUTOR_ONLY, hold.id, context.caller, hold.executor)


def _require_not_expired(context: CallContext, hold: Hold) -> None:
    if _has_expired(context, hold):
        raise revert(errors.HOLD_EXPIRED, hold.id, hold.expires_at_s, context.block_timestamp_s)


def _has_expired(context: CallContext, hold: Hold) -> bool:
    return context.block_timestamp_s > hold.expires_at_s


def _leave_held(context: CallContext, payer: Address, amount: int) -> None:
    slot = held_slot(payer)
    left = context.get_slot(slot) - amount
    assert left >= 0, "held is the sum of what open holds have left"
    context.set_slot(slot, left)


def _add(context: CallContext, account: Address, amount: int) -> None:
    slot = balance_slot(account)
    context.set_slot(slot, context.get_slot(slot) + amount)

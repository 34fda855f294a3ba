"""Money reserved now and paid later. Source: ledger.md §6."""

from dataclasses import replace

from tests.money.model.currency import need_allowance, need_spendable, use_allowance
from tests.money.model.rules import RECIPIENT, count_in, count_out, keep_use, need_admitted, need_ends
from tests.money.model.state import Call, Hold, Refused, is_system

OPEN, EXECUTED, RELEASED = 1, 2, 3


def create_hold(
    call: Call, hold_id: bytes, to: bytes, notary: bytes, amount: int, expires_at_s: int, memo: bytes
) -> None:
    _create(call, call.caller, hold_id, Hold(call.caller, to, notary, amount, amount, expires_at_s, 0, memo, OPEN))


def create_hold_from(
    call: Call, payer: bytes, hold_id: bytes, to: bytes, notary: bytes, amount: int, expires_at_s: int, memo: bytes
) -> None:
    hold = Hold(payer, to, notary, amount, amount, expires_at_s, 0, memo, OPEN)
    _create(call, payer, hold_id, hold, by_spender=True)


def execute_hold(call: Call, hold_id: bytes, amount: int) -> None:
    _execute(call, hold_id, amount, releases=False)


def execute_hold_and_release(call: Call, hold_id: bytes, amount: int) -> None:
    _execute(call, hold_id, amount, releases=True)


def release_hold(call: Call, hold_id: bytes) -> None:
    hold = _need_open(call, hold_id)
    if call.caller not in (hold.notary, hold.payee) and call.now_s <= hold.expires_at_s:
        raise Refused("HoldNotReleasable", hold_id, call.caller, hold.expires_at_s)
    _give_back(call, hold_id, hold)


def consent_to_extension(call: Call, hold_id: bytes, expires_at_s: int) -> None:
    hold = _need_open(call, hold_id)
    _need_executor(call, hold_id, hold)
    _need_time(call, hold_id, hold)
    call.money.holds[hold_id] = replace(hold, consented_until_s=expires_at_s)
    call.log("HoldExtensionConsented", hold_id, call.caller, expires_at_s)


def extend_hold(call: Call, hold_id: bytes, expires_at_s: int) -> None:
    hold = _need_open(call, hold_id)
    if call.caller != hold.payer:
        raise Refused("HoldPayerOnly", hold_id, call.caller, hold.payer)
    _need_time(call, hold_id, hold)
    if expires_at_s <= hold.expires_at_s:
        raise Refused("ExpiryNotLater", hold_id, expires_at_s, hold.expires_at_s)
    if expires_at_s > hold.consented_until_s:
        raise Refused("ExtensionNotConsented", hold_id, expires_at_s, hold.consented_until_s)
    call.money.holds[hold_id] = replace(hold, expires_at_s=expires_at_s)
    call.log("HoldExtended", hold_id, hold.payer, hold.expires_at_s, expires_at_s)


def _create(call: Call, payer: bytes, hold_id: bytes, hold: Hold, *, by_spender: bool = False) -> None:
    need_ends(call, payer, hold.payee)
    use = count_out(call, payer, hold.amount, moves=True)
    if hold_id in call.money.holds:
        raise Refused("HoldExists", hold_id)
    if is_system(hold.notary):
        raise Refused("InvalidNotary", hold.notary)
    if hold.amount == 0:
        raise Refused("ZeroAmount")
    if hold.expires_at_s <= call.now_s:
        raise Refused("ExpiryPassed", hold.expires_at_s, call.now_s)
    if by_spender:
        need_allowance(call, payer, hold.amount)
    need_spendable(call, payer, hold.amount)
    if by_spender:
        use_allowance(call, payer, hold.amount)
    call.money.add(payer, -hold.amount)
    call.money.holds[hold_id] = hold
    keep_use(call, payer, use)
    facts = (hold.payee, hold.notary, hold.amount, hold.expires_at_s, hold.memo)
    call.log("HoldCreated", hold_id, payer, *facts)


def _execute(call: Call, hold_id: bytes, amount: int, *, releases: bool) -> None:
    hold = _need_open(call, hold_id)
    _need_executor(call, hold_id, hold)
    _need_time(call, hold_id, hold)
    need_admitted(call, hold.payee, RECIPIENT)
    use = None if hold.payer == hold.payee else count_in(call, hold.payee, amount)
    if amount == 0:
        raise Refused("ZeroAmount")
    if amount > hold.remaining:
        raise Refused("HoldExceeded", hold_id, hold.remaining, amount)
    rest = hold.remaining - amount
    paid = replace(hold, remaining=rest, status=OPEN if rest else EXECUTED)
    call.money.holds[hold_id] = paid
    call.money.add(hold.payee, amount)
    keep_use(call, hold.payee, use)
    call.log("Transfer", hold.payer, hold.payee, amount)
    call.log("Memo", hold.payer, hold.payee, hold.memo)
    call.log("HoldExecuted", hold_id, hold.payer, hold.payee, amount, rest)
    if releases and rest:
        _give_back(call, hold_id, paid)


def _give_back(call: Call, hold_id: bytes, hold: Hold) -> None:
    call.money.holds[hold_id] = replace(hold, remaining=0, status=RELEASED)
    call.money.add(hold.payer, hold.remaining)
    call.log("HoldReleased", hold_id, hold.payer, hold.payee, hold.remaining, call.caller)


def _need_open(call: Call, hold_id: bytes) -> Hold:
    hold = call.money.holds.get(hold_id)
    if hold is None:
        raise Refused("UnknownHold", hold_id)
    if hold.status != OPEN:
        raise Refused("HoldClosed", hold_id, hold.status)
    return hold


def _need_executor(call: Call, hold_id: bytes, hold: Hold) -> None:
    if call.caller != hold.executor:
        raise Refused("HoldExecutorOnly", hold_id, call.caller, hold.executor)


def _need_time(call: Call, hold_id: bytes, hold: Hold) -> None:
    if call.now_s > hold.expires_at_s:
        raise Refused("HoldExpired", hold_id, hold.expires_at_s, call.now_s)

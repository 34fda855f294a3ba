"""Redeeming in two steps, and what stands behind a currency. Source: ledger.md §4."""

from dataclasses import replace

from tests.money.model.currency import need_spendable
from tests.money.model.roles import need
from tests.money.model.rules import may_send, need_running
from tests.money.model.state import NOBODY, SUPPLY_HIGHEST, Call, Redemption, Refused

REQUESTED, COMPLETED, REJECTED, CANCELLED = 1, 2, 3, 4


def request_redemption(call: Call, amount: int, memo: bytes) -> int:
    need_running(call)
    if call.caller == NOBODY:
        raise Refused("ERC20InvalidSender", call.caller)
    if not may_send(call, call.caller):
        raise Refused("ERC7943CannotSend", call.caller)
    if amount == 0:
        raise Refused("ZeroAmount")
    need_spendable(call, call.caller, amount)
    call.money.add(call.caller, -amount)
    number = len(call.money.redemptions) + 1
    call.money.redemptions[number] = Redemption(call.caller, amount, memo, call.now_s, REQUESTED)
    call.log("RedemptionRequested", number, call.caller, amount, memo)
    return number


def complete_redemption(call: Call, number: int) -> None:
    need_running(call)
    need(call, "ISSUER_ROLE")
    found = _need_open(call, number)
    call.money.redemptions[number] = replace(found, status=COMPLETED)
    call.money.supply -= found.amount
    call.log("Transfer", found.owner, NOBODY, found.amount)
    call.log("Memo", found.owner, NOBODY, found.memo)
    call.log("RedemptionCompleted", number, found.owner, call.caller, found.amount)


def reject_redemption(call: Call, number: int, reason: bytes) -> None:
    need_running(call)
    need(call, "ISSUER_ROLE")
    found = _need_open(call, number)
    call.money.redemptions[number] = replace(found, status=REJECTED)
    call.money.add(found.owner, found.amount)
    call.log("RedemptionRejected", number, found.owner, call.caller, found.amount, reason)


def cancel_redemption(call: Call, number: int) -> None:
    need_running(call)
    found = _need_open(call, number)
    if call.caller != found.owner:
        raise Refused("RedemptionOwnerOnly", number, call.caller, found.owner)
    call.money.redemptions[number] = replace(found, status=CANCELLED)
    call.money.add(found.owner, found.amount)
    call.log("RedemptionCancelled", number, found.owner, found.amount)


def attest_reserves(call: Call, amount: int, as_of_s: int, document_hash: bytes) -> None:
    need(call, "ATTESTOR_ROLE")
    if amount > SUPPLY_HIGHEST:
        raise Refused("ReservesTooHigh", amount, SUPPLY_HIGHEST)
    if as_of_s > call.now_s:
        raise Refused("AttestationFromFuture", as_of_s, call.now_s)
    _, latest_s, _ = call.money.reserves
    if as_of_s < latest_s:
        raise Refused("AttestationSuperseded", as_of_s, latest_s)
    call.money.reserves = (amount, as_of_s, document_hash)
    call.log("ReservesAttested", call.caller, amount, as_of_s, document_hash)


def set_reserve_rule(call: Call, age_max_s: int) -> None:
    need(call, "DEFAULT_ADMIN_ROLE")
    call.money.reserve_age_max_s = age_max_s
    call.log("ReserveRuleSet", age_max_s)


def _need_open(call: Call, number: int) -> Redemption:
    found = call.money.redemptions.get(number)
    if found is None:
        raise Refused("UnknownRedemption", number)
    if found.status != REQUESTED:
        raise Refused("RedemptionClosed", number, found.status)
    return found

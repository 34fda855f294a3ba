"""Held sub-accounts, and what the governor may do, in the model. Source: offline.md §5, §6."""

from tests.money.model.roles import need
from tests.money.model.rules import RECIPIENT, admits, keep_use, need_receiver, need_running
from tests.money.model.state import Refused
from tests.offline.model.play import OFFLINE_LOCKS, Play


def release_held(play: Play, currency: bytes, account: bytes, amount: int) -> None:
    play.need_currency(currency)
    _need_held(play, currency, account, amount)
    if account in play.offline.blacklist:
        raise Refused("AccountBlacklisted", account)
    call = play.money(currency)
    need_running(call)
    use = play.may_have(call, OFFLINE_LOCKS, account, amount)
    keep_use(call, account, use)
    play.offline.held[currency, account] -= amount
    play.leave(currency, account, amount)
    play.own.log("HeldReleased", currency, account, amount)


def enforce_held(play: Play, currency: bytes, account: bytes, to: bytes, amount: int, reason: bytes) -> None:
    play.need_currency(currency)
    call = play.money(currency)
    need_running(call)
    need(call, "ENFORCER_ROLE")
    _need_held(play, currency, account, amount)
    need_receiver(to)
    if not admits(call, call.money.policy_id, to, RECIPIENT):
        raise Refused("ERC7943CannotReceive", to)
    play.offline.held[currency, account] -= amount
    play.leave(currency, to, amount)
    play.own.log("HeldEnforced", currency, account, to, amount, reason)


def clear(play: Play, owner: bytes) -> None:
    if play.own.caller != play.state.governor:
        raise Refused("GovernorOnly", play.own.caller, play.state.governor)
    if owner not in play.offline.blacklist:
        raise Refused("NotBlacklisted", owner)
    play.offline.blacklist.remove(owner)
    play.own.log("Cleared", owner)


def _need_held(play: Play, currency: bytes, account: bytes, amount: int) -> None:
    if not amount:
        raise Refused("ZeroAmount")
    held = play.offline.held.get((currency, account), 0)
    if amount > held:
        raise Refused("ExceedsHeld", held)

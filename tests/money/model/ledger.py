"""The whole model: which function a call means, and what becomes of it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeAlias

from tests.money.model import currency, holds, redemptions, roles, rules
from tests.money.model.state import Call, Event, Refused, State, Value

BATCH_CALLS_HIGHEST = 100

ACCOUNT_REGISTRY = bytes.fromhex("5cee") + bytes(17) + b"\x03"
POLICY_REGISTRY = bytes.fromhex("5cee") + bytes(17) + b"\x02"
BATCH = bytes.fromhex("5cee") + bytes(17) + b"\x06"

Function: TypeAlias = Callable[..., int | None]


def _by_solidity_name(*functions: Function) -> dict[str, Function]:
    def camel(name: str) -> str:
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)

    return {camel(function.__name__): function for function in functions}


CURRENCY_FUNCTIONS = _by_solidity_name(
    currency.transfer,
    currency.transfer_from,
    currency.transfer_with_memo,
    currency.transfer_from_with_memo,
    currency.transfer_batch,
    currency.approve,
    currency.mint,
    currency.burn,
    currency.set_minter_allowance,
    currency.set_supply_cap,
    currency.pause,
    currency.unpause,
    currency.set_frozen_tokens,
    currency.forced_transfer,
    currency.permit,
    currency.transfer_with_authorization,
    currency.receive_with_authorization,
    currency.cancel_authorization,
    holds.create_hold,
    holds.create_hold_from,
    holds.execute_hold,
    holds.execute_hold_and_release,
    holds.release_hold,
    holds.consent_to_extension,
    holds.extend_hold,
    redemptions.request_redemption,
    redemptions.complete_redemption,
    redemptions.reject_redemption,
    redemptions.cancel_redemption,
    redemptions.attest_reserves,
    redemptions.set_reserve_rule,
    rules.set_transfer_policy_id,
    rules.set_limits_enabled,
    rules.set_tier_limits,
    roles.grant_role,
    roles.revoke_role,
    roles.renounce_role,
    roles.begin_admin_transfer,
    roles.accept_admin_transfer,
)
POLICY_FUNCTIONS = _by_solidity_name(
    rules.create_policy,
    rules.create_compound_policy,
    rules.modify,
    rules.begin_policy_admin_transfer,
    rules.accept_policy_admin_transfer,
)
ACCOUNT_FUNCTIONS = _by_solidity_name(
    rules.register_bank,
    rules.update_bank,
    rules.register_account,
    rules.set_tier,
    rules.set_permissions,
    rules.suspend,
    rules.reinstate,
)


@dataclass(frozen=True, slots=True)
class Order:
    """One call as the machine makes it."""

    caller: bytes
    target: bytes
    name: str
    arguments: tuple[Value, ...] = ()
    signer: bytes = bytes(20)
    """Who signed, where the arguments carry a signature; nobody if it is worthless."""
    inner: tuple["Order", ...] = ()
    """The calls of a batch."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a call."""

    error: tuple[str, tuple[Value, ...]] | None
    result: Value | None
    events: tuple[Event, ...]


def answer(state: State, order: Order, now_s: int) -> Answer:
    """Predict a call and change the state as it does. A refused call changes nothing."""
    call = Call(state, order.target, order.caller, now_s, order.signer, [])
    try:
        result = _run_batch(call, order) if order.target == BATCH else _run(call, order)
    except Refused as refusal:
        return Answer((refusal.name, refusal.values), None, ())
    return Answer(None, result, tuple(call.events))


def functions_at(target: bytes) -> dict[str, Function]:
    """Return the functions of a contract by name."""
    return {POLICY_REGISTRY: POLICY_FUNCTIONS, ACCOUNT_REGISTRY: ACCOUNT_FUNCTIONS}.get(target, CURRENCY_FUNCTIONS)


def _run(call: Call, order: Order) -> int | None:
    return functions_at(order.target)[order.name](call, *order.arguments)


def _run_batch(call: Call, order: Order) -> Value:
    if len(order.inner) > BATCH_CALLS_HIGHEST:
        raise Refused("TooManyCalls", len(order.inner), BATCH_CALLS_HIGHEST)
    for index, inner in enumerate(order.inner):
        if inner.target == BATCH or inner.target[:2] != BATCH[:2]:
            raise Refused("BatchTargetRefused", index, inner.target)
    before = deepcopy((call.state.moneys, call.state.policies, call.state.accounts, call.state.banks))
    results: list[Value] = []
    for index, inner in enumerate(order.inner):
        step = Call(call.state, inner.target, call.caller, call.now_s, inner.signer, call.events)
        try:
            result = _run(step, inner)
        except Refused as refusal:
            call.state.moneys, call.state.policies, call.state.accounts, call.state.banks = before
            raise Refused("BatchCallFailed", index, (refusal.name, refusal.values)) from refusal
        results.append(() if result is None else (result,))
    return tuple(results)

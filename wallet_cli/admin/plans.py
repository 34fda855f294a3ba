"""A call that is about to be made, in words: what it does, to whom, and what changes on the ledger. Decides nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue, ValueDoesNotFit
from contracts.declarations import encode_call
from contracts.native.directory import lookup
from wallet_cli.admin.kinds import Kind
from wallet_cli.admin.proven import ViewReverted, declared_function
from wallet_cli.admin.scope import Scope
from wallet_cli.contract_arguments import value_record
from wallet_cli.errors import UsageRefused

SIGNER: Final = "@signer"
"""Stands for the account whose rights are used, where a view is asked about it."""

After = Callable[[AbiValue, Mapping[str, AbiValue]], AbiValue]
"""From the value now and the call's arguments to the value then."""


def given(parameter: str) -> After:
    """The value becomes what the argument says."""
    return lambda _now, arguments: arguments[parameter]


def always(value: AbiValue) -> After:
    """The value becomes this, whatever the arguments are."""
    return lambda _now, _arguments: value


def grows(now: AbiValue, _arguments: Mapping[str, AbiValue]) -> AbiValue:
    """The value, a count, grows by one."""
    return _sum(now, 1, 1)


def plus(parameter: str) -> After:
    """The value grows by an argument."""
    return lambda now, arguments: _sum(now, arguments[parameter], 1)


def minus(parameter: str) -> After:
    """The value shrinks by an argument."""
    return lambda now, arguments: _sum(now, arguments[parameter], -1)


def _sum(now: AbiValue, change: AbiValue, sign: int) -> int:
    assert isinstance(now, int) and isinstance(change, int)
    return now + sign * change


@dataclass(frozen=True, slots=True)
class Change:
    """One value that a call changes: where it is read, and what becomes of it."""

    label: str
    """What it is, in words."""
    view: str
    """A view of the same contract."""
    by: tuple[str, ...]
    """Arguments of the call that the view is asked with, by ABI name; SIGNER for who signs."""
    kind: Kind
    after: After | None
    """None for what the call leaves alone and the signer should see all the same."""
    result: int = 0
    """Which of the view's results."""


@dataclass(frozen=True, slots=True)
class Line:
    """A label and a value, as the screen shows them."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Effect:
    """A change with its values read."""

    label: str
    before: str
    after: str | None
    """None for what the call leaves alone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One call, ready to be shown, tried and signed."""

    title: str
    contract: str
    """`Currency EUR`."""
    to: Address
    function: str
    arguments: tuple[Line, ...]
    effects: tuple[Effect, ...]
    values: Mapping[str, AbiValue]
    """The call's arguments by ABI name, for scripts."""
    data: bytes


def make_plan(
    scope: Scope,
    *,
    title: str,
    to: Address,
    function: str,
    values: Mapping[str, AbiValue],
    lines: Sequence[Line],
    changes: Sequence[Change],
) -> Plan:
    """Encode a call of a system contract and read what it changes. Raises: UsageRefused, ProofInvalid."""
    contract = lookup(to)
    assert contract is not None
    declared = declared_function(to, function)
    try:
        data = encode_call(declared, *(values[parameter.name] for parameter in declared.parameters))
    except ValueDoesNotFit as error:
        raise UsageRefused(
            f"an argument does not fit: {error}",
            why="the ledger would refuse it",
            next_step="correct it and repeat the command",
            code="ARGUMENT_INVALID",
        ) from error
    effects = [effect for change in changes if (effect := _read(scope, to, values, change)) is not None]
    name = f"{contract.name} {scope.currency.code}" if scope.currency else contract.name
    return Plan(title, name, to, function, tuple(lines), tuple(effects), values, data)


def _read(scope: Scope, to: Address, values: Mapping[str, AbiValue], change: Change) -> Effect | None:
    """Return a change with its values; None if the ledger has none yet, which the trial then explains."""
    known: dict[str, AbiValue] = {**values, SIGNER: scope.signer}
    try:
        now = scope.ledger.read(to, change.view, *(known[name] for name in change.by))[change.result]
    except ViewReverted:
        return None
    after = None if change.after is None else change.kind.show(scope, change.after(now, known))
    return Effect(change.label, change.kind.show(scope, now), after)


def plan_lines(plan: Plan) -> list[str]:
    """Return the plan as the screen shows it, title first."""
    lines = [plan.title, _field("contract", plan.contract), _field("function", plan.function)]
    lines += [_field(line.label, line.value) for line in plan.arguments]
    lines += [_effect_line(effect) for effect in plan.effects]
    return lines


def _effect_line(effect: Effect) -> str:
    if effect.after is None:
        return _field(effect.label, effect.before)
    if effect.before == effect.after:
        return _field("keeps", f"{effect.label}: {effect.before} already")
    return _field("changes", f"{effect.label}: {effect.before} → {effect.after}")


def plan_record(plan: Plan) -> dict[str, object]:
    """Return the plan as `--json` shows it."""
    return {
        "action": plan.title,
        "contract": plan.contract,
        "function": plan.function,
        "arguments": {line.label: line.value for line in plan.arguments},
        "values": {name: value_record(value) for name, value in plan.values.items()},
        "changes": [
            {"what": effect.label, "before": effect.before, "after": effect.after or effect.before}
            for effect in plan.effects
        ],
    }


LABEL_COLUMNS: Final = 16


def _field(label: str, text: str) -> str:
    return f"  {label:<{LABEL_COLUMNS - 1}} {text}"

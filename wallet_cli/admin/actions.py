"""Administrative commands as rows: contract, function, named arguments with units. One row is one command.

A row says what the ledger's function is called and what its arguments mean; help, parsing, the screen, the trial, the
question and the proof follow from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import click

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from wallet_cli.addresses import looks_like_address, parse_address
from wallet_cli.admin.authority import AuthorityWords, carry_out, decision
from wallet_cli.admin.kinds import Kind
from wallet_cli.admin.plans import SIGNER, Change, Line, Plan, make_plan
from wallet_cli.admin.scope import Scope
from wallet_cli.cli import WalletCommand
from wallet_cli.session import Session

_CURRENCY: Final = "currency"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as typed."""

    parameter: str
    """Its name in the ABI."""
    kind: Kind
    help: str
    word: str = ""
    """How it is called in help and on the screen; the ABI's name if empty."""
    default: str | None = None
    """What stands if it is not typed: then it is an option. None makes it a word that must be typed."""
    is_option: bool = False
    """An option that must be given, for values that would be mistaken for each other as plain words."""

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.word or self.parameter


@dataclass(frozen=True, slots=True)
class Action:
    """One command."""

    command: str
    """Its last word."""
    title: str
    """What it does, as the first line of the screen."""
    help: str
    """One or two sentences: what it does, and whose right it takes."""
    function: str
    """The ledger's name of it."""
    arguments: tuple[Argument, ...]
    """In the order typed, which may differ from the ABI's."""
    examples: tuple[str, str]
    contract: Address | None = None
    """Where it stands; None for a currency, whose code is then the first word typed."""
    fixed: Mapping[str, AbiValue] = field(default_factory=dict)
    """Arguments that the command itself gives; SIGNER as a value for who signs."""
    changes: tuple[Change, ...] = ()


def action_command(action: Action) -> WalletCommand:
    """Make the command of a row."""

    def run(session: Session, authority: AuthorityWords, **words: Any) -> None:
        code = words.pop(_CURRENCY, None)
        carry_out(session, authority, code, lambda scope: [plan_action(scope, action, words)])

    run.__doc__ = _help(action)
    decorated: Callable[..., None] = run
    for argument in reversed(action.arguments):
        decorated = _parameter(argument)(decorated)
    if action.contract is None:
        decorated = click.argument(_CURRENCY, metavar="CURRENCY")(decorated)
    return decision(action.command, examples=action.examples)(decorated)


def plan_action(scope: Scope, action: Action, words: Mapping[str, str]) -> Plan:
    """Return the plan of a row with the words typed, by ABI name. Raises: UsageRefused."""
    values: dict[str, AbiValue] = {
        name: scope.signer if value == SIGNER else value for name, value in action.fixed.items()
    }
    lines = []
    for argument in action.arguments:
        text = words[argument.parameter.lower()]
        assert text is not None, "click demands it or gives the default"
        value = argument.kind.parse(scope, text)
        values[argument.parameter] = value
        lines.append(Line(argument.label, argument.kind.show(scope, value)))
        if isinstance(value, bytes) and looks_like_address(text) and not parse_address(text)[1]:
            lines.append(Line("warning", "this address was typed without a checksum: compare it digit by digit"))
    to = action.contract
    if to is None:
        to = scope.own_currency.address
    return make_plan(
        scope, title=action.title, to=to, function=action.function, values=values, lines=lines, changes=action.changes
    )


def _parameter(argument: Argument) -> Callable[[Callable[..., None]], Callable[..., None]]:
    name = argument.parameter.lower()
    if argument.default is None and not argument.is_option:
        return click.argument(name, metavar=argument.label.upper().replace(" ", "-"))
    # An option with a default, though it were None, would not be demanded.
    presence: dict[str, Any] = {"required": True} if argument.default is None else {"default": argument.default}
    option = f"--{argument.label.lower().replace(' ', '-')}"
    return click.option(option, name, metavar=argument.kind.metavar, help=argument.help, **presence)


def _help(action: Action) -> str:
    typed = [argument for argument in action.arguments if argument.default is None and not argument.is_option]
    lines = [f"  {item.label.upper().replace(' ', '-'):<12} {item.help}; {item.kind.form}" for item in typed]
    return "\n\n".join([action.help, "\b\n" + "\n".join(lines)]) if lines else action.help

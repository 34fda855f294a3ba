"""Whose rights an administrative command uses: an account of this wallet that signs now, or a council that decides."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import click

from wallet_cli.admin.council_prepare import EXPIRY_DEFAULT, prepare
from wallet_cli.admin.kinds import parse_duration_or_off
from wallet_cli.admin.perform import perform
from wallet_cli.admin.plans import Plan
from wallet_cli.admin.scope import Scope, known_contracts, open_scope, resolve_account
from wallet_cli.amounts import find_currency
from wallet_cli.cli import Need, WalletCommand, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.session import Session

_COLLECTOR: Final = "sycee.admin.collector"


@dataclass(frozen=True, slots=True)
class Collector:
    """Takes the plans of commands that a batch is made of, instead of carrying them out one by one."""

    scope: Scope
    """The batch's own: one height and one signer for all its actions."""
    plans: list[Plan] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AuthorityWords:
    """What was typed about who decides."""

    council: str | None
    """A council whose right is used; None for the account that signs."""
    prepare: str | None
    """The file to write for the council's members."""
    expires_in: str
    """How long they have, beside the delay."""
    reference: str
    """The proposal's memo."""

    @classmethod
    def take(cls, words: dict[str, Any]) -> "AuthorityWords":
        """Take the options of `authority_options` out of a command's words."""
        return cls(*(words.pop(name) for name in ("council_as", "prepare_file", "expires_in", "reference")))


def authority_options() -> list[click.Parameter]:
    """Return the options of every command that changes something."""
    return [
        click.Option(("--as", "council_as"), metavar="COUNCIL", help="Use a council's right, with --prepare."),
        click.Option(("--prepare", "prepare_file"), metavar="FILE", help="Write it for the council's members to sign."),
        click.Option(
            ("--expires-in", "expires_in"),
            default=EXPIRY_DEFAULT,
            metavar="DURATION",
            help="How long members have, beside the delay (default 7d).",
        ),
        click.Option(("--reference", "reference"), default="", metavar="TEXT", help="The proposal's memo."),
    ]


def decision(name: str, *, examples: tuple[str, ...]) -> Callable[[Callable[..., None]], WalletCommand]:
    """Make a command that changes something of a function of the session, who decides, and the words typed."""

    def decorate(function: Callable[..., None]) -> WalletCommand:
        @functools.wraps(function)
        def run(session: Session, **words: Any) -> None:
            function(session, AuthorityWords.take(words), **words)

        command = wallet_command(name, needs=(Need.NETWORK, Need.KEY), examples=examples)(run)
        command.params.extend(authority_options())
        return command

    return decorate


def collect_in(context: click.Context, collector: Collector) -> None:
    """Let the commands invoked below `context` hand their plans to `collector`."""
    context.meta[_COLLECTOR] = collector


def carry_out(
    session: Session, authority: AuthorityWords, code: str | None, plan: Callable[[Scope], Sequence[Plan]]
) -> None:
    """Make the plans of a command and carry them out, or hand them to the batch it stands in.

    Raises: UserError of every kind.
    """
    collector = click.get_current_context().meta.get(_COLLECTOR)
    if (authority.council is None) is not (authority.prepare is None) or (collector and authority.council):
        raise UsageRefused(
            "--as and --prepare belong together, on the command line and not in a batch's file",
            why="a council signs nothing at once: its members do, from a file",
            next_step="add --as COUNCIL --prepare FILE, or neither",
            code="COUNCIL_OPTIONS",
        )
    if collector is not None:
        currency = None if code is None else find_currency(code, collector.scope.currencies)
        collector.plans.extend(plan(replace(collector.scope, currency=currency)))
    elif authority.council is not None and authority.prepare is not None:
        council = resolve_account(session, known_contracts(session), authority.council)
        scope = open_scope(session, code=code, signer=council)
        lasts_s = parse_duration_or_off(authority.expires_in)
        prepare(scope, plan(scope), path=authority.prepare, lasts_s=lasts_s, reference=authority.reference)
    else:
        account = session.account()
        scope = open_scope(session, code=code, signer=account.address)
        perform(scope, account, plan(scope))

"""Whose rights an administrative command uses: an account of this wallet that signs now, or a council that decides."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from consensus.primitives.scalars import Address
from wallet_cli.admin.perform import perform
from wallet_cli.admin.plans import Plan
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.cli import Need, WalletCommand, wallet_command
from wallet_cli.session import Session

_COLLECTOR: Final = "sycee.admin.collector"


@dataclass(frozen=True, slots=True)
class Collector:
    """Takes the plans of commands that a batch is made of, instead of carrying them out one by one."""

    signer: Address
    """Whose rights the batch uses."""
    plans: list[Plan] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AuthorityWords:
    """What was typed about who decides."""

    @classmethod
    def take(cls, words: dict[str, Any]) -> "AuthorityWords":
        """Take the options of `authority_options` out of a command's words."""
        return cls()


def authority_options() -> list[click.Parameter]:
    """Return the options of every command that changes something."""
    return []


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
    if collector is not None:
        collector.plans.extend(plan(open_scope(session, code=code, signer=collector.signer)))
        return
    account = session.account()
    scope = open_scope(session, code=code, signer=account.address)
    perform(scope, account, plan(scope))

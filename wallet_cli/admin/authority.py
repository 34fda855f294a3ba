"""Whose rights an administrative command uses: an account of this wallet that signs now, or a council that decides."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from wallet_cli.admin.perform import perform
from wallet_cli.admin.plans import Plan
from wallet_cli.admin.scope import Scope, open_scope
from wallet_cli.cli import Need, WalletCommand, wallet_command
from wallet_cli.session import Session


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


def carry_out(
    session: Session, authority: AuthorityWords, code: str | None, plan: Callable[[Scope], Sequence[Plan]]
) -> None:
    """Open the scope, make the plans, and carry them out. Raises: UserError of every kind."""
    account = session.account()
    scope = open_scope(session, code=code, signer=account.address)
    perform(scope, account, plan(scope))


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

"""Whose rights an administrative command uses: an account of this wallet that signs now, or a council that decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from wallet_cli.admin.perform import perform
from wallet_cli.admin.plans import Plan
from wallet_cli.admin.scope import Scope, open_scope
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

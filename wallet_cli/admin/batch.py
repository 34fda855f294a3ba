"""`sycee admin batch`: several administrative actions in one transaction, all or nothing."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from contracts.addresses import BATCH
from contracts.native.batch import CALLS_MAX
from wallet_cli.admin import kinds
from wallet_cli.admin.authority import AuthorityWords, Collector, carry_out, collect_in, decision
from wallet_cli.admin.plans import Effect, Line, Plan, make_plan
from wallet_cli.admin.scope import Scope
from wallet_cli.cli import Need, WalletCommand, WalletGroup
from wallet_cli.errors import UsageRefused
from wallet_cli.files import read_small
from wallet_cli.session import Session

_NOT_IN_A_BATCH: Final = ("batch", "council")


@decision("batch", examples=("sycee admin batch actions.txt --yes", "sycee admin batch actions.txt --dry-run"))
@click.argument("file", metavar="FILE")
def batch(session: Session, authority: AuthorityWords, file: str) -> None:
    """Carry out the actions in FILE in one transaction, all or nothing, at most 100.

    One a line, as typed behind `sycee admin`, such as: role grant EUR issuer bob. # begins a remark. Who signs and
    every other global option stands behind `batch FILE`, and never in the file.
    """

    def plan(scope: Scope) -> list[Plan]:
        collector = Collector(scope)
        for number, words in _lines(file):
            _collect(session, collector, f"{file}, line {number}", words)
        if not 1 <= len(collector.plans) <= CALLS_MAX:
            raise UsageRefused(
                f"{file} has {len(collector.plans)} actions",
                why=f"a batch has 1 to {CALLS_MAX}",
                next_step="make it several files",
                code="BATCH_WRONG",
            )
        return [_join(scope, collector.plans)]

    carry_out(session, authority, None, plan)


def _lines(file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of every line that says something. Raises: UsageRefused."""
    try:
        lines = read_small(Path(file)).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise kinds.refused(file, "a text file with one action a line", why=str(error)) from error
    for number, line in enumerate(lines, start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise kinds.refused(line, "an action as typed behind sycee admin", why=str(error)) from error
        if words:
            yield number, words


def _collect(session: Session, collector: Collector, place: str, words: Sequence[str]) -> None:
    """Let the command of one line hand its plans to the collector. Raises: UsageRefused."""
    parent = click.get_current_context()
    settings = replace(session.settings)
    # Imported here: the group's table names this module.
    from wallet_cli.admin.group import admin

    command: click.Command = admin
    path, rest = "admin", list(words)
    with click.Context(admin, parent=parent, info_name="admin", obj=settings) as context:
        while isinstance(command, WalletGroup):
            name = rest.pop(0) if rest else ""
            found = None if name in _NOT_IN_A_BATCH else command.get_command(context, name)
            if found is None:
                raise _no_action(place, words)
            command, path = found, f"{path} {name}"
        if not isinstance(command, WalletCommand) or Need.KEY not in command.needs:
            raise _no_action(place, words)
        collect_in(context, collector)
        with command.make_context(path, rest, parent=context, obj=settings) as inner:
            if settings != session.settings:
                raise UsageRefused(
                    f"{place} has a global option",
                    why="one transaction has one signer, and is asked for once",
                    next_step="type it behind sycee admin batch FILE",
                    code="BATCH_WRONG",
                )
            command.invoke(inner)


def _no_action(place: str, words: Sequence[str]) -> UsageRefused:
    return UsageRefused(
        f"{place}: {' '.join(words)!r} is no action",
        why="a batch has what changes something, as typed behind sycee admin",
        next_step="sycee admin --help",
        code="BATCH_WRONG",
    )


def _join(scope: Scope, plans: Sequence[Plan]) -> Plan:
    """Return the one plan that makes the calls of many; they are numbered from 0, as errors number them."""
    lines, effects = [], []
    for number, plan in enumerate(plans):
        values = ", ".join(f"{line.label} {line.value}" for line in plan.arguments)
        lines.append(Line(f"action {number}", f"{plan.title}: {plan.contract}{', ' if values else ''}{values}"))
        effects += [
            Effect(f"{number}, {effect.label}", effect.before, effect.after)
            for effect in plan.effects
            if effect.after is not None
        ]
    joined = make_plan(
        scope,
        title=f"{len(plans)} actions in one transaction",
        to=BATCH,
        function="execute",
        values={"calls": [[plan.to, plan.data] for plan in plans]},
        lines=lines,
        changes=(),
    )
    return replace(joined, effects=tuple(effects))

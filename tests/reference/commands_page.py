"""node-commands.md and wallet-commands.md: the help of every command, as people see it."""

from collections.abc import Iterator
from importlib import import_module

import click

from node.cli import group
from tests.reference.markdown import STAMP

WIDTH = 110


def node_commands() -> click.Group:
    """Return the command line of the node."""
    return group


def wallet_commands() -> click.Group:
    """Return the command line of the wallet."""
    found = import_module("wallet_cli.__main__").cli
    assert isinstance(found, click.Group)
    return found


def commands_page(program: str, top: click.Group) -> str:
    """Return one page with the help of every command."""
    context = _context(top, program, None)
    helps = [f"## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(top, context)]
    return "\n".join([f"# {program}\n", STAMP, *helps])


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    # Both widths, or the terminal of whoever writes the pages decides.
    settings = {**command.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    return click.Context(command, info_name=name, parent=parent, **settings)


def _helps(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    yield context.command_path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _helps(inner, _context(inner, name, context))

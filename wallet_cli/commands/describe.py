"""`sycee describe` and `sycee completions`: the commands themselves, for programs and for shells."""

import json
from collections.abc import Iterator
from typing import Final

import click
from click.shell_completion import get_completion_class

from wallet_cli.cli import WalletCommand, WalletGroup, wallet_command
from wallet_cli.errors import Exit
from wallet_cli.output import SCHEMA
from wallet_cli.session import Session

_SHELLS: Final = ("bash", "fish", "zsh")
_COMPLETE_VARIABLE: Final = "_SYCEE_COMPLETE"
"""Set by the printed script while a command line is being completed."""

_ENVELOPE: Final[dict[str, object]] = {
    "type": "object",
    "required": ["schema", "ok"],
    "properties": {
        "schema": {"const": SCHEMA},
        "ok": {"type": "boolean"},
        "data": {"type": ["object", "array"]},
        "proof": {
            "type": ["object", "null"],
            "required": ["level", "height", "hash", "age_s", "signed"],
            "properties": {
                "level": {"enum": ["verified", "stale", "unverified"]},
                "height": {"type": ["integer", "null"]},
                "hash": {"type": ["string", "null"]},
                "age_s": {"type": ["integer", "null"]},
                "signed": {"type": ["string", "null"]},
                "note": {"type": "string"},
            },
        },
        "error": {
            "type": "object",
            "required": ["code", "exit", "message", "next"],
            "properties": {
                "code": {"type": "string"},
                "exit": {"enum": [int(code) for code in Exit if code is not Exit.DONE]},
                "message": {"type": "string"},
                "next": {"type": "string"},
                "reason": {"type": "string"},
            },
        },
    },
}
"""JSON Schema of what every command prints with `--json`."""


@wallet_command("describe", needs=(), examples=("sycee describe", "sycee describe --json"))
def describe(session: Session) -> None:
    """Print every command with its arguments, options, needs and examples, and the schema of answers, as JSON."""
    root = click.get_current_context().find_root().command
    assert isinstance(root, WalletGroup)
    record: dict[str, object] = {
        "exitCodes": {code.name.lower(): int(code) for code in Exit},
        "options": [_parameter(parameter) for parameter in root.params],
        "commands": [_command(name, command) for name, command in _walk(root, "")],
        "answer": _ENVELOPE,
    }
    session.output.result(record, json.dumps(record, ensure_ascii=False, indent=2))


@wallet_command("completions", needs=(), examples=("sycee completions bash", "sycee completions zsh"))
@click.argument("shell", type=click.Choice(_SHELLS))
def completions(session: Session, shell: str) -> None:
    """Print the script that completes commands and options in SHELL: bash, fish or zsh."""
    kind = get_completion_class(shell)
    assert kind is not None, "the shells offered are those that click knows"
    root = click.get_current_context().find_root().command
    # What bash prints about itself here is only whether its version is known to click.
    script = kind(root, {}, "sycee", _COMPLETE_VARIABLE)
    text = script.source_template % script.source_vars()
    session.output.result({"shell": shell, "script": text}, text)


def _walk(group: WalletGroup, path: str) -> Iterator[tuple[str, WalletCommand]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, WalletGroup):
            yield from _walk(command, f"{path}{name} ")
        elif isinstance(command, WalletCommand):
            yield path + name, command


def _command(name: str, command: WalletCommand) -> dict[str, object]:
    return {
        "name": name,
        "help": command.help or "",
        "needs": [need.value for need in command.needs],
        "examples": list(command.examples),
        "parameters": [_parameter(entry) for entry in command.params if not getattr(entry, "hidden", False)],
    }


def _parameter(parameter: click.Parameter) -> dict[str, object]:
    is_option = isinstance(parameter, click.Option)
    return {
        "kind": "option" if is_option else "argument",
        "names": list(parameter.opts) if is_option else [parameter.human_readable_name],
        "type": "flag" if isinstance(parameter, click.Option) and parameter.is_flag else parameter.type.name,
        "required": parameter.required,
        "repeatable": parameter.multiple or parameter.nargs == -1,
        "help": (parameter.help or "") if isinstance(parameter, click.Option) else "",
    }

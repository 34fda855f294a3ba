"""`sycee config`: preferences, and where each of them comes from. Nothing secret is a preference."""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import click

from wallet_cli.cli import WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.files import PRIVATE_FILE_MODE, validate_private
from wallet_cli.home import Preferences, load_network, save_preferences
from wallet_cli.keystore import find_account
from wallet_cli.session import Session

_KEYS: Final = tuple(field.name for field in fields(Preferences))
_VARIABLES: Final = {"network": "SYCEE_WALLET_NETWORK", "account": "SYCEE_WALLET_FROM"}


@wallet_command("get", needs=(), examples=("sycee config get", "sycee config get account --origin --json"))
@click.argument("key", required=False, default="")
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
def get(session: Session, key: str, origin: bool) -> None:
    """Show one preference, or all of them: option over environment over config.toml over default."""
    wanted = (_validate_key(key),) if key else _KEYS
    records, lines = [], []
    for name in wanted:
        value, source = _effective(session, name)
        records.append({"key": name, "value": value, **({"origin": source} if origin else {})})
        shown = value if key else f"{name:<16} {value or 'not set'}"
        lines.append(f"{shown}   {source}" if origin else shown)
    session.output.result(records, "\n".join(lines))


@wallet_command("set", needs=(), examples=("sycee config set account alice", "sycee config set network devnet --json"))
@click.argument("key")
@click.argument("value")
def set_(session: Session, key: str, value: str) -> None:
    """Write one preference to config.toml; an empty VALUE removes it."""
    _validate_key(key)
    if value:
        _validate_value(session, key, value)
    save_preferences(session.home, replace(session.preferences, **{key: value}))
    session.output.result({"key": key, "value": value}, f"{key:<16} {value or 'not set'}")


@wallet_command("path", needs=(), examples=("sycee config path", "sycee config path --json"))
def path(session: Session) -> None:
    """Say where this wallet keeps its files."""
    home = session.home
    record = {"config": str(home.config_file), "keys": str(home.keys), "data": str(home.data)}
    session.output.result(record, "\n".join(f"{name:<16} {place}" for name, place in record.items()))


config = WalletGroup(
    "config",
    table={
        "get": ("wallet_cli.commands.config:get", "show preferences and their origin"),
        "set": ("wallet_cli.commands.config:set_", "change a preference"),
        "path": ("wallet_cli.commands.config:path", "where files are"),
    },
    help="Preferences, and where they come from.",
)


def _effective(session: Session, name: str) -> tuple[str, str]:
    """Return what holds for a preference, and which of option, environment, file and default says so."""
    typed = {
        "network": session.settings.network,
        "account": session.settings.sender,
        "password_file": session.settings.password_file,
    }[name]
    if typed:
        is_environment = name in _VARIABLES and os.environ.get(_VARIABLES[name]) == typed
        return typed, f"environment {_VARIABLES[name]}" if is_environment else "option"
    written = str(getattr(session.preferences, name))
    return (written, str(session.home.config_file)) if written else ("", "default")


def _validate_key(key: str) -> str:
    if key not in _KEYS:
        raise UsageRefused(
            f"there is no preference {key!r}",
            why=f"preferences are: {', '.join(_KEYS)}",
            next_step="sycee config get",
            code="CONFIG_KEY_UNKNOWN",
        )
    return key


def _validate_value(session: Session, key: str, value: str) -> None:
    """Check that what a preference names is there. Raises: UsageRefused, PolicyRefused."""
    match key:
        case "network":
            load_network(session.home, value)
        case "account":
            find_account(session.home.keys, value)
        case _:
            place = Path(value).expanduser()
            if not place.is_file():
                raise UsageRefused(
                    f"{place} is no file",
                    why="a password file is read whenever a key is opened",
                    next_step="name a file of mode 0600 with the password on its first line",
                    code="PASSWORD_FILE",
                )
            validate_private(place, PRIVATE_FILE_MODE)

"""`sycee-node rpc-key`: who may use JSON-RPC, and how much. A running node takes up changes within seconds."""

import json
from pathlib import Path

import click

from node.cli.errors import CommandError, UsageError
from node.cli.homes import load_home
from node.config import SETTINGS
from node.rpc.key_file import InvalidKeyFile, RpcKey, make_key, read_keys, render_keys
from node.storage.files import replace_file

home_option = click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
name_option = click.option("--name", required=True, help="Who has the key: a–z, 0–9 and -.")


class KeyNameTaken(CommandError):
    """There is a key with this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is a key {name} already: take it away with `rpc-key revoke`, or use another name")


class KeyNotFound(CommandError):
    """There is no key with this name."""

    def __init__(self, name: str, known: str) -> None:
        self.name = name
        super().__init__(f"there is no key {name}; keys are {known or 'none'}")


@click.group("rpc-key")
def command() -> None:
    """Make, list and revoke API keys of JSON-RPC."""


@command.command("new")
@home_option
@name_option
@click.option("--requests-per-s", default=0, help="Units a second: a plain read is 1, a trace 40. 0 for no limit.")
@click.option("--burst", type=int, help="Units at once; two seconds' worth if left out.")
@click.option(
    "--namespaces", default="", help="What it may call, such as eth,net,sycee; everything served if left out."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def new(home: Path, name: str, requests_per_s: int, burst: int | None, namespaces: str, as_json: bool) -> None:
    """Make a key and print it, once: the node keeps only its digest."""
    path, keys = _read(home)
    if any(key.name == name for key in keys):
        raise KeyNameTaken(name)
    chosen = [part.strip() for part in namespaces.split(",") if part.strip()]
    for namespace in chosen:
        if namespace not in SETTINGS["rpc.api"].choices:
            known = ", ".join(SETTINGS["rpc.api"].choices)
            raise UsageError(f"there is no namespace {namespace}; namespaces are {known}")
    try:
        secret, key = make_key(name, requests_per_s=requests_per_s, burst=burst, namespaces=chosen)
    except ValueError as error:
        raise UsageError(str(error)) from error
    replace_file(path, render_keys([*keys, key]).encode())
    if as_json:
        click.echo(json.dumps({"name": name, "key": secret, **_described(key)}))
        return
    click.echo(secret)
    click.echo(f"Key {name} is in {path}; this is the only time it is shown.", err=True)
    click.echo(f"Use it as: Authorization: Bearer {secret[:12]}…", err=True)


@command.command("list")
@home_option
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of text.")
def show(home: Path, as_json: bool) -> None:
    """Print every key's name and limits."""
    _, keys = _read(home)
    if as_json:
        click.echo(json.dumps([{"name": key.name, **_described(key)} for key in keys]))
        return
    if not keys:
        click.echo("no keys: `sycee-node rpc-key new --name NAME` makes one")
    for key in keys:
        rate = f"{key.requests_per_s}/s, burst {key.burst}" if key.requests_per_s else "no limit"
        click.echo(f"{key.name:<24}{rate:<28}{', '.join(key.namespaces) or 'everything served'}")


@command.command("revoke")
@home_option
@name_option
def revoke(home: Path, name: str) -> None:
    """Take a key away: its requests fail and its WebSockets are closed within five seconds."""
    path, keys = _read(home)
    left = [key for key in keys if key.name != name]
    if len(left) == len(keys):
        raise KeyNotFound(name, ", ".join(key.name for key in keys))
    replace_file(path, render_keys(left).encode())
    click.echo(f"revoked {name}")


def _read(home: Path) -> tuple[Path, tuple[RpcKey, ...]]:
    path = home / load_home(home, flags={}).config.rpc.keys_file
    try:
        return path, read_keys(path)
    except InvalidKeyFile as error:
        raise CommandError(str(error)) from error


def _described(key: RpcKey) -> dict[str, object]:
    return {"requestsPerS": key.requests_per_s, "burst": key.burst, "namespaces": list(key.namespaces)}

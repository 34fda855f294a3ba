"""`sycee-node keys`: look at a node's keys. Public parts only; nothing here prints a secret."""

import json
from pathlib import Path

import click

from node.cli.identities import identity_json, load_public_identity
from node.home import NodeHome


@click.group("keys")
def command() -> None:
    """Look at a node's keys."""


@command.command("show")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, as a validator stands in genesis.")
def show(home: Path, as_json: bool) -> None:
    """Print the public keys and the link certificate: what the founder of a network needs of a validator."""
    entry = identity_json(load_public_identity(NodeHome(home)))
    if as_json:
        click.echo(json.dumps(entry))
        return
    for name, value in entry.items():
        click.echo(f"{name:<16}{value}")

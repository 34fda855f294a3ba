"""`sycee-node keys`: look at a node's keys, and make their successors. Nothing here prints a secret."""

import json
from pathlib import Path

import click

from node.cli.homes import load_home
from node.cli.identities import create_identity, identity_json, load_public_identity
from node.home import PRIVATE_FOLDER_MODE, NodeHome


@click.group("keys")
def command() -> None:
    """Look at a node's keys and rotate them."""


@command.command("show")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, as a validator stands in genesis.")
def show(home: Path, as_json: bool) -> None:
    """Print the public keys and the link certificate: what the founder of a network needs of a validator."""
    entry = identity_json(load_public_identity(NodeHome(home).key_places()[-1]))
    if as_json:
        click.echo(json.dumps(entry))
        return
    for name, value in entry.items():
        click.echo(f"{name:<16}{value}")


@command.command("rotate")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="File with the passphrase of the new keys.")
@click.option("--development", is_flag=True, help="Quick key derivation, for networks without value.")
def rotate(home: Path, passphrase_file: Path | None, development: bool) -> None:
    """Make the next set of keys beside the present one; `validator rotate` then registers them.

    The node goes on with its old keys until the chain has the new ones, and changes over by itself.
    """
    node_home = NodeHome(home)
    loaded = load_home(home, flags={})
    place = node_home.rotated_keys(len(node_home.key_places()))
    place.folder.mkdir(mode=PRIVATE_FOLDER_MODE, exist_ok=True)
    passphrase = passphrase_file or home / loaded.config.signer.passphrase_file
    identity, said = create_identity(place, passphrase_file=passphrase, is_development=development)
    click.echo(said)
    for name, value in identity_json(identity).items():
        click.echo(f"{name:<16}{value}")
    click.echo(f"Next: sycee-node validator rotate --home {home} --out rotate.json")

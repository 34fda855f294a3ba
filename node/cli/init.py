"""`sycee-node init`: the home of one node of a real network. Running it again changes nothing."""

from pathlib import Path

import click

from consensus.chain.genesis import decode_genesis
from node.cli.errors import CommandError, UsageError
from node.cli.homes import write_genesis, write_once
from node.cli.identities import create_identity
from node.config import render_toml
from node.home import NodeHome


class PassphraseNeeded(UsageError):
    """Keys are never written without a passphrase."""

    def __init__(self) -> None:
        super().__init__("a validator's keys are encrypted: --passphrase-file FILE names a file with the passphrase")


class UnreadableGenesis(CommandError):
    """The genesis document could not be read."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"cannot read genesis {path}: {reason}")


@click.command("init")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--name", required=True, help="Name of the node; for a validator the one in genesis.")
@click.option("--role", type=click.Choice(["validator", "follower"]), default="validator", show_default=True)
@click.option(
    "--genesis", type=click.Path(path_type=Path), help="Genesis document of the network, copied into the home."
)
@click.option("--passphrase-file", type=click.Path(path_type=Path), help="File with the passphrase of the keys.")
@click.option("--development", is_flag=True, help="Quick key derivation, for networks without value.")
def command(
    home: Path, name: str, role: str, genesis: Path | None, passphrase_file: Path | None, development: bool
) -> None:
    """Write configuration and keys of one node; what is there is left as it is."""
    if passphrase_file is None:
        raise PassphraseNeeded
    text = _read_genesis(genesis) if genesis is not None else None
    target = NodeHome(home)
    target.create_folders()
    settings = render_toml(
        {"node.role": role, "node.name": name, "signer.passphrase_file": str(passphrase_file.absolute())}
    )
    click.echo(write_once(target.config_file, settings.encode()))
    if text is not None:
        click.echo(write_genesis(target.genesis_file, text))
    _, said = create_identity(target.first_keys, passphrase_file=passphrase_file, is_development=development)
    click.echo(said)
    if text is None:
        click.echo(
            "Next: give the public keys (sycee-node keys show) to the network's founder, then put the genesis in place:"
        )
        click.echo(f"  {target.genesis_file}")


def _read_genesis(path: Path) -> bytes:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UnreadableGenesis(path, error.strerror or str(error)) from error
    try:
        decode_genesis(text)
    except ValueError as error:
        raise UnreadableGenesis(path, str(error)) from error
    return text

"""`sycee-node testnet`: homes and one shared genesis for a rehearsal on several machines, or on one."""

import time
from pathlib import Path

import click

from consensus.chain.genesis import encode_genesis
from consensus.primitives.scalars import TimestampMs
from node.cli.devnet_folder import DEFAULT_RPC_PORT, DEFAULT_VALIDATORS, make_home
from node.cli.errors import RefusedForSafety
from node.cli.homes import write_genesis
from node.cli.network_plan import DEVNET_CHAIN_ID, plan_genesis, validator_names
from node.cli.ports import LOOPBACK, NodePorts, assign_ports
from node.home import NodeHome


class OutputNotEmpty(RefusedForSafety):
    """The folder for the homes holds something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"{folder} is not empty; nothing was changed. --output names another folder.")


@click.command("testnet")
@click.option("--output", type=click.Path(path_type=Path), default=Path("testnet"), show_default=True)
@click.option("--validators", type=int, default=DEFAULT_VALIDATORS, show_default=True)
@click.option("--chain-id", type=click.IntRange(1, 2**53 - 1), default=DEVNET_CHAIN_ID, show_default=True)
@click.option("--name", default="testnet", show_default=True, help="Name of the network.")
@click.option(
    "--hostname-pattern",
    help="Where each validator runs, for instance '{name}.example.org'; without it all run on this machine.",
)
@click.option(
    "--rpc-port", type=int, default=DEFAULT_RPC_PORT, show_default=True, help="RPC port, of the first if local."
)
def command(
    output: Path, validators: int, chain_id: int, name: str, hostname_pattern: str | None, rpc_port: int
) -> None:
    """Write one home per validator and the genesis they share.

    Its accounts are the public development accounts: for rehearsals, never for money.
    """
    names = validator_names(validators)
    ports = assign_ports(rpc_port, validators) if hostname_pattern is None else assign_ports(rpc_port, 1) * validators
    if output.exists() and any(output.iterdir()):
        raise OutputNotEmpty(output)
    entries = [
        make_home(
            NodeHome(output / validator),
            name=validator,
            ports=own_ports,
            mesh_addr=_hostname(hostname_pattern, validator),
            say=click.echo,
        )
        for validator, own_ports in zip(names, ports)
    ]
    genesis = plan_genesis(
        entries,
        network_name=name,
        chain_id=chain_id,
        timestamp_ms=TimestampMs(int(time.time()) * 1000),
        parameters={},
    )
    text = encode_genesis(genesis)
    for validator in names:
        click.echo(write_genesis(NodeHome(output / validator).genesis_file, text))
    click.echo(write_genesis(output / "genesis.json", text))
    click.echo(f"Start each one with: sycee-node start --home {output}/NAME")
    _show_ports(names, ports)


def _hostname(pattern: str | None, name: str) -> str:
    return LOOPBACK if pattern is None else pattern.replace("{name}", name)


def _show_ports(names: tuple[str, ...], ports: tuple[NodePorts, ...]) -> None:
    for name, own in zip(names, ports):
        click.echo(f"  {name:<10} rpc {own.rpc}  status {own.ops}  mesh {own.mesh}")

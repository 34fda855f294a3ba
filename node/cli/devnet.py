"""`sycee-node devnet`: a real network on this machine, until Ctrl-C."""

import json
import tempfile
from pathlib import Path

import click

from node.cli.banner import render_banner, render_keys
from node.cli.devnet_folder import DevnetOptions
from node.cli.devnet_network import Devnet, stop_like_ctrl_c
from node.cli.errors import CommandError

DEFAULT_FOLDER = Path("devnet")
SMOKE_AMOUNT = "12.34 EUR"


class SmokeFailed(CommandError):
    """The smoke test found something wrong."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"smoke test failed: {reason}")


@click.command("devnet")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help=f"Folder of the network; default {DEFAULT_FOLDER}."
)
@click.option("--validators", type=int, help="Number of validators of a new network; default 4.")
@click.option("--rpc-port", type=int, help="RPC port of the first validator; default 8545. Status is 1000 above it.")
@click.option("--fresh", is_flag=True, help="Erase the network in the folder and make a new one.")
@click.option("--block-interval-min-ms", type=int, help="Shortest time between blocks of a new network, in ms.")
@click.option("--show-dev-keys", is_flag=True, help="Print the private keys of the development accounts.")
@click.option("--smoke", is_flag=True, help="Start, pay once, verify the proof, stop; exit 0 when all is well.")
def command(
    folder: Path | None,
    validators: int | None,
    rpc_port: int | None,
    fresh: bool,
    block_interval_min_ms: int | None,
    show_dev_keys: bool,
    smoke: bool,
) -> None:
    """Run validators as processes on loopback. Ctrl-C stops them all; state stays in the folder."""
    stop_like_ctrl_c()
    with tempfile.TemporaryDirectory(prefix="sycee-smoke-") as temporary:
        chosen = folder or (Path(temporary) / "devnet" if smoke else DEFAULT_FOLDER)
        options = DevnetOptions(
            folder=chosen,
            validators=validators,
            rpc_port=rpc_port,
            block_interval_min_ms=block_interval_min_ms,
            is_fresh=fresh,
        )
        try:
            _run(options, show_dev_keys=show_dev_keys, is_smoke=smoke)
        except KeyboardInterrupt:
            click.echo("stopped; state is kept" if not smoke else "stopped")


def _run(options: DevnetOptions, *, show_dev_keys: bool, is_smoke: bool) -> None:
    with Devnet(options, say=click.echo) as devnet:
        devnet.start()
        click.echo(render_banner(devnet, keeps_state=not is_smoke))
        if show_dev_keys:
            click.echo(render_keys())
        if is_smoke:
            _smoke(devnet)
        else:
            devnet.follow()


def _smoke(devnet: Devnet) -> None:
    """Pay once from the wallet, and let the wallet verify finality and receipt itself.

    Raises: SmokeFailed, WalletFailed.
    """
    paid = devnet.wallet.require("--json", "--yes", "send", "bob", SMOKE_AMOUNT, "--from", "alice", "--memo", "smoke")
    sent = json.loads(paid.stdout)
    digest = sent["data"]["hash"]
    waited = json.loads(devnet.wallet.require("--json", "tx", "wait", digest).stdout)
    level = waited["proof"]["level"]
    if level != "verified":
        raise SmokeFailed(f"the wallet calls transaction {digest} {level}, not verified")
    click.echo(f"smoke: {SMOKE_AMOUNT} paid, final and verified by the wallet in transaction {digest}")

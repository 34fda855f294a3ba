"""`sycee-node evidence`: who signed two things that exclude each other, from a stopped node's disk or a running one."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from node.cli.errors import UsageError
from node.cli.homes import load_home
from node.cli.json_rpc import RpcClient, as_list, as_object


class NoSource(UsageError):
    """Neither a home nor a node was named, or both were."""

    def __init__(self) -> None:
        super().__init__("name one source: --home DIR of a stopped node, or --rpc URL of a running one")


@click.group("evidence")
def command() -> None:
    """Look at evidence against validators."""


@command.command("list")
@click.option("--home", type=click.Path(path_type=Path), help="Home of a stopped node.")
@click.option("--rpc", "rpc_url", help="JSON-RPC address of a running node.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, with the signed votes.")
def list_evidence(home: Path | None, rpc_url: str | None, as_json: bool) -> None:
    """List every contradiction: who, in which epoch and view, what was signed, and whether the registry knows."""
    if (home is None) == (rpc_url is None):
        raise NoSource
    found = _from_disk(home) if home is not None else asyncio.run(_from_node(str(rpc_url)))
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo("none: no validator is known to have contradicted itself")
    for entry in found:
        where = "not reported yet" if entry["height"] is None else f"reported at height {entry['height']}"
        who = f"validator {entry['signer']} ({str(entry['consensusKey'])[:18]}…)"
        what = f"{entry['firstKind']} and {entry['secondKind']}"
        click.echo(f"epoch {entry['epoch']} view {entry['view']}: {who} signed {what}; {where}")


def _from_disk(home: Path) -> Sequence[Mapping[str, object]]:
    """Read a stopped node's ledger. Raises: StorageError when it runs, or holds none."""
    from node.app import read_evidence  # the node's libraries take a second to load

    load_home(home, flags={})
    return read_evidence(home)


async def _from_node(url: str) -> Sequence[Mapping[str, object]]:
    async with RpcClient() as client:
        return [as_object(entry) for entry in as_list(await client.result(url, "sycee_getEvidence"))]

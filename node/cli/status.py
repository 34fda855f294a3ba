"""`sycee-node status`: one screen about a running node."""

import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click

from node.cli.errors import CommandError
from node.cli.homes import load_home

ANSWER_TIMEOUT_S = 5
WATCH_INTERVAL_S = 1
DEFAULT_OPS_URL = "http://127.0.0.1:9545"


class NodeSilent(CommandError):
    """No node answers at the address."""

    def __init__(self, url: str, reason: object) -> None:
        self.url = url
        super().__init__(
            f"no node answers at {url}: {reason}. Is it running? --ops URL or --home DIR name another one."
        )


@click.command("status")
@click.option("--ops", "ops_url", help=f"Health and status address of the node; default {DEFAULT_OPS_URL}.")
@click.option("--home", type=click.Path(path_type=Path), help="Ask the node with this home.")
@click.option("--watch", is_flag=True, help="Show it again every second until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of the screen.")
def command(ops_url: str | None, home: Path | None, watch: bool, as_json: bool) -> None:
    """Show height, votes, links, pending payments and the machine's health."""
    url = ops_url or (_url_of(home) if home is not None else DEFAULT_OPS_URL)
    suffix = "" if as_json else "?format=text"
    if not watch:
        click.echo(fetch(f"{url.rstrip('/')}/status{suffix}").rstrip("\n"))
        return
    try:
        while True:
            screen = fetch(f"{url.rstrip('/')}/status{suffix}")
            if not as_json:
                click.clear()
            click.echo(screen.rstrip("\n"))
            time.sleep(WATCH_INTERVAL_S)
    except KeyboardInterrupt:
        return


def fetch(url: str) -> str:
    """Return the body at `url`, which is http.

    Raises: NodeSilent.
    """
    if not url.startswith("http://"):
        raise NodeSilent(url, "the address must begin with http://")
    try:
        with urlopen(url, timeout=ANSWER_TIMEOUT_S) as response:
            body: bytes = response.read()
    except (URLError, OSError) as error:
        raise NodeSilent(url, getattr(error, "reason", error)) from error
    return body.decode(errors="replace")


def _url_of(home: Path) -> str:
    ops = load_home(home, flags={}).config.ops
    return f"http://{ops.addr}:{ops.port}"

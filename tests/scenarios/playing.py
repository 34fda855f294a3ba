"""Which stories there are, and how one is told."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.e2e.cluster import running_devnet
from tests.scenarios.stage import Stage

SCENARIOS: Final = {
    "dvp": 1,
    "fx": 1,
    "silent_party": 1,
    "interbank": 1,
    "wages_and_rent": 1,
    "parking": 1,
    "escrow_dispute": 1,
    "two_networks": 2,
    "prepaid_card": 1,
    "council_limit": 1,
}
"""Name of each story's module, and how many networks it needs."""

RPC_PORT: Final = 12_600
PORTS_APART: Final = 300
"""Between the first ports of two networks: each takes some behind its RPC."""


def headline(name: str) -> str:
    """Return the first sentence of a story."""
    return (import_module(f"tests.scenarios.{name}").__doc__ or "").strip().splitlines()[0]


def play(name: str, stages: Sequence[Stage]) -> None:
    """Tell one story on networks that run. Raises: Surprise, NotRefused, and what web3.py raises."""
    tell: Callable[..., None] = import_module(f"tests.scenarios.{name}").play
    tell(*stages[: SCENARIOS[name]])


def stages(count: int, folder: Path, say: Callable[[str], None], open_until: ExitStack) -> list[Stage]:
    """Start so many networks of four validators, of which only the first has all, and return them."""
    made = []
    for number in range(count):
        options = () if number == 0 else ("--validators", "1")
        place = folder / f"network-{number + 1}"
        cluster = open_until.enter_context(running_devnet(place, RPC_PORT + PORTS_APART * number, *options))
        made.append(Stage(cluster.urls[0], cluster.folder / "devnet.json", say))
    return made

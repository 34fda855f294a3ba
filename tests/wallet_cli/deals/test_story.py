"""The story of docs/payers/deals.md is what the wallet says; what a chain fills in, heights and hashes, is left out."""

import shlex
from pathlib import Path

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.engine import Engine

PAGE = Path(__file__).parents[3] / "docs" / "payers" / "deals.md"
COMPARED = ("Propose", "  you ", "  payers", "  memo", "  allows", "instruction ")
"""How lines begin that are the same on every chain; money moves on a real one only."""


def test_the_page_shows_what_the_wallet_says(wallet: Wallet, engine: Engine) -> None:
    told: list[str] = []
    compared = 0
    for line in PAGE.read_text().splitlines():
        if line.startswith("$ sycee "):
            result = wallet.run(*shlex.split(line)[2:])
            assert result.exit_code == 0, result.output
            told = [*result.stderr.splitlines(), *result.stdout.splitlines()]
        elif told and line.startswith(COMPARED):
            assert line in told
            compared += 1
        elif line == "```":
            told = []
    assert (compared, engine.called) == (9, ["propose", "affirm", "affirm"])

"""The commands of docs/payers/offline.md do what the page says; what differs from chain to chain is not compared."""

import shlex
from pathlib import Path

import pytest

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.offline.people import People

PAGE = Path(__file__).parents[3] / "docs" / "payers" / "offline.md"
LINES = 22
"""Lines of the page that are compared."""


def test_the_page_shows_what_the_wallets_say(wallet: Wallet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bobs").mkdir()
    people = People(wallet, tmp_path)
    told = ""
    compared = 0
    for line in PAGE.read_text().splitlines():
        if line.startswith("$ sycee --home "):
            _, _, _, name, *words = shlex.split(line)
            result = {"alice": people.alice, "bob": people.bob}[name].run(*words)
            assert result.exit_code == 0, result.output
            told = result.stderr + result.stdout
        elif line == "```":
            told = ""
        elif told:
            assert line in told
            compared += 1
    assert compared == LINES

"""The stories of docs/payers/deals.md are what the wallet says, but for heights and hashes, which a chain fills in."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from consensus.primitives.hashing import keccak256
from tests.e2e.cluster import running_devnet
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.deals.engine import Engine
from tests.wallet_cli.deals.stubs import ALL, put_stubs
from wallet_cli.__main__ import cli
from wallet_cli.keystore import KDF_WORK_DEVELOPMENT

PAGE = Path(__file__).parents[3] / "docs" / "payers" / "deals.md"
TITLES = ("Propose", "Set money", "Decide", "Sign a price", "Exchange", "Lock money", "Claim", "Grant", "Collect")
FIELDS = (
    "you pay",
    "you get",
    "moves",
    "returns",
    "payers",
    "memo",
    "allows",
    "sells",
    "gets",
    "caps",
    "at most",
    "by",
)
OUTCOMES = ("instruction ", "escrow ", "bought ", "cancelled", "quote.json:", "mandate ", "collected ")
"""How lines begin that are the same on every chain."""

COMPARED = (*TITLES, *(f"  {name} " for name in FIELDS), *OUTCOMES)
LINES = 50
"""Lines of the page that are compared."""

RPC_PORT = 11_700


def replay(run: Callable[..., Result]) -> int:
    """Type every command of the page, compare what it shows, and return how many lines that were."""
    told: list[str] = []
    compared = 0
    for line in PAGE.read_text().splitlines():
        if line.startswith("$ sycee "):
            result = run(*shlex.split(line)[2:])
            assert result.exit_code == 0, result.output
            told = [*result.stderr.splitlines(), *result.stdout.splitlines()]
        elif told and line.startswith(COMPARED):
            assert line in told
            compared += 1
        elif line == "```":
            told = []
    return compared


def test_the_page_shows_what_the_wallet_says(
    wallet: Wallet, engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("wallet_cli.signing.KDF_WORK_STANDARD", KDF_WORK_DEVELOPMENT)
    put_stubs(wallet, monkeypatch, *(make() for make in ALL.values()))
    key = keccak256(b"carol").hex()
    assert wallet.run("keys", "import", "carol", "--stdin", stdin=key).exit_code == 0
    assert replay(wallet.run) == LINES
    assert engine.called == ["propose", "affirm", "affirm"]


@pytest.mark.e2e
def test_the_page_is_what_happens_on_a_running_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running_devnet(tmp_path / "devnet", RPC_PORT, "--validators", "1"):
        home = str(tmp_path / "devnet" / "wallet")
        assert replay(lambda *words: CliRunner().invoke(cli, ["--home", home, *words])) == LINES

"""Freezing, redemptions and reserves from the command line."""

import hashlib
import shlex
from pathlib import Path

import pytest

from tests.wallet_cli.admin.conftest import Office
from tests.wallet_cli.chain import ALICE, BOB, EUR


def test_frozen_money_stays_and_unfrozen_money_moves(office: Office) -> None:
    assert office.run("admin", "freeze", "EUR", "bob", "89 EUR", "--yes").exit_code == 0
    assert office.node.view(EUR, "getFrozenTokens", BOB) == (8_900,)
    result = office.run("admin", "unfreeze", "EUR", "bob", "--yes")
    assert "frozen: 89.00 EUR → 0.00 EUR" in result.stderr
    assert office.node.view(EUR, "getFrozenTokens", BOB) == (0,)


def test_forced_transfer_shows_both_balances(office: Office) -> None:
    result = office.run("admin", "force-transfer", "EUR", "bob", "alice", "20 EUR", "--yes")
    assert result.exit_code == 0, result.output
    assert "balance of from: 90.00 EUR → 70.00 EUR" in result.stderr
    assert "balance of to: 100.00 EUR → 120.00 EUR" in result.stderr
    assert office.node.view(EUR, "balanceOf", ALICE) == (12_000,)


def test_completed_redemption_destroys_the_money_and_leaves_the_list(office: Office) -> None:
    (waiting,) = office.json("admin", "redemption", "list", "EUR")["data"]
    assert (waiting["id"], waiting["amount"], waiting["memo"], waiting["status"]) == (
        "1", "10.00 EUR", "OUT-1", "requested"
    )  # fmt: skip
    result = office.run("admin", "redemption", "complete", "EUR", "1", "--yes")
    assert "status: requested → completed" in result.stderr
    assert office.node.view(EUR, "totalSupply") == (19_000,)
    assert office.json("admin", "redemption", "list", "EUR")["data"] == []
    assert "no redemption waits" in office.run("admin", "redemption", "list", "EUR").stdout
    (answered,) = office.json("admin", "redemption", "list", "EUR", "--all")["data"]
    assert answered["status"] == "completed"


def test_rejected_redemption_gives_the_money_back(office: Office) -> None:
    result = office.run("admin", "redemption", "reject", "EUR", "1", "--reason", "CASE-17", "--yes")
    assert result.exit_code == 0, result.output
    assert office.node.view(EUR, "balanceOf", BOB) == (10_000,)
    assert office.json("admin", "redemption", "show", "EUR", "1")["data"]["status"] == "rejected"


def test_attested_reserves_carry_the_hash_of_the_document(office: Office, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"reserves of September")
    assert office.run("admin", "reserves", "rule", "EUR", "36h", "--yes").exit_code == 0
    refused = office.json("admin", "mint", "EUR", "bob", "1 EUR", "--yes", exit_code=8)["error"]
    assert refused["reason"] == "AttestationAgedOut"
    assert "sycee admin reserves attest EUR" in refused["next"]
    attested = office.run("admin", "reserves", "attest", "EUR", "300 EUR", "--document", str(report), "--yes")
    assert attested.exit_code == 0, attested.output
    shown = office.json("admin", "reserves", "show", "EUR")["data"]
    assert shown["document"] == "0x" + hashlib.sha256(b"reserves of September").hexdigest()
    assert (shown["reserve_rule"], shown["young_enough"], shown["may_be_minted"]) == ("36h", "yes", "100.00 EUR")
    assert office.run("admin", "mint", "EUR", "bob", "100 EUR", "--yes").exit_code == 0
    too_much = office.json("admin", "mint", "EUR", "bob", "0.01 EUR", "--yes", exit_code=8)["error"]
    assert too_much["reason"] == "ReservesExceeded"


REFUSED = [
    ("admin redemption complete EUR 2", 8, "UnknownRedemption"),
    ("admin redemption complete EUR one", 2, None),
    ("admin redemption show EUR 2", 2, None),
    ("admin redemption reject EUR 1", 2, None),
    ("admin freeze EUR bob '1 EUR' --from bob", 8, "AccessControlUnauthorizedAccount"),
    ("admin force-transfer EUR bob bob '1 EUR'", 8, "ERC20InvalidReceiver"),
    ("admin force-transfer EUR bob alice '91 EUR'", 8, "ERC20InsufficientBalance"),
    ("admin reserves attest EUR '1 EUR' --document nowhere.pdf", 2, None),
    ("admin reserves attest EUR '1 EUR'", 2, None),
    ("admin reserves attest EUR '1 EUR' --as-of 2099-01-01 --document report.pdf", 8, "AttestationFromFuture"),
    ("admin reserves attest EUR '1 EUR' --as-of yesterday --document report.pdf", 2, None),
    ("admin reserves attest EUR '1 EUR' --as-of 2026-13-01 --document report.pdf", 2, None),
    ("admin reserves rule EUR 36", 2, None),
    ("admin reserves rule EUR 1.5h", 2, None),
]


@pytest.mark.parametrize(("command", "exit_code", "reason"), REFUSED)
def test_refusals_name_their_reason_and_sign_nothing(
    office: Office, command: str, exit_code: int, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.pdf").write_bytes(b"reserves")
    error = office.json(*shlex.split(command), "--yes", exit_code=exit_code)["error"]
    assert error.get("reason") == reason
    assert office.node.sent() == []

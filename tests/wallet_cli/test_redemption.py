"""A redemption parks money until its issuer answers, and its owner may take it back until then."""

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest

from contracts.layout import balance_slot, parked_slot
from tests.wallet_cli.chain import ALICE, EUR
from tests.wallet_cli.conftest import Wallet
from wallet_cli.statement_files import CAMT_NAMESPACE

REQUEST = ("redemption", "request", "50 EUR", "--memo", "DE89370400440532013000", "--yes")


def word(wallet: Wallet, slot: int) -> int:
    return wallet.chain.head.storage[EUR].get(slot, 0)


def test_request_parks_the_amount_and_names_its_number(wallet: Wallet) -> None:
    answer = wallet.json(*REQUEST)
    assert answer["data"]["redemption"] == 1
    assert [payment["kind"] for payment in answer["data"]["payments"]] == ["redemption_requested"]
    assert (word(wallet, balance_slot(ALICE)), word(wallet, parked_slot(ALICE))) == (5_000, 5_000)
    assert wallet.json("balance")["data"][0]["parked"]["amount"] == "50.00"


def test_confirmation_says_what_becomes_of_the_money(wallet: Wallet) -> None:
    screen = wallet.run(*REQUEST, "--dry-run").stderr.splitlines()
    assert screen[0].startswith("Redeem money")
    assert "  from      alice          after it 50.00 EUR spendable" in screen
    assert "  memo      DE89370400440532013000" in screen
    assert all(len(line) <= 80 for line in screen)
    assert wallet.node.sent() == []


def test_owner_takes_it_back_once(wallet: Wallet) -> None:
    wallet.run(*REQUEST)
    cancelled = wallet.run("redemption", "cancel", "1", "--currency", "EUR", "--yes")
    assert "50.00 EUR are back" in cancelled.stdout
    assert (word(wallet, balance_slot(ALICE)), word(wallet, parked_slot(ALICE))) == (10_000, 0)
    again = wallet.json("redemption", "cancel", "1", "--currency", "EUR", "--yes", exit_code=8)["error"]
    assert "RedemptionClosed(id=1, status=4)" in again["message"]
    shown = wallet.json("redemption", "show", "1", "--currency", "EUR")["data"]
    assert shown["status"] == "cancelled, given back"


def test_stranger_cannot_take_it_back(wallet: Wallet) -> None:
    wallet.run(*REQUEST)
    refused = wallet.json("redemption", "cancel", "1", "--currency", "EUR", "--from", "bob", "--yes", exit_code=8)
    assert "RedemptionOwnerOnly" in refused["error"]["message"]
    assert refused["error"]["next"] == "repeat with --from NAME of its owner"


def test_list_has_what_is_open_in_order(wallet: Wallet) -> None:
    assert "no open redemptions" in wallet.run("redemption", "list").stdout
    for amount in ("1 EUR", "2 EUR", "3 EUR"):
        assert wallet.run("redemption", "request", amount, "--yes").exit_code == 0
    wallet.run("redemption", "cancel", "2", "--currency", "EUR", "--yes")
    listed = wallet.json("redemption", "list")["data"]
    assert [(entry["id"], entry["amount"]) for entry in listed] == [(1, "1.00"), (3, "3.00")]


def test_number_that_a_lying_node_names_is_believed_only_with_its_proof(wallet: Wallet) -> None:
    wallet.run(*REQUEST)
    row = {"currency": {"address": "0x" + EUR.hex()}, "id": 2}
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {**honest(), "redemptions": [row]}
    assert wallet.json("redemption", "list")["data"] == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "7", "--currency", "EUR"), "REDEMPTION_UNKNOWN"),
        (("show", "1"), "CURRENCY_NEEDED"),
        (("cancel", "7", "--currency", "EUR"), "REDEMPTION_UNKNOWN"),
        (("request", "1000 EUR"), "INSUFFICIENT_FUNDS"),
    ],
)
def test_what_cannot_be_is_refused_before_signing(wallet: Wallet, words: tuple[str, ...], code: str) -> None:
    assert f'"code": "{code}"' in wallet.run("redemption", *words, "--yes", "--json").stdout
    assert wallet.node.sent() == []


def test_files_of_a_statement_name_holds_and_redemptions(wallet: Wallet, tmp_path: Path) -> None:
    wallet.run(*REQUEST)
    wallet.run("redemption", "cancel", "1", "--currency", "EUR", "--yes")
    wallet.run("hold", "create", "bob", "1 EUR", "--yes")
    table, book = tmp_path / "alice.csv", tmp_path / "alice.xml"
    words = ("history", "--currency", "EUR", "--csv", str(table), "--camt", str(book))
    assert wallet.run(*words).exit_code == 0
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["kind"], row["change"], row["balance"]) for row in rows] == [
        ("redemption_requested", "-50.00", "50.00"),
        ("redemption_cancelled", "50.00", "100.00"),
        ("hold_made", "-1.00", "99.00"),
    ]
    assert [row["reference"] for row in rows[:2]] == ["1", "1"]
    assert len(rows[2]["reference"]) == 66
    entries = ElementTree.parse(book).getroot().iter(f"{{{CAMT_NAMESPACE}}}Ntry")
    kinds = [entry.findtext(f".//{{{CAMT_NAMESPACE}}}BkTxCd//{{{CAMT_NAMESPACE}}}Cd") for entry in entries]
    assert kinds == ["REDEMPTION_REQUESTED", "REDEMPTION_CANCELLED", "HOLD_MADE"]
    names = [found.text for found in ElementTree.parse(book).getroot().iter(f"{{{CAMT_NAMESPACE}}}Tp")]
    assert names.count("redemption") == 2
    assert names.count("hold") == 1

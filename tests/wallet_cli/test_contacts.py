"""A contact is a name; a pinned contact was compared face to face, which nobody can say by accident."""

import json

import pytest

from tests.wallet_cli.chain import ALICE, BOB
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address

TILL = checksum_address(ALICE)


def entry(wallet: Wallet, name: str) -> dict[str, object]:
    (found,) = [row for row in wallet.json("contacts", "list")["data"] if row["name"] == name]
    assert isinstance(found, dict)
    return found


def test_yes_alone_pins_nothing(wallet: Wallet) -> None:
    assert wallet.json("contacts", "pin", "bob", "--yes", exit_code=3)["error"]["exit"] == 3
    assert entry(wallet, "bob")["pinned"] is False
    pinned = wallet.run("contacts", "pin", "bob", "--compared")
    assert pinned.exit_code == 0
    assert checksum_address(BOB) in pinned.stderr
    assert entry(wallet, "bob")["pinned"] is True


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 3), ("", 3)])
def test_pin_is_asked_on_a_terminal_even_with_yes(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch, answer: str, exit_code: int
) -> None:
    monkeypatch.setattr("wallet_cli.output.has_terminal", lambda: True)
    asked = wallet.run("contacts", "pin", "bob", "--yes", stdin=answer + "\n")
    assert asked.exit_code == exit_code
    assert entry(wallet, "bob")["pinned"] is (exit_code == 0)


def test_pin_keeps_the_till_and_a_later_pin_may_change_it(wallet: Wallet) -> None:
    assert wallet.run("contacts", "pin", "bob", "--till", TILL.lower(), "--compared").exit_code == 2
    assert wallet.json("contacts", "pin", "bob", "--till", TILL, "--compared")["data"]["till"] == TILL
    assert wallet.json("contacts", "pin", "bob", "--compared")["data"]["till"] == TILL
    other = checksum_address(BOB)
    assert wallet.json("contacts", "pin", "bob", "--till", other, "--compared")["data"]["till"] == other


def test_adding_a_pinned_contact_again_keeps_its_pin(wallet: Wallet) -> None:
    assert wallet.run("contacts", "pin", "bob", "--compared").exit_code == 0
    assert wallet.json("contacts", "add", "bob", checksum_address(BOB))["data"]["pinned"] is True
    assert wallet.run("contacts", "add", "bob", TILL).exit_code == 2
    assert entry(wallet, "bob")["address"] == checksum_address(BOB)


def test_payment_screen_says_that_a_contact_is_pinned(wallet: Wallet) -> None:
    before = wallet.run("send", "bob", "1 EUR", "--dry-run").stderr
    assert "pinned" not in before
    assert wallet.run("contacts", "pin", "bob", "--compared").exit_code == 0
    assert "bob            pinned contact " in wallet.run("send", "bob", "1 EUR", "--dry-run").stderr


def test_file_of_a_wallet_that_could_not_pin_is_read_and_then_kept_anew(wallet: Wallet) -> None:
    file = wallet.home / "contacts.json"
    file.write_text(json.dumps({"schema": "sycee-contacts/1", "contacts": {"dora": TILL}}))
    assert entry(wallet, "dora") == {"name": "dora", "address": TILL, "till": None, "pinned": False}
    assert wallet.run("contacts", "pin", "dora", "--compared").exit_code == 0
    assert json.loads(file.read_text())["schema"] == "sycee-contacts/2"
    assert entry(wallet, "dora")["pinned"] is True


@pytest.mark.parametrize(
    "broken",
    [
        {"address": TILL, "till": None},
        {"address": TILL, "till": None, "pinned": "yes"},
        {"address": TILL, "till": "0x00", "pinned": True},
        {"address": TILL, "till": None, "pinned": True, "limit": 1},
        TILL,
    ],
)
def test_contact_that_is_not_understood_stops_everything(wallet: Wallet, broken: object) -> None:
    file = wallet.home / "contacts.json"
    file.write_text(json.dumps({"schema": "sycee-contacts/2", "contacts": {"dora": broken}}))
    assert wallet.run("contacts", "list").exit_code == 2
    good = {"address": TILL, "till": TILL, "pinned": True}
    file.write_text(json.dumps({"schema": "sycee-contacts/2", "contacts": {"dora": good}}))
    assert wallet.run("contacts", "list").exit_code == 0


def test_removed_contact_is_unknown(wallet: Wallet) -> None:
    assert wallet.run("contacts", "rm", "bob").exit_code == 3
    assert wallet.run("contacts", "rm", "bob", "--yes").exit_code == 0
    assert wallet.json("contacts", "rm", "bob", "--yes", exit_code=2)["error"]["code"] == "CONTACT_UNKNOWN"

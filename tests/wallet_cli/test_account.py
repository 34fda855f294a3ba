"""`sycee account` shows proven balances, and what a node says beside them as what it is."""

from typing import Any

from tests.wallet_cli.chain import EUR
from tests.wallet_cli.conftest import Wallet

EURO = {"address": "0x" + EUR.hex(), "code": "EUR", "decimals": 2}
LIMITS = {
    "enabled": True,
    "tier": 1,
    "perTransferMax": "5000",
    "balanceMax": None,
    "dailyOutMax": "7000",
    "outToday": "1000",
    "outLeft": "6000",
    "dailyInMax": None,
    "inToday": "0",
    "inLeft": None,
}
REGISTRATION = {
    "bank": {"id": 1, "address": "0x" + "11" * 20, "name": "Bank One", "bic": "BANKSGSG"},
    "tier": 1,
    "status": "suspended_by_sponsor",
    "permissions": ["send"],
    "registeredAt": 1,
}


def registered(params: list[Any], honest: Any) -> Any:
    return {**honest(), "registration": REGISTRATION, "balances": [{"currency": EURO, "limits": LIMITS}]}


def test_account_shows_money_bank_limits_and_what_is_open(wallet: Wallet) -> None:
    assert wallet.run("hold", "create", "bob", "10 EUR", "--yes").exit_code == 0
    assert wallet.run("redemption", "request", "5 EUR", "--yes").exit_code == 0
    wallet.node.lies["sycee_getAccount"] = registered
    shown = {line[:19].strip(): line[19:].strip() for line in wallet.run("account").stdout.splitlines()}
    assert shown["available"] == "85.00 EUR"
    assert shown["bank"] == "Bank One (BANKSGSG)"
    assert shown["status"] == "suspended by sponsor, tier 1, may send"
    assert shown["to pay today"] == "60.00 EUR"
    assert shown["open holds"] == "1 as payer   sycee hold list"
    assert shown["open redemptions"] == "1   sycee redemption list"


def test_record_of_an_account_has_the_same(wallet: Wallet) -> None:
    wallet.node.lies["sycee_getAccount"] = registered
    answer = wallet.json("account")
    data = answer["data"]
    assert (data["bank"], data["tier"], data["status"]) == ("Bank One (BANKSGSG)", 1, "suspended_by_sponsor")
    assert data["limits"][0]["out_left"] == {"amount": "60.00", "units": "6000", "currency": "EUR"}
    assert data["limits"][0]["in_left"] is None
    assert (data["open_holds"], data["open_redemptions"]) == (0, 0)
    assert answer["proof"]["level"] == "verified"


def test_account_without_a_bank_says_so(wallet: Wallet) -> None:
    assert "none: no bank registered it" in wallet.run("account", "bob").stdout


def test_node_that_hides_holds_is_given_away_by_the_proven_amounts(wallet: Wallet) -> None:
    assert wallet.run("hold", "create", "bob", "10 EUR", "--yes").exit_code == 0
    assert "does not name" not in wallet.run("account").stdout
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {**honest(), "holds": [], "nextCursor": None}
    assert "money is set aside in holds that this node does not name" in wallet.run("account").stdout


def test_node_without_the_index_is_not_taken_for_one_that_knows_of_none(wallet: Wallet) -> None:
    wallet.node.lies["sycee_getAccount"] = lambda params, honest: {**honest(), "holds": None, "redemptions": None}
    assert "unknown: the node keeps no index of addresses" in wallet.run("account").stdout
    assert wallet.json("account")["data"]["open_holds"] is None

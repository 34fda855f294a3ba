"""Offline payments between real wallets while every validator is stopped. Source: offline.md §16."""

from pathlib import Path

import pytest

from tests.e2e.cluster import running_devnet
from tests.e2e.offline.people import Person, exchange, make_person

pytestmark = pytest.mark.e2e

RPC_PORT = 11_850
SECONDS_MAX = 5.0
"""What the design allows one exchange of machine time; a machine that is five times slower fails it."""


def units(person: Person, of: str) -> int:
    (position,) = person.type("balance", of, "--currency", "EUR")["data"]
    return int(position["total"]["units"] if isinstance(position["total"], dict) else position["total"])


@pytest.mark.parametrize("via", ["png", "file"])
def test_s1_three_payments_with_all_nodes_stopped_settle_once(tmp_path: Path, via: str) -> None:
    devnet = tmp_path / "devnet"
    with running_devnet(devnet, RPC_PORT):
        alice, bob = make_person(devnet, "alice"), make_person(devnet, "bob")
        bob.type("offline", "sync")
        bob.type("offline", "card", "--name", "Bakery", "--out", "card.sycee")
        alice.type("offline", "lock", "bob", "50.00 EUR", "--card", "card.sycee")
        before = units(bob, "bob")
    for number, amount in enumerate(("12.34 EUR", "5.00 EUR", "0.01 EUR")):
        assert exchange(alice, bob, amount, via=via, stem=str(number)) < 4 * SECONDS_MAX
    assert alice.type("balance", exit_code=6)["error"]["code"] == "NETWORK_UNREACHABLE"
    with running_devnet(devnet, RPC_PORT):
        (redeemed,) = bob.type("redeem")["data"]
        assert (redeemed["outcome"], redeemed["paid"]) == ("paid", ["17.35 EUR"])
        assert bob.type("redeem")["data"] == []
        assert units(bob, "bob") - before == 17_35
        assert alice.type("offline", "sync")["data"]["locks"] == 1
        proven = bob.type("tx", "show", redeemed["hash"])
        assert proven["data"]["status"] == "final"
    paid = [entry["amount"] for entry in alice.type("offline", "list")["data"] if entry["kind"] == "paid"]
    accepted = [entry for entry in bob.type("offline", "list")["data"] if entry["kind"] == "accepted"]
    assert paid == [entry["amount"] for entry in accepted] == ["12.34 EUR", "5.00 EUR", "0.01 EUR"]
    assert {entry["state"] for entry in accepted} == {"redeemed"}


def test_s4_cloned_purse_pays_everybody_and_is_convicted(tmp_path: Path) -> None:
    devnet = tmp_path / "devnet"
    with running_devnet(devnet, RPC_PORT):
        alice, bob, carol = (make_person(devnet, name) for name in ("alice", "bob", "carol"))
        made = alice.type("offline", "class", "create", "bob", "carol")["data"]["class"]
        for payee in (bob, carol):
            assert payee.type("offline", "sync")["data"]["classes"] == 1
            payee.type("offline", "card", "--out", f"{payee.name}.sycee")
        words = ("offline", "purse", "open", "30.00 EUR", "--class", made, "--per-payee", "20.00 EUR")
        assert alice.type(*words)["data"]["collateral"] == "10.00 EUR"
        before = [units(payee, payee.name) for payee in (bob, carol)]
    clone = alice.copy("home-clone")
    exchange(alice, bob, "20.00 EUR", via="png", stem="honest")
    exchange(clone, carol, "20.00 EUR", via="png", stem="again")
    shown = bob.type("offline", "import", "again-paid", "--shown-to", "carol", is_offline=True, exit_code=11)
    assert shown["error"]["code"] == "DOUBLE_SPEND"
    with running_devnet(devnet, RPC_PORT):
        for payee in (carol, bob):
            assert payee.type("redeem")["data"][0]["outcome"] == "paid"
        assert [units(payee, payee.name) for payee in (bob, carol)] == [money + 20_00 for money in before]
        assert carol.type("offline", "sync")["data"]["double_spends"] == 1
        bob.type("offline", "fraud", "report")
        refused = alice.type(*words, exit_code=8)
        assert "AccountBlacklisted" in refused["error"]["message"]
        assert bob.type("offline", "sync")["data"]["revoked"] == 2


def test_s2_payer_whose_device_is_lost_has_paid_and_gets_the_rest(tmp_path: Path) -> None:
    devnet = tmp_path / "devnet"
    with running_devnet(devnet, RPC_PORT):
        alice, bob = make_person(devnet, "alice"), make_person(devnet, "bob")
        bob.type("offline", "sync")
        bob.type("offline", "card", "--out", "card.sycee")
        lock = alice.type("offline", "lock", "bob", "50.00 EUR", "--card", "card.sycee")["data"]["lock"]
        exchange(alice, bob, "7.00 EUR", via="file", stem="only")
        anew = make_person(devnet.parent / "devnet", "carol")
        # Alice's keys on another device: nothing of her offline store is left.
        alice_anew = Person("alice", anew.home, anew.table)
        early = alice_anew.type("offline", "refund", lock, exit_code=8)
        assert "NotYetRefundable" in early["error"]["message"]
        assert bob.type("redeem")["data"][0]["paid"] == ["7.00 EUR"]
        assert alice_anew.type("offline", "sync")["data"]["locks"] == 1

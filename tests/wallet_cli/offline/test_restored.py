"""Old copies of a home come back: nothing is lost, doubled or stranded beyond what the design says. Source: R8, §13."""

import shutil
from pathlib import Path

from tests.wallet_cli.chain import BOB
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.offline.people import People


def keep_copy(wallet: Wallet) -> Path:
    """Copy what a backup holds of a network's folder: no guard."""
    kept = wallet.folder / "kept"
    shutil.copytree(wallet.home / "devnet", kept)
    return kept


def bring_back(wallet: Wallet, kept: Path) -> None:
    """Put the old folder back; the guard of the state folder is what it was."""
    shutil.rmtree(wallet.home / "devnet")
    shutil.copytree(kept, wallet.home / "devnet")


def test_payer_with_an_old_copy_is_healed_and_pays_what_was_approved(people: People) -> None:
    people.lock()
    kept = keep_copy(people.alice)
    people.exchange("3.00 EUR", stem="one")
    people.exchange("4.00 EUR", stem="two")
    bring_back(people.alice, kept)
    assert people.alice.json("offline", "list", exit_code=14)["error"]["code"] == "RESTORED_HOME"
    people.bob.run("offline", "invoice", "5.00 EUR", "--out", "i.sycee")
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee", "--yes").exit_code == 0
    healed = people.bob.json("offline", "receive", "p.sycee", "--out", "heal.sycee")["data"]
    assert (healed["accepted"], healed["best"]) == (False, "700")
    assert people.alice.run("offline", "answer", "heal.sycee", "--out", "p2.sycee", "--yes").exit_code == 0
    assert people.bob.json("offline", "receive", "p2.sycee", "--out", "r.sycee")["data"]["accepted"] is True
    assert people.bob.run("redeem", "--yes").exit_code == 0
    assert people.balance(BOB) == 12_00


def test_purse_of_an_old_copy_spends_nothing(people: People) -> None:
    people.open_purse()
    kept = keep_copy(people.alice)
    people.exchange("5.00 EUR", stem="one")
    bring_back(people.alice, kept)
    assert people.alice.run("offline", "list").exit_code == 14
    people.bob.run("offline", "invoice", "5.00 EUR", "--out", "i.sycee")
    refused = people.alice.json("pay", "i.sycee", "--out", "p.sycee", "--yes", exit_code=14)
    assert "frozen" in refused["error"]["message"]
    assert not Path("p.sycee").exists()
    assert people.alice.json("offline", "purse", "list")["data"][0]["frozen"] is True


def test_till_of_an_old_copy_only_redeems_from_the_locks_it_had(people: People) -> None:
    people.lock()
    people.exchange("3.00 EUR", stem="one")
    kept = keep_copy(people.bob)
    people.exchange("4.00 EUR", stem="two")
    bring_back(people.bob, kept)
    assert people.bob.run("offline", "list").exit_code == 14
    people.bob.run("offline", "invoice", "1.00 EUR", "--out", "i.sycee")
    assert people.alice.run("pay", "i.sycee", "--out", "p.sycee", "--yes").exit_code == 0
    assert people.bob.json("offline", "receive", "p.sycee", exit_code=10)["error"]["code"] == "REDEEM_ONLY"
    # The payer still has every voucher it signed: the forgotten one is redeemed from there, by anybody.
    assert people.bob.json("redeem", "--yes")["data"][0]["paid"] == ["3.00 EUR"]
    assert people.balance(BOB) == 3_00

"""The doctor finds what is wrong with a wallet, and says what to type."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consensus.light.trust import TRUST_PERIOD_MS
from tests.wallet_cli.chain import Chain
from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.offline.builders import CLAIM_UNTIL_S, NOW_S
from tests.wallet_cli.offline.desks import ask, make_alice, make_bob
from tests.wallet_cli.twin import Hangup, Node
from wallet_cli.home import open_home
from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.offline.payer_desk import pay_invoice
from wallet_cli.offline.till_desk import receive_payment


def states(wallet: Wallet) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in wallet.json("doctor")["data"]:
        found.setdefault(row["check"], []).append(row["state"])
    return found


def red(wallet: Wallet, exit_code: int) -> str:
    """Return what is wrong, having looked that it says what to do."""
    error = wallet.json("doctor", exit_code=exit_code)["error"]
    assert error["code"] == "DOCTOR_RED"
    assert error["next"]
    return str(error["message"])


def offline_store(wallet: Wallet) -> OfflineDatabase:
    home = open_home(str(wallet.home), {})
    return OfflineDatabase(home.network_data("devnet"), home.offline_guard("devnet"), random=os.urandom)


def test_sound_wallet_has_nothing_red(wallet: Wallet) -> None:
    assert wallet.run("balance").exit_code == 0
    found = states(wallet)
    assert found.pop("keys") == ["ok", "look"]
    assert found.pop("endpoints") == ["look"]
    found.pop("QR codes")
    assert all(state == ["ok"] or set(state) == {"ok"} for state in found.values()), found
    assert set(found) == {
        "settings", "network", "contacts", "disk", "database", "trust", "endpoint", "clock", "payments", "offline",
    }  # fmt: skip


def test_doctor_changes_nothing(wallet: Wallet) -> None:
    assert wallet.run("doctor").exit_code == 0
    before = wallet.files()
    assert wallet.run("doctor").exit_code == 0
    assert wallet.files() == before


def expose_key(wallet: Wallet) -> None:
    (wallet.home / "keys/alice.json").chmod(0o644)


def break_contacts(wallet: Wallet) -> None:
    (wallet.home / "contacts.json").write_text("{")


def lose_password_file(wallet: Wallet) -> None:
    wallet.password_file.unlink()


def break_database(wallet: Wallet) -> None:
    path = wallet.home / "devnet/wallet.db"
    sqlite3.connect(path).close()
    path.write_bytes(b"SQLite format 3\0" + b"x" * 8_000)


def silence(wallet: Wallet) -> None:
    def hang_up(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Hangup

    wallet.node.lies["sycee_getCertificate"] = hang_up


def set_clock_back(wallet: Wallet) -> None:
    wallet.now_ms -= 60_000


def age_trust(wallet: Wallet) -> None:
    assert wallet.run("balance").exit_code == 0
    wallet.now_ms += TRUST_PERIOD_MS + 60_000


def copy_store(wallet: Wallet) -> None:
    store = offline_store(wallet)
    with store.transaction() as connection:
        connection.execute("INSERT INTO classes VALUES (?, 2)", (b"class",))
    store.close()
    (wallet.home / "state/devnet/offline-guard.json").unlink()


@pytest.mark.parametrize(
    ("harm", "exit_code", "word"),
    [
        (expose_key, 10, "keys:"),
        (break_contacts, 2, "keys:"),
        (lose_password_file, 2, "keys:"),
        (break_database, 2, "database:"),
        (silence, 6, "endpoints:"),
        (set_clock_back, 10, "clock:"),
        (age_trust, 10, "trust:"),
        (copy_store, 14, "offline:"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_harm_is_red_and_named(wallet: Wallet, harm: Callable[[Wallet], None], exit_code: int, word: str) -> None:
    assert wallet.run("doctor").exit_code == 0
    harm(wallet)
    assert word in red(wallet, exit_code)


def test_home_without_a_network_is_told_to_get_one(wallet: Wallet, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    error = wallet.json("doctor", "--home", str(tmp_path / "empty"), exit_code=2)["error"]
    assert "sycee init" in error["next"]


def test_full_disk_is_red(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wallet_cli.commands.doctor.os.fsync", full)
    assert "disk:" in red(wallet, 13)


def test_endpoint_that_proves_nothing_old_is_looked_at(wallet: Wallet) -> None:
    other = Node(Chain())
    try:
        assert wallet.init(wallet.node.url, other.url).exit_code == 0
        assert states(wallet)["endpoint"] == ["ok", "ok"]
        silence(wallet)
        found = wallet.json("doctor", "--rpc", wallet.node.url, "--rpc", other.url)["data"]
        assert [row["state"] for row in found if row["check"] == "endpoint"] == ["look", "ok"]
    finally:
        other.close()


def test_unfinished_payment_is_looked_at(wallet: Wallet) -> None:
    def swallow(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Hangup

    wallet.node.lies["eth_sendRawTransactionSync"] = swallow
    assert wallet.run("send", "bob", "1 EUR", "--yes", "--timeout", "1").exit_code == 9
    assert states(wallet)["payments"] == ["look"]


@pytest.mark.parametrize(("hours_left", "is_red"), [(71, True), (73, False)])
def test_payment_that_must_be_redeemed_soon_is_red(
    wallet: Wallet, tmp_path: Path, hours_left: int, is_red: bool
) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    with bob.at_desk() as till, alice.at_desk() as desk:
        shown = pay_invoice(desk, ask(till, 1), now_s=NOW_S)
        assert isinstance(shown, bytes)
        receive_payment(till, shown, device_s=NOW_S)
    assert wallet.run("doctor").exit_code == 0
    (wallet.home / "state/devnet").mkdir(parents=True)
    shutil.copy(bob.folder / "data/offline.db", wallet.home / "devnet/offline.db")
    shutil.copy(bob.folder / "state/guard.json", wallet.home / "state/devnet/offline-guard.json")
    wallet.now_ms = 1_000 * (CLAIM_UNTIL_S - 3_600 * hours_left)
    result = wallet.run("doctor")
    (line,) = [line for line in result.output.splitlines() if "to be redeemed by" in line and "error" not in line]
    assert line.startswith("WRONG" if is_red else "look")

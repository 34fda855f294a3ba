"""Every exit code that scripts rely on is reached by somebody's ordinary bad day."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.wallet_cli.conftest import Wallet
from tests.wallet_cli.offline.people import People, clone_of
from tests.wallet_cli.test_backup import make_backups_cheap
from tests.wallet_cli.twin import Hangup, Refusal
from wallet_cli.errors import Exit
from wallet_cli.home import open_home
from wallet_cli.offline.database import OfflineDatabase

PAY = ("send", "bob", "1 EUR", "--yes")
DAYS: dict[Exit, Callable[[Wallet, pytest.MonkeyPatch], tuple[str, ...]]] = {}
"""Exit code -> what goes wrong; returns the command that then ends with it."""


def day(exit_code: Exit) -> Callable[[Callable[..., tuple[str, ...]]], Callable[..., tuple[str, ...]]]:
    def remember(prepare: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
        assert exit_code not in DAYS
        DAYS[exit_code] = prepare
        return prepare

    return remember


def test_there_is_a_day_for_every_code() -> None:
    assert set(DAYS) == set(Exit)


@pytest.mark.parametrize("exit_code", sorted(Exit), ids=lambda code: f"exit {code.value}")
def test_code_is_reached_and_said(wallet: Wallet, monkeypatch: pytest.MonkeyPatch, exit_code: Exit) -> None:
    words = DAYS[exit_code](wallet, monkeypatch)
    try:
        answer = wallet.json(*words, exit_code=int(exit_code))
    finally:
        while HELD:
            HELD.pop().close()
    if exit_code is not Exit.DONE:
        error = answer["error"]
        assert error["exit"] == exit_code
        assert error["code"].isupper()
        assert error["message"] and error["next"]


@day(Exit.DONE)
def nothing_wrong(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return PAY


@day(Exit.INTERNAL)
def bug(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    def fail(path: object) -> None:
        raise AssertionError

    monkeypatch.setattr("wallet_cli.session.load_contacts", fail)
    return ("contacts", "list")


@day(Exit.USAGE)
def two_digits_too_many(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return ("send", "bob", "1.0000 EUR", "--yes")


@day(Exit.DECLINED)
def nobody_to_ask(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return ("send", "bob", "1 EUR")


@day(Exit.PASSWORD)
def other_password(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    wallet.password_file.write_text("another\n")
    return PAY


@day(Exit.FUNDS)
def too_little(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    return ("send", "bob", "1000000 EUR", "--yes")


@day(Exit.NETWORK)
def node_gone(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    wallet.node.close()
    return PAY


@day(Exit.PROOF)
def node_lies(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    def forge(params: list[Any], honest: Callable[[], Any]) -> Any:
        answer = honest()
        answer["accountProof"][-1] = "0xc0"
        return answer

    wallet.node.lies["eth_getProof"] = forge
    return ("balance",)


@day(Exit.REFUSED)
def node_refuses(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    def refuse(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Refusal(-32003, "quota", {"reason": "quota_exceeded"})

    wallet.node.lies["eth_sendRawTransactionSync"] = refuse
    return PAY


@day(Exit.UNKNOWN)
def answer_lost(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    def hang_up(params: list[Any], honest: Callable[[], Any]) -> Any:
        raise Hangup

    wallet.node.lies["eth_sendRawTransactionSync"] = hang_up
    return (*PAY, "--timeout", "1")


@day(Exit.POLICY)
def key_for_everybody(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    (wallet.home / "keys/alice.json").chmod(0o644)
    return PAY


@day(Exit.LOCKED)
def another_process(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    # Held until the test ends, as another process would.
    HELD.append(offline_store(wallet))
    return backup(wallet, monkeypatch)


@day(Exit.DEVICE)
def damaged_store(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    offline_store(wallet).close()
    (wallet.home / "devnet/offline.db").write_bytes(b"SQLite format 3\0" + b"x" * 8_000)
    return backup(wallet, monkeypatch)


@day(Exit.RESTORED)
def copied_home(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    store = offline_store(wallet)
    with store.transaction():
        """One commit: an empty store has nothing to freeze."""
    store.close()
    (wallet.home / "state/devnet/offline-guard.json").unlink()
    return backup(wallet, monkeypatch)


HELD: list[OfflineDatabase] = []
"""Stores kept open during one test."""


def offline_store(wallet: Wallet) -> OfflineDatabase:
    home = open_home(str(wallet.home), {})
    return OfflineDatabase(home.network_data("devnet"), home.offline_guard("devnet"), random=os.urandom)


def backup(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    make_backups_cheap(monkeypatch)
    return ("backup", "create", str(wallet.folder / "x.backup"), "--password-file", str(wallet.password_file))


@day(Exit.DOUBLE_SPEND)
def purse_of_a_copied_wallet(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.chdir(wallet.folder)
    (wallet.folder / "bobs").mkdir()
    people = People(wallet, wallet.folder)
    people.open_purse()
    clone = clone_of(wallet, "clone")
    assert people.alice.run("offline", "sync", "--yes").exit_code == 0
    people.alice.run("offline", "invoice", "2.00 EUR", "--out", "mine.sycee")
    clone.run("pay", "mine.sycee", "--out", "paid.sycee", "--yes")
    assert people.alice.run("offline", "receive", "paid.sycee", "--out", "receipt.sycee").exit_code == 0
    people.bob.run("offline", "invoice", "3.00 EUR", "--out", "theirs.sycee")
    people.alice.run("pay", "theirs.sycee", "--out", "shown.sycee", "--yes")
    return ("offline", "import", "shown.sycee", "--shown-to", "bob")

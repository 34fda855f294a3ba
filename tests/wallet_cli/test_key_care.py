"""Keys are renamed, locked anew and removed without being lost by mistake."""

import json
from pathlib import Path

import pytest
from eth_account import Account as EthAccount

from tests.wallet_cli.chain import ALICE_KEY
from tests.wallet_cli.conftest import PASSWORD, Wallet


@pytest.fixture
def new_password(tmp_path: Path) -> Path:
    path = tmp_path / "new.txt"
    path.write_text("another\n")
    path.chmod(0o600)
    return path


def test_renamed_account_keeps_its_key(wallet: Wallet) -> None:
    before = (wallet.home / "keys" / "alice.json").read_bytes()
    assert wallet.json("keys", "rename", "alice", "anna", exit_code=2)["error"]["code"] == "ACCOUNT_IN_USE"
    assert wallet.run("config", "set", "account", "").exit_code == 0
    assert wallet.json("keys", "rename", "alice", "bob", exit_code=2)["error"]["code"] == "ACCOUNT_EXISTS"
    assert wallet.run("keys", "rename", "alice", "anna").exit_code == 0
    assert (wallet.home / "keys" / "anna.json").read_bytes() == before
    assert not (wallet.home / "keys" / "alice.json").exists()


def test_key_opens_with_the_new_password_only(wallet: Wallet, new_password: Path) -> None:
    assert wallet.run("keys", "passwd", "alice", "--new-password-file", str(new_password)).exit_code == 0
    content = json.loads((wallet.home / "keys" / "alice.json").read_text())
    assert bytes(EthAccount.decrypt(content, "another")) == ALICE_KEY
    with pytest.raises(ValueError):
        EthAccount.decrypt(content, PASSWORD)
    assert wallet.run("sign", "x", "--yes").exit_code == 4
    assert wallet.run("sign", "x", "--yes", "--password-file", str(new_password)).exit_code == 0


def test_wrong_password_changes_nothing(wallet: Wallet, new_password: Path) -> None:
    before = wallet.files()
    words = ("keys", "passwd", "alice", "--new-password-file", str(new_password), "--password-file", str(new_password))
    assert wallet.run(*words).exit_code == 4
    assert wallet.files() == before


def test_key_is_not_removed_without_its_name_typed(wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wallet.run("keys", "rm", "bob", "--yes").exit_code == 3
    monkeypatch.setattr("wallet_cli.commands.key_care.has_terminal", lambda: True)
    assert wallet.run("keys", "rm", "bob", stdin="alice\n").exit_code == 3
    assert (wallet.home / "keys" / "bob.json").exists()
    assert wallet.run("keys", "rm", "bob", stdin="bob\n").exit_code == 0
    assert not (wallet.home / "keys" / "bob.json").exists()


def test_private_key_is_shown_on_a_terminal_only_and_after_its_name(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = wallet.run("keys", "export", "alice", "--yes")
    assert (refused.exit_code, ALICE_KEY.hex() in refused.output) == (3, False)
    monkeypatch.setattr("wallet_cli.commands.key_care.has_terminal", lambda: True)
    other = wallet.run("keys", "export", "alice", stdin="bob\n")
    assert (other.exit_code, ALICE_KEY.hex() in other.output) == (3, False)
    shown = wallet.run("keys", "export", "alice", "--json", stdin="alice\n\n")
    assert shown.exit_code == 0
    assert ALICE_KEY.hex() in shown.stderr.split("\x1b[?1049h")[1].split("\x1b[?1049l")[0]
    assert ALICE_KEY.hex() not in shown.stdout
    assert ALICE_KEY.hex() not in shown.stderr.split("\x1b[?1049l")[1]


def test_wrong_password_shows_no_key(wallet: Wallet, new_password: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet_cli.commands.key_care.has_terminal", lambda: True)
    words = ("keys", "export", "alice", "--password-file", str(new_password))
    refused = wallet.run(*words, stdin="alice\n\n")
    assert (refused.exit_code, ALICE_KEY.hex() in refused.output) == (4, False)

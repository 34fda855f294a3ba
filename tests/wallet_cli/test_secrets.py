"""What is secret stands in no output, no log, no file in the clear, and can be given in no argument."""

import json
import os
from pathlib import Path

import click
import pytest

from consensus.primitives.hashing import keccak256
from tests.wallet_cli.chain import ALICE_KEY
from tests.wallet_cli.conftest import PASSWORD, Wallet
from tests.wallet_cli.test_backup import make_backups_cheap
from tests.wallet_cli.test_help import commands
from wallet_cli.__main__ import cli

DORA_KEY = keccak256(b"planted")
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSPHRASE = "planted passphrase"
BACKUP_PASSWORD = "planted password of a backup"
NEW_PASSWORD = "planted new password"

PLANTED = {
    "password": PASSWORD,
    "key of alice": ALICE_KEY.hex(),
    "key of dora": DORA_KEY.hex(),
    "words": "sausage worth useful",
    "passphrase": PASSPHRASE,
    "password of the backup": BACKUP_PASSWORD,
    "new password": NEW_PASSWORD,
}


def found_in(text: bytes) -> list[str]:
    lower = text.lower()
    return [name for name, secret in PLANTED.items() if secret.lower().encode() in lower]


@pytest.fixture
def file(tmp_path: Path) -> dict[str, str]:
    """Return files that hold a password each."""
    made = {}
    for name, secret in (("passphrase", PASSPHRASE), ("backup", BACKUP_PASSWORD), ("new", NEW_PASSWORD)):
        path = tmp_path / name
        path.write_text(secret + "\n")
        path.chmod(0o600)
        made[name] = str(path)
    return made


@pytest.mark.parametrize("manner", ["--json", "-v"])
def test_no_command_says_or_writes_a_secret(
    wallet: Wallet, file: dict[str, str], manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backups_cheap(monkeypatch)
    backup = str(wallet.folder / "wallet.backup")
    descriptor = os.open(file["passphrase"], os.O_RDONLY)
    given = ("--passphrase-fd", str(descriptor))
    runs: list[tuple[tuple[str, ...], str | None, int]] = [
        (("keys", "import", "dora", "--stdin", "--light-kdf"), DORA_KEY.hex(), 0),
        (("keys", "import", "emma", "--stdin", "--light-kdf", *given), WORDS, 0),
        (("keys", "import", "fred", "--stdin", "--light-kdf"), WORDS + " zoo", 2),
        (("keys", "import", "fred", "--stdin", "--light-kdf"), DORA_KEY.hex()[:-2], 2),
        (("keys", "passwd", "dora", "--new-password-file", file["new"]), None, 0),
        (("keys", "export", "alice"), None, 3),
        (("keys", "show", "alice"), None, 0),
        (("sign", "a text", "--yes"), None, 0),
        (("sign", "a text", "--yes", "--from", "dora"), None, 4),
        (("send", "bob", "1 EUR", "--yes"), None, 0),
        (("send", "bob", "1000000 EUR", "--yes"), None, 5),
        (("backup", "create", backup, "--password-file", file["backup"]), None, 0),
        (("backup", "verify", backup, "--password-file", file["backup"]), None, 0),
        (("backup", "verify", backup, "--password-file", file["new"]), None, 4),
        (("doctor",), None, 0),
        (("describe",), None, 0),
    ]
    try:
        for words, stdin, exit_code in runs:
            result = wallet.run(*words, manner, stdin=stdin)
            assert result.exit_code == exit_code, (words, result.output)
            said = (result.stdout + result.stderr).encode()
            assert found_in(said) == [], words
    finally:
        os.close(descriptor)
    for path, content in (*wallet.files().items(), (Path(backup), Path(backup).read_bytes())):
        assert found_in(content) == [], path


def test_internal_error_with_a_key_in_hand_does_not_write_it_down(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(private_key: bytes, text: str) -> bytes:
        raise RuntimeError(f"{private_key.hex()} {PASSWORD}")

    monkeypatch.setattr("wallet_cli.signing.sign_text", fail)
    result = wallet.run("sign", "a text", "--yes", "-v")
    assert result.exit_code == 1
    assert found_in(result.output.encode()) == []
    log = (wallet.home / "wallet.log").read_bytes()
    assert b"RuntimeError" in log
    assert found_in(log) == []


def test_scan_would_find_what_is_planted(wallet: Wallet) -> None:
    assert found_in(json.dumps({"key": "0x" + ALICE_KEY.hex().upper()}).encode()) == ["key of alice"]
    assert found_in(f"error: {PASSWORD}".encode()) == ["password"]


SECRET_WORDS = ("password", "passphrase", "mnemonic", "secret", "private")


def test_no_option_takes_a_secret_itself_and_no_variable_of_the_environment() -> None:
    options = [
        (name, parameter)
        for name, command in commands(cli)
        for parameter in command.params
        if parameter.name and any(word in parameter.name for word in SECRET_WORDS)
    ]
    assert len(options) > 5
    for name, option in options:
        is_indirect = isinstance(option, click.Option) and (
            option.is_flag or str(option.name).endswith(("_fd", "_file"))
        )
        assert is_indirect, f"{name} {option.opts}"
    group = [parameter for parameter in cli.params if any(word in str(parameter.name) for word in SECRET_WORDS)]
    assert group
    assert all(parameter.envvar is None for _, parameter in options)
    assert all(parameter.envvar is None for parameter in group)

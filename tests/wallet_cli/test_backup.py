"""A backup is everything and nothing more; a restore is a wallet that cannot spend twice what it forgot."""

import hashlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wallet_cli.conftest import PASSWORD, Wallet
from wallet_cli import backup_contents
from wallet_cli.backup import Backup, BackupEntry, open_backup, seal_backup
from wallet_cli.backup_contents import place_contents, read_contents, validate_contents, validate_empty
from wallet_cli.errors import PasswordWrong, ProofInvalid, UsageRefused
from wallet_cli.files import write_private
from wallet_cli.home import Home, open_home
from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.sqlite_copies import copy_database_file

AMOUNT = bytes(12)
PLANTED = b"planted secret that no backup may hold"


def make_backups_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the key derivation of backups take no second: the least that libsodium takes."""
    monkeypatch.setattr("wallet_cli.backup.KDF_OPERATIONS", 1)
    monkeypatch.setattr("wallet_cli.backup.KDF_MEMORY_BYTES", 8_192)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_backups_cheap(monkeypatch)


@pytest.fixture
def used(wallet: Wallet) -> Wallet:
    """Return a wallet that has paid, and has a lock, a purse and a till's lock offline."""
    assert wallet.run("send", "bob", "1 EUR", "--yes").exit_code == 0
    home = open_home(str(wallet.home), {})
    database = OfflineDatabase(home.network_data("devnet"), home.offline_guard("devnet"), random=os.urandom)
    with database.transaction() as connection:
        connection.execute("INSERT INTO locks VALUES (?, ?, ?, ?, ?, 0)", (b"lock", b"", AMOUNT, AMOUNT, AMOUNT))
        connection.execute("INSERT INTO purses VALUES (?, ?, ?, ?, 0, 0)", (b"purse", b"", b"", AMOUNT))
        connection.execute("INSERT INTO till_locks VALUES (?, ?, ?, NULL, NULL, 0)", (b"till", b"", AMOUNT))
    database.close()
    for folder in ("devnet/vault", "devnet/cards", "devnet/swaps", "state/devnet", "vault", "devnet.before-7"):
        (wallet.home / folder).mkdir(parents=True, exist_ok=True)
    for place in (
        "devnet/vault/purse-00.json",
        "vault/contracts.json",
        "devnet.before-7/contracts.json",
        "password",
        "wallet.log",
        "state/x.json",
    ):
        (wallet.home / place).write_bytes(PLANTED)
    (wallet.home / "devnet/cards/bob.sycee").write_bytes(b"card")
    (wallet.home / "devnet/swaps/ab.txt").write_bytes(b"secret of a swap")
    (wallet.home / "policy.toml").write_bytes(b"")
    return wallet


def sealed(wallet: Wallet) -> Path:
    file = wallet.folder / "wallet.backup"
    made = wallet.run("backup", "create", str(file), "--password-file", str(wallet.password_file))
    assert made.exit_code == 0, made.output
    return file


def restore(wallet: Wallet, file: Path, folder: str = "restored", *words: str) -> tuple[int, Path]:
    home = wallet.folder / folder
    given = ("--home", str(home), "--password-file", str(wallet.password_file), "--yes", *words)
    return wallet.run("backup", "restore", str(file), *given).exit_code, home


def test_backup_holds_exactly_what_it_should(used: Wallet) -> None:
    content = sealed(used).read_bytes()
    found = open_backup(content, PASSWORD)
    assert [entry.path for entry in found.entries] == [
        "config/config.toml", "config/networks/devnet.toml", "config/policy.toml", "data/contacts.json",
        "data/devnet/cards/bob.sycee", "data/devnet/offline.db", "data/devnet/swaps/ab.txt", "data/devnet/trust.db",
        "data/devnet/wallet.db", "data/keys/alice.json", "data/keys/bob.json",
    ]  # fmt: skip
    assert not any(PLANTED in entry.content or PASSWORD.encode() in entry.content for entry in found.entries)
    assert not any(word in content for word in (b"alice", b"devnet", b"sycee-keystore", b"SQLite"))


def test_restored_wallet_pays_where_the_old_one_stopped(used: Wallet) -> None:
    exit_code, home = restore(used, sealed(used))
    assert exit_code == 0
    for place in ("keys/alice.json", "contacts.json", "networks/devnet.toml", "devnet/cards/bob.sycee"):
        assert (home / place).read_bytes() == (used.home / place).read_bytes()
        assert (home / place).stat().st_mode & 0o777 == 0o600
    used.home = home
    assert used.json("send", "bob", "2 EUR", "--yes")["data"]["nonce"] == 1
    assert len(used.json("tx", "history")["data"]) == 2


def test_restored_store_freezes_purses_and_tills_and_says_so_once(used: Wallet) -> None:
    file = sealed(used)
    home = used.folder / "restored"
    answer = used.json(
        "backup", "restore", str(file), "--home", str(home), "--yes", "--password-file", str(used.password_file)
    )
    assert answer["data"]["offline"] == [
        {"network": "devnet", "restored": True, "payingLocks": 1, "redeemOnly": 1, "frozenPurses": 1, "unredeemed": 0}
    ]
    folders = open_home(str(home), {})
    store = OfflineDatabase(folders.network_data("devnet"), folders.offline_guard("devnet"), random=os.urandom)
    assert store.read("SELECT is_frozen FROM purses", (), (int,)) == [(1,)]
    store.close()
    assert not (home / "devnet" / "vault").exists()


def test_restore_beside_the_guard_of_the_same_store_is_a_restore_too(used: Wallet) -> None:
    file = sealed(used)
    guard = (used.home / "state/devnet/offline-guard.json").read_bytes()
    home = used.folder / "again"
    (home / "state/devnet").mkdir(parents=True)
    (home / "state/devnet/offline-guard.json").write_bytes(guard)
    exit_code, home = restore(used, file, "again")
    assert exit_code == 0
    assert (home / "state/devnet/offline-guard.json").read_bytes() != guard


def test_restore_into_a_home_in_use_changes_nothing(used: Wallet) -> None:
    file = sealed(used)
    before = used.files()
    given = ("--password-file", str(used.password_file), "--yes")
    assert used.json("backup", "restore", str(file), *given, exit_code=2)["error"]["code"] == "HOME_NOT_EMPTY"
    assert used.files() == before


def test_wrong_password_and_damage_are_told_apart(used: Wallet) -> None:
    content = sealed(used).read_bytes()
    with pytest.raises(PasswordWrong):
        open_backup(content, "another")
    for place in (16, 31, 40, len(content) // 2, len(content) - 1):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ProofInvalid):
            open_backup(bytes(changed), PASSWORD)
    for length in (17, 40, len(content) - 1):
        with pytest.raises(ProofInvalid):
            open_backup(content[:length], PASSWORD)
    with pytest.raises(UsageRefused):
        open_backup(b"x" + content, PASSWORD)


def test_damage_behind_a_new_checksum_does_not_open(used: Wallet) -> None:
    changed = bytearray(sealed(used).read_bytes()[:-32])
    changed[-1] ^= 1
    with pytest.raises(PasswordWrong):
        open_backup(bytes(changed) + hashlib.sha256(changed).digest(), PASSWORD)


def test_key_derivation_is_bounded_before_it_runs(used: Wallet) -> None:
    changed = bytearray(sealed(used).read_bytes()[:-32])
    changed[32:40] = b"\xff" * 8
    with pytest.raises(ProofInvalid):
        open_backup(bytes(changed) + hashlib.sha256(changed).digest(), PASSWORD)


@pytest.mark.parametrize(
    "entry",
    [
        BackupEntry("data/../../etc/passwd", b""),
        BackupEntry("data/devnet/vault/purse-00.json", b"{}"),
        BackupEntry("data/state/devnet/offline-guard.json", b"{}"),
        BackupEntry("data/vault/contracts.json", b"{}"),
        BackupEntry("config/config.toml/x", b""),
        BackupEntry("data/keys/alice.json", b"{"),
        BackupEntry("data/devnet/wallet.db", b"no database"),
    ],
)
def test_entry_that_no_wallet_wrote_is_refused(entry: BackupEntry) -> None:
    found = open_backup(seal_backup(Backup(0, (entry,)), PASSWORD), PASSWORD)
    with pytest.raises(ProofInvalid):
        validate_contents(found, on_file=nothing)
    good = BackupEntry("data/keys/alice.json", b"{}")
    validate_contents(Backup(0, (good,)), on_file=nothing)


def test_verify_lists_every_entry_and_writes_nothing(used: Wallet) -> None:
    file = sealed(used)
    before = used.files()
    answer = used.json("backup", "verify", str(file), "--password-file", str(used.password_file))
    assert len(answer["data"]["entries"]) == 11
    assert used.files() == before
    file.write_bytes(file.read_bytes()[:-1])
    damaged = used.json("backup", "verify", str(file), "--password-file", str(used.password_file), exit_code=7)
    assert damaged["error"]["code"] == "BACKUP_DAMAGED"


def test_store_in_use_is_not_copied(used: Wallet) -> None:
    home = open_home(str(used.home), {})
    database = OfflineDatabase(home.network_data("devnet"), home.offline_guard("devnet"), random=os.urandom)
    file = used.folder / "wallet.backup"
    try:
        given = ("backup", "create", str(file), "--password-file", str(used.password_file))
        assert used.json(*given, exit_code=12)["error"]["code"] == "WALLET_LOCKED"
        assert not file.exists()
    finally:
        database.close()
    assert used.run(*given).exit_code == 0


def test_copy_of_a_database_has_what_its_log_holds(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "wallet.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (x INTEGER)")
    writer.execute("INSERT INTO t VALUES (7)")
    copy = tmp_path / "copy.db"
    copy.write_bytes(copy_database_file(tmp_path / "wallet.db"))
    reader = sqlite3.connect(copy)
    assert reader.execute("SELECT x FROM t").fetchall() == [(7,)]
    reader.close()
    writer.close()


def test_backup_is_not_overwritten_and_needs_a_password(used: Wallet) -> None:
    file = sealed(used)
    before = file.read_bytes()
    given = ("backup", "create", str(file), "--password-file", str(used.password_file))
    assert used.json(*given, exit_code=2)["error"]["code"] == "FILE_EXISTS"
    assert file.read_bytes() == before
    # The password of keys, configured in this home, is not that of backups.
    other = str(used.folder / "other.backup")
    assert used.json("backup", "create", other, exit_code=3)["error"]["code"] == "PASSWORD_NEEDED"


class Power(BaseException):
    """The machine is off."""


@pytest.mark.parametrize("is_before", [True, False])
def test_restore_can_be_repeated_after_power_is_lost_at_any_step(
    used: Wallet, monkeypatch: pytest.MonkeyPatch, is_before: bool
) -> None:
    found = open_backup(sealed(used).read_bytes(), PASSWORD)
    step_count = len(found.entries) + 3
    for step in range(step_count):
        home = open_home(str(used.folder / f"home-{is_before}-{step}"), {})
        lose_power(monkeypatch, at=step, is_before=is_before)
        with pytest.raises(Power):
            place_contents(home, found, random=os.urandom, on_file=nothing)
        monkeypatch.undo()
        if home.restore_mark.exists():
            unfinished = used.json("keys", "list", "--home", str(home.data), exit_code=2)
            assert unfinished["error"]["code"] == "RESTORE_UNFINISHED"
        else:
            assert (step, is_before) in ((0, True), (step_count - 1, False))
        if not is_before and step == step_count - 1:
            with pytest.raises(UsageRefused):
                validate_empty(home)
            continue
        validate_empty(home)
        (store,) = place_contents(home, found, random=os.urandom, on_file=nothing)
        assert (store.is_frozen, store.frozen_purse_count, store.redeem_only_count) == (True, 1, 1)
        assert contents(home) == [entry.path for entry in found.entries]
        assert used.run("keys", "list", "--home", str(home.data)).exit_code == 0


def test_create_leaves_a_whole_backup_or_none(used: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    file = used.folder / "wallet.backup"

    def cut(path: Path, content: bytes, *, is_new: bool = False) -> None:
        raise Power

    monkeypatch.setattr("wallet_cli.commands.backup.write_private", cut)
    with pytest.raises(Power):
        sealed(used)
    assert not file.exists()


def lose_power(monkeypatch: pytest.MonkeyPatch, *, at: int, is_before: bool) -> None:
    """Stop before or after the `at`th step: writing a file, opening the store, removing the mark."""
    steps = iter(range(1_000))

    def cutting(deed: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **options: object) -> object:
            is_now = next(steps) == at
            if is_now and is_before:
                raise Power
            result = deed(*arguments, **options)
            if is_now:
                raise Power
            return result

        return run

    unlink = Path.unlink

    def remove(path: Path, missing_ok: bool = False) -> None:
        cutting(unlink)(path, missing_ok) if path.name == ".restoring" else unlink(path, missing_ok)

    monkeypatch.setattr(backup_contents, "write_private", cutting(write_private))
    monkeypatch.setattr(backup_contents, "_open_restored", cutting(backup_contents._open_restored))
    monkeypatch.setattr(Path, "unlink", remove)


def contents(home: Home) -> list[str]:
    return [entry.path for entry in read_contents(home, random=os.urandom, on_file=nothing)]


def nothing() -> None:
    """Advance no bar."""

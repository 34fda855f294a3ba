"""Which files of a wallet a backup holds, how they are read while the wallet is in use, and how they come back.

What is not named here is not taken along: keys of purses and tills (`vault/`), guards (`state`), passwords, the log.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.json_text import parse_json
from wallet_cli.backup import BACKUP_BYTES_MAX, Backup, BackupEntry
from wallet_cli.errors import ProofInvalid, RestoredHome, UsageRefused
from wallet_cli.files import make_private_folder, read_small, sync_folder, write_private
from wallet_cli.home import Home, list_networks
from wallet_cli.offline.database import OFFLINE_FILE, OfflineDatabase
from wallet_cli.offline.vault import FOLDER as VAULT
from wallet_cli.sqlite_copies import copy_database_file, validate_database

_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,31}"
_FILE: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}"
_CONTENTS: Final = re.compile(
    rf"config/(config\.toml|policy\.toml|networks/{_NAME}\.toml)"
    rf"|data/(contacts\.json|keys/{_NAME}\.json)"
    rf"|data/{_NAME}/(wallet\.db|trust\.db|{re.escape(OFFLINE_FILE)}|contracts\.json|(cards|outbox|swaps)/{_FILE})"
)
"""Everything a backup holds, by its path in the backup."""

_NEVER: Final = (VAULT, "state")
"""Folders that no backup has, whatever lies in them."""


@dataclass(frozen=True, slots=True)
class RestoredStore:
    """What became of a network's offline money."""

    network: str
    is_frozen: bool
    """False only if nothing was ever done with the store."""
    paying_lock_count: int
    """Locks to pay from; they go on where the wallet has their keys."""
    redeem_only_count: int
    """Locks to be paid from that accept nothing more."""
    frozen_purse_count: int
    unredeemed_count: int
    """Accepted payments that are not yet proven redeemed."""

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        return {
            "network": self.network,
            "restored": self.is_frozen,
            "payingLocks": self.paying_lock_count,
            "redeemOnly": self.redeem_only_count,
            "frozenPurses": self.frozen_purse_count,
            "unredeemed": self.unredeemed_count,
        }


def list_contents(home: Home) -> dict[str, Path]:
    """Return the files of a home that belong in a backup, by their path there, sorted."""
    found = {
        f"{part}/{path.relative_to(root).as_posix()}": path
        for part, root in (("config", home.config), ("data", home.data))
        for path in _files_in(root)
    }
    # A network that was set aside for another trust root has no file, and no guard.
    folders = {"networks", "keys", *list_networks(home)}
    return {
        name: found[name]
        for name in sorted(found)
        if _belongs(name) and (name.count("/") == 1 or name.split("/")[1] in folders)
    }


def read_contents(home: Home, *, random: Callable[[int], bytes], on_file: Callable[[], None]) -> Iterator[BackupEntry]:
    """Yield every file of a home, databases as of one moment; an offline store is locked while it is copied.

    Raises: WalletLocked, DeviceFailed, RestoredHome, UsageRefused.
    """
    for name, path in list_contents(home).items():
        try:
            if path.name == OFFLINE_FILE:
                database = OfflineDatabase(path.parent, home.offline_guard(path.parent.name), random=random)
                try:
                    content = database.copy()
                finally:
                    database.close()
            else:
                content = copy_database_file(path) if path.suffix == ".db" else read_small(path)
        except (OSError, sqlite3.Error) as error:
            raise UsageRefused(
                f"{path} cannot be read: {error}",
                why="a backup without it would not be one",
                next_step="sycee doctor",
                code="FILE_UNREADABLE",
            ) from error
        yield BackupEntry(name, content)
        on_file()


def validate_contents(backup: Backup, *, on_file: Callable[[], None]) -> None:
    """Check that every entry belongs in a backup and can be read as what it is. Raises: ProofInvalid."""
    for entry in backup.entries:
        try:
            if not _belongs(entry.path):
                raise ValueError("no wallet puts it there")
            if entry.path.endswith(".db"):
                validate_database(entry.content)
            elif entry.path.endswith(".json"):
                parse_json(entry.content)
        except (ValueError, sqlite3.Error) as error:
            raise ProofInvalid(
                f"{entry.path} in the backup is damaged: {error}",
                why="it was damaged, or is not what it should be, already when the backup was made",
                next_step="use an older backup",
                code="BACKUP_DAMAGED",
            ) from error
        on_file()


def load_backup_file(path: Path) -> bytes:
    """Return the bytes of a backup file. Raises: UsageRefused."""
    try:
        with path.open("rb") as stream:
            content = stream.read(BACKUP_BYTES_MAX + 4_096)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be read: {error.strerror}",
            why="it was named as the backup",
            next_step=f"ls -l {path}",
            code="FILE_UNREADABLE",
        ) from error
    return content


def validate_empty(home: Home) -> None:
    """Check that nothing would be overwritten, unless a restore ended half way. Raises: UsageRefused."""
    if home.restore_mark.exists():
        return
    there = [path for root in (home.config, home.data) for path in _files_in(root) if home.state not in path.parents]
    if there:
        raise UsageRefused(
            f"there is a wallet already: {there[0]}",
            why="a restore into it could overwrite keys and payments",
            next_step="restore into another home: sycee --home DIR backup restore FILE",
            code="HOME_NOT_EMPTY",
        )


def place_contents(
    home: Home, backup: Backup, *, random: Callable[[int], bytes], on_file: Callable[[], None]
) -> list[RestoredStore]:
    """Write every entry, then make restored offline stores harmless; return what is left of them.

    Until this returns other commands refuse the home, and a repetition begins anew.
    """
    make_private_folder(home.config)
    make_private_folder(home.data)
    write_private(home.restore_mark, b"")
    roots = {"config": home.config, "data": home.data}
    for entry in backup.entries:
        part, _, place = entry.path.partition("/")
        path = roots[part] / place
        make_private_folder(path.parent)
        for log in ("-wal", "-shm"):
            path.with_name(path.name + log).unlink(missing_ok=True)
        write_private(path, entry.content)
        on_file()
    stores = [
        _open_restored(home, entry.path.split("/")[1], random)
        for entry in backup.entries
        if entry.path.endswith(f"/{OFFLINE_FILE}")
    ]
    home.restore_mark.unlink()
    # A mark that comes back after a power cut would have the home overwritten once more.
    sync_folder(home.data)
    return stores


def _open_restored(home: Home, network: str, random: Callable[[int], bytes]) -> RestoredStore:
    """Open a store that came out of a backup: without its guard it freezes what must not go on (R8, R9)."""
    folder, guard = home.network_data(network), home.offline_guard(network)
    # The guard of an earlier life could fit by chance of nothing having happened since; any restore is one.
    guard.unlink(missing_ok=True)
    is_frozen = False
    try:
        database = OfflineDatabase(folder, guard, random=random)
    except RestoredHome:
        is_frozen = True
        database = OfflineDatabase(folder, guard, random=random)
    try:
        counts = [
            int(database.read(f"SELECT count(*) FROM {rows}", (), (int,))[0][0])
            for rows in (
                "locks",
                "till_locks WHERE is_redeem_only = 1",
                "purses WHERE is_frozen = 1",
                "jobs WHERE state != 'final'",
            )
        ]
    finally:
        database.close()
    return RestoredStore(network, is_frozen, *counts)


def _files_in(root: Path) -> list[Path]:
    return [Path(folder, name) for folder, _, names in os.walk(root) for name in sorted(names)]


def _belongs(name: str) -> bool:
    return _CONTENTS.fullmatch(name) is not None and not any(part in _NEVER for part in name.split("/"))

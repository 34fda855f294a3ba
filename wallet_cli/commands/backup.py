"""`sycee backup`: everything a new machine needs, sealed in one file; and the way back into an empty home."""

import os
import secrets
from pathlib import Path
from typing import Final

import click

from wallet_cli.backup import Backup, open_backup, seal_backup
from wallet_cli.backup_contents import (
    RestoredStore,
    list_contents,
    load_backup_file,
    place_contents,
    read_contents,
    validate_contents,
    validate_empty,
)
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.errors import UsageRefused
from wallet_cli.files import write_private
from wallet_cli.home import open_home
from wallet_cli.moments import instant_text
from wallet_cli.passwords import PasswordSource, read_password
from wallet_cli.session import Session

_KEY: Final = (Need.KEY,)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_PROMPT: Final = "Password of the backup"


@wallet_command(
    "create",
    needs=_KEY,
    examples=(
        "sycee backup create wallet.backup --password-file new.txt",
        "sycee backup create wallet.backup --password-file new.txt --json",
    ),
)
@click.argument("file", type=_FILE)
def create(session: Session, file: Path) -> None:
    """Seal keys, contacts, settings, trust and payments in FILE, under a password of its own.

    Keys stay encrypted under theirs. Keys of purses and tills are never in a backup, passwords neither.
    """
    if file.exists():
        raise _exists(file)
    password = read_password(_source(session), _PROMPT, is_new=True)
    with session.output.progress("reading the wallet's files", len(list_contents(session.home))) as advance:
        entries = tuple(read_contents(session.home, random=secrets.token_bytes, on_file=advance))
    if not entries:
        raise UsageRefused(
            "there is nothing to back up",
            why=f"{session.home.data} holds no wallet",
            next_step="sycee init",
            code="BACKUP_EMPTY",
        )
    with session.output.progress("sealing"):
        content = seal_backup(Backup(session.settings.now_ms(), entries), password)
    try:
        write_private(file, content, is_new=True)
    except FileExistsError as error:
        raise _exists(file) from error
    except OSError as error:
        raise UsageRefused(
            f"{file} cannot be written: {error.strerror}",
            why="no backup was made",
            next_step="name another file",
            code="FILE_UNWRITABLE",
        ) from error
    record = {"file": str(file), "bytes": len(content), "entries": [entry.path for entry in entries]}
    session.output.result(record, f"{file}: {len(entries)} files sealed; sycee backup verify {file} checks it")


@wallet_command(
    "verify",
    needs=_KEY,
    examples=(
        "sycee backup verify wallet.backup --password-file new.txt",
        "sycee backup verify wallet.backup --password-file new.txt --json",
    ),
)
@click.argument("file", type=_FILE)
def verify(session: Session, file: Path) -> None:
    """Open FILE and check every entry; nothing is written. Exit 7 if it is damaged."""
    backup = _open(session, file)
    record = _record(file, backup)
    lines = [f"{entry.path}  {len(entry.content)} bytes" for entry in backup.entries]
    made = instant_text(backup.created_ms // 1_000)  # Whole seconds, as people read them.
    session.output.result(record, "\n".join([*lines, f"{file}: {len(lines)} files, all whole, made {made}"]))


@wallet_command(
    "restore",
    needs=_KEY,
    examples=(
        "sycee backup restore wallet.backup --password-file new.txt --yes --home restored",
        "sycee backup restore wallet.backup --password-file new.txt --yes --home restored --json",
    ),
)
@click.argument("file", type=_FILE)
def restore(session: Session, file: Path) -> None:
    """Put what is in FILE into an empty home. Repeat it if it was interrupted.

    Purses are then frozen and tills only redeem: money may have moved since the backup was made.
    """
    # Not session.home: that refuses a home of which the restore ended half way.
    home = open_home(session.settings.home, os.environ)
    validate_empty(home)
    backup = _open(session, file)
    session.output.confirm(
        f"Restore {len(backup.entries)} files into {home.data}?",
        is_yes=session.settings.is_yes,
        next_step="repeat with --yes to restore",
    )
    with session.output.progress("restoring", len(backup.entries)) as advance:
        stores = place_contents(home, backup, random=secrets.token_bytes, on_file=advance)
    record = _record(file, backup) | {"home": str(home.data), "offline": [store.record() for store in stores]}
    lines = [f"{len(backup.entries)} files restored into {home.data}"]
    lines += [line for store in stores for line in _store_lines(store)]
    lines.append("keys open with the passwords they had; next, with a network: sycee balance")
    session.output.result(record, "\n".join(lines))


backup = WalletGroup(
    "backup",
    table={
        "create": ("wallet_cli.commands.backup:create", "seal everything in one file"),
        "verify": ("wallet_cli.commands.backup:verify", "open a backup and check every entry"),
        "restore": ("wallet_cli.commands.backup:restore", "put a backup into an empty home"),
    },
    help="Everything a new machine needs, sealed in one file.",
)


def _source(session: Session) -> PasswordSource:
    """The backup's own password: the file configured for keys does not open it."""
    return PasswordSource(session.settings.password_fd, session.settings.password_file)


def _open(session: Session, file: Path) -> Backup:
    content = load_backup_file(file)
    password = read_password(_source(session), _PROMPT)
    with session.output.progress("opening the backup"):
        found = open_backup(content, password)
    with session.output.progress("checking every entry", len(found.entries)) as advance:
        validate_contents(found, on_file=advance)
    return found


def _record(file: Path, found: Backup) -> dict[str, object]:
    return {
        "file": str(file),
        "created_ms": found.created_ms,
        "entries": [{"path": entry.path, "bytes": len(entry.content)} for entry in found.entries],
    }


def _store_lines(store: RestoredStore) -> list[str]:
    return [
        f"offline money of {store.network}:",
        f"  usable       {store.paying_lock_count} locks to pay from, where the wallet has their keys",
        f"  redeem only  {store.redeem_only_count} locks of your till, {store.unredeemed_count} payments to redeem",
        f"  frozen       {store.frozen_purse_count} purses; their keys are in no backup",
    ]


def _exists(file: Path) -> UsageRefused:
    return UsageRefused(
        f"{file} is there already",
        why="a backup never overwrites another one",
        next_step="name another file",
        code="FILE_EXISTS",
    )

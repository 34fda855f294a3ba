"""The file that offline money is remembered in: one SQLite database per network, one writer, on disk before it returns.

A commit that the disk did not confirm is never built upon: after the first failure everything is refused until the file
is opened and checked again. A file that is older than the wallet's last write, or a copy, is recognized and made
harmless. Source: offline.md §12, R8 to R12.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Hash32
from wallet_cli.errors import DeviceFailed, RestoredHome, UsageRefused, WalletLocked
from wallet_cli.files import PRIVATE_FILE_MODE, has_types, make_private_folder, read_small, write_private
from wallet_cli.offline.schema import MIGRATIONS
from wallet_cli.sqlite_copies import copy_database

INSTANCE_BYTES: Final = 16
"""Random name of one life of the file: two lives never meet."""

AMOUNT_BYTES: Final = 12
"""Amounts are stored as big-endian uint96: an INTEGER of SQLite ends at 2^63."""

OFFLINE_FILE: Final = "offline.db"
"""Its name in a network's folder."""

_COUNTER_MAX: Final = 2**62
"""More commits than any wallet makes; a guard above it was not written by one."""


class OfflineDatabase:
    """The open file. `guard` lies outside the folder, so that a copy of the folder does not bring it along."""

    def __init__(self, folder: Path, guard: Path, *, random: Callable[[int], bytes]) -> None:
        """Open or create the file.

        Raises: WalletLocked if another process has it open; DeviceFailed if it is damaged; UsageRefused if a newer
        wallet wrote it; RestoredHome once after a restore, with everything frozen that must be.
        """
        make_private_folder(folder)
        make_private_folder(guard.parent)
        self._path = folder / OFFLINE_FILE
        self._guard = guard
        self._random = random
        self._failure: str | None = None
        self._lock = _lock_file(folder / "offline.lock")
        try:
            self._connection = self._open()
            self._migrate()
            self._check_instance()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and let the next process in."""
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do what the block says completely, on disk before this returns, or not at all. Raises: DeviceFailed."""
        self._require_sound()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._fail(str(error)) from error
        try:
            yield self._connection
            self._connection.execute("UPDATE meta SET counter = counter + 1")
            counter = int(self._connection.execute("SELECT counter FROM meta").fetchone()[0])
            self._connection.execute("COMMIT")
        except sqlite3.IntegrityError:
            self._connection.execute("ROLLBACK")
            raise
        except sqlite3.Error as error:
            raise self._fail(str(error)) from error
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._write_guard(counter)

    def read(self, query: str, values: Sequence[object], types: Sequence[type]) -> list[tuple[Any, ...]]:
        """Return the rows of a query, their values of the given types. Raises: DeviceFailed."""
        self._require_sound()
        try:
            rows: list[tuple[Any, ...]] = self._connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._fail(str(error)) from error
        for row in rows:
            if not has_types(row, types):
                raise self._fail(f"a row holds {[type(value).__name__ for value in row]}")
        return rows

    def copy(self) -> bytes:
        """Return the file as it is on disk now, for a backup. Raises: DeviceFailed."""
        self._require_sound()
        try:
            return copy_database(self._connection)
        except sqlite3.Error as error:
            raise self._fail(str(error)) from error

    def _open(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE))
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "fullfsync=1"):
                connection.execute(f"PRAGMA {pragma}")
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        except sqlite3.Error as error:
            connection.close()
            raise self._fail(str(error)) from error
        if verdict != "ok":
            connection.close()
            raise self._fail(str(verdict))
        return connection

    def _migrate(self) -> None:
        version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
        if version > len(MIGRATIONS):
            raise UsageRefused(
                f"{self._path} is of version {version}, this wallet knows {len(MIGRATIONS)}",
                why="a newer wallet wrote it",
                next_step="use the newer wallet",
                code="STORE_TOO_NEW",
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            try:
                self._connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
            except sqlite3.Error as error:
                raise self._fail(str(error)) from error

    def _check_instance(self) -> None:
        """R9: the file must be the one that wrote the guard, and not be behind it."""
        rows = self.read("SELECT instance, counter FROM meta", (), (bytes, int))
        guard = self._load_guard()
        if not rows:
            with self._created() as connection:
                connection.execute(
                    "INSERT INTO meta (only_row, instance, counter, certified_s, anchor_s) VALUES (1, ?, 0, 0, 0)",
                    (self._random(INSTANCE_BYTES),),
                )
            self._write_guard(0)
            if guard is not None:
                self._freeze("the offline store is new, but a store was written here before", 0)
            return
        instance, counter = rows[0]
        if guard is None and counter == 0:
            self._write_guard(0)
        elif guard is None:
            self._freeze("the guard of the offline store is missing: this is a copy, or a restored backup", counter)
        elif guard[0] != instance:
            self._freeze("the offline store is another than the one that was written last", counter)
        elif guard[1] > counter:
            self._freeze(f"the offline store has {counter} commits, {guard[1]} were made: it was rolled back", guard[1])

    @contextmanager
    def _created(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fail(str(error)) from error

    def _freeze(self, what: str, counter_seen: int) -> None:
        """R8: no purse spends again, no till accepts from a lock it had; paying locks go on, HEAL repairs them."""
        with self.transaction() as connection:
            connection.execute("UPDATE purses SET is_frozen = 1")
            connection.execute("UPDATE till_locks SET is_redeem_only = 1")
            connection.execute(
                "UPDATE meta SET instance = ?, counter = max(counter, ?)", (self._random(INSTANCE_BYTES), counter_seen)
            )
        raise RestoredHome(
            what,
            why="money may have been spent or accepted that it does not remember: its purses are frozen, and its "
            "till only redeems from the locks it had",
            next_step="repeat the command; locks you pay from work as before, a new lock or purse works at once",
        )

    def _load_guard(self) -> tuple[bytes, int] | None:
        try:
            content = parse_json(read_small(self._guard))
            instance, counter = bytes.fromhex(content["instance"]), content["counter"]
            if type(counter) is not int or not 0 <= counter <= _COUNTER_MAX:
                raise ValueError(f"counter {counter!r}")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise self._fail(f"{self._guard}: {error}") from error
        return instance, counter

    def _write_guard(self, counter: int) -> None:
        instance = bytes(self._connection.execute("SELECT instance FROM meta").fetchone()[0])
        content = json.dumps({"instance": instance.hex(), "counter": counter}).encode() + b"\n"
        try:
            write_private(self._guard, content)
        except OSError as error:
            raise self._fail(f"{self._guard}: {error}") from error

    def _require_sound(self) -> None:
        if self._failure is not None:
            raise self._fail(self._failure)

    def _fail(self, detail: str) -> DeviceFailed:
        self._failure = detail
        return DeviceFailed(
            f"{self._path} cannot be used: {detail}",
            why="what is not surely on disk is not paid, signed or accepted",
            next_step="free some space or replace the disk, then repeat the command: it opens and checks the file anew",
            code="STORE_FAILED",
        )


def encode_amount(amount_minor: int) -> bytes:
    """Return an amount as it is stored."""
    return amount_minor.to_bytes(AMOUNT_BYTES, "big")


def decode_amount(stored: bytes) -> int:
    """Return an amount from how it is stored, in minor units."""
    return int.from_bytes(stored, "big")


def find_id(database: OfflineDatabase, table: str, reference: str) -> Hash32:
    """Return the one id in a table that begins with hexadecimal digits. Raises: UsageRefused."""
    digits = reference.removeprefix("0x").lower()
    known = [Hash32(row[0]) for row in database.read(f"SELECT id FROM {table} ORDER BY id", (), (bytes,))]
    found = [name for name in known if name.hex().startswith(digits)]
    if digits and len(found) == 1:
        return found[0]
    shown = ", ".join(name.hex()[:8] for name in found or known) or "none"
    raise UsageRefused(
        f"{len(found)} of them begin with {reference!r}" if digits else "it is not said which one",
        why=f"there are: {shown}",
        next_step="sycee offline list",
        code="REFERENCE_UNKNOWN" if not found else "REFERENCE_AMBIGUOUS",
    )


def _lock_file(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise WalletLocked(
            "another process of this wallet is paying or accepting",
            why=f"it holds {path}",
            next_step="wait for it, then repeat the command",
        ) from error
    return handle

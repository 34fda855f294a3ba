"""Signed transactions: on disk before they are sent, kept until their outcome is proven.

A retry takes the bytes from here, so one intent is one transaction whatever crashes in between. Two processes never
assign nonces of one account at once.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.scalars import Address, Hash32
from wallet_cli.addresses import checksum_address
from wallet_cli.errors import UsageRefused, WalletLocked
from wallet_cli.files import PRIVATE_FILE_MODE, has_types, make_private_folder

SIGNED: Final = "signed"
"""On disk; perhaps sent, outcome not proven."""
FINAL: Final = "final"
"""Its receipt is proven."""
REPLACED: Final = "replaced"
"""Another transaction of this wallet with the same nonce is final: this one can never be."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS transactions (
    hash BLOB PRIMARY KEY, sender BLOB NOT NULL, nonce INTEGER NOT NULL, target BLOB NOT NULL, data BLOB NOT NULL,
    raw BLOB NOT NULL, state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_open ON transactions (sender, state);
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, sender BLOB NOT NULL, digest BLOB NOT NULL, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS batch_parts (
    batch INTEGER NOT NULL, part INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (batch, part)
);
"""

OPEN: Final = "open"
"""A batch of which not every part is proven paid."""
DONE: Final = "done"
ABANDONED: Final = "abandoned"
"""Given up by the user with what was paid."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What the user wants done; two equal intents while the first is open are one transaction."""

    sender: Address
    to: Address | None
    """None creates a contract."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A signed transaction with its intent."""

    hash: Hash32
    nonce: int
    raw: bytes
    intent: Intent
    state: str
    """SIGNED, FINAL or REPLACED. A node's refusal changes nothing: the bytes are still valid and may be sent again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Many payments that are one thing to the user, in parts of one transaction each."""

    number: int
    """This wallet's own, from 1."""
    digest: bytes
    """32 bytes: what all its parts pay."""
    state: str
    """OPEN, DONE or ABANDONED."""
    parts: dict[int, Hash32]
    """The newest transaction signed for each part, by its place from 0."""


class Outbox:
    """The outbox of one network, in wallet.db."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self._folder = folder
        self._path = path = folder / "wallet.db"
        try:
            self._database = sqlite3.connect(path)
            # Commits return only after an fsync of file and folder.
            self._database.execute("PRAGMA synchronous=EXTRA")
            self._database.executescript(_SCHEMA)
            os.chmod(path, PRIVATE_FILE_MODE)
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def save(self, entry: Entry, *, batch_part: tuple[int, int] | None = None) -> None:
        """Write a signed transaction to disk; only then may it be sent.

        `batch_part` is number and part of the batch it belongs to, written in the same moment.
        """
        intent = entry.intent
        values = (entry.hash, intent.sender, entry.nonce, intent.to or b"", intent.data, entry.raw, entry.state)
        with self._database:
            self._database.execute("INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            if batch_part is not None:
                place = (*batch_part, entry.hash)
                self._database.execute("INSERT OR REPLACE INTO batch_parts VALUES (?, ?, ?)", place)

    def open_batch(self, sender: Address, digest: bytes) -> Batch:
        """Write a batch to disk before any of its parts is signed."""
        with self._database:
            written = self._database.execute(
                "INSERT INTO batches (sender, digest, state) VALUES (?, ?, ?)", (sender, digest, OPEN)
            )
        assert written.lastrowid is not None, "a row was inserted"
        return Batch(written.lastrowid, digest, OPEN, {})

    def close_batch(self, number: int, state: str) -> None:
        """Note that a batch is DONE or ABANDONED."""
        assert state in (DONE, ABANDONED)
        with self._database:
            self._database.execute("UPDATE batches SET state = ? WHERE number = ?", (state, number))

    def load_batches(self, sender: Address) -> list[Batch]:
        """Return every batch of `sender`, the newest first. Raises: UsageRefused."""
        own = "SELECT number FROM batches WHERE sender = ?"
        try:
            query = "SELECT number, digest, state FROM batches WHERE sender = ? ORDER BY number DESC"
            rows = self._database.execute(query, (sender,)).fetchall()
            query = f"SELECT batch, part, hash FROM batch_parts WHERE batch IN ({own})"
            parts = self._database.execute(query, (sender,)).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error
        if not all(has_types(row, (int, bytes, str)) for row in rows) or not all(
            has_types(part, (int, int, bytes)) for part in parts
        ):
            raise self._damaged("a batch holds a value of the wrong type")
        batches = {number: Batch(number, digest, state, {}) for number, digest, state in rows}
        for number, part, transaction_hash in parts:
            batches[number].parts[part] = Hash32(transaction_hash)
        return list(batches.values())

    def mark_final(self, transaction_hash: Hash32) -> None:
        """Note that the receipt of a transaction is proven; others of this wallet with its nonce are replaced."""
        entry = self.load(transaction_hash)
        if entry is None:
            return
        with self._database:
            self._database.execute(
                "UPDATE transactions SET state = ? WHERE sender = ? AND nonce = ? AND hash != ?",
                (REPLACED, entry.intent.sender, entry.nonce, transaction_hash),
            )
            self._database.execute("UPDATE transactions SET state = ? WHERE hash = ?", (FINAL, transaction_hash))

    def load(self, transaction_hash: Hash32) -> Entry | None:
        """Return the entry of a transaction, or None if this wallet did not sign it. Raises: UsageRefused."""
        entries = self._read(f"{_SELECT} WHERE hash = ?", (transaction_hash,))
        return entries[0] if entries else None

    def load_open(self, sender: Address) -> list[Entry]:
        """Return the transactions of `sender` whose outcome is not proven, lowest nonce first. Raises: UsageRefused."""
        return self._read(f"{_SELECT} WHERE sender = ? AND state = ? ORDER BY nonce", (sender, SIGNED))

    def _read(self, query: str, values: tuple[object, ...]) -> list[Entry]:
        """Return the entries of a query. Raises: UsageRefused if one cannot be what was written."""
        try:
            rows = self._database.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error
        for row in rows:
            if not has_types(row, _COLUMN_TYPES):
                raise self._damaged(f"the entry with nonce {row[2]!r} holds a value of the wrong type")
        return [_entry(row) for row in rows]

    def _damaged(self, detail: str) -> UsageRefused:
        return UsageRefused(
            f"{self._path} cannot be read: {detail}",
            why="the outbox is damaged; it may hold payments whose outcome is unknown",
            next_step=f"restore {self._path} from a backup before paying again",
            code="OUTBOX_INVALID",
        )

    @contextmanager
    def account_lock(self, account: Address) -> Iterator[None]:
        """Hold the right to assign nonces of `account`. Raises: WalletLocked if another process holds it."""
        path = self._folder / f"{account.hex()}.lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise WalletLocked(
                    f"another process is paying from {checksum_address(account)}",
                    why=f"{path} is locked: two processes would use the same nonce",
                    next_step="wait until it ends and repeat the command",
                ) from error
            yield
        finally:
            os.close(handle)


_COLUMN_TYPES: Final = (bytes, bytes, int, bytes, bytes, bytes, str)
"""Of the columns in the order of `_SELECT`."""

_SELECT: Final = "SELECT hash, sender, nonce, target, data, raw, state FROM transactions"


def _entry(row: tuple[bytes, bytes, int, bytes, bytes, bytes, str]) -> Entry:
    transaction_hash, sender, nonce, target, data, raw, state = row
    intent = Intent(Address(sender), Address(target) if target else None, data)
    return Entry(Hash32(transaction_hash), nonce, raw, intent, state)

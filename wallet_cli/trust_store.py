"""What this wallet has verified and must not forget: trusted state, headers, currencies, and evidence of conflict.

One SQLite file per network; every write is on disk before the call returns. Never goes back to a lower height.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs
from wallet_cli.amounts import Currency
from wallet_cli.errors import UsageRefused
from wallet_cli.files import has_types, make_private_folder

HEADERS_MAX: Final = 1_024
"""Final headers kept: as many as nodes serve state proofs for, about 700 KB."""

EPOCHS_MAX: Final = 4_096
"""Validator sets kept, for proofs of old payments: a year of ten-hour epochs is 900, about 500 KB."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS anchor (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    genesis_header BLOB NOT NULL,
    epoch INTEGER NOT NULL, height INTEGER NOT NULL, hash BLOB NOT NULL, refreshed_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS header (height INTEGER PRIMARY KEY, hash BLOB NOT NULL, evidence TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS conflict (
    height INTEGER NOT NULL, hash BLOB NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY (height, hash)
);
CREATE TABLE IF NOT EXISTS epoch (
    epoch INTEGER PRIMARY KEY, validators BLOB NOT NULL, height INTEGER NOT NULL, hash BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS currency (
    id INTEGER PRIMARY KEY, address BLOB NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, decimals INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    """What the trusted state is rebuilt from."""

    genesis_header: bytes
    """RLP; its hash stands in every signature that was verified."""
    epoch: Epoch
    """Epoch of the highest final block."""
    height: Height
    """Height of the highest final block."""
    hash: Hash32
    """Hash of the highest final block."""
    refreshed_ms: TimestampMs
    """Time of that block."""


@dataclass(frozen=True, slots=True)
class StoredEpoch:
    """A validator set that a verified handoff committed to."""

    epoch: Epoch
    validators: bytes
    """The set, encoded as in the handoff."""
    height: Height
    """Height of the last block of the epoch before."""
    hash: Hash32
    """Its hash: view 0 of this epoch."""


class TrustStore:
    """The trust store of one network."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self._path = folder / "trust.db"
        try:
            self._database = sqlite3.connect(self._path)
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def load_anchor(self) -> StoredAnchor | None:
        """Return the anchor, or None before the first final header was verified. Raises: UsageRefused."""
        rows = self._read(
            "SELECT genesis_header, epoch, height, hash, refreshed_ms FROM anchor", (), (bytes, int, int, bytes, int)
        )
        if not rows:
            return None
        header, epoch, height, block_hash, refreshed_ms = rows[0]
        return StoredAnchor(header, Epoch(epoch), Height(height), Hash32(block_hash), TimestampMs(refreshed_ms))

    def save_header(self, anchor: StoredAnchor, *, height: Height, block_hash: Hash32, evidence: str) -> None:
        """Keep a verified final header with its evidence, and the anchor that resulted from it."""
        with self._database:
            self._database.execute(
                "INSERT INTO anchor VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (only_row) DO UPDATE SET "
                "epoch = excluded.epoch, height = excluded.height, hash = excluded.hash, "
                "refreshed_ms = excluded.refreshed_ms WHERE excluded.height > anchor.height",
                (anchor.genesis_header, anchor.epoch, anchor.height, anchor.hash, anchor.refreshed_ms),
            )
            self._database.execute("INSERT OR IGNORE INTO header VALUES (?, ?, ?)", (height, block_hash, evidence))
            self._database.execute("DELETE FROM header WHERE height <= ?", (anchor.height - HEADERS_MAX,))

    def load_header(self, height: Height) -> tuple[Hash32, str] | None:
        """Return (hash, evidence) of the verified header at `height`, or None if it is not kept.

        Raises: UsageRefused.
        """
        rows = self._read("SELECT hash, evidence FROM header WHERE height = ?", (height,), (bytes, str))
        return (Hash32(rows[0][0]), rows[0][1]) if rows else None

    def save_conflict(self, height: Height, entries: Sequence[tuple[Hash32, str]]) -> None:
        """Keep both sides of a conflict for ever: whoever signed both is convicted by them."""
        with self._database:
            self._database.executemany(
                "INSERT OR IGNORE INTO conflict VALUES (?, ?, ?)",
                [(height, block_hash, evidence) for block_hash, evidence in entries],
            )

    def save_epoch(self, entry: StoredEpoch) -> None:
        """Keep the set of an epoch whose handoff was verified; the oldest sets make room."""
        with self._database:
            self._database.execute(
                "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, ?)",
                (entry.epoch, entry.validators, entry.height, entry.hash),
            )
            self._database.execute("DELETE FROM epoch WHERE epoch <= ?", (entry.epoch - EPOCHS_MAX,))

    def load_epoch(self, epoch: Epoch | None = None) -> StoredEpoch | None:
        """Return the set of `epoch`, or of the newest epoch known; None if it is genesis' or not kept any more."""
        row = self._database.execute(
            "SELECT epoch, validators, height, hash FROM epoch "
            "WHERE epoch = coalesce(?, (SELECT max(epoch) FROM epoch))",
            (epoch,),
        ).fetchone()
        return None if row is None else StoredEpoch(Epoch(row[0]), row[1], Height(row[2]), Hash32(row[3]))

    def load_conflicts(self) -> list[tuple[Height, Hash32, str]]:
        """Return every conflict kept, lowest height first. Raises: UsageRefused."""
        rows = self._read("SELECT height, hash, evidence FROM conflict ORDER BY height, hash", (), (int, bytes, str))
        return [(Height(height), Hash32(block_hash), evidence) for height, block_hash, evidence in rows]

    def load_currencies(self) -> list[Currency]:
        """Return the pinned currencies by id; empty before the first were proven. Raises: UsageRefused."""
        rows = self._read(
            "SELECT id, address, code, name, decimals FROM currency ORDER BY id", (), (int, bytes, str, str, int)
        )
        return [Currency(number, Address(address), *rest) for number, address, *rest in rows]

    def save_currencies(self, currencies: Sequence[Currency]) -> None:
        """Pin proven currencies; one already pinned never changes."""
        with self._database:
            self._database.executemany(
                "INSERT OR IGNORE INTO currency VALUES (?, ?, ?, ?, ?)",
                [(entry.id, entry.address, entry.code, entry.name, entry.decimals) for entry in currencies],
            )

    def _read(self, query: str, values: Sequence[object], types: Sequence[type]) -> list[tuple[Any, ...]]:
        """Return the rows of a query, their values of the given types. Raises: UsageRefused."""
        try:
            rows: list[tuple[Any, ...]] = self._database.execute(query, tuple(values)).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error
        for row in rows:
            if not has_types(row, types):
                raise self._damaged(f"a row holds {[type(value).__name__ for value in row]}")
        return rows

    def _damaged(self, detail: str) -> UsageRefused:
        return UsageRefused(
            f"{self._path} cannot be read: {detail}",
            why="the trust store is damaged, or this is no trust store",
            next_step=f"move {self._path} away; it is built again from the network's trust root",
            code="TRUST_STORE_INVALID",
        )

"""The backup file: everything in it sealed under one password, and a manifest that says what must be there.

A header in the clear, the sealed body, a checksum of both: a damaged file is told from a wrong password. The PyNaCl
door of the wallet (argon2id, XChaCha20-Poly1305). It never sees a path of this machine.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Final

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import Aead

from consensus.primitives.json_text import parse_json
from wallet_cli.errors import PasswordWrong, ProofInvalid, UsageRefused

BACKUP_SCHEMA: Final = "sycee-backup/1"
BACKUP_BYTES_MAX: Final = 256 * 1024 * 1024
"""Largest backup made or read; it is held in memory. A wallet of a hundred thousand payments has a tenth of it."""

KDF_OPERATIONS: Final = argon2id.OPSLIMIT_MODERATE
KDF_MEMORY_BYTES: Final = argon2id.MEMLIMIT_MODERATE
"""What one guess of the password costs: about a second and 256 MiB; half makes guessing twice as cheap."""

_MAGIC: Final = b"sycee-backup-1\n\0"
_HEADER_BYTES: Final = len(_MAGIC) + argon2id.SALTBYTES + 8
_CHECKSUM_BYTES: Final = 32
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class BackupEntry:
    """One file of the wallet."""

    path: str
    """Which file: `config/…` or `data/…`, as backup_contents.py names them."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Backup:
    """What is in a backup file."""

    created_ms: int
    """Clock of the machine that made it."""
    entries: tuple[BackupEntry, ...]
    """By path, each once."""


def seal_backup(backup: Backup, password: str) -> bytes:
    """Return the backup file. Raises: UsageRefused if it is larger than BACKUP_BYTES_MAX."""
    rows = [
        {"path": entry.path, "bytes": len(entry.content), "sha256": hashlib.sha256(entry.content).hexdigest()}
        for entry in backup.entries
    ]
    manifest = json.dumps({"schema": BACKUP_SCHEMA, "created_ms": backup.created_ms, "entries": rows}).encode()
    parts = [len(manifest).to_bytes(_LENGTH_BYTES, "big"), manifest, *(entry.content for entry in backup.entries)]
    size = sum(map(len, parts))
    if size > BACKUP_BYTES_MAX:
        raise UsageRefused(
            f"the wallet's files are {size} bytes, at most {BACKUP_BYTES_MAX} fit a backup",
            why="a backup is sealed as a whole",
            next_step="sycee doctor",
            code="BACKUP_TOO_LARGE",
        )
    salt = secrets.token_bytes(argon2id.SALTBYTES)
    header = _MAGIC + salt + KDF_OPERATIONS.to_bytes(4, "big") + KDF_MEMORY_BYTES.to_bytes(4, "big")
    key = argon2id.kdf(Aead.KEY_SIZE, password.encode(), salt, opslimit=KDF_OPERATIONS, memlimit=KDF_MEMORY_BYTES)
    sealed = header + bytes(Aead(key).encrypt(b"".join(parts), header))
    return sealed + hashlib.sha256(sealed).digest()


def open_backup(content: bytes, password: str) -> Backup:
    """Return what is in a backup file, every entry as its manifest says.

    Raises: UsageRefused if it is none, ProofInvalid if it is damaged, PasswordWrong.
    """
    if not content.startswith(_MAGIC):
        raise UsageRefused(
            "this is no backup of a wallet",
            why="it begins with other bytes, or was written by a newer wallet",
            next_step="sycee backup verify FILE",
            code="BACKUP_INVALID",
        )
    sealed, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    if len(sealed) <= _HEADER_BYTES or hashlib.sha256(sealed).digest() != checksum:
        raise _damaged("its checksum differs")
    header = sealed[:_HEADER_BYTES]
    salt = header[len(_MAGIC) : -8]
    operations, memory = int.from_bytes(header[-8:-4], "big"), int.from_bytes(header[-4:], "big")
    if not argon2id.OPSLIMIT_MIN <= operations <= argon2id.OPSLIMIT_SENSITIVE:
        raise _damaged(f"{operations} operations of the key derivation are not among those used")
    if not argon2id.MEMLIMIT_MIN <= memory <= argon2id.MEMLIMIT_SENSITIVE:
        raise _damaged(f"{memory} bytes of the key derivation are not among those used")
    key = argon2id.kdf(Aead.KEY_SIZE, password.encode(), salt, opslimit=operations, memlimit=memory)
    try:
        plain = Aead(key).decrypt(sealed[_HEADER_BYTES:], header)
    except CryptoError as error:
        raise PasswordWrong(
            "the password does not open the backup",
            why="the file is whole, and sealed under another password",
            next_step="repeat the command with the password given when it was made",
        ) from error
    try:
        return _read_plain(plain)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(str(error)) from error


def _read_plain(plain: bytes) -> Backup:
    """Return the entries, their lengths and hashes those of the manifest. Raises: ValueError, KeyError, TypeError."""
    at = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES], "big")
    manifest = parse_json(plain[_LENGTH_BYTES:at])
    if manifest["schema"] != BACKUP_SCHEMA:
        raise ValueError(f"its schema is {manifest['schema']!r}, expected {BACKUP_SCHEMA!r}")
    entries: list[BackupEntry] = []
    for row in manifest["entries"]:
        entry = BackupEntry(str(row["path"]), plain[at : at + int(row["bytes"])])
        if hashlib.sha256(entry.content).hexdigest() != row["sha256"]:
            raise ValueError(f"{entry.path} differs from the manifest")
        if entries and entry.path <= entries[-1].path:
            raise ValueError(f"{entry.path} is out of order")
        entries.append(entry)
        at += len(entry.content)
    if at != len(plain):
        raise ValueError(f"{len(plain) - at} bytes belong to no entry")
    return Backup(int(manifest["created_ms"]), tuple(entries))


def _damaged(detail: str) -> ProofInvalid:
    return ProofInvalid(
        f"the backup is damaged: {detail}",
        why="nothing is restored from a file that is not exactly what was written",
        next_step="use another copy of it",
        code="BACKUP_DAMAGED",
    )

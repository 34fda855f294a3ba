"""Key files of a node: consensus, TLS and attestation keys, each encrypted with a passphrase.

A file is JSON: what it is, the public key in the clear, the private key sealed with a key derived by argon2id.
"""

import json
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.signing import SigningKey

from consensus.primitives.json_text import parse_json
from node.storage.errors import StorageError
from node.storage.files import replace_file, validate_private

SCHEMA = "sycee-node-key/1"
PASSPHRASE_BYTES_MAX = 4_096


class KeyPurpose(Enum):
    """What a key is for; also the name of its file."""

    CONSENSUS = "consensus"
    NODE = "node"
    ATTESTATION = "attestation"


class UnreadablePassphrase(StorageError):
    """The file with the passphrase cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"cannot read the passphrase in {path}: {reason}")


def read_passphrase(path: Path) -> bytes:
    """Return the first line of a file or FIFO. Raises: UnreadablePassphrase."""
    try:
        with path.open("rb") as stream:
            passphrase = stream.read(PASSPHRASE_BYTES_MAX).split(b"\n", 1)[0]
    except OSError as error:
        raise UnreadablePassphrase(path, error.strerror or str(error)) from error
    if not passphrase:
        raise UnreadablePassphrase(path, "its first line is empty")
    return passphrase


class KdfCost(Enum):
    """How long it takes to try one passphrase: operations and memory of argon2id."""

    SENSITIVE = (argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE)
    """About 3 s and 1 GiB: for keys that matter."""
    DEVELOPMENT = (argon2id.OPSLIMIT_MIN, argon2id.MEMLIMIT_MIN)
    """Instant: for development networks, whose passphrase lies beside the key."""


KDF_MEMORY_BYTES_MAX = argon2id.MEMLIMIT_SENSITIVE
"""Most memory a key file may ask for, 1 GiB: what the costliest file of this node asks for."""


KDF_OPERATIONS_MAX = argon2id.OPSLIMIT_SENSITIVE
"""Most passes a key file may ask for, 4: what the costliest file of this node asks for. A billion would never end."""


class UnreadableKey(StorageError):
    def __init__(self, path: Path, detail: str) -> None:
        self.path = path
        super().__init__(f"{path}: {detail}")


class WrongPassphrase(StorageError):
    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: wrong passphrase")


@dataclass(frozen=True, slots=True)
class NodeKey:
    """An ed25519 key pair."""

    purpose: KeyPurpose
    private_key: bytes
    """Seed, 32 bytes."""
    public_key: bytes


def make_key(purpose: KeyPurpose) -> NodeKey:
    """Return a new key."""
    private_key = os.urandom(32)
    return NodeKey(purpose, private_key, bytes(SigningKey(private_key).verify_key))


def key_path(folder: Path, purpose: KeyPurpose) -> Path:
    """Return the file of a key."""
    return folder / f"{purpose.value}.key"


def save_key(folder: Path, key: NodeKey, passphrase: bytes, cost: KdfCost) -> Path:
    """Write the encrypted key file, readable by its owner only. Raises: WriteFailed."""
    salt = os.urandom(argon2id.SALTBYTES)
    operations, memory = cost.value
    box = SecretBox(argon2id.kdf(SecretBox.KEY_SIZE, passphrase, salt, opslimit=operations, memlimit=memory))
    content = {
        "schema": SCHEMA,
        "purpose": key.purpose.value,
        "publicKey": "0x" + key.public_key.hex(),
        "kdf": {"name": "argon2id", "salt": salt.hex(), "operations": operations, "memoryBytes": memory},
        "sealed": box.encrypt(key.private_key).hex(),
    }
    path = key_path(folder, key.purpose)
    replace_file(path, json.dumps(content, indent=2).encode() + b"\n")
    return path


def sign_message(key: NodeKey, message: bytes) -> bytes:
    """Return the 64-byte ed25519 signature of `key` over `message`; for proofs of possession, never for votes."""
    return SigningKey(key.private_key).sign(message).signature


def load_public_key(path: Path) -> bytes:
    """Return the public key in a key file. Raises: UnreadableKey."""
    try:
        content = parse_json(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise UnreadableKey(path, f"schema {content['schema']!r}, this node reads {SCHEMA!r}")
        return bytes.fromhex(content["publicKey"][2:])
    except FileNotFoundError as error:
        raise UnreadableKey(path, "is missing: run `sycee-node init`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableKey(path, f"is not a key file: {error}") from error


def load_key(folder: Path, purpose: KeyPurpose, passphrase: bytes) -> NodeKey:
    """Return a decrypted key.

    Raises: UnreadableKey, WrongPassphrase, LoosePermissions.
    """
    path = key_path(folder, purpose)
    public_key = load_public_key(path)
    validate_private(path)
    try:
        content = parse_json(path.read_bytes())
        if content["purpose"] != purpose.value:
            raise UnreadableKey(path, f"is a {content['purpose']} key, not a {purpose.value} key")
        sealed = bytes.fromhex(content["sealed"])
        box = SecretBox(_derive(path, content["kdf"], passphrase))
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UnreadableKey(path, f"is not a key file: {error}") from error
    try:
        private_key = box.decrypt(sealed)
    except CryptoError as error:
        raise WrongPassphrase(path) from error
    if bytes(SigningKey(private_key).verify_key) != public_key:
        raise UnreadableKey(path, "public and private key do not belong together")
    return NodeKey(purpose, private_key, public_key)


def _derive(path: Path, kdf: dict[str, Any], passphrase: bytes) -> bytes:
    """Return the key that seals a private key. Raises: UnreadableKey, ValueError, KeyError, TypeError."""
    memory_bytes, operations = kdf["memoryBytes"], kdf["operations"]
    if operations > KDF_OPERATIONS_MAX:
        raise UnreadableKey(path, f"asks for {operations} passes over memory, at most {KDF_OPERATIONS_MAX} are made")
    if memory_bytes > KDF_MEMORY_BYTES_MAX:
        raise UnreadableKey(path, f"asks for {memory_bytes} bytes of memory, at most {KDF_MEMORY_BYTES_MAX} are given")
    try:
        return argon2id.kdf(
            SecretBox.KEY_SIZE,
            passphrase,
            bytes.fromhex(kdf["salt"]),
            opslimit=operations,
            memlimit=memory_bytes,
        )
    except RuntimeError as error:
        # PyNaCl's error for this is a CryptoError too, and must not pass for a wrong passphrase.
        detail = f"needs {memory_bytes // 2**20} MiB of memory to be opened, which this machine does not give: {error}"
        raise UnreadableKey(path, detail) from error

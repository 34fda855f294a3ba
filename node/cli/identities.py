"""A node's keys as its commands need them: made once, then known by their public parts.

The public parts stand in public.json beside the keys, so that showing them opens no secret.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from consensus.primitives.json_text import parse_json
from node.cli.errors import CommandError
from node.cli.homes import write_once
from node.home import KeyPlace
from node.storage.guard_file import create_guard
from node.validator.keys import KdfCost, KeyPurpose, NodeKey, key_path, load_key, make_key, read_passphrase, save_key


class NoKeys(CommandError):
    """The home has no keys yet."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path} does not tell the node's public keys: {reason}. `sycee-node init` makes them.")


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """What others know of a node."""

    consensus_key: bytes
    """ed25519, verifies votes."""
    tls_key: bytes
    """ed25519, authenticates links."""
    attestation_key: bytes
    """ed25519, verifies attestations for offline wallets."""


def create_identity(place: KeyPlace, *, passphrase_file: Path, is_development: bool) -> tuple[PublicIdentity, str]:
    """Return the node's public keys and `created PATH` or `found PATH`; `is_development` takes a quick key derivation.

    Raises: UnreadablePassphrase, NoKeys, UnreadableKey, WrongPassphrase, LoosePermissions.
    """
    public_file = place.public_file
    if public_file.exists():
        return load_public_identity(place), f"found {public_file}"
    passphrase = read_passphrase(passphrase_file)
    cost = KdfCost.DEVELOPMENT if is_development else KdfCost.SENSITIVE
    keys = {purpose: _load_or_make(place, purpose, passphrase, cost) for purpose in KeyPurpose}
    identity = PublicIdentity(
        consensus_key=keys[KeyPurpose.CONSENSUS].public_key,
        tls_key=keys[KeyPurpose.NODE].public_key,
        attestation_key=keys[KeyPurpose.ATTESTATION].public_key,
    )
    return identity, write_once(public_file, json.dumps(identity_json(identity), indent=2).encode() + b"\n")


def load_public_identity(place: KeyPlace) -> PublicIdentity:
    """Return the public parts of a set of keys.

    Raises: NoKeys.
    """
    public_file = place.public_file
    try:
        content = parse_json(public_file.read_bytes())
        return PublicIdentity(
            consensus_key=_unhex(content["consensusKey"]),
            tls_key=_unhex(content["tlsKey"]),
            attestation_key=_unhex(content["attestationKey"]),
        )
    except OSError as error:
        raise NoKeys(public_file, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoKeys(public_file, f"damaged ({error})") from error


def identity_json(identity: PublicIdentity) -> dict[str, str]:
    """Return the public keys by the names they have in a genesis document."""
    return {
        "consensusKey": "0x" + identity.consensus_key.hex(),
        "tlsKey": "0x" + identity.tls_key.hex(),
        "attestationKey": "0x" + identity.attestation_key.hex(),
    }


def _load_or_make(place: KeyPlace, purpose: KeyPurpose, passphrase: bytes, cost: KdfCost) -> NodeKey:
    """Return the key for `purpose`; a creation that was cut off left some of them, and those are kept.

    The sign guard is born before its consensus key is saved: a key without a guard may never vote.
    """
    folder = place.folder
    if key_path(folder, purpose).exists():
        return load_key(folder, purpose, passphrase)
    key = make_key(purpose)
    if purpose is KeyPurpose.CONSENSUS:
        place.guard_file.unlink(missing_ok=True)
        create_guard(place.guard_file, key.public_key)
    save_key(folder, key, passphrase, cost)
    return key


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))

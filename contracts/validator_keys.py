"""What a validator's keys sign to prove that their holder is there. The registry checks it, node commands make it.

Source: consensus.md §9.
"""

from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address, Hash32

PROOF_PREFIX: Final = b"sycee-validator-keys/1"
"""Separates these signatures from votes and from everything else the same keys sign."""


@dataclass(frozen=True, slots=True)
class ValidatorKeys:
    """The three ed25519 public keys of a validator, 32 bytes each."""

    consensus_key: bytes
    """Signs votes."""
    tls_key: bytes
    """Authenticates links."""
    attestation_key: bytes
    """Signs lock certificates."""


def possession_message(*, chain_id: int, genesis_hash: Hash32, operator: Address, keys: ValidatorKeys) -> bytes:
    """Return what each of the three keys signs: prefix ‖ chain id u64 ‖ genesis hash ‖ operator ‖ the three keys.

    The operator stands in it, so that nobody registers another's keys as his own.
    """
    return (
        PROOF_PREFIX
        + chain_id.to_bytes(8, "big")
        + genesis_hash
        + operator
        + keys.consensus_key
        + keys.tls_key
        + keys.attestation_key
    )

"""What a validator is called, and what its keys sign to prove that their holder is there.

The registry checks both, node commands make them; nothing here reads state.
Source: consensus.md §9.
"""

import re
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address, Hash32

PROOF_PREFIX: Final = b"sycee-validator-keys/1"
"""Separates these signatures from votes and from everything else the same keys sign."""


KEY_BYTES: Final = 32

NAME_BYTES_MAX: Final = 31
"""Longest name: what a storage word holds beside its length. Twice as long would take two more slots a member."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class ValidatorKeys:
    """The three ed25519 public keys of a validator, 32 bytes each."""

    consensus_key: bytes
    """Signs votes."""
    tls_key: bytes
    """Authenticates links."""
    attestation_key: bytes
    """Signs lock certificates."""

    def each(self) -> tuple[bytes, bytes, bytes]:
        """Return the keys in the order of every encoding."""
        return self.consensus_key, self.tls_key, self.attestation_key


def is_validator_name(name: str) -> bool:
    """Tell whether `name` may name a validator: 1 to 31 of a-z, 0-9 and the dash, not a dash first."""
    return len(name) <= NAME_BYTES_MAX and _NAME.fullmatch(name) is not None


def possession_message(*, chain_id: int, genesis_hash: Hash32, operator: Address, keys: ValidatorKeys) -> bytes:
    """Return what each of the three keys signs: prefix ‖ chain id u64 ‖ genesis hash ‖ operator ‖ the three keys.

    The operator stands in it, so that nobody registers another's keys as his own.
    """
    return PROOF_PREFIX + chain_id.to_bytes(8, "big") + genesis_hash + operator + b"".join(keys.each())

"""The validator set of an epoch: quorum arithmetic, leaders, and the bytes that headers commit to.

Source: consensus.md §1, §9; EIP-7685.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import Address, Epoch, Hash32, ValidatorIndex, View

VALIDATORS_MAX = 100
"""Largest set on the wire; 4 to 30 are intended."""

VALIDATOR_BYTES = 148
NEXT_SET_REQUEST_TYPE = b"\x5c"
"""EIP-7685 request type of the next validator set."""


class InvalidValidatorSet(ValueError):
    """A set that no epoch can have, or bytes that encode none."""


@dataclass(frozen=True, slots=True)
class Validator:
    """One member of a set."""

    consensus_key: bytes
    """ed25519, signs votes."""
    tls_key: bytes
    """ed25519, authenticates links."""
    attestation_key: bytes
    """ed25519, signs attestations."""
    operator: Address
    """Account of the bank."""
    endpoints_hash: Hash32
    """SHA-256 of the published endpoints."""


@dataclass(frozen=True, slots=True)
class ValidatorSet:
    """The validators of one epoch, sorted by consensus key. One validator, one vote."""

    epoch: Epoch
    validators: tuple[Validator, ...]
    leader_offset: int
    """First 8 bytes, big-endian, of the block hash that is view 0 of the epoch."""

    @property
    def count(self) -> int:
        """n."""
        return len(self.validators)

    @property
    def faulty_max(self) -> int:
        """f: how many may misbehave. The remainder of the division is safety margin that cannot be used."""
        return (len(self.validators) - 1) // 3

    @property
    def quorum(self) -> int:
        """Q = n − f: two quorums share at least f + 1 validators."""
        return len(self.validators) - (len(self.validators) - 1) // 3

    def leader(self, view: View) -> ValidatorIndex:
        """Return who proposes in `view`."""
        return ValidatorIndex((view + self.leader_offset) % len(self.validators))

    def index_of(self, consensus_key: bytes) -> ValidatorIndex | None:
        """Return the index of the validator with that key; None if it is not in the set."""
        for index, validator in enumerate(self.validators):
            if validator.consensus_key == consensus_key:
                return ValidatorIndex(index)
        return None


def make_validator_set(epoch: Epoch, validators: Sequence[Validator], view_zero: Hash32) -> ValidatorSet:
    """Return the sorted set of `epoch`, whose view 0 is the block `view_zero`.

    Raises: InvalidValidatorSet if it is empty, too large or repeats a key.
    """
    if not 0 < len(validators) <= VALIDATORS_MAX:
        raise InvalidValidatorSet(f"{len(validators)} validators, must be 1 to {VALIDATORS_MAX}")
    ordered = tuple(sorted(validators, key=lambda validator: validator.consensus_key))
    for first, second in itertools.pairwise(ordered):
        if first.consensus_key == second.consensus_key:
            raise InvalidValidatorSet(f"consensus key 0x{first.consensus_key.hex()} stands twice")
    return ValidatorSet(epoch, ordered, int.from_bytes(view_zero[:8], "big"))


def encode_set_payload(epoch: Epoch, validators: Sequence[Validator]) -> bytes:
    """Return the payload that a header's requestsHash commits to: epoch u64 ‖ count u16 ‖ 148 bytes each."""
    ordered = sorted(validators, key=lambda validator: validator.consensus_key)
    return (
        epoch.to_bytes(8, "big")
        + len(ordered).to_bytes(2, "big")
        + b"".join(
            [
                validator.consensus_key
                + validator.tls_key
                + validator.attestation_key
                + validator.operator
                + validator.endpoints_hash
                for validator in ordered
            ]
        )
    )


def decode_set_payload(payload: bytes) -> tuple[Epoch, tuple[Validator, ...]]:
    """Return the epoch and its validators.

    Raises: InvalidValidatorSet if the bytes are not canonical.
    """
    count = int.from_bytes(payload[8:10], "big")
    if not 0 < count <= VALIDATORS_MAX or len(payload) != 10 + count * VALIDATOR_BYTES:
        raise InvalidValidatorSet(f"{len(payload)} bytes do not hold {count} validators")
    validators = tuple(
        Validator(
            consensus_key=payload[at : at + 32],
            tls_key=payload[at + 32 : at + 64],
            attestation_key=payload[at + 64 : at + 96],
            operator=Address(payload[at + 96 : at + 116]),
            endpoints_hash=Hash32(payload[at + 116 : at + 148]),
        )
        for at in range(10, len(payload), VALIDATOR_BYTES)
    )
    keys = [validator.consensus_key for validator in validators]
    if any(first >= second for first, second in itertools.pairwise(keys)):
        raise InvalidValidatorSet("validators are not in the order of their consensus keys")
    return Epoch(int.from_bytes(payload[:8], "big")), validators


def next_set_requests_hash(payload: bytes) -> Hash32:
    """Return the requestsHash of a header that commits to the set in `payload` (EIP-7685)."""
    return sha256(sha256(NEXT_SET_REQUEST_TYPE + payload))

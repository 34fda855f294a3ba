"""The validator set as everybody can read and prove it. Genesis writes it; nothing changes it yet.

Order is by consensus key, which is the order of validator indexes. Source: consensus.md §9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import ValidatorRegistrySlots, validator_slot
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable, build_contract
from contracts.native.errors import revert


@dataclass(frozen=True, slots=True)
class ValidatorRecord:
    """One validator: 148 bytes in the order of the epoch handoff."""

    consensus_key: bytes
    """ed25519 public key that signs votes, 32 bytes; unique."""
    tls_key: bytes
    """ed25519 public key of its node certificate, 32 bytes."""
    attestation_key: bytes
    """ed25519 public key that signs lock certificates, 32 bytes."""
    operator: Address
    """Account that manages the entry, and the `miner` of its blocks; not zero."""
    endpoints_hash: bytes
    """SHA-256 of its published endpoints, 32 bytes."""


FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("validatorCount()", returns="uint256")
def validator_count(context: CallContext) -> int:
    """Return how many validators there are."""
    return context.get_slot(ValidatorRegistrySlots.VALIDATORS)


@FUNCTIONS.function(
    "validatorAt(uint256 index)",
    returns="bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey, address operator, bytes32 endpointsHash",
)
def validator_at(context: CallContext, index: int) -> tuple[bytes, bytes, bytes, Address, bytes]:
    """Return the validator at `index`, from 0 in order of consensus keys; reverts with IndexOutOfRange."""
    count = context.get_slot(ValidatorRegistrySlots.VALIDATORS)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    slot = validator_slot(index)
    consensus_key, tls_key, attestation_key, operator, endpoints_hash = (
        context.get_slot(slot + word).to_bytes(32, "big") for word in range(5)
    )
    return consensus_key, tls_key, attestation_key, Address(operator[12:]), endpoints_hash


def write_validators(context: CallContext, validators: Sequence[ValidatorRecord]) -> None:
    """Write the set, sorted by consensus key; genesis is the only caller."""
    context.set_slot(ValidatorRegistrySlots.VALIDATORS, len(validators))
    for index, record in enumerate(sorted(validators, key=lambda record: record.consensus_key)):
        words = (
            record.consensus_key,
            record.tls_key,
            record.attestation_key,
            record.operator,
            record.endpoints_hash,
        )
        for offset, word in enumerate(words):
            context.set_slot(validator_slot(index) + offset, int.from_bytes(word, "big"))


VALIDATOR_REGISTRY: Final = build_contract(
    "ValidatorRegistry", tables=(FUNCTIONS,), errors_declared=(errors.INDEX_OUT_OF_RANGE,)
)

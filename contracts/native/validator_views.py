"""What everybody may read of the validators. Nothing here writes."""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import ValidatorRegistrySlots
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.validator_state import read_running_epoch, read_validator

VIEWS: Final = FunctionTable()


@VIEWS.function("epoch()", returns="uint64")
def epoch(context: CallContext) -> int:
    """Return the number of the epoch in force; after its last block, of the next one."""
    return read_running_epoch(context.get_slot).epoch


@VIEWS.function("epochFirstHeight()", returns="uint64")
def epoch_first_height(context: CallContext) -> int:
    """Return the height of the first block of that epoch."""
    return read_running_epoch(context.get_slot).first_height


@VIEWS.function("validatorCount()", returns="uint256")
def validator_count(context: CallContext) -> int:
    """Return how many validators there are."""
    return context.get_slot(ValidatorRegistrySlots.VALIDATORS)


@VIEWS.function(
    "validatorAt(uint256 index)",
    returns="bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey, address operator, bytes32 endpointsHash",
)
def validator_at(context: CallContext, index: int) -> tuple[bytes, bytes, bytes, Address, bytes]:
    """Return the validator at `index`, from 0 in order of consensus keys; reverts with IndexOutOfRange."""
    count = context.get_slot(ValidatorRegistrySlots.VALIDATORS)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    found = read_validator(context.get_slot, ValidatorRegistrySlots.VALIDATORS, index)
    return found.consensus_key, found.tls_key, found.attestation_key, found.operator, found.endpoints_hash

"""What everybody may read of the validators. Nothing here writes."""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.layout import ValidatorRegistrySlots
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.validator_state import (
    operator_at,
    operator_named,
    read_endpoints,
    read_member,
    read_running_epoch,
    read_validator,
)

WORK_MEMBER: Final = 40
"""A record of ten words, and endpoints of up to 15."""

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


@VIEWS.function(
    "memberOf(address operator)",
    returns="uint8 status, bool isReady, string name, bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey,"
    " string[] endpoints, bool isSuspending, bool isLeaving, bytes32 nextConsensusKey, bytes32 nextTlsKey,"
    " bytes32 nextAttestationKey",
    work=WORK_MEMBER,
)
def member_of(context: CallContext, operator: Address) -> tuple[AbiValue, ...]:
    """Return what is kept of an operator; all empty for somebody unknown.

    `status` is the number of `Status`; `isSuspending`, `isLeaving` and keys to come tell what waits for the end of the
    epoch. Endpoints are the newest, which a validator uses from the next epoch on.
    """
    record = read_member(context.get_slot, operator)
    return (
        record.status,
        record.is_ready,
        record.name,
        *record.keys.each(),
        read_endpoints(context.get_slot, record.endpoints_hash),
        record.suspend_sequence != 0,
        record.leave_sequence != 0,
        *record.next_keys.each(),
    )


@VIEWS.function("operatorNamed(string name)", returns="address operator")
def operator_of_name(context: CallContext, name: str) -> Address:
    """Return the operator that has `name`; zero if nobody has."""
    return operator_named(context.get_slot, name)


@VIEWS.function("pendingCount()", returns="uint256")
def pending_count(context: CallContext) -> int:
    """Return how many operators want to join: candidates and applicants."""
    return context.get_slot(ValidatorRegistrySlots.CANDIDATES) + context.get_slot(ValidatorRegistrySlots.APPLICANTS)


@VIEWS.function("pendingAt(uint256 index)", returns="address operator")
def pending_at(context: CallContext, index: int) -> Address:
    """Return an operator that wants to join, candidates first; reverts with IndexOutOfRange."""
    count = pending_count(context)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    candidates = context.get_slot(ValidatorRegistrySlots.CANDIDATES)
    if index < candidates:
        return operator_at(context.get_slot, ValidatorRegistrySlots.CANDIDATES, index)
    return operator_at(context.get_slot, ValidatorRegistrySlots.APPLICANTS, index - candidates)


@VIEWS.function("suspendedCount()", returns="uint256")
def suspended_count(context: CallContext) -> int:
    """Return how many operators are out and may come back."""
    return context.get_slot(ValidatorRegistrySlots.SUSPENDED)


@VIEWS.function("suspendedAt(uint256 index)", returns="address operator")
def suspended_at(context: CallContext, index: int) -> Address:
    """Return a suspended operator; reverts with IndexOutOfRange."""
    count = suspended_count(context)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    return operator_at(context.get_slot, ValidatorRegistrySlots.SUSPENDED, index)


@VIEWS.function("isEpochEnding()", returns="bool")
def is_epoch_ending(context: CallContext) -> bool:
    """Tell whether the council has ended the epoch with the block in execution."""
    return read_running_epoch(context.get_slot).is_ending


@VIEWS.function("genesisHash()", returns="bytes32")
def genesis_hash(context: CallContext) -> bytes:
    """Return the hash of block 0, which every signature of a validator contains; zero in block 0 itself."""
    return context.get_slot(ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big")

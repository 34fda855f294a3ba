"""What the chain says of an epoch: its set and members, its parameters, who may join. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from consensus.primitives.scalars import Hash32, Height, WorkUnits
from consensus.simplex.parameters import Parameters
from consensus.simplex.validators import Validator, ValidatorSet, encode_set_payload, make_validator_set
from contracts.addresses import PROTOCOL_CONFIG, VALIDATOR_REGISTRY
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ValidatorRegistrySlots, former_set_slot
from contracts.native.validator_state import (
    CANDIDATES_MAX,
    GetSlot,
    read_endpoints,
    read_member,
    read_name,
    read_operators,
    read_running_epoch,
    read_set,
)
from node.execution.limits import BlockLimits
from node.state.reader import StateReader

SUSPENDED_LINKED_MAX = 32
"""Suspended operators that may open links; of more, those suspended last."""


@dataclass(frozen=True, slots=True)
class Member:
    """A validator with what is needed to find and to name it."""

    validator: Validator
    """Its entry in the set."""
    name: str
    """For screens and logs."""
    endpoints: tuple[str, ...]
    """host:port, in the order to be dialed."""


@dataclass(frozen=True, slots=True)
class EpochInForce:
    """Everything that is fixed for an epoch, and who may open links in it."""

    validators: ValidatorSet
    """The set, with the epoch's number and its leaders."""
    first_height: Height
    """Height of the epoch's first block."""
    parameters: Parameters
    """Of consensus."""
    limits: BlockLimits
    """Of execution."""
    payload: bytes
    """The set as headers commit to it."""
    members: tuple[Member, ...]
    """In the order of the set."""
    previous: tuple[Member, ...]
    """The set of the epoch before, which is served one epoch more; empty in epoch 0."""
    observers: tuple[Member, ...]
    """Approved or suspended: not in the set, but they may open links and follow."""


def read_epoch(state: StateReader, view_zero: Hash32) -> EpochInForce:
    """Return the epoch in force in `state`, whose view 0 is the block `view_zero`.

    Any state from that block's to the one before the epoch's last block gives the same answer but for `observers`.
    """
    get_slot = _registry(state)
    running = read_running_epoch(get_slot)
    validators = read_set(get_slot, ValidatorRegistrySlots.VALIDATORS)
    previous = read_set(get_slot, former_set_slot(running.epoch - 1)) if running.epoch else ()
    parameters = Parameters(**{field.name: _parameter(state, field.name) for field in fields(Parameters)})
    return EpochInForce(
        validators=make_validator_set(running.epoch, validators, view_zero),
        first_height=running.first_height,
        parameters=parameters,
        limits=read_limits(state),
        payload=encode_set_payload(running.epoch, validators),
        members=_members(get_slot, validators),
        previous=_members(get_slot, previous),
        observers=read_observers(state),
    )


def read_limits(state: StateReader) -> BlockLimits:
    """Return the limits of execution in force in `state`."""
    return BlockLimits(
        block_gas_max=_parameter(state, "block_gas_limit"),
        block_work_max=WorkUnits(_parameter(state, "block_work_max")),
        transaction_work_max=WorkUnits(_parameter(state, "tx_work_max")),
        body_bytes_max=_parameter(state, "block_bytes_max"),
    )


def read_observers(state: StateReader) -> tuple[Member, ...]:
    """Return the operators that are approved and in no set yet, then those suspended last, as the registry lists them.

    A suspended operator follows the chain on its own node: it sees that it is reinstated, and is in step to say so.
    """
    get_slot = _registry(state)
    validators = []
    candidates = read_operators(get_slot, ValidatorRegistrySlots.CANDIDATES, last=CANDIDATES_MAX)
    suspended = read_operators(get_slot, ValidatorRegistrySlots.SUSPENDED, last=SUSPENDED_LINKED_MAX)
    for operator in (*candidates, *suspended):
        record = read_member(get_slot, operator)
        validators.append(Validator(*record.keys.each(), operator, record.endpoints_hash))
    return _members(get_slot, validators)


def _registry(state: StateReader) -> GetSlot:
    return lambda slot: state.storage(VALIDATOR_REGISTRY, slot)


def _parameter(state: StateReader, name: str) -> int:
    return state.storage(PROTOCOL_CONFIG, PROTOCOL_PARAMETER_SLOTS[name])


def _members(get_slot: GetSlot, validators: Sequence[Validator]) -> tuple[Member, ...]:
    return tuple(
        Member(
            validator,
            # Who left and applied again without success has no name any more, and may still serve its last epoch.
            read_name(get_slot, validator.operator) or f"0x{validator.operator[:4].hex()}",
            read_endpoints(get_slot, Hash32(validator.endpoints_hash)),
        )
        for validator in validators
    )

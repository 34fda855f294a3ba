"""What the chain's state says of an epoch: its set, its parameters, its members, and who may link with them.

Values are those in force for the whole epoch, whichever of its states they are read from. Source: consensus.md §1, §9.
"""

from dataclasses import dataclass, fields
from functools import partial

from consensus.primitives.scalars import Epoch, Hash32, Height, WorkUnits
from consensus.simplex.parameters import Parameters
from consensus.simplex.validators import Validator, ValidatorSet, encode_set_payload, make_validator_set
from contracts.addresses import PROTOCOL_CONFIG, VALIDATOR_REGISTRY
from contracts.layout import PROTOCOL_PARAMETER_SLOTS, ValidatorRegistrySlots
from contracts.native.validator_epochs import read_epoch_word
from contracts.native.validator_records import (
    GetSlot,
    MemberState,
    ValidatorRecord,
    read_member,
    read_operators,
    read_validators,
    record_of,
)
from node.execution.limits import BlockLimits
from node.state.reader import StateReader


@dataclass(frozen=True, slots=True)
class Member:
    """A validator with what the registry publishes of it."""

    validator: Validator
    name: str
    endpoints: tuple[str, ...]
    """host:port of its mesh listener, in the order to be dialed."""


@dataclass(frozen=True, slots=True)
class EpochInForce:
    """One epoch by the chain's own words."""

    validators: ValidatorSet
    first_height: Height
    parameters: Parameters
    limits: BlockLimits
    payload: bytes
    """The set as the header before the epoch commits to it."""
    members: tuple[Member, ...]
    """In the order of the set."""
    previous: tuple[Member, ...]
    """The set of the epoch before: served for one epoch more."""


def read_epoch(state: StateReader, view_zero: Hash32) -> EpochInForce:
    """Return the running epoch as `state` has it; `view_zero` is the hash of the last block before it."""
    get_slot = partial(state.storage, VALIDATOR_REGISTRY)
    entry = read_epoch_word(get_slot)
    members = _members(get_slot, ValidatorRegistrySlots.VALIDATORS)
    validators = [member.validator for member in members]
    get_parameter = partial(state.storage, PROTOCOL_CONFIG)
    values = {name: get_parameter(slot) for name, slot in PROTOCOL_PARAMETER_SLOTS.items()}
    parameters = Parameters(**{field.name: values[field.name] for field in fields(Parameters)})
    return EpochInForce(
        validators=make_validator_set(Epoch(entry.epoch), validators, view_zero),
        first_height=Height(entry.first_height),
        parameters=parameters,
        limits=BlockLimits(
            block_gas_max=values["block_gas_limit"],
            block_work_max=WorkUnits(values["block_work_max"]),
            transaction_work_max=WorkUnits(values["tx_work_max"]),
            body_bytes_max=parameters.block_bytes_max,
        ),
        payload=encode_set_payload(Epoch(entry.epoch), validators),
        members=members,
        previous=_members(get_slot, ValidatorRegistrySlots.PREVIOUS),
    )


def read_candidates(state: StateReader) -> tuple[Member, ...]:
    """Return those whom the council let in and who are not in the set: they may open links and follow."""
    get_slot = partial(state.storage, VALIDATOR_REGISTRY)
    members = [read_member(get_slot, operator) for operator in read_operators(get_slot)]
    return tuple(
        Member(make_validator(record_of(member)), member.name, member.endpoints)
        for member in members
        if member.state in (MemberState.APPROVED, MemberState.READY)
    )


def make_validator(record: ValidatorRecord) -> Validator:
    """Return the registry's record as consensus knows it."""
    return Validator(
        consensus_key=record.consensus_key,
        tls_key=record.tls_key,
        attestation_key=record.attestation_key,
        operator=record.operator,
        endpoints_hash=Hash32(record.endpoints_hash),
    )


def _members(get_slot: GetSlot, array: int) -> tuple[Member, ...]:
    found = []
    for record in read_validators(get_slot, array):
        member = read_member(get_slot, record.operator)
        found.append(Member(make_validator(record), member.name, member.endpoints))
    return tuple(found)

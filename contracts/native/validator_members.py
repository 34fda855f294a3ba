"""How operators join, rotate their keys and leave, and what the council decides about them.

Nothing here changes the set in force: every request waits for the end of an epoch (`validator_epochs.py`). The council
is the governor of ProtocolConfig. Source: consensus.md §9.
"""

import re
from dataclasses import replace
from typing import Final

from consensus.primitives.endpoints import ENDPOINTS_MAX, is_endpoint
from consensus.primitives.scalars import Address, Hash32
from consensus.primitives.signatures import is_safe_ed25519_key, is_valid_ed25519
from contracts import addresses
from contracts.declarations import declare_event, encode_event
from contracts.layout import ValidatorRegistrySlots, key_operator_slot, name_operator_slot
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.protocol_config import governor
from contracts.native.roles import validate_role_account
from contracts.native.validator_epochs import VALIDATORS_MAX, EpochWord, read_epoch_word, write_epoch_word
from contracts.native.validator_records import (
    ENDPOINT_SEPARATOR,
    NO_KEYS,
    Member,
    MemberState,
    add_operator,
    read_member,
    remove_operator,
    write_member,
)
from contracts.validator_keys import ValidatorKeys, possession_message

GAS_KEYS: Final = 60_000
"""A request with three keys: three signatures checked, about twenty slots written."""
WORK_KEYS: Final = 650
"""Three signatures at 60 each, 20 slots, the rest."""
GAS_MEMBER: Final = 20_000
"""Any other request about a member."""
WORK_MEMBER: Final = 250

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")

JOIN_REQUESTED: Final = declare_event(
    "JoinRequested(address indexed operator, bytes32 indexed consensusKey, string name, string endpoints)"
)
REQUEST_CANCELLED: Final = declare_event("RequestCancelled(address indexed operator)")
JOIN_APPROVED: Final = declare_event("JoinApproved(address indexed operator)")
MEMBER_READY: Final = declare_event("MemberReady(address indexed operator)")
ENDPOINTS_SET: Final = declare_event("EndpointsSet(address indexed operator, string endpoints)")
ROTATION_REQUESTED: Final = declare_event(
    "RotationRequested(address indexed operator, bytes32 indexed consensusKey, bytes32 indexed nextConsensusKey)"
)
LEAVE_REQUESTED: Final = declare_event("LeaveRequested(address indexed operator)")
MEMBER_SUSPENDED: Final = declare_event("MemberSuspended(address indexed operator)")
MEMBER_REINSTATED: Final = declare_event("MemberReinstated(address indexed operator)")
EPOCH_END_REQUESTED: Final = declare_event("EpochEndRequested(uint256 indexed epoch)")

MEMBER_EVENTS: Final = (
    JOIN_REQUESTED,
    REQUEST_CANCELLED,
    JOIN_APPROVED,
    MEMBER_READY,
    ENDPOINTS_SET,
    ROTATION_REQUESTED,
    LEAVE_REQUESTED,
    MEMBER_SUSPENDED,
    MEMBER_REINSTATED,
    EPOCH_END_REQUESTED,
)

MEMBERS: Final = FunctionTable()


# Operators


@MEMBERS.function(
    "requestJoin(string name, string endpoints, bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey,"
    " bytes consensusProof, bytes tlsProof, bytes attestationProof)",
    gas=GAS_KEYS,
    work=WORK_KEYS,
    mutates=True,
)
def request_join(
    context: CallContext,
    name: str,
    endpoints: str,
    consensus_key: bytes,
    tls_key: bytes,
    attestation_key: bytes,
    consensus_proof: bytes,
    tls_proof: bytes,
    attestation_proof: bytes,
) -> None:
    """Ask for a place in the set; the caller becomes the validator's operator.

    `endpoints` are host:port texts with commas between them. Each key signs `possession_message`. Reverts with
    MemberStateUnfit, MemberIsSuspended, InvalidValidatorName, ValidatorNameTaken, InvalidEndpoints,
    InvalidValidatorKey, ValidatorKeyTaken or PossessionNotProven.
    """
    operator = context.caller
    validate_role_account(operator)
    before = read_member(context.get_slot, operator)
    _require_state(before, MemberState.NONE, MemberState.OUT)
    if before.is_suspended:
        raise revert(errors.MEMBER_IS_SUSPENDED, operator)
    if not _NAME.fullmatch(name):
        raise revert(errors.INVALID_VALIDATOR_NAME, name)
    holder = _address(context.get_slot(name_operator_slot(name.encode())))
    if any(holder) and holder != operator:
        raise revert(errors.VALIDATOR_NAME_TAKEN, name, holder)
    keys = ValidatorKeys(consensus_key, tls_key, attestation_key)
    _validate_keys(context, keys, (consensus_proof, tls_proof, attestation_proof))
    if before.name and before.name != name:
        context.set_slot(name_operator_slot(before.name.encode()), 0)
    claim_names_and_keys(context, operator, name, keys)
    write_member(
        context,
        Member(
            operator=operator,
            state=MemberState.REQUESTED,
            is_suspended=False,
            is_leaving=False,
            is_rotating=False,
            sequence=_next_sequence(context),
            keys=keys,
            next_keys=NO_KEYS,
            name=name,
            endpoints=_read_endpoints(endpoints),
        ),
    )
    context.emit(*encode_event(JOIN_REQUESTED, operator, consensus_key, name, endpoints))


@MEMBERS.function("cancelRequest()", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def cancel_request(context: CallContext) -> None:
    """Take back a request to join, a rotation or a leave that is not in force yet; reverts with MemberStateUnfit."""
    member = read_member(context.get_slot, context.caller)
    if member.state is MemberState.ACTIVE and (member.is_rotating or member.is_leaving):
        write_member(context, replace(member, is_rotating=False, is_leaving=False, next_keys=NO_KEYS))
    else:
        _require_state(member, MemberState.REQUESTED, MemberState.APPROVED, MemberState.READY)
        if member.state is not MemberState.REQUESTED:
            remove_operator(context, member.operator)
        write_member(context, replace(member, state=MemberState.OUT))
    context.emit(*encode_event(REQUEST_CANCELLED, member.operator))


@MEMBERS.function("ready()", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def ready(context: CallContext) -> None:
    """Say that an approved joiner's node is in step; it joins at the next boundary with room.

    Reverts with MemberStateUnfit.
    """
    member = read_member(context.get_slot, context.caller)
    _require_state(member, MemberState.APPROVED)
    write_member(context, replace(member, state=MemberState.READY, sequence=_next_sequence(context)))
    context.emit(*encode_event(MEMBER_READY, member.operator))


@MEMBERS.function("setEndpoints(string endpoints)", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def set_endpoints(context: CallContext, endpoints: str) -> None:
    """Publish where the caller's validator can be dialled from the next epoch on.

    Reverts with MemberStateUnfit or InvalidEndpoints.
    """
    member = read_member(context.get_slot, context.caller)
    _require_state(member, MemberState.REQUESTED, MemberState.APPROVED, MemberState.READY, MemberState.ACTIVE)
    write_member(context, replace(member, endpoints=_read_endpoints(endpoints)))
    context.emit(*encode_event(ENDPOINTS_SET, member.operator, endpoints))


@MEMBERS.function(
    "rotate(bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey,"
    " bytes consensusProof, bytes tlsProof, bytes attestationProof)",
    gas=GAS_KEYS,
    work=WORK_KEYS,
    mutates=True,
)
def rotate(
    context: CallContext,
    consensus_key: bytes,
    tls_key: bytes,
    attestation_key: bytes,
    consensus_proof: bytes,
    tls_proof: bytes,
    attestation_proof: bytes,
) -> None:
    """Replace the caller's three keys at the next boundary with room; a rotation already under way is replaced.

    Reverts with MemberStateUnfit, InvalidValidatorKey, ValidatorKeyTaken or PossessionNotProven.
    """
    member = read_member(context.get_slot, context.caller)
    _require_state(member, MemberState.ACTIVE)
    keys = ValidatorKeys(consensus_key, tls_key, attestation_key)
    _validate_keys(context, keys, (consensus_proof, tls_proof, attestation_proof))
    claim_names_and_keys(context, member.operator, member.name, keys)
    rotated = replace(member, next_keys=keys, is_rotating=True, sequence=_next_sequence(context))
    write_member(context, rotated)
    context.emit(*encode_event(ROTATION_REQUESTED, member.operator, member.keys.consensus_key, consensus_key))


@MEMBERS.function("requestLeave()", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def request_leave(context: CallContext) -> None:
    """Give up the caller's place at the next boundary with room; its node runs on for one epoch more.

    Reverts with MemberStateUnfit.
    """
    member = read_member(context.get_slot, context.caller)
    _require_state(member, MemberState.ACTIVE)
    write_member(context, replace(member, is_leaving=True, sequence=_next_sequence(context)))
    context.emit(*encode_event(LEAVE_REQUESTED, member.operator))


# The council


@MEMBERS.function("approve(address operator)", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def approve(context: CallContext, operator: Address) -> None:
    """Let a requester open links and follow; the council's call. Reverts with MemberStateUnfit or MembersFull."""
    _require_council(context)
    member = read_member(context.get_slot, operator)
    _require_state(member, MemberState.REQUESTED)
    count = context.get_slot(ValidatorRegistrySlots.OPERATORS)
    if count >= VALIDATORS_MAX:
        raise revert(errors.MEMBERS_FULL, count, VALIDATORS_MAX)
    add_operator(context, operator)
    write_member(context, replace(member, state=MemberState.APPROVED))
    context.emit(*encode_event(JOIN_APPROVED, operator))


@MEMBERS.function("suspend(address operator)", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def suspend(context: CallContext, operator: Address) -> None:
    """Take a member's vote from the next boundary with room on; the council's call. Reverts with MemberStateUnfit."""
    _require_council(context)
    member = read_member(context.get_slot, operator)
    _require_state(member, MemberState.APPROVED, MemberState.READY, MemberState.ACTIVE)
    suspend_member(context, member)


@MEMBERS.function("reinstate(address operator)", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def reinstate(context: CallContext, operator: Address) -> None:
    """End a suspension; who is out of the set already joins again after `ready`. Reverts with MemberNotSuspended."""
    _require_council(context)
    member = read_member(context.get_slot, operator)
    if not member.is_suspended:
        raise revert(errors.MEMBER_NOT_SUSPENDED, operator)
    state = MemberState.APPROVED if member.state is MemberState.OUT else member.state
    write_member(context, replace(member, is_suspended=False, state=state))
    context.emit(*encode_event(MEMBER_REINSTATED, operator))


@MEMBERS.function("endEpoch()", gas=GAS_MEMBER, work=WORK_MEMBER, mutates=True)
def request_epoch_end(context: CallContext) -> None:
    """End the epoch with the block this call is in; the council's call."""
    _require_council(context)
    entry = read_epoch_word(context.get_slot)
    write_epoch_word(context, EpochWord(entry.epoch, entry.first_height, is_end_requested=True))
    context.emit(*encode_event(EPOCH_END_REQUESTED, entry.epoch))


# What others use


def suspend_member(context: CallContext, member: Member) -> None:
    """Suspend a member, whoever asks; nothing if it is suspended already."""
    if member.is_suspended:
        return
    write_member(context, replace(member, is_suspended=True, sequence=_next_sequence(context)))
    context.emit(*encode_event(MEMBER_SUSPENDED, member.operator))


def claim_names_and_keys(context: CallContext, operator: Address, name: str, keys: ValidatorKeys) -> None:
    """Note whose name and keys these are."""
    owner = int.from_bytes(operator, "big")
    context.set_slot(name_operator_slot(name.encode()), owner)
    for key in (keys.consensus_key, keys.tls_key, keys.attestation_key):
        context.set_slot(key_operator_slot(key), owner)


def _require_council(context: CallContext) -> None:
    council = governor(context.at(addresses.PROTOCOL_CONFIG))
    if context.caller != council:
        raise revert(errors.GOVERNOR_ONLY, context.caller, council)


def _require_state(member: Member, *allowed: MemberState) -> None:
    if member.state not in allowed:
        raise revert(errors.MEMBER_STATE_UNFIT, member.operator, int(member.state))


def _next_sequence(context: CallContext) -> int:
    sequence = context.get_slot(ValidatorRegistrySlots.SEQUENCE) + 1
    context.set_slot(ValidatorRegistrySlots.SEQUENCE, sequence)
    return sequence


def _read_endpoints(text: str) -> tuple[str, ...]:
    endpoints = tuple(text.split(ENDPOINT_SEPARATOR))
    if len(endpoints) > ENDPOINTS_MAX or not all(is_endpoint(endpoint) for endpoint in endpoints):
        raise revert(errors.INVALID_ENDPOINTS, text)
    return endpoints


def _validate_keys(context: CallContext, keys: ValidatorKeys, proofs: tuple[bytes, bytes, bytes]) -> None:
    """Check that the keys are sound, different, never used before, and in the caller's hands."""
    every = (keys.consensus_key, keys.tls_key, keys.attestation_key)
    for place, key in enumerate(every):
        if not is_safe_ed25519_key(key) or key in every[:place]:
            raise revert(errors.INVALID_VALIDATOR_KEY, key)
        taken = _address(context.get_slot(key_operator_slot(key)))
        if any(taken):
            raise revert(errors.VALIDATOR_KEY_TAKEN, key, taken)
    message = possession_message(
        chain_id=context.chain_id,
        genesis_hash=Hash32(context.get_slot(ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big")),
        operator=context.caller,
        keys=keys,
    )
    for key, proof in zip(every, proofs, strict=True):
        if not is_valid_ed25519(key, message, proof):
            raise revert(errors.POSSESSION_NOT_PROVEN, key)


def _address(word: int) -> Address:
    return Address(word.to_bytes(32, "big")[12:])

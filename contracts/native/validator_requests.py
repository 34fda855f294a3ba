"""What an operator asks for: to join, to change its keys or endpoints, to leave, and to take such a request back.

The caller is the operator. Nothing here changes the set in force: requests wait for the council and for the end of the
epoch. Source: consensus.md §9.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from consensus.primitives.signatures import is_valid_ed25519, is_valid_ed25519_key
from contracts.declarations import declare_event, encode_event
from contracts.layout import ValidatorRegistrySlots
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.validator_state import (
    NO_KEYS,
    MemberRecord,
    Status,
    enter_list,
    key_holder,
    leave_list,
    name_slot,
    next_sequence,
    operator_named,
    read_member,
    read_running_epoch,
    release_keys,
    reserve_keys,
    retire_keys,
    write_endpoints,
    write_member,
)
from contracts.validator_keys import ENDPOINTS_MAX, ValidatorKeys, is_valid_endpoint, is_valid_name, proof_bytes

GAS_JOIN: Final = 60_000
WORK_JOIN: Final = 1_100
"""Three keys and three signatures checked at 65 each, and 32 slots."""

GAS_ROTATE: Final = 40_000
WORK_ROTATE: Final = 700
"""Three keys and three signatures checked at 65 each, and 12 slots."""

GAS_ENDPOINTS: Final = 30_000
WORK_ENDPOINTS: Final = 420
"""19 slots: endpoints of the greatest length, and the record."""

GAS_REQUEST: Final = 15_000
WORK_REQUEST: Final = 120
"""Up to four slots, and a record of ten read."""

WORK_WITHDRAW: Final = 400
"""A record of ten slots erased, with its name, three keys and place in a list."""

JOIN_REQUESTED: Final = declare_event(
    "JoinRequested(address indexed operator, bytes32 indexed consensusKey, string name)"
)
JOIN_WITHDRAWN: Final = declare_event("JoinWithdrawn(address indexed operator)")
CANDIDATE_READY: Final = declare_event("CandidateReady(address indexed operator)")
ENDPOINTS_SET: Final = declare_event("EndpointsSet(address indexed operator, string[] endpoints)")
ROTATION_REQUESTED: Final = declare_event(
    "RotationRequested(address indexed operator, bytes32 indexed consensusKey, bytes32 tlsKey, bytes32 attestationKey)"
)
ROTATION_WITHDRAWN: Final = declare_event("RotationWithdrawn(address indexed operator)")
LEAVE_REQUESTED: Final = declare_event("LeaveRequested(address indexed operator)")
LEAVE_WITHDRAWN: Final = declare_event("LeaveWithdrawn(address indexed operator)")

REQUEST_EVENTS: Final = (
    JOIN_REQUESTED,
    JOIN_WITHDRAWN,
    CANDIDATE_READY,
    ENDPOINTS_SET,
    ROTATION_REQUESTED,
    ROTATION_WITHDRAWN,
    LEAVE_REQUESTED,
    LEAVE_WITHDRAWN,
)

REQUESTS: Final = FunctionTable()


@REQUESTS.function(
    "requestJoin(string name, bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey, string[] endpoints,"
    " bytes consensusProof, bytes tlsProof, bytes attestationProof)",
    gas=GAS_JOIN,
    work=WORK_JOIN,
    mutates=True,
)
def request_join(
    context: CallContext,
    name: str,
    consensus_key: bytes,
    tls_key: bytes,
    attestation_key: bytes,
    endpoints: Sequence[str],
    consensus_proof: bytes,
    tls_proof: bytes,
    attestation_proof: bytes,
) -> None:
    """Ask the council to become a validator, with proof that the caller holds all three keys.

    Each proof is the key's ed25519 signature over `contracts.validator_keys.proof_bytes`. Reverts with
    AlreadyRegistered, InvalidValidatorName, ValidatorNameTaken, InvalidEndpointCount, InvalidEndpoint,
    ValidatorKeyInvalid, ValidatorKeyTaken or KeyProofInvalid.
    """
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.NONE, Status.FORMER):
        raise revert(errors.ALREADY_REGISTERED, operator, record.status)
    if not is_valid_name(name):
        raise revert(errors.INVALID_VALIDATOR_NAME, name)
    named = operator_named(context.get_slot, name)
    if named not in (ZERO_ADDRESS, operator):
        raise revert(errors.VALIDATOR_NAME_TAKEN, name, named)
    _validate_endpoints(endpoints)
    keys = ValidatorKeys(consensus_key, tls_key, attestation_key)
    _validate_keys(context, keys, (consensus_proof, tls_proof, attestation_proof))
    if record.name != name and record.name:
        context.set_slot(name_slot(record.name), 0)
    context.set_slot(name_slot(name), int.from_bytes(operator, "big"))
    reserve_keys(context, operator, keys)
    joining = MemberRecord(
        status=Status.APPLICANT,
        list_index=enter_list(context, Status.APPLICANT, operator),
        join_sequence=next_sequence(context),
        keys=keys,
        endpoints_hash=write_endpoints(context, endpoints),
        name=name,
    )
    write_member(context, operator, joining)
    context.emit(*encode_event(JOIN_REQUESTED, operator, consensus_key, name))


@REQUESTS.function("cancelJoin()", gas=GAS_REQUEST, work=WORK_WITHDRAW, mutates=True)
def cancel_join(context: CallContext) -> None:
    """Take back the request to join, approved or not; its name and keys are free again. Reverts with NoRequest."""
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.APPLICANT, Status.CANDIDATE):
        raise revert(errors.NO_REQUEST, operator)
    forget_join(context, operator, record)
    context.emit(*encode_event(JOIN_WITHDRAWN, operator))


@REQUESTS.function("ready()", gas=GAS_REQUEST, work=WORK_REQUEST, mutates=True)
def ready(context: CallContext) -> None:
    """Say that the caller's node follows the chain and may join; a candidate's call.

    Reverts with WrongStatus or AlreadyReady.
    """
    operator = context.caller
    record = require_status(context, operator, Status.CANDIDATE)
    if record.is_ready:
        raise revert(errors.ALREADY_READY, operator)
    write_member(context, operator, replace(record, is_ready=True))
    context.emit(*encode_event(CANDIDATE_READY, operator))


@REQUESTS.function("setEndpoints(string[] endpoints)", gas=GAS_ENDPOINTS, work=WORK_ENDPOINTS, mutates=True)
def set_endpoints(context: CallContext, endpoints: Sequence[str]) -> None:
    """Say where the caller's node can be dialed; of a validator from the next epoch on.

    Reverts with NotRegistered, InvalidEndpointCount or InvalidEndpoint.
    """
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if record.status in (Status.NONE, Status.FORMER):
        raise revert(errors.NOT_REGISTERED, operator)
    _validate_endpoints(endpoints)
    write_member(context, operator, replace(record, endpoints_hash=write_endpoints(context, endpoints)))
    context.emit(*encode_event(ENDPOINTS_SET, operator, endpoints))


@REQUESTS.function(
    "rotate(bytes32 consensusKey, bytes32 tlsKey, bytes32 attestationKey, bytes consensusProof, bytes tlsProof,"
    " bytes attestationProof)",
    gas=GAS_ROTATE,
    work=WORK_ROTATE,
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
    """Replace all three keys: a validator's at the end of the epoch, those of a suspended one at once.

    Reverts with WrongStatus, RequestPending, ValidatorKeyInvalid, ValidatorKeyTaken or KeyProofInvalid.
    """
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.VALIDATOR, Status.SUSPENDED):
        raise revert(errors.WRONG_STATUS, operator, record.status, Status.VALIDATOR)
    if record.rotate_sequence:
        raise revert(errors.REQUEST_PENDING, operator, record.rotate_sequence)
    keys = ValidatorKeys(consensus_key, tls_key, attestation_key)
    _validate_keys(context, keys, (consensus_proof, tls_proof, attestation_proof))
    reserve_keys(context, operator, keys)
    if record.status is Status.VALIDATOR:
        changed = replace(record, next_keys=keys, rotate_sequence=next_sequence(context))
    else:
        retire_keys(context, operator, record.keys, epoch_last=read_running_epoch(context.get_slot).epoch)
        changed = replace(record, keys=keys)
    write_member(context, operator, changed)
    context.emit(*encode_event(ROTATION_REQUESTED, operator, *keys.each()))


@REQUESTS.function("cancelRotation()", gas=GAS_REQUEST, work=WORK_WITHDRAW, mutates=True)
def cancel_rotation(context: CallContext) -> None:
    """Keep the keys in force after all. Reverts with NoRequest."""
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if not record.rotate_sequence:
        raise revert(errors.NO_REQUEST, operator)
    release_keys(context, record.next_keys)
    write_member(context, operator, replace(record, next_keys=NO_KEYS, rotate_sequence=0))
    context.emit(*encode_event(ROTATION_WITHDRAWN, operator))


@REQUESTS.function("requestLeave()", gas=GAS_REQUEST, work=WORK_REQUEST, mutates=True)
def request_leave(context: CallContext) -> None:
    """Leave the set at the end of the epoch, or at once if suspended; serve one epoch more.

    Reverts with WrongStatus or RequestPending.
    """
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.VALIDATOR, Status.SUSPENDED):
        raise revert(errors.WRONG_STATUS, operator, record.status, Status.VALIDATOR)
    if record.leave_sequence:
        raise revert(errors.REQUEST_PENDING, operator, record.leave_sequence)
    if record.status is Status.VALIDATOR:
        changed = replace(record, leave_sequence=next_sequence(context))
    else:
        retire_keys(context, operator, record.keys, epoch_last=read_running_epoch(context.get_slot).epoch)
        leave_list(context, record)
        changed = replace(record, status=Status.FORMER, list_index=0)
    write_member(context, operator, changed)
    context.emit(*encode_event(LEAVE_REQUESTED, operator))


@REQUESTS.function("cancelLeave()", gas=GAS_REQUEST, work=WORK_REQUEST, mutates=True)
def cancel_leave(context: CallContext) -> None:
    """Stay after all. Reverts with NoRequest once the epoch has ended, or if nothing was asked for."""
    operator = context.caller
    record = read_member(context.get_slot, operator)
    if not record.leave_sequence:
        raise revert(errors.NO_REQUEST, operator)
    write_member(context, operator, replace(record, leave_sequence=0))
    context.emit(*encode_event(LEAVE_WITHDRAWN, operator))


def require_status(context: CallContext, operator: Address, needed: Status) -> MemberRecord:
    """Return what is kept of `operator`; revert with WrongStatus unless it stands at `needed`."""
    record = read_member(context.get_slot, operator)
    if record.status is not needed:
        raise revert(errors.WRONG_STATUS, operator, record.status, needed)
    return record


def forget_join(context: CallContext, operator: Address, record: MemberRecord) -> None:
    """Erase an applicant or candidate; its name and keys, never in a set, are free again."""
    leave_list(context, record)
    release_keys(context, record.keys)
    context.set_slot(name_slot(record.name), 0)
    write_member(context, operator, MemberRecord())


def _validate_endpoints(endpoints: Sequence[str]) -> None:
    if not 1 <= len(endpoints) <= ENDPOINTS_MAX:
        raise revert(errors.INVALID_ENDPOINT_COUNT, len(endpoints), ENDPOINTS_MAX)
    for endpoint in endpoints:
        if not is_valid_endpoint(endpoint):
            raise revert(errors.INVALID_ENDPOINT, endpoint)


def _validate_keys(context: CallContext, keys: ValidatorKeys, proofs: tuple[bytes, bytes, bytes]) -> None:
    epoch = read_running_epoch(context.get_slot).epoch
    each = keys.each()
    for place, key in enumerate(each):
        if not is_valid_ed25519_key(key):
            raise revert(errors.VALIDATOR_KEY_INVALID, key)
        holder = context.caller if key in each[:place] else key_holder(context.get_slot, key, epoch)
        if holder != ZERO_ADDRESS:
            raise revert(errors.VALIDATOR_KEY_TAKEN, key, holder)
    genesis_hash = Hash32(context.get_slot(ValidatorRegistrySlots.GENESIS_HASH).to_bytes(32, "big"))
    message = proof_bytes(chain_id=context.chain_id, genesis_hash=genesis_hash, operator=context.caller, keys=keys)
    for key, proof in zip(each, proofs, strict=True):
        if not is_valid_ed25519(key, message, proof):
            raise revert(errors.KEY_PROOF_INVALID, key)

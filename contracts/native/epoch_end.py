"""What the registry does by itself: its state at genesis, the genesis hash, and the step from an epoch to the next.

No transaction calls these: the node runs them before the first and after the last transaction of a block. They make the
set of the next epoch and put the scheduled parameters in force. Source: consensus.md §9.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from consensus.primitives.scalars import Address, Epoch, Hash32, Height
from consensus.simplex.validators import Validator, encode_set_payload
from contracts.addresses import PROTOCOL_CONFIG
from contracts.layout import (
    FIRST_HEIGHT_OFFSET_BITS,
    IS_ENDING_OFFSET_BITS,
    PROTOCOL_PARAMETER_SLOTS,
    ValidatorRegistrySlots,
    former_set_slot,
)
from contracts.native.context import CallContext
from contracts.native.next_set import Change, ChangeRequest, choose_changes
from contracts.native.protocol_config import begin_scheduled_parameters
from contracts.native.validator_state import (
    CANDIDATES_MAX,
    EVIDENCE_EPOCHS_BEHIND,
    NO_KEYS,
    MemberRecord,
    RunningEpoch,
    Status,
    enter_list,
    leave_list,
    name_slot,
    read_member,
    read_operators,
    read_running_epoch,
    read_set,
    release_keys,
    reserve_keys,
    retire_keys,
    write_endpoints,
    write_member,
    write_running_epoch,
    write_set,
)
from contracts.validator_keys import ValidatorKeys

FIRST_EPOCH = RunningEpoch(Epoch(0), Height(1), is_ending=False)
"""Block 0 is view 0 of the first epoch, so its first block is the one after."""

_EPOCH_BLOCKS_MAX_SLOT = PROTOCOL_PARAMETER_SLOTS["epoch_blocks_max"]


@dataclass(frozen=True, slots=True)
class GenesisMember:
    """A validator of the first epoch."""

    name: str
    """1 to 31 of a–z, 0–9 and the dash; unique."""
    operator: Address
    """Account of the bank; unique, not zero."""
    keys: ValidatorKeys
    """Its three keys; no key stands twice."""
    endpoints: tuple[str, ...]
    """host:port, in the order to be dialed."""


def write_genesis_members(context: CallContext, members: Sequence[GenesisMember]) -> None:
    """Write the first set and its members' records."""
    validators = []
    for member in members:
        endpoints_hash = write_endpoints(context, member.endpoints)
        record = MemberRecord(
            status=Status.VALIDATOR, keys=member.keys, endpoints_hash=endpoints_hash, name=member.name
        )
        write_member(context, member.operator, record)
        context.set_slot(name_slot(member.name), int.from_bytes(member.operator, "big"))
        reserve_keys(context, member.operator, member.keys)
        validators.append(_validator(member.operator, record))
    write_set(context, ValidatorRegistrySlots.VALIDATORS, validators)
    write_running_epoch(context, FIRST_EPOCH)


def keep_genesis_hash(context: CallContext, genesis_hash: Hash32) -> None:
    """Write the hash of block 0, which every signature of a validator contains."""
    context.set_slot(ValidatorRegistrySlots.GENESIS_HASH, int.from_bytes(genesis_hash, "big"))


def is_last_block(context: CallContext) -> bool:
    """Tell whether the block in execution is its epoch's last: it is the last by number, or the council said so."""
    # Every block asks, so the word is looked at in place.
    word = context.get_slot(ValidatorRegistrySlots.EPOCH)
    if word >> IS_ENDING_OFFSET_BITS:
        return True
    blocks_max = context.at(PROTOCOL_CONFIG).get_slot(_EPOCH_BLOCKS_MAX_SLOT)
    return context.block_number == (word >> FIRST_HEIGHT_OFFSET_BITS) + blocks_max - 1


def begin_next_epoch(context: CallContext) -> bytes:
    """Make the next epoch the one in force, from the height after this block on, and return the payload of its set."""
    get_slot = context.get_slot
    running = read_running_epoch(get_slot)
    current = read_set(get_slot, ValidatorRegistrySlots.VALIDATORS)
    operators = [validator.operator for validator in current]
    for request in choose_changes(len(current), _requests(context, operators)):
        _make_change(context, request, running.epoch)
        if request.change in (Change.SUSPEND, Change.LEAVE):
            operators.remove(request.operator)
        elif request.change is Change.JOIN:
            operators.append(request.operator)
    following = [_validator(operator, read_member(get_slot, operator)) for operator in operators]
    if running.epoch >= EVIDENCE_EPOCHS_BEHIND:
        write_set(context, former_set_slot(running.epoch - EVIDENCE_EPOCHS_BEHIND), ())
    write_set(context, former_set_slot(running.epoch), current)
    write_set(context, ValidatorRegistrySlots.VALIDATORS, following)
    next_epoch = Epoch(running.epoch + 1)
    write_running_epoch(context, RunningEpoch(next_epoch, Height(context.block_number + 1), is_ending=False))
    begin_scheduled_parameters(context.at(PROTOCOL_CONFIG))
    return encode_set_payload(next_epoch, following)


def _requests(context: CallContext, operators: Sequence[Address]) -> list[ChangeRequest]:
    requests = []
    for operator in operators:
        record = read_member(context.get_slot, operator)
        for change, sequence in (
            (Change.SUSPEND, record.suspend_sequence),
            (Change.LEAVE, record.leave_sequence),
            (Change.ROTATE, record.rotate_sequence),
        ):
            if sequence:
                requests.append(ChangeRequest(change, sequence, operator))
    for operator in read_operators(context.get_slot, ValidatorRegistrySlots.CANDIDATES, last=CANDIDATES_MAX):
        record = read_member(context.get_slot, operator)
        if record.is_ready:
            requests.append(ChangeRequest(Change.JOIN, record.join_sequence, operator))
    return requests


def _make_change(context: CallContext, request: ChangeRequest, epoch: Epoch) -> None:
    operator = request.operator
    record = read_member(context.get_slot, operator)
    match request.change:
        case Change.JOIN:
            leave_list(context, record)
            changed = replace(record, status=Status.VALIDATOR, is_ready=False, list_index=0, join_sequence=0)
        case Change.ROTATE:
            retire_keys(context, operator, record.keys, epoch_last=epoch)
            changed = replace(record, keys=record.next_keys, next_keys=NO_KEYS, rotate_sequence=0)
        case Change.SUSPEND | Change.LEAVE:
            if record.rotate_sequence:
                release_keys(context, record.next_keys)
            is_leaving = request.change is Change.LEAVE
            if is_leaving:
                retire_keys(context, operator, record.keys, epoch_last=epoch)
            changed = replace(
                record,
                status=Status.FORMER if is_leaving else Status.SUSPENDED,
                list_index=0 if is_leaving else enter_list(context, Status.SUSPENDED, operator),
                next_keys=NO_KEYS,
                suspend_sequence=0,
                leave_sequence=0,
                rotate_sequence=0,
            )
    write_member(context, operator, changed)


def _validator(operator: Address, record: MemberRecord) -> Validator:
    return Validator(
        consensus_key=record.keys.consensus,
        tls_key=record.keys.tls,
        attestation_key=record.keys.attestation,
        operator=operator,
        endpoints_hash=record.endpoints_hash,
    )

"""What the council decides about validators. The caller is ProtocolConfig's governor.

Nothing here changes the set in force: decisions take effect at the end of the epoch, which the council may bring
forward. Source: consensus.md §9.
"""

from dataclasses import replace
from typing import Final

from consensus.primitives.scalars import Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import ValidatorRegistrySlots
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import FunctionTable
from contracts.native.errors import revert
from contracts.native.protocol_config import require_governor
from contracts.native.validator_requests import (
    GAS_REQUEST,
    WORK_REQUEST,
    WORK_WITHDRAW,
    forget_join,
    require_status,
)
from contracts.native.validator_state import (
    CANDIDATES_MAX,
    MemberRecord,
    Status,
    enter_list,
    leave_list,
    next_sequence,
    read_member,
    read_running_epoch,
    write_member,
    write_running_epoch,
)

WORK_DECIDE: Final = 200
"""A record, a place in two lists and the one who moves up: eight slots."""

JOIN_APPROVED: Final = declare_event("JoinApproved(address indexed operator)")
JOIN_REJECTED: Final = declare_event("JoinRejected(address indexed operator)")
SUSPENSION_ORDERED: Final = declare_event("SuspensionOrdered(address indexed operator)")
REINSTATED: Final = declare_event("Reinstated(address indexed operator)")
EPOCH_END_ORDERED: Final = declare_event("EpochEndOrdered(uint64 indexed epoch, uint64 heightLast)")

COUNCIL_EVENTS: Final = (JOIN_APPROVED, JOIN_REJECTED, SUSPENSION_ORDERED, REINSTATED, EPOCH_END_ORDERED)

COUNCIL: Final = FunctionTable()


@COUNCIL.function("approve(address operator)", gas=GAS_REQUEST, work=WORK_DECIDE, mutates=True)
def approve(context: CallContext, operator: Address) -> None:
    """Let an applicant join once it says that it is ready.

    Reverts with GovernorOnly, WrongStatus or TooManyCandidates.
    """
    require_governor(context)
    record = require_status(context, operator, Status.APPLICANT)
    _require_room(context)
    leave_list(context, record)
    _write_candidate(context, operator, record)
    context.emit(*encode_event(JOIN_APPROVED, operator))


@COUNCIL.function("reject(address operator)", gas=GAS_REQUEST, work=WORK_WITHDRAW, mutates=True)
def reject(context: CallContext, operator: Address) -> None:
    """Refuse an applicant, or a candidate after all; its name and keys are free again.

    Reverts with GovernorOnly or WrongStatus.
    """
    require_governor(context)
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.APPLICANT, Status.CANDIDATE):
        raise revert(errors.WRONG_STATUS, operator, record.status, Status.APPLICANT)
    forget_join(context, operator, record)
    context.emit(*encode_event(JOIN_REJECTED, operator))


@COUNCIL.function("suspend(address operator)", gas=GAS_REQUEST, work=WORK_DECIDE, mutates=True)
def suspend(context: CallContext, operator: Address) -> None:
    """Take a validator out at the end of the epoch, a candidate at once. It keeps its keys until it leaves.

    Reverts with GovernorOnly, WrongStatus or RequestPending.
    """
    require_governor(context)
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.VALIDATOR, Status.CANDIDATE):
        raise revert(errors.WRONG_STATUS, operator, record.status, Status.VALIDATOR)
    if record.suspend_sequence:
        raise revert(errors.REQUEST_PENDING, operator, record.suspend_sequence)
    order_suspension(context, operator, record)


@COUNCIL.function("reinstate(address operator)", gas=GAS_REQUEST, work=WORK_DECIDE, mutates=True)
def reinstate(context: CallContext, operator: Address) -> None:
    """End a suspension: one that waits is dropped; a suspended operator is a candidate again, and not yet ready.

    Reverts with GovernorOnly, WrongStatus, NoRequest or TooManyCandidates.
    """
    require_governor(context)
    record = read_member(context.get_slot, operator)
    if record.status not in (Status.VALIDATOR, Status.SUSPENDED):
        raise revert(errors.WRONG_STATUS, operator, record.status, Status.SUSPENDED)
    if record.status is Status.VALIDATOR:
        if not record.suspend_sequence:
            raise revert(errors.NO_REQUEST, operator)
        write_member(context, operator, replace(record, suspend_sequence=0))
    else:
        _require_room(context)
        leave_list(context, record)
        _write_candidate(context, operator, replace(record, join_sequence=next_sequence(context)))
    context.emit(*encode_event(REINSTATED, operator))


@COUNCIL.function("endEpoch()", gas=GAS_REQUEST, work=WORK_REQUEST, mutates=True)
def end_epoch(context: CallContext) -> None:
    """End the epoch with the block that contains this call. Reverts with GovernorOnly or EpochEnding."""
    require_governor(context)
    running = read_running_epoch(context.get_slot)
    if running.is_ending:
        raise revert(errors.EPOCH_ENDING, running.epoch)
    write_running_epoch(context, replace(running, is_ending=True))
    context.emit(*encode_event(EPOCH_END_ORDERED, running.epoch, context.block_number))


def order_suspension(context: CallContext, operator: Address, record: MemberRecord) -> None:
    """Suspend a validator from the next epoch on, or a candidate at once, whoever asks; emit SuspensionOrdered."""
    if record.status is Status.VALIDATOR:
        suspended = replace(record, suspend_sequence=next_sequence(context))
    else:
        leave_list(context, record)
        index = enter_list(context, Status.SUSPENDED, operator)
        suspended = replace(record, status=Status.SUSPENDED, is_ready=False, list_index=index, join_sequence=0)
    write_member(context, operator, suspended)
    context.emit(*encode_event(SUSPENSION_ORDERED, operator))


def _require_room(context: CallContext) -> None:
    count = context.get_slot(ValidatorRegistrySlots.CANDIDATES)
    if count >= CANDIDATES_MAX:
        raise revert(errors.TOO_MANY_CANDIDATES, count, CANDIDATES_MAX)


def _write_candidate(context: CallContext, operator: Address, record: MemberRecord) -> None:
    index = enter_list(context, Status.CANDIDATE, operator)
    write_member(context, operator, replace(record, status=Status.CANDIDATE, is_ready=False, list_index=index))

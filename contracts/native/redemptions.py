"""Redeeming in two steps: an owner parks an amount, an issuer burns it or gives it back.

A parked amount has left the balance and cannot be spent; supply falls only when an issuer completes, which is when
money outside the ledger was paid. Until then nothing is logged as a Transfer: parked money is still its owner's. A
pause stops all of it. Source: ledger.md §4.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    REDEMPTION_REQUESTED_AT_OFFSET_BITS,
    REDEMPTION_STATUS_OFFSET_BITS,
    CurrencySlots,
    RedemptionWords,
    balance_slot,
    parked_slot,
    redemption_slot,
    write_packed,
)
from contracts.native import errors
from contracts.native.compliance import may_send, require_not_paused
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ISSUE, WORK_REDEMPTION, FunctionTable
from contracts.native.errors import revert
from contracts.native.money import emit_memo, emit_transfer, require_spendable
from contracts.native.roles import ISSUER_ROLE, require_role

REDEMPTION_REQUESTED: Final = declare_event(
    "RedemptionRequested(uint256 indexed id, address indexed owner, uint256 amount, bytes32 indexed memo)"
)
REDEMPTION_COMPLETED: Final = declare_event(
    "RedemptionCompleted(uint256 indexed id, address indexed owner, address indexed issuer, uint256 amount)"
)
REDEMPTION_REJECTED: Final = declare_event(
    "RedemptionRejected(uint256 indexed id, address indexed owner, address indexed issuer, uint256 amount,"
    " bytes32 reason)"
)
REDEMPTION_CANCELLED: Final = declare_event(
    "RedemptionCancelled(uint256 indexed id, address indexed owner, uint256 amount)"
)
REDEMPTION_EVENTS: Final = (REDEMPTION_REQUESTED, REDEMPTION_COMPLETED, REDEMPTION_REJECTED, REDEMPTION_CANCELLED)

_ADDRESS_MASK: Final = (1 << 160) - 1


class RedemptionStatus(IntEnum):
    """What became of a redemption; only the first can change."""

    REQUESTED = 1
    COMPLETED = 2
    REJECTED = 3
    CANCELLED = 4


class Redemption(NamedTuple):
    """A redemption as stored."""

    owner: Address
    """Who asked for it."""
    amount: int
    """Minor units, at least 1."""
    memo: bytes
    """The owner's reference, 32 bytes."""
    requested_at: int
    """Time of the block of the request, seconds since the epoch."""
    status: RedemptionStatus
    """Where it stands."""


REDEMPTIONS: Final = FunctionTable()


@REDEMPTIONS.function(
    "requestRedemption(uint256 amount, bytes32 memo)",
    returns="uint256 id",
    gas=GAS_ISSUE,
    work=WORK_REDEMPTION,
    mutates=True,
)
def request_redemption(context: CallContext, amount: int, memo: bytes) -> int:
    """Park `amount` minor units of the caller's balance until an issuer answers, and return the redemption's id.

    Reverts with ERC7943CannotSend for who may not pay, ZeroAmount, and the errors of an insufficient balance.
    """
    require_not_paused(context)
    owner = context.caller
    if owner == ZERO_ADDRESS:
        raise revert(errors.INVALID_SENDER, owner)
    if not may_send(context, owner):
        raise revert(errors.CANNOT_SEND, owner)
    if not amount:
        raise revert(errors.ZERO_AMOUNT)
    balance = require_spendable(context, owner, amount)
    redemption_id = context.get_slot(CurrencySlots.REDEMPTION_COUNT) + 1
    head = (
        context.block_timestamp_s << REDEMPTION_REQUESTED_AT_OFFSET_BITS
        | RedemptionStatus.REQUESTED << REDEMPTION_STATUS_OFFSET_BITS
        | int.from_bytes(owner, "big")
    )
    slot, parked = redemption_slot(redemption_id), parked_slot(owner)
    context.set_slot(balance_slot(owner), balance - amount)
    context.set_slot(parked, context.get_slot(parked) + amount)
    context.set_slot(CurrencySlots.REDEMPTION_COUNT, redemption_id)
    context.set_slot(slot + RedemptionWords.OWNER, head)
    context.set_slot(slot + RedemptionWords.AMOUNT, amount)
    context.set_slot(slot + RedemptionWords.MEMO, int.from_bytes(memo, "big"))
    context.emit(*encode_event(REDEMPTION_REQUESTED, redemption_id, owner, amount, memo))
    return redemption_id


@REDEMPTIONS.function("completeRedemption(uint256 id)", gas=GAS_ISSUE, work=WORK_REDEMPTION, mutates=True)
def complete_redemption(context: CallContext, redemption_id: int) -> None:
    """Destroy the amount parked: it was paid out outside the ledger. An issuer's call."""
    require_not_paused(context)
    require_role(context, ISSUER_ROLE)
    found = _require_open(context, redemption_id)
    supply = context.get_slot(CurrencySlots.TOTAL_SUPPLY)
    assert supply >= found.amount, "supply is the sum of what all accounts have"
    _close(context, redemption_id, found, RedemptionStatus.COMPLETED)
    context.set_slot(CurrencySlots.TOTAL_SUPPLY, supply - found.amount)
    emit_transfer(context, found.owner, ZERO_ADDRESS, found.amount)
    emit_memo(context, found.owner, ZERO_ADDRESS, found.memo)
    context.emit(*encode_event(REDEMPTION_COMPLETED, redemption_id, found.owner, context.caller, found.amount))


@REDEMPTIONS.function("rejectRedemption(uint256 id, bytes32 reason)", gas=GAS_ISSUE, work=WORK_REDEMPTION, mutates=True)
def reject_redemption(context: CallContext, redemption_id: int, reason: bytes) -> None:
    """Give the amount parked back to its owner; an issuer's call."""
    require_not_paused(context)
    require_role(context, ISSUER_ROLE)
    found = _require_open(context, redemption_id)
    _close(context, redemption_id, found, RedemptionStatus.REJECTED)
    _give_back(context, found)
    context.emit(*encode_event(REDEMPTION_REJECTED, redemption_id, found.owner, context.caller, found.amount, reason))


@REDEMPTIONS.function("cancelRedemption(uint256 id)", gas=GAS_ISSUE, work=WORK_REDEMPTION, mutates=True)
def cancel_redemption(context: CallContext, redemption_id: int) -> None:
    """Take one's own amount back before an issuer answered. Reverts with RedemptionOwnerOnly for anybody else."""
    require_not_paused(context)
    found = _require_open(context, redemption_id)
    if context.caller != found.owner:
        raise revert(errors.REDEMPTION_OWNER_ONLY, redemption_id, context.caller, found.owner)
    _close(context, redemption_id, found, RedemptionStatus.CANCELLED)
    _give_back(context, found)
    context.emit(*encode_event(REDEMPTION_CANCELLED, redemption_id, found.owner, found.amount))


@REDEMPTIONS.function(
    "redemptionOf(uint256 id)",
    returns="address owner, uint256 amount, bytes32 memo, uint64 requestedAt, uint8 status",
)
def redemption_of(context: CallContext, redemption_id: int) -> Redemption:
    """Return a redemption. Reverts with UnknownRedemption."""
    slot = redemption_slot(redemption_id)
    head = context.get_slot(slot + RedemptionWords.OWNER)
    if not head:
        raise revert(errors.UNKNOWN_REDEMPTION, redemption_id)
    return Redemption(
        owner=Address((head & _ADDRESS_MASK).to_bytes(20, "big")),
        amount=context.get_slot(slot + RedemptionWords.AMOUNT),
        memo=context.get_slot(slot + RedemptionWords.MEMO).to_bytes(32, "big"),
        requested_at=head >> REDEMPTION_REQUESTED_AT_OFFSET_BITS,
        status=RedemptionStatus(head >> REDEMPTION_STATUS_OFFSET_BITS & 0xFF),
    )


@REDEMPTIONS.function("redemptionCount()", returns="uint256")
def redemption_count(context: CallContext) -> int:
    """Return how many redemptions were asked for; ids run from 1 to this."""
    return context.get_slot(CurrencySlots.REDEMPTION_COUNT)


def _require_open(context: CallContext, redemption_id: int) -> Redemption:
    found = redemption_of(context, redemption_id)
    if found.status is not RedemptionStatus.REQUESTED:
        raise revert(errors.REDEMPTION_CLOSED, redemption_id, found.status)
    return found


def _close(context: CallContext, redemption_id: int, found: Redemption, status: RedemptionStatus) -> None:
    """Write the status and take the amount out of what is parked; where it goes is the caller's to write."""
    slot, parked = redemption_slot(redemption_id) + RedemptionWords.OWNER, parked_slot(found.owner)
    head = write_packed(context.get_slot(slot), status, offset_bits=REDEMPTION_STATUS_OFFSET_BITS, bits=8)
    context.set_slot(slot, head)
    left = context.get_slot(parked) - found.amount
    assert left >= 0, "parked is the sum of open redemptions"
    context.set_slot(parked, left)


def _give_back(context: CallContext, found: Redemption) -> None:
    slot = balance_slot(found.owner)
    context.set_slot(slot, context.get_slot(slot) + found.amount)

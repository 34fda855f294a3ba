"""Many payments out of one balance in one call: payroll, subsidies. All or nothing. Source: ledger.md §4.

Every row is what `transferWithMemo` would have been in its place, with the same checks in the same order and the same
events; the payer's balance, and each recipient's, is written once.
"""

from collections.abc import Sequence
from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import CurrencySlots, balance_slot, frozen_slot
from contracts.native import errors
from contracts.native.compliance import LimitUse, check_transfer, record
from contracts.native.context import CallContext, NativeRevert
from contracts.native.dispatch import (
    GAS_TRANSFER,
    GAS_TRANSFER_ROW,
    WORK_TRANSFER,
    WORK_TRANSFER_ROW,
    Charge,
    FunctionTable,
)
from contracts.native.errors import revert
from contracts.native.money import MEMO, TRANSFER

ROWS_MAX: Final = 500
"""Payments of one call: fifteen milliseconds, and 48 kB of calldata. Twice as many would still fit a block; half would
double the fixed cost of a payroll."""

_PADDING: Final = bytes(12)

TRANSFER_BATCH: Final = FunctionTable()


@TRANSFER_BATCH.function(
    "transferBatch(address[] to, uint256[] amounts, bytes32[] memos)",
    returns="bool",
    gas=GAS_TRANSFER,
    work=WORK_TRANSFER,
    mutates=True,
    is_metered=True,
)
def transfer_batch(
    context: CallContext,
    charge: Charge,
    recipients: Sequence[Address],
    amounts: Sequence[int],
    memos: Sequence[bytes],
) -> bool:
    """Pay `amounts` of the caller's balance to `recipients`, row by row in order, each with its memo; all or nothing.

    Reverts with TooManyRows, RowCountsDiffer, and TransferRowFailed naming the first row, from 0, that cannot be paid
    after the ones before it, and its error.
    """
    count = len(recipients)
    if count > ROWS_MAX:
        raise revert(errors.TOO_MANY_ROWS, count, ROWS_MAX)
    if not count == len(amounts) == len(memos):
        raise revert(errors.ROW_COUNTS_DIFFER, count, len(amounts), len(memos))
    charge.spend(gas=count * GAS_TRANSFER_ROW, work=count * WORK_TRANSFER_ROW)
    sender = context.caller
    left, arriving, use = _check_rows(context, sender, recipients, amounts)
    if arriving:
        context.set_slot(balance_slot(sender), left)
    for to, amount in arriving.items():
        slot = balance_slot(to)
        context.set_slot(slot, context.get_slot(slot) + amount)
    if use:
        record(context, use)
    _log_rows(context, sender, recipients, amounts, memos)
    return True


def _check_rows(
    context: CallContext, sender: Address, recipients: Sequence[Address], amounts: Sequence[int]
) -> tuple[int, dict[Address, int], LimitUse]:
    """Return what the payer has left, what arrives at each other recipient in the order of its first row, and the use.

    Writes nothing.
    """
    flags = context.get_slot(CurrencySlots.FLAGS)
    left = context.get_slot(balance_slot(sender))
    frozen = context.get_slot(frozen_slot(sender))
    arriving: dict[Address, int] = {}
    use: LimitUse = {}
    index = 0
    try:
        for index, to in enumerate(recipients):
            amount = amounts[index]
            before = arriving.get(to, 0)
            check_transfer(context, flags, sender, to, amount, use, arriving=before)
            if amount > left:
                raise revert(errors.INSUFFICIENT_BALANCE, sender, left, amount)
            if frozen and amount > (unfrozen := max(left - frozen, 0)):
                raise revert(errors.INSUFFICIENT_UNFROZEN_BALANCE, sender, amount, unfrozen)
            if to != sender and amount:
                left -= amount
                arriving[to] = before + amount
    except NativeRevert as refusal:
        raise revert(errors.TRANSFER_ROW_FAILED, index, refusal.data) from refusal
    return left, arriving, use


def _log_rows(
    context: CallContext,
    sender: Address,
    recipients: Sequence[Address],
    amounts: Sequence[int],
    memos: Sequence[bytes],
) -> None:
    # Written out, as in money.py, because it is a third of what a row costs; a test holds it equal to single payments.
    emit = context.emit
    transfer_topic, memo_topic = TRANSFER.topic, MEMO.topic
    sender_topic = _PADDING + sender
    for to, amount, memo in zip(recipients, amounts, memos):
        to_topic = _PADDING + to
        emit((transfer_topic, sender_topic, to_topic), amount.to_bytes(32, "big"))
        emit((memo_topic, sender_topic, to_topic, memo), b"")

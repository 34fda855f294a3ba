"""The record of a hold: how it lies in storage, and what may happen to it. Source: ledger.md §6."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.layout import (
    HOLD_CONSENTED_OFFSET_BITS,
    HOLD_EXPIRES_AT_OFFSET_BITS,
    HOLD_REMAINING_OFFSET_BITS,
    HOLD_STATUS_OFFSET_BITS,
    HoldWords,
    hold_slot,
    read_packed,
)
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.errors import revert

_ADDRESS_BITS: Final = 160


class HoldStatus(IntEnum):
    """Where a hold stands; only the first can change."""

    OPEN = 1
    EXECUTED = 2
    """All of it was paid."""
    RELEASED = 3
    """What was not paid went back to the payer."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as stored."""

    id: bytes
    """32 bytes, unique in the currency for ever."""
    payer: Address
    """Whose money it is until it is paid."""
    payee: Address
    """Who is paid."""
    notary: Address
    """Who decides that it is paid; zero if the payee does."""
    amount: int
    """Minor units reserved at first, at least 1."""
    remaining: int
    """Minor units neither paid nor given back; 0 once closed."""
    expires_at_s: int
    """Last second in which it can be paid, since the epoch."""
    consented_until_s: int
    """Until when the executor lets the payer extend it, seconds since the epoch; 0 if it never said."""
    memo: bytes
    """The payer's reference, 32 bytes, logged with every payment from it."""
    status: HoldStatus
    """Where it stands."""

    @property
    def executor(self) -> Address:
        """Who executes it: the notary, or the payee where there is none."""
        return self.payee if self.notary == ZERO_ADDRESS else self.notary


def has_hold(context: CallContext, hold_id: bytes) -> bool:
    """Tell whether a hold with this id was ever made."""
    return context.get_slot(hold_slot(hold_id) + HoldWords.PAYER) != 0


def read_hold(context: CallContext, hold_id: bytes) -> Hold:
    """Return a hold, open or closed. Reverts with UnknownHold."""
    slot = hold_slot(hold_id)
    payer = context.get_slot(slot + HoldWords.PAYER)
    if not payer:
        raise revert(errors.UNKNOWN_HOLD, hold_id)
    payee = context.get_slot(slot + HoldWords.PAYEE)
    amounts = context.get_slot(slot + HoldWords.AMOUNTS)
    return Hold(
        id=hold_id,
        payer=_address(payer),
        payee=_address(payee),
        notary=_address(context.get_slot(slot + HoldWords.NOTARY)),
        amount=read_packed(amounts, offset_bits=0, bits=HOLD_REMAINING_OFFSET_BITS),
        remaining=amounts >> HOLD_REMAINING_OFFSET_BITS,
        expires_at_s=payer >> HOLD_EXPIRES_AT_OFFSET_BITS,
        consented_until_s=payee >> HOLD_CONSENTED_OFFSET_BITS,
        memo=context.get_slot(slot + HoldWords.MEMO).to_bytes(32, "big"),
        status=HoldStatus(read_packed(payer, offset_bits=HOLD_STATUS_OFFSET_BITS, bits=8)),
    )


def write_new_hold(context: CallContext, hold: Hold) -> None:
    """Write the whole record of a hold that was not there."""
    slot = hold_slot(hold.id)
    write_progress(context, hold)
    write_consent(context, hold)
    context.set_slot(slot + HoldWords.NOTARY, int.from_bytes(hold.notary, "big"))
    context.set_slot(slot + HoldWords.MEMO, int.from_bytes(hold.memo, "big"))


def write_progress(context: CallContext, hold: Hold) -> None:
    """Write what payments, a release or an extension change: status, expiry, amounts."""
    slot = hold_slot(hold.id)
    head = hold.expires_at_s << HOLD_EXPIRES_AT_OFFSET_BITS | hold.status << HOLD_STATUS_OFFSET_BITS
    context.set_slot(slot + HoldWords.PAYER, head | int.from_bytes(hold.payer, "big"))
    context.set_slot(slot + HoldWords.AMOUNTS, hold.remaining << HOLD_REMAINING_OFFSET_BITS | hold.amount)


def write_consent(context: CallContext, hold: Hold) -> None:
    """Write until when the executor lets a hold be extended."""
    word = hold.consented_until_s << HOLD_CONSENTED_OFFSET_BITS | int.from_bytes(hold.payee, "big")
    context.set_slot(hold_slot(hold.id) + HoldWords.PAYEE, word)


def _address(word: int) -> Address:
    return Address(read_packed(word, offset_bits=0, bits=_ADDRESS_BITS).to_bytes(20, "big"))

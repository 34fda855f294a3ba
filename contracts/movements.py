"""What moved an account's balance, read from the logs of one transaction in the order of the chain.

A Transfer event is not enough: a hold and a redemption take money out of a balance before anything is paid, and give it
back without a payment; and the Transfer of a payment from a hold does not touch its payer's balance any more. Every
function of a currency that writes a balance is read here, so that opening plus movements is closing. Nothing here may
decide anything: logs are what was decided. Source: ledger.md §4 and §6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import OFFLINE_LOCKS
from contracts.declarations import EventDeclaration, decode_event
from contracts.native.enforcement import FORCED_TRANSFER
from contracts.native.holds import HOLD_CREATED, HOLD_EXECUTED, HOLD_RELEASED
from contracts.native.money import MEMO, TRANSFER
from contracts.native.offline.custody import PAYOUT_HELD
from contracts.native.offline.paired import (
    LOCK_OPENED,
    LOCK_REFUNDED,
    LOCK_RELEASED,
    LOCK_TOPPED_UP,
    REDEEMED,
)
from contracts.native.offline.purses import CLAIMED, PURSE_CLOSED, PURSE_OPENED
from contracts.native.redemptions import (
    REDEMPTION_CANCELLED,
    REDEMPTION_COMPLETED,
    REDEMPTION_REJECTED,
    REDEMPTION_REQUESTED,
)


class MovementKind(StrEnum):
    """What a movement is, in the words of statements."""

    PAYMENT = "payment"
    ISSUED = "issued"
    """New money."""
    DESTROYED = "destroyed"
    """Burned by an issuer out of its own balance."""
    FORCED = "forced_transfer"
    """Moved by an enforcer without the payer's consent."""
    HOLD_MADE = "hold_made"
    """Left the payer's balance; nobody is paid yet."""
    HOLD_PAID = "hold_paid"
    """Reached the payee; the payer's balance fell when the hold was made."""
    HOLD_RELEASED = "hold_released"
    """Went back to the payer's balance."""
    REDEMPTION_REQUESTED = "redemption_requested"
    """Left the owner's balance and is parked."""
    REDEMPTION_COMPLETED = "redemption_completed"
    """What was parked is destroyed: it was paid out outside the ledger."""
    REDEMPTION_REJECTED = "redemption_rejected"
    """What was parked went back, by the issuer."""
    REDEMPTION_CANCELLED = "redemption_cancelled"
    """What was parked went back, by its owner."""
    OFFLINE_LOCKED = "offline_locked"
    """Went into a lock or purse for payments without a network."""
    OFFLINE_PAID = "offline_paid"
    """Was paid out of one, or out of a held sub-account; of whom the lock's opening tells."""
    OFFLINE_RETURNED = "offline_returned"
    """Went back from one to its payer."""


REDEMPTION_KINDS: Final = (
    MovementKind.REDEMPTION_REQUESTED,
    MovementKind.REDEMPTION_COMPLETED,
    MovementKind.REDEMPTION_REJECTED,
    MovementKind.REDEMPTION_CANCELLED,
)
"""Those whose reference is the number of a redemption."""

OFFLINE_KINDS: Final = (MovementKind.OFFLINE_LOCKED, MovementKind.OFFLINE_PAID, MovementKind.OFFLINE_RETURNED)
"""Those whose reference is the id of a lock or purse; the contract is on their other side."""

_SIGNS: Final = {
    MovementKind.PAYMENT: (-1, 1),
    MovementKind.ISSUED: (0, 1),
    MovementKind.DESTROYED: (-1, 0),
    MovementKind.FORCED: (-1, 1),
    MovementKind.HOLD_MADE: (-1, 0),
    MovementKind.HOLD_PAID: (0, 1),
    MovementKind.HOLD_RELEASED: (1, 0),
    MovementKind.REDEMPTION_REQUESTED: (-1, 0),
    MovementKind.REDEMPTION_COMPLETED: (0, 0),
    MovementKind.REDEMPTION_REJECTED: (1, 0),
    MovementKind.REDEMPTION_CANCELLED: (1, 0),
    MovementKind.OFFLINE_LOCKED: (-1, 1),
    MovementKind.OFFLINE_PAID: (-1, 1),
    MovementKind.OFFLINE_RETURNED: (-1, 1),
}
"""What a movement adds to the balances of payer and payee, in multiples of its amount."""

_PAYER_ONLY: Final = (MovementKind.HOLD_MADE, MovementKind.HOLD_RELEASED)
"""Between a payer and its hold: the payee has, and loses, nothing."""


class LoggedEvent(Protocol):
    """A log as receipts hold it."""

    @property
    def address(self) -> Address:
        """Who logged it."""

    @property
    def topics(self) -> Sequence[bytes]:
        """At most four words."""

    @property
    def data(self) -> bytes:
        """ABI encoded values."""


@dataclass(frozen=True, slots=True)
class LedgerMovement:
    """Money of one currency that changed its place, or what is told of it."""

    position: int
    """Of the log that tells it among the logs read, from 0."""
    kind: MovementKind
    payer: Address
    """Whose money it was: also of a hold or redemption that came back; zero for new money."""
    payee: Address
    """Whose it became, or would have become; zero where money was destroyed or is to be redeemed."""
    amount: int
    """Minor units."""
    memo: bytes | None
    """Reference of 32 bytes, of a rejected redemption the issuer's reason; None where the movement carries none."""
    reference: bytes | None
    """Id of the hold, redemption, lock or purse as 32 bytes; None for other movements."""

    def concerns(self, account: Address) -> bool:
        """Tell whether it belongs on the statement of `account`."""
        return account == self.payer or (account == self.payee and self.kind not in _PAYER_ONLY)

    def change_of(self, account: Address) -> int:
        """Return by how many minor units it changed the balance of `account`; 0 for a payment to oneself."""
        payer_sign, payee_sign = _SIGNS[self.kind]
        return self.amount * (payer_sign * (account == self.payer) + payee_sign * (account == self.payee))


def read_movements(logs: Sequence[LoggedEvent], currency: Address) -> Iterator[LedgerMovement]:
    """Yield the movements of `currency`, a native one, among the logs of one transaction, in their order.

    Raises: AbiDecodeError for a log that no native currency writes.
    """
    for position, log in enumerate(logs):
        if log.address != currency or not log.topics:
            continue
        topic = log.topics[0]
        if topic == TRANSFER.topic:
            yield _transfer(logs, position, currency)
        elif topic in _OUTSIDE_TRANSFERS:
            yield _OUTSIDE_TRANSFERS[topic].read(position, log)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How an event outside transfers tells a movement; fields are names of its parameters, empty for none."""

    event: EventDeclaration
    kind: MovementKind
    payer: str
    payee: str
    memo: str

    def read(self, position: int, log: LoggedEvent) -> LedgerMovement:
        """Return the movement. Raises: AbiDecodeError."""
        values = decode_event(self.event, log.topics, log.data)
        amount = values["amount"]
        assert isinstance(amount, int), "declared uint256"
        return LedgerMovement(
            position,
            self.kind,
            _address(values[self.payer]),
            _address(values[self.payee]) if self.payee else ZERO_ADDRESS,
            amount,
            _word(values[self.memo]) if self.memo else None,
            log.topics[1],
        )


_OUTSIDE_TRANSFERS: Final = {
    shape.event.topic: shape
    for shape in (
        _Shape(HOLD_CREATED, MovementKind.HOLD_MADE, "payer", "to", "memo"),
        _Shape(HOLD_RELEASED, MovementKind.HOLD_RELEASED, "payer", "to", ""),
        _Shape(REDEMPTION_REQUESTED, MovementKind.REDEMPTION_REQUESTED, "owner", "", "memo"),
        _Shape(REDEMPTION_REJECTED, MovementKind.REDEMPTION_REJECTED, "owner", "", "reason"),
        _Shape(REDEMPTION_CANCELLED, MovementKind.REDEMPTION_CANCELLED, "owner", "", ""),
    )
}

_OFFLINE_NAMED: Final = tuple(
    event.topic
    for event in (
        LOCK_OPENED,
        LOCK_TOPPED_UP,
        REDEEMED,
        LOCK_RELEASED,
        LOCK_REFUNDED,
        PURSE_OPENED,
        CLAIMED,
        PURSE_CLOSED,
    )
)
"""Events of OfflineLocks that name a lock or purse first."""

PARTY_TOPICS: Final = {
    TRANSFER.topic: (1, 2),
    HOLD_CREATED.topic: (2, 3),
    HOLD_RELEASED.topic: (2,),
    REDEMPTION_REQUESTED.topic: (2,),
    REDEMPTION_REJECTED.topic: (2,),
    REDEMPTION_CANCELLED.topic: (2,),
}
"""Places, among an event's topics, of those on whose statements it may belong."""


def _transfer(logs: Sequence[LoggedEvent], position: int, currency: Address) -> LedgerMovement:
    """Read a Transfer with what its currency logs right behind it: a memo, then what the transfer was part of."""
    log = logs[position]
    payer, payee = Address(log.topics[1][12:]), Address(log.topics[2][12:])
    if OFFLINE_LOCKS in (payer, payee):
        kind, reference = _offline(logs, position, is_locked=payee == OFFLINE_LOCKS)
        return LedgerMovement(position, kind, payer, payee, int.from_bytes(log.data, "big"), None, reference)
    following = position + 1
    memo = None
    if _is_at(logs, following, currency, MEMO) and logs[following].topics[1:3] == log.topics[1:3]:
        memo = logs[following].topics[3]
        following += 1
    kind, reference = MovementKind.PAYMENT, None
    if payer == ZERO_ADDRESS:
        kind = MovementKind.ISSUED
    elif memo is not None and _is_at(logs, following, currency, HOLD_EXECUTED):
        kind, reference = MovementKind.HOLD_PAID, logs[following].topics[1]
    elif memo is not None and _is_at(logs, following, currency, REDEMPTION_COMPLETED):
        kind, reference = MovementKind.REDEMPTION_COMPLETED, logs[following].topics[1]
    elif payee == ZERO_ADDRESS:
        kind = MovementKind.DESTROYED
    elif _is_at(logs, following, currency, FORCED_TRANSFER):
        kind = MovementKind.FORCED
    return LedgerMovement(position, kind, payer, payee, int.from_bytes(log.data, "big"), memo, reference)


def _offline(logs: Sequence[LoggedEvent], position: int, *, is_locked: bool) -> tuple[MovementKind, bytes | None]:
    """Tell what a transfer with OfflineLocks was part of, by what that contract logs behind it: kind and reference."""
    behind = (log for log in logs[position + 1 :] if log.address == OFFLINE_LOCKS and log.topics)
    part_of = next((log for log in behind if log.topics[0] != PAYOUT_HELD.topic), None)
    topic = part_of.topics[0] if part_of is not None else b""
    reference = part_of.topics[1] if part_of is not None and topic in _OFFLINE_NAMED else None
    if is_locked:
        return MovementKind.OFFLINE_LOCKED, reference
    is_rest = topic in (LOCK_REFUNDED.topic, PURSE_CLOSED.topic)
    if part_of is not None and topic == LOCK_RELEASED.topic and logs[position + 1] is part_of:
        # The payee's part comes first; without a rest it is the only one.
        is_rest = decode_event(LOCK_RELEASED, part_of.topics, part_of.data)["refunded"] != 0
    return MovementKind.OFFLINE_RETURNED if is_rest else MovementKind.OFFLINE_PAID, reference


def _is_at(logs: Sequence[LoggedEvent], position: int, currency: Address, event: EventDeclaration) -> bool:
    if position >= len(logs):
        return False
    log = logs[position]
    return log.address == currency and bool(log.topics) and log.topics[0] == event.topic


def _address(value: AbiValue) -> Address:
    assert isinstance(value, bytes), "declared address"
    return Address(value)


def _word(value: AbiValue) -> bytes:
    assert isinstance(value, bytes), "declared bytes32"
    return value

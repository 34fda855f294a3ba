"""Where the open holds and redemptions of an account are, and those that closed since a height.

Part of the index of addresses: written in the same batch as the block, rebuilt from receipts alone, never asked whether
a block is valid. It names candidates only; what a hold is at some height its record in the state of that height says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, Final

from consensus.chain.receipt import Log
from consensus.primitives.scalars import Address, Height
from contracts.addresses import CURRENCY_PREFIX
from contracts.native.holds import HOLD_CREATED, HOLD_EXECUTED, HOLD_RELEASED
from contracts.native.redemptions import (
    REDEMPTION_CANCELLED,
    REDEMPTION_COMPLETED,
    REDEMPTION_REJECTED,
    REDEMPTION_REQUESTED,
)
from node.storage.kv import KeyValueStore, ReadableStore, WriteBatch, prefix_end
from node.storage.schema import HOLD_NOTARY, RESERVED_CLOSED, RESERVED_OPEN, height_bytes

if TYPE_CHECKING:
    from node.chain.indexes import IndexedBlock

HOLD: Final = b"\x01"
REDEMPTION: Final = b"\x02"
"""What is reserved, as it stands in keys."""

NOTARIES_KEPT_MAX: Final = 32_768
"""Notaries of the newest holds kept in memory: 10 MB. A batch of a rebuild holds at most 12 500 holds and those of one
block, and what is not written yet must be here."""

_ID_BYTES: Final = 32
_NAME_BYTES: Final = 20 + 1 + _ID_BYTES
"""Currency, kind and id, the end of every key."""
_NOBODY: Final = bytes(20)
_OPEN_PHASE: Final = b"\x00"
_CLOSED_PHASE: Final = b"\x01"


class ReservationRole(IntFlag):
    """What an account is to a hold or redemption. One byte in the index."""

    PAYER = 1
    """Whose money it is; of a redemption its owner."""
    PAYEE = 2
    NOTARY = 4


@dataclass(frozen=True, slots=True)
class Reservation:
    """A hold or redemption an account has to do with."""

    currency: Address
    kind: bytes
    """HOLD or REDEMPTION."""
    id: bytes
    """32 bytes."""
    roles: int
    """Bits of ReservationRole."""
    place: bytes
    """Where a list goes on behind it."""


class ReservationWriter:
    """Writes the records of block after block; used on one thread at a time."""

    __slots__ = ("_notaries",)

    def __init__(self) -> None:
        self._notaries: dict[bytes, bytes] = {}

    def write_block(self, batch: WriteBatch, store: KeyValueStore, block: "IndexedBlock") -> None:
        """Add what the holds and redemptions of a block change to `batch`."""
        for receipt in block.receipts:
            for log in receipt.logs:
                if log.address.startswith(CURRENCY_PREFIX) and log.topics and log.topics[0] in _TOPICS:
                    self._write(batch, store, log, block.height)

    def _write(self, batch: WriteBatch, store: KeyValueStore, log: Log, height: Height) -> None:
        topic = log.topics[0]
        if topic == HOLD_CREATED.topic:
            notary = log.data[12:32]
            if notary != _NOBODY:
                self._keep_notary(log.address + log.topics[1], notary)
                batch.put(HOLD_NOTARY + log.address + log.topics[1], notary)
            _open(batch, log.address + HOLD + log.topics[1], _hold_roles(log, notary))
        elif topic == HOLD_RELEASED.topic or (topic == HOLD_EXECUTED.topic and not any(log.data[32:64])):
            notary = self._take_notary(store, log.address + log.topics[1])
            if notary != _NOBODY:
                batch.delete(HOLD_NOTARY + log.address + log.topics[1])
            _close(batch, log.address + HOLD + log.topics[1], _hold_roles(log, notary), height)
        elif topic == REDEMPTION_REQUESTED.topic:
            _open(batch, log.address + REDEMPTION + log.topics[1], {log.topics[2][12:]: 1})
        elif topic in _REDEMPTION_ENDS:
            _close(batch, log.address + REDEMPTION + log.topics[1], {log.topics[2][12:]: 1}, height)

    def _keep_notary(self, name: bytes, notary: bytes) -> None:
        notaries = self._notaries
        if len(notaries) >= NOTARIES_KEPT_MAX:
            # The oldest: it was written long ago.
            del notaries[next(iter(notaries))]
        notaries[name] = notary

    def _take_notary(self, store: KeyValueStore, name: bytes) -> bytes:
        """Return the notary of a hold that is over; nobody's address if it has none."""
        return self._notaries.pop(name, None) or store.get(HOLD_NOTARY + name) or _NOBODY


def read_reservations(
    store: ReadableStore, account: Address, height: Height, *, after: bytes = b""
) -> Iterator[Reservation]:
    """Yield the holds and redemptions of an account that may have been open after the block at `height`.

    First those open now, then those that closed since, so that one that closes between two pages is never missed; it
    may be met twice. `after` is the `place` of the last one read.
    """
    phase, name = after[:1] or _OPEN_PHASE, after[1:]
    if phase == _OPEN_PHASE:
        prefix = RESERVED_OPEN + account
        for key, value in store.scan(prefix + name + b"\0" * bool(name), prefix_end(prefix)):
            yield _reservation(key[-_NAME_BYTES:], value, _OPEN_PHASE + key[-_NAME_BYTES:])
        name = b""
    prefix = RESERVED_CLOSED + account
    start = prefix + name + b"\0" if name else prefix + height_bytes(Height(height + 1))
    for key, value in store.scan(start, prefix_end(prefix)):
        yield _reservation(key[-_NAME_BYTES:], value, _CLOSED_PHASE + key[len(prefix) :])


def is_place(data: bytes) -> bool:
    """Tell whether bytes can be the `place` of a reservation."""
    lengths = {_OPEN_PHASE: 1 + _NAME_BYTES, _CLOSED_PHASE: 1 + 8 + _NAME_BYTES}
    return len(data) == lengths.get(data[:1], -1)


_REDEMPTION_ENDS: Final = (REDEMPTION_COMPLETED.topic, REDEMPTION_REJECTED.topic, REDEMPTION_CANCELLED.topic)
_TOPICS: Final = frozenset(
    (HOLD_CREATED.topic, HOLD_EXECUTED.topic, HOLD_RELEASED.topic, REDEMPTION_REQUESTED.topic, *_REDEMPTION_ENDS)
)


def _hold_roles(log: Log, notary: bytes) -> dict[bytes, int]:
    """Return who has to do with a hold, from any of its events, in the order payer, payee, notary."""
    roles: dict[bytes, int] = {log.topics[2][12:]: 1}
    payee = log.topics[3][12:]
    roles[payee] = roles.get(payee, 0) | 2
    if notary != _NOBODY:
        roles[notary] = roles.get(notary, 0) | 4
    return roles


def _open(batch: WriteBatch, name: bytes, roles: dict[bytes, int]) -> None:
    for account, role in roles.items():
        batch.put(RESERVED_OPEN + account + name, bytes((role,)))


def _close(batch: WriteBatch, name: bytes, roles: dict[bytes, int], height: Height) -> None:
    for account, role in roles.items():
        batch.delete(RESERVED_OPEN + account + name)
        batch.put(RESERVED_CLOSED + account + height_bytes(height) + name, bytes((role,)))


def _reservation(name: bytes, value: bytes, place: bytes) -> Reservation:
    return Reservation(Address(name[:20]), name[20:21], name[21:], value[0], place)

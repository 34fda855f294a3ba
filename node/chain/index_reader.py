"""Reads of the indexes, at one moment of the store. What an index is and how it is written: node/chain/indexes.py."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from consensus.primitives.scalars import Address, Hash32, Height
from node.chain.records import decode_final_head
from node.chain.reservations import Reservation, read_reservations
from node.storage.kv import ReadableStore, prefix_end
from node.storage.schema import (
    CREATOR,
    HISTORY,
    HOLDER,
    LOG_ADDRESS,
    LOG_TOPICS,
    META_FINAL_HEAD,
    SENDER_NONCE,
    height_bytes,
    index_progress_key,
)

HEIGHT_MAX = 2**64 - 1
STEPS_BEFORE_SEEK = 8
"""Records passed one by one before a seek: a seek costs about as much as eight steps."""

_HISTORY_ENTRY_BYTES = 5


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One transaction an account had to do with."""

    height: Height
    index: int
    """Of the transaction in its block."""
    roles: int
    """Bits of `node.chain.indexes.Role`."""


@dataclass(frozen=True, slots=True)
class Creation:
    """Where a contract came from."""

    creator: Address
    transaction_hash: Hash32


@dataclass(frozen=True, slots=True)
class Holder:
    """An account that was paid in a currency at least once, or held some at genesis."""

    address: Address
    first_height: Height


class IndexReader:
    """Answers from one snapshot. Whoever reads a group asks `is_complete` first."""

    def __init__(self, store: ReadableStore) -> None:
        self._store = store

    def is_complete(self, group: str) -> bool:
        """Tell whether a group covers every final block."""
        head, reached = self._store.get(META_FINAL_HEAD), self._store.get(index_progress_key(group))
        if head is None or reached is None:
            return False
        return int.from_bytes(reached, "big") > decode_final_head(head).height

    def log_positions(
        self,
        addresses: Sequence[Address],
        topics: Sequence[Sequence[Hash32]],
        *,
        first: Height,
        last: Height,
    ) -> Iterator[tuple[Height, list[int]]]:
        """Yield heights from `first` to `last` with the indexes of the logs there that meet every condition.

        Any of `addresses`, and for each place any of its topics; an empty one admits all, but one of them must not be
        empty. Costs as much as the rarest condition has records.
        """
        conditions = [
            _Union(self._store, [prefix + value for value in values], first, last)
            for prefix, values in ((LOG_ADDRESS, addresses), *zip(LOG_TOPICS, topics, strict=False))
            if values
        ]
        assert conditions, "without a condition there is nothing to look up"
        height = int(first)
        while height <= last:
            reached = _meeting_height(conditions, height)
            if reached is None:
                return
            if reached == height:
                common = set.intersection(*(condition.positions(height) for condition in conditions))
                if common:
                    yield Height(height), sorted(common)
                height += 1
            else:
                height = reached

    def history(
        self, address: Address, *, first: tuple[int, int] = (0, 0), before: tuple[int, int] = (HEIGHT_MAX, 0)
    ) -> Iterator[HistoryEntry]:
        """Yield an account's transactions upwards, from place `first` (height, index) and below `before`."""
        for height, value in self._history_records(address, first, before, reverse=False):
            for entry in _history_entries(height, value):
                if first <= (entry.height, entry.index) < before:
                    yield entry

    def history_down(self, address: Address, *, before: tuple[int, int]) -> Iterator[HistoryEntry]:
        """Yield an account's transactions downwards from below `before` (height, index)."""
        for height, value in self._history_records(address, (0, 0), before, reverse=True):
            for entry in reversed(_history_entries(height, value)):
                if (entry.height, entry.index) < before:
                    yield entry

    def transaction_by_nonce(self, sender: Address, nonce: int) -> Hash32 | None:
        """Return the final transaction that used up a nonce."""
        value = self._store.get(SENDER_NONCE + sender + nonce.to_bytes(8, "big"))
        return None if value is None else Hash32(value)

    def creation(self, contract: Address) -> Creation | None:
        """Return which transaction created a contract; None also for one that another contract created."""
        value = self._store.get(CREATOR + contract)
        return None if value is None else Creation(Address(value[:20]), Hash32(value[20:]))

    def holders(self, currency: Address, *, after: Address | None) -> Iterator[Holder]:
        """Yield the holders of a currency by address, those above `after` only."""
        prefix = HOLDER + currency
        start = prefix if after is None else prefix + after + b"\0"
        for key, value in self._store.scan(start, prefix_end(prefix)):
            yield Holder(Address(key[21:]), Height(int.from_bytes(value, "big")))

    def reservations(self, account: Address, height: Height, *, after: bytes = b"") -> Iterator[Reservation]:
        """Yield the holds and redemptions of an account that may have been open after the block at `height`."""
        return read_reservations(self._store, account, height, after=after)

    def _history_records(
        self, address: Address, first: tuple[int, int], before: tuple[int, int], *, reverse: bool
    ) -> Iterator[tuple[Height, bytes]]:
        prefix = HISTORY + address
        start, stop = prefix + height_bytes(first[0]), prefix + height_bytes(before[0]) + b"\0"
        for key, value in self._store.scan(start, stop, reverse=reverse):
            yield Height(int.from_bytes(key[21:], "big")), value


def _history_entries(height: Height, value: bytes) -> list[HistoryEntry]:
    return [
        HistoryEntry(height, int.from_bytes(value[at : at + 4], "big"), value[at + 4])
        for at in range(0, len(value), _HISTORY_ENTRY_BYTES)
    ]


def _meeting_height(conditions: "Sequence[_Union]", height: int) -> int | None:
    """Return `height` if every condition has a record there, else a later height below which they cannot meet."""
    reached = height
    for condition in conditions:
        found = condition.next_height(reached)
        if found is None:
            return None
        reached = max(reached, found)
    return reached


class _Records:
    """The records of one address or topic, read upwards."""

    __slots__ = ("_iterator", "_prefix", "_stop", "_store", "height", "positions")

    def __init__(self, store: ReadableStore, prefix: bytes, first: int, last: int) -> None:
        self._store = store
        self._prefix = prefix
        self._stop = prefix + height_bytes(last) + b"\0"
        self.height = -1
        self.positions = b""
        self._seek(first)

    def advance(self, height: int) -> bool:
        """Go to the first record at `height` or above; tell whether there is one."""
        for _ in range(STEPS_BEFORE_SEEK):
            if not self._step():
                return False
            if self.height >= height:
                return True
        self._seek(height)
        return self._step()

    def _seek(self, height: int) -> None:
        self._iterator = self._store.scan(self._prefix + height_bytes(height), self._stop)

    def _step(self) -> bool:
        record = next(self._iterator, None)
        if record is None:
            return False
        self.height = int.from_bytes(record[0][-8:], "big")
        self.positions = record[1]
        return True


class _Union:
    """Any of several addresses, or of several topics: their records merged by height."""

    __slots__ = ("_heap", "_records")

    def __init__(self, store: ReadableStore, prefixes: Sequence[bytes], first: int, last: int) -> None:
        self._records = [_Records(store, prefix, first, last) for prefix in prefixes]
        self._heap = [
            (records.height, number) for number, records in enumerate(self._records) if records.advance(first)
        ]
        heapify(self._heap)

    def next_height(self, height: int) -> int | None:
        """Return the first height with a record at `height` or above; None if there is none."""
        heap = self._heap
        while heap and heap[0][0] < height:
            number = heap[0][1]
            records = self._records[number]
            if records.advance(height):
                heapreplace(heap, (records.height, number))
            else:
                heappop(heap)
        return heap[0][0] if heap else None

    def positions(self, height: int) -> set[int]:
        """Return the indexes of the logs in the records at `height`, the least there is."""
        found: set[int] = set()
        for at_height, number in self._heap:
            if at_height == height:
                value = self._records[number].positions
                found.update(int.from_bytes(value[at : at + 4], "big") for at in range(0, len(value), 4))
        return found

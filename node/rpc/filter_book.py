"""Filters that clients poll: what is open, for whom, and until when. Knows no JSON and reads no chain.

Everything a filter tells is final, so it only ever remembers where it goes on; nothing is queued for anybody.
"""

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from consensus.primitives.scalars import Address, Hash32, Height
from node.rpc.errors import FilterNotFound, TooManyFilters

FILTERS_MAX = 1_000
"""Filters of all clients: 1 MB, or 100 MB if all were of pending transactions. Twice that many poll once a second at
most, which is a busy follower."""

FILTERS_PER_CLIENT_MAX = 100
"""Filters of one key or connection: ten pages with ten filters each. Half would end what libraries open unasked."""

UNREAD_MAX_MS = 5 * 60 * 1_000
"""How long a filter nobody reads stays: what Ethereum nodes do, and clients poll every few seconds."""


@dataclass(slots=True)
class LogsFilter:
    """New logs, and on request all in its range."""

    addresses: frozenset[Address]
    topics: tuple[frozenset[Hash32], ...]
    height_first: Height
    height_last: Height | None
    """None for a range that never ends."""
    height_next: Height
    """First height whose logs were not told yet."""


@dataclass(slots=True)
class BlocksFilter:
    """Hashes of new blocks."""

    height_next: Height


@dataclass(slots=True)
class PendingFilter:
    """Hashes of transactions that became pending."""

    told: frozenset[Hash32]
    """Those that were pending when it was last read."""


Filter: TypeAlias = LogsFilter | BlocksFilter | PendingFilter


@dataclass(slots=True)
class _Open:
    filter: Filter
    client: str | None
    read_ms: int


def monotonic_ms() -> int:
    """Return milliseconds of a clock that never goes back; fractions are dropped."""
    return time.monotonic_ns() // 1_000_000


class FilterBook:
    """The open filters of a node. Loop thread only."""

    def __init__(
        self, now_ms: Callable[[], int] = monotonic_ms, draw_bits: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._now_ms = now_ms
        self._draw_bits = draw_bits
        """Returns so many bits that nobody can foresee."""
        self._open: OrderedDict[str, _Open] = OrderedDict()
        """Least recently read first."""
        self._per_client: Counter[str] = Counter()

    def add(self, made: Filter, client: str | None) -> str:
        """Open a filter and return its id, which nobody else can guess.

        `client` is None where clients are not told apart.

        Raises: TooManyFilters.
        """
        self._expire()
        if len(self._open) >= FILTERS_MAX:
            raise TooManyFilters(limit=FILTERS_MAX)
        if client is not None:
            if self._per_client[client] >= FILTERS_PER_CLIENT_MAX:
                raise TooManyFilters(limit=FILTERS_PER_CLIENT_MAX)
            self._per_client[client] += 1
        # Ids are quantities in the standard: no leading zero.
        filter_id = hex(1 << 127 | self._draw_bits(127))
        self._open[filter_id] = _Open(made, client, self._now_ms())
        return filter_id

    def read(self, filter_id: str) -> Filter:
        """Return an open filter and keep it for another while.

        Raises: FilterNotFound.
        """
        self._expire()
        found = self._open.get(filter_id)
        if found is None:
            raise FilterNotFound(filter_id)
        found.read_ms = self._now_ms()
        self._open.move_to_end(filter_id)
        return found.filter

    def remove(self, filter_id: str) -> bool:
        """Close a filter and tell whether it was open."""
        self._expire()
        if filter_id not in self._open:
            return False
        self._forget(filter_id)
        return True

    def _expire(self) -> None:
        oldest_ms = self._now_ms() - UNREAD_MAX_MS
        while self._open:
            filter_id, least = next(iter(self._open.items()))
            if least.read_ms > oldest_ms:
                return
            self._forget(filter_id)

    def _forget(self, filter_id: str) -> None:
        client = self._open.pop(filter_id).client
        if client is not None:
            self._per_client[client] -= 1
            if not self._per_client[client]:
                del self._per_client[client]

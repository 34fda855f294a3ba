"""Open subscriptions: where each goes on, and what is next for a connection to send.

Nothing final is queued. A subscription remembers a height and reads on from the chain as fast as its reader takes what
it is sent; replaying old blocks and following new ones are the same. Only pending transactions, which no chain keeps,
wait in a bounded queue.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson

from consensus.primitives.scalars import Height
from node.mempool.pool import PooledTransaction
from node.rpc.backend import Calls, LedgerReads, SyncProgress
from node.rpc.encoding import data_hex, pending_transaction_object, syncing_object
from node.rpc.errors import CallsOverloaded, TooManySubscriptions
from node.rpc.subscription_kinds import HEIGHTS_PER_STEP, ByHeight, read_step

SUBSCRIPTIONS_PER_CONNECTION_MAX: Final = 100
"""Ten pages with ten subscriptions each behind one provider."""

SUBSCRIPTIONS_MAX: Final = 5_000
"""Of all connections. Each reads every block: 5 000 of heads are 50 ms of work a block."""

LAG_BLOCKS_MAX: Final = 1_000
"""How far a reader that was in step may fall behind before it is told to go; about a quarter of an hour."""

PENDING_QUEUED_BYTES_MAX: Final = 1_000_000
"""Pending transactions a reader has not taken yet."""

OVERLOAD_PAUSE_S: Final = 0.1
"""When to ask the calls thread again that had no room: the time of a few calls."""


class TooSlow(Exception):
    """A reader does not take what it asked for; its connection is closed with these words."""


class SubscriptionReads(LedgerReads, Calls, Protocol):
    """What subscriptions read."""

    def syncing(self) -> SyncProgress | None:
        """Return None while this node is at most two heights behind."""
        ...


@dataclass(frozen=True, slots=True)
class PendingTransactions:
    """Every transaction that becomes pending: its hash, or all of it."""

    is_full: bool


@dataclass(frozen=True, slots=True)
class Syncing:
    """When this node falls behind, and when it is in step again."""


Kind = ByHeight | PendingTransactions | Syncing


@dataclass(slots=True)
class _Open:
    prefix: bytes
    """What every notification of it begins with."""
    kind: Kind
    height_next: Height
    """First height not told yet; of no meaning for a kind that has a queue."""
    is_told: bool = False
    """Whether the client has been given its id: nothing may come before that."""
    was_in_step: bool = False
    queue: deque[bytes] = field(default_factory=deque)
    queued_bytes: int = 0


class Subscriptions:
    """Those of one connection. Loop thread only."""

    def __init__(self, hub: "SubscriptionHub") -> None:
        self._hub = hub
        self._open: dict[str, _Open] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, namespace: str, kind: Kind, first: Height) -> str:
        """Open a subscription from height `first` on and return its id.

        Raises: TooManySubscriptions.
        """
        if len(self._open) >= SUBSCRIPTIONS_PER_CONNECTION_MAX:
            raise TooManySubscriptions(limit=SUBSCRIPTIONS_PER_CONNECTION_MAX)
        self._hub.count_opened()
        # Ids are quantities in the standard: no leading zero.
        subscription_id = hex(1 << 127 | secrets.randbits(127))
        head = f'{{"jsonrpc":"2.0","method":"{namespace}_subscription","params":{{"subscription":"{subscription_id}"'
        self._open[subscription_id] = _Open(head.encode() + b',"result":', kind, first)
        return subscription_id

    def remove(self, subscription_id: str) -> bool:
        """End a subscription and tell whether it was open."""
        if self._open.pop(subscription_id, None) is None:
            return False
        self._hub.count_closed(1)
        return True

    def start_told(self, answer: bytes) -> None:
        """Let those begin whose ids are in `answer`, which the client has been sent."""
        for subscription_id, opened in self._open.items():
            if not opened.is_told and subscription_id.encode() in answer:
                opened.is_told = True
                self._wake.set()

    def wake(self) -> None:
        """Look again: there may be something to tell."""
        self._wake.set()

    def close(self) -> None:
        """End all."""
        self._hub.forget(self)
        self._hub.count_closed(len(self._open))
        self._open.clear()

    def queue(self, wanted: Callable[[Kind], bytes | None]) -> None:
        """Queue for each subscription what `wanted` returns for its kind, if anything."""
        for opened in self._open.values():
            payload = wanted(opened.kind)
            if payload is not None:
                opened.queue.append(payload)
                opened.queued_bytes += len(payload)
                self._wake.set()

    async def next_notifications(self) -> Sequence[bytes]:
        """Wait for something to tell and return it, whole messages of one subscription.

        Raises: TooSlow, Pruned.
        """
        while True:
            self._wake.clear()
            for subscription_id, opened in list(self._open.items()):
                if not opened.is_told:
                    continue
                found = await self._take(subscription_id, opened)
                if found and subscription_id in self._open:
                    # Last in the next round, so that one replay does not keep the others waiting.
                    self._open[subscription_id] = self._open.pop(subscription_id)
                    return [opened.prefix + payload + b"}}" for payload in found]
            await self._wake.wait()

    async def _take(self, subscription_id: str, opened: _Open) -> Sequence[bytes]:
        kind = opened.kind
        if isinstance(kind, PendingTransactions | Syncing):
            if opened.queued_bytes > PENDING_QUEUED_BYTES_MAX:
                raise TooSlow(f"slow reader: {opened.queued_bytes} bytes of pending transactions not taken")
            found = list(opened.queue)
            opened.queue.clear()
            opened.queued_bytes = 0
            return found
        while subscription_id in self._open:
            first, head = opened.height_next, self._hub.head()
            if first > head:
                opened.was_in_step = True
                break
            if opened.was_in_step and head - first > LAG_BLOCKS_MAX:
                raise TooSlow(
                    f"slow reader: {head - first} blocks behind; sycee_subscribe goes on with fromHeight {first}"
                )
            last = Height(min(head, first + HEIGHTS_PER_STEP - 1))
            payloads, opened.height_next = await self._hub.read(kind, first, last)
            if payloads:
                return payloads
        return ()


class SubscriptionHub:
    """All subscriptions of a node. Loop thread only."""

    def __init__(self, reads: SubscriptionReads, *, count_changed: Callable[[int], None]) -> None:
        self._reads = reads
        self._count_changed = count_changed
        self._connections: list[Subscriptions] = []
        self._count = 0
        self._was_syncing = False

    def connect(self) -> Subscriptions:
        """Return the subscriptions of a new connection."""
        connection = Subscriptions(self)
        self._connections.append(connection)
        return connection

    def forget(self, connection: Subscriptions) -> None:
        """Serve a connection no longer."""
        self._connections.remove(connection)

    def block_final(self) -> None:
        """Tell of a block that is final and readable."""
        self.update_syncing()
        for connection in self._connections:
            connection.wake()

    def admitted(self, transactions: Sequence[PooledTransaction]) -> None:
        """Tell of transactions that became pending."""
        if not self._count:
            return
        for pooled in transactions:
            encoded: dict[bool, bytes] = {}

            def wanted(
                kind: Kind, pooled: PooledTransaction = pooled, encoded: dict[bool, bytes] = encoded
            ) -> bytes | None:
                if not isinstance(kind, PendingTransactions):
                    return None
                if kind.is_full not in encoded:
                    shown = pending_transaction_object(pooled.transaction, pooled.sender)
                    encoded[kind.is_full] = orjson.dumps(shown if kind.is_full else data_hex(pooled.transaction.hash))
                return encoded[kind.is_full]

            for connection in self._connections:
                connection.queue(wanted)

    def update_syncing(self) -> None:
        """Tell when this node falls behind or is in step again."""
        progress = self._reads.syncing()
        if (progress is not None) == self._was_syncing:
            return
        self._was_syncing = progress is not None
        # The objects of go-ethereum, which no specification names: clients know only these.
        told = orjson.dumps(False if progress is None else {"syncing": True, "status": syncing_object(progress)})
        for connection in self._connections:
            connection.queue(lambda kind: told if isinstance(kind, Syncing) else None)

    def head(self) -> Height:
        """Return the height of the last final block."""
        return self._reads.head().height

    async def read(self, kind: ByHeight, first: Height, last: Height) -> tuple[list[bytes], Height]:
        """Return notices and the height to go on at. Raises: Pruned."""
        if first == last and kind.is_short(self._reads.header(first).header):
            return read_step(kind, self._reads, first, last)
        while True:
            try:
                return await self._reads.compute(lambda: read_step(kind, self._reads, first, last))
            except CallsOverloaded:
                await asyncio.sleep(OVERLOAD_PAUSE_S)

    def count_opened(self) -> None:
        """Count a subscription. Raises: TooManySubscriptions."""
        if self._count >= SUBSCRIPTIONS_MAX:
            raise TooManySubscriptions(limit=SUBSCRIPTIONS_MAX)
        self._count += 1
        self._count_changed(self._count)

    def count_closed(self, count: int) -> None:
        """Count `count` subscriptions less."""
        self._count -= count
        self._count_changed(self._count)

"""Transactions between nodes: the node that admits one tells all others; who receives one tells nobody.

Announcements heal what full queues and broken links lost: a transaction pending for long is named by its hash, and who
lacks it asks. Owned by the loop thread.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from consensus.primitives.scalars import Hash32
from node.mempool.pool import Pool, PooledTransaction
from node.peers.requests import Requester
from node.peers.wire import (
    ANNOUNCED_MAX,
    GossipKind,
    MalformedMessage,
    RequestKind,
    decode_gossip,
    decode_hashes,
    encode_announcement,
    encode_transactions,
)
from node.runtime.ports import Clock, Timers

BATCH_WAIT_MS = 5
"""How long admitted transactions wait for company: a tenth of a payment's way to finality."""

BATCH_BYTES = 64 * 1024
"""A batch this long leaves at once, and one that would get longer leaves before the next transaction is added; a
single transaction may be longer and still fits the channel's frame."""

ANNOUNCE_AFTER_MS = 500
"""A transaction pending longer is announced: by then every linked peer should have it."""

ANNOUNCE_EVERY_MS = 2_000
"""Time between two announcements of the same transaction."""

ANNOUNCE_TICK_MS = 500
"""How often the pool is looked through."""


class GossipMesh(Protocol):
    """What gossip needs of the mesh."""

    def broadcast_transactions(self, payload: bytes) -> None:
        """Queue a frame on the transactions channel for every linked peer."""
        ...


class TransactionGossip:
    """Outgoing batches and announcements, incoming transactions."""

    def __init__(
        self,
        *,
        mesh: GossipMesh,
        pool: Pool,
        requester: Requester,
        receive: Callable[[Sequence[bytes]], None],
        is_known: Callable[[Hash32], bool],
        clock: Clock,
        timers: Timers,
    ) -> None:
        self._mesh = mesh
        self._pool = pool
        self._requester = requester
        self._receive = receive
        self._is_known = is_known
        self._clock = clock
        self._timers = timers
        self._outbox: list[bytes] = []
        self._outbox_bytes = 0

    def start(self) -> None:
        """Begin to announce what stays pending."""
        self._timers.call_at(self._clock.now_ms() + ANNOUNCE_TICK_MS, self._announce)

    def admitted(self, transactions: Sequence[PooledTransaction]) -> None:
        """Tell all peers of transactions that clients gave to this node."""
        for pooled in transactions:
            if not pooled.from_client:
                continue
            if self._outbox_bytes + len(pooled.transaction.raw) > BATCH_BYTES:
                self._flush()
            if not self._outbox:
                self._timers.call_at(self._clock.now_ms() + BATCH_WAIT_MS, self._flush)
            self._outbox.append(pooled.transaction.raw)
            self._outbox_bytes += len(pooled.transaction.raw)

    def received(self, peer: bytes, payload: bytes) -> None:
        """Take in a frame of the transactions channel. Raises: MalformedMessage."""
        kind, items = decode_gossip(payload)
        if kind is GossipKind.TRANSACTIONS:
            self._receive(items)
            return
        missing = [Hash32(item) for item in items if not self._is_known(Hash32(item))]
        if missing:
            # Who announced them has them. Nobody else is asked: hashes of nothing would be looked for without end.
            key = ("transactions", missing[0])
            self._requester.ask_once(key, RequestKind.TRANSACTIONS, b"".join(missing), self._answered, peer)

    def answer(self, payload: bytes) -> bytes:
        """Return the reply to a TRANSACTIONS request: what is pending here. Raises: MalformedMessage."""
        found: list[bytes] = []
        found_bytes = 0
        for transaction_hash in decode_hashes(payload):
            pooled = self._pool.get(transaction_hash)
            if pooled is not None and found_bytes + len(pooled.transaction.raw) <= BATCH_BYTES * 8:
                found.append(pooled.transaction.raw)
                found_bytes += len(pooled.transaction.raw)
        return encode_transactions(found) if found else b""

    def _answered(self, _peer: bytes, payload: bytes) -> bool:
        try:
            kind, items = decode_gossip(payload)
        except MalformedMessage:
            return False
        if kind is not GossipKind.TRANSACTIONS:
            return False
        self._receive(items)
        return True

    def _flush(self) -> None:
        if not self._outbox:
            return
        outbox, self._outbox = self._outbox, []
        self._outbox_bytes = 0
        self._mesh.broadcast_transactions(encode_transactions(outbox))

    def _announce(self) -> None:
        now_ms = self._clock.now_ms()
        hashes: list[Hash32] = []
        for pooled in self._pool.in_arrival_order():
            due_ms = pooled.arrived_ms + ANNOUNCE_AFTER_MS + pooled.announced_count * ANNOUNCE_EVERY_MS
            if pooled.arrived_ms + ANNOUNCE_AFTER_MS > now_ms or len(hashes) >= ANNOUNCED_MAX:
                break
            # One behind a nonce gap is named when the gap closes: each node lets it go in its own time, and whoever did
            # would else ask for it again, for ever.
            if due_ms <= now_ms and self._pool.is_executable(pooled):
                pooled.announced_count += 1
                hashes.append(pooled.transaction.hash)
        if hashes:
            self._mesh.broadcast_transactions(encode_announcement(hashes))
        self._timers.call_at(now_ms + ANNOUNCE_TICK_MS, self._announce)

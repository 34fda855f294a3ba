"""The mempool: nonce lanes of admitted transactions, in arrival order.

It decides nothing about validity (admission.py does) and knows no network. Owned by the loop thread.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from consensus.chain.transaction import Transaction
from consensus.primitives.scalars import Address, Hash32, TimestampMs
from node.mempool.errors import NonceTaken, NonceTooFar, NonceTooLow, PoolFull, SenderGasLimit, SenderLimit


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one node's mempool; `[mempool]` in node.toml."""

    transactions_max: int = 50_000
    """All pending transactions: about 60 MB of Python objects; half would reject the burst of a large payroll."""
    bytes_max: int = 128 * 1024 * 1024
    """Sum of their encoded sizes."""
    per_sender_max: int = 64
    """Pending transactions of one sender, held gaps included; bounds what one key can occupy."""
    per_sender_gas_max: int = 500_000_000
    """Gas limits of one sender's pending transactions: a block of the usual size. Half would hinder who deploys
    many contracts at once; twice would let one key occupy two blocks of everybody."""
    gap_wait_ms: int = 60_000
    """How long a transaction may wait for a missing nonce before it is dropped."""


@dataclass(slots=True)
class PooledTransaction:
    """An admitted transaction."""

    transaction: Transaction
    sender: Address
    arrived_ms: TimestampMs
    """When this node admitted it."""
    from_client: bool
    """Admitted through this node's RPC, so this node tells the others."""
    bank_id: int = 0
    """Number of the bank that sponsored the sender when it was admitted; 0 for none. Leaders let banks take turns."""
    passed_over_count: int = 0
    """Final blocks with room that left it out although it was executable."""
    announced_count: int = 0
    """How often its hash was announced to peers that may lack it."""


@dataclass(slots=True)
class _Lane:
    """One sender's transactions by nonce."""

    next_nonce: int
    """The sender's nonce in the final state."""
    gapless_end: int
    """First nonce from `next_nonce` upwards that is not in the lane."""
    by_nonce: dict[int, PooledTransaction] = field(default_factory=dict)
    gas: int = 0
    """Sum of the gas limits of `by_nonce`."""


class Pool:
    """Admitted transactions by hash and by sender."""

    def __init__(self, limits: PoolLimits) -> None:
        self.limits = limits
        self._by_hash: dict[Hash32, PooledTransaction] = {}
        self._lanes: dict[Address, _Lane] = {}
        self._bytes = 0
        self._executable_count = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    def __contains__(self, transaction_hash: Hash32) -> bool:
        return transaction_hash in self._by_hash

    def get(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Return the pending transaction with that hash."""
        return self._by_hash.get(transaction_hash)

    @property
    def executable_count(self) -> int:
        """How many transactions have no nonce gap before them."""
        return self._executable_count

    def in_arrival_order(self) -> Iterator[PooledTransaction]:
        """Yield every pending transaction, oldest first. The pool must not change meanwhile."""
        return iter(self._by_hash.values())

    def oldest_arrival_ms(self) -> TimestampMs | None:
        """Return when the oldest pending transaction was admitted; None if the pool is empty."""
        oldest = next(iter(self._by_hash.values()), None)
        return None if oldest is None else oldest.arrived_ms

    def next_pending_nonce(self, sender: Address, final_nonce: int) -> int:
        """Return the sender's nonce after its gapless pending transactions (block tag `pending`)."""
        lane = self._lanes.get(sender)
        return final_nonce if lane is None else max(lane.gapless_end, final_nonce)

    def by_sender(self) -> Mapping[Address, tuple[PooledTransaction, ...]]:
        """Return the pending transactions of each sender by ascending nonce."""
        return {
            sender: tuple(lane.by_nonce[nonce] for nonce in sorted(lane.by_nonce))
            for sender, lane in self._lanes.items()
        }

    def validate_room(self, transaction: Transaction, sender: Address, final_nonce: int) -> None:
        """Check that `add` would keep every bound.

        The transaction that is due next has room whatever gas its successors, which wait for it, may use.

        Raises: NonceTooLow, NonceTaken, NonceTooFar, SenderLimit, SenderGasLimit, PoolFull.
        """
        nonce = transaction.nonce
        if nonce < final_nonce:
            raise NonceTooLow(found=nonce, expected=final_nonce)
        lane = self._lanes.get(sender)
        if lane is not None:
            taken = lane.by_nonce.get(nonce)
            if taken is not None:
                raise NonceTaken(nonce, taken.transaction.hash)
            if len(lane.by_nonce) >= self.limits.per_sender_max:
                raise SenderLimit(sender, self.limits.per_sender_max)
            if lane.gas + transaction.gas_limit > self.limits.per_sender_gas_max and nonce != lane.next_nonce:
                raise SenderGasLimit(
                    sender,
                    pending_gas=lane.gas,
                    gas_limit=transaction.gas_limit,
                    per_sender_gas_max=self.limits.per_sender_gas_max,
                )
        if nonce - final_nonce >= self.limits.per_sender_max:
            raise NonceTooFar(found=nonce, expected=final_nonce, ahead_max=self.limits.per_sender_max)
        if (
            len(self._by_hash) >= self.limits.transactions_max
            or self._bytes + len(transaction.raw) > self.limits.bytes_max
        ):
            raise PoolFull(self.limits.transactions_max)

    def add(self, pooled: PooledTransaction, final_nonce: int) -> None:
        """Insert a transaction that passed `validate_room` against the same `final_nonce`."""
        transaction = pooled.transaction
        lane = self._lanes.get(pooled.sender)
        if lane is None:
            lane = self._lanes[pooled.sender] = _Lane(next_nonce=final_nonce, gapless_end=final_nonce)
        assert transaction.nonce not in lane.by_nonce
        lane.by_nonce[transaction.nonce] = pooled
        lane.gas += transaction.gas_limit
        self._by_hash[transaction.hash] = pooled
        self._bytes += len(transaction.raw)
        self._extend_gapless(lane)

    def drop_final(self, final: Iterable[tuple[Address, int]]) -> list[PooledTransaction]:
        """Remove everything that a final block made unusable and return it.

        `final` are the (sender, nonce) pairs of the block. A pending transaction with a used nonce is removed
        whether it or a rival was included.
        """
        removed: list[PooledTransaction] = []
        for sender, nonce in final:
            lane = self._lanes.get(sender)
            if lane is None or nonce < lane.next_nonce:
                continue
            for used in range(lane.next_nonce, nonce + 1):
                pooled = lane.by_nonce.pop(used, None)
                if pooled is not None:
                    lane.gas -= pooled.transaction.gas_limit
                    removed.append(self._forget(pooled))
            self._executable_count -= lane.gapless_end - lane.next_nonce
            lane.next_nonce = nonce + 1
            lane.gapless_end = max(lane.gapless_end, lane.next_nonce)
            self._executable_count += lane.gapless_end - lane.next_nonce
            self._extend_gapless(lane)
            if not lane.by_nonce:
                del self._lanes[sender]
        return removed

    def drop_expired_gaps(self, now_ms: int) -> list[PooledTransaction]:
        """Remove transactions that waited longer than `gap_wait_ms` behind a missing nonce, and return them."""
        deadline_ms = now_ms - self.limits.gap_wait_ms
        expired = [
            pooled
            for pooled in self._by_hash.values()
            if pooled.arrived_ms < deadline_ms and not self.is_executable(pooled)
        ]
        for pooled in expired:
            self._forget(pooled)
            lane = self._lanes[pooled.sender]
            del lane.by_nonce[pooled.transaction.nonce]
            lane.gas -= pooled.transaction.gas_limit
            if not lane.by_nonce:
                del self._lanes[pooled.sender]
        return expired

    def executable_among(self, pairs: Iterable[tuple[Address, int]]) -> int:
        """Return how many of the (sender, nonce) pairs are executable transactions of this pool."""
        count = 0
        for sender, nonce in pairs:
            lane = self._lanes.get(sender)
            count += lane is not None and lane.next_nonce <= nonce < lane.gapless_end
        return count

    def is_executable(self, pooled: PooledTransaction) -> bool:
        """Tell whether no nonce is missing before this pending transaction."""
        return pooled.transaction.nonce < self._lanes[pooled.sender].gapless_end

    def _extend_gapless(self, lane: _Lane) -> None:
        end = lane.gapless_end
        while end in lane.by_nonce:
            end += 1
        self._executable_count += end - lane.gapless_end
        lane.gapless_end = end

    def _forget(self, pooled: PooledTransaction) -> PooledTransaction:
        del self._by_hash[pooled.transaction.hash]
        self._bytes -= len(pooled.transaction.raw)
        return pooled

"""Is there work for the next leader? The predicate D1 of the consensus machine, relative to its tip.

A transaction that leaders pass over again and again stays buildable, but no longer keeps the chain awake.
"""

from collections.abc import Iterable

from consensus.primitives.scalars import Address, TimestampMs
from node.mempool.pool import Pool

LOOKED_AT_MAX = 256
"""Oldest transactions examined after a block with room: with room left, a longer queue would have been taken."""

SPREAD_MS = 1_000
"""A transaction younger than this when the block was made may not have reached its leader."""


class PendingWork:
    """Counts what the tip's chain has not yet included. Owned by the loop thread."""

    def __init__(self, pool: Pool, *, passed_over_max: int) -> None:
        """`passed_over_max` is the number of validators: each has led once."""
        self._pool = pool
        self.passed_over_max = passed_over_max

    def is_pending(self, in_tip_chain: Iterable[tuple[Address, int]]) -> bool:
        """Tell whether an executable transaction is in none of the given (sender, nonce) pairs and not given up."""
        open_count = self._pool.executable_count - self._given_up_count()
        if open_count <= 0:
            return False
        return open_count > self._pool.executable_among(in_tip_chain)

    def block_final(self, timestamp_ms: TimestampMs, *, had_room: bool) -> None:
        """Count a final block against every old executable transaction that it left out although it had room."""
        if not had_room:
            return
        for index, pooled in enumerate(self._pool.in_arrival_order()):
            if index >= LOOKED_AT_MAX or pooled.arrived_ms + SPREAD_MS > timestamp_ms:
                break
            if self._pool.is_executable(pooled):
                pooled.passed_over_count += 1

    def _given_up_count(self) -> int:
        count = 0
        for index, pooled in enumerate(self._pool.in_arrival_order()):
            if index >= LOOKED_AT_MAX or pooled.passed_over_count == 0:
                break
            count += pooled.passed_over_count >= self.passed_over_max
        return count

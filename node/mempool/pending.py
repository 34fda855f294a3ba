"""Is there work for the next leader? The predicate D1 of the consensus machine, relative to its tip.

A transaction that leaders pass over again and again stays buildable, but no longer keeps the chain awake.
"""

from collections.abc import Collection, Iterable

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
        self._given_up_count = 0

    def is_pending(self, in_tip_chain: Iterable[tuple[Address, int]]) -> bool:
        """Tell whether an executable transaction is in none of the given (sender, nonce) pairs and not given up."""
        open_count = self._pool.executable_count - self._given_up_count
        if open_count <= 0:
            return False
        return open_count > self._pool.executable_among(in_tip_chain)

    def block_final(self, timestamp_ms: TimestampMs, *, had_room: bool, filled_banks: Collection[int] = ()) -> None:
        """Count a final block against every old executable transaction that it left out although it had room.

        Not against those of `filled_banks`, whose share of the block may have been too small for more. Call it after
        the pool has dropped what the block holds.
        """
        given_up = 0
        for index, pooled in enumerate(self._pool.in_arrival_order()):
            if index >= LOOKED_AT_MAX or pooled.arrived_ms + SPREAD_MS > timestamp_ms:
                break
            if had_room and pooled.bank_id not in filled_banks and self._pool.is_executable(pooled):
                pooled.passed_over_count += 1
            given_up += pooled.passed_over_count >= self.passed_over_max
        self._given_up_count = given_up

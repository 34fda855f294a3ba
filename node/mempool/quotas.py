"""How much gas a minute each bank may send through this node's mempool; its sponsored customers share it.

A bank has a bucket that holds one minute of its quota and refills evenly, so it may spend a minute's worth at once
and then goes on at its rate. What is counted are gas limits: what a transaction will use is not known before it is
executed. It decides what this node admits and is never part of block validity. Source: ledger.md §8.
"""

from dataclasses import dataclass

from node.execution.shares import Quota
from node.mempool.errors import GasAboveQuota, QuotaExceeded

MINUTE_MS = 60_000
"""The period of `quotaGasPerMinute`, and how far a bank may run ahead of its even rate, milliseconds."""


@dataclass(slots=True)
class _Bucket:
    free: int
    """Gas times MINUTE_MS that may be spent now: in this unit refilling leaves no remainder."""
    refilled_ms: int


class QuotaBook:
    """What each bank has used. As many buckets as banks have sent. Owned by the loop thread."""

    def __init__(self) -> None:
        self._buckets: dict[int, _Bucket] = {}
        self.refused_counts: dict[int, int] = {}
        """Transactions refused for their bank's quota since start, by bank number."""

    def charge(self, quota: Quota, gas_limit: int, now_ms: int) -> None:
        """Count a transaction that is about to be admitted; one that is refused costs nothing.

        Raises: GasAboveQuota, QuotaExceeded.
        """
        per_minute = quota.gas_per_minute
        if per_minute is None:
            return
        if gas_limit > per_minute:
            self._count_refusal(quota.bank_id)
            raise GasAboveQuota(bank_id=quota.bank_id, gas_limit=gas_limit, gas_per_minute=per_minute)
        full = per_minute * MINUTE_MS
        bucket = self._buckets.get(quota.bank_id)
        if bucket is None:
            bucket = self._buckets[quota.bank_id] = _Bucket(full, now_ms)
        # A clock that went back refills nothing; a quota that was lowered shrinks what was saved up.
        elapsed_ms = max(0, now_ms - bucket.refilled_ms)
        bucket.free = min(full, bucket.free + elapsed_ms * per_minute)
        bucket.refilled_ms = now_ms
        wanted = gas_limit * MINUTE_MS
        if wanted > bucket.free:
            self._count_refusal(quota.bank_id)
            raise QuotaExceeded(
                bank_id=quota.bank_id,
                # Rounded up on both lines: what is told is never too little.
                used=-((bucket.free - full) // MINUTE_MS),
                gas_per_minute=per_minute,
                gas_limit=gas_limit,
                retry_after_ms=-((bucket.free - wanted) // per_minute),
            )
        bucket.free -= wanted

    def _count_refusal(self, bank_id: int) -> None:
        self.refused_counts[bank_id] = self.refused_counts.get(bank_id, 0) + 1

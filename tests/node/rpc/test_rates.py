"""Buckets of units: what is let in, and when to come back."""

import pytest

from node.rpc.errors import RateExceeded
from node.rpc.rates import COSTS, RateLimit
from tests.node.rpc.clock import Microseconds


def test_burst_is_let_in_and_the_next_call_is_told_when() -> None:
    clock = Microseconds()
    limit = RateLimit(units_per_s=10, burst=3, now_us=clock)
    for _ in range(3):
        limit.take("eth_chainId")
    with pytest.raises(RateExceeded) as refused:
        limit.take("eth_chainId")
    assert refused.value.retry_after_ms == 100
    clock.now += 99_999
    with pytest.raises(RateExceeded):
        limit.take("eth_chainId")
    clock.now += 1
    limit.take("eth_chainId")


def test_refused_call_takes_nothing() -> None:
    clock = Microseconds()
    limit = RateLimit(units_per_s=1, burst=1, now_us=clock)
    limit.take("eth_chainId")
    for _ in range(10):
        with pytest.raises(RateExceeded):
            limit.take("eth_chainId")
    clock.now += 1_000_000
    limit.take("eth_chainId")


def test_method_that_costs_more_than_a_full_bucket_leaves_a_debt() -> None:
    clock = Microseconds()
    limit = RateLimit(units_per_s=10, burst=10, now_us=clock)
    cost = COSTS["debug_traceTransaction"]
    assert cost == 40
    limit.take("debug_traceTransaction")
    with pytest.raises(RateExceeded) as refused:
        limit.take("eth_chainId")
    assert refused.value.retry_after_ms == (cost - 10 + 1) * 100
    clock.now += refused.value.retry_after_ms * 1_000
    limit.take("eth_chainId")


def test_bucket_never_holds_more_than_its_burst() -> None:
    clock = Microseconds()
    limit = RateLimit(units_per_s=10, burst=2, now_us=clock)
    clock.now += 3_600_000_000
    limit.take("eth_chainId")
    limit.take("eth_chainId")
    with pytest.raises(RateExceeded):
        limit.take("eth_chainId")

"""Gas a minute per bank: who shares it, what is refused, and when it is free again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.execution.shares import Quota
from node.mempool.errors import GasAboveQuota, QuotaExceeded
from node.mempool.quotas import MINUTE_MS, QuotaBook

BANK = Quota(1, 6_000)
OTHER = Quota(2, 6_000)


def test_a_minutes_gas_may_be_spent_at_once_and_one_more_is_refused() -> None:
    book = QuotaBook()
    book.charge(BANK, 6_000, 1_000)
    with pytest.raises(QuotaExceeded) as caught:
        book.charge(BANK, 1, 1_000)
    assert (caught.value.bank_id, caught.value.used, caught.value.gas_per_minute) == (1, 6_000, 6_000)
    assert "bank 1" in str(caught.value)
    assert book.refused_counts == {1: 1}


def test_what_a_refusal_says_about_when_to_retry_is_exact() -> None:
    book = QuotaBook()
    book.charge(BANK, 6_000, 0)
    with pytest.raises(QuotaExceeded) as caught:
        book.charge(BANK, 25, 0)
    assert caught.value.retry_after_ms == 250
    with pytest.raises(QuotaExceeded) as early:
        book.charge(BANK, 25, 249)
    assert early.value.retry_after_ms == 1
    book.charge(BANK, 25, 250)


def test_one_bank_that_used_its_quota_does_not_hinder_another() -> None:
    book = QuotaBook()
    book.charge(BANK, 6_000, 0)
    book.charge(OTHER, 6_000, 0)
    with pytest.raises(QuotaExceeded):
        book.charge(OTHER, 1, 0)


def test_a_refused_transaction_uses_nothing() -> None:
    book = QuotaBook()
    book.charge(BANK, 5_000, 0)
    with pytest.raises(QuotaExceeded):
        book.charge(BANK, 1_001, 0)
    book.charge(BANK, 1_000, 0)


def test_a_gas_limit_that_no_minute_holds_is_refused_for_good() -> None:
    with pytest.raises(GasAboveQuota, match="6001 is above the quota of bank 1"):
        QuotaBook().charge(BANK, 6_001, 0)


def test_a_clock_that_goes_back_refills_nothing() -> None:
    book = QuotaBook()
    book.charge(BANK, 6_000, 10_000)
    with pytest.raises(QuotaExceeded):
        book.charge(BANK, 1, 5_000)


def test_a_lowered_quota_holds_from_the_next_transaction() -> None:
    book = QuotaBook()
    book.charge(BANK, 1, 0)
    lowered = Quota(1, 100)
    book.charge(lowered, 100, 0)
    with pytest.raises(QuotaExceeded):
        book.charge(lowered, 1, 0)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 6_000)), max_size=40))
def test_no_minute_lets_through_more_than_twice_the_quota(steps: list[tuple[int, int]]) -> None:
    book, now_ms = QuotaBook(), 0
    admitted: list[tuple[int, int]] = []
    for wait_ms, gas in steps:
        now_ms += wait_ms
        try:
            book.charge(BANK, gas, now_ms)
        except QuotaExceeded:
            continue
        admitted.append((now_ms, gas))
    for start_ms, _ in admitted:
        assert sum(gas for at_ms, gas in admitted if start_ms <= at_ms < start_ms + MINUTE_MS) <= 2 * 6_000

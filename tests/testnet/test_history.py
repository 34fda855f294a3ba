"""The checkers of histories, against a search through every order and against faults made by hand."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.testnet.history import (
    PaymentRecord,
    ReadRecord,
    backward_reads,
    counter_anomaly,
    height_anomalies,
    missing_payments,
    unordered_payments,
)

Interval = tuple[int, int]


def payment(invoked_us: int, returned_us: int | None, *, height: int | None = None, name: str = "p") -> PaymentRecord:
    return PaymentRecord(name, "client", 0, invoked_us, returned_us, height, node="alpha")


def read(value: int, invoked_us: int, returned_us: int, *, height: int = 1, node: str = "alpha") -> ReadRecord:
    return ReadRecord(node, height, value, invoked_us, returned_us)


def has_an_order(payments: list[PaymentRecord], reads: list[ReadRecord]) -> bool:
    """Try every order, and leave payments without an outcome out or in."""
    unknown = [entry for entry in payments if entry.returned_us is None]
    for mask in range(1 << len(unknown)):
        left_out = {id(entry) for place, entry in enumerate(unknown) if mask >> place & 1}
        happened = [entry for entry in payments if id(entry) not in left_out]
        operations: list[PaymentRecord | ReadRecord] = [*happened, *reads]
        if any(_explains(order) for order in permutations(operations)):
            return True
    return False


def _explains(order: tuple[PaymentRecord | ReadRecord, ...]) -> bool:
    count, latest_start = 0, -1
    for operation in order:
        if operation.returned_us is not None and operation.returned_us < latest_start:
            return False
        latest_start = max(latest_start, operation.invoked_us)
        if isinstance(operation, PaymentRecord):
            count += 1
        elif operation.value != count:
            return False
    return True


INTERVALS = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(INTERVALS, st.booleans()), max_size=3),
    st.lists(st.tuples(INTERVALS, st.integers(0, 3)), max_size=3),
)
def test_counter_checker_agrees_with_a_search_through_every_order(
    paid: list[tuple[Interval, bool]], seen: list[tuple[Interval, int]]
) -> None:
    payments = [payment(first, last if known else None) for (first, last), known in paid]
    reads = [read(value, first, last) for (first, last), value in seen]

    assert (counter_anomaly(payments, reads) == "") == has_an_order(payments, reads)


def test_read_during_a_payment_may_see_it_or_not() -> None:
    assert counter_anomaly([payment(0, 10)], [read(0, 2, 3)]) == ""
    assert counter_anomaly([payment(0, 10)], [read(1, 2, 3)]) == ""


def test_read_after_a_payment_must_see_it() -> None:
    assert "did not see it" in counter_anomaly([payment(0, 10)], [read(0, 11, 12)])


def test_read_before_a_payment_was_sent_must_not_see_it() -> None:
    assert "can have counted" in counter_anomaly([payment(5, 10)], [read(1, 2, 3)])


def test_payment_without_outcome_may_count_late_or_never() -> None:
    assert counter_anomaly([payment(0, None)], [read(0, 20, 21), read(1, 30, 31)]) == ""


def test_balance_that_falls_is_an_anomaly() -> None:
    assert counter_anomaly([payment(0, None)], [read(1, 20, 21), read(0, 30, 31)]) != ""


def test_more_payments_than_were_sent_is_an_anomaly() -> None:
    assert "only 1 were ever sent" in counter_anomaly([payment(0, 1)], [read(2, 5, 6)])


def test_reads_at_one_height_must_be_equal_on_all_nodes() -> None:
    reads = [read(1, 0, 1, height=5), read(2, 0, 1, height=5, node="beta")]

    assert height_anomalies([payment(0, None)], reads[:1]) == []
    assert height_anomalies([payment(0, None)], reads) == ["at height 5 alpha said 1 and beta 2"]


def test_read_must_equal_the_payments_up_to_its_height() -> None:
    payments = [payment(0, 5, height=3), payment(0, 6, height=4)]

    assert height_anomalies(payments, [read(1, 0, 1, height=3), read(2, 0, 1, height=4)]) == []
    assert "payments up to there make 1" in height_anomalies(payments, [read(2, 0, 1, height=3)])[0]


def test_node_must_not_answer_at_a_lower_height_than_before() -> None:
    assert backward_reads([read(0, 0, 1, height=5), read(0, 2, 3, height=5)]) == []
    assert backward_reads([read(0, 0, 1, height=5), read(0, 2, 3, height=4)]) == ["alpha answered at height 4 after 5"]
    assert backward_reads([read(0, 0, 1, height=5), read(0, 2, 3, height=4, node="beta")]) == []


def test_payment_sent_after_another_was_final_must_be_above_it() -> None:
    first = payment(0, 5, height=3)

    assert unordered_payments([first, payment(6, 9, height=4)]) == []
    assert unordered_payments([first, payment(4, 9, height=3)]) == []
    assert len(unordered_payments([first, payment(6, 9, height=3)])) == 1


def test_payment_called_final_must_be_on_every_ledger_at_its_height() -> None:
    final = payment(0, 5, height=3, name="0xaa")

    assert missing_payments([final], {"alpha": {"0xaa": 3}, "beta": {"0xaa": 3}}) == []
    assert missing_payments([final], {"beta": {}}) == ["beta lacks 0xaa, final at height 3 on alpha"]
    assert missing_payments([final], {"beta": {"0xaa": 4}}) == ["beta has 0xaa at height 4, alpha said 3"]
    assert missing_payments([payment(0, None, name="0xaa")], {"beta": {}}) == []

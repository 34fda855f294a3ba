"""Which changes happen at the end of an epoch: a table, and what holds for any requests."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.simplex.validators import VALIDATORS_MAX
from contracts.native.next_set import Change, ChangeRequest, changes_max, choose_changes
from tests.contracts.ledger import account

SUSPEND, LEAVE, ROTATE, JOIN = Change


def request(change: Change, sequence: int, operator: int) -> ChangeRequest:
    return ChangeRequest(change, sequence, account(operator))


TABLE: dict[str, tuple[int, list[tuple[Change, int, int]], list[int]]] = {
    "nothing asked, nothing changed": (4, [], []),
    "one may change among four": (4, [(LEAVE, 1, 1), (LEAVE, 2, 2)], [1]),
    "two may change among seven": (7, [(LEAVE, 1, 1), (LEAVE, 2, 2), (LEAVE, 3, 3)], [1, 2]),
    "one may change among three, although f is 0": (3, [(JOIN, 1, 9), (JOIN, 2, 8)], [9]),
    "suspension before leave before rotation before join": (
        13,
        [(JOIN, 1, 1), (ROTATE, 2, 2), (LEAVE, 3, 3), (SUSPEND, 4, 4)],
        [4, 3, 2, 1],
    ),
    "late suspension displaces an early join": (4, [(JOIN, 1, 1), (SUSPEND, 2, 2)], [2]),
    "within a kind the earlier request goes first": (4, [(JOIN, 9, 1), (JOIN, 8, 2)], [2]),
    "an operator changes once": (7, [(SUSPEND, 1, 1), (LEAVE, 2, 1), (ROTATE, 3, 1), (ROTATE, 4, 2)], [1, 2]),
    "the last validator never leaves": (1, [(LEAVE, 1, 1)], []),
    "nor is it suspended": (1, [(SUSPEND, 1, 1)], []),
    "one that cannot leave takes nobody's turn": (1, [(LEAVE, 1, 1), (JOIN, 2, 2)], [2]),
    "one of two may leave": (2, [(LEAVE, 1, 1)], [1]),
    "the last one may rotate": (1, [(ROTATE, 1, 1)], [1]),
    "nobody joins a full set": (VALIDATORS_MAX, [(JOIN, 1, 1)], []),
    "somebody joins a set with one place left": (VALIDATORS_MAX - 1, [(JOIN, 1, 1), (JOIN, 2, 2)], [1]),
    "a leaver's place is free at once": (VALIDATORS_MAX, [(LEAVE, 2, 2), (JOIN, 1, 1)], [2, 1]),
}


@pytest.mark.parametrize(("count", "asked", "expected"), TABLE.values(), ids=TABLE)
def test_changes_of(count: int, asked: list[tuple[Change, int, int]], expected: list[int]) -> None:
    for order in itertools.permutations([request(*entry) for entry in asked]):
        assert [chosen.operator for chosen in choose_changes(count, order)] == [account(number) for number in expected]


@pytest.mark.parametrize(("count", "most"), [(1, 1), (3, 1), (4, 1), (6, 1), (7, 2), (9, 2), (10, 3), (100, 33)])
def test_at_most_f_change_and_at_least_one(count: int, most: int) -> None:
    assert changes_max(count) == most


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 100), st.lists(st.tuples(st.sampled_from(Change), st.integers(1, 12)), max_size=12))
def test_any_requests_leave_a_set_that_an_epoch_can_have(count: int, asked: list[tuple[Change, int]]) -> None:
    # Joiners are others than members, as the registry sees to.
    requests = [
        request(change, sequence, operator + 100 * (change is JOIN))
        for sequence, (change, operator) in enumerate(asked, 1)
        if change is JOIN or operator <= count
    ]
    chosen = choose_changes(count, requests)
    out = sum(entry.change in (SUSPEND, LEAVE) for entry in chosen)
    joined = sum(entry.change is JOIN for entry in chosen)
    assert len(chosen) <= changes_max(count)
    assert len({entry.operator for entry in chosen}) == len(chosen)
    assert 1 <= count - out + joined <= VALIDATORS_MAX

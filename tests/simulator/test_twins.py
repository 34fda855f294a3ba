"""How many schedules of twins there are, the smallest scope of them, and wrong rules that must not survive it."""

from itertools import product

import pytest

from consensus.simplex.validators import ValidatorSet
from consensus.simplex.votes import VoteBook
from tests.simulator.patches import Patch, patched_all
from tests.simulator.twins import INSTANCES, VALIDATORS, Counts, count_schedules, play_schedule, run_twins, search
from tests.simulator.world import Broken


@pytest.mark.parametrize(
    ("views", "cells", "counts"),
    [
        (1, 2, Counts(128, 48)),
        (2, 2, Counts(4_096, 640)),
        (3, 2, Counts(131_072, 9_216)),
        (1, 3, Counts(972, 112)),
        (2, 3, Counts(236_196, 3_812)),
    ],
)
def test_schedules_before_and_after_symmetry(views: int, cells: int, counts: Counts) -> None:
    assert count_schedules(views, cells) == counts


@pytest.mark.parametrize(("views", "cells"), [(1, 2), (1, 3), (2, 2)])
def test_symmetry_leaves_one_of_each_kind_and_no_more(views: int, cells: int) -> None:
    kinds = set()
    for flat in product(range(cells), repeat=INSTANCES * views):
        schedule = [flat[at : at + INSTANCES] for at in range(0, len(flat), INSTANCES)]
        swapped = [(one[1], one[0], *one[2:]) for one in schedule]
        kinds.add(frozenset(tuple(tuple(map(one.index, one)) for one in each) for each in (schedule, swapped)))
    assert VALIDATORS * len(kinds) == count_schedules(views, cells).after


def test_twins_in_one_view_split_nothing() -> None:
    said: list[str] = []
    found = search(1, 2, said.append)
    assert said == []
    assert (found.schedules, found.failed) == (48, 0)
    assert 0 < found.accusing < found.schedules


def test_a_late_second_proposal_is_evidence() -> None:
    """Instance 3 has made the view of the first one final when it hears the second."""
    network = play_schedule("v2:00101:01011")
    assert network.hosts[3].accused == {2}


@pytest.mark.parametrize("name", ["v0:0101", "nothing", "v7:00000"])
def test_a_schedule_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError):
        run_twins(name, lambda _line: None)


def test_quorum_of_two_dies() -> None:
    with patched_all((Patch(ValidatorSet, "quorum", property(lambda _validators: 2)),)):
        said: list[str] = []
        assert search(1, 2, said.append, one_in=3).failed
    assert any("FAILED agreement" in line for line in said)


def test_evidence_that_is_dropped_dies() -> None:
    add = VoteBook.add

    def silent(book: VoteBook, vote: object) -> None:
        add(book, vote)  # type: ignore[arg-type]  # a vote

    with (
        patched_all((Patch(VoteBook, "add", silent),)),
        pytest.raises(Broken, match="evidence_complete"),
    ):
        play_schedule("v2:00101:01011")

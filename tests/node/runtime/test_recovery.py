"""Log and guard after a crash: one turn apart is an accident, anything more is a stranger's guard."""

from collections.abc import Sequence

import pytest

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, TimestampMs, View
from consensus.simplex.events import HeaderFacts, ViewZero
from consensus.simplex.messages import Kind, Statement
from consensus.simplex.records import OwnVoteRecord, Record, RecordType, ResumeViewRecord, encode_record
from node.chain.block_tree import BlockTree
from node.runtime.recovery import DamagedRecord, RecoveredNode, compare_guard, recover_node
from node.storage.wal import LogRecord, RecoveredLog

FLOOR = View(4)
HEAD = ViewZero(HeaderFacts(Hash32(b"\x04" * 32), ZERO_HASH, Height(3), Epoch(0), FLOOR, TimestampMs(1)), FLOOR, None)


def nullify(view: int) -> Statement:
    return Statement(Kind.NULLIFY, Epoch(0), View(view), View(0), ZERO_HASH)


def records_of(*batches: Sequence[int]) -> list[list[Record]]:
    """Return nullify votes: one batch for each group of views."""
    return [[OwnVoteRecord(nullify(view)) for view in batch] for batch in batches]


def log_of(*batches: Sequence[Record]) -> RecoveredLog:
    return RecoveredLog(
        tuple(tuple(LogRecord(*encode_record(record)) for record in batch) for batch in batches), 0, first_sequence=7
    )


def recovered(log: RecoveredLog, guarded: Sequence[int] = ()) -> RecoveredNode:
    tree = BlockTree(HEAD.facts.digest, HEAD.facts.height)
    return recover_node(HEAD, Epoch(0), tree, log, [nullify(view) for view in guarded])


EXPLAINED_BY_A_CRASH = {
    "equal": (records_of([5], [6]), [5, 6], []),
    "both empty": (records_of(), [], []),
    "guard lacks the last turn": (records_of([5], [6]), [5], [6]),
    "guard lacks part of the last turn": (records_of([5], [6, 7]), [5, 6], [7]),
    "guard lacks the only turn": (records_of([5]), [], [5]),
    "last turn had no vote": (records_of([5], []), [5], []),
    "log lacks what is below the floor": (records_of([5]), [2, 3, 4, 5], []),
    "guard lacks what is below the floor": (records_of([2], [3], [5]), [5], []),
}

FOREIGN = {
    "guard lacks a turn before the last": (records_of([5], [6]), [6], "the log knows votes of views 5 "),
    "guard lacks the last two turns": (records_of([5], [6]), [], "the log knows votes of views 5 "),
    "guard lacks a turn and the last had no vote": (records_of([5], []), [], "the log knows votes of views 5 "),
    "guard is ahead": (records_of([5]), [5, 6, 7], "the guard knows votes of views 6, 7 "),
    "log was lost": (records_of(), [5], "the guard knows votes of views 5 "),
    "nothing in common": (records_of([5]), [9], "the guard knows votes of views 9 "),
}


@pytest.mark.parametrize(("log", "guarded", "completion"), EXPLAINED_BY_A_CRASH.values(), ids=EXPLAINED_BY_A_CRASH)
def test_fuller_log_completes_the_guard(log: list[list[Record]], guarded: list[int], completion: list[int]) -> None:
    found = compare_guard(HEAD, Epoch(0), log, [nullify(view) for view in guarded])
    assert found.completion == tuple(nullify(view) for view in completion)
    assert found.difference == ""


@pytest.mark.parametrize(("log", "guarded", "detail"), FOREIGN.values(), ids=FOREIGN)
def test_larger_difference_is_told_with_its_views_and_completes_nothing(
    log: list[list[Record]], guarded: list[int], detail: str
) -> None:
    found = compare_guard(HEAD, Epoch(0), log, [nullify(view) for view in guarded])
    assert detail in found.difference
    assert found.completion == ()


def test_many_views_are_named_by_the_first_and_the_last() -> None:
    found = compare_guard(HEAD, Epoch(0), [], [nullify(view) for view in range(5, 105)])
    assert found.difference == "the guard knows votes of views 5 to 104 that the log does not"


@pytest.mark.parametrize(("view", "is_foreign"), [(8, False), (9, True)])
def test_votes_below_a_resume_view_in_the_log_are_compared_with_nothing(view: int, is_foreign: bool) -> None:
    log: list[list[Record]] = [*records_of([5], [view]), [ResumeViewRecord(Epoch(0), View(9))], []]
    assert bool(compare_guard(HEAD, Epoch(0), log, []).difference) == is_foreign


def test_votes_of_the_log_come_back_in_order_with_the_highest_view() -> None:
    found = recovered(log_of(*records_of([5, 9], [7])), [5, 7, 9])
    assert found.records == tuple(OwnVoteRecord(nullify(view)) for view in (5, 9, 7))
    assert found.guard.completion == ()
    assert found.view_highest == 9


def test_nothing_in_the_log_leaves_the_floor_as_the_highest_view() -> None:
    assert recovered(log_of()).view_highest == FLOOR


VOTE = encode_record(OwnVoteRecord(nullify(5)))[1]

UNREADABLE = {
    "unknown type": LogRecord(200, b"something"),
    "vote cut short": LogRecord(RecordType.OWN_VOTE, VOTE[:-1]),
    "vote of unknown kind": LogRecord(RecordType.OWN_VOTE, b"\x09" + VOTE[1:]),
    "certificate without signatures": LogRecord(RecordType.CERTIFICATE, VOTE),
    "header without a header": LogRecord(RecordType.HEADER, bytes(32)),
    "header that is no list": LogRecord(RecordType.HEADER, bytes(33)),
    "verdict with another flag": LogRecord(RecordType.VERDICT, bytes(32) + b"\x02"),
    "verdict without its flag": LogRecord(RecordType.VERDICT, bytes(32)),
    "epoch start cut short": LogRecord(RecordType.EPOCH_START, bytes(39)),
    "resume view with a surplus byte": LogRecord(RecordType.RESUME_VIEW, bytes(17)),
    "stop without a reason": LogRecord(RecordType.VOTING_STOPPED, bytes(33)),
}


@pytest.mark.parametrize("found", UNREADABLE.values(), ids=UNREADABLE)
def test_record_that_this_version_cannot_read_stops_the_node_and_names_its_batch(found: LogRecord) -> None:
    whole = LogRecord(RecordType.OWN_VOTE, VOTE)
    with pytest.raises(DamagedRecord, match=f"batch 8, record of type {found.type}: .* treat the disk as lost"):
        recovered(RecoveredLog(((whole,), (whole, found)), 0, first_sequence=7), [5])

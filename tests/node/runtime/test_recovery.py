"""Log and guard after a crash: one turn apart is an accident, anything more is a stranger's guard."""

from collections.abc import Sequence

import pytest

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, TimestampMs, View
from consensus.simplex.events import HeaderFacts, ViewZero
from consensus.simplex.messages import Kind, Statement
from consensus.simplex.records import OwnVoteRecord, encode_record
from node.chain.block_tree import BlockTree
from node.runtime.recovery import ForeignGuard, UnreadableRecord, compare_guard, recover_node
from node.storage.wal import LogRecord, RecoveredLog

FLOOR = View(4)
HEAD = ViewZero(HeaderFacts(Hash32(b"\x04" * 32), ZERO_HASH, Height(3), Epoch(0), FLOOR, TimestampMs(1)), FLOOR, None)


def nullify(view: int) -> Statement:
    return Statement(Kind.NULLIFY, Epoch(0), View(view), View(0), ZERO_HASH)


def log_of(*batches: Sequence[int]) -> RecoveredLog:
    """Return a log of nullify votes: one batch for each group of views."""
    return RecoveredLog(
        tuple(tuple(LogRecord(*encode_record(OwnVoteRecord(nullify(view)))) for view in batch) for batch in batches),
        0,
    )


EXPLAINED_BY_A_CRASH = {
    "equal": (log_of([5], [6]), [5, 6], []),
    "both empty": (log_of(), [], []),
    "guard lacks the last turn": (log_of([5], [6]), [5], [6]),
    "guard lacks part of the last turn": (log_of([5], [6, 7]), [5, 6], [7]),
    "guard lacks the only turn": (log_of([5]), [], [5]),
    "last turn had no vote": (log_of([5], []), [5], []),
    "log lacks what is below the floor": (log_of([5]), [2, 3, 4, 5], []),
    "guard lacks what is below the floor": (log_of([2], [3], [5]), [5], []),
}

FOREIGN = {
    "guard lacks a turn before the last": (log_of([5], [6]), [6], "the log knows votes of views [5]"),
    "guard lacks the last two turns": (log_of([5], [6]), [], "the log knows votes of views [5]"),
    "guard lacks a turn and the last had no vote": (log_of([5], []), [], "the log knows votes of views [5]"),
    "guard is ahead": (log_of([5]), [5, 6, 7], "the guard knows votes of views [6, 7]"),
    "log was lost": (log_of(), [5], "the guard knows votes of views [5]"),
    "nothing in common": (log_of([5]), [9], "the guard knows votes of views [9]"),
}


@pytest.mark.parametrize(("log", "guarded", "completion"), EXPLAINED_BY_A_CRASH.values(), ids=EXPLAINED_BY_A_CRASH)
def test_fuller_log_completes_the_guard(log: RecoveredLog, guarded: list[int], completion: list[int]) -> None:
    found = compare_guard(HEAD, log, [nullify(view) for view in guarded])
    assert found == tuple(nullify(view) for view in completion)


@pytest.mark.parametrize(("log", "guarded", "detail"), FOREIGN.values(), ids=FOREIGN)
def test_larger_difference_stops_the_node_and_names_the_views(
    log: RecoveredLog, guarded: list[int], detail: str
) -> None:
    with pytest.raises(ForeignGuard) as caught:
        compare_guard(HEAD, log, [nullify(view) for view in guarded])
    assert detail in str(caught.value)


def test_votes_of_the_log_come_back_in_order_with_the_highest_view() -> None:
    tree = BlockTree(HEAD.facts.digest, HEAD.facts.height)
    recovered = recover_node(HEAD, tree, log_of([5, 9], [7]), [nullify(view) for view in (5, 7, 9)])
    assert recovered.records == tuple(OwnVoteRecord(nullify(view)) for view in (5, 9, 7))
    assert recovered.guard_completion == ()
    assert recovered.view_highest == 9


def test_nothing_in_the_log_leaves_the_floor_as_the_highest_view() -> None:
    tree = BlockTree(HEAD.facts.digest, HEAD.facts.height)
    assert recover_node(HEAD, tree, log_of(), []).view_highest == FLOOR


UNREADABLE = {
    "a type this version does not know": LogRecord(200, b""),
    "a verdict without its flag": LogRecord(5, bytes(32)),
    "a verdict with an unknown flag": LogRecord(5, bytes(32) + b"\x02"),
    "an epoch start with a byte too many": LogRecord(6, bytes(41)),
    "a resume view of seven bytes": LogRecord(7, bytes(7)),
    "a header record without a header": LogRecord(3, bytes(32)),
    "a header that is none": LogRecord(3, bytes(32) + b"\xc0"),
    "a statement of an unknown kind": LogRecord(1, b"\xff" + bytes(56)),
}


@pytest.mark.parametrize("record", UNREADABLE.values(), ids=UNREADABLE)
def test_record_with_right_checksum_and_wrong_content_stops_the_node_by_name(record: LogRecord) -> None:
    tree = BlockTree(Hash32(b"\x04" * 32), Height(3))
    with pytest.raises(UnreadableRecord, match=f"type {record.type}"):
        recover_node(HEAD, tree, RecoveredLog(((record,),), 0), [])

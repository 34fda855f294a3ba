"""One machine, one rule a test; labels are those of SPEC.md. The test plays the host and every peer."""

import pytest

from consensus.primitives.scalars import View
from consensus.simplex.effects import (
    BuildBlock,
    Certify,
    FetchCertificates,
    Persist,
    ReportEvidence,
    Send,
    SignAndSend,
)
from consensus.simplex.events import (
    PeerStatus,
    PendingChanged,
    TimerKind,
    Verdict,
)
from consensus.simplex.messages import Kind
from consensus.simplex.records import HeaderRecord, OwnVoteRecord
from tests.consensus.simplex.bench import ADVANCE_MS, HEARTBEAT_MS, LEADER_MS, Bench, only
from tests.consensus.simplex.keys import finalize, notarize, nullify

# Time-outs


def test_a1_nothing_due_arms_only_the_heartbeat() -> None:
    bench = Bench()
    block = bench.finalized(1)
    assert block.facts.height == 1
    assert bench.view == 2
    assert set(bench.machine.state.timers) == {TimerKind.WAKE}
    assert bench.timer_in(TimerKind.WAKE) == HEARTBEAT_MS


def test_a3_payment_arms_both_time_outs_and_an_acceptable_proposal_satisfies_the_first() -> None:
    bench = Bench()
    first = bench.finalized(1)
    bench.take(PendingChanged(True))
    assert (bench.timer_in(TimerKind.LEADER), bench.timer_in(TimerKind.ADVANCE)) == (LEADER_MS, ADVANCE_MS)
    statement = notarize(1, 0, first.facts.digest)
    bench.proposal(2, bench.block(2, first.facts, after_ms=1), parent_view=1, parent=bench.make_certificate(statement))
    assert (bench.timer_in(TimerKind.LEADER), bench.timer_in(TimerKind.ADVANCE)) == (None, ADVANCE_MS)


def test_d2_carries_a_tip_that_its_own_leader_gave_up_after_notarizing() -> None:
    bench = Bench(own=2)
    block = bench.block(1)
    bench.proposal(1, block)
    bench.body(block)
    bench.vote(1, nullify(1))
    assert bench.own_votes(1) == {Kind.NULLIFY}
    bench.verdict(block)
    bench.certificate(notarize(1, 0, block.facts.digest))
    assert bench.view == 2
    assert bench.own_votes(1) == {Kind.NULLIFY}, "no finalize beside a nullify"
    # This validator leads view 2 and builds an empty carrier after 2Δ, not before.
    assert bench.timer_in(TimerKind.WAKE) == 800
    assert not only(bench.effects, BuildBlock)
    assert [built.parent for built in only(bench.fire(TimerKind.WAKE), BuildBlock)] == [block.facts.digest]


@pytest.mark.parametrize(("final_after_ms", "patience_ms"), [(399, 800), (401, 802), (9_000, 6_400)])
def test_d2_waits_twice_as_long_as_the_newest_finalization_took_and_not_for_ever(
    final_after_ms: int, patience_ms: int
) -> None:
    bench = Bench(own=3)
    first = bench.notarized(1)
    bench.now_ms += final_after_ms
    bench.certificate(finalize(1, 0, first.facts.digest), (0, 1, 2))
    assert bench.machine.state.floor == 1
    bench.notarized(2, first.facts, parent_view=1)
    assert bench.view == 3
    assert bench.timer_in(TimerKind.WAKE) == patience_ms


def test_d3_heartbeat_on_its_way_to_be_final_makes_no_second_one_due() -> None:
    bench = Bench(own=3)
    first = bench.finalized(1)
    bench.now_ms += HEARTBEAT_MS
    block = bench.block(2, first.facts)
    bench.proposal(2, block, parent_view=1, parent=bench.make_certificate(notarize(1, 0, first.facts.digest)))
    bench.body(block)
    bench.verdict(block)
    bench.now_ms += 200
    bench.certificate(notarize(2, 1, block.facts.digest))
    # This validator leads view 3; the interval between blocks is over, for the leader's clock was behind.
    assert bench.view == 3
    assert not only(bench.effects, BuildBlock)
    assert bench.timer_in(TimerKind.WAKE) == 800


def test_a2_leader_with_a_dead_link_is_passed_over_only_when_a_block_is_due() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.take(PeerStatus(bench.validators.leader(View(2)), False))
    bench.now_ms += 3_000
    bench.take(PendingChanged(False))
    assert bench.own_votes(2) == set()
    bench.take(PendingChanged(True))
    assert bench.own_votes(2) == {Kind.NULLIFY}


def nullified_without(bench: Bench, silent: int, *views: int) -> None:
    """Let everybody but one validator give up on views."""
    for view in views:
        for signer in range(4):
            if signer not in (bench.own, silent):
                bench.vote(signer, nullify(view))


@pytest.mark.parametrize(("first", "is_passed_over"), [(2, True), (3, False)])
def test_a2_leader_silent_since_the_view_it_led_last_is_passed_over(first: int, is_passed_over: bool) -> None:
    bench = Bench()
    for view in range(1, first):
        # Validator 2 led view 2; a word of it there, or later, and it lives.
        for signer in (1, 2, 3):
            bench.vote(signer, nullify(view))
    nullified_without(bench, 2, *range(first, 6))
    assert bench.view == 6
    assert (bench.own_votes(6) == {Kind.NULLIFY}) is is_passed_over


@pytest.mark.parametrize("sign", ["vote", "link"])
def test_a2_fresh_vote_or_new_link_makes_a_leader_active_at_once(sign: str) -> None:
    bench = Bench()
    nullified_without(bench, 2, 1, 2, 3, 4)
    if sign == "vote":
        bench.vote(2, nullify(6 + 1))
    else:
        bench.take(PeerStatus(bench.validators.leader(View(2)), False))
        bench.take(PeerStatus(bench.validators.leader(View(2)), True))
    nullified_without(bench, 2, 5)
    assert bench.view == 6
    assert bench.own_votes(6) == set()


# Joining


@pytest.mark.parametrize(("nullifiers", "joins"), [((2,), False), ((2, 3), True)])
def test_v5_joins_with_f_plus_one_and_not_with_f(nullifiers: tuple[int, ...], joins: bool) -> None:
    bench = Bench()
    for signer in nullifiers:
        bench.vote(signer, nullify(1))
    assert (Kind.NULLIFY in bench.own_votes(1)) is joins


def test_v5_counts_votes_that_came_before_the_view_was_entered() -> None:
    bench = Bench()
    bench.vote(1, nullify(2))
    bench.vote(3, nullify(2))
    assert bench.own_votes(2) == set()
    bench.nullified(1)
    assert bench.own_votes(2) == {Kind.NULLIFY}


@pytest.mark.parametrize(("signer", "ends"), [(1, True), (2, False)])
def test_v4_nullify_by_the_leader_itself_ends_the_view(signer: int, ends: bool) -> None:
    bench = Bench()
    bench.vote(signer, nullify(1))
    assert (bench.own_votes(1) == {Kind.NULLIFY}) is ends


def test_v6_late_nullify_is_answered_each_second_however_often_it_was_said() -> None:
    bench = Bench()
    bench.nullified(1, 2)
    late = nullify(1)
    assert bench.machine.wants_vote(late, bench.validators.leader(View(3)))
    assert [sent.to for sent in only(bench.vote(3, late), Send)] == [3]
    assert not only(bench.vote(3, late), Send)
    bench.now_ms += 1_000
    assert bench.machine.wants_vote(late, bench.validators.leader(View(3)))
    answer = only(bench.vote(3, late), Send)
    assert [found.statement.view for found in answer[0].certificates] == [1, 2]


# Proposals


def test_p2_forty_nullified_views_attach_the_newest_thirty_two() -> None:
    bench = Bench(own=1)
    bench.nullified(*range(1, 41))
    assert bench.view == 41
    block = bench.block(41)
    bench.built(block)
    (sent,) = [effect.proposal for effect in only(bench.effects, SignAndSend) if effect.proposal is not None]
    assert sent.parent_certificate is None
    assert [found.statement.view for found in sent.nullifications] == list(range(9, 41))


def test_r7_older_nullifications_are_fetched_and_then_the_proposal_is_notarized() -> None:
    bench = Bench(own=0)
    bench.nullified(*range(40, 8, -1))
    block = bench.block(41)
    asked = only(bench.proposal(41, block, nullifications=tuple(range(9, 41))), FetchCertificates)
    assert asked == [FetchCertificates(View(1), View(8))]
    bench.body(block)
    assert bench.own_votes(41) == set()
    bench.nullified(*range(1, 9))
    bench.verdict(block)
    assert bench.own_votes(41) == {Kind.NOTARIZE}


def test_p2_leader_asks_for_all_gaps_at_once_from_the_floor_on() -> None:
    bench = Bench(own=1)
    bench.nullified(40)
    assert FetchCertificates(View(1), View(39)) in bench.effects
    assert 41 not in [asked.view for asked in only(bench.effects, BuildBlock)]


@pytest.mark.parametrize(("ahead_ms", "waits"), [(500, False), (501, True)])
def test_r5_proposal_too_far_ahead_in_time_waits(ahead_ms: int, waits: bool) -> None:
    bench = Bench()
    block = bench.block(1, after_ms=ahead_ms)
    bench.proposal(1, block)
    bench.body(block)
    asked = bool(only(bench.effects, Certify))
    assert asked is not waits
    if waits:
        assert bench.timer_in(TimerKind.PROPOSE) == 1
        assert only(bench.fire(TimerKind.PROPOSE), Certify)
    bench.verdict(block)
    assert bench.own_votes(1) == {Kind.NOTARIZE}


@pytest.mark.parametrize(("behind_ms", "votes"), [(10_000, True), (10_001, False)])
def test_r7_proposal_behind_in_time_is_kept_without_a_vote(behind_ms: int, votes: bool) -> None:
    bench = Bench()
    block = bench.block(1, after_ms=-behind_ms)
    bench.proposal(1, block)
    bench.body(block)
    bench.verdict(block)
    assert bench.own_votes(1) == ({Kind.NOTARIZE} if votes else set())


def test_r7_invalid_block_is_nullified_and_unknown_is_not() -> None:
    for verdict, said in ((Verdict.INVALID, {Kind.NULLIFY}), (Verdict.UNKNOWN, set())):
        bench = Bench()
        block = bench.block(1)
        bench.proposal(1, block)
        bench.body(block)
        bench.verdict(block, verdict)
        assert bench.own_votes(1) == said


def test_r8_header_is_persisted_with_the_vote_and_nothing_is_sent_before() -> None:
    bench = Bench()
    block = bench.block(1)
    bench.proposal(1, block)
    assert not only(bench.body(block), SignAndSend)
    effects = bench.verdict(block)
    kinds = [type(record) for effect in only(effects, Persist) for record in effect.records]
    assert kinds[:2] == [HeaderRecord, OwnVoteRecord]


def test_r4_equivocating_leader_fills_no_memory_and_is_reported_once() -> None:
    bench = Bench()
    for number in range(5):
        bench.proposal(1, bench.block(1, number=number))
    assert len(bench.machine.state.blocks) == 1
    assert len(only(bench.effects, ReportEvidence)) == 1


def test_p5_block_that_is_no_longer_due_is_not_proposed() -> None:
    bench = Bench(own=2)
    first = bench.finalized(1)
    bench.take(PendingChanged(True))
    bench.now_ms += 100
    bench.take(PendingChanged(True))
    assert only(bench.effects, BuildBlock)
    bench.take(PendingChanged(False))
    bench.built(bench.block(2, first.facts))
    assert bench.own_votes(2) == set()

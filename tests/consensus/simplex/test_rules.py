"""One machine, one rule a test; labels are those of SPEC.md. The test plays the host and every peer."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import Hash32, Height, View
from consensus.simplex.admission import Admission, Misbehaviour
from consensus.simplex.effects import (
    Broadcast,
    BuildBlock,
    Certify,
    FetchBlock,
    FetchCertificates,
    Finalize,
    Persist,
    ReportEvidence,
    Send,
    SetTimer,
    SignAndSend,
    StopReason,
    StopVoting,
)
from consensus.simplex.events import (
    ChainAdvanced,
    EpochReady,
    HeaderFacts,
    HeaderFetched,
    PeerStatus,
    PendingChanged,
    SyncChanged,
    TimerFired,
    TimerKind,
    Verdict,
    ViewZero,
    VoteReceived,
)
from consensus.simplex.messages import Kind, Proposal, encode_proposal
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import CertificateRecord, HeaderRecord, OwnVoteRecord
from tests.consensus.simplex.bench import ADVANCE_MS, HEARTBEAT_MS, LEADER_MS, Bench, armed, digest_of, only
from tests.consensus.simplex.blocks import GENESIS, read_header
from tests.consensus.simplex.keys import DOMAIN, certificate, finalize, notarize, nullify, validator_set, vote

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


# Certificates


def test_y2_no_finalize_after_nullify() -> None:
    bench = Bench()
    bench.vote(1, nullify(1))
    bench.notarized(1)
    assert bench.view == 2
    assert bench.own_votes(1) == {Kind.NULLIFY}


def test_c4_nullification_does_not_cancel_certify() -> None:
    bench = Bench()
    block = bench.block(1)
    bench.proposal(1, block)
    bench.body(block)
    bench.certificate(notarize(1, 0, block.facts.digest))
    bench.nullified(1)
    assert View(1) not in bench.machine.state.certified
    bench.verdict(block)
    assert bench.machine.state.certified[View(1)] == block.facts.digest
    assert Kind.FINALIZE not in bench.own_votes(1)


def test_y2_no_finalize_at_or_below_the_floor() -> None:
    """The sign guard refuses it, and a refusal wakes people up."""
    bench = Bench()
    first, second = bench.block(1), None
    bench.proposal(1, first)
    bench.body(first)
    bench.certificate(notarize(1, 0, first.facts.digest))
    second = bench.block(2, first.facts, after_ms=1)
    bench.certificate(finalize(2, 1, second.facts.digest))
    bench.verdict(first)
    assert bench.own_votes(1) == set()


def test_y3_unknown_verdict_is_asked_again_by_tr_and_not_at_once() -> None:
    bench = Bench()
    block = bench.block(1)
    bench.proposal(1, block)
    assert len(only(bench.body(block), Certify)) == 1
    assert not only(bench.verdict(block, Verdict.UNKNOWN), Certify)
    assert bench.timer_in(TimerKind.RESEND) is not None
    assert len(only(bench.fire(TimerKind.RESEND), Certify)) == 1


@pytest.mark.parametrize("kind", [Kind.NOTARIZE, Kind.FINALIZE])
def test_y4_invalid_block_of_a_certificate_stops_voting(kind: Kind) -> None:
    bench = Bench()
    block = bench.block(1)
    bench.proposal(1, block)
    bench.body(block)
    make = notarize if kind is Kind.NOTARIZE else finalize
    bench.certificate(make(1, 0, block.facts.digest))
    bench.verdict(block, Verdict.INVALID)
    assert only(bench.effects, StopVoting) == [StopVoting(StopReason.DIVERGENCE)]


@pytest.mark.parametrize(
    ("first", "second", "conflicts"),
    [
        (notarize(1, 0, digest_of("a")), notarize(1, 0, digest_of("b")), True),
        (notarize(1, 0, digest_of("a")), finalize(1, 0, digest_of("b")), True),
        (nullify(1), finalize(1, 0, digest_of("a")), True),
        (finalize(1, 0, digest_of("a")), finalize(1, 0, digest_of("b")), True),
        (notarize(1, 0, digest_of("a")), finalize(1, 0, digest_of("a")), False),
        (notarize(1, 0, digest_of("a")), nullify(1), False),
        (notarize(1, 0, digest_of("a")), notarize(2, 0, digest_of("b")), False),
    ],
)
def test_c1_conflicting_certificates_are_evidence(first: object, second: object, conflicts: bool) -> None:
    bench = Bench()
    for _ in range(2):
        bench.certificate(first)  # type: ignore[arg-type]
        bench.certificate(second)  # type: ignore[arg-type]
    expected = [StopVoting(StopReason.CONFLICTING_CERTIFICATES)] if conflicts else []
    assert only(bench.effects, StopVoting) == expected
    assert len(only(bench.effects, ReportEvidence)) == len(expected)


def test_c5_finalization_with_missing_ancestors_fetches_and_then_commits_in_order() -> None:
    bench = Bench()
    first = bench.block(1)
    second = bench.block(2, first.facts, after_ms=1)
    asked = only(bench.certificate(finalize(2, 1, second.facts.digest)), FetchBlock)
    assert [fetch.digest for fetch in asked] == [second.facts.digest]
    bench.proposal(1, first)
    bench.machine.state.fetching.clear()
    bench.take(HeaderFetched(second.facts, second.header))
    for block in (first, second):
        bench.body(block)
        bench.verdict(block)
    (done,) = only(bench.effects, Finalize)
    assert done.digests == (first.facts.digest, second.facts.digest)


def test_one_far_certificate_cannot_amplify_fetches() -> None:
    bench = Bench()
    effects = bench.certificate(notarize(1_000_000, 999_999, digest_of("far")))
    assert len(only(effects, FetchBlock)) + len(only(effects, FetchCertificates)) == 1


# The own key elsewhere


def test_v2_own_signature_seen_by_peers_stops_voting() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.vote(0, nullify(2))
    assert bench.machine.stopped is StopReason.DUPLICATE_KEY
    before = len(bench.effects)
    bench.take(PendingChanged(True))
    assert not only(bench.effects[before:], SignAndSend)


def test_v2_own_signature_inside_a_certificate_stops_voting() -> None:
    bench = Bench()
    bench.certificate(nullify(1), (0, 1, 2))
    assert bench.machine.stopped is StopReason.DUPLICATE_KEY


def test_v2_replayed_own_vote_of_a_view_that_is_final_stops_nobody() -> None:
    bench = Bench()
    said = notarize(1, 0, bench.finalized(1).facts.digest)
    first = bench.machine.state.head.facts
    bench.finalized(2, first, parent_view=1)
    bench.vote(0, said)
    assert bench.machine.stopped is None


def test_v2_own_vote_of_before_a_restart_stops_nobody_at_the_edge_and_stops_above_it() -> None:
    block = Bench().block(5)
    head = ViewZero(
        HeaderFacts(
            block.facts.digest, GENESIS.digest, Height(1), block.facts.epoch, View(5), block.facts.timestamp_ms
        ),
        View(5),
        certificate(validator_set(4), finalize(5, 0, block.facts.digest)),
    )
    bench = Bench(head=head)
    bench.vote(0, nullify(5))
    assert bench.machine.stopped is None
    bench.vote(0, nullify(6))
    assert bench.machine.stopped is StopReason.DUPLICATE_KEY


def test_nothing_is_signed_below_the_resume_view() -> None:
    bench = Bench(resume_view=3)
    bench.nullified(1)
    bench.take(PendingChanged(True))
    assert not only(bench.effects, SignAndSend)
    bench.nullified(2)
    bench.vote(bench.validators.leader(View(3)), nullify(3))
    assert bench.own_votes(3) == {Kind.NULLIFY}


@pytest.mark.parametrize("reason", ["follower", "stopped", "resuming"])
def test_who_may_not_sign_arms_no_time_outs(reason: str) -> None:
    """A time-out that cannot be answered with a vote would run out again at the same instant, for ever."""
    bench = Bench(own=None if reason == "follower" else 0, resume_view=9 if reason == "resuming" else 0)
    if reason == "stopped":
        bench.vote(0, nullify(9))
    before = len(bench.effects)
    bench.take(PendingChanged(True))
    assert not armed(bench.effects[before:])
    assert not set(bench.machine.state.timers) & {TimerKind.LEADER, TimerKind.ADVANCE, TimerKind.WAKE}


def test_follower_follows_without_writing_votes_or_the_same_header_again() -> None:
    bench = Bench(own=None)
    block = bench.block(1)
    bench.proposal(1, block)
    bench.body(block)
    bench.verdict(block)
    for signer in range(3):
        bench.vote(signer, notarize(1, 0, block.facts.digest))
    bench.certificate(finalize(1, 0, block.facts.digest))
    assert [done.digests for done in only(bench.effects, Finalize)] == [(block.facts.digest,)]
    assert {type(record) for record in bench.records} == {CertificateRecord}


# Ends of epochs


def epoch_end() -> Bench:
    """Return validator 2, leader of view 2, with the last block of the epoch certified in view 1 but not final."""
    bench = Bench(own=2)
    bench.notarized(1, is_last=True)
    return bench


def test_p4_repeated_last_block_is_the_same_header_in_a_new_view() -> None:
    bench = epoch_end()
    last = next(iter(bench.machine.state.blocks.values()))
    bench.take(PendingChanged(True))
    bench.fire(TimerKind.WAKE)
    (sent,) = [effect for effect in only(bench.effects, SignAndSend) if effect.proposal is not None]
    assert sent.proposal is not None
    assert sent.proposal.header == last.header
    assert sent.statement == notarize(2, 1, last.facts.digest)
    assert not only(bench.effects, BuildBlock)
    bench.certificate(notarize(2, 1, last.facts.digest), (0, 1, 3))
    bench.certificate(finalize(2, 1, last.facts.digest), (0, 1, 3))
    assert [done.digests for done in only(bench.effects, Finalize)] == [(last.facts.digest,)]


def test_r5_nothing_but_the_repetition_is_acceptable_on_the_last_block() -> None:
    bench = Bench()
    last = bench.notarized(1, is_last=True)
    parent = bench.make_certificate(notarize(1, 0, last.facts.digest))
    bench.proposal(2, bench.block(2, last.facts, after_ms=1), parent_view=1, parent=parent)
    assert bench.own_votes(2) == {Kind.NULLIFY}
    other = Bench()
    last = other.notarized(1, is_last=True)
    other.proposal(2, last, parent_view=1, parent=parent)
    assert other.own_votes(2) == {Kind.NOTARIZE}


def test_nothing_is_signed_after_the_final_last_block_of_an_epoch() -> None:
    bench = epoch_end()
    last = next(iter(bench.machine.state.blocks.values()))
    bench.certificate(finalize(1, 0, last.facts.digest), (0, 1, 3))
    before = len(bench.effects)
    bench.take(PendingChanged(True))
    for signer in (0, 1):
        bench.vote(signer, nullify(2))
    bench.now_ms += 60_000
    bench.take(PendingChanged(False))
    later = bench.effects[before:]
    assert not only(later, SignAndSend)
    assert not only(later, BuildBlock)
    assert not armed(later)


def next_epoch(bench: Bench, count: int = 4) -> EpochReady:
    facts = bench.machine.state.head.facts
    validators = validator_set(count, epoch=1, view_zero=facts.digest)
    return EpochReady(ViewZero(facts, View(0), None), validators, Parameters(), bench.own)


def test_new_epoch_keeps_links_pending_and_sequence() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.take(PendingChanged(True))
    sequence = bench.machine.state.next_sequence
    bench.take(next_epoch(bench))
    state = bench.machine.state
    assert all(state.activity[index].is_up for index in state.activity if index != bench.own)
    assert state.is_pending
    assert state.next_sequence > sequence


def test_validator_that_stopped_signs_nothing_in_the_next_epoch_either() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.vote(0, nullify(2))
    bench.take(next_epoch(bench))
    before = len(bench.effects)
    bench.take(PendingChanged(True))
    assert bench.machine.stopped is StopReason.DUPLICATE_KEY
    assert not only(bench.effects[before:], SignAndSend)


# Catching up and restarting


def test_chain_advanced_from_far_behind_moves_view_floor_and_head() -> None:
    bench = Bench()
    facts = HeaderFacts(
        digest_of("far"), digest_of("parent"), Height(900), GENESIS.epoch, View(1_000), GENESIS.timestamp_ms
    )
    head = ViewZero(facts, View(1_000), bench.make_certificate(finalize(1_000, 999, facts.digest)))
    bench.take(SyncChanged(True))
    bench.take(ChainAdvanced(head))
    bench.take(SyncChanged(False))
    state = bench.machine.state
    assert (bench.view, state.floor, state.head, bench.machine.tip_digest) == (1_001, 1_000, head, facts.digest)
    assert not only(bench.effects, FetchBlock)
    bench.take(ChainAdvanced(ViewZero(GENESIS, View(0), None)))
    assert bench.machine.state.head == head, "it never moves back"


def test_syncing_leader_gives_up_and_a_syncing_voter_stays_silent() -> None:
    leader = Bench(own=1)
    assert only(leader.first, BuildBlock)
    late = Bench(own=2)
    late.take(SyncChanged(True))
    late.nullified(1)
    assert late.own_votes(2) == {Kind.NULLIFY}
    voter = Bench(own=3)
    voter.take(SyncChanged(True))
    block = voter.block(1)
    voter.proposal(1, block)
    voter.body(block)
    voter.verdict(block)
    assert voter.own_votes(1) == set()


def test_restart_sends_stored_votes_again_and_signs_nothing_else() -> None:
    bench = Bench()
    block = bench.notarized(1)
    assert bench.own_votes(1) == {Kind.NOTARIZE, Kind.FINALIZE}
    again = Bench(records=tuple(bench.records), bodies=(block.facts.digest,))
    sent = [effect.statement for effect in only(again.first, SignAndSend)]
    assert set(sent) == {notarize(1, 0, block.facts.digest), finalize(1, 0, block.facts.digest)}
    again.verdict(block)
    assert again.view == 2
    assert again.own_votes(1) == {Kind.NOTARIZE, Kind.FINALIZE}


def test_restart_after_nullify_never_finalizes_that_view() -> None:
    bench = Bench()
    bench.vote(1, nullify(1))
    again = Bench(records=tuple(bench.records))
    assert [effect.statement for effect in only(again.first, SignAndSend)] == [nullify(1)]
    block = again.notarized(1)
    assert again.machine.state.certified[View(1)] == block.facts.digest
    assert again.own_votes(1) == {Kind.NULLIFY}


def test_t2_resends_own_votes_the_newest_finalizes_and_the_entry() -> None:
    bench = Bench()
    first = bench.notarized(1)
    bench.now_ms += 800
    effects = bench.fire(TimerKind.RESEND)
    assert [effect.statement for effect in only(effects, SignAndSend)] == [finalize(1, 0, first.facts.digest)]
    assert [effect.certificate.statement.kind for effect in only(effects, Broadcast)] == [Kind.NOTARIZE]
    assert TimerKind.RESEND in armed(effects)


def test_timer_that_was_cancelled_or_moved_does_nothing() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.take(PendingChanged(True))
    view, _ = bench.machine.state.timers[TimerKind.LEADER]
    bench.take(TimerFired(TimerKind.LEADER, view))
    assert bench.own_votes(2) == set(), "early"
    bench.take(PendingChanged(False))
    bench.now_ms += LEADER_MS
    bench.take(TimerFired(TimerKind.LEADER, view))
    assert bench.own_votes(2) == set(), "cancelled"
    assert not [effect for effect in only(bench.effects, SetTimer) if effect.kind is TimerKind.PROPOSE]


def test_timer_that_fires_early_is_set_again_and_not_lost() -> None:
    bench = Bench()
    bench.finalized(1)
    bench.take(PendingChanged(True))
    view, at_ms = bench.machine.state.timers[TimerKind.LEADER]
    effects = bench.take(TimerFired(TimerKind.LEADER, view))
    assert SetTimer(TimerKind.LEADER, view, at_ms) in effects
    bench.now_ms = at_ms
    bench.take(TimerFired(TimerKind.LEADER, view))
    assert bench.own_votes(view) == {Kind.NULLIFY}


# Admission


def admission_of(bench: Bench) -> Admission:
    return Admission(DOMAIN, bench.machine, read_header)


def test_r1_justification_of_another_epoch_or_range_is_misbehaviour() -> None:
    """A forged certificate of the next epoch is not of use yet, so it would pass unchecked."""
    bench = Bench()
    bench.nullified(1)
    block = bench.block(2)
    signed = vote(4, 2, notarize(2, 0, block.facts.digest))

    def offer(*skipped: object) -> object:
        proposal = Proposal(signed, block.header, len(block.body), None, tuple(skipped))  # type: ignore[arg-type]
        return admission_of(bench).admit_proposal(encode_proposal(proposal))

    assert offer(certificate(validator_set(4), nullify(1))) is not None
    for wrong in (nullify(1, epoch=1), nullify(2), nullify(3)):
        with pytest.raises(Misbehaviour):
            offer(certificate(validator_set(4, epoch=wrong.epoch), wrong))


def test_r1_proposal_by_another_than_the_leader_or_with_another_header_is_misbehaviour() -> None:
    bench = Bench()
    block = bench.block(1)
    statement = notarize(1, 0, block.facts.digest)
    good = Proposal(vote(4, 1, statement), block.header, len(block.body), None, ())
    assert admission_of(bench).admit_proposal(encode_proposal(good)) is not None
    for signed, header in (
        (vote(4, 2, statement), block.header),
        (vote(4, 1, statement), block.header[:-1] + b"\x01"),
        (vote(4, 1, notarize(1, 0, Hash32(bytes(32)))), block.header),
    ):
        with pytest.raises(Misbehaviour):
            admission_of(bench).admit_proposal(encode_proposal(Proposal(signed, header, 0, None, ())))


def test_v1_votes_outside_the_window_or_already_known_are_not_wanted() -> None:
    bench = Bench()
    bench.vote(3, nullify(1))
    signer = bench.validators.leader(View(3))
    known = bench.machine.wants_vote
    assert known(nullify(11), signer) and not known(nullify(12), signer)
    assert not known(nullify(1), signer)
    assert not known(nullify(1, epoch=1), signer)


def test_v1_vote_of_a_proposal_that_comes_too_late_is_still_examined() -> None:
    """A leader's second proposal may arrive when its view is final; then it is worth its vote: as evidence."""
    bench = Bench()
    bench.finalized(1)
    other = bench.block(1, number=2)
    late = Proposal(vote(4, 1, notarize(1, 0, other.facts.digest)), other.header, len(other.body), None, ())
    admission = admission_of(bench)
    assert admission.admit_proposal(encode_proposal(late)) is None
    admitted = admission.admit_vote_of_proposal(encode_proposal(late))
    assert admitted is not None and admitted.value == late.vote
    assert only(bench.take(VoteReceived(admitted)), ReportEvidence)
    forged = replace(late, vote=replace(late.vote, signature=bytes(64)))
    with pytest.raises(Misbehaviour):
        admission_of(Bench()).admit_vote_of_proposal(encode_proposal(forged))

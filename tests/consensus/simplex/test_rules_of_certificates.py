"""Rules about certificates, the own key and what is let in; labels are those of SPEC.md."""

from dataclasses import replace

import pytest

from consensus.primitives.scalars import Hash32, Height, View
from consensus.simplex.admission import Admission, Misbehaviour
from consensus.simplex.effects import (
    Certify,
    FetchBlock,
    FetchCertificates,
    Finalize,
    ReportEvidence,
    SignAndSend,
    StopReason,
    StopVoting,
)
from consensus.simplex.events import (
    HeaderFacts,
    HeaderFetched,
    PendingChanged,
    TimerKind,
    Verdict,
    ViewZero,
    VoteReceived,
)
from consensus.simplex.messages import Kind, Proposal, encode_proposal
from consensus.simplex.records import CertificateRecord
from tests.consensus.simplex.bench import Bench, armed, digest_of, only
from tests.consensus.simplex.blocks import GENESIS, read_header
from tests.consensus.simplex.keys import DOMAIN, certificate, finalize, notarize, nullify, validator_set, vote

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

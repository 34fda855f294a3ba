"""Rules at the ends of epochs, while catching up and after restarts; labels are those of SPEC.md."""

from consensus.primitives.scalars import Height, View
from consensus.simplex.effects import (
    Broadcast,
    BuildBlock,
    FetchBlock,
    Finalize,
    SetTimer,
    SignAndSend,
    StopReason,
)
from consensus.simplex.events import (
    ChainAdvanced,
    EpochReady,
    HeaderFacts,
    PendingChanged,
    SyncChanged,
    TimerFired,
    TimerKind,
    ViewZero,
)
from consensus.simplex.messages import Kind
from consensus.simplex.parameters import Parameters
from tests.consensus.simplex.bench import LEADER_MS, Bench, armed, digest_of, only
from tests.consensus.simplex.blocks import GENESIS
from tests.consensus.simplex.keys import finalize, notarize, nullify, validator_set

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

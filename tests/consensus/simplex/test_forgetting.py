"""SPEC L1 to L3: a validator that may have forgotten votes, and one that has stopped voting."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.effects import Persist, SignAndSend, StopVoting
from consensus.simplex.events import EpochReady, PendingChanged, Recovered, ResumeViewFound, ViewZero
from consensus.simplex.machine import Machine
from consensus.simplex.messages import Kind, Statement
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import (
    CertificateRecord,
    EpochStartRecord,
    HeaderRecord,
    MalformedRecord,
    OwnVoteRecord,
    Record,
    RecordType,
    ResumeViewRecord,
    VerdictRecord,
    VotingStoppedRecord,
    decode_record,
    encode_record,
)
from consensus.simplex.sign_guard import (
    RESUME_VIEW_UNKNOWN,
    resume_view_after,
    resume_view_carried,
    resume_view_in,
)
from consensus.simplex.stop_reason import StopReason
from tests.consensus.simplex.bench import Bench, only
from tests.consensus.simplex.blocks import GENESIS, GENESIS_HEAD
from tests.consensus.simplex.keys import certificate, notarize, nullify, validator_set

UNKNOWN = int(RESUME_VIEW_UNKNOWN)


def found(view: int, epoch: int = 0) -> ResumeViewFound:
    return ResumeViewFound(Epoch(epoch), View(view))


def epoch_ready(epoch: int, count: int = 4) -> EpochReady:
    return EpochReady(
        ViewZero(replace(GENESIS, epoch=Epoch(epoch - 1)), View(0), None),
        validator_set(count, epoch=epoch),
        Parameters(),
        ValidatorIndex(0),
    )


def test_l1_resume_view_is_two_above_the_highest_proved_view() -> None:
    assert resume_view_after([View(3), View(9), View(1)]) == 11


def test_l1_nothing_is_signed_while_the_resume_view_is_unknown() -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.nullified(1, 2, 3, 4)
    bench.take(PendingChanged(True))
    bench.vote(bench.validators.leader(View(5)), nullify(5))
    assert not only(bench.effects, SignAndSend)


def test_l1_resume_view_is_durable_before_anything_is_signed() -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.nullified(1, 2, 3, 4)
    bench.vote(bench.validators.leader(View(5)), nullify(5))
    effects = bench.take(found(5))
    persisted = [record for effect in only(effects, Persist) for record in effect.records]
    assert persisted[0] == ResumeViewRecord(Epoch(0), View(5))
    assert only(effects, Persist)[0].must_sync


@pytest.mark.parametrize(("view", "signs"), [(5, True), (6, False)], ids=["at it", "below it"])
def test_l1_votes_begin_at_the_resume_view(view: int, signs: bool) -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.nullified(1, 2, 3, 4)
    bench.take(found(view))
    bench.vote(bench.validators.leader(View(5)), nullify(5))
    assert bool(bench.own_votes(5)) == signs


@pytest.mark.parametrize("event", [found(1, epoch=1), found(1, epoch=7)], ids=["next", "far"])
def test_l1_statuses_of_another_epoch_prove_nothing(event: ResumeViewFound) -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.take(event)
    assert bench.machine.state.resume_view == UNKNOWN


def test_l1_resume_view_once_found_never_moves() -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.take(found(9))
    bench.take(found(3))
    assert bench.machine.state.resume_view == 9


def test_l1_forgotten_votes_of_the_own_key_are_no_duplicate_key() -> None:
    bench = Bench(resume_view=UNKNOWN)
    bench.vote(0, nullify(2))
    bench.certificate(nullify(3), (0, 1, 2))
    assert bench.machine.stopped is None
    bench.take(found(6))
    bench.certificate(nullify(5), (0, 1, 2))
    assert bench.machine.stopped is None
    bench.certificate(nullify(6), (0, 1, 2))
    assert bench.machine.stopped is StopReason.DUPLICATE_KEY


CARRIED = {
    "forgot nothing": (0, 0),
    "found": (11, 2),
    "found as low as can be": (3, 2),
    "carried": (2, 0),
    "unknown": (UNKNOWN, UNKNOWN),
}


@pytest.mark.parametrize(("before", "after"), CARRIED.values(), ids=CARRIED)
def test_l2_next_epoch_begins_with_view_two_once_and_unknown_stays_unknown(before: int, after: int) -> None:
    assert resume_view_carried(View(before)) == after
    bench = Bench(resume_view=before)
    bench.take(epoch_ready(1))
    assert bench.machine.state.resume_view == after


IN_EPOCH = {
    "before": (4, UNKNOWN), "its own": (5, 40), "the next": (6, 2), "the one after": (7, 0),
}  # fmt: skip


@pytest.mark.parametrize(("epoch", "view"), IN_EPOCH.values(), ids=IN_EPOCH)
def test_l2_resume_view_of_each_epoch(epoch: int, view: int) -> None:
    assert resume_view_in(Epoch(epoch), found_epoch=Epoch(5), found_view=View(40)) == view


@pytest.mark.parametrize("epoch", [0, 1, 9])
def test_l2_who_forgot_nothing_has_no_resume_view(epoch: int) -> None:
    assert resume_view_in(Epoch(epoch), found_epoch=Epoch(0), found_view=View(0)) == 0


def test_l1_record_in_the_log_brings_the_resume_view_back_but_never_ends_a_wait() -> None:
    record = ResumeViewRecord(Epoch(0), View(9))
    assert Bench(records=(record,)).machine.state.resume_view == 9
    assert Bench(records=(record,), resume_view=UNKNOWN).machine.state.resume_view == UNKNOWN


def test_l3_stop_is_durable_before_anything_else_happens() -> None:
    bench = Bench()
    effects = bench.vote(0, nullify(2))
    [stopped] = only(effects, StopVoting)
    [persist] = [effect for effect in only(effects, Persist) if effect.must_sync]
    key = bench.validators.validators[0].consensus_key
    assert persist.records == (VotingStoppedRecord(key, StopReason.DUPLICATE_KEY),)
    assert effects.index(persist) < effects.index(stopped)


def test_l3_stop_found_in_the_log_stops_this_key_and_no_other() -> None:
    keys = [validator.consensus_key for validator in validator_set(4).validators]
    for key, reason in ((keys[0], StopReason.DIVERGENCE), (keys[1], None)):
        bench = Bench(records=(OwnVoteRecord(nullify(1)), VotingStoppedRecord(key, StopReason.DIVERGENCE)))
        assert bench.machine.stopped is reason
        assert bool(only(bench.first, SignAndSend)) == (reason is None), "own votes are sent again, or not"


def test_l3_stop_remembered_by_the_guard_is_told_again() -> None:
    machine = Machine()
    remembered = Recovered(
        head=GENESIS_HEAD,
        validators=validator_set(4),
        parameters=Parameters(),
        own_index=ValidatorIndex(0),
        records=(OwnVoteRecord(nullify(1)),),
        headers=(),
        bodies=(),
        resume_view=View(0),
        stopped=StopReason.CONFLICTING_CERTIFICATES,
    )
    effects = machine.step(remembered, 0)
    assert only(list(effects), StopVoting) == [StopVoting(StopReason.CONFLICTING_CERTIFICATES)]
    assert not only(list(effects), SignAndSend)


def test_every_stop_reason_explains_itself() -> None:
    explanations = {reason.explanation for reason in StopReason}
    assert len(explanations) == len(StopReason)


# Records


epochs, views = st.integers(0, 2**64 - 1).map(Epoch), st.integers(0, 2**64 - 1).map(View)
hashes = st.binary(min_size=32, max_size=32).map(Hash32)
VOTES = st.builds(
    lambda epoch, view: Statement(Kind.NULLIFY, epoch, View(max(1, view)), View(0), ZERO_HASH), epochs, views
)
RECORDS = st.one_of(
    st.builds(OwnVoteRecord, VOTES),
    st.just(CertificateRecord(certificate(validator_set(4), notarize(3, 1, Hash32(b"\x01" * 32))))),
    st.builds(HeaderRecord, hashes, st.binary(min_size=1, max_size=80)),
    st.builds(VerdictRecord, hashes, st.booleans()),
    st.builds(EpochStartRecord, epochs, hashes),
    st.builds(ResumeViewRecord, epochs, views),
    st.builds(VotingStoppedRecord, st.binary(min_size=32, max_size=32), st.sampled_from(StopReason)),
)


@given(RECORDS)
def test_record_has_one_encoding(record: Record) -> None:
    record_type, payload = encode_record(record)
    assert decode_record(record_type, payload) == record
    if record_type is not RecordType.HEADER:
        for wrong in (payload[:-1], payload + b"\x00"):
            with pytest.raises(MalformedRecord):
                decode_record(record_type, wrong)


@given(st.sampled_from([kind for kind in RecordType if kind is not RecordType.BODY]), st.binary(max_size=120))
def test_noise_is_malformed_or_canonical(record_type: RecordType, payload: bytes) -> None:
    try:
        record = decode_record(record_type, payload)
    except MalformedRecord:
        return
    assert encode_record(record) == (record_type, payload)

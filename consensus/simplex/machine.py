"""The consensus machine: `step(event, now_ms)` returns the effects; nothing else happens.

Deterministic: equal states and events give equal effects, byte for byte. A step never blocks and never calls back.
"""

from typing import assert_never

from consensus.primitives.scalars import Epoch, Hash32, ValidatorIndex, View
from consensus.simplex import certifying, signing
from consensus.simplex import view as view_arms
from consensus.simplex.core_state import Activity, BlockEntry, CoreState
from consensus.simplex.effects import Effect, SignAndSend, StopReason
from consensus.simplex.events import (
    BlockBuilt,
    BlockCertified,
    BodyAvailable,
    CertificateReceived,
    ChainAdvanced,
    EpochReady,
    Event,
    HeaderFacts,
    HeaderFetched,
    PeerStatus,
    PendingChanged,
    Persisted,
    ProposalReceived,
    Recovered,
    ResumeViewFound,
    SyncChanged,
    TimerFired,
    TimerKind,
    ViewZero,
    VoteReceived,
)
from consensus.simplex.messages import Certificate, Kind, Statement
from consensus.simplex.parameters import (
    EVIDENCE_WINDOW_BEHIND,
    HELD_PROPOSALS_AHEAD,
    VOTE_WINDOW_AHEAD,
    Parameters,
)
from consensus.simplex.records import (
    CertificateRecord,
    EpochStartRecord,
    HeaderRecord,
    OwnVoteRecord,
    Record,
    ResumeViewRecord,
    VerdictRecord,
    VotingStoppedRecord,
)
from consensus.simplex.sign_guard import RESUME_VIEW_UNKNOWN, resume_view_carried, resume_view_in
from consensus.simplex.validators import ValidatorSet


class Machine:
    """Simplex with certify, one epoch at a time. The first event must be `Recovered`."""

    def __init__(self) -> None:
        self._state: CoreState | None = None

    @property
    def state(self) -> CoreState:
        """What the machine knows, to be read only."""
        assert self._state is not None, "the first event is Recovered"
        return self._state

    def step(self, event: Event, now_ms: int) -> tuple[Effect, ...]:
        """Take one event at `now_ms` (Unix milliseconds, never less than before) and return what the host must do."""
        if isinstance(event, Recovered):
            assert self._state is None, "Recovered comes once"
            self._state = _begin(event.head, event.validators, event.parameters, event.own_index, now_ms)
            self._state.resume_view = event.resume_view
            if event.stopped is not None:
                signing.stop_voting(self._state, event.stopped)
            _replay(self._state, event)
        elif isinstance(event, EpochReady):
            before = self.state
            self._state = _begin(event.head, event.validators, event.parameters, event.own_index, now_ms)
            _carry_over(before, self._state)
            record = EpochStartRecord(event.validators.epoch, event.head.facts.digest)
            self._state.persist(record, must_sync=True)
        else:
            self.state.now_ms = max(self.state.now_ms, now_ms)
            self._handle(self.state, event)
        state = self.state
        view_arms.pace(state)
        effects, state.effects = tuple(state.effects), []
        return effects

    def _handle(self, state: CoreState, event: Event) -> None:
        match event:
            case VoteReceived(vote):
                view_arms.vote_received(state, vote.value)
            case ProposalReceived(proposal, facts):
                view_arms.proposal_received(state, proposal.value, facts)
            case CertificateReceived(certificate):
                certifying.certificate_received(state, certificate.value)
            case HeaderFetched(facts, header):
                certifying.header_fetched(state, facts, header)
            case BodyAvailable(digest):
                certifying.body_available(state, digest)
            case BlockBuilt(view, facts, header, body_bytes, last_of_epoch):
                view_arms.block_built(state, view, facts, header, body_bytes, last_of_epoch)
            case BlockCertified(digest, verdict, last_of_epoch):
                certifying.block_certified(state, digest, verdict, last_of_epoch=last_of_epoch)
            case ChainAdvanced(head):
                _chain_advanced(state, head)
            case SyncChanged(is_syncing):
                state.is_syncing = is_syncing
            case PendingChanged(is_pending):
                if is_pending and not state.is_pending:
                    state.pending_since = state.now_ms
                state.is_pending = is_pending
            case TimerFired(kind, view):
                _timer_fired(state, kind, view)
            case PeerStatus(validator, is_up):
                _peer_changed(state, validator, is_up=is_up)
            case ResumeViewFound(epoch, view):
                _resume_view_found(state, epoch, view)
            case Persisted():
                # Own votes come back as VoteReceived, so nothing waits for the sequence itself.
                pass
            case Recovered() | EpochReady():
                raise AssertionError("handled by step")
            case _:
                assert_never(event)

    # What admission and the host ask

    @property
    def validators(self) -> ValidatorSet:
        """The set of the epoch in force."""
        return self.state.validators

    @property
    def tip_digest(self) -> Hash32:
        """The block the next leader would build on; what PendingChanged is relative to."""
        state = self.state
        return state.certified.get(state.tip(), state.head.facts.digest)

    @property
    def stopped(self) -> StopReason | None:
        """Why this validator signs nothing any more."""
        return self.state.stopped

    def wants_vote(self, statement: Statement, signer: ValidatorIndex) -> bool:
        """Tell whether the vote is of this epoch, in the window, and not already in its slot (V1)."""
        state = self.state
        if statement.epoch != state.validators.epoch:
            return False
        if statement.kind is Kind.NULLIFY and statement.view < state.view:
            # However old and often said: V6 answers it.
            return True
        if not state.floor - EVIDENCE_WINDOW_BEHIND < statement.view <= state.view + VOTE_WINDOW_AHEAD:
            return False
        known = state.book.get(statement.kind, statement.view, signer)
        return known is None or known.statement != statement

    def wants_certificate(self, statement: Statement) -> bool:
        """Tell whether this is not yet known, of this epoch and not below the final head."""
        state = self.state
        if statement.epoch != state.validators.epoch or statement.view < state.head.view:
            return False
        known = state.certificates.get((statement.kind, statement.view))
        return known is None or known.statement != statement

    def wants_proposal(self, statement: Statement) -> bool:
        """Tell whether a proposal of that epoch and view is still looked at (R3)."""
        state = self.state
        return (
            statement.epoch == state.validators.epoch
            and state.head.view < statement.view <= state.view + HELD_PROPOSALS_AHEAD
        )

    def has_signature(self, statement: Statement, signer: ValidatorIndex, signature: bytes) -> bool:
        """Tell whether exactly this vote is in the book, so that its signature need not be checked again."""
        known = self.state.book.get(statement.kind, statement.view, signer)
        return known is not None and known.signature == signature and known.statement == statement

    def certificates_in(self, first: View, last: View, limit: int) -> list[Certificate]:
        """Return the best certificate of each view in a range, lowest first, at most `limit`."""
        found: list[Certificate] = []
        for view in sorted({known for _, known in self.state.certificates if first <= known <= last}):
            certificate = self.state.best_certificate(view)
            if certificate is not None and len(found) < limit:
                found.append(certificate)
        return found


def _begin(
    head: ViewZero, validators: ValidatorSet, parameters: Parameters, own_index: ValidatorIndex | None, now_ms: int
) -> CoreState:
    state = CoreState(validators, parameters, own_index, head, View(0), now_ms)
    state.floor = head.view
    state.own_known_above = head.view
    state.floor_certificate = head.finalization
    state.final_at = now_ms
    state.certified[head.view] = head.facts.digest
    # The real instant is lost; zero never delays a proposal (P3 takes the earlier of two).
    state.certified_at[head.view] = 0
    if head.finalization is not None:
        state.certificates[Kind.FINALIZE, head.view] = head.finalization
    for index in range(validators.count):
        state.activity[ValidatorIndex(index)] = Activity(is_up=False, changed_ms=now_ms)
    signing.enter(state, View(head.view + 1), head.finalization)
    return state


def _carry_over(before: CoreState, state: CoreState) -> None:
    """Take over what does not end with an epoch: having stopped or forgotten, what the host last said, the links."""
    state.stopped = before.stopped
    # L2.
    state.resume_view = resume_view_carried(before.resume_view)
    state.next_sequence = before.next_sequence
    state.is_syncing = before.is_syncing
    state.is_pending = before.is_pending
    state.pending_since = state.now_ms
    state.final_after_ms = before.final_after_ms
    for index, validator in enumerate(state.validators.validators):
        old_index = before.validators.index_of(validator.consensus_key)
        if old_index is not None:
            old = before.activity[old_index]
            state.activity[ValidatorIndex(index)] = Activity(old.is_up, old.changed_ms)


def _replay(state: CoreState, recovered: Recovered) -> None:
    """Restart, steps 3 and 5: take the durable records back, find the view, send stored votes again.

    Own votes are counted in the own book when the host hands them back, like any other.
    """
    facts_by_digest = {facts.digest: facts for facts in recovered.headers}
    for record in recovered.records:
        _replay_record(state, record, facts_by_digest)
    for digest in recovered.bodies:
        if digest in state.blocks:
            state.blocks[digest].has_body = True
    view = max((said for said in state.own if state.own[said]), default=View(1))
    for (kind, certified_view), certificate in sorted(state.certificates.items()):
        if kind is Kind.FINALIZE and certified_view > state.floor:
            state.floor, state.floor_certificate = certified_view, certificate
        if kind is not Kind.NOTARIZE:
            signing.enter(state, View(certified_view + 1), certificate)
    if view > state.view:
        entry = state.best_certificate(View(view - 1))
        signing.enter(state, view, entry)
    for said in sorted(state.own):
        for statement in state.own[said]:
            is_current = said == state.view
            is_open_finalize = statement.kind is Kind.FINALIZE and said > state.floor
            if (is_current or is_open_finalize) and state.may_sign_in(said):
                state.emit(SignAndSend(statement, None))
    certifying.retry_waiting(state)


def _replay_record(state: CoreState, record: Record, facts_by_digest: dict[Hash32, HeaderFacts]) -> None:
    match record:
        case OwnVoteRecord(statement):
            if statement.epoch == state.validators.epoch and statement.view >= state.head.view:
                said = state.own.setdefault(statement.view, [])
                if statement not in said:
                    said.append(statement)
        case CertificateRecord(certificate):
            statement = certificate.statement
            if statement.epoch == state.validators.epoch and statement.view >= state.head.view:
                state.certificates.setdefault((statement.kind, statement.view), certificate)
        case HeaderRecord(digest, header):
            facts = facts_by_digest.get(digest)
            if facts is not None and facts.height > state.head.facts.height:
                state.blocks.setdefault(digest, BlockEntry(facts, header))
        case VerdictRecord() | EpochStartRecord():
            # Blocks are executed again after a restart, because overlays are memory only.
            pass
        case ResumeViewRecord(epoch, view):
            found = resume_view_in(state.validators.epoch, found_epoch=epoch, found_view=view)
            state.resume_view = max(state.resume_view, found)
        case VotingStoppedRecord(consensus_key, reason):
            if consensus_key == state.own_key:
                signing.stop_voting(state, reason)
        case _:
            assert_never(record)


def _chain_advanced(state: CoreState, head: ViewZero) -> None:
    """The host caught up: what is committed is the new root, whatever was known before."""
    if head.facts.height <= state.head.facts.height:
        return
    if head.finalization is not None:
        state.certificates[Kind.FINALIZE, head.view] = head.finalization
    if head.view > state.floor:
        state.floor, state.floor_certificate = head.view, head.finalization
        state.final_at = state.now_ms
    certifying.advance_head(state, head)
    signing.enter(state, View(head.view + 1), head.finalization)
    certifying.retry_waiting(state)


def _resume_view_found(state: CoreState, epoch: Epoch, view: View) -> None:
    """L1: what was forgotten lies below `view`. Statuses of an epoch that has ended meanwhile prove nothing."""
    if epoch == state.validators.epoch and state.resume_view == RESUME_VIEW_UNKNOWN:
        state.resume_view = view
        state.persist(ResumeViewRecord(epoch, view), must_sync=True)


def _timer_fired(state: CoreState, kind: TimerKind, view: View) -> None:
    """T1, T2."""
    armed = state.timers.get(kind)
    if armed is None or armed[0] != view:
        return
    del state.timers[kind]
    if armed[1] > state.now_ms:
        # A host's clock and its timers never agree to the millisecond: an early one is set again, never lost.
        state.set_timer(kind, armed[1])
        return
    match kind:
        case TimerKind.LEADER | TimerKind.ADVANCE:
            if view == state.view:
                signing.nullify(state)
        case TimerKind.RESEND:
            view_arms.resend(state)
        case TimerKind.PROPOSE | TimerKind.WAKE:
            pass
        case _:
            assert_never(kind)


def _peer_changed(state: CoreState, validator: ValidatorIndex, *, is_up: bool) -> None:
    activity = state.activity[validator]
    if activity.is_up != is_up:
        state.activity[validator] = Activity(is_up, state.now_ms, state.view if is_up else activity.up_in_view)

"""One view, from entering to leaving it: pacing, proposing, receiving proposals and votes, repeating.

Functions change the state and emit effects, one per arm of SPEC.md, the line cited; the machine ends each step with
`pace`.
"""

from consensus.primitives.scalars import Hash32, TimestampMs, View
from consensus.simplex.certificates import assemble_certificate
from consensus.simplex.certifying import (
    certificate_received,
    certify,
    certify_block,
    fetch_certificates,
    retry_waiting,
)
from consensus.simplex.core_state import BlockEntry, CoreState, Held
from consensus.simplex.effects import (
    Broadcast,
    BuildBlock,
    ReportEvidence,
    Send,
    SignAndSend,
    StopReason,
    UnsignedProposal,
)
from consensus.simplex.events import HeaderFacts, TimerKind, Verdict
from consensus.simplex.messages import Certificate, Kind, Proposal, Statement, Vote
from consensus.simplex.pacing import (
    arm_resend,
    arm_timeouts,
    disarm_timeouts,
    due_at,
    has_given_up_or_finalized,
    is_inactive,
)
from consensus.simplex.parameters import (
    ANSWER_EVERY_MS,
    EVIDENCE_WINDOW_BEHIND,
    HELD_PROPOSALS_AHEAD,
    JUSTIFICATION_NULLIFICATIONS_MAX,
    OWN_FINALIZE_RESEND_MAX,
    RESEND_MS,
)
from consensus.simplex.records import HeaderRecord
from consensus.simplex.signing import nullify, sign, stop_voting

# Pacing


def pace(state: CoreState) -> None:
    """E2, A1–A4: run at the end of every step, again if it led into another view."""
    view = View(-1)
    while view != state.view:
        view = state.view
        _pace_view(state)


def _pace_view(state: CoreState) -> None:
    if state.is_epoch_over:
        due = None
    else:
        advance_held(state)
        join(state)
        due = due_at(state)
    if not state.may_sign_in(state.view):
        # Whoever may not sign has nothing to time: it follows the certificates of others.
        disarm_timeouts(state)
        state.set_timer(TimerKind.WAKE, None)
        arm_resend(state, None)
        return
    if due is None or due > state.now_ms:
        # A1: nothing is due, so no time-out runs.
        disarm_timeouts(state)
        state.set_timer(TimerKind.WAKE, due)
    else:
        state.set_timer(TimerKind.WAKE, None)
        # A2: a leader that looks dead is passed over, but only when a block is due.
        if is_inactive(state, state.validators.leader(state.view)) and not state.own.get(state.view):
            nullify(state)
        if has_given_up_or_finalized(state):
            # A3: what was said is repeated by TR.
            disarm_timeouts(state)
        else:
            arm_timeouts(state, due)
            # A4.
            if state.validators.leader(state.view) == state.own_index:
                propose(state)
    arm_resend(state, due_at(state))


# Proposing


def propose(state: CoreState) -> None:
    """P1–P4: ask for a block on the best parent this leader can justify."""
    view = state.view
    if state.own.get(view):
        return
    if state.is_syncing:
        nullify(state)
        return
    parent = _find_parent(state)
    if parent is None:
        return
    digest = state.certified[parent]
    facts = state.facts_of(digest)
    assert facts is not None
    earliest = min(facts.timestamp_ms, state.certified_at[parent]) + state.parameters.block_interval_min_ms
    if state.now_ms < earliest:
        # P3.
        state.set_timer(TimerKind.PROPOSE, earliest)
        return
    if state.is_last_of_epoch(digest):
        # P4: nothing follows the last block of an epoch; its header is proposed again until it is final.
        entry = state.blocks[digest]
        _send_proposal(state, parent, entry)
        return
    if state.building_view == view:
        return
    state.building_view = view
    timestamp_ms = TimestampMs(max(state.now_ms, facts.timestamp_ms + 1))
    state.emit(BuildBlock(digest, view, timestamp_ms))


def block_built(
    state: CoreState, view: View, facts: HeaderFacts, header: bytes, body_bytes: int, last_of_epoch: bool
) -> None:
    """P5: propose what was built, even if it came out empty, while a block is still due."""
    if view != state.view or state.own.get(view):
        return
    due = due_at(state)
    if due is None or due > state.now_ms:
        # The payment it was asked for stands in the new parent: an idle chain adds nothing.
        state.building_view = View(0)
        return
    parent = _find_parent(state)
    if parent is None or state.certified[parent] != facts.parent_digest:
        # The best parent changed while the block was built: build again.
        state.building_view = View(0)
        return
    entry = BlockEntry(facts, header, has_body=True, verdict=Verdict.VALID, last_of_epoch=last_of_epoch)
    entry.body_bytes = body_bytes
    state.blocks[facts.digest] = entry
    _send_proposal(state, parent, entry)


def _send_proposal(state: CoreState, parent: View, entry: BlockEntry) -> None:
    view = state.view
    skipped = range(max(parent + 1, view - JUSTIFICATION_NULLIFICATIONS_MAX), view)
    nullifications = tuple(state.certificates[Kind.NULLIFY, View(between)] for between in skipped)
    parent_certificate = state.finalization(parent) or state.notarization(parent)
    if parent == state.head.view and parent_certificate is None:
        parent_certificate = state.head.finalization
    proposal = UnsignedProposal(entry.header, entry.body_bytes, parent_certificate, nullifications)
    state.persist(HeaderRecord(entry.facts.digest, entry.header), must_sync=False)
    state.acceptable_views.add(view)
    if sign(state, Statement(Kind.NOTARIZE, state.validators.epoch, view, parent, entry.facts.digest), proposal):
        state.own_proposal = (view, proposal)


def _find_parent(state: CoreState) -> View | None:
    """P2: walk back over nullified views to a certified one; ask for what is missing on the way."""
    view = state.view - 1
    while True:
        candidate = View(view)
        if candidate in state.certified:
            return candidate
        if state.nullification(candidate) is None:
            break
        view -= 1
    if state.notarization(candidate) is not None or state.finalization(candidate) is not None:
        certify(state, candidate)
    else:
        # From the floor on, because answers bring the lowest views first: one question, not one for each gap.
        fetch_certificates(state, View(state.floor + 1), candidate)
    return None


# Receiving a proposal


def proposal_received(state: CoreState, proposal: Proposal, facts: HeaderFacts) -> None:
    """R1–R4: hold the first correctly signed proposal of a view that is not over."""
    statement = proposal.vote.statement
    view = statement.view
    if statement.epoch != state.validators.epoch:
        return
    vote_received(state, proposal.vote)
    # R2.
    certificates = [*proposal.nullifications]
    if proposal.parent_certificate is not None:
        certificates.insert(0, proposal.parent_certificate)
    for certificate in certificates:
        certificate_received(state, certificate)
    entry = state.blocks.get(facts.digest)
    first = state.book.get(Kind.NOTARIZE, view, proposal.vote.signer)
    is_first = first is not None and first.statement == statement
    is_wanted = is_first or facts.digest in state.fetching
    if entry is None and is_wanted and facts.height > state.head.facts.height and facts.view > state.head.view:
        entry = state.blocks[facts.digest] = BlockEntry(facts, proposal.header)
    if entry is not None:
        entry.body_bytes = proposal.body_bytes
        state.fetching.pop(facts.digest, None)
    # R3: an old one is kept for those who fetch; one far ahead is not held.
    if is_first and state.view <= view <= state.view + HELD_PROPOSALS_AHEAD and view not in state.held:
        state.held[view] = Held(proposal, facts, state.now_ms)
    retry_waiting(state)


def advance_held(state: CoreState) -> None:
    """R5–R8: look at the held proposal of the present view, again after every step until it is decided."""
    held = state.held.get(state.view)
    if held is None or state.own.get(state.view):
        return
    verdict = _judge(state, held)
    if verdict is Verdict.INVALID:
        # R7: wrong for ever.
        nullify(state)
    if verdict is not Verdict.VALID or not state.may_sign_in(state.view):
        return
    facts = held.facts
    statement = held.proposal.vote.statement
    entry = state.blocks[facts.digest]
    # R8.
    state.persist(HeaderRecord(facts.digest, entry.header), must_sync=False)
    sign(
        state,
        Statement(Kind.NOTARIZE, state.validators.epoch, state.view, statement.parent_view, facts.digest),
    )


def _judge(state: CoreState, held: Held) -> Verdict:
    """Return VALID if the proposal may be notarized now, INVALID if never, UNKNOWN if something is missing."""
    facts = held.facts
    statement = held.proposal.vote.statement
    parent_view = statement.parent_view
    entry = state.blocks.get(facts.digest)
    if entry is None or state.is_syncing:
        return Verdict.UNKNOWN
    if entry.verdict is Verdict.INVALID:
        return Verdict.INVALID
    parent_digest = state.certified.get(parent_view)
    if parent_digest is None:
        if parent_view < state.head.view:
            # The proposal builds below what is final: never acceptable.
            return Verdict.INVALID
        if state.notarization(parent_view) is not None or state.finalization(parent_view) is not None:
            certify(state, parent_view)
        else:
            fetch_certificates(state, parent_view, parent_view)
        return Verdict.UNKNOWN
    missing = [
        between
        for between in range(parent_view + 1, state.view)
        if state.nullification(View(between)) is None and between > state.floor
    ]
    if missing:
        fetch_certificates(state, View(missing[0]), View(missing[-1]))
        return Verdict.UNKNOWN
    if any(state.finalization(View(between)) is not None for between in range(parent_view + 1, state.view)):
        return Verdict.INVALID
    is_repeated = facts.digest == parent_digest
    if is_repeated != state.is_last_of_epoch(parent_digest):
        return Verdict.INVALID
    if not is_repeated:
        timing = _judge_header(state, held, parent_digest)
        if timing is not Verdict.VALID:
            return timing
    state.acceptable_views.add(state.view)
    if entry.verdict is None:
        certify_block(state, facts.digest)
        return Verdict.UNKNOWN
    return entry.verdict


def _judge_header(state: CoreState, held: Held, parent_digest: Hash32) -> Verdict:
    """R5: parent, height, view and time of a header that is not a repeated last block."""
    facts, parameters = held.facts, state.parameters
    parent = state.facts_of(parent_digest)
    assert parent is not None
    if facts.parent_digest != parent_digest or facts.height != parent.height + 1 or facts.view != state.view:
        return Verdict.INVALID
    if facts.timestamp_ms <= parent.timestamp_ms:
        return Verdict.INVALID
    ahead_ms = facts.timestamp_ms - parameters.timestamp_ahead_max_ms
    if ahead_ms > state.now_ms:
        # Too early: look again when the own clock is there.
        state.set_timer(TimerKind.PROPOSE, ahead_ms)
        return Verdict.UNKNOWN
    if facts.timestamp_ms < held.received_ms - parameters.timestamp_behind_max_ms:
        return Verdict.UNKNOWN
    return Verdict.VALID


# Votes


def vote_received(state: CoreState, vote: Vote) -> None:
    """V1–V3, V6, V7. Own votes come back this way after their sync."""
    statement, signer = vote.statement, vote.signer
    view = statement.view
    if statement.epoch != state.validators.epoch:
        return
    if statement.kind is Kind.NULLIFY and view < state.view and signer != state.own_index:
        answer_outdated(state, vote)
    if view <= state.floor - EVIDENCE_WINDOW_BEHIND:
        return
    # V1: keep both of a conflict, count the first.
    conflict = state.book.add(vote)
    if conflict is not None:
        state.emit(ReportEvidence(conflict))
    # V2: somebody else signs with this validator's key.
    if signer == state.own_index and state.is_foreign(statement):
        stop_voting(state, StopReason.DUPLICATE_KEY)
        return
    # V3 needs no line: the book remembers who voted in which view.
    # V7.
    if state.certificates.get((statement.kind, view)) is None:
        signatures = state.book.signatures_of(statement)
        if len(signatures) >= state.validators.quorum:
            certificate_received(state, assemble_certificate(state.validators, statement, signatures))


def join(state: CoreState) -> None:
    """V4, V5: give up with the leader itself, or with f + 1, at least one of whom is honest.

    Asked at the end of every step, because those votes may be older than the entry into the view.
    """
    view = state.view
    if not state.may_sign_in(view) or state.has_own(view, Kind.NULLIFY) or state.has_own(view, Kind.FINALIZE):
        return
    is_leader_out = state.book.get(Kind.NULLIFY, view, state.validators.leader(view)) is not None
    if is_leader_out or (
        not state.own.get(view) and state.book.count(Kind.NULLIFY, view) > state.validators.faulty_max
    ):
        nullify(state)


def answer_outdated(state: CoreState, vote: Vote) -> None:
    """V6: help a peer that still votes in a view that is over, at most once a second."""
    answered_at = state.answered_at.get(vote.signer)
    if answered_at is not None and state.now_ms - answered_at < ANSWER_EVERY_MS:
        return
    certificates: list[Certificate] = []
    for certificate in (
        state.best_certificate(vote.statement.view),
        state.entry,
        state.floor_certificate,
    ):
        if certificate is not None and certificate not in certificates:
            certificates.append(certificate)
    if certificates:
        state.answered_at[vote.signer] = state.now_ms
        state.emit(Send(vote.signer, tuple(certificates)))


# Repeating


def resend(state: CoreState) -> None:
    """T2: say again what others may have missed, and ask again for what is missing here."""
    state.set_timer(TimerKind.RESEND, state.now_ms + RESEND_MS)
    own_finalizes = [
        statement
        for view in sorted(state.own)
        if view > state.floor and view != state.view
        for statement in state.own[view]
        if statement.kind is Kind.FINALIZE
    ]
    for statement in (*own_finalizes[-OWN_FINALIZE_RESEND_MAX:], *state.own.get(state.view, ())):
        if state.may_sign_in(statement.view):
            proposal = None
            if statement.kind is Kind.NOTARIZE and state.own_proposal is not None:
                proposal_view, own_proposal = state.own_proposal
                proposal = own_proposal if proposal_view == statement.view else None
            state.emit(SignAndSend(statement, proposal))
    if state.entry is not None:
        state.emit(Broadcast(state.entry))
    state.fetching.clear()
    state.fetching_views = None
    # Y3.
    state.certifying.clear()
    if state.building_view == state.view and not state.own.get(state.view):
        state.building_view = View(0)
    retry_waiting(state)

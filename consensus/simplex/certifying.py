"""Certificates and what follows from them: executing, finalizing, fetching what is missing.

Functions change the state and emit effects, one per arm of SPEC.md, the line cited.
"""

from consensus.primitives.scalars import Hash32, View
from consensus.simplex.core_state import BlockEntry, CoreState
from consensus.simplex.effects import (
    Broadcast,
    Certify,
    FetchBlock,
    FetchCertificates,
    Finalize,
    ReportEvidence,
    StopReason,
)
from consensus.simplex.events import HeaderFacts, Verdict, ViewZero
from consensus.simplex.evidence import ConflictingCertificates, are_conflicting
from consensus.simplex.messages import Certificate, Kind, Statement
from consensus.simplex.parameters import EVIDENCE_WINDOW_BEHIND
from consensus.simplex.records import CertificateRecord, VerdictRecord
from consensus.simplex.signing import enter, sign, stop_voting

# Certificates


def certificate_received(state: CoreState, certificate: Certificate) -> None:
    """C1–C5."""
    statement = certificate.statement
    kind, view = statement.kind, statement.view
    if statement.epoch != state.validators.epoch:
        return
    _check_conflicts(state, certificate)
    _check_own_signature(state, certificate)
    if (kind, view) in state.certificates or view < state.head.view:
        return
    state.certificates[kind, view] = certificate
    if state.fetching_views is not None and state.fetching_views[0] <= view <= state.fetching_views[1]:
        state.fetching_views = None
    # C2.
    state.persist(CertificateRecord(certificate), must_sync=False)
    state.emit(Broadcast(certificate))
    match kind:
        case Kind.NOTARIZE:
            certify(state, view)
        case Kind.NULLIFY:
            enter(state, View(view + 1), certificate)
        case Kind.FINALIZE:
            _finalization_received(state, certificate)


def _check_conflicts(state: CoreState, certificate: Certificate) -> None:
    """C1: two certificates that exclude each other mean that more than f are faulty."""
    statement = certificate.statement
    if state.stopped is StopReason.CONFLICTING_CERTIFICATES:
        return
    for kind in (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE):
        other = state.certificates.get((kind, statement.view))
        if other is None:
            continue
        is_split = Kind.NULLIFY not in (kind, statement.kind) and other.statement.digest != statement.digest
        if is_split or are_conflicting(other.statement, statement):
            state.persist(CertificateRecord(other), CertificateRecord(certificate), must_sync=False)
            state.emit(ReportEvidence(ConflictingCertificates(other, certificate)))
            stop_voting(state, StopReason.CONFLICTING_CERTIFICATES)
            return


def _check_own_signature(state: CoreState, certificate: Certificate) -> None:
    """V2: this validator's signature in a certificate, under a statement it never signed."""
    index = state.own_index
    bitmap = certificate.bitmap
    if index is None or index >> 3 >= len(bitmap) or not bitmap[index >> 3] >> (index & 7) & 1:
        return
    if state.is_foreign(certificate.statement):
        stop_voting(state, StopReason.DUPLICATE_KEY)


def _finalization_received(state: CoreState, certificate: Certificate) -> None:
    """C5."""
    view = certificate.statement.view
    if view > state.floor:
        state.floor = view
        state.floor_certificate = certificate
        state.final_at = state.now_ms
        if view in state.certified_at:
            state.final_after_ms = state.now_ms - state.certified_at[view]
    finalize_chain(state)
    enter(state, View(view + 1), certificate)


def finalize_chain(state: CoreState) -> None:
    """C5: hand the chain up to the floor to the host once every block of it is executed; fetch what is missing."""
    certificate = state.floor_certificate
    if certificate is None or state.floor <= state.head.view:
        return
    digests: list[Hash32] = []
    digest = certificate.statement.digest
    while digest != state.head.facts.digest:
        entry = state.blocks.get(digest)
        if entry is None:
            fetch_block(state, digest, certificate)
            return
        if entry.facts.height <= state.head.facts.height:
            # A final chain that does not contain the final head: more than f are faulty.
            stop_voting(state, StopReason.CONFLICTING_CERTIFICATES)
            return
        digests.append(digest)
        digest = entry.facts.parent_digest
    digests.reverse()
    for digest in digests:
        if state.blocks[digest].verdict is Verdict.INVALID:
            # Y4.
            stop_voting(state, StopReason.DIVERGENCE)
            return
        if state.blocks[digest].verdict is None:
            certify_block(state, digest)
            return
    if not digests:
        # The repeated last block: final again in a later view.
        advance_head(state, ViewZero(state.head.facts, state.floor, certificate))
        return
    state.emit(Finalize(tuple(digests), certificate))
    state.is_epoch_over = state.blocks[digests[-1]].last_of_epoch
    advance_head(state, ViewZero(state.blocks[digests[-1]].facts, state.floor, certificate))


def advance_head(state: CoreState, head: ViewZero) -> None:
    """Make a final, executed block the root of everything and forget what it made useless."""
    state.head = head
    state.certified = {view: digest for view, digest in state.certified.items() if view > head.view}
    state.certified[head.view] = head.facts.digest
    state.certified_at.setdefault(head.view, state.now_ms)
    state.certified_at = {view: at for view, at in state.certified_at.items() if view >= head.view}
    state.certificates = {key: known for key, known in state.certificates.items() if key[1] >= head.view}
    oldest = View(max(0, head.view - EVIDENCE_WINDOW_BEHIND))
    state.own = {view: said for view, said in state.own.items() if view > oldest}
    state.own_signed_at = {view: at for view, at in state.own_signed_at.items() if view >= head.view}
    state.acceptable_views = {view for view in state.acceptable_views if view >= head.view}
    state.blocks = {
        digest: entry
        for digest, entry in state.blocks.items()
        if entry.facts.height > head.facts.height and entry.facts.view > head.view
    }
    state.fetching = {digest: None for digest in state.fetching if digest in state.blocks}
    state.certifying = {digest: None for digest in state.certifying if digest in state.blocks}
    state.book.drop_below(oldest)


# Certifying


def certify(state: CoreState, view: View) -> None:
    """Y1–Y4: execute the notarized block of `view`, then finalize and leave the view."""
    if view in state.certified:
        return
    certificate = state.notarization(view) or state.finalization(view)
    if certificate is None:
        return
    digest = certificate.statement.digest
    entry = state.blocks.get(digest)
    if entry is None and digest == state.head.facts.digest:
        _certified(state, view, digest, is_new_block=False)
        return
    if entry is None:
        fetch_block(state, digest, certificate)
        return
    if entry.verdict is None:
        # Y1.
        certify_block(state, digest)
    if entry.verdict is None:
        return
    if entry.verdict is Verdict.INVALID:
        # Y4: at least f + 1 honest validators executed it and disagree with this node.
        stop_voting(state, StopReason.DIVERGENCE)
        return
    _certified(state, view, digest, is_new_block=True)


def _certified(state: CoreState, view: View, digest: Hash32, *, is_new_block: bool) -> None:
    """Y2."""
    state.certified[view] = digest
    state.certified_at[view] = state.now_ms
    certificate = state.notarization(view)
    # Below the floor a finalize is of no use, and the guard refuses it.
    is_open = view > state.floor and state.nullification(view) is None and not state.has_own(view, Kind.NULLIFY)
    if certificate is not None and is_open and state.may_sign_in(view):
        parent_view = certificate.statement.parent_view
        statement = Statement(Kind.FINALIZE, state.validators.epoch, view, parent_view, digest)
        if is_new_block:
            state.persist(VerdictRecord(digest, state.blocks[digest].last_of_epoch), must_sync=False)
        sign(state, statement)
    enter(state, View(view + 1), certificate or state.finalization(view))


def certify_block(state: CoreState, digest: Hash32) -> None:
    """Ask the host to execute a block, its unexecuted ancestors first; fetch what is missing."""
    while True:
        entry = state.blocks.get(digest)
        if entry is None:
            fetch_block(state, digest, None)
            return
        if not entry.has_body:
            fetch_block(state, digest, None)
            return
        if state.is_executed(entry.facts.parent_digest):
            break
        parent = state.blocks.get(entry.facts.parent_digest)
        if parent is not None and parent.verdict is Verdict.INVALID:
            entry.verdict = Verdict.INVALID
            return
        digest = entry.facts.parent_digest
    if entry.verdict is None and digest not in state.certifying:
        state.certifying[digest] = None
        state.emit(Certify(digest))


def block_certified(state: CoreState, digest: Hash32, verdict: Verdict, *, last_of_epoch: bool) -> None:
    """Take a verdict of the host and go on with everything that waited for it."""
    entry = state.blocks.get(digest)
    if entry is None or entry.verdict is not None:
        return
    if verdict is not Verdict.UNKNOWN:
        # Y3: unknown changes nothing; TR asks again.
        entry.verdict = verdict
        entry.last_of_epoch = last_of_epoch
        state.certifying.pop(digest, None)
    retry_waiting(state)


def retry_waiting(state: CoreState) -> None:
    """Try again everything that waits for a header, a body or a verdict, lowest view first."""
    waiting = sorted(view for kind, view in state.certificates if kind is Kind.NOTARIZE and view not in state.certified)
    for view in waiting:
        certify(state, view)
    finalize_chain(state)


# Fetching


def fetch_block(state: CoreState, digest: Hash32, certificate: Certificate | None) -> None:
    """Ask peers for header and body, those first that signed for it."""
    if digest in state.fetching:
        return
    state.fetching[digest] = None
    hints = () if certificate is None else certificate.signers
    state.emit(FetchBlock(digest, hints))


def fetch_certificates(state: CoreState, first: View, last: View) -> None:
    """Ask peers for the certificates of a range of views."""
    if state.fetching_views == (first, last):
        return
    state.fetching_views = (first, last)
    state.emit(FetchCertificates(first, last))


def header_fetched(state: CoreState, facts: HeaderFacts, header: bytes) -> None:
    """Take a header that was missing."""
    is_above = facts.height > state.head.facts.height and facts.view > state.head.view
    if is_above and facts.digest not in state.blocks:
        state.blocks[facts.digest] = BlockEntry(facts, header)
    state.fetching.pop(facts.digest, None)
    retry_waiting(state)


def body_available(state: CoreState, digest: Hash32) -> None:
    """Take the news that a body is whole and in the log."""
    entry = state.blocks.get(digest)
    if entry is not None:
        entry.has_body = True
        state.fetching.pop(digest, None)
        retry_waiting(state)

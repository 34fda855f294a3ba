"""What every arm may do to a view: enter it, sign in it, give it up, stop for good.

Nothing is signed by any other way than `sign`. Labels are those of SPEC.md.
"""

from consensus.primitives.scalars import ZERO_HASH, View
from consensus.simplex.core_state import CoreState
from consensus.simplex.effects import Broadcast, SignAndSend, StopReason, StopVoting, UnsignedProposal
from consensus.simplex.events import TimerKind
from consensus.simplex.messages import Certificate, Kind, Statement
from consensus.simplex.pacing import disarm_timeouts
from consensus.simplex.records import OwnVoteRecord, VotingStoppedRecord
from consensus.simplex.sign_guard import may_sign


def enter(state: CoreState, view: View, entry: Certificate | None) -> None:
    """E1: begin `view` if it is ahead."""
    if view <= state.view:
        return
    disarm_timeouts(state)
    state.set_timer(TimerKind.PROPOSE, None)
    state.view = view
    state.entered_at = state.now_ms
    state.entry = entry
    for old in [held for held in state.held if held < view]:
        del state.held[old]


def sign(state: CoreState, statement: Statement, proposal: UnsignedProposal | None = None) -> bool:
    """Make a statement one's own and have it signed; false if the guard's rules or the resume rule forbid it."""
    view = statement.view
    already = state.own.setdefault(view, [])
    if not state.may_sign_in(view) or not may_sign(already, statement):
        return False
    if statement not in already:
        already.append(statement)
        state.own_signed_at.setdefault(view, state.now_ms)
        state.persist(OwnVoteRecord(statement), must_sync=True)
    state.emit(SignAndSend(statement, proposal))
    return True


def nullify(state: CoreState) -> None:
    """N1: give up on the present view."""
    statement = Statement(Kind.NULLIFY, state.validators.epoch, state.view, View(0), ZERO_HASH)
    if not sign(state, statement):
        return
    if state.entry is not None:
        state.emit(Broadcast(state.entry))


def stop_voting(state: CoreState, reason: StopReason) -> None:
    """L3: sign nothing any more, also after a restart; once."""
    if state.stopped is not None:
        return
    state.stopped = reason
    key = state.own_key
    if key is not None:
        state.persist(VotingStoppedRecord(key, reason), must_sync=True)
    state.emit(StopVoting(reason))

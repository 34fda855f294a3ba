"""When something is due, and which timers run. It decides only when a vote is sent, never which may be.

Labels are those of SPEC.md.
"""

from consensus.primitives.scalars import ValidatorIndex, View
from consensus.simplex.core_state import CoreState
from consensus.simplex.events import TimerKind
from consensus.simplex.messages import Kind
from consensus.simplex.parameters import (
    BACKOFF_THOUSANDTHS,
    CARRY_LAG_FACTOR,
    INACTIVE_LINK_MS,
    INACTIVE_VIEWS_MAX,
    RESEND_MS,
    VOTE_WINDOW_AHEAD,
)


def due_at(state: CoreState) -> int | None:
    """Return when the leader of the present view owes a block: the earliest of D1 to D4, or None."""
    parameters = state.parameters
    instants: list[int] = []
    tip = state.tip()
    tip_digest = state.certified.get(tip)
    # D1: a transaction waits, and something may still be built in this epoch.
    if state.is_pending and not (tip_digest is not None and state.is_last_of_epoch(tip_digest)):
        instants.append(max(state.pending_since, state.entered_at))
    # D2: the tip is certified but not final; its finality must be carried.
    if tip > state.floor:
        instants.append(state.certified_at[tip] + _carry_after_ms(state))
    # D3: the heartbeat, which a tip on its way to be final already is; a chain without any block begins at once.
    elif state.head.facts.height == 0:
        instants.append(state.final_at)
    else:
        instants.append(state.final_at + parameters.empty_block_interval_ms)
    # D4: a proposal of this view is held, or something was signed in it.
    held = state.held.get(state.view)
    if held is not None:
        instants.append(held.received_ms)
    if state.own.get(state.view):
        instants.append(state.own_signed_at.get(state.view, state.entered_at))
    return min(instants, default=None)


def _carry_after_ms(state: CoreState) -> int:
    """Return how long a tip may wait for its own finalization before an empty block carries it (D2).

    On a network slower than 2Δ the finalizations come later than that; without the second term every carrier would be
    carried by the next one, for ever.
    """
    patience_ms = 2 * state.parameters.network_delta_ms
    # In thousandths, as the table is; nothing is lost, its last entry is whole.
    longest_ms = patience_ms * BACKOFF_THOUSANDTHS[-1] // 1_000
    return max(state.backed_off(patience_ms), min(CARRY_LAG_FACTOR * state.final_after_ms, longest_ms))


def is_inactive(state: CoreState, leader: ValidatorIndex) -> bool:
    """Tell whether a leader looks dead: its link is down for long, or it was silent for a whole turn of leaders.

    The turn begins with the view it led last. A live leader has signed that view's proposal, however far away it is;
    so who has said nothing since then is dead, and costs one time-out and no second.
    """
    if leader == state.own_index:
        return False
    activity = state.activity.get(leader)
    if activity is None:
        return False
    if not activity.is_up and state.now_ms - activity.changed_ms >= INACTIVE_LINK_MS:
        return True
    oldest = state.view - min(state.validators.count, INACTIVE_VIEWS_MAX)
    if oldest < max(1, activity.up_in_view):
        return False
    if any(state.book.has_voted(View(view), leader) for view in range(oldest, state.view + VOTE_WINDOW_AHEAD + 1)):
        return False
    # Every view below the present one has ended with a certificate.
    return all(state.book.voter_count(View(view)) >= state.validators.quorum for view in range(oldest, state.view))


def arm_timeouts(state: CoreState, due: int) -> None:
    """Arm TL and TA of the present view (A3). What is armed never moves later while its reason stands."""
    parameters = state.parameters
    start = max(due, state.entered_at)
    if state.armed_from is not None:
        start = min(start, state.armed_from)
    state.armed_from = start
    slack_ms = state.backed_off(2 * parameters.network_delta_ms)
    leader_at = start + parameters.block_interval_min_ms + parameters.build_budget_ms + slack_ms
    advance_at = leader_at + parameters.certify_budget_ms + slack_ms
    state.set_timer(TimerKind.LEADER, None if state.view in state.acceptable_views else leader_at)
    state.set_timer(TimerKind.ADVANCE, advance_at)


def disarm_timeouts(state: CoreState) -> None:
    """Cancel TL and TA."""
    state.armed_from = None
    state.set_timer(TimerKind.LEADER, None)
    state.set_timer(TimerKind.ADVANCE, None)


def arm_resend(state: CoreState, due: int | None) -> None:
    """Keep TR running while something is due, a fetch or a verdict is open or the tip is not final (T2)."""
    is_needed = (
        (due is not None and due <= state.now_ms)
        or bool(state.fetching)
        or bool(state.certifying)
        or state.fetching_views is not None
        or state.tip() > state.floor
        or state.floor > state.head.view
    )
    if not is_needed:
        state.set_timer(TimerKind.RESEND, None)
    elif TimerKind.RESEND not in state.timers:
        state.set_timer(TimerKind.RESEND, state.now_ms + RESEND_MS)


def has_given_up_or_finalized(state: CoreState) -> bool:
    """Tell whether nothing more can be done in the present view but to repeat."""
    return state.has_own(state.view, Kind.NULLIFY) or state.has_own(state.view, Kind.FINALIZE)

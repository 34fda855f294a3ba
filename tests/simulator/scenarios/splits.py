"""Scenarios of validators that saw different things: who gave up, who did not, and how both end on one chain."""

from consensus.simplex.messages import Kind, encode_vote
from network.channels import Channel
from node.runtime.ports import Lane
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.stage import ADVANCE_MS, DELTA_MS, LEADER_MS, MS, PROMPT_MS, Frame, Loses, Stage
from tests.simulator.world import Broken

RESEND_MS = 2_000
"""TR, once more, because what judges the protocol does not ask it."""

LINKED_MS = 3_000
"""Within which nodes that start together are linked."""

HEALED_MS = 2 * RESEND_MS + ADVANCE_MS
"""Within which a healed split goes on: a repetition, the answer to it, and one lost view."""


def hides_notarization(stage: Stage, view: int, *holders: int) -> Loses:
    """Lose everything that shows anybody but `holders` that a view is notarized."""
    return stage.lose(
        lambda frame: (
            frame.receiver not in holders
            and (
                frame.says(Channel.VOTES, Kind.NOTARIZE, view)
                or frame.says(Channel.CERTIFICATES, Kind.NOTARIZE, view)
                or frame.says(Channel.VOTES, Kind.FINALIZE, view)
                or (frame.channel is Channel.PROPOSALS and frame.sender in holders and not _is_of(frame, view))
                or (frame.channel is Channel.REPLIES and frame.sender in holders)
                or (frame.channel is Channel.STATUS and frame.sender in holders)
            )
        )
    )


def _is_of(frame: Frame, view: int) -> bool:
    return frame.statement is not None and frame.statement.view == view


def _has_sent(stage: Stage, channel: Channel, kind: Kind, view: int) -> set[int]:
    """Return who has sent such frames."""
    return {frame.sender for frame in stage.sent(channel, kind, view)}


def certified_split_heals_in_group_leader() -> None:
    """Only the leader and its successor see the notarization; the others give up. The successor builds on it."""
    stage = Stage()
    stage.start()
    view = stage.view
    _split(stage, view, stage.leader(view), stage.leader(view + 1))


def certified_split_heals_lone_holder() -> None:
    """Only one that leads no soon view sees the notarization; a quorum gives up and goes on without it."""
    stage = Stage()
    stage.start()
    view = stage.view
    _split(stage, view, stage.leader(view + 3))


def certified_split_heals_displaced_view() -> None:
    """Only the next leader sees the notarization; its own view ends before anybody hears of it."""
    stage = Stage()
    stage.start()
    view = stage.view
    _split(stage, view, stage.leader(view + 1))


def _split(stage: Stage, view: int, *holders: int) -> None:
    """Show a notarization to some only, wait until the rest gave up, heal, and expect one chain."""
    rule = hides_notarization(stage, view, *holders)
    payment = stage.pay(*stage.others())
    rest = set(stage.others(*holders))
    stage.require(
        "progress",
        lambda: rest <= _has_sent(stage, Channel.VOTES, Kind.NULLIFY, view),
        ADVANCE_MS + 2 * PROMPT_MS,
        "who sees no notarization does not give up",
    )
    if not _has_sent(stage, Channel.VOTES, Kind.FINALIZE, view) <= set(holders):
        raise Broken("no_double_sign", f"somebody beside {holders} finalizes view {view}")
    stage.run(LEADER_MS)
    stage.restore(rule)
    stage.settle(payment, HEALED_MS)
    stage.settle(stage.pay(), HEALED_MS)
    stage.finish()


def nullification_does_not_cancel_certify() -> None:
    """A view that is notarized and nullified: who gave up on it still builds on it, at once."""
    stage = Stage()
    stage.start()
    view = stage.view
    holder = stage.leader(view + 1)
    rule = hides_notarization(stage, view, holder)
    payment = stage.pay(*stage.others())
    stage.require(
        "progress",
        lambda: len(_has_sent(stage, Channel.CERTIFICATES, Kind.NULLIFY, view)) >= 3,
        ADVANCE_MS + 2 * PROMPT_MS,
        "three that gave up make no nullification",
    )
    stage.restore(rule)
    for frame in stage.sent(Channel.PROPOSALS, Kind.NOTARIZE, view + 1):
        stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    stage.settle(payment, PROMPT_MS)
    if stage.view_of(payment) != view or stage.sent(Channel.VOTES, Kind.NULLIFY, view + 1):
        raise Broken("progress", f"a notarized and nullified view {view} was not built on")
    stage.finish()


def no_finalize_after_nullify() -> None:
    """Everybody gives up on a view, and then sees it notarized: nobody finalizes it, an empty block carries it."""
    stage = Stage()
    stage.start()
    view = stage.view
    rule = stage.lose(lambda frame: _is_of(frame, view) and not frame.says(Channel.PROPOSALS))
    payment = stage.pay(*stage.others())
    stage.require(
        "progress",
        lambda: len(_has_sent(stage, Channel.VOTES, Kind.NULLIFY, view)) == stage.count,
        ADVANCE_MS + 2 * PROMPT_MS,
        "nobody gives up without a notarization",
    )
    nullifies = stage.lose(lambda frame: frame.says(Channel.VOTES, Kind.NULLIFY, view))
    stage.restore(rule)
    for frame in stage.sent(Channel.VOTES, Kind.NOTARIZE, view) + stage.sent(Channel.PROPOSALS, Kind.NOTARIZE, view):
        stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    stage.settle(payment, 2 * DELTA_MS + 2 * PROMPT_MS)
    if stage.sent(Channel.VOTES, Kind.FINALIZE, view):
        raise Broken("no_double_sign", f"view {view} was nullified by all and finalized by some")
    stage.restore(nullifies)
    stage.finish()


def all_crash_after_nullify_then_progress() -> None:
    """Three give up, all lose power before anybody hears of it, and the three start: their stored votes suffice."""
    stage = Stage()
    stage.start()
    view = stage.view
    dead = stage.leader(view)
    living = stage.others(dead)
    rule = stage.separate()
    stage.pay(*living)
    stage.require(
        "progress",
        lambda: _has_sent(stage, Channel.VOTES, Kind.NULLIFY, view) == set(living),
        LEADER_MS + PROMPT_MS,
        "who has a payment and no proposal does not give up",
    )
    payment = next(iter(stage.cluster.checkers.submitted.values()))
    for node in stage.nodes:
        node.crash()
    stage.restore(rule)
    for index in living:
        stage.nodes[index].start()
    stage.run(PROMPT_MS)
    stage.nodes[living[0]].submit(payment.raw, lambda _verdict: None)
    stage.settle(payment, LINKED_MS + RESEND_MS + LEADER_MS)
    stage.finish()


def leader_that_restarts_proposes_nothing_else() -> None:
    """A leader loses power after its proposal left: it says the same again in that view, or nothing."""
    stage = Stage()
    stage.start()
    view = stage.view
    leader = stage.leader(view)
    stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS)
    rule = stage.separate(stage.others(leader))
    payment = stage.pay(leader)
    stage.require(
        "progress",
        lambda: bool(stage.sent(Channel.PROPOSALS, Kind.NOTARIZE, view)),
        PROMPT_MS,
        "the leader proposes nothing",
    )
    node = stage.nodes[leader]
    node.crash()
    node.start()
    node.submit(payment.raw, lambda _verdict: None)
    stage.run(LEADER_MS)
    stage.restore()
    del rule
    node.submit(payment.raw, lambda _verdict: None)
    stage.settle(payment, HEARTBEAT_MS + HEALED_MS)
    stage.finish()


def restart_after_finalize_never_nullifies() -> None:
    """A validator that finalized a view and lost its memory is told by the leader to give up: it does not."""
    stage = Stage(byzantine=(0,))
    stage.start()
    view = stage.pay_until_led_by(0)
    rule = stage.lose(lambda frame: frame.says(Channel.VOTES, Kind.FINALIZE, view) or frame.channel is Channel.STATUS)
    payment = stage.pay(1)
    stage.require(
        "progress",
        lambda: {1, 2, 3} <= _has_sent(stage, Channel.VOTES, Kind.FINALIZE, view),
        2 * PROMPT_MS,
        "nobody finalizes",
    )
    others = stage.separate((1,), (0, 2, 3))
    node = stage.nodes[1]
    node.crash()
    # It has not executed the block again when the leader's vote arrives.
    node.delay_us = lambda lane: 5_000 * MS if lane is Lane.EXECUTE else 500
    node.start()
    stage.run(PROMPT_MS)
    stage.require("progress", lambda: stage.is_linked(0, 1), LINKED_MS, "no link comes up")
    stage.restore(others)
    stage.put(0, 1, Channel.VOTES, encode_vote(stage.nullify(0, view)))
    stage.run(ADVANCE_MS)
    node.delay_us = lambda _lane: 500
    stage.restore(rule)
    stage.settle(payment, HEALED_MS, 1, 2, 3)
    stage.finish()


def leader_behind_a_gap_waits_for_certificates() -> None:
    """A leader that knows how the last view ended, and not the one before, asks; it does not build past it."""
    stage = Stage()
    stage.start()
    view = stage.view
    late = stage.leader(view + 2)
    # The late one sees nothing of a view that everybody else certifies, and whose finalization nobody sees yet.
    stage.lose(lambda frame: frame.says(Channel.VOTES, Kind.FINALIZE, view))
    stage.lose(lambda frame: frame.says(Channel.CERTIFICATES, Kind.FINALIZE))
    gap = stage.lose(
        lambda frame: (
            frame.receiver == late
            and (
                frame.channel in (Channel.REPLIES, Channel.STATUS, Channel.PROPOSALS, Channel.CHUNKS)
                or (frame.channel is Channel.CERTIFICATES and not frame.says(Channel.CERTIFICATES, Kind.NULLIFY))
                or (frame.channel is Channel.VOTES and _is_of(frame, view))
            )
        )
    )
    stage.lose(lambda frame: frame.says(Channel.PROPOSALS, Kind.NOTARIZE, view + 1))
    payment = stage.pay(*stage.others())
    stage.run(PROMPT_MS)
    stage.pay(*stage.others())
    stage.require(
        "progress",
        lambda: bool(_has_sent(stage, Channel.CERTIFICATES, Kind.NULLIFY, view + 1)),
        2 * ADVANCE_MS,
        "the view after does not end",
    )
    stage.run(LEADER_MS - 2 * PROMPT_MS)
    stage.restore(gap)
    stage.settle(payment, HEALED_MS + ADVANCE_MS)
    if stage.view_of(payment) != view:
        raise Broken("ancestry", f"the payment of view {view} is in view {stage.view_of(payment)}")
    stage.finish()


def half_of_the_validators_decides_nothing() -> None:
    """Two of four go nowhere, whichever two; together again, all do."""
    stage = Stage()
    stage.start()
    halves = stage.separate((0, 1), (2, 3))
    payments = stage.pay(0, 1, sender=0), stage.pay(2, 3, sender=1)
    stage.run(3 * ADVANCE_MS)
    if any(stage.is_final(payment, node.index) for payment in payments for node in stage.nodes):
        raise Broken("agreement", "two of four made a payment final")
    stage.restore(halves)
    for payment in payments:
        stage.settle(payment, 2 * HEALED_MS)
    stage.finish()


SPLITS = (
    certified_split_heals_in_group_leader,
    certified_split_heals_lone_holder,
    certified_split_heals_displaced_view,
    nullification_does_not_cancel_certify,
    no_finalize_after_nullify,
    all_crash_after_nullify_then_progress,
    leader_that_restarts_proposes_nothing_else,
    restart_after_finalize_never_nullifies,
    leader_behind_a_gap_waits_for_certificates,
    half_of_the_validators_decides_nothing,
)

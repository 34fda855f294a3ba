"""Scenarios of power cuts, outages and late answers: what they cost, and that they cost it once."""

from collections.abc import Sequence

from network.channels import Channel
from node.runtime.ports import Lane
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.stage import ADVANCE_MS, LEADER_MS, MS, PROMPT_MS, SLACK_MS, Stage
from tests.simulator.world import Broken

LOAD_EVERY_MS = 80
"""A payment in every block."""

LOAD_MS = 4_800
"""Four time-outs, and every validator's turn to lead many times over."""

STALL_MS = 400
"""Under load a block is final every 110 ms; nothing but a time-out makes a payment wait longer than this."""

FETCH_MS = 1_500
"""Within which a block that others have is here: two answers of up to a second, of which the first was lost."""

CAUGHT_UP_MS = 1_500
"""Within which sixty blocks come as one range over ways of 50 ms, and not one by one, which takes 6 s."""

REDIAL_MS = 30_000
"""The longest pause between two attempts to link."""

LAST_TIMEOUT_MS = 100 + 300 + 8 * 2 * 400
"""TL at the end of the back-off table."""


def validator_crash_under_load_costs_one_time_out_once() -> None:
    """Whichever validator goes, and whether its links close or only fall silent: one time-out, and no second."""
    for turns_ahead in (0, 3):
        _crash_under_load(4, (turns_ahead,), is_silent=False)
    _crash_under_load(4, (2,), is_silent=True)


def two_crashes_of_seven_under_load_cost_one_time_out_each() -> None:
    """f = 2 validators fall silent at once: two time-outs, and no third."""
    _crash_under_load(7, (1, 4), is_silent=True)


def _crash_under_load(count: int, turns_ahead: Sequence[int], *, is_silent: bool) -> None:
    """Let some validators go while payments come, and count what that costs. Raises: Broken."""
    stage = Stage(count)
    stage.start()
    victims = [stage.leader(stage.view + turns) for turns in turns_ahead]
    entry = stage.others(*victims)[0]
    given: list[int] = []
    for number in range(LOAD_MS // LOAD_EVERY_MS):
        if number == 5:
            if is_silent:
                stage.separate(stage.others(*victims))
            else:
                for victim in victims:
                    stage.nodes[victim].crash()
        given.append(stage.now_ms)
        stage.pay(entry)
        stage.run(LOAD_EVERY_MS)
    stage.run(LEADER_MS + PROMPT_MS)
    # A nonce is a place in the order of payments, so the told blocks give each its instant.
    final_ms = [
        at_us // MS for at_us, index, count in stage.cluster.final_times if index == entry for _ in range(count)
    ]
    if len(final_ms) != len(given):
        raise Broken("progress", f"{len(given) - len(final_ms)} payments are not final; {stage.where()}")
    waits_ms = [final - gave for gave, final in zip(given, final_ms, strict=True)]
    stalls = [wait for before, wait in zip([0, *waits_ms], waits_ms, strict=False) if wait > STALL_MS >= before]
    how = "fall silent" if is_silent else "crash"
    # Two in turn are two time-outs in a row, which is one stall.
    if len(stalls) > len(victims) or max(waits_ms) > len(victims) * LEADER_MS + SLACK_MS:
        raise Broken("progress", f"validators {victims} {how}: payments wait {stalls} ms")


def seen_certificate_still_certifies_block() -> None:
    """A node that sees a block's certificates first fetches and executes the block, and skips no height."""
    stage = Stage()
    stage.start()
    late = stage.leader(stage.view + 3)
    for _ in range(3):
        rule = stage.lose(lambda frame: frame.receiver == late and frame.channel in (Channel.PROPOSALS, Channel.CHUNKS))
        payment = stage.pay(*stage.others(late)[:1])
        stage.settle(payment, FETCH_MS)
        stage.restore(rule)
    stage.finish()


def late_body_delays_every_vote_for_it() -> None:
    """Header, votes and certificates are here, the body is not: no notarize and no finalize until it is."""
    stage = Stage()
    stage.start()
    view = stage.view
    late = stage.leader(view + 3)
    rule = stage.lose(lambda frame: frame.receiver == late and frame.channel in (Channel.CHUNKS, Channel.REPLIES))
    payment = stage.pay(*stage.others(late))
    stage.settle(payment, 2 * PROMPT_MS, *stage.others(late))
    stage.run(5 * PROMPT_MS)
    if any(frame.sender == late for frame in stage.sent(Channel.VOTES, view=view)):
        raise Broken("durable_before_send", f"v{late} votes in view {view} without the body")
    stage.restore(rule)
    stage.settle(payment, HEARTBEAT_MS)
    stage.finish()


def lost_answer_is_asked_for_again() -> None:
    """The answers to a fetch are lost for a while: the fetch goes on by itself."""
    stage = Stage()
    stage.start()
    late = stage.leader(stage.view + 3)
    rules = [
        stage.lose(lambda frame: frame.receiver == late and frame.channel in (Channel.PROPOSALS, Channel.CHUNKS)),
        stage.lose(lambda frame: frame.receiver == late and frame.channel is Channel.REPLIES),
    ]
    payment = stage.pay(*stage.others(late)[:1])
    stage.settle(payment, 2 * PROMPT_MS, *stage.others(late))
    stage.run(2_500)
    stage.restore(*rules)
    stage.settle(payment, HEARTBEAT_MS)
    stage.finish()


def late_parent_costs_no_view() -> None:
    """A proposal whose parent is final and not executed here yet waits for it: that is no reason to give up."""
    stage = Stage()
    stage.start()
    before = len(stage.frames)
    late = stage.leader(stage.view + 3)
    bodies = stage.lose(lambda frame: frame.receiver == late and frame.channel in (Channel.CHUNKS, Channel.REPLIES))
    payments = [stage.pay(*stage.others())]
    stage.settle(payments[0], 2 * PROMPT_MS, *stage.others(late))
    payments.append(stage.pay(*stage.others()))
    stage.run(3 * PROMPT_MS)
    stage.restore(bodies)
    for payment in payments:
        stage.settle(payment, FETCH_MS)
    stage.require_no_nullify(before, "a late parent")
    stage.finish()


def rejoin_time_independent_of_outage() -> None:
    """Half of the validators are away for ten seconds or ten minutes: together again they need the same time."""
    took_ms = []
    for outage_ms in (10_000, 600_000):
        stage = Stage()
        stage.start()
        away = stage.others(0, 1)
        for index in away:
            stage.nodes[index].crash()
        payment = stage.pay(0)
        view = stage.view
        stage.run(outage_ms)
        if stage.view != view:
            raise Broken("agreement", f"two of four went from view {view} to {stage.view}")
        for index in away:
            stage.nodes[index].start()
        took_ms.append(stage.settle(payment, REDIAL_MS + ADVANCE_MS))
        stage.finish()
    if max(took_ms) > REDIAL_MS + ADVANCE_MS:
        raise Broken("progress", f"rejoining took {took_ms} ms")


def long_bad_spell_ends_with_it() -> None:
    """After minutes without any proposal time-outs have stopped growing: the next one is no longer than the table."""
    stage = Stage()
    stage.start()
    rule = stage.lose(lambda frame: frame.says(Channel.PROPOSALS))
    payment = stage.pay(0)
    stage.run(180_000)
    stage.restore(rule)
    mute = stage.leader(stage.view)
    stage.lose(lambda frame: frame.sender == mute)
    stage.settle(payment, LAST_TIMEOUT_MS + LEADER_MS, *stage.others(mute))
    stage.finish()


def everybody_restarts_from_what_is_final() -> None:
    """All lose power at once, again and again: nothing final is gone or told twice, and payments go on."""
    stage = Stage()
    stage.start()
    for _ in range(3):
        payment = stage.pay(0)
        stage.settle(payment, 3 * LEADER_MS)
        for node in stage.nodes:
            node.crash()
        stage.cluster.checkers.check_disks((node.index, node.disk) for node in stage.nodes)
        for node in stage.nodes:
            node.start()
        stage.run(PROMPT_MS)
        if not stage.is_final(payment):
            raise Broken("final_stays_final", "a final payment is gone after a power cut")
        stage.run(3_000)
    stage.finish()


def slow_disk_sends_nothing_early() -> None:
    """With syncs of 200 ms votes leave late, and none before it is on disk."""
    stage = Stage()
    for node in stage.nodes:
        node.delay_us = lambda lane: 100 * MS if lane is Lane.WAL else 500
    stage.start()
    for _ in range(stage.count):
        stage.settle(stage.pay(0), 2 * LEADER_MS)
    stage.finish()


def own_vote_that_completes_a_quorum_waits_for_its_sync() -> None:
    """Of three that live the slowest votes last: the certificate with its vote leaves after its own sync."""
    stage = Stage()
    stage.start()
    view = stage.view
    stage.nodes[stage.leader(view - 1)].crash()
    slow = stage.nodes[stage.leader(view + 1)]
    slow.delay_us = lambda lane: 50 * MS if lane in (Lane.WAL, Lane.EXECUTE) else 500
    for _ in range(2 * stage.count):
        stage.settle(stage.pay(stage.leader(view)), 2 * LEADER_MS)
    if not any(frame.sender == slow.index for frame in stage.sent(Channel.CERTIFICATES)):
        raise Broken("progress", "the slowest never completes a quorum")
    stage.finish()


def validator_that_missed_sixty_blocks_catches_up() -> None:
    """Who was down for sixty blocks has them in two answers' time once it is linked, and votes again."""
    stage = Stage()
    stage.start()
    late = stage.leader(stage.view + 3)
    stage.nodes[late].crash()
    entry = stage.others(late)[0]
    for _ in range(60):
        stage.settle(stage.pay(entry), LEADER_MS + SLACK_MS)
    stage.set_latency(50)
    stage.nodes[late].start()
    height = max(stage.cluster.checkers.finals)
    # One that no peer waits to be dialled by is dialled by them, when their back-off is over.
    stage.require("progress", lambda: stage.is_linked(late), REDIAL_MS, "a restarted validator is not linked")
    stage.require("progress", lambda: stage.nodes[late].height >= height, CAUGHT_UP_MS, "a validator is behind")
    stage.set_latency(1)
    before = len(stage.frames)
    for _ in range(stage.count):
        stage.settle(stage.pay(entry), PROMPT_MS + SLACK_MS)
    if not any(frame.sender == late for frame in stage.sent(Channel.PROPOSALS, since=before)):
        raise Broken("progress", f"v{late} has caught up and does not lead")
    stage.finish()


OUTAGES = (
    validator_crash_under_load_costs_one_time_out_once,
    two_crashes_of_seven_under_load_cost_one_time_out_each,
    seen_certificate_still_certifies_block,
    late_body_delays_every_vote_for_it,
    lost_answer_is_asked_for_again,
    late_parent_costs_no_view,
    rejoin_time_independent_of_outage,
    long_bad_spell_ends_with_it,
    everybody_restarts_from_what_is_final,
    slow_disk_sends_nothing_early,
    own_vote_that_completes_a_quorum_waits_for_its_sync,
    validator_that_missed_sixty_blocks_catches_up,
)

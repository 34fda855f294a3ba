"""Scenarios of blocks on demand: what wakes a silent chain, how soon, and what lets it fall silent again."""

from collections.abc import Sequence

from consensus.primitives.hashing import keccak256
from consensus.simplex.messages import Kind, encode_vote
from network.channels import Channel
from node.peers.wire import encode_announcement
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.stage import ADVANCE_MS, DELTA_MS, LEADER_MS, MS, PROMPT_MS, SLACK_MS, Frame, Stage
from tests.simulator.world import Broken


def idle_chain_then_first_payment_is_prompt() -> None:
    """However long nothing happened, time-outs count from the payment and not from the view's beginning."""
    stage = Stage()
    stage.start()
    for idle_ms in (0, HEARTBEAT_MS - 1_000, 5 * HEARTBEAT_MS):
        stage.run(idle_ms)
        before = len(stage.frames)
        stage.settle(stage.pay(), PROMPT_MS, checker="prompt")
        stage.require_no_nullify(before, f"a payment after {idle_ms} ms of silence")
        stage.run(HEARTBEAT_MS // 2)
    stage.finish()


def idle_chain_says_nothing_but_heartbeats() -> None:
    """Between two heartbeats nothing of consensus is sent, and no heartbeat costs a view."""
    stage = Stage()
    stage.start()
    before, height = len(stage.frames), max(stage.cluster.checkers.finals)
    stage.require_silence(HEARTBEAT_MS // 2 - 500, "before the heartbeat")
    stage.run(500 + PROMPT_MS + 400)
    stage.require_silence(HEARTBEAT_MS - 1_000, "between heartbeats")
    stage.run(3 * HEARTBEAT_MS)
    beats = max(stage.cluster.checkers.finals) - height
    if beats not in (4, 5):
        raise Broken("idle_quiet", f"{beats} blocks in {4.5} heartbeats' time")
    stage.require_no_nullify(before, "heartbeats")
    stage.finish()


def no_fork_with_heartbeats() -> None:
    """Heartbeats of two halves, of a majority and its minority, and of all again make one chain."""
    stage = Stage()
    stage.start()
    height = max(stage.cluster.checkers.finals)
    halves = stage.separate((0, 1), (2, 3))
    stage.run(3 * HEARTBEAT_MS)
    if max(stage.cluster.checkers.finals) != height:
        raise Broken("agreement", "half of the validators made a block final")
    stage.restore(halves)
    alone = stage.separate((0, 1, 2), (3,))
    stage.run(3 * HEARTBEAT_MS)
    if max(stage.cluster.checkers.finals) < height + 2:
        raise Broken("progress", f"a majority has no heartbeat; {stage.where()}")
    stage.restore(alone)
    stage.settle(stage.pay(), 5_000)
    stage.finish()


def heartbeat_with_the_next_leader_known_to_be_dead() -> None:
    """Who has been down for three seconds is passed over at once when the heartbeat is due."""
    stage = Stage()
    stage.start()
    stage.settle(stage.pay(), PROMPT_MS)
    stage.nodes[stage.leader(stage.view)].crash()
    _require_heartbeat(stage, at_least_ms=0, at_most_ms=2 * PROMPT_MS)


def heartbeat_with_the_next_leader_not_yet_known_to_be_dead() -> None:
    """A death nobody can have noticed costs the heartbeat one time-out."""
    stage = Stage()
    stage.start()
    stage.run(HEARTBEAT_MS // 2 - 500)
    stage.nodes[stage.leader(stage.view)].crash()
    _require_heartbeat(stage, at_least_ms=LEADER_MS, at_most_ms=LEADER_MS + 2 * PROMPT_MS)


def _require_heartbeat(stage: Stage, *, at_least_ms: int, at_most_ms: int) -> None:
    """Wait for the next block and compare when it comes with when it is due. Raises: Broken."""
    height = max(stage.cluster.checkers.finals)
    due_ms = max(at_us for at_us, _, _ in stage.cluster.final_times) // MS + HEARTBEAT_MS
    left_ms = due_ms - stage.now_ms
    stage.require(
        "progress",
        lambda: all(node.height > height for node in stage.honest),
        left_ms + at_most_ms,
        f"no heartbeat {at_most_ms} ms after it was due",
    )
    if stage.now_ms - due_ms < at_least_ms:
        raise Broken("progress", f"the heartbeat came {stage.now_ms - due_ms} ms after it was due, not {at_least_ms}")
    stage.finish()


def idle_network_with_a_dead_next_leader_settles_within_one_time_out() -> None:
    """The first payment waits for one time-out, those after it for none, though the dead one's turn comes again."""
    stage = Stage()
    stage.start()
    dead = stage.leader(stage.view)
    stage.nodes[dead].crash()
    first = stage.pay()
    stage.settle(first, LEADER_MS + PROMPT_MS + SLACK_MS)
    for _ in range(2 * stage.count):
        stage.settle(stage.pay(), PROMPT_MS + SLACK_MS, checker="prompt")
    if stage.view < stage.view_of(first) + 2 * stage.count:
        raise Broken("progress", "the dead leader's turn did not come again")
    stage.finish()


def payment_that_reaches_one_node_only() -> None:
    """With all gossip dead its holder wakes nobody; heartbeats turn the leaders until it leads."""
    stage = Stage()
    stage.start()
    holder = (stage.leader(stage.view) + 2) % stage.count
    stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS)
    stage.settle(stage.pay(holder), stage.count * (HEARTBEAT_MS + ADVANCE_MS))
    stage.finish()


def payment_to_all_but_the_leader() -> None:
    """A leader that was never told costs one time-out, and its successor has the payment."""
    stage = Stage()
    stage.start()
    leader = stage.leader(stage.view)
    stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS and frame.receiver == leader)
    stage.settle(stage.pay(*stage.others(leader)), LEADER_MS + PROMPT_MS + SLACK_MS)
    stage.finish()


def node_that_learns_just_before_the_others_time_out() -> None:
    """Who hears of a payment late does not make the others wait for a time-out of its own."""
    stage = Stage()
    stage.start()
    dead = stage.leader(stage.view)
    late = stage.leader(stage.view + 2)
    stage.nodes[dead].crash()
    rule = stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS and late in (frame.receiver, frame.sender))
    early = stage.others(dead, late)
    payment = stage.pay(*early)
    stage.run(LEADER_MS - 50)
    stage.restore(rule)
    stage.nodes[late].submit(payment.raw, lambda _verdict: None)
    stage.settle(payment, 50 + PROMPT_MS + SLACK_MS)
    stage.finish()


def transaction_nobody_can_include_lets_the_chain_sleep() -> None:
    """A payment that n blocks with room have left out is still in the pool, and keeps nobody awake."""
    stage = Stage()
    stage.start()
    holder = stage.leader(stage.view - 1)
    # Nobody else has it, and what its holder proposes arrives nowhere.
    stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS)
    stage.lose(lambda frame: frame.sender == holder and frame.channel is Channel.PROPOSALS)
    payment = stage.pay(holder)
    stage.run((stage.count + 2) * (HEARTBEAT_MS + ADVANCE_MS))
    pool = stage.nodes[holder].node
    if stage.is_final(payment, holder) or pool is None or not len(pool.pool):
        raise Broken("exactly_once", "the payment was included, or forgotten")
    before = len(stage.frames)
    stage.run(HEARTBEAT_MS)
    given_up = [
        frame
        for frame in stage.sent(Channel.VOTES, Kind.NULLIFY, since=before)
        if frame.statement is not None and stage.leader(frame.statement.view) != holder
    ]
    if given_up:
        raise Broken("idle_quiet", f"{len(given_up)} nullify votes for a payment that nobody can include")
    stage.finish()


def _keep_finalizes_back(stage: Stage, liar: int) -> None:
    """Let a validator that nullifies everything not finalize too: that would be evidence, and its report a block."""

    def keep_back(frame: Frame) -> Sequence[tuple[Channel, bytes]]:
        is_finalize = frame.statement is not None and frame.statement.kind is Kind.FINALIZE
        return () if is_finalize or frame.channel is Channel.CERTIFICATES else ((frame.channel, frame.payload),)

    stage.act(liar, keep_back)


def nullifiers_on_an_idle_chain_lose_no_view() -> None:
    """f validators that give up on every view wake nobody, and end only the views they lead."""
    stage = Stage(byzantine=(0,))
    stage.start()
    _keep_finalizes_back(stage, 0)
    for _ in range(2 * stage.count):
        view = stage.view
        for receiver in stage.others(0):
            stage.put(0, receiver, Channel.VOTES, encode_vote(stage.nullify(0, view)))
        stage.run(PROMPT_MS)
        if stage.leader(view) == 0:
            continue
        if stage.view != view:
            raise Broken("idle_quiet", f"one nullify of {stage.count} ended view {view}")
        stage.settle(stage.pay(1), PROMPT_MS + SLACK_MS, 1, 2, 3, checker="prompt")
    stage.finish()


def announced_junk_wakes_nobody() -> None:
    """A hash is no payment: whatever a validator announces, nobody proposes and nobody gives up."""
    stage = Stage(byzantine=(0,))
    stage.start()
    stage.lose(lambda frame: frame.sender == 0 and frame.channel is Channel.REPLIES)
    view = stage.view
    for number in range(8):
        junk = encode_announcement([keccak256(bytes((number,)))])
        for receiver in stage.others(0):
            stage.put(0, receiver, Channel.TRANSACTIONS, junk)
        stage.require_silence(200, "announced junk")
    if stage.view != view:
        raise Broken("idle_quiet", f"hashes of nothing ended view {view}")
    stage.finish()


def self_nulling_leader_is_carried_then_silence() -> None:
    """A leader that gives up on its own notarized block: an empty block carries the payment, and nothing carries that.

    No finalization of the first view can form, because two honest validators joined the leader.
    """
    stage = Stage(byzantine=(1,))
    stage.start()
    view = stage.pay_until_led_by(1)
    _keep_finalizes_back(stage, 1)
    joined = stage.others(1)[:2]
    # The votes of the honest wait until the leader's nullify has arrived, and what they answer to it stays unheard.
    rule = stage.lose(lambda frame: frame.channel is Channel.VOTES and frame.sender != 1)
    payment = stage.pay(0)
    stage.require(
        "progress",
        lambda: len({frame.sender for frame in stage.sent(Channel.VOTES, Kind.NOTARIZE, view)}) == 3,
        1_000,
        "the leader's block is not notarized",
    )
    for receiver in joined:
        stage.put(1, receiver, Channel.VOTES, encode_vote(stage.nullify(1, view)))
    stage.run(10)
    stage.restore(rule)
    for frame in stage.sent(Channel.VOTES, Kind.NOTARIZE, view):
        stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    stage.settle(payment, 2 * DELTA_MS + PROMPT_MS + SLACK_MS, *stage.others(1))
    height = max(stage.cluster.checkers.finals)
    stage.run(HEARTBEAT_MS - 1_000)
    if max(stage.cluster.checkers.finals) != height:
        raise Broken("idle_quiet", "the carrier was carried")
    stage.finish()


def delay_around_the_bound_makes_no_chain_of_empty_blocks() -> None:
    """Whatever a way takes, a payment is followed by silence: nobody carries what carries itself."""
    for latency_ms in (DELTA_MS * 9 // 10, DELTA_MS * 11 // 10, DELTA_MS * 23 // 10):
        stage = Stage()
        stage.start()
        stage.set_latency(latency_ms)
        stage.settle(stage.pay(), 12 * latency_ms)
        # The first payment on a network that became slow may still be carried once.
        stage.run(8 * latency_ms)
        stage.settle(stage.pay(), 12 * latency_ms)
        height = max(stage.cluster.checkers.finals)
        stage.run(HEARTBEAT_MS - 1_000)
        if max(stage.cluster.checkers.finals) != height:
            raise Broken("idle_quiet", f"ways of {latency_ms} ms: empty blocks follow a payment")
        stage.finish()


def forty_nullified_views_then_a_proposal() -> None:
    """More skipped views than a proposal can justify: the older certificates are fetched by who lacks them."""
    stage = Stage()
    stage.start()
    view = stage.view
    late = stage.others(0)[-1]
    stage.lose(lambda frame: frame.channel is Channel.PROPOSALS)
    stage.lose(lambda frame: late in (frame.sender, frame.receiver) and frame.channel is not Channel.TRANSACTIONS)
    payment = stage.pay(0)
    stage.require("progress", lambda: stage.view > view + 40, 400_000, "forty views do not end")
    stage.restore()
    stage.settle(payment, 8 * ADVANCE_MS)
    stage.finish()


def fast_clock_slows_nobody_behind_it() -> None:
    """Blocks stamped half a second ahead, and what follows them, are as prompt as any others."""
    stage = Stage(skews_ms=(500, 0, 0, 0))
    stage.start()
    before = len(stage.frames)
    for _ in range(2 * stage.count):
        stage.settle(stage.pay(1), PROMPT_MS + SLACK_MS, checker="prompt")
    stage.require_no_nullify(before, "a clock half a second fast")
    stage.finish()


def far_validator_within_the_bound_still_leads() -> None:
    """A validator whose ways take almost Δ, among neighbours, is late with every vote and not taken for dead."""
    stage = Stage()
    stage.start()
    far = stage.leader(stage.view)
    for near in stage.others(far):
        stage.set_way(far, near, DELTA_MS - 20)
    until_ms = stage.now_ms + 9_000
    while stage.now_ms < until_ms:
        stage.settle(stage.pay(stage.others(far)[0]), 3 * DELTA_MS + SLACK_MS, *stage.others(far))
    proposed = {
        frame.statement.view for frame in stage.sent(Channel.PROPOSALS) if frame.sender == far and frame.statement
    }
    final = {final.view for final in stage.cluster.checkers.finals.values()}
    if len(proposed & final) < 3:
        raise Broken("progress", f"of {len(proposed)} proposals of a far validator {len(proposed & final)} are final")
    stage.finish()


IDLE = (
    idle_chain_then_first_payment_is_prompt,
    idle_chain_says_nothing_but_heartbeats,
    no_fork_with_heartbeats,
    heartbeat_with_the_next_leader_known_to_be_dead,
    heartbeat_with_the_next_leader_not_yet_known_to_be_dead,
    idle_network_with_a_dead_next_leader_settles_within_one_time_out,
    payment_that_reaches_one_node_only,
    payment_to_all_but_the_leader,
    node_that_learns_just_before_the_others_time_out,
    transaction_nobody_can_include_lets_the_chain_sleep,
    nullifiers_on_an_idle_chain_lose_no_view,
    announced_junk_wakes_nobody,
    self_nulling_leader_is_carried_then_silence,
    delay_around_the_bound_makes_no_chain_of_empty_blocks,
    forty_nullified_views_then_a_proposal,
    fast_clock_slows_nobody_behind_it,
    far_validator_within_the_bound_still_leads,
)

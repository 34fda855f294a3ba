"""Scenarios of validators that have forgotten what they signed."""

from collections.abc import Sequence
from dataclasses import replace

from consensus.primitives.scalars import View
from consensus.simplex.messages import MalformedConsensusMessage, decode_status, encode_status, status_statement
from network.channels import Channel
from node.peers.wire import Reply, decode_reply, encode_reply
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.outages import REDIAL_MS
from tests.simulator.scenarios.stage import PROMPT_MS, Frame, Stage
from tests.simulator.world import Broken

FAR_VIEWS = 1 << 40
"""By which a liar's view is ahead of the truth."""

ASKED_MS = 5_000
"""Within which everybody who is up has been asked several times."""

VOTES_AGAIN_MS = 4 * HEARTBEAT_MS
"""Within which a validator that can ask enough others votes again: at once, and two views later."""


def lost_memory_contradicts_nothing() -> None:
    """A leader proposes, nobody hears it, its log and guard are lost: it proposes nothing else in that view."""
    stage = Stage()
    stage.start()
    view = stage.view
    victim = stage.leader(view)
    rule = stage.lose(lambda frame: frame.sender == victim)
    stage.pay(victim)
    stage.require(
        "progress", lambda: bool(stage.sent(Channel.PROPOSALS, view=view)), PROMPT_MS, f"v{victim} proposes nothing"
    )
    _forget(stage, victim)
    stage.restore(rule)
    stage.nodes[victim].start()
    payment = stage.pay(victim, sender=1)
    stage.settle(payment, REDIAL_MS)
    _require_votes_again(stage, victim)
    stage.finish()


def view_without_proof_moves_no_resume_view() -> None:
    """One of those that are asked claims to be far ahead and shows no certificate of it: its answer is none."""
    stage = Stage(7, byzantine=(6,))
    stage.start()
    victim = next(index for index in range(6) if index != stage.leader(stage.view))

    def lies(frame: Frame) -> Sequence[tuple[Channel, bytes]]:
        if frame.channel is not Channel.REPLIES or frame.receiver != victim:
            return ((frame.channel, frame.payload),)
        reply = decode_reply(frame.payload)
        try:
            status = decode_status(reply.payload)
        except MalformedConsensusMessage:
            return ((frame.channel, frame.payload),)
        claimed = replace(status, view=View(status.view + FAR_VIEWS))
        vote = stage.sign(6, status_statement(claimed, claimed.final_epoch))
        content = encode_status(replace(claimed, signature=vote.signature))
        return ((frame.channel, encode_reply(Reply(reply.request_id, content))),)

    stage.act(6, lies)
    # Without this one the liar's answer is the last that is needed.
    absent = next(index for index in range(6) if index != victim)
    stage.nodes[absent].crash()
    _forget(stage, victim)
    stage.nodes[victim].start()
    stage.run(ASKED_MS)
    stage.nodes[absent].start()
    _require_votes_again(stage, victim)
    stage.finish()


def _forget(stage: Stage, index: int) -> None:
    """Let a validator lose its log and its guard."""
    node = stage.nodes[index]
    node.crash()
    node.disk.forget_files()


def _require_votes_again(stage: Stage, index: int) -> None:
    """Pay until a validator has voted. Raises: Broken."""
    before = len(stage.frames)
    stage.require("progress", lambda: stage.is_linked(index), REDIAL_MS, f"v{index} is not linked")
    end_ms = stage.now_ms + VOTES_AGAIN_MS
    while not any(frame.sender == index for frame in stage.sent(Channel.VOTES, since=before)):
        if stage.now_ms >= end_ms:
            raise Broken("progress", f"v{index} does not vote again; {stage.where()}")
        stage.settle(stage.pay(stage.others(index)[0], sender=2), HEARTBEAT_MS)


MEMORY = (lost_memory_contradicts_nothing, view_without_proof_moves_no_resume_view)
"""All of them."""

"""Scenarios of validators that lie, and of numbers, certificates and clocks that nobody may trust."""

from dataclasses import replace

from consensus.primitives.scalars import Epoch, Hash32, Height, View
from consensus.simplex.messages import (
    Kind,
    Statement,
    decode_certificate,
    decode_status,
    encode_certificate,
    encode_status,
    encode_vote,
    status_statement,
)
from network.channels import Channel
from tests.simulator.byzantine import ACTORS
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.stage import ADVANCE_MS, LEADER_MS, MS, PROMPT_MS, Frame, Stage
from tests.simulator.world import Broken

FAR_VIEWS = 200
FETCHES_PER_S_MAX = 16
"""Requests that one far certificate may cause in a second: a block, certificates, a range of blocks, of four tries."""


TELLTALE = (Channel.CERTIFICATES, Channel.EVIDENCE, Channel.TRANSACTIONS)


def conflicting_certificates_are_evidence() -> None:
    """Two of four sign both halves of a fork: whoever meets both certificates stops and names both culprits.

    Each honest validator has seen only one vote of each liar; the certificates prove what the votes could not.
    """
    stage = Stage(byzantine=(0, 1))
    stage.start()
    view = stage.pay_until_led_by(0)
    equivocator = ACTORS["equivocator"](stage.cluster, stage.nodes[0], "equivocator")
    keys = [peer.key for peer in stage.cluster.peers]
    stage.act(0, lambda frame: equivocator.frames(keys[frame.receiver], frame.channel, frame.payload))
    stage.act(1, lambda frame: () if frame.statement is not None else ((frame.channel, frame.payload),))
    # Liars keep to themselves what convicts them.
    stage.lose(lambda frame: frame.sender in (0, 1) and frame.channel in TELLTALE)
    stage.expect_errors()
    between = stage.lose(lambda frame: {frame.sender, frame.receiver} == {2, 3})
    stage.pay(2, 3)
    stage.run(PROMPT_MS)
    shown = {frame.receiver: frame.statement for frame in stage.sent(Channel.PROPOSALS, Kind.NOTARIZE, view)}
    for honest in (2, 3):
        statement = shown[honest]
        assert statement is not None
        stage.put(1, honest, Channel.VOTES, encode_vote(stage.sign(1, statement)))
    stage.require(
        "evidence_complete",
        lambda: len({frame.sender for frame in stage.sent(Channel.CERTIFICATES, Kind.NOTARIZE, view)} & {2, 3}) == 2,
        PROMPT_MS,
        "each half has its notarization",
    )
    if any(stage.printed_by(honest, "evidence") for honest in (2, 3)):
        raise Broken("evidence_complete", "each saw one vote, and yet somebody saw evidence")
    stage.restore(between)
    for frame in stage.sent(Channel.CERTIFICATES, Kind.NOTARIZE, view):
        if {frame.sender, frame.receiver} == {2, 3}:
            stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    stage.run(PROMPT_MS)
    for honest in (2, 3):
        if len(stage.printed_by(honest, "conflicting_certificates")) != 1:
            raise Broken("evidence_complete", f"two certificates of view {view} conflict, v{honest} is silent")
        if len(stage.printed_by(honest, "voting_stopped")) != 1:
            raise Broken("accountability", f"more than f are faulty, and v{honest} goes on")
    first, second = (_certificate_signers(stage, view, honest) for honest in (2, 3))
    if first & second != {0, 1}:
        raise Broken("accountability", f"the certificates name {sorted(first & second)}")
    before = len(stage.frames)
    stage.run(2 * ADVANCE_MS)
    for honest in (2, 3):
        if any(frame.sender == honest for frame in stage.sent(Channel.VOTES, since=before)):
            raise Broken("accountability", f"v{honest} votes after it has stopped")


def _certificate_signers(stage: Stage, view: int, sender: int) -> set[int]:
    frames = stage.sent(Channel.CERTIFICATES, Kind.NOTARIZE, view)
    return set(decode_certificate(next(frame.payload for frame in frames if frame.sender == sender)).signers)


def contradiction_heard_is_accused() -> None:
    """A validator that gives up on a view it finalizes is accused by everybody who hears both."""
    stage = Stage(byzantine=(0,))
    stage.start()
    for _ in range(stage.count):
        view = stage.view
        payment = stage.pay(1)
        stage.settle(payment, LEADER_MS + 2 * PROMPT_MS, 1, 2, 3)
        for receiver in (1, 2, 3):
            stage.put(0, receiver, Channel.VOTES, encode_vote(stage.nullify(0, view)))
        stage.run(PROMPT_MS)
    stage.finish()


def certificate_one_signer_short_is_refused() -> None:
    """A liar adds its own signature to one honest one, where three are needed: nobody believes or passes it on."""
    stage = Stage(byzantine=(0,))
    stage.start()
    stage.pay_until_led_by(1)
    view = stage.view
    # Validator 2 gives up alone: nobody else knows of the payment.
    stage.lose(lambda frame: frame.channel is Channel.TRANSACTIONS)
    stage.pay(2)
    stage.require(
        "progress",
        lambda: any(frame.sender == 2 for frame in stage.sent(Channel.VOTES, Kind.NULLIFY, view)),
        LEADER_MS + PROMPT_MS,
        "a validator with a payment and no proposal does not give up",
    )
    short = stage.certificate(stage.nullify(0, view).statement, (0, 2))
    stage.put(0, 3, Channel.CERTIFICATES, encode_certificate(short))
    stage.run(PROMPT_MS)
    if stage.view != view:
        raise Broken("certificate_soundness", f"two signers of four ended view {view}")
    stage.finish()


def far_view_numbers_bounded() -> None:
    """Votes for views and statuses of heights that nobody has reached fill no memory and stop nobody."""
    stage = Stage(byzantine=(0,))
    stage.start()
    view = stage.view
    digest = Hash32(b"\x07" * 32)
    for step in range(1, FAR_VIEWS):
        far = view + step * step
        statements = (
            Statement(Kind.NOTARIZE, Epoch(0), View(far), View(far - 1), digest),
            Statement(Kind.FINALIZE, Epoch(0), View(far), View(far - 1), digest),
            stage.nullify(0, far).statement,
        )
        for statement in statements:
            for receiver in (1, 2, 3):
                stage.put(0, receiver, Channel.VOTES, encode_vote(stage.sign(0, statement)))
        stage.run(20)
    for node in stage.honest:
        assert node.node is not None
        state = node.node.machine.state
        known = [far for step in range(1, FAR_VIEWS) if state.book.voter_count(View(far := view + step * step)) > 0]
        if any(far > state.view + 10 for far in known) or state.held or len(node.node.tree):
            raise Broken("bounded", f"{node.name} in view {state.view} keeps votes of views {known}")
    stage.settle(stage.pay(1), 2 * LEADER_MS, 1, 2, 3)
    stage.finish()


def status_without_proof_changes_nothing() -> None:
    """A validator that claims a height and a view far ahead is neither believed nor followed."""
    stage = Stage(byzantine=(0,))
    stage.start()

    def boasts(frame: Frame) -> tuple[tuple[Channel, bytes], ...]:
        if frame.channel is not Channel.STATUS:
            return ((frame.channel, frame.payload),)
        status = decode_status(frame.payload)
        boast = replace(status, final_height=Height(10**9), view=View(10**9), entry=None)
        signed = replace(boast, signature=stage.sign(0, status_statement(boast, Epoch(0))).signature)
        return ((frame.channel, encode_status(signed)),)

    stage.act(0, boasts)
    stage.run(HEARTBEAT_MS + ADVANCE_MS)
    before = len(stage.frames)
    for _ in range(2 * stage.count):
        stage.settle(stage.pay(1), 4 * PROMPT_MS, 1, 2, 3, checker="prompt")
        stage.run(2 * PROMPT_MS)
    stage.require_no_nullify(before, "a boast")
    stage.finish()


def one_far_certificate_cannot_amplify_fetches() -> None:
    """One that missed thirty views and sees only the newest certificate asks for what it lacks, not for each view."""
    stage = Stage()
    stage.start()
    late = 3
    away = stage.separate((0, 1, 2))
    for _ in range(30):
        stage.settle(stage.pay(0), LEADER_MS + 4 * PROMPT_MS, 0, 1, 2)
    newest = stage.sent(Channel.CERTIFICATES, Kind.NOTARIZE)[-1]
    stage.restore(away)
    stage.lose(lambda frame: frame.receiver == late)
    before = len(stage.frames)
    stage.put(newest.sender, late, Channel.CERTIFICATES, newest.payload)
    stage.run(3_000)
    asked = [frame for frame in stage.sent(Channel.REQUESTS, since=before) if frame.sender == late]
    if not 0 < len(asked) <= 3 * FETCHES_PER_S_MAX:
        raise Broken("bounded", f"one far certificate made v{late} ask {len(asked)} times in 3 s")
    stage.restore()
    stage.settle(stage.pay(0), HEARTBEAT_MS)
    stage.finish()


def time_never_derived_from_signatures() -> None:
    """A block's time is its leader's clock and nobody else's, whatever the clocks of those who vote for it say."""
    skews_ms = (0, 130, -150, 270)
    stage = Stage(skews_ms=skews_ms)
    stage.start()
    for _ in range(2 * stage.count):
        stage.settle(stage.pay(0), 6 * PROMPT_MS)
        stage.run(500)
    times = {final.height: stage.header_time_ms(final.height) for final in stage.cluster.checkers.finals.values()}
    proposed = {
        int(frame.statement.view): frame for frame in stage.sent(Channel.PROPOSALS) if frame.statement is not None
    }
    for final in list(stage.cluster.checkers.finals.values())[2:]:
        frame = proposed[final.view]
        shown_ms = frame.at_us // MS + skews_ms[frame.sender]
        took_ms = shown_ms - times[final.height]
        if not 0 <= took_ms <= 30:
            raise Broken("time", f"height {final.height} is stamped {took_ms} ms before its leader's clock")
    stage.finish()


def progress_with_f_down_across_stale_proposals() -> None:
    """With f down, proposals of views long over arrive again and again: the living quorum goes on."""
    stage = Stage()
    stage.start()
    stage.nodes[3].crash()
    for _ in range(8):
        stage.settle(stage.pay(0), LEADER_MS + 4 * PROMPT_MS)
        for frame in stage.sent(Channel.PROPOSALS)[-12:]:
            if frame.sender != 3 and frame.receiver != 3:
                stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    # And one that comes while its view is being given up.
    rule = stage.lose(lambda frame: frame.says(Channel.PROPOSALS))
    payment = stage.pay(0)
    view = stage.view
    stage.run(LEADER_MS + PROMPT_MS // 2)
    late = stage.sent(Channel.PROPOSALS, Kind.NOTARIZE, view)
    stage.restore(rule)
    for frame in late:
        if frame.receiver != 3:
            stage.put(frame.sender, frame.receiver, frame.channel, frame.payload)
    stage.settle(payment, 2 * ADVANCE_MS)
    stage.finish()


HOSTILE = (
    conflicting_certificates_are_evidence,
    contradiction_heard_is_accused,
    certificate_one_signer_short_is_refused,
    far_view_numbers_bounded,
    status_without_proof_changes_nothing,
    one_far_certificate_cannot_amplify_fetches,
    time_never_derived_from_signatures,
    progress_with_f_down_across_stale_proposals,
)

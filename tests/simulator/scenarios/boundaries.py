"""Scenarios of the ends of epochs: one boundary for everybody, and nothing of one epoch counts in another."""

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Height
from consensus.simplex.messages import Kind, decode_proposal
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.validators import VALIDATOR_REGISTRY as REGISTRY_CONTRACT
from network.channels import Channel
from tests.simulator.cluster import HEARTBEAT_MS
from tests.simulator.scenarios.splits import HEALED_MS, hides_notarization
from tests.simulator.scenarios.stage import ADVANCE_MS, LEADER_MS, PROMPT_MS, SLACK_MS, Stage
from tests.simulator.world import Broken

EPOCH_BLOCKS = 5
"""The shortest epoch there can be."""


def _pay_up_to(stage: Stage, height: int) -> None:
    """Let payments bring the chain to a height, one in each block. Raises: Broken."""
    while max(stage.cluster.checkers.finals) < height:
        stage.settle(stage.pay(0), LEADER_MS + SLACK_MS)


def _first_of_next_epoch(stage: Stage) -> int:
    """Return the first height of the epoch after the newest one."""
    node = stage.honest[0].node
    assert node is not None
    state = node.chain
    _, first = state.running_epoch()
    return first + EPOCH_BLOCKS


def last_block_half_given_up_is_proposed_again_and_is_one_boundary() -> None:
    """The last block of an epoch is notarized, and some gave up on its view: its header is proposed again."""
    stage = Stage(epoch_blocks=EPOCH_BLOCKS)
    stage.start()
    first = _first_of_next_epoch(stage)
    _pay_up_to(stage, first - 2)
    stage.run(2 * PROMPT_MS)
    epoch, view = stage.epoch, stage.view
    holder = stage.leader(view + 1)
    rule = hides_notarization(stage, view, holder)
    payment = stage.pay(*stage.others())
    stage.require(
        "progress",
        lambda: len({frame.sender for frame in stage.sent(Channel.VOTES, Kind.NULLIFY, view)}) >= 3,
        ADVANCE_MS + 2 * PROMPT_MS,
        "who sees no notarization does not give up",
    )
    before = len(stage.frames)
    stage.restore(rule)
    stage.settle(payment, HEALED_MS)
    stage.require("progress", lambda: _is_in_epoch(stage, epoch + 1), HEALED_MS, "the next epoch does not begin")
    last = stage.cluster.checkers.finals[first - 1]
    repeated = [
        frame
        for frame in stage.sent(Channel.PROPOSALS, since=before)
        if keccak256(decode_proposal(frame.payload).header) == last.block_hash
        and frame.statement is not None
        and frame.statement.view > view
    ]
    if last.view != view or not repeated:
        raise Broken("agreement", f"the last block of view {view} was not proposed again; it is of view {last.view}")
    _pay_up_to(stage, first)
    if {node.chain.running_epoch()[1] for node in stage.honest} != {Height(first)}:
        raise Broken("agreement", "epochs begin at different heights")
    stage.finish()


def _is_in_epoch(stage: Stage, epoch: int) -> bool:
    return all(node.node is not None and node.node.machine.state.validators.epoch == epoch for node in stage.honest)


def everybody_restarts_at_the_boundary() -> None:
    """All lose power right before, at and right after the end of an epoch, and go on in the same epoch."""
    stage = Stage(epoch_blocks=EPOCH_BLOCKS)
    stage.start()
    first = _first_of_next_epoch(stage)
    for height in (first - 2, first - 1, first):
        _pay_up_to(stage, height)
        for node in stage.nodes:
            node.crash()
        for node in stage.nodes:
            node.start()
        stage.run(3_000)
    _pay_up_to(stage, first + 1)
    if {node.chain.running_epoch()[1] for node in stage.honest} != {Height(first)}:
        raise Broken("agreement", "epochs begin at different heights")
    stage.finish()


def validator_that_missed_three_epochs_votes_in_the_fourth() -> None:
    """Who was down while epochs ended learns of each from its last block, in order, and votes in the newest."""
    stage = Stage(epoch_blocks=EPOCH_BLOCKS)
    stage.start()
    late = stage.others(0)[0]
    stage.nodes[late].crash()
    first = _first_of_next_epoch(stage)
    _pay_up_to(stage, first + 2 * EPOCH_BLOCKS)
    stage.nodes[late].start()
    stage.run(PROMPT_MS)
    stage.require(
        "progress", lambda: _is_in_epoch(stage, stage.epoch), 2 * HEARTBEAT_MS, "a validator stays in an old epoch"
    )
    before = len(stage.frames)
    _pay_up_to(stage, max(stage.cluster.checkers.finals) + 3)
    if not any(frame.sender == late for frame in stage.sent(Channel.VOTES, Kind.FINALIZE, since=before)):
        raise Broken("progress", f"v{late} is in epoch {stage.epoch} and does not vote")
    stage.finish()


def remove_validator_keeps_chain() -> None:
    """A dead validator is suspended: after the epoch nobody waits for it, and another may die."""
    stage = Stage(5, epoch_blocks=EPOCH_BLOCKS)
    stage.start()
    dead = stage.others(0)[-1]
    stage.nodes[dead].crash()
    suspend = encode_call(find_function(REGISTRY_CONTRACT, "suspend"), stage.cluster.operators[dead])
    stage.settle(stage.call(stage.cluster.governor, VALIDATOR_REGISTRY, suspend), LEADER_MS + SLACK_MS)
    epoch = stage.epoch
    while stage.epoch == epoch:
        stage.settle(stage.pay(0), LEADER_MS + SLACK_MS)
        stage.run(PROMPT_MS)
    before = len(stage.frames)
    for _ in range(stage.count):
        stage.settle(stage.pay(0), PROMPT_MS + SLACK_MS, checker="prompt")
    stage.require_no_nullify(before, "a validator that is out of the set")
    # Of five with two dead nothing would be final; of four one may be.
    stage.nodes[stage.others(0, dead)[0]].crash()
    for _ in range(stage.count):
        stage.settle(stage.pay(0), LEADER_MS + SLACK_MS)
    # Epochs later it comes back, knows of none of them, and nobody links to it any more.
    stage.nodes[dead].start()
    after = len(stage.frames)
    for _ in range(stage.count):
        stage.settle(stage.pay(0), LEADER_MS + SLACK_MS, 0)
        stage.run(1_000)
    votes = [frame.statement for frame in stage.sent(Channel.VOTES, since=after) if frame.sender == dead]
    if any(vote is not None and vote.epoch > epoch for vote in votes):
        raise Broken("no_double_sign", f"v{dead} votes in an epoch that it is not in")
    stage.finish()


def certificates_of_the_last_epoch_move_nobody() -> None:
    """A nullification of a view is one of its epoch: shown again in the next, it ends nothing there."""
    stage = Stage(epoch_blocks=EPOCH_BLOCKS, byzantine=(0,))
    stage.start()
    first = _first_of_next_epoch(stage)
    # A view without any proposal, so that there is a nullification of a view that the next epoch has not reached.
    while stage.view < 4:
        stage.settle(stage.pay(1), LEADER_MS + SLACK_MS, 1, 2, 3)
    rule = stage.lose(lambda frame: frame.channel is Channel.PROPOSALS)
    payment = stage.pay(1)
    view = stage.view
    stage.require("progress", lambda: stage.view > view, LEADER_MS + SLACK_MS, "a view without a proposal stays")
    stage.restore(rule)
    stage.settle(payment, ADVANCE_MS + SLACK_MS, 1, 2, 3)
    old = stage.sent(Channel.CERTIFICATES, Kind.NULLIFY, view)[0]
    while stage.epoch == 0:
        stage.settle(stage.pay(1), ADVANCE_MS + SLACK_MS, 1, 2, 3)
        stage.run(PROMPT_MS)
    assert max(stage.cluster.checkers.finals) >= first - 1
    before = stage.view
    if before > 2:
        raise Broken("certificate_soundness", f"epoch 1 begins in view {before}, moved there by epoch 0")
    for receiver in stage.others(0):
        stage.put(0, receiver, Channel.CERTIFICATES, old.payload)
    stage.run(PROMPT_MS)
    if stage.view > before:
        raise Broken(
            "certificate_soundness", f"a nullification of view {view} of epoch 0 ended view {before} of epoch 1"
        )
    stage.settle(stage.pay(1), ADVANCE_MS + SLACK_MS, 1, 2, 3)
    stage.finish()


BOUNDARIES = (
    last_block_half_given_up_is_proposed_again_and_is_one_boundary,
    everybody_restarts_at_the_boundary,
    validator_that_missed_three_epochs_votes_in_the_fourth,
    remove_validator_keeps_chain,
    certificates_of_the_last_epoch_move_nobody,
)

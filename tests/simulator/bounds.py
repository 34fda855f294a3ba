"""The checker `bounded`: every queue and cache of a node within the bound that its constant names.

It looks inside, because memory is nothing that leaves a node.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from consensus.simplex.parameters import EVIDENCE_WINDOW_BEHIND, HELD_PROPOSALS_AHEAD, VOTE_WINDOW_AHEAD
from network.channels import Unit
from node.chain.block_tree import BLOCKS_MAX
from node.mempool.admission import UNDER_WAY_MAX
from node.mempool.waiters import WAITERS_MAX
from node.peers.bodies import BODIES_PER_PEER_MAX
from node.peers.requests import FETCHES_MAX, OPEN_REQUESTS_MAX
from node.runtime.inbound import EARLY_BODIES_MAX
from node.runtime.validator_node import ValidatorNode
from tests.simulator.world import Broken

VOTE_KINDS = 3
"""Notarize, nullify, finalize."""


def sizes(node: ValidatorNode) -> Iterator[tuple[str, int, int]]:
    """Yield what is bounded: its name, how much there is, how much there may be."""
    state = node.machine.state
    inside: Any = node
    count = state.validators.count
    window = state.view - state.floor + VOTE_WINDOW_AHEAD + EVIDENCE_WINDOW_BEHIND + 1
    votes: Mapping[Any, Sequence[Any]] = inside.machine.state.book._views
    yield "votes", sum(map(len, votes.values())), count * VOTE_KINDS * window
    yield "held proposals", len(state.held), HELD_PROPOSALS_AHEAD + 1
    yield "block tree", len(node.tree), BLOCKS_MAX
    yield "pool", len(node.pool), node.pool.limits.transactions_max
    yield "pool bytes", inside.pool._bytes, node.pool.limits.bytes_max
    yield "early bodies", len(inside.inbound._early_bodies), EARLY_BODIES_MAX
    yield "fetches", len(inside._requester._fetches), FETCHES_MAX
    yield "open requests", max(inside._requester._open_counts.values(), default=0), OPEN_REQUESTS_MAX
    yield "waiters", len(inside.waiters), WAITERS_MAX
    yield "transactions under way", len(inside.admission._under_way), UNDER_WAY_MAX
    for peer, bodies in inside.inbound._parts.bodies._by_peer.items():
        yield f"unfinished bodies of {peer.hex()[:8]}", len(bodies), BODIES_PER_PEER_MAX


def check_bounds(name: str, node: ValidatorNode, ends: Sequence[Any]) -> None:
    """Look at everything bounded in a node and in its ends of links. Raises: Broken."""
    for what, found, bound in sizes(node):
        if found > bound:
            raise Broken("bounded", f"{name}: {what} {found}, at most {bound}")
    for end in ends:
        for spec, queue in zip(end.owner.node.table, end.session.outbox._queues, strict=True):
            found = len(queue) if spec.queue.unit is Unit.FRAMES else queue.queued_bytes
            # A single frame is always taken by an empty queue.
            if found > spec.queue.limit and len(queue) > 1:
                channel = spec.channel.name.lower()
                raise Broken("bounded", f"{name}: queue of {channel} {found}, at most {spec.queue.limit}")

"""What every actor has: its key, its peers in two halves, its own chance and time, and a place in an honest node.

An actor owns its key, so what it makes up is signed; it never has another's. It sees every frame its node would send,
one peer at a time, and every frame that arrives.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from nacl.signing import SigningKey

from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.messages import (
    Kind,
    SigningDomain,
    Statement,
    Vote,
    decode_vote,
    encode_vote,
    sign_bytes,
)
from network.channels import Channel
from network.transport import PeerKey
from tests.simulator.cluster import CHAIN_ID, Cluster, SimulatedNode
from tests.simulator.taps import Frames
from tests.simulator.world import Callback

CONSENSUS = (Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS, Channel.CHUNKS, Channel.STATUS, Channel.REPLIES)

REST_US = 2_000_000
"""After which an actor that has noticed its own double and stopped voting begins again."""


class Actor:
    """An honest node in everything that a subclass does not change."""

    is_provable: ClassVar[bool] = False
    """Whether what it does must end as evidence against it, once one honest node heard both sides."""
    needs_ledger: ClassVar[bool] = False
    """Whether it means nothing in the small scope."""

    def __init__(self, cluster: Cluster, node: SimulatedNode, name: str) -> None:
        self.cluster = cluster
        self.node = node
        self.name = name
        self.drawn = cluster.world.generator(f"actor/{node.index}/{name}")
        self._key = SigningKey(cluster.consensus_seeds[node.index])
        self.domain = SigningDomain(CHAIN_ID, cluster.genesis.executed.block.block_hash)
        self._places = {peer.key: peer_index for peer_index, peer in enumerate(cluster.peers)}
        self.peers = [peer.key for peer in cluster.peers if peer != node.peer]

    # What a subclass changes

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        """Return what `peer` is sent instead of an honest frame."""
        return ((channel, payload),)

    def takes(self, peer: PeerKey, channel: Channel, payload: bytes) -> bool:
        """Look at a frame that arrives; return whether the node shall not see it."""
        return False

    def started(self) -> None:
        """Begin a life of the node."""

    # What a subclass uses

    def deed(self) -> None:
        """Count what this actor is there for."""
        self.node.deeds[self.name] = self.node.deeds.get(self.name, 0) + 1

    @property
    def index(self) -> ValidatorIndex:
        """The actor's place in the set."""
        return ValidatorIndex(self.node.index)

    @property
    def epoch(self) -> Epoch:
        """The epoch its node is in."""
        assert self.node.node is not None
        return self.node.node.machine.state.validators.epoch

    def signature(self, statement: Statement) -> bytes:
        """Return the actor's signature of anything."""
        return self._key.sign(sign_bytes(self.domain, statement)).signature

    def vote(self, statement: Statement) -> bytes:
        """Return the bytes of the actor's vote."""
        return encode_vote(Vote(statement, self.index, self.signature(statement)))

    def nullify(self, view: View) -> bytes:
        """Return the bytes of the actor's nullify vote."""
        return self.vote(Statement(Kind.NULLIFY, self.epoch, view, View(0), ZERO_HASH))

    def another(self, statement: Statement) -> bytes:
        """Return the bytes of a vote that is equal but for its digest."""
        return self.vote(replace(statement, digest=Hash32(self.drawn.randbytes(32))))

    def is_second_half(self, peer: PeerKey, view: int = 0) -> bool:
        """Tell whether a peer is in the half that is told something else; halves change with the view."""
        return (self._places[peer] + view) % 2 == 1

    def send(self, peer: PeerKey, channel: Channel, payload: bytes, urgency: int = 0) -> None:
        """Send something that no honest node would."""
        if self.node.transport is not None:
            self.node.transport.send_as_is(peer, channel, payload, urgency)

    def send_all(self, channel: Channel, payload: bytes, urgency: int = 0) -> None:
        """Send it to everybody."""
        for peer in self.peers:
            self.send(peer, channel, payload, urgency)

    def later(self, delay_us: int, callback: Callback) -> None:
        """Do something in this life of the node."""
        life = self.node.life

        def happens() -> None:
            if self.node.is_up and self.node.life == life:
                callback()

        self.cluster.world.schedule(self.cluster.world.now_us + delay_us, happens)

    def every(self, mean_us: int, callback: Callback) -> None:
        """Do something again and again in this life of the node."""

        def happens() -> None:
            callback()
            self.every(mean_us, callback)

        self.later(self.drawn.randint(1, 2 * mean_us), happens)


class VoteActor(Actor):
    """Changes votes alone."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.VOTES:
            return ((channel, payload),)
        return [(channel, vote) for vote in self.votes(peer, decode_vote(payload), payload)]

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        """Return the votes that `peer` is sent instead of an honest one."""
        raise NotImplementedError


def cast_actors(node: SimulatedNode, actors: list[Actor]) -> None:
    """Put actors, one after the other, between a node and the others, before it starts."""

    def frames(peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        found: Frames = ((channel, payload),)
        for actor in actors:
            found = [altered for each in found for altered in _altered(actor, peer, *each)]
        return found

    def takes(peer: PeerKey, channel: Channel, payload: bytes) -> bool:
        # Every one of them looks.
        taken = [actor.takes(peer, channel, payload) for actor in actors]
        return any(taken)

    def started() -> None:
        for actor in actors:
            actor.started()
        actors[0].every(REST_US, _restart_if_stopped(node))

    node.alter, node.arrived, node.started = frames, takes, started


def _altered(actor: Actor, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
    try:
        return actor.frames(peer, channel, payload)
    except ValueError:
        # What another behaviour of this actor made up is no message at all.
        return ((channel, payload),)


def _restart_if_stopped(node: SimulatedNode) -> Callable[[], None]:
    def restart() -> None:
        if node.node is not None and node.has_recovered and node.node.machine.stopped is not None:
            node.crash()
            # Having stopped is remembered, where an actor does not want it to be.
            node.forget_votes()
            node.start()

    return restart

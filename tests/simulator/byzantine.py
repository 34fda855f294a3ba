"""Validators that break the protocol, by name. Each is an honest node whose frames are altered on their way out.

An actor owns its key, so what it makes up is signed; it never has another's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from nacl.signing import SigningKey

from consensus.chain.header import decode_header, encode_header
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Hash32, TimestampMs, View
from consensus.simplex.messages import (
    Kind,
    SigningDomain,
    Statement,
    Vote,
    decode_proposal,
    decode_vote,
    encode_proposal,
    encode_vote,
    sign_bytes,
)
from network.channels import Channel
from network.transport import PeerKey
from node.peers.wire import decode_chunk, encode_chunks
from tests.simulator.cluster import CHAIN_ID, Cluster, SimulatedNode
from tests.simulator.taps import Alter

Frames = Sequence[tuple[Channel, bytes]]

CONSENSUS = (Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS, Channel.CHUNKS, Channel.STATUS, Channel.REPLIES)


class _Actor:
    """What every actor has: its key, and its peers in two halves."""

    def __init__(self, cluster: Cluster, node: SimulatedNode) -> None:
        self._key = SigningKey(cluster.consensus_seeds[node.index])
        self._domain = SigningDomain(CHAIN_ID, cluster.genesis.executed.block.block_hash)
        self._places = {peer.key: peer_index for peer_index, peer in enumerate(cluster.peers)}

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        """Return what `peer` is sent instead of an honest frame."""
        raise NotImplementedError

    def _sign(self, vote: Vote, statement: Statement) -> Vote:
        return Vote(statement, vote.signer, self._key.sign(sign_bytes(self._domain, statement)).signature)

    def _nullify(self, vote: Vote) -> Vote:
        statement = vote.statement
        return self._sign(vote, Statement(Kind.NULLIFY, statement.epoch, statement.view, View(0), ZERO_HASH))

    def _is_second_half(self, peer: PeerKey, view: int = 0) -> bool:
        return (self._places[peer] + view) % 2 == 1


class Silent(_Actor):
    """Says nothing of consensus."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        return () if channel in CONSENSUS else ((channel, payload),)


class NullifyOnly(_Actor):
    """Gives up on every view, whatever it sees."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel in (Channel.PROPOSALS, Channel.CHUNKS):
            return ()
        if channel is Channel.VOTES:
            return ((channel, encode_vote(self._nullify(decode_vote(payload)))),)
        return ((channel, payload),)


class BodyWithholder(_Actor):
    """Proposes headers and gives nobody the body."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        return () if channel in (Channel.CHUNKS, Channel.REPLIES) else ((channel, payload),)


class VoteSplitter(_Actor):
    """Sends what it signs to one half of its peers only, another half in the next view."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is Channel.VOTES and self._is_second_half(peer, decode_vote(payload).statement.view):
            return ()
        if channel is Channel.PROPOSALS and self._is_second_half(peer, decode_proposal(payload).vote.statement.view):
            return ()
        return ((channel, payload),)


class Contradictor(_Actor):
    """Gives up on every view it votes in, to one half of its peers."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.VOTES or not self._is_second_half(peer):
            return ((channel, payload),)
        vote = decode_vote(payload)
        return ((channel, payload), (channel, encode_vote(self._nullify(vote))))


class Equivocator(_Actor):
    """Proposes one block to one half of its peers and its twin, a millisecond later, to the other."""

    def __init__(self, cluster: Cluster, node: SimulatedNode) -> None:
        super().__init__(cluster, node)
        self._bodies: dict[Hash32, dict[int, bytes]] = {}
        self._twins: dict[Hash32, Vote] = {}

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is Channel.CHUNKS:
            chunk = decode_chunk(payload)
            self._bodies.setdefault(chunk.digest, {})[chunk.index] = chunk.content
        if not self._is_second_half(peer):
            return ((channel, payload),)
        if channel is Channel.PROPOSALS:
            return self._twin_proposal(payload)
        if channel is Channel.VOTES:
            twin = self._twins.get(decode_vote(payload).statement.digest)
            return ((channel, payload if twin is None else encode_vote(twin)),)
        return ((channel, payload),)

    def _twin_proposal(self, payload: bytes) -> Frames:
        proposal = decode_proposal(payload)
        digest = proposal.vote.statement.digest
        header = decode_header(proposal.header)
        twin_header = encode_header(replace(header, timestamp_ms=TimestampMs(header.timestamp_ms + 1)))
        twin_digest = keccak256(twin_header)
        twin_vote = self._sign(proposal.vote, replace(proposal.vote.statement, digest=twin_digest))
        self._twins[digest] = twin_vote
        parts = self._bodies.get(digest, {})
        body = b"".join([parts[index] for index in sorted(parts)])
        chunks = [(Channel.CHUNKS, chunk) for chunk in encode_chunks(twin_digest, body)]
        twin = encode_proposal(replace(proposal, vote=twin_vote, header=twin_header))
        return (*chunks, (Channel.PROPOSALS, twin))


ACTORS: Mapping[str, Callable[[Cluster, SimulatedNode], _Actor]] = {
    "silent": Silent,
    "nullify_only": NullifyOnly,
    "body_withholder": BodyWithholder,
    "vote_splitter": VoteSplitter,
    "contradictor": Contradictor,
    "equivocator": Equivocator,
}


def draw_actors(drawn: Random, validators: int, *, wanted: str | None = None, scope: str = "node") -> dict[int, str]:
    """Return which validators misbehave and how: none in two seeds of three, never more than f."""
    # f; the remainder of the division is margin.
    faulty_max = (validators - 1) // 3
    count = 0 if drawn.randrange(3) else drawn.randint(0, faulty_max)
    if wanted is not None:
        count = min(1, faulty_max)
    names = sorted(ACTORS)
    return {index: wanted or drawn.choice(names) for index in sorted(drawn.sample(range(validators), count))}


def cast(cluster: Cluster, actors: Mapping[int, str]) -> None:
    """Turn nodes into actors, before they start."""
    for index, name in actors.items():
        node = cluster.nodes[index]
        alter: Alter = ACTORS[name](cluster, node).frames
        node.alter = alter

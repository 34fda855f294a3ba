"""Actors that lie in their votes and certificates."""

from dataclasses import replace

from consensus.primitives.scalars import Epoch, Hash32, ValidatorIndex, View
from consensus.simplex.messages import (
    Certificate,
    Kind,
    Statement,
    Vote,
    decode_certificate,
    decode_proposal,
    decode_vote,
    encode_certificate,
    encode_vote,
)
from consensus.simplex.parameters import VOTE_WINDOW_AHEAD
from network.channels import Channel
from network.transport import PeerKey
from tests.simulator.byzantine.actor import CONSENSUS, Actor, VoteActor
from tests.simulator.taps import Frames

FLOOD_EVERY_US = 50_000
"""Mean time between two made-up messages of an actor that floods: within the quota of its channel."""


class Silent(Actor):
    """Says nothing of consensus."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel not in CONSENSUS:
            return ((channel, payload),)
        self.deed()
        return ()


class Sleeper(Silent):
    """Says nothing of consensus until the faults have ended, and has votes of old views to send then."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        return super().frames(peer, channel, payload) if self.cluster.is_safety else ((channel, payload),)


class NullifyOnly(Actor):
    """Gives up on every view at once, whatever it sees, and never votes for a block."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel in (Channel.PROPOSALS, Channel.CHUNKS):
            return ()
        if channel is Channel.VOTES:
            self.deed()
            return ((channel, self.nullify(decode_vote(payload).statement.view)),)
        return ((channel, payload),)


class VoteSplitter(Actor):
    """Sends what it signs to one half of its peers only, another half in the next view."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is Channel.VOTES:
            view = decode_vote(payload).statement.view
        elif channel is Channel.PROPOSALS:
            view = decode_proposal(payload).vote.statement.view
        else:
            return ((channel, payload),)
        if not self.is_second_half(peer, view):
            return ((channel, payload),)
        self.deed()
        return ()


class Nuller(VoteActor):
    """Gives up on every view it votes in, finalize votes too, to one half of its peers."""

    is_provable = True

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        if not self.is_second_half(peer):
            return [payload]
        self.deed()
        return [payload, self.nullify(vote.statement.view)]


class Conflicter(VoteActor):
    """Notarizes and finalizes two digests of one view."""

    is_provable = True

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        if vote.statement.kind is Kind.NULLIFY:
            return [payload]
        self.deed()
        return [payload, self.another(vote.statement)]


class DoubleNotarizer(VoteActor):
    """Votes notarize for every digest it sees, those of other views too."""

    is_provable = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same three as every actor
        self._seen: dict[Hash32, None] = {}

    def takes(self, peer: PeerKey, channel: Channel, payload: bytes) -> bool:
        if channel is Channel.PROPOSALS:
            try:
                self._seen[decode_proposal(payload).vote.statement.digest] = None
            except ValueError:
                return False
        return False

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        statement = vote.statement
        if statement.kind is not Kind.NOTARIZE:
            return [payload]
        others = [digest for digest in [*self._seen][-3:] if digest != statement.digest]
        if others:
            self.deed()
        return [payload, *(self.vote(replace(statement, digest=digest)) for digest in others)]


class SelfNuller(Actor):
    """As leader proposes, waits for the notarization, then gives up on its own view and never finalizes it."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.VOTES:
            return ((channel, payload),)
        statement = decode_vote(payload).statement
        assert self.node.node is not None
        leader = self.node.node.machine.validators.leader(statement.view)
        if statement.kind is not Kind.FINALIZE or leader != self.index:
            return ((channel, payload),)
        self.deed()
        return ((channel, self.nullify(statement.view)),)


class Impersonator(VoteActor):
    """Signs with its key under another validator's index."""

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        if self.drawn.randrange(8):
            return [payload]
        self.deed()
        count = len(self.cluster.nodes)
        other = ValidatorIndex((self.index + 1 + self.drawn.randrange(count - 1)) % count)
        return [encode_vote(replace(vote, signer=other))]


class Forger(Actor):
    """Broken signatures; certificates one signer short, with one signer twice, or with a bitmap longer than the set."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel not in (Channel.VOTES, Channel.CERTIFICATES) or self.drawn.randrange(8):
            return ((channel, payload),)
        self.deed()
        if channel is Channel.VOTES:
            return ((channel, payload[:-1] + bytes((payload[-1] ^ 1,))),)
        return ((channel, encode_certificate(self._forged(decode_certificate(payload)))),)

    def _forged(self, certificate: Certificate) -> Certificate:
        signers, signatures = certificate.signers, certificate.signatures
        way = self.drawn.randrange(4)
        if way == 0:
            return replace(certificate, bitmap=_bitmap(signers[1:], len(certificate.bitmap)), signatures=signatures[1:])
        if way == 1:
            return replace(certificate, signatures=(signatures[0], *signatures[:-1]))
        if way == 2:
            return replace(certificate, bitmap=certificate.bitmap + b"\x00")
        statement = replace(certificate.statement, view=View(certificate.statement.view + 1))
        return replace(certificate, statement=statement)


class Outdated(Actor):
    """Votes for long-past views, to be answered again and again."""

    def started(self) -> None:
        self.every(FLOOD_EVERY_US, self._speak)

    def _speak(self) -> None:
        view = self.node.view
        if view > 1:
            self.deed()
            self.send_all(Channel.VOTES, self.nullify(View(self.drawn.randint(1, view - 1))))


class FarFuture(Actor):
    """Votes for views and epochs far ahead, to fill memory."""

    def started(self) -> None:
        self.every(FLOOD_EVERY_US, self._speak)

    def _speak(self) -> None:
        view = self.node.view
        if not view:
            return
        self.deed()
        ahead = self.drawn.choice((1, VOTE_WINDOW_AHEAD, VOTE_WINDOW_AHEAD + 1, 10_000, 2**62))
        epoch = Epoch(self.epoch + self.drawn.choice((0, 0, 1, 2**62)))
        kind = self.drawn.choice((Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE))
        digest = Hash32(bytes(32) if kind is Kind.NULLIFY else self.drawn.randbytes(32))
        self.send_all(Channel.VOTES, self.vote(Statement(kind, epoch, View(view + ahead), View(0), digest)))


class Reconfigurer(VoteActor):
    """Sends the next epoch's messages before the boundary is final, and the last epoch's after it."""

    def votes(self, peer: PeerKey, vote: Vote, payload: bytes) -> list[bytes]:
        epoch = vote.statement.epoch
        others = [Epoch(epoch + 1)] if epoch == 0 else [Epoch(epoch + 1), Epoch(epoch - 1)]
        self.deed()
        return [payload, *(self.vote(replace(vote.statement, epoch=other)) for other in others)]


class CertificateWithholder(Actor):
    """Assembles certificates and shows them to one peer, late."""

    LATE_US = 1_500_000

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.CERTIFICATES:
            return ((channel, payload),)
        self.deed()
        if peer == self.peers[0]:
            self.later(self.LATE_US, lambda: self.send(peer, channel, payload))
        return ()


def _bitmap(signers: tuple[ValidatorIndex, ...], bitmap_bytes: int) -> bytes:
    bitmap = bytearray(bitmap_bytes)
    for signer in signers:
        bitmap[signer >> 3] |= 1 << (signer & 7)
    return bytes(bitmap)

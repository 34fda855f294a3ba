"""The mesh as the node's own parts see it: validators by index, channels by purpose."""

from collections.abc import Sequence

from consensus.primitives.scalars import ValidatorIndex, View
from consensus.simplex.messages import (
    Certificate,
    Proposal,
    Vote,
    encode_certificate,
    encode_proposal,
    encode_vote,
)
from consensus.simplex.validators import ValidatorSet
from network.channels import Channel
from network.transport import PeerKey, Transport


class ValidatorMesh:
    """Owned by the loop thread."""

    def __init__(self, transport: Transport, validators: ValidatorSet) -> None:
        self._transport = transport
        self._linked: list[PeerKey] = []
        self.set_validators(validators)

    def set_validators(self, validators: ValidatorSet) -> None:
        """Number the peers by another set; links stay as they are."""
        self._keys = [PeerKey(validator.tls_key) for validator in validators.validators]
        self._indexes = {validator.tls_key: index for index, validator in enumerate(validators.validators)}

    def index_of(self, peer: bytes) -> ValidatorIndex | None:
        """Return the validator behind a TLS key; None for a peer that is not in the set."""
        index = self._indexes.get(peer)
        return None if index is None else ValidatorIndex(index)

    def link_up(self, peer: bytes) -> None:
        """Note a link."""
        self._linked = sorted({*self._linked, PeerKey(peer)})

    def link_down(self, peer: bytes) -> None:
        """Note that a link is gone."""
        self._linked = [key for key in self._linked if key != peer]

    def peers(self) -> Sequence[bytes]:
        """Return the TLS keys of the linked peers in ascending order."""
        return self._linked

    def key_of(self, index: ValidatorIndex) -> bytes:
        """Return the TLS key of a validator."""
        return self._keys[index]

    def keys_of(self, indexes: Sequence[ValidatorIndex]) -> list[bytes]:
        """Return the TLS keys of validators, leaving out indexes that only another epoch's set has."""
        return [self._keys[index] for index in indexes if index < len(self._keys)]

    def send_request(self, peer: bytes, payload: bytes) -> bool:
        """Queue a request; false if it was refused."""
        return self._transport.send(PeerKey(peer), Channel.REQUESTS, payload, 0)

    def send_reply(self, peer: bytes, payload: bytes) -> bool:
        """Queue a reply; false if it was refused, and the peer will ask again."""
        return self._transport.send(PeerKey(peer), Channel.REPLIES, payload, 0)

    def broadcast_transactions(self, payload: bytes) -> None:
        """Queue transactions or an announcement for everybody."""
        self._transport.broadcast(Channel.TRANSACTIONS, payload, 0)

    def broadcast_evidence(self, payload: bytes) -> None:
        """Queue a contradiction for everybody."""
        self._transport.broadcast(Channel.EVIDENCE, payload, 0)

    def broadcast_vote(self, vote: Vote) -> None:
        """Queue a vote for everybody."""
        self._transport.broadcast(Channel.VOTES, encode_vote(vote), vote.statement.view)

    def broadcast_certificate(self, certificate: Certificate) -> None:
        """Queue a certificate for everybody."""
        self._transport.broadcast(Channel.CERTIFICATES, encode_certificate(certificate), certificate.statement.view)

    def send_certificate(self, to: bytes, certificate: Certificate) -> None:
        """Queue a certificate for one peer."""
        self._transport.send(
            PeerKey(to), Channel.CERTIFICATES, encode_certificate(certificate), certificate.statement.view
        )

    def broadcast_proposal(self, proposal: Proposal) -> None:
        """Queue a proposal for everybody."""
        view = proposal.vote.statement.view
        self._transport.broadcast(Channel.PROPOSALS, encode_proposal(proposal), view)

    def broadcast_chunks(self, chunks: Sequence[bytes], view: View) -> None:
        """Queue the chunks of a body for everybody."""
        for chunk in chunks:
            self._transport.broadcast(Channel.CHUNKS, chunk, view)

    def broadcast_status(self, payload: bytes, view: View) -> None:
        """Queue a status for everybody."""
        self._transport.broadcast(Channel.STATUS, payload, view)

    def misbehaved(self, peer: bytes, reason: str) -> None:
        """Close the link to a peer that did what no honest peer does."""
        self._transport.report_misbehaviour(PeerKey(peer), reason)

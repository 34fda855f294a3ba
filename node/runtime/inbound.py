"""What peers send, channel by channel: decoded, admitted, and handed to the part that wants it.

Bytes that no honest peer sends cost the sender its link; everything else is used or dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.chain.header import decode_header
from consensus.primitives.scalars import Epoch, Hash32, Height, View
from consensus.simplex.admission import Admission, Misbehaviour
from consensus.simplex.events import (
    BodyAvailable,
    CertificateReceived,
    Event,
    HeaderFetched,
    PeerStatus,
    ProposalReceived,
    VoteReceived,
)
from consensus.simplex.machine import Machine
from consensus.simplex.messages import SigningDomain, Status, decode_certificate, encode_certificate
from consensus.simplex.parameters import ANSWER_EVERY_MS
from network.channels import Channel
from network.errors import LinkError
from network.hello import Hello
from network.transport import PeerIdentity
from node.chain.block_tree import BlockTree, TreeBlock, WrongBody
from node.chain.header_facts import facts_of
from node.chain.store import ChainStore
from node.observe.logs import EventLog
from node.peers.block_fetch import answer_body_request
from node.peers.bodies import BodyAssembler
from node.peers.gossip import TransactionGossip
from node.peers.mesh import ValidatorMesh
from node.peers.peer_status import PeerStatuses, read_status
from node.peers.requests import Requester
from node.peers.sync import BlockSync, answer_block_request
from node.peers.wire import (
    CERTIFICATES_MAX,
    MalformedMessage,
    Reply,
    Request,
    RequestKind,
    decode_chunk,
    decode_nonce,
    decode_range_query,
    decode_reply,
    decode_request,
    encode_certificates,
    encode_reply,
)
from node.runtime.durability import WalAndGuard
from node.runtime.epochs import Epochs
from node.runtime.ports import Clock

EARLY_BODIES_MAX = 8
"""Bodies that arrived before their proposal, from all peers; the oldest makes room and is pulled later."""


EARLY_FRAMES_MAX = 64
"""Frames of the next epoch kept per peer until this node is there: a peer sends a few before its own view times out."""

_EPOCH_CHANNELS = (Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS)
"""Channels whose payloads begin with kind u8 ‖ epoch u64."""


@dataclass(frozen=True, slots=True)
class InboundParts:
    """Everything a frame may be handed to."""

    machine: Machine
    admission: Admission
    domain: SigningDomain
    mesh: ValidatorMesh
    tree: BlockTree
    store: ChainStore
    epochs: Epochs
    bodies: BodyAssembler
    gossip: TransactionGossip
    requester: Requester
    statuses: PeerStatuses
    sync: BlockSync
    durability: WalAndGuard
    clock: Clock
    log: EventLog
    post: Callable[[Event], None]
    greet: Callable[[bytes], None]
    """Called with a peer's key when its link is up: send it this node's status."""
    make_status: Callable[[bytes], bytes]
    """Returns this node's signed status for a nonce; empty for a node that is no validator."""


class Inbound:
    """The node's `TransportListener`. Owned by the loop thread."""

    def __init__(self, parts: InboundParts) -> None:
        self._parts = parts
        self._early_bodies: dict[Hash32, tuple[bytes, bytes]] = {}
        self._early_frames: dict[bytes, list[tuple[PeerIdentity, Channel, bytes]]] = {}
        self._helped_at: dict[bytes, int] = {}
        self._handlers: dict[Channel, Callable[[bytes, bytes], None]] = {
            Channel.VOTES: self._vote,
            Channel.CERTIFICATES: self._certificate,
            Channel.PROPOSALS: self._proposal,
            Channel.CHUNKS: self._chunk,
            Channel.STATUS: self._status,
            Channel.TRANSACTIONS: parts.gossip.received,
            Channel.REQUESTS: self._request,
            Channel.REPLIES: self._reply,
        }

    # What the mesh reports

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        """Note a link and tell the machine."""
        parts = self._parts
        parts.mesh.link_up(peer.key)
        parts.log.info("link_up", peer=peer.name, version=hello.software_version, final_height=hello.final_height)
        index = parts.mesh.index_of(peer.key)
        if index is not None:
            parts.post(PeerStatus(index, is_up=True))
        parts.greet(peer.key)

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        """Forget what was open with a peer and tell the machine."""
        parts = self._parts
        parts.mesh.link_down(peer.key)
        parts.log.warn("link_down", peer=peer.name, reason=str(reason))
        parts.requester.link_down(peer.key)
        parts.bodies.link_down(peer.key)
        parts.statuses.link_down(peer.key)
        parts.sync.link_down(peer.key)
        self._early_frames.pop(peer.key, None)
        index = parts.mesh.index_of(peer.key)
        if index is not None:
            parts.post(PeerStatus(index, is_up=False))

    def link_refused(self, place: str, reason: LinkError) -> None:
        """Say once why a link does not come up."""
        self._parts.log.warn("link_refused", peer=place, reason=str(reason))

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        """Hand a frame to its channel's handler; malformed bytes cost the link."""
        handler = self._handlers.get(channel)
        if handler is None or (channel in _EPOCH_CHANNELS and not self._is_of_this_epoch(peer, channel, payload)):
            return
        try:
            handler(peer.key, payload)
        except (MalformedMessage, Misbehaviour, WrongBody) as error:
            self._parts.log.warn("misbehaviour", peer=peer.name, channel=channel.name.lower(), reason=str(error))
            self._parts.mesh.misbehaved(peer.key, str(error))

    def epoch_began(self) -> None:
        """Examine what peers that were faster sent of the epoch that begins."""
        frames, self._early_frames = self._early_frames, {}
        for of_peer in frames.values():
            for peer, channel, payload in of_peer:
                self.frame_received(peer, channel, payload)

    def _is_of_this_epoch(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> bool:
        """Tell whether a consensus frame is for the machine now: keep early ones, answer late ones."""
        epoch, running = int.from_bytes(payload[1:9], "big"), self._parts.machine.validators.epoch
        if epoch == running + 1:
            kept = self._early_frames.setdefault(peer.key, [])
            if len(kept) < EARLY_FRAMES_MAX:
                kept.append((peer, channel, payload))
        elif epoch < running:
            self._help_into_next_epoch(peer.key, Epoch(epoch))
        return epoch == running

    # Consensus

    def _vote(self, _peer: bytes, payload: bytes) -> None:
        vote = self._parts.admission.admit_vote(payload)
        if vote is not None:
            self._parts.post(VoteReceived(vote))

    def _certificate(self, _peer: bytes, payload: bytes) -> None:
        certificate = self._parts.admission.admit_certificate(payload)
        if certificate is not None:
            self._parts.post(CertificateReceived(certificate))

    def _proposal(self, _peer: bytes, payload: bytes) -> None:
        parts = self._parts
        admitted = parts.admission.admit_proposal(payload)
        if admitted is None:
            # Too late to be voted for, not too late to contradict what its leader said before.
            vote = parts.admission.admit_vote_of_proposal(payload)
            if vote is not None:
                parts.post(VoteReceived(vote))
            return
        proposal, facts = admitted
        header_rlp = proposal.value.header
        parts.tree.add_header(facts.digest, decode_header(header_rlp), header_rlp)
        parts.post(ProposalReceived(proposal, facts))
        early = self._early_bodies.pop(facts.digest, None)
        if early is not None:
            sender, body = early
            self._body_arrived(sender, facts.digest, body)

    def _chunk(self, peer: bytes, payload: bytes) -> None:
        chunk = decode_chunk(payload)
        block = self._parts.tree.get(chunk.digest)
        if block is not None and block.body is not None:
            return
        body = self._parts.bodies.chunk_received(peer, chunk)
        if body is None:
            return
        if block is None:
            if len(self._early_bodies) >= EARLY_BODIES_MAX:
                del self._early_bodies[next(iter(self._early_bodies))]
            self._early_bodies[chunk.digest] = (peer, body)
            return
        self._body_arrived(peer, chunk.digest, body)

    def _body_arrived(self, sender: bytes, digest: Hash32, body: bytes) -> None:
        try:
            block = self._parts.tree.add_body(digest, body)
        except WrongBody as error:
            # The body may be early, so its sender need not be the one whose frame is being handled.
            self._parts.mesh.misbehaved(sender, str(error))
            return
        if block is not None:
            self.block_whole(block)

    def block_whole(self, block: TreeBlock) -> None:
        """A block in the tree has header and body now: log its body, tell the machine."""
        parts = self._parts
        assert block.body is not None
        parts.bodies.forget(block.block_hash)
        parts.durability.append_body(block.block_hash, block.body)
        parts.post(HeaderFetched(facts_of(block.header, block.block_hash), block.header_rlp))
        parts.post(BodyAvailable(block.block_hash))

    # Where others are

    def _status(self, peer: bytes, payload: bytes) -> None:
        parts = self._parts
        status = read_status(payload, parts.domain, parts.epochs.set_of)
        if status is None:
            return
        if status.final_epoch != parts.machine.validators.epoch:
            self._status_of_other_epoch(peer, status)
            return
        parts.statuses.received(peer, status, parts.clock.now_ms())
        if status.entry is not None and status.view > parts.machine.state.view:
            certificate = parts.admission.admit_certificate(encode_certificate(status.entry))
            if certificate is not None:
                parts.post(CertificateReceived(certificate))
        parts.sync.peer_is_at(peer, status.final_height)
        self._help(peer, status)

    def _status_of_other_epoch(self, peer: bytes, status: Status) -> None:
        """A peer is in another epoch: help it forward, or ask it for the blocks that lead there."""
        parts = self._parts
        if status.final_epoch < parts.machine.validators.epoch:
            self._help_into_next_epoch(peer, status.final_epoch)
        else:
            parts.sync.peer_is_at(peer, status.final_height)

    def _help(self, peer: bytes, status: Status) -> None:
        """Send a peer that is behind what brings it forward, at most once a second (SPEC V6)."""
        parts = self._parts
        state = parts.machine.state
        if status.view >= state.view and status.final_view >= state.floor:
            return
        if not self._may_help(peer):
            return
        for certificate in (state.floor_certificate, state.entry):
            if certificate is not None:
                parts.mesh.send_certificate(peer, certificate)

    def _help_into_next_epoch(self, peer: bytes, epoch: Epoch) -> None:
        """Send a peer that is in an epoch that is over the finalization that ended it (SPEC V6)."""
        parts = self._parts
        record = parts.store.epoch_record(Epoch(epoch + 1))
        if record is None or not self._may_help(peer):
            return
        finalization = parts.store.own_finalization(Height(record[0] - 1))
        if finalization is not None:
            parts.mesh.send_certificate(peer, decode_certificate(finalization))

    def _may_help(self, peer: bytes) -> bool:
        """Tell whether the last help to that peer is long enough ago, and begin to count anew."""
        now_ms = self._parts.clock.now_ms()
        if now_ms - self._helped_at.get(peer, 0) < ANSWER_EVERY_MS:
            return False
        self._helped_at[peer] = now_ms
        return True

    # Questions and answers

    def _request(self, peer: bytes, payload: bytes) -> None:
        request = decode_request(payload)
        answer = self._answer(request)
        self._parts.mesh.send_reply(peer, encode_reply(Reply(request.request_id, answer)))

    def _answer(self, request: Request) -> bytes:
        parts = self._parts
        match request.kind:
            case RequestKind.BODY:
                return answer_body_request(parts.tree, parts.store, request.payload)
            case RequestKind.BLOCKS:
                return answer_block_request(parts.store, request.payload)
            case RequestKind.TRANSACTIONS:
                return parts.gossip.answer(request.payload)
            case RequestKind.STATUS:
                return parts.make_status(decode_nonce(request.payload))
            case RequestKind.CERTIFICATES:
                first, last = decode_range_query(request.payload)
                found = parts.machine.certificates_in(View(first), View(last), CERTIFICATES_MAX)
                return encode_certificates([encode_certificate(certificate) for certificate in found])

    def _reply(self, peer: bytes, payload: bytes) -> None:
        self._parts.requester.reply_received(peer, decode_reply(payload))

"""One link from the first byte to the last, without any I/O: handshake, frames, quotas, queues, pings.

`links.py` puts it between sockets and the node, `simulated.py` between two ends of a seeded network: both run this
code. Never reads a clock and never closes anything: it raises the reason and the owner acts.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

from network.channels import Channel, ChannelTable
from network.errors import (
    ForbiddenChannel,
    HandshakeTimeout,
    MalformedControl,
    PeerSilent,
    PeerStuck,
    UnexpectedFrame,
)
from network.framing import Frame, FrameReader, encode_frame
from network.hello import PROTOCOL_VERSION, ControlKind, Handshake, Hello, Role, SignProof, VerifyProof
from network.outbox import Outbox
from network.policing import InboundPolice
from network.transport import LinkStatus, PeerIdentity

_PING = Struct(">BQ")


@dataclass(frozen=True, slots=True)
class Progress:
    """The part of a HELLO that changes while a node runs."""

    epoch: int
    """Epoch the node is in."""
    final_height: int
    """Height of its last final block."""


@dataclass(frozen=True, slots=True)
class LinkTimings:
    """How patient links are. All in milliseconds."""

    handshake_ms: int = 5_000
    """From connecting to both acknowledgements; half refuses far banks on a bad day."""
    ping_every_ms: int = 5_000
    """Between two pings."""
    silence_max_ms: int = 15_000
    """Without a single byte after which the peer counts as dead: two lost pings are forgiven."""
    back_off_min_ms: int = 500
    """Before the first new attempt; a restarted peer is back after about as long."""
    back_off_max_ms: int = 30_000
    """Between attempts in the end; bounds how late a repaired peer is found."""
    close_grace_ms: int = 1_000
    """For the last bytes to leave before a closed link is cut."""


@dataclass(frozen=True, slots=True)
class LocalNode:
    """What every link needs to know of this node."""

    identity: PeerIdentity
    """Who this node is."""
    chain_id: int
    """Chain id."""
    genesis_hash: bytes
    """Hash of the genesis block, 32 bytes."""
    software_version: str
    """Printable ASCII, at most 64 bytes."""
    progress: Callable[[], Progress]
    """Asked once per handshake; must return at once."""
    make_nonce: Callable[[], bytes]
    """Returns 32 fresh bytes nobody can predict."""
    sign_proof: SignProof | None
    """Signs with the consensus key; None for a follower."""
    verify_proof: VerifyProof
    """Checks a peer's proof against the registry."""
    table: ChannelTable
    """Channels with their bounds."""
    timings: LinkTimings
    """How patient to be."""

    def hello(self) -> Hello:
        """Return a HELLO with a nonce of its own."""
        progress = self.progress()
        return Hello(
            protocol=PROTOCOL_VERSION,
            chain_id=self.chain_id,
            genesis_hash=self.genesis_hash,
            role=self.identity.role,
            epoch=progress.epoch,
            final_height=progress.final_height,
            nonce=self.make_nonce(),
            software_version=self.software_version,
        )


def is_dialer(own: PeerIdentity, peer: PeerIdentity) -> bool:
    """Tell which end opens the connection: a follower to a validator, otherwise the lower TLS key."""
    if own.role is not peer.role:
        return own.role is Role.FOLLOWER
    return own.key < peer.key


class PeerCounters:
    """What is counted of one peer over all its links since start."""

    __slots__ = ("dropped_frames", "over_quota_frames")

    def __init__(self) -> None:
        self.dropped_frames: Counter[Channel] = Counter()
        self.over_quota_frames: Counter[Channel] = Counter()

    def add(self, session: "LinkSession") -> None:
        """Take over the counts of a link that ended."""
        self.dropped_frames.update(session.outbox.dropped_by_channel())
        self.over_quota_frames.update(session.over_quota_frames)


def link_status(
    peer: PeerIdentity, session: "LinkSession | None", counters: PeerCounters, *, banned_for_ms: int, now_ms: int
) -> LinkStatus:
    """Return the status of one peer, whose link is `session` while it is up."""
    dropped, over_quota = Counter(counters.dropped_frames), Counter(counters.over_quota_frames)
    if session is not None:
        dropped.update(session.outbox.dropped_by_channel())
        over_quota.update(session.over_quota_frames)
    return LinkStatus(
        peer=peer,
        hello=session.hello if session is not None else None,
        up_for_ms=now_ms - session.up_since_ms if session is not None and session.up_since_ms is not None else None,
        round_trip_ms=session.round_trip_ms if session is not None else None,
        banned_for_ms=banned_for_ms,
        queued_frames=session.outbox.queued_by_channel() if session is not None else {},
        dropped_frames=dict(dropped),
        over_quota_frames=dict(over_quota),
    )


class LinkSession:
    """The state of one link with a peer whose TLS key is known.

    Every method may raise a LinkError; the link is over then.
    """

    __slots__ = (
        "_forbidden",
        "_handshake",
        "_inbound",
        "_node",
        "_opened_ms",
        "_pinged_ms",
        "_police",
        "_reader",
        "_received_ms",
        "inbound_bytes",
        "outbox",
        "peer",
        "round_trip_ms",
        "up_since_ms",
    )

    def __init__(self, node: LocalNode, peer: PeerIdentity, *, now_ms: int) -> None:
        self._node = node
        self.peer = peer
        self.outbox = Outbox(node.table)
        self._reader = FrameReader(node.table)
        self._police = InboundPolice(node.table, now_ms=now_ms)
        self._handshake = Handshake(
            node.hello(),
            own_tls_key=node.identity.key,
            peer_tls_key=peer.key,
            peer_role=peer.role,
            sign_proof=node.sign_proof,
            verify_proof=node.verify_proof,
        )
        is_follower = peer.role is Role.FOLLOWER
        self._forbidden = tuple(is_follower and not spec.is_open_to_followers for spec in node.table)
        self._inbound: deque[Frame] = deque()
        self.inbound_bytes = 0
        """Bytes of received payloads that the node has not taken yet."""
        self._opened_ms = now_ms
        self._received_ms = now_ms
        self._pinged_ms = now_ms
        self.round_trip_ms: int | None = None
        """Last measured round trip; None before the first."""
        self.up_since_ms: int | None = None
        """When both acknowledgements had passed; None before."""
        self._push_control(self._handshake.opening())

    @property
    def hello(self) -> Hello | None:
        """What the peer said of itself; None before it did."""
        return self._handshake.peer_hello

    @property
    def over_quota_frames(self) -> dict[Channel, int]:
        """Inbound frames dropped by quota so far, by channel."""
        return self._police.over_quota_frames

    @property
    def has_inbound(self) -> bool:
        """Whether frames wait for the node."""
        return bool(self._inbound)

    def receive(self, data: bytes, now_ms: int) -> None:
        """Take the next bytes of the stream; frames for the node wait until `take_inbound`."""
        self._received_ms = now_ms
        is_within_quota, forbidden, inbound = self._police.is_within_quota, self._forbidden, self._inbound
        for frame in self._reader.feed(data):
            channel, payload = frame
            if channel is Channel.CONTROL:
                self._control(payload, now_ms)
            elif self.up_since_ms is None:
                raise UnexpectedFrame(frame=f"a frame on channel {channel.name.lower()}", state="the link was not up")
            elif forbidden[channel]:
                raise ForbiddenChannel(channel.name.lower())
            elif is_within_quota(channel, len(payload), now_ms):
                inbound.append(frame)
                self.inbound_bytes += len(payload)

    def take_inbound(self) -> Frame | None:
        """Return the next frame for the node, None when there is none."""
        if not self._inbound:
            return None
        frame = self._inbound.popleft()
        self.inbound_bytes -= len(frame[1])
        return frame

    def tick(self, now_ms: int) -> None:
        """Do what time asks for; to be called about twice per ping interval.

        Raises: HandshakeTimeout, PeerSilent, PeerStuck.
        """
        timings = self._node.timings
        if self.up_since_ms is None:
            if now_ms - self._opened_ms >= timings.handshake_ms:
                raise HandshakeTimeout(limit_ms=timings.handshake_ms)
            return
        silent_ms = now_ms - self._received_ms
        if silent_ms >= timings.silence_max_ms:
            raise PeerSilent(silent_ms=silent_ms)
        if now_ms - self._pinged_ms >= timings.ping_every_ms:
            self._pinged_ms = now_ms
            self._push_control(_PING.pack(ControlKind.PING, now_ms))

    def _control(self, payload: bytes, now_ms: int) -> None:
        if not self._police.is_within_quota(Channel.CONTROL, len(payload), now_ms):
            return
        if self.up_since_ms is None:
            for answer in self._handshake.feed(payload):
                self._push_control(answer)
            if self._handshake.is_up:
                self.up_since_ms = now_ms
                self._pinged_ms = now_ms
                self._push_control(_PING.pack(ControlKind.PING, now_ms))
            return
        kind = payload[0] if payload else 0
        if kind in (ControlKind.HELLO, ControlKind.ACKNOWLEDGEMENT):
            raise UnexpectedFrame(frame="a handshake frame", state="the link was already up")
        if len(payload) != _PING.size or kind not in (ControlKind.PING, ControlKind.PONG):
            raise MalformedControl(f"neither ping nor pong: kind {kind}, {len(payload)} bytes")
        stamp_ms = _PING.unpack(payload)[1]
        if kind == ControlKind.PING:
            self._push_control(_PING.pack(ControlKind.PONG, stamp_ms))
        elif stamp_ms == self._pinged_ms:
            self.round_trip_ms = now_ms - stamp_ms

    def _push_control(self, payload: bytes) -> None:
        if not self.outbox.push(Channel.CONTROL, encode_frame(Channel.CONTROL, payload), 0):
            raise PeerStuck(queued_frames=self.outbox.queued_frames)

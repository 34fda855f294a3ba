"""The seam between a node and the mesh: what a node may ask of it, and what it is told.

Two implementations stand behind it, `links.py` with sockets and `simulated.py` from a seed; a node cannot tell them
apart. Nothing here blocks, and nothing raises because a peer is slow, gone or full: sending is a best effort, and who
needs certainty repeats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

from network.channels import Channel
from network.errors import LinkError
from network.hello import Hello, Role

PeerKey = NewType("PeerKey", bytes)
"""32 bytes: the raw ed25519 public key of a peer's TLS certificate. Its identity in the mesh."""

PEER_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """Who is at the other end, as registered; never as claimed."""

    key: PeerKey
    """The TLS public key; unique."""
    name: str
    """The bank's name for logs and status, such as "beta"."""
    role: Role
    """Whether it votes. A follower may not send on consensus channels."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a peer listens."""

    host: str
    """Name or IP address."""
    port: int
    """TCP port, 1 to 65535."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PeerEntry:
    """One line of the allow-list: a peer and where to find it."""

    identity: PeerIdentity
    """Who may connect."""
    addresses: tuple[Address, ...] = ()
    """Where to dial, tried in order; empty for a peer that always dials us."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What a status screen shows of one allowed peer, connected or not."""

    peer: PeerIdentity
    """The peer."""
    hello: Hello | None
    """What it said of itself when the link came up; None while the link is down."""
    up_for_ms: int | None
    """Milliseconds since the link came up; None while it is down."""
    round_trip_ms: int | None
    """Last measured round trip in milliseconds; None before the first answer."""
    banned_for_ms: int
    """Milliseconds for which the peer is still refused after misbehaviour; 0 for a peer in good standing."""
    queued_frames: Mapping[Channel, int]
    """Frames that wait to leave, by channel; channels without any are left out."""
    dropped_frames: Mapping[Channel, int]
    """Outbound frames that found no room, by channel, since start; channels without any are left out."""
    over_quota_frames: Mapping[Channel, int]
    """Inbound frames dropped by quota, by channel, since start; channels without any are left out."""


class TransportListener(Protocol):
    """What the mesh tells the node. Called on the loop's thread; must return within microseconds and never raise."""

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        """Take note that frames can be exchanged with `peer`, which said `hello`."""

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        """Take note that the link to `peer`, reported up before, is gone. What was queued is lost."""

    def link_refused(self, place: str, reason: LinkError) -> None:
        """Take note that a link with `place` (a peer's name or an address) did not come up; repeats are not told."""

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        """Take a frame that is within cap and quota of its channel; its content is unchecked."""


class Transport(Protocol):
    """What the node asks of the mesh. Every method returns at once."""

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue a frame for one peer and tell whether it was queued.

        `urgency` (for consensus frames the view, otherwise 0) tells a full queue which frames make room: lower ones.
        False means no link is up or no room was found; the latter is counted.
        """

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        """Queue a frame for every peer whose link is up; return for how many it was queued."""

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        """Close the link to a peer that did what no honest peer can do, and refuse it for a while."""

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """Replace the allow-list: links to peers no longer on it are closed, new ones are dialled."""

    def links(self) -> tuple[LinkStatus, ...]:
        """Return the state of every allowed peer, in the order of their keys."""

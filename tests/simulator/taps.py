"""Where a simulation listens and meddles: between a node and its transport, at its log, and at its links' proofs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from network.channels import Channel
from network.errors import LinkError
from network.hello import Hello
from network.transport import LinkStatus, PeerEntry, PeerIdentity, PeerKey, Transport

if TYPE_CHECKING:
    from tests.simulator.simulated_node import SimulatedNode

Frames = Sequence[tuple[Channel, bytes]]

Alter = Callable[[PeerKey, Channel, bytes], Frames]
"""What a Byzantine validator sends one peer instead of an honest frame: any number of frames."""


class TappedTransport:
    """A node's transport, with somebody listening where frames are handed to it."""

    def __init__(self, inner: Transport, peers: Sequence[PeerKey]) -> None:
        self._inner = inner
        self._peers = peers
        self.tap: Callable[[Channel, bytes], None] = lambda _channel, _payload: None
        self.alter: Alter | None = None

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue a frame for one peer."""
        if self.alter is None:
            self.tap(channel, payload)
            return self._inner.send(peer_key, channel, payload, urgency)
        was_queued = True
        for other_channel, altered in self.alter(peer_key, channel, payload):
            was_queued = self.send_as_is(peer_key, other_channel, altered, urgency)
        return was_queued

    def send_as_is(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue what an actor made up."""
        self.tap(channel, payload)
        return self._inner.send(peer_key, channel, payload, urgency)

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        """Queue a frame for everybody."""
        if self.alter is None:
            self.tap(channel, payload)
            return self._inner.broadcast(channel, payload, urgency)
        return sum(self.send(peer, channel, payload, urgency) for peer in self._peers)

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        """Ban a peer."""
        self._inner.report_misbehaviour(peer_key, reason)

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """Replace the allow-list."""
        self._inner.update_peers(peers)

    def links(self) -> tuple[LinkStatus, ...]:
        """Return the state of every allowed peer."""
        return self._inner.links()


class LogTap:
    """Where a node prints to: lines go into the trace, and some of them are verdicts."""

    def __init__(self, node: "SimulatedNode") -> None:
        self._node = node

    def write(self, line: str) -> int:
        """Take a line."""
        self._node.printed(line)
        return len(line)

    def flush(self) -> None:
        """Nothing is held back."""


class Listener:
    """Passes what the mesh reports to the node, which is built after it; a paused node hears of it later."""

    def __init__(self, owner: "SimulatedNode") -> None:
        self._owner = owner

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        """A link is there."""
        self._deliver(lambda: self._owner.link_up(peer, hello))

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        """A link is gone."""
        self._deliver(lambda: self._owner.link_down(peer, reason))

    def link_refused(self, place: str, reason: LinkError) -> None:
        """A link did not come up."""
        self._deliver(lambda: self._owner.link_refused(place, reason))

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        """A frame is there."""
        self._deliver(lambda: self._owner.frame_received(peer, channel, payload))

    def _deliver(self, report: Callable[[], None]) -> None:
        owner = self._owner
        if not owner.is_paused:
            report()
            return
        # What is only in the queue of a stopped machine dies with it.
        owner.when_resumed(report)

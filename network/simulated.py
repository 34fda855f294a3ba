"""The mesh's twin: the same links over a network that exists only in a scheduler.

For: whole networks from a seed. Handshake, frames, queues, quotas, pings and bans are the production code of
`session.py` and `policing.py`; simulated are only wires. No asyncio, no clock, no randomness of its own: time,
scheduling and the generator come from outside, and equal inputs give equal runs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from network.channels import Channel
from network.errors import (
    ConnectFailed,
    ConnectionLost,
    LinkError,
    LinkReplaced,
    Misbehaviour,
    PeerRemoved,
    ReportedMisbehaviour,
)
from network.framing import encode_frame
from network.policing import PeerBook
from network.session import LinkSession, LocalNode, PeerCounters, is_dialer, link_status
from network.transport import LinkStatus, PeerEntry, PeerIdentity, PeerKey, TransportListener

Schedule = Callable[[int, Callable[[], None]], None]
"""Runs a callback at an instant in microseconds, which is not before now."""

_CHANNEL_OFFSET = 4
"""Where a frame carries its channel."""


@dataclass(frozen=True, slots=True)
class WireConditions:
    """How one direction between two nodes behaves. The default is an ideal wire of 1 ms."""

    latency_us: int = 1_000
    """Microseconds every frame travels."""
    jitter_us: int = 0
    """Up to so many microseconds more, drawn per frame. Frames stay in order."""
    bytes_per_ms: int | None = None
    """Bandwidth; None for unlimited. With it queues fill as in production."""
    loss_per_mille: int = 0
    """Frames in a thousand that vanish. Control frames never do."""
    duplicate_per_mille: int = 0
    """Frames in a thousand that arrive twice."""
    reorder_per_mille: int = 0
    """Frames in a thousand that are overtaken by later ones."""
    reorder_delay_us: int = 10_000
    """By how many microseconds at most an overtaken frame is late."""


class _End:
    """One side of one connection."""

    __slots__ = ("arrived_us", "held", "is_busy", "is_open", "is_pump_due", "other", "owner", "session")

    def __init__(self, owner: "SimulatedTransport", session: LinkSession) -> None:
        self.owner = owner
        self.session = session
        self.other: _End | None = None
        """None once the other side is gone without a word."""
        self.is_open = True
        self.is_busy = False
        """Whether a frame occupies the wire."""
        self.is_pump_due = False
        self.arrived_us = 0
        """When the last frame sent in order arrives: the next one does not overtake it."""
        self.held: deque[bytes] = deque()
        """Frames that arrived while their direction was blocked."""


class SimulatedHub:
    """All wires of one simulated network."""

    def __init__(
        self,
        *,
        schedule: Schedule,
        now_us: Callable[[], int],
        random: Random,
        conditions: WireConditions = WireConditions(),
    ) -> None:
        self.schedule = schedule
        self.now_us = now_us
        self.random = random
        self._default_conditions = conditions
        self._conditions: dict[tuple[PeerKey, PeerKey], WireConditions] = {}
        self._blocked: set[tuple[PeerKey, PeerKey]] = set()
        self._nodes: dict[PeerKey, SimulatedTransport] = {}

    def add(
        self, node: LocalNode, peers: Sequence[PeerEntry], listener: TransportListener, *, random: Random
    ) -> "SimulatedTransport":
        """Start a node on this network, as new or after `stop`, and return its transport."""
        key = node.identity.key
        assert key not in self._nodes
        transport = SimulatedTransport(self, node, peers, listener, random=random)
        self._nodes[key] = transport
        transport.dial_all()
        return transport

    def stop(self, key: PeerKey) -> None:
        """End a node as a crash does: it is told nothing, its peers lose their links."""
        transport = self._nodes.pop(key)
        transport.is_stopped = True
        for end in transport.open_ends():
            end.is_open = False
            self._tell_other_end(end)

    def set_conditions(self, sender: PeerKey, receiver: PeerKey, conditions: WireConditions) -> None:
        """Change one direction from now on."""
        self._conditions[sender, receiver] = conditions

    def conditions(self, sender: PeerKey, receiver: PeerKey) -> WireConditions:
        """Return how one direction behaves."""
        return self._conditions.get((sender, receiver), self._default_conditions)

    def block(self, sender: PeerKey, receiver: PeerKey) -> None:
        """Let nothing through in one direction: frames wait, and links die of silence if it lasts."""
        self._blocked.add((sender, receiver))

    def unblock(self, sender: PeerKey, receiver: PeerKey) -> None:
        """Let one direction through again; what waited arrives now, in order."""
        self._blocked.discard((sender, receiver))
        for end in self._ends_at(receiver, sender):
            while end.held and end.is_open:
                self._arrive(end, end.held.popleft())
        for end in self._ends_at(sender, receiver):
            self.pump_soon(end)

    def partition(self, *groups: Iterable[PeerKey]) -> None:
        """Block every direction between nodes of different groups; a node in no group stands alone."""
        group_of = {key: number for number, group in enumerate(groups) for key in group}
        for sender in self._nodes:
            for receiver in self._nodes:
                if sender != receiver and group_of.get(sender, sender) != group_of.get(receiver, receiver):
                    self.block(sender, receiver)

    def heal(self) -> None:
        """Unblock every direction."""
        for sender, receiver in sorted(self._blocked):
            self.unblock(sender, receiver)

    def break_links(self, first: PeerKey, second: PeerKey, *, is_half_open: bool = False) -> None:
        """Break what connects two nodes. Half-open: `second` is told nothing and believes until silence."""
        for end in self._ends_at(first, second):
            other = end.other
            if is_half_open and other is not None:
                end.other, other.other = None, None
            self.close(end, ConnectionLost("broken by the simulation"))

    def ends_of(self, key: PeerKey) -> "list[_End]":
        """Return a node's ends of its open connections."""
        transport = self._nodes.get(key)
        return [] if transport is None else list(transport.open_ends())

    def is_blocked(self, sender: PeerKey, receiver: PeerKey) -> bool:
        """Tell whether nothing passes in one direction."""
        return (sender, receiver) in self._blocked

    # What transports ask for ------------------------------------------------------------------------------------

    def connect(self, dialer: "SimulatedTransport", peer: PeerIdentity) -> LinkError | None:
        """Connect two nodes; return why not, if not."""
        own = dialer.node.identity
        target = self._nodes.get(peer.key)
        if target is None or self.is_blocked(own.key, peer.key) or self.is_blocked(peer.key, own.key):
            return ConnectFailed("nobody answers")
        now_ms = self.now_us() // 1_000
        try:
            dialer.book.validate_allowed(peer.key, now_ms)
            accepted = target.book.validate_allowed(own.key, now_ms).identity
        except LinkError as error:
            return error
        near = _End(dialer, LinkSession(dialer.node, peer, now_ms=now_ms))
        far = _End(target, LinkSession(target.node, accepted, now_ms=now_ms))
        near.other, far.other = far, near
        for end in (near, far):
            end.owner.take(end)
            self._schedule_tick(end)
            self.pump_soon(end)
        return None

    def pump_soon(self, end: _End) -> None:
        """Put what waits on the wire at the end of this instant, best priority first."""
        if not end.is_pump_due and end.is_open and end.session.outbox.queued_frames:
            end.is_pump_due = True
            self.schedule(self.now_us(), lambda: self._pump(end))

    def close(self, end: _End, reason: LinkError) -> None:
        """Close one end; the other hears of it after the latency."""
        if not end.is_open:
            return
        end.is_open = False
        end.held.clear()
        self._tell_other_end(end)
        end.owner.link_ended(end, reason)

    # Wires ------------------------------------------------------------------------------------------------------

    def _ends_at(self, key: PeerKey, peer_key: PeerKey) -> list[_End]:
        transport = self._nodes.get(key)
        if transport is None:
            return []
        return [end for end in transport.open_ends() if end.session.peer.key == peer_key]

    def _tell_other_end(self, end: _End) -> None:
        other = end.other
        if other is None:
            return
        latency_us = self.conditions(end.owner.node.identity.key, other.owner.node.identity.key).latency_us
        self.schedule(self.now_us() + latency_us, lambda: self.close(other, ConnectionLost("closed by the peer")))

    def _schedule_tick(self, end: _End) -> None:
        timings = end.owner.node.timings
        # Half of the shortest patience, as on real links; the remainder of the division only makes it earlier.
        tick_us = min(timings.handshake_ms, timings.ping_every_ms, timings.silence_max_ms) * 1_000 // 2
        self.schedule(self.now_us() + tick_us, lambda: self._tick(end))

    def _tick(self, end: _End) -> None:
        if not end.is_open:
            return
        try:
            end.session.tick(self.now_us() // 1_000)
        except LinkError as error:
            self.close(end, error)
            return
        self.pump_soon(end)
        self._schedule_tick(end)

    def _pump(self, end: _End) -> None:
        end.is_pump_due = False
        sender, receiver = end.owner.node.identity.key, end.session.peer.key
        outbox = end.session.outbox
        while end.is_open and not end.is_busy and outbox.queued_frames and not self.is_blocked(sender, receiver):
            frame = outbox.take(1)
            conditions = self.conditions(sender, receiver)
            busy_us = 0
            if conditions.bytes_per_ms is not None:
                end.is_busy = True
                # Rounded up by one microsecond at most: a wire is never faster than it says.
                busy_us = len(frame) * 1_000 // conditions.bytes_per_ms + 1
                self.schedule(self.now_us() + busy_us, lambda: self._wire_is_free(end))
            self._transmit(end, frame, conditions, leaves_us=self.now_us() + busy_us)

    def _wire_is_free(self, end: _End) -> None:
        end.is_busy = False
        self.pump_soon(end)

    def _transmit(self, end: _End, frame: bytes, conditions: WireConditions, *, leaves_us: int) -> None:
        draw = self.random.randrange
        arrives_us = leaves_us + conditions.latency_us
        if conditions.jitter_us:
            arrives_us += draw(conditions.jitter_us + 1)
        arrives_us = max(arrives_us, end.arrived_us)
        other = end.other
        # A stream would be broken, not damaged, so the handshake and pings see an orderly wire.
        is_spared = frame[_CHANNEL_OFFSET] == Channel.CONTROL
        if other is None or (not is_spared and draw(1_000) < conditions.loss_per_mille):
            return
        if not is_spared and draw(1_000) < conditions.reorder_per_mille:
            arrives_us += draw(conditions.reorder_delay_us + 1)
        else:
            end.arrived_us = arrives_us
        self.schedule(arrives_us, lambda: self._arrive(other, frame))
        if not is_spared and draw(1_000) < conditions.duplicate_per_mille:
            self.schedule(arrives_us + conditions.latency_us, lambda: self._arrive(other, frame))

    def _arrive(self, end: _End, frame: bytes) -> None:
        if not end.is_open:
            return
        if self.is_blocked(end.session.peer.key, end.owner.node.identity.key):
            end.held.append(frame)
            return
        session = end.session
        was_up = session.up_since_ms is not None
        try:
            session.receive(frame, self.now_us() // 1_000)
        except LinkError as error:
            self.close(end, error)
            return
        if not was_up and session.up_since_ms is not None:
            end.owner.link_is_up(end)
        while end.is_open and (received := session.take_inbound()) is not None:
            end.owner.listener.frame_received(session.peer, received[0], received[1])
        self.pump_soon(end)


class SimulatedTransport:
    """One node's view of a simulated network; `Transport` to the node."""

    def __init__(
        self,
        hub: SimulatedHub,
        node: LocalNode,
        peers: Sequence[PeerEntry],
        listener: TransportListener,
        *,
        random: Random,
    ) -> None:
        """Built by `SimulatedHub.add`; `random` draws the jitter of back-off."""
        self.node = node
        self.book = PeerBook(peers)
        self.listener = listener
        self.is_stopped = False
        self._hub = hub
        self._random = random
        # A dictionary keeps insertion order, so runs repeat; a set of objects would not.
        self._ends: dict[_End, None] = {}
        self._up: dict[PeerKey, _End] = {}
        self._counters: dict[PeerKey, PeerCounters] = {}
        self._back_off_ms: dict[PeerKey, int] = {}
        self._dial_due: set[PeerKey] = set()
        self._refusals: dict[PeerKey, type[LinkError]] = {}

    # What the node asks for -------------------------------------------------------------------------------------

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue a frame for one peer and tell whether it was queued; see `Transport`."""
        assert channel is not Channel.CONTROL
        end = self._up.get(peer_key)
        return end is not None and self._queue(end, channel, self._frame(channel, payload), urgency)

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        """Queue a frame for every peer whose link is up; see `Transport`."""
        assert channel is not Channel.CONTROL
        frame = self._frame(channel, payload)
        return sum(self._queue(end, channel, frame, urgency) for end in self._up.values())

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        """Ban a peer and close its link; see `Transport`."""
        self.book.ban(peer_key, self._now_ms())
        for end in self.open_ends():
            if end.session.peer.key == peer_key:
                self._hub.close(end, ReportedMisbehaviour(reason))

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """Replace the allow-list; see `Transport`."""
        self.book.replace(peers)
        for end in self.open_ends():
            entry = self.book.get(end.session.peer.key)
            if entry is None or entry.identity != end.session.peer:
                self._hub.close(end, PeerRemoved())
        for key in [key for key in self._counters if self.book.get(key) is None]:
            del self._counters[key]
        self.dial_all()

    def links(self) -> tuple[LinkStatus, ...]:
        """Return the state of every allowed peer; see `Transport`."""
        now_ms = self._now_ms()
        statuses = []
        for entry in self.book.entries():
            key = entry.identity.key
            end = self._up.get(key)
            statuses.append(
                link_status(
                    entry.identity,
                    end.session if end is not None else None,
                    self._counters.get(key, PeerCounters()),
                    banned_for_ms=self.book.banned_for_ms(key, now_ms),
                    now_ms=now_ms,
                )
            )
        return tuple(statuses)

    # What the hub asks for --------------------------------------------------------------------------------------

    def open_ends(self) -> tuple[_End, ...]:
        """Return this node's ends of connections, oldest first."""
        return tuple(self._ends)

    def dial_all(self) -> None:
        """Dial every peer that this node dials and that has no attempt scheduled."""
        for entry in self.book.entries():
            key = entry.identity.key
            has_link = any(end.session.peer.key == key for end in self._ends)
            if not has_link and is_dialer(self.node.identity, entry.identity):
                self._dial_at(key, self._hub.now_us())

    def take(self, end: _End) -> None:
        """Own one end of a new connection."""
        self._ends[end] = None

    def link_is_up(self, end: _End) -> None:
        """Make an end the one to its peer: the newer of two survives, once it is up."""
        peer, hello = end.session.peer, end.session.hello
        older = self._up.get(peer.key)
        if older is not None:
            self._hub.close(older, LinkReplaced())
        assert hello is not None
        self._up[peer.key] = end
        self._back_off_ms.pop(peer.key, None)
        self._refusals.pop(peer.key, None)
        self.listener.link_up(peer, hello)

    def link_ended(self, end: _End, reason: LinkError) -> None:
        """Draw the consequences of an end's closing: counts, a ban, a word to the node, another dial."""
        peer = end.session.peer
        self._ends.pop(end)
        if self.book.get(peer.key) is not None:
            self._counters.setdefault(peer.key, PeerCounters()).add(end.session)
            if isinstance(reason, Misbehaviour):
                self.book.ban(peer.key, self._now_ms())
        if self._up.get(peer.key) is end:
            del self._up[peer.key]
            self.listener.link_down(peer, reason)
        elif end.session.up_since_ms is None:
            self._tell_refusal(peer, reason)
        if is_dialer(self.node.identity, peer):
            self._dial_later(peer.key)

    # ------------------------------------------------------------------------------------------------------------

    def _now_ms(self) -> int:
        # The fraction of a millisecond is dropped, as on real links.
        return self._hub.now_us() // 1_000

    def _frame(self, channel: Channel, payload: bytes) -> bytes:
        assert len(payload) <= self.node.table[channel].payload_bytes_max
        return encode_frame(channel, payload)

    def _queue(self, end: _End, channel: Channel, frame: bytes, urgency: int) -> bool:
        was_queued = end.session.outbox.push(channel, frame, urgency)
        self._hub.pump_soon(end)
        return was_queued

    def _dial_later(self, key: PeerKey) -> None:
        timings = self.node.timings
        back_off_ms = self._back_off_ms.get(key, timings.back_off_min_ms)
        self._back_off_ms[key] = min(2 * back_off_ms, timings.back_off_max_ms)
        pause_ms = self._random.randint((back_off_ms + 1) // 2, back_off_ms)
        pause_ms = max(pause_ms, self.book.banned_for_ms(key, self._now_ms()))
        self._dial_at(key, self._hub.now_us() + pause_ms * 1_000)

    def _dial_at(self, key: PeerKey, at_us: int) -> None:
        if key not in self._dial_due:
            self._dial_due.add(key)
            self._hub.schedule(at_us, lambda: self._dial(key))

    def _dial(self, key: PeerKey) -> None:
        self._dial_due.discard(key)
        entry = self.book.get(key)
        if self.is_stopped or entry is None or key in self._up:
            return
        reason = self._hub.connect(self, entry.identity)
        if reason is not None:
            self._tell_refusal(entry.identity, reason)
            self._dial_later(key)

    def _tell_refusal(self, peer: PeerIdentity, reason: LinkError) -> None:
        """Tell the node why a link did not come up, unless it was told the same the last time."""
        if self._refusals.get(peer.key) is not type(reason):
            self._refusals[peer.key] = type(reason)
            self.listener.link_refused(peer.name, reason)

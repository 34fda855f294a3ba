"""The mesh on real sockets: a listener, a dialling task per peer, and one TLS link to each.

For: carrying frames between this node and its allowed peers under asyncio. Everything that can be decided without a
socket is decided in `session.py`; here bytes move, time passes and tasks are owned. Runs on one loop's thread only.
Never blocks a caller and never interprets a payload.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Coroutine, Sequence
from random import Random
from typing import cast

from network.channels import Channel
from network.errors import (
    ConnectFailed,
    ConnectionLost,
    LinkError,
    LinkReplaced,
    LocalClose,
    Misbehaviour,
    PeerRemoved,
    ReportedMisbehaviour,
    TooManyHandshakes,
    WrongPeer,
)
from network.framing import encode_frame
from network.policing import HANDSHAKES_IN_FLIGHT_MAX, ListenerDoor, PeerBook
from network.session import LinkSession, LocalNode, PeerCounters, is_dialer, link_status
from network.tls import TlsIdentity, client_context, peer_key_of_certificate, server_context
from network.transport import Address, LinkStatus, PeerEntry, PeerIdentity, PeerKey, TransportListener

WRITE_HIGH_WATER_BYTES = 256 * 1024
"""Bytes the transport may hold: a vote waits behind at most this many. Half halves throughput to far peers."""

WRITE_BATCH_BYTES = 64 * 1024
"""Bytes joined into one write: four full TLS records; more only makes the next vote wait longer."""

INBOUND_BYTES_MAX = 256 * 1024
"""Received bytes the node has not taken, after which a link is not read: TCP then slows the peer down."""

SERVE_FRAMES_PER_TURN = 128
"""Frames handed to the node in one turn of the loop; at 20 µs each, half of the longest step allowed."""

LISTEN_BACKLOG = 64
"""Connections the system queues: twice the largest mesh."""

ACCEPT_RETRY_S = 0.1
"""Pause after the system could not accept, for example for want of file descriptors."""

REFUSALS_REMEMBERED_MAX = 1_024
"""Places whose last refusal is remembered, so that it is told once; beyond it the oldest is forgotten."""


class _Link(asyncio.Protocol):
    """One TLS connection, from the completed TLS handshake on."""

    def __init__(self, mesh: "Mesh", expected_key: PeerKey | None) -> None:
        self._mesh = mesh
        self._expected_key = expected_key
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_write_paused = False
        self._is_read_paused = False
        self._is_flush_due = False
        self.session: LinkSession | None = None
        self.is_ready = False
        """Whether it stands in the mesh's round of links to serve."""
        self.reason: LinkError | None = None
        """Why the link ended; None while it lives."""
        self.settled = asyncio.Event()
        """Set once the link is up or has ended."""
        self.ended = asyncio.Event()
        """Set once the link has ended, before the socket is gone."""
        self.gone = asyncio.Event()
        """Set once the socket is gone."""

    @property
    def was_up(self) -> bool:
        return self.session is not None and self.session.up_since_ms is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_WATER_BYTES)
        self._mesh.link_made(self)
        now_ms = self._mesh.now_ms()
        try:
            der = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            key = peer_key_of_certificate(der)
            if self._expected_key is not None and key != self._expected_key:
                raise WrongPeer(expected=self._expected_key, found=key)
            entry = self._mesh.book.validate_allowed(key, now_ms)
            self.session = LinkSession(self._mesh.node, entry.identity, now_ms=now_ms)
        except LinkError as error:
            self.end(error)
            return
        self._timer = self._loop.call_later(self._mesh.tick_s, self._tick)
        self._flush()

    def data_received(self, data: bytes) -> None:
        session = self.session
        if self.reason is not None or session is None:
            return
        was_up = self.was_up
        try:
            session.receive(data, self._mesh.now_ms())
        except LinkError as error:
            self.end(error)
            return
        if not was_up and self.was_up:
            self._mesh.link_is_up(self, session)
            self.settled.set()
        if session.inbound_bytes > INBOUND_BYTES_MAX and self._transport is not None:
            self._is_read_paused = True
            self._transport.pause_reading()
        if session.has_inbound:
            self._mesh.serve_soon(self)
        self.flush_soon()

    def resume_reading_if_served(self) -> None:
        """Read again once the node has taken what was received."""
        if self._is_read_paused and self.reason is None and self._transport is not None:
            self._is_read_paused = False
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(ConnectionLost(str(exc) if exc is not None else "closed by the peer"))
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None
        self.gone.set()
        self._mesh.link_gone(self)

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self.flush_soon()

    def flush_soon(self) -> None:
        """Write what waits at the end of this turn of the loop, so that frames of one turn share a write."""
        if not self._is_flush_due and not self._is_write_paused and self.session and self.session.outbox.queued_frames:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def end(self, reason: LinkError) -> None:
        """End the link for `reason`; the first reason counts."""
        if self.reason is not None:
            return
        self.reason = reason
        self.settled.set()
        self.ended.set()
        self._mesh.link_ended(self, reason)
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            # The peer may learn the reason from what is still on its way, but it does not get long.
            self._transport.close()
            self._timer = self._loop.call_later(self._mesh.close_grace_s, self._transport.abort)

    def _flush(self) -> None:
        self._is_flush_due = False
        session, transport = self.session, self._transport
        if self.reason is not None or session is None or transport is None:
            return
        written_bytes = 0
        outbox = session.outbox
        while outbox.queued_frames and not self._is_write_paused:
            if written_bytes >= WRITE_HIGH_WATER_BYTES:
                self.flush_soon()
                return
            batch = outbox.take(WRITE_BATCH_BYTES)
            written_bytes += len(batch)
            transport.write(batch)

    def _tick(self) -> None:
        if self.reason is not None or self.session is None:
            return
        try:
            self.session.tick(self._mesh.now_ms())
        except LinkError as error:
            self.end(error)
            return
        self._timer = self._loop.call_later(self._mesh.tick_s, self._tick)
        self.flush_soon()


class Mesh:
    """The real transport. Build it, `start` it inside a running loop, `close` it in the same loop."""

    def __init__(
        self,
        node: LocalNode,
        tls: TlsIdentity,
        peers: Sequence[PeerEntry],
        listener: TransportListener,
        *,
        listen: Address | None,
        random: Random,
    ) -> None:
        """Prepare a mesh of `peers`. Port 0 in `listen` lets the system choose; None only dials."""
        assert tls.key == node.identity.key
        timings = node.timings
        self.node = node
        self.book = PeerBook(peers)
        self.tick_s = max(1, min(timings.handshake_ms, timings.ping_every_ms, timings.silence_max_ms) // 2) / 1_000
        self.close_grace_s = timings.close_grace_ms / 1_000
        self._tls = tls
        self._listener = listener
        self._listen = listen
        self._random = random
        self._door = ListenerDoor()
        self._dials = asyncio.Semaphore(HANDSHAKES_IN_FLIGHT_MAX)
        self._links: set[_Link] = set()
        self._up: dict[PeerKey, _Link] = {}
        self._counters: dict[PeerKey, PeerCounters] = {}
        self._ready: deque[_Link] = deque()
        self._is_serve_due = False
        self._refusals: dict[str, type[LinkError]] = {}
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._dialling: dict[PeerKey, asyncio.Task[None]] = {}
        self._is_running = False
        self._make_contexts()

    # What the node asks for -------------------------------------------------------------------------------------

    async def start(self) -> Address | None:
        """Listen and begin to dial; return the address listened on.

        Raises: OSError if the address cannot be bound.
        """
        assert not self._is_running
        self._is_running = True
        bound: Address | None = None
        if self._listen is not None:
            family = socket.AF_INET6 if ":" in self._listen.host else socket.AF_INET
            self._socket = socket.create_server(
                (self._listen.host, self._listen.port), family=family, backlog=LISTEN_BACKLOG
            )
            self._socket.setblocking(False)
            bound = Address(self._listen.host, self._socket.getsockname()[1])
            self._own(self._accept(self._socket))
        self._dial_all()
        return bound

    async def close(self) -> None:
        """End every task and link; returns when all sockets are closed."""
        self._is_running = False
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        links = tuple(self._links)
        for link in links:
            link.end(LocalClose())
        for link in links:
            await link.gone.wait()

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue a frame for one peer and tell whether it was queued; see `Transport`."""
        assert channel is not Channel.CONTROL
        link = self._up.get(peer_key)
        return link is not None and self._queue(link, channel, self._frame(channel, payload), urgency)

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        """Queue a frame, encoded once, for every peer; see `Transport`."""
        assert channel is not Channel.CONTROL
        frame = self._frame(channel, payload)
        return sum(self._queue(link, channel, frame, urgency) for link in self._up.values())

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        """Ban a peer and close its link; see `Transport`."""
        self.book.ban(peer_key, self.now_ms())
        for link in tuple(self._links):
            if link.session is not None and link.session.peer.key == peer_key:
                link.end(ReportedMisbehaviour(reason))

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """Replace the allow-list; see `Transport`."""
        keys = self.book.keys()
        self.book.replace(peers)
        if self.book.keys() != keys:
            # About 20 ms for 29 peers: only when it must be.
            self._make_contexts()
        for link in tuple(self._links):
            if link.session is not None:
                entry = self.book.get(link.session.peer.key)
                if entry is None or entry.identity != link.session.peer:
                    link.end(PeerRemoved())
        for key in [key for key in self._counters if self.book.get(key) is None]:
            del self._counters[key]
        for key in [key for key in self._dialling if self.book.get(key) is None]:
            self._dialling.pop(key).cancel()
        if self._is_running:
            self._dial_all()

    def links(self) -> tuple[LinkStatus, ...]:
        """Return the state of every allowed peer; see `Transport`."""
        now_ms = self.now_ms()
        statuses = []
        for entry in self.book.entries():
            key = entry.identity.key
            link = self._up.get(key)
            statuses.append(
                link_status(
                    entry.identity,
                    link.session if link is not None else None,
                    self._counters.get(key, PeerCounters()),
                    banned_for_ms=self.book.banned_for_ms(key, now_ms),
                    now_ms=now_ms,
                )
            )
        return tuple(statuses)

    # What links report ------------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Return the loop's monotonic time in milliseconds."""
        # The fraction of a millisecond is dropped: nothing here is measured finer.
        return int(asyncio.get_running_loop().time() * 1_000)

    def link_made(self, link: _Link) -> None:
        """Own a link whose TLS handshake is done."""
        self._links.add(link)

    def link_is_up(self, link: _Link, session: LinkSession) -> None:
        """Make a link the one to its peer: the newer of two survives, once it is up."""
        key = session.peer.key
        older = self._up.get(key)
        if older is not None:
            older.end(LinkReplaced())
        assert key not in self._up
        assert session.hello is not None
        self._up[key] = link
        self._refusals.pop(session.peer.name, None)
        self._listener.link_up(session.peer, session.hello)

    def link_ended(self, link: _Link, reason: LinkError) -> None:
        """Draw the consequences of a link's end: counts, a ban, a word to the node."""
        session = link.session
        if session is None:
            # Dialled links are told by whoever dialled, inbound ones by whoever greeted.
            return
        key = session.peer.key
        if self.book.get(key) is not None:
            self._counters.setdefault(key, PeerCounters()).add(session)
            if isinstance(reason, Misbehaviour):
                self.book.ban(key, self.now_ms())
        if self._up.get(key) is link:
            del self._up[key]
            self._listener.link_down(session.peer, reason)

    def link_gone(self, link: _Link) -> None:
        """Forget a link whose socket is closed."""
        self._links.discard(link)

    def serve_soon(self, link: _Link) -> None:
        """Hand the received frames of `link` to the node, in turn with those of other links."""
        if not link.is_ready:
            link.is_ready = True
            self._ready.append(link)
        self._serve_in_a_moment()

    # Inbound frames ---------------------------------------------------------------------------------------------

    def _serve_in_a_moment(self) -> None:
        if not self._is_serve_due:
            self._is_serve_due = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        """Deliver one frame of each waiting link, then the next of each, up to the limit of one turn."""
        self._is_serve_due = False
        ready, deliver = self._ready, self._listener.frame_received
        for _ in range(SERVE_FRAMES_PER_TURN):
            if not ready:
                return
            link = ready.popleft()
            session = link.session
            frame = session.take_inbound() if session is not None and link.reason is None else None
            if session is None or frame is None:
                link.is_ready = False
                link.resume_reading_if_served()
                continue
            ready.append(link)
            deliver(session.peer, frame[0], frame[1])
        if ready:
            self._serve_in_a_moment()

    # Outbound frames --------------------------------------------------------------------------------------------

    def _frame(self, channel: Channel, payload: bytes) -> bytes:
        assert len(payload) <= self.node.table[channel].payload_bytes_max
        return encode_frame(channel, payload)

    def _queue(self, link: _Link, channel: Channel, frame: bytes, urgency: int) -> bool:
        assert link.session is not None
        was_queued = link.session.outbox.push(channel, frame, urgency)
        link.flush_soon()
        return was_queued

    # Connections ------------------------------------------------------------------------------------------------

    def _make_contexts(self) -> None:
        keys = self.book.keys()
        self._server_context = server_context(self._tls, keys)
        self._client_context = client_context(self._tls, keys)

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _dial_all(self) -> None:
        for entry in self.book.entries():
            key = entry.identity.key
            if key not in self._dialling and is_dialer(self.node.identity, entry.identity):
                self._dialling[key] = self._own(self._dial(key))

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peername = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(ACCEPT_RETRY_S)
                continue
            address = str(peername[0])
            try:
                self._door.enter(address, self.now_ms())
            except TooManyHandshakes as error:
                connection.close()
                self._tell_refusal(address, error)
                continue
            self._own(self._greet(connection, address))

    async def _greet(self, connection: socket.socket, address: str) -> None:
        """Take one inbound connection through TLS and hello."""
        link = _Link(self, None)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: link,
                connection,
                ssl=self._server_context,
                ssl_handshake_timeout=self.node.timings.handshake_ms / 1_000,
            )
            await link.settled.wait()
        except OSError as error:
            link.end(ConnectFailed(str(error) or type(error).__name__))
        finally:
            self._door.leave(address, self.now_ms(), has_failed=not link.was_up)
        if not link.was_up and link.reason is not None:
            self._tell_refusal(link.session.peer.name if link.session is not None else address, link.reason)

    async def _dial(self, key: PeerKey) -> None:
        """Keep a link to one peer for as long as it is allowed."""
        timings = self.node.timings
        back_off_ms = timings.back_off_min_ms
        while True:
            current = self._up.get(key)
            if current is not None:
                back_off_ms = timings.back_off_min_ms
                await current.ended.wait()
            # Drawn between half and the whole, so that a restarted network does not dial in step.
            pause_ms = self._random.randint((back_off_ms + 1) // 2, back_off_ms)
            if current is not None or back_off_ms > timings.back_off_min_ms:
                await asyncio.sleep(max(pause_ms, self.book.banned_for_ms(key, self.now_ms())) / 1_000)
            entry = self.book.get(key)
            if entry is None:
                return
            if key not in self._up and self.book.banned_for_ms(key, self.now_ms()) == 0:
                await self._try_addresses(entry)
            back_off_ms = min(2 * back_off_ms, timings.back_off_max_ms)

    async def _try_addresses(self, entry: PeerEntry) -> None:
        for address in entry.addresses:
            async with self._dials:
                reason = await self._try_address(entry.identity, address)
            if reason is None:
                return
            self._tell_refusal(entry.identity.name, reason)

    async def _try_address(self, peer: PeerIdentity, address: Address) -> LinkError | None:
        """Dial once; return None when the link came up, otherwise why it did not."""
        link = _Link(self, peer.key)
        handshake_s = self.node.timings.handshake_ms / 1_000
        try:
            async with asyncio.timeout(handshake_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: link,
                    address.host,
                    address.port,
                    ssl=self._client_context,
                    ssl_handshake_timeout=handshake_s,
                )
        except OSError as error:
            return ConnectFailed(f"{address}: {str(error) or type(error).__name__}")
        await link.settled.wait()
        return None if link.was_up else link.reason

    def _tell_refusal(self, place: str, reason: LinkError) -> None:
        """Tell the node why a link did not come up, unless it was told the same of this place the last time."""
        if self._refusals.get(place) is type(reason):
            return
        self._refusals.pop(place, None)
        if len(self._refusals) >= REFUSALS_REMEMBERED_MAX:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[place] = type(reason)
        self._listener.link_refused(place, reason)

"""A relay before every mesh listener: bytes pass, but late, narrow, stalled or not at all, each direction on its own.

A node dials the endpoint that the registry names for its peer, and that is the peer's relay. Which node dialled is told
by the owner of the connection's other socket, so the homes are the ones any network has. Bytes are TLS: the relay
cannot change or reorder them, and a lost packet is what TCP makes of it, a stall of one retransmission. Runs on one
event loop; never looks into what it carries.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from node.cli.ports import LOOPBACK

PIECE_BYTES_MAX = 64 * 1024
"""Bytes read at once: what a link writes at once."""
QUEUED_BYTES_MAX = 1024 * 1024
"""Bytes on their way in one direction, after which the sender is held back: 100 ms of 80 Mbit/s."""
RETRANSMISSION_S = 0.2
"""How long one lost packet stalls a stream: the least time-out of Linux."""
SOCKET_TABLE = Path("/proc/net/tcp")
HELD_POLL_S = 0.02
"""How often a held way is looked at again."""
STATE_LISTENING = "0A"
"""How that table writes the state of a listener."""


@dataclass(slots=True)
class Way:
    """How bytes go from one node to another now; changed while they flow."""

    delay_ms: int = 0
    jitter_ms: int = 0
    bytes_per_s: int = 0
    """0 is no limit."""
    loss_percent: int = 0
    """Share of pieces that stall for RETRANSMISSION_S."""
    is_held: bool = False
    """Bytes wait in the relay, and pass when the way is open again, as TCP would send them again."""
    is_lost: bool = False
    """Bytes are swallowed: the other end's connection is gone and this one does not know."""


class Ways:
    """Every directed way of a network, and which pairs have no connection at all."""

    def __init__(self) -> None:
        self._ways: dict[tuple[str, str], Way] = {}
        self._cut: set[frozenset[str]] = set()
        self._connections: set[Connection] = set()

    def way(self, source: str, target: str) -> Way:
        """Return the way from `source` to `target`."""
        return self._ways.setdefault((source, target), Way())

    def cut(self, one: str, other: str) -> None:
        """Close the connections of a pair and refuse new ones."""
        self._cut.add(frozenset((one, other)))
        for connection in self.between(one, other):
            connection.abort()

    def mend(self, one: str, other: str) -> None:
        """Let a pair connect again."""
        self._cut.discard(frozenset((one, other)))

    def is_cut(self, one: str, other: str) -> bool:
        """Tell whether a pair may not connect."""
        return frozenset((one, other)) in self._cut

    def between(self, one: str, other: str) -> list["Connection"]:
        """Return the open connections of a pair."""
        return [entry for entry in self._connections if {entry.dialler, entry.listener} == {one, other}]

    def opened(self, connection: "Connection") -> None:
        """Remember a connection for as long as it is open."""
        self._connections.add(connection)

    def closed(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._connections.discard(connection)


class Connection:
    """One connection through a relay: two sockets and two directions."""

    def __init__(self, dialler: str, listener: str, ends: Mapping[str, asyncio.StreamWriter]) -> None:
        self.dialler = dialler
        self.listener = listener
        self._ends = ends

    def abort(self) -> None:
        """Reset both sides."""
        for end in self._ends.values():
            end.transport.abort()

    def abort_end(self, name: str) -> None:
        """Reset the side of one node only."""
        self._ends[name].transport.abort()


class Relay:
    """Listens before one node's mesh listener."""

    def __init__(
        self,
        listener: str,
        *,
        port: int,
        target_port: int,
        ways: Ways,
        owner: Callable[[int], str | None],
        random: Random,
    ) -> None:
        """Prepare; `owner` names the node that opened the connection from a local port, or None for a stranger."""
        self._listener = listener
        self._port = port
        self._target_port = target_port
        self._ways = ways
        self._owner = owner
        self._random = random
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen.

        Raises: OSError when the port is taken.
        """
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self._port)

    @property
    def bound_port(self) -> int:
        """The port listened on; the system's choice when 0 was asked for."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """End every connection; returns when nothing is left."""
        assert self._server is not None
        self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            # The server's own callback must not see it: closing is how relays end.
            return
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dialler = self._owner(writer.get_extra_info("peername")[1])
        if dialler is None or self._ways.is_cut(dialler, self._listener):
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            return
        connection = Connection(dialler, self._listener, {dialler: writer, self._listener: far_writer})
        self._ways.opened(connection)
        there, back = self._ways.way(dialler, self._listener), self._ways.way(self._listener, dialler)
        directions = [
            asyncio.ensure_future(pump(reader, far_writer, there, self._random)),
            asyncio.ensure_future(pump(far_reader, writer, back, self._random)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            if there.is_lost or back.is_lost:
                # Half-open: the side that is left goes on believing until it gives up by itself.
                await asyncio.wait(directions)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            self._ways.closed(connection)
            far_writer.transport.abort()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way, random: Random) -> None:
    """Carry bytes from `reader` to `writer` as `way` says, until either end is gone."""
    queue: deque[tuple[float, bytes]] = deque()
    queued = _Level()
    carrying = asyncio.ensure_future(_carry(queue, queued, writer, way))
    loop = asyncio.get_running_loop()
    due_s = 0.0
    try:
        while piece := await reader.read(PIECE_BYTES_MAX):
            if way.is_lost:
                continue
            due_s = max(due_s, loop.time() + _travel_s(way, random))
            if way.bytes_per_s:
                due_s += len(piece) / way.bytes_per_s
            queue.append((due_s, piece))
            queued.add(len(piece))
            await queued.wait_for_room()
            if carrying.done():
                return
        # What was sent before the end still arrives.
        await queued.wait_until_empty()
    except OSError:
        return
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)


class _Level:
    """How many bytes one direction holds."""

    def __init__(self) -> None:
        self._bytes = 0
        self.changed = asyncio.Event()

    def add(self, count: int) -> None:
        self._bytes += count
        self.changed.set()

    async def wait_for_room(self) -> None:
        while self._bytes > QUEUED_BYTES_MAX:
            await self._change()

    async def wait_until_empty(self) -> None:
        while self._bytes:
            await self._change()

    async def _change(self) -> None:
        self.changed.clear()
        await self.changed.wait()


async def _carry(queue: deque[tuple[float, bytes]], queued: _Level, writer: asyncio.StreamWriter, way: Way) -> None:
    loop = asyncio.get_running_loop()
    try:
        while True:
            while not queue:
                queued.changed.clear()
                await queued.changed.wait()
            due_s, piece = queue[0]
            wait_s = due_s - loop.time()
            if wait_s > 0 or way.is_held:
                await asyncio.sleep(HELD_POLL_S if wait_s <= 0 else wait_s)
                continue
            queue.popleft()
            if not way.is_lost:
                writer.write(piece)
                await writer.drain()
            queued.add(-len(piece))
    except OSError:
        # The target is gone: what waits is lost with it, and the reader must not wait for room.
        queued.add(-queued._bytes)


def _travel_s(way: Way, random: Random) -> float:
    travel_s = (way.delay_ms + (random.randrange(way.jitter_ms + 1) if way.jitter_ms else 0)) / 1_000
    return travel_s + (RETRANSMISSION_S if way.loss_percent and random.randrange(100) < way.loss_percent else 0.0)


def owner_of_port(port: int, process_ids: Mapping[str, int]) -> str | None:
    """Return which of the named processes holds the socket bound to local `port`; None when none does.

    Source: proc(5), /proc/net/tcp and /proc/PID/fd.
    """
    inode = _inode_of_port(port)
    if inode is None:
        return None
    wanted = f"socket:[{inode}]"
    for name, process_id in process_ids.items():
        folder = Path(f"/proc/{process_id}/fd")
        try:
            descriptors = os.listdir(folder)
        except OSError:
            continue
        if any(_link_target(folder / descriptor) == wanted for descriptor in descriptors):
            return name
    return None


def _inode_of_port(port: int) -> str | None:
    suffix = f":{port:04X}"
    for line in SOCKET_TABLE.read_text().splitlines()[1:]:
        fields = line.split()
        is_listening = fields[3] == STATE_LISTENING
        if fields[1].endswith(suffix) and not is_listening:
            return fields[9]
    return None


def _link_target(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""

"""The JSON-RPC door: listening, connections that say nothing, and the end of all of them.

HTTP and WebSocket share a port; `ws_port` adds the second one that some tools expect.
"""

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import WSCloseCode, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from node.mempool.pool import PooledTransaction
from node.rpc.access import Access
from node.rpc.backend import Backend
from node.rpc.call_list import Observer
from node.rpc.dev_keys import NO_KEYS, DevKeys
from node.rpc.http_requests import HttpRequests
from node.rpc.methods import Context, RpcLimits
from node.rpc.subscriptions import SubscriptionHub

SHUTDOWN_SECONDS = 1
"""How long running requests may end after `stop`, and again after they are cancelled. A client that waits for
finality can ask again elsewhere; twice this would make every restart of a busy node noticeably slower."""

BACKLOG = 256
"""Connections the kernel holds while the loop is busy: a burst of every wallet of a small bank."""

LINGER_SECONDS = 1
"""How long a refused body is still drained, so that its sender reads the refusal instead of a reset."""

HANDSHAKE_SECONDS = 10
"""For the TLS handshake of a new connection."""

SYNCING_CHECK_SECONDS = 1
"""How often subscribers of `syncing` are told of a change while no block becomes final."""


class RpcAddressUnavailable(Exception):
    """The configured address cannot be listened on."""

    def __init__(self, addr: str, port: int, cause: OSError) -> None:
        self.addr = addr
        self.port = port
        if cause.errno == errno.EADDRINUSE:
            detail = f"port {port} is taken: stop what uses it, or choose another with --rpc.port"
        elif cause.errno == errno.EACCES:
            detail = f"port {port} needs privileges: choose one above 1023 with --rpc.port"
        else:
            detail = f"{cause.strerror or cause}: check --rpc.addr and --rpc.port"
        super().__init__(f"cannot serve JSON-RPC on {addr}:{port}: {detail}")


@dataclass(frozen=True, slots=True)
class Door:
    """Where and for whom a node listens."""

    addr: str = "127.0.0.1"
    port: int = 0
    """0 for a free one."""
    ws_port: int | None = None
    origins: frozenset[str] = frozenset()
    """Of web pages that may use the node."""
    tls: ssl.SSLContext | None = None
    keys: DevKeys = NO_KEYS


class RpcServer:
    """One node's JSON-RPC. Owned by the loop thread."""

    def __init__(
        self, backend: Backend, limits: RpcLimits, observer: Observer, door: Door, access: Access | None = None
    ) -> None:
        self._limits = limits
        self._door = door
        self._access = access or Access()
        self._hub = SubscriptionHub(backend, count_changed=observer.subscriptions)
        self._requests = HttpRequests(
            Context(backend, limits, keys=door.keys), observer, self._access, self._hub, door.origins
        )
        self._http: web.Server | None = None
        self._listeners: list[asyncio.Server] = []
        self._syncing_check: asyncio.TimerHandle | None = None
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}
        """Connections that have not sent a whole request head yet, with what will close them."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports listened on: the given ones, or the kernel's choice for those that were 0."""
        return tuple(int(listener.sockets[0].getsockname()[1]) for listener in self._listeners)

    @property
    def port(self) -> int:
        """The first of the ports."""
        return self.ports[0]

    async def start(self) -> None:
        """Listen and answer from now on.

        Raises: RpcAddressUnavailable, naming the port.
        """
        assert not self._listeners
        loop = asyncio.get_running_loop()
        self._http = web.Server(
            self._handle,
            request_factory=self._make_request,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._limits.idle_timeout_ms / 1000,
            lingering_time=min(LINGER_SECONDS, self._limits.read_timeout_ms / 1000),
        )
        door = self._door
        for port in (door.port,) if door.ws_port is None else (door.port, door.ws_port):
            try:
                listener = await loop.create_server(
                    self._accept,
                    door.addr,
                    port,
                    backlog=BACKLOG,
                    ssl=door.tls,
                    ssl_handshake_timeout=HANDSHAKE_SECONDS if door.tls is not None else None,
                )
            except OSError as error:
                await self.stop()
                raise RpcAddressUnavailable(door.addr, port, error) from error
            self._listeners.append(listener)
        self._check_syncing()

    async def stop(self) -> None:
        """Stop listening, say goodbye to WebSockets, give running requests two seconds to end, close the rest."""
        if self._http is None:
            return
        for listener in self._listeners:
            listener.close()
        if self._syncing_check is not None:
            self._syncing_check.cancel()
        self._http.pre_shutdown()
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()
        await asyncio.gather(
            *(session.close(WSCloseCode.GOING_AWAY, "this node stops") for session in self._requests.websockets)
        )
        await self._http.shutdown(SHUTDOWN_SECONDS)
        for listener in self._listeners:
            await listener.wait_closed()
        self._listeners, self._http = [], None

    def block_final(self) -> None:
        """Hear that a block is final and readable."""
        self._hub.block_final()

    def admitted(self, transactions: Sequence[PooledTransaction]) -> None:
        """Hear of transactions that became pending."""
        self._hub.admitted(transactions)

    async def close_unknown(self) -> None:
        """Close the WebSockets of clients whose key was taken away."""
        gone = [found for found in self._requests.websockets if not self._access.is_known(found.client)]
        await asyncio.gather(*(found.close(WSCloseCode.POLICY_VIOLATION, "the API key was revoked") for found in gone))

    def _check_syncing(self) -> None:
        self._hub.update_syncing()
        self._syncing_check = asyncio.get_running_loop().call_later(SYNCING_CHECK_SECONDS, self._check_syncing)

    def _accept(self) -> asyncio.Protocol:
        """Return what speaks on a new connection, which is closed unless it sends a request in time."""
        assert self._http is not None
        if len(self._http.connections) >= self._limits.connections_max:
            return _Refusing()
        connection = self._http()
        seconds = self._limits.read_timeout_ms / 1000
        self._silent[connection] = asyncio.get_running_loop().call_later(seconds, self._close_silent, connection)
        return connection

    def _close_silent(self, connection: RequestHandler) -> None:
        del self._silent[connection]
        connection.force_close()

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        return web.BaseRequest(
            message, payload, protocol, writer, task, loop, client_max_size=self._limits.request_bytes_max
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._silent:
            timer = self._silent.pop(request.protocol, None)
            if timer is not None:
                timer.cancel()
        return await self._requests.handle(request)


class _Refusing(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()

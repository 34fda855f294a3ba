"""The HTTP door: sockets, size, time and content type. What a request means is for call_list.py.

No CORS headers are ever sent and only application/json is read, so no web page can make a browser talk to a node.
"""

import asyncio
import errno
from collections.abc import Mapping

import orjson
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from node.rpc.backend import Backend
from node.rpc.call_list import CallLists, Observer
from node.rpc.errors import InvalidRequest, RequestTooLarge, error_object
from node.rpc.methods import Context, RpcLimits

SHUTDOWN_SECONDS = 1
"""How long running requests may end after `stop`, and again after they are cancelled. A client that waits for
finality can ask again elsewhere; twice this would make every restart of a busy node noticeably slower."""

BACKLOG = 256
"""Connections the kernel holds while the loop is busy: a burst of every wallet of a small bank."""

WRITE_AT_ONCE_MAX = 64 * 1024
"""Answers up to this length are left to the socket's buffer; longer ones are written with a time-out."""

LINGER_SECONDS = 1
"""How long a refused body is still drained, so that its sender reads the refusal instead of a reset."""

_JSON = "application/json"


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


class RpcServer:
    """One listening address. Owned by the loop thread."""

    def __init__(self, backend: Backend, limits: RpcLimits, observer: Observer, *, addr: str, port: int) -> None:
        self._limits = limits
        self._calls = CallLists(Context(backend, limits), observer)
        self._addr = addr
        self._port = port
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}
        """Connections that have not sent a whole request head yet, with what will close them."""

    @property
    def port(self) -> int:
        """The port listened on: the given one, or the kernel's choice if that was 0."""
        assert self._listener is not None
        port = self._listener.sockets[0].getsockname()[1]
        assert isinstance(port, int)
        return port

    async def start(self) -> None:
        """Listen and answer from now on.

        Raises: RpcAddressUnavailable, naming the port.
        """
        assert self._listener is None
        loop = asyncio.get_running_loop()
        self._http = web.Server(
            self._handle,
            request_factory=self._make_request,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=self._limits.idle_timeout_ms / 1000,
            lingering_time=min(LINGER_SECONDS, self._limits.read_timeout_ms / 1000),
        )
        try:
            self._listener = await loop.create_server(self._accept, self._addr, self._port, backlog=BACKLOG)
        except OSError as error:
            raise RpcAddressUnavailable(self._addr, self._port, error) from error

    async def stop(self) -> None:
        """Stop listening, give running requests two seconds to end, close every connection."""
        if self._listener is None or self._http is None:
            return
        self._listener.close()
        self._http.pre_shutdown()
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()
        await self._http.shutdown(SHUTDOWN_SECONDS)
        await self._listener.wait_closed()
        self._listener = self._http = None

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
        if request.method != "POST":
            refusal = InvalidRequest("HTTP method", expected="POST", actual=request.method)
            return _refused(405, refusal, {"Allow": "POST"})
        if request.content_type != _JSON or "Content-Encoding" in request.headers:
            found = f"{request.content_type} {request.headers.get('Content-Encoding', '')}".rstrip()
            return _refused(415, InvalidRequest("Content-Type", expected=f"plain {_JSON}", actual=found))
        limit = self._limits.request_bytes_max
        if request.content_length is not None and request.content_length > limit:
            return _refused(413, RequestTooLarge(limit), {"Connection": "close"})
        try:
            async with asyncio.timeout(self._limits.read_timeout_ms / 1000):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _refused(413, RequestTooLarge(limit), {"Connection": "close"})
        except TimeoutError:
            expected = f"complete within {self._limits.read_timeout_ms} ms"
            return _refused(408, InvalidRequest("body", expected=expected, actual="less"), {"Connection": "close"})
        answer = await self._calls.answer(body)
        if not answer:
            return web.Response(status=204)
        response = web.Response(body=answer, content_type=_JSON)
        if len(answer) > WRITE_AT_ONCE_MAX:
            await self._write(request, response)
        return response

    async def _write(self, request: web.BaseRequest, response: web.Response) -> None:
        """Send a long answer, and cut the connection if its reader does not keep up."""
        try:
            async with asyncio.timeout(self._limits.write_timeout_ms / 1000):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()


class _Refusing(asyncio.Protocol):
    """Closes a connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _refused(status: int, error: Exception, headers: Mapping[str, str] | None = None) -> web.Response:
    body = orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error_object(error)})
    response = web.Response(status=status, body=body, content_type=_JSON, headers=headers)
    if headers is not None and "Connection" in headers:
        response.force_close()
    return response

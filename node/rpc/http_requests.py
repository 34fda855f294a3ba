"""One HTTP request: who asks, size, time and content type. What its body means is for call_list.py.

No web page is answered whose origin the operator has not named (origins.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import orjson
from aiohttp import web

from node.rpc.access import Access, Client
from node.rpc.call_list import CallLists, Observer
from node.rpc.error_table import error_object
from node.rpc.errors import (
    InvalidRequest,
    MemoryExhausted,
    OriginRefused,
    RequestTooLarge,
    TooManyWebSockets,
    Unauthorized,
)
from node.rpc.memory_budget import Hold, MemoryBudget
from node.rpc.methods import Context
from node.rpc.origins import answer_headers, preflight_headers
from node.rpc.subscriptions import SubscriptionHub
from node.rpc.websocket import WebSocketSession

WRITE_AT_ONCE_MAX = 64 * 1024
"""Answers up to this length are left to the socket's buffer; longer ones are written with a time-out."""

_JSON = "application/json"
_BEARER = "Bearer "
_CLOSE = {"Connection": "close"}


@dataclass(slots=True)
class _Refusal(Exception):
    """An answer given before anybody looked at the body."""

    status: int
    error: Exception
    headers: Mapping[str, str]


class HttpRequests:
    """Answers the requests of every connection. Owned by the loop thread."""

    def __init__(
        self, context: Context, observer: Observer, access: Access, hub: SubscriptionHub, origins: frozenset[str]
    ) -> None:
        self._context = context
        self._limits = context.limits
        self._observer = observer
        self._access = access
        self._hub = hub
        self._origins = origins
        self._calls: WeakKeyDictionary[Client, CallLists] = WeakKeyDictionary()
        """Kept as long as the client is known."""
        self._bodies = MemoryBudget("requests", self._limits.bodies_bytes_max)
        self._answers = MemoryBudget("answers", self._limits.answers_bytes_max)
        self.websockets: set[WebSocketSession] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or serve the WebSocket it asks for."""
        origin = request.headers.get("Origin")
        try:
            if origin is not None:
                if origin not in self._origins:
                    raise _Refusal(403, OriginRefused(origin), {})
                if request.method == "OPTIONS":
                    return web.Response(status=204, headers=preflight_headers(origin, request.headers))
            if request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._serve_websocket(request)
            response = await self._answer(request)
        except _Refusal as refusal:
            response = _refused(refusal)
        if origin is not None and origin in self._origins:
            response.headers.update(answer_headers(origin))
        if len(response.body) > WRITE_AT_ONCE_MAX:  # type: ignore[arg-type]  # always bytes here
            await self._write(request, response)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        if request.method != "POST":
            refusal = InvalidRequest("HTTP method", expected="POST", actual=request.method)
            raise _Refusal(405, refusal, {"Allow": "POST"})
        client = self._admit(request, _bearer(request))
        if request.content_type != _JSON or "Content-Encoding" in request.headers:
            found = f"{request.content_type} {request.headers.get('Content-Encoding', '')}".rstrip()
            raise _Refusal(415, InvalidRequest("Content-Type", expected=f"plain {_JSON}", actual=found), {})
        limit = self._limits.request_bytes_max
        if request.content_length is not None and request.content_length > limit:
            raise _Refusal(413, RequestTooLarge(limit), _CLOSE)
        with self._bodies.hold() as hold:
            answer = await self._calls_of(client).answer(await self._read(request, hold))
        return web.Response(body=answer, content_type=_JSON) if answer else web.Response(status=204, body=b"")

    async def _read(self, request: web.BaseRequest, hold: Hold) -> bytes:
        """Return the body; memory is taken for what arrives, not for what a client says will."""
        limit = self._limits.request_bytes_max
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.read_timeout_ms / 1000):
                while part := await request.content.readany():
                    parts.append(part)
                    size += len(part)
                    if size > limit:
                        raise _Refusal(413, RequestTooLarge(limit), _CLOSE)
                    hold.reach(size)
        except MemoryExhausted as error:
            raise _Refusal(503, error, _CLOSE) from error
        except TimeoutError as error:
            expected = f"complete within {self._limits.read_timeout_ms} ms"
            raise _Refusal(408, InvalidRequest("body", expected=expected, actual="less"), _CLOSE) from error
        return b"".join(parts)

    async def _write(self, request: web.BaseRequest, response: web.Response) -> None:
        """Send a long answer, and cut the connection if its reader does not keep up."""
        body = response.body
        assert isinstance(body, bytes)
        with self._answers.hold() as hold:
            try:
                hold.reach(len(body))
            except MemoryExhausted as error:
                response.body = _error_body(error)
                response.set_status(503)
                return
            try:
                async with asyncio.timeout(self._limits.write_timeout_ms / 1000):
                    await response.prepare(request)
                    await response.write_eof()
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()

    async def _serve_websocket(self, request: web.BaseRequest) -> web.StreamResponse:
        # Browsers cannot send a header with a handshake, so a key may stand in the address there.
        client = self._admit(request, _bearer(request) or request.query.get("key"))
        if len(self.websockets) >= self._limits.websockets_max:
            raise _Refusal(503, TooManyWebSockets(limit=self._limits.websockets_max), _CLOSE)
        subscriptions = self._hub.connect()
        calls = CallLists(replace(self._context, client=client, subscriptions=subscriptions), self._observer)
        session = WebSocketSession(
            client, calls, subscriptions, self._limits, self._observer, bodies=self._bodies, answers=self._answers
        )
        self.websockets.add(session)
        try:
            return await session.run(request)
        except web.HTTPBadRequest as error:
            refusal = InvalidRequest("WebSocket handshake", expected="as RFC 6455 says", actual=error.text)
            raise _Refusal(400, refusal, _CLOSE) from error
        finally:
            self.websockets.discard(session)

    def _admit(self, request: web.BaseRequest, secret: str | None) -> Client:
        try:
            return self._access.admit(secret, request.remote or "")
        except Unauthorized as error:
            raise _Refusal(401, error, {"WWW-Authenticate": "Bearer"}) from error

    def _calls_of(self, client: Client) -> CallLists:
        calls = self._calls.get(client)
        if calls is None:
            calls = self._calls[client] = CallLists(replace(self._context, client=client), self._observer)
        return calls


def _bearer(request: web.BaseRequest) -> str | None:
    found = request.headers.get("Authorization")
    return found.removeprefix(_BEARER) if found is not None else None


def _error_body(error: Exception) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error_object(error)})


def _refused(refusal: _Refusal) -> web.Response:
    response = web.Response(
        status=refusal.status, body=_error_body(refusal.error), content_type=_JSON, headers=refusal.headers
    )
    if "Connection" in refusal.headers:
        response.force_close()
    return response

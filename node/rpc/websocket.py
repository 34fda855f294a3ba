"""A WebSocket: calls as over HTTP, and notifications that nobody asked for again.

One connection never holds more than its calls under way, one step of one subscription, and what the socket's buffer
takes. A reader that takes nothing is closed with a reason; it never slows others.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Final

import orjson
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from node.rpc.access import Client
from node.rpc.call_list import CallLists, Observer
from node.rpc.error_table import error_object
from node.rpc.errors import MemoryExhausted
from node.rpc.memory_budget import MemoryBudget
from node.rpc.methods import RpcLimits
from node.rpc.subscriptions import Subscriptions, TooSlow

HEARTBEAT_SECONDS: Final = 30
"""A peer that is silent so long is asked for a sign of life, and is gone if half as long it gives none."""

CLOSE_SECONDS: Final = 2
"""How long a peer may take to say goodbye."""

MESSAGES_AT_ONCE_MAX: Final = 32
"""Messages of one connection under way; meanwhile nothing more is read from it."""

NOTIFICATIONS_PER_TURN: Final = 50
"""After so many in a row the loop gets a turn: 1 ms."""


class WebSocketSession:
    """One connection. Owned by the loop thread."""

    def __init__(
        self,
        client: Client,
        calls: CallLists,
        subscriptions: Subscriptions,
        limits: RpcLimits,
        observer: Observer,
        *,
        bodies: MemoryBudget,
        answers: MemoryBudget,
    ) -> None:
        self.client = client
        self._calls = calls
        self._subscriptions = subscriptions
        self._write_timeout_s = limits.write_timeout_ms / 1000
        self._observer = observer
        self._bodies = bodies
        self._answers = answers
        self._socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_SECONDS,
            timeout=CLOSE_SECONDS,
            max_msg_size=limits.message_bytes_max,
            compress=False,
            decode_text=False,
        )
        self._request: web.BaseRequest | None = None
        self._at_once = asyncio.Semaphore(MESSAGES_AT_ONCE_MAX)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve the connection until either side ends it. Raises: HTTPBadRequest if it is no WebSocket handshake."""
        self._request = request
        try:
            await self._socket.prepare(request)
            self._begin(self._notify())
            async for message in self._socket:
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                await self._at_once.acquire()
                self._begin(self._answer(message.data))
        finally:
            self._subscriptions.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return self._socket

    async def close(self, code: WSCloseCode, reason: str) -> None:
        """Say why, and end the connection whether it is heard or not."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError):
            self._abort()

    def _abort(self) -> None:
        if self._request is not None and self._request.transport is not None:
            self._request.transport.abort()

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Coroutine[object, object, None]) -> None:
        """Run a part of the connection; whatever ends it before its time ends the connection."""
        try:
            await work
        except TooSlow as error:
            await self.close(WSCloseCode.POLICY_VIOLATION, str(error))
        except (ConnectionError, ClientConnectionResetError):
            self._abort()
        except Exception as error:
            incident = secrets.token_hex(8)
            self._observer.incident(incident, "websocket", error)
            await self.close(WSCloseCode.INTERNAL_ERROR, f"internal error, incident {incident}")

    async def _answer(self, body: bytes) -> None:
        try:
            with self._bodies.hold() as hold:
                hold.reach(len(body))
                answer = await self._calls.answer(body)
            if answer:
                with self._answers.hold() as hold:
                    hold.reach(len(answer))
                    await self._send(answer)
                self._subscriptions.start_told(answer)
        except MemoryExhausted as error:
            await self._send(orjson.dumps({"jsonrpc": "2.0", "id": None, "error": error_object(error)}))
        finally:
            self._at_once.release()

    async def _notify(self) -> None:
        """Send what subscriptions tell, as fast as the reader takes it."""
        in_a_row = 0
        while True:
            for notification in await self._subscriptions.next_notifications():
                await self._send(notification)
                in_a_row += 1
                if in_a_row % NOTIFICATIONS_PER_TURN == 0:
                    await asyncio.sleep(0)

    async def _send(self, message: bytes) -> None:
        """Write a message, and wait while the socket's buffer is full. Raises: ConnectionError."""
        # Not a time-out: cancelling one wait for the buffer would end every other wait of this connection.
        timer = asyncio.get_running_loop().call_later(self._write_timeout_s, self._give_up)
        try:
            await self._socket.send_frame(message, WSMsgType.TEXT)
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        reason = f"slow reader: took nothing for {self._write_timeout_s:g} s"
        self._begin(self.close(WSCloseCode.POLICY_VIOLATION, reason))

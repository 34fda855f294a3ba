"""A server on a free loopback port, for the length of a test; nothing may fail unseen in its loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from node.rpc.access import Access
from node.rpc.methods import RpcLimits
from node.rpc.server import Door, RpcServer
from tests.node.rpc.fakes import FakeBackend, Recorder


@dataclass(frozen=True)
class Served:
    backend: FakeBackend
    server: RpcServer
    recorder: Recorder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@asynccontextmanager
async def serving(
    backend: FakeBackend, limits: RpcLimits | None = None, *, door: Door | None = None, access: Access | None = None
) -> AsyncIterator[Served]:
    recorder = Recorder()
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, failure: failures.append(failure))
    server = RpcServer(backend, limits or RpcLimits(), recorder, door or Door(), access)
    await server.start()
    try:
        yield Served(backend, server, recorder)
    finally:
        await server.stop()
    assert failures == []

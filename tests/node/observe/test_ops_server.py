"""The operator's port over real HTTP on loopback."""

from dataclasses import replace

import aiohttp
import pytest

from node.observe.facts import NodeFacts
from node.observe.metrics import Metrics
from node.observe.ops_server import OpsServer
from tests.node.observe.example import HEALTHY


async def ask(facts: NodeFacts, path: str) -> tuple[int, str]:
    server = OpsServer(lambda: facts, Metrics(), addr="127.0.0.1", port=0)
    await server.start()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{server.port}{path}") as response,
        ):
            return response.status, await response.text()
    finally:
        await server.stop()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("facts", "path", "status", "contains"),
    [
        (HEALTHY, "/livez", 200, "ok"),
        (replace(HEALTHY, is_wal_writable=False), "/livez", 503, "failed wal: not writable, required writable"),
        (HEALTHY, "/readyz", 200, "ok"),
        (replace(HEALTHY, links=()), "/readyz", 503, "failed links: 0 up, required at least 2"),
        (HEALTHY, "/status", 200, '"height": 1204'),
        (HEALTHY, "/status?format=text", 200, "bank-a-1   validator 0 of 4 (quorum 3)"),
        (HEALTHY, "/metrics", 200, "sycee_final_height 1204.0"),
        (HEALTHY, "/version", 200, '"commit": "3f9a2c1"'),
        (HEALTHY, "/validators", 200, '"name": "delta"'),
        (HEALTHY, "/validators?epoch=3&format=text", 200, "epoch 3, quorum 3"),
        (HEALTHY, "/validators?epoch=4", 404, "epoch 4 is not the current one, 3"),
        (HEALTHY, "/keys", 404, "Not Found"),
    ],
)
async def test_each_path_answers(facts: NodeFacts, path: str, status: int, contains: str) -> None:
    found_status, body = await ask(facts, path)

    assert found_status == status
    assert contains in body


@pytest.mark.asyncio
async def test_a_taken_port_is_an_error_at_start() -> None:
    first = OpsServer(lambda: HEALTHY, Metrics(), addr="127.0.0.1", port=0)
    await first.start()
    second = OpsServer(lambda: HEALTHY, Metrics(), addr="127.0.0.1", port=first.port)
    try:
        with pytest.raises(OSError, match=str(first.port)):
            await second.start()
    finally:
        await second.stop()
        await first.stop()

"""Who may use the HTTP door: pages of named origins, holders of keys, and everybody else at a measured rate."""

import asyncio
from typing import Any

import aiohttp
import pytest

from node.rpc.access import Access
from node.rpc.key_file import make_key
from node.rpc.methods import RpcLimits
from node.rpc.server import Door
from tests.node.rpc.clock import Microseconds
from tests.node.rpc.fakes import small_chain
from tests.node.rpc.serving import Served, serving

CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
OURS, OTHER = "https://bank.example", "https://evil.example"
DOOR = Door(origins=frozenset({OURS}))


async def post(served: Served, body: bytes = CALL, **headers: str) -> tuple[aiohttp.ClientResponse, Any]:
    sent = {"Content-Type": "application/json", **headers}
    async with aiohttp.ClientSession() as session, session.post(served.url, data=body, headers=sent) as response:
        return response, await response.json()


@pytest.mark.asyncio
async def test_page_of_a_named_origin_may_ask_and_read() -> None:
    async with serving(small_chain(), door=DOOR) as served:
        response, answer = await post(served, Origin=OURS)
        assert answer["result"] == "0x5cee"
        assert response.headers["Access-Control-Allow-Origin"] == OURS
        assert response.headers["Vary"] == "Origin"


@pytest.mark.asyncio
@pytest.mark.parametrize("origin", [OTHER, "null", OURS + "/", OURS + ":443", OURS.upper(), ""])
@pytest.mark.parametrize("door", [DOOR, Door()])
async def test_page_of_any_other_origin_is_refused(origin: str, door: Door) -> None:
    async with serving(small_chain(), door=door) as served:
        response, answer = await post(served, Origin=origin)
        assert (response.status, answer["error"]["data"]["reason"]) == (403, "origin_refused")
        assert not any(name.lower().startswith("access-control") for name in response.headers)
        assert served.recorder.answers == []


@pytest.mark.asyncio
async def test_page_reads_refusals_too() -> None:
    async with serving(small_chain(), door=DOOR, access=Access(is_key_required=True)) as served:
        response, answer = await post(served, Origin=OURS)
        assert (response.status, answer["error"]["data"]["reason"]) == (401, "unauthorized")
        assert response.headers["Access-Control-Allow-Origin"] == OURS


@pytest.mark.asyncio
async def test_browser_is_told_what_a_named_origin_may_send() -> None:
    headers = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with serving(small_chain(), door=DOOR) as served, aiohttp.ClientSession() as session:
        async with session.options(served.url, headers={"Origin": OURS, **headers}) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Methods"] == "POST"
            assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
        async with session.options(served.url, headers={"Origin": OTHER, **headers}) as response:
            assert response.status == 403


@pytest.mark.asyncio
async def test_key_limits_namespaces_and_rate() -> None:
    secret, key = make_key("till-7", requests_per_s=1, burst=2, namespaces=("eth",))
    async with serving(small_chain(), access=Access([key], now_us=Microseconds())) as served:
        bearer = {"Authorization": f"Bearer {secret}"}
        _, answer = await post(served, CALL.replace(b"eth_chainId", b"net_version"), **bearer)
        assert answer["error"]["code"] == -32601
        _, answers = await post(served, b"[" + b",".join([CALL] * 3) + b"]", **bearer)
        assert [answer.get("result") for answer in answers] == ["0x5cee", "0x5cee", None]
        error = answers[2]["error"]
        assert (error["code"], error["data"]) == (
            -32005,
            {"reason": "rate_exceeded", "limit": 1, "retry_after_ms": 1_000},
        )
        _, answer = await post(served)
        assert answer["result"] == "0x5cee"


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["", "Bearer", "Bearer wrong", "Basic dXNlcjpwYXNz", "wrong"])
async def test_wrong_key_is_refused_although_nobody_needs_one(value: str) -> None:
    async with serving(small_chain()) as served:
        response, answer = await post(served, Authorization=value)
        assert (response.status, answer["error"]["code"]) == (401, -32600)
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.asyncio
async def test_key_in_the_address_is_for_websockets_only() -> None:
    secret, key = make_key("till-7")
    access = Access([key], is_key_required=True)
    async with (
        serving(small_chain(), access=access) as served,
        aiohttp.ClientSession() as session,
        session.post(
            f"{served.url}/?key={secret}", data=CALL, headers={"Content-Type": "application/json"}
        ) as response,
    ):
        assert response.status == 401


@pytest.mark.asyncio
async def test_second_port_serves_the_same() -> None:
    # The first port is the kernel's choice, so the second is too.
    async with serving(small_chain(), door=Door(ws_port=0)) as served:
        ports = served.server.ports
        assert len(set(ports)) == 2
        async with aiohttp.ClientSession() as session:
            for port in ports:
                async with session.ws_connect(f"http://127.0.0.1:{port}") as socket:
                    await socket.send_bytes(CALL)
                    assert (await socket.receive_json())["result"] == "0x5cee"


@pytest.mark.asyncio
async def test_long_bodies_share_one_bound_and_payments_go_on() -> None:
    limits = RpcLimits(bodies_bytes_max=200_000)
    long_body = b"[" + b",".join([CALL] * 50) + b" " * 150_000 + b"]"
    async with serving(small_chain(), limits) as served, aiohttp.ClientSession() as session:
        # One that has sent most of its body and waits holds what it sent.
        _, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: 400000\r\n\r\n")
        writer.write(b" " * 250_000)
        await writer.drain()
        headers = {"Content-Type": "application/json"}
        async with asyncio.timeout(5):
            while True:
                async with session.post(served.url, data=long_body, headers=headers) as response:
                    if response.status == 503:
                        answer = await response.json()
                        break
        assert answer["error"]["code"] == -32005
        assert answer["error"]["data"] == {"reason": "memory_exhausted", "retry_after_ms": 1_000}
        _, paid = await post(served)
        assert paid["result"] == "0x5cee"
        writer.close()
        async with asyncio.timeout(5):
            while True:
                async with session.post(served.url, data=long_body, headers=headers) as response:
                    if response.status == 200:
                        break

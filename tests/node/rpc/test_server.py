"""The HTTP door: what is let in, what is told to those who are not, and what happens to silent connections."""

import asyncio
import contextlib
import json
import socket
from typing import Any

import aiohttp
import pytest

from node.rpc.methods import RpcLimits
from node.rpc.server import Door, RpcAddressUnavailable, RpcServer
from tests.node.rpc.fakes import ALICE, BOB_ADDRESS, FakeBackend, Recorder, admit, sign, small_chain, transfer_data
from tests.node.rpc.serving import serving

CHAIN_ID_CALL = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'
JSON_HEADERS = {"Content-Type": "application/json"}


async def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=JSON_HEADERS if headers is None else headers) as response,
    ):
        assert not any(name.lower().startswith("access-control-") for name in response.headers)
        text = await response.text()
        return response.status, json.loads(text) if text else None


@pytest.mark.asyncio
async def test_call_is_answered_over_http() -> None:
    async with serving(small_chain()) as served:
        assert await post(served.url, CHAIN_ID_CALL) == (200, {"jsonrpc": "2.0", "id": 1, "result": "0x5cee"})
        assert served.recorder.answers == [("eth_chainId", 0)]


@pytest.mark.asyncio
async def test_content_type_with_charset_is_accepted() -> None:
    async with serving(small_chain()) as served:
        status, _ = await post(served.url, CHAIN_ID_CALL, {"Content-Type": "application/json; charset=utf-8"})
        assert status == 200


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}],
)
async def test_other_content_is_refused(headers: dict[str, str]) -> None:
    async with serving(small_chain()) as served:
        status, answer = await post(served.url, CHAIN_ID_CALL, headers)
        assert status == 415
        assert answer["error"]["code"] == -32600


@pytest.mark.asyncio
@pytest.mark.parametrize("verb", ["GET", "PUT", "OPTIONS", "DELETE"])
async def test_only_post_is_served(verb: str) -> None:
    async with (
        serving(small_chain()) as served,
        aiohttp.ClientSession() as session,
        session.request(verb, served.url) as response,
    ):
        assert response.status == 405
        assert response.headers["Allow"] == "POST"


@pytest.mark.asyncio
async def test_notification_gets_no_content() -> None:
    async with serving(small_chain()) as served:
        status, answer = await post(served.url, b'{"jsonrpc":"2.0","method":"eth_chainId"}')
        assert (status, answer) == (204, None)
        status, answer = await post(served.url, b'[{"jsonrpc":"2.0","method":"eth_mine"}]')
        assert (status, answer) == (204, None)


@pytest.mark.asyncio
async def test_body_of_the_longest_length_is_read_and_one_byte_more_is_not() -> None:
    limits = RpcLimits(request_bytes_max=1_000)
    async with serving(small_chain(), limits) as served:
        status, _ = await post(served.url, CHAIN_ID_CALL.ljust(1_000))
        assert status == 200
        status, answer = await post(served.url, CHAIN_ID_CALL.ljust(1_001))
        assert status == 413
        assert answer["error"]["data"] == {"reason": "request_too_large", "limit": 1_000}


@pytest.mark.asyncio
async def test_body_of_unannounced_length_is_cut_off_too() -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b" " * 100

    async with (
        serving(small_chain(), RpcLimits(request_bytes_max=1_000)) as served,
        aiohttp.ClientSession() as session,
        session.post(served.url, data=chunks(), headers=JSON_HEADERS) as response,
    ):
        assert response.status == 413


@pytest.mark.asyncio
async def test_connection_that_never_speaks_is_closed() -> None:
    async with serving(small_chain(), RpcLimits(read_timeout_ms=20)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.asyncio
async def test_connection_that_stops_in_its_body_is_answered_and_closed() -> None:
    async with serving(small_chain(), RpcLimits(read_timeout_ms=20)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.asyncio
async def test_connection_that_spoke_in_time_stays_open_past_the_read_timeout() -> None:
    request = b"POST / HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(CHAIN_ID_CALL),
        CHAIN_ID_CALL,
    )
    async with serving(small_chain(), RpcLimits(read_timeout_ms=20)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        silent_reader, silent_writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(request)
        assert b"0x5cee" in await reader.readuntil(b"}")
        # The silent neighbour is closed only after both connections reached the time-out.
        assert await silent_reader.read() == b""
        writer.write(request)
        assert b"0x5cee" in await reader.readuntil(b"}")
        writer.close()
        silent_writer.close()


@pytest.mark.asyncio
async def test_one_connection_too_many_is_closed_at_once() -> None:
    async with serving(small_chain(), RpcLimits(connections_max=1)) as served:
        first_reader, first = await asyncio.open_connection("127.0.0.1", served.server.port)
        second_reader, second = await asyncio.open_connection("127.0.0.1", served.server.port)
        assert await second_reader.read() == b""
        first.write(b"GET / HTTP/1.1\r\nHost: n\r\n\r\n")
        assert (await first_reader.readline()).startswith(b"HTTP/1.1 405")
        first.close()
        second.close()


@pytest.mark.asyncio
async def test_reader_of_a_long_answer_gets_it_all_and_one_who_stops_is_cut() -> None:
    backend = FakeBackend()
    for nonce in range(20):
        admit(backend, sign(ALICE, nonce, data=transfer_data(BOB_ADDRESS, 1) + b"\x01" * 60_000, gas=3_000_000))
    backend.seal()
    call = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x1",true]}'
    body = b"[" + b",".join([call] * 9) + b"]"
    async with serving(backend) as served:
        status, answers = await post(served.url, body)
        assert (status, len(answers)) == (200, 9)
    async with serving(backend, RpcLimits(write_timeout_ms=50, read_timeout_ms=200)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port, limit=1_024)
        head = b"POST / HTTP/1.1\r\nHost: n\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body) + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        # A silent neighbour is the clock: it is closed later than a write that began before it came.
        neighbour_reader, neighbour = await asyncio.open_connection("127.0.0.1", served.server.port)
        assert await neighbour_reader.read() == b""
        received_bytes = 0
        with contextlib.suppress(ConnectionResetError):
            while part := await reader.read(1 << 20):
                received_bytes += len(part)
        assert received_bytes < len(json.dumps(answers)) // 2
        writer.close()
        neighbour.close()


@pytest.mark.asyncio
async def test_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = RpcServer(small_chain(), RpcLimits(), Recorder(), Door(port=port))
        with pytest.raises(RpcAddressUnavailable, match=f"port {port} is taken") as refused:
            await server.start()
        assert refused.value.port == port


@pytest.mark.asyncio
async def test_stopped_server_frees_its_port_and_may_be_stopped_twice() -> None:
    server = RpcServer(small_chain(), RpcLimits(), Recorder(), Door())
    await server.start()
    port = server.port
    await server.stop()
    await server.stop()
    again = RpcServer(small_chain(), RpcLimits(), Recorder(), Door(port=port))
    await again.start()
    await again.stop()

"""Calls and notifications over a WebSocket, and what becomes of readers that take nothing."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType

from node.rpc import subscriptions
from node.rpc.access import Access
from node.rpc.key_file import make_key
from node.rpc.methods import RpcLimits
from node.rpc.server import Door
from node.rpc.subscription_kinds import HEIGHTS_PER_STEP
from tests.node.rpc.fakes import (
    ALICE,
    ALICE_ADDRESS,
    BOB,
    BOB_ADDRESS,
    EUR,
    TRANSFER_TOPIC,
    FakeBackend,
    admit,
    sign,
    small_chain,
)
from tests.node.rpc.serving import Served, serving

ALL = ("eth", "net", "web3", "sycee", "txpool")
EUR_TEXT = f"0x{EUR.hex()}"
BOB_TEXT = f"0x{BOB_ADDRESS.hex()}"
BOB_CHECKSUM = BOB.address


@contextlib.asynccontextmanager
async def connected(served: Served, **options: Any) -> AsyncIterator[ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(served.url, **options) as socket:
        yield socket


async def ask(socket: ClientWebSocketResponse, method: str, *parameters: object, request_id: int = 1) -> Any:
    await socket.send_json({"jsonrpc": "2.0", "id": request_id, "method": method, "params": parameters})
    answer = await socket.receive_json(timeout=5)
    assert answer["id"] == request_id
    return answer["result"] if "result" in answer else answer["error"]


async def told(socket: ClientWebSocketResponse) -> Any:
    return (await socket.receive_json(timeout=5))["params"]["result"]


def chain() -> FakeBackend:
    """Return the small chain with nothing pending."""
    backend = small_chain()
    backend.seal()
    return backend


def payment(backend: FakeBackend, **changes: Any) -> bytes:
    return sign(ALICE, backend.pending_nonce(ALICE_ADDRESS), **changes)


def seal(served: Served, **changes: Any) -> None:
    """Make a block with a payment final, and tell the server as a node does."""
    served.server.admitted([admit(served.backend, payment(served.backend, **changes))])
    served.backend.seal()
    served.server.block_final()


def extend(backend: FakeBackend, count: int) -> None:
    """Make blocks final unseen."""
    for _ in range(count):
        admit(backend, payment(backend))
        backend.seal()


@pytest.mark.asyncio
@pytest.mark.parametrize("as_binary", [False, True])
async def test_call_is_answered_as_over_http(as_binary: bool) -> None:
    async with serving(chain()) as served, connected(served) as socket:
        body = b'{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}'
        await (socket.send_bytes(body) if as_binary else socket.send_str(body.decode()))
        answer = await socket.receive(timeout=5)
        assert answer.type is WSMsgType.TEXT
        assert json.loads(answer.data) == {"jsonrpc": "2.0", "id": 7, "result": "0x5cee"}
        await socket.send_str(f"[{body.decode()},{body.decode()}]")
        assert len(await socket.receive_json(timeout=5)) == 2


@pytest.mark.asyncio
async def test_broken_messages_get_errors_and_the_connection_stays() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        for message, code in (("{", -32700), ("1", -32600), ("[]", -32600), ('{"jsonrpc":"2.0","id":1}', -32600)):
            await socket.send_str(message)
            assert (await socket.receive_json(timeout=5))["error"]["code"] == code
        await socket.send_bytes(b"\xff\xfe")
        assert (await socket.receive_json(timeout=5))["error"]["code"] == -32700
        assert await ask(socket, "eth_chainId") == "0x5cee"
        assert served.recorder.incidents == []


@pytest.mark.asyncio
async def test_new_heads_are_the_headers_of_blocks_in_order() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        subscription = await ask(socket, "eth_subscribe", "newHeads")
        for _ in range(2):
            seal(served)
            notification = await socket.receive_json(timeout=5)
            assert notification["method"] == "eth_subscription"
            assert notification["params"]["subscription"] == subscription
            head = notification["params"]["result"]
            block = await ask(socket, "eth_getBlockByNumber", head["number"], False)
            assert head == {name: value for name, value in block.items() if name in head}
            assert block.keys() - head.keys() == {"size", "transactions", "uncles", "withdrawals"}


@pytest.mark.asyncio
async def test_logs_are_those_the_filter_means() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "logs", {"address": EUR_TEXT, "topics": [[f"0x{TRANSFER_TOPIC.hex()}"]]})
        await ask(socket, "eth_subscribe", "logs", {"address": BOB_TEXT})
        admit(served.backend, sign(BOB, served.backend.pending_nonce(BOB_ADDRESS)))
        seal(served)
        found = [await told(socket) for _ in range(2)]
        height = found[0]["blockNumber"]
        assert found == await ask(socket, "eth_getLogs", {"fromBlock": height, "toBlock": height})
        assert all(log["removed"] is False for log in found)


@pytest.mark.asyncio
async def test_ended_subscription_tells_nothing_more() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        subscription = await ask(socket, "eth_subscribe", "newHeads")
        assert served.recorder.subscription_count == 1
        assert await ask(socket, "eth_unsubscribe", subscription) is True
        assert served.recorder.subscription_count == 0
        seal(served)
        error = await ask(socket, "eth_unsubscribe", subscription)
        assert (error["code"], error["message"]) == (-32000, "subscription not found")


@pytest.mark.asyncio
async def test_subscription_of_another_connection_cannot_be_ended() -> None:
    async with serving(chain()) as served, connected(served) as owner, connected(served) as other:
        subscription = await ask(owner, "eth_subscribe", "newHeads")
        assert (await ask(other, "eth_unsubscribe", subscription))["code"] == -32000
        seal(served)
        assert (await told(owner))["number"] == hex(served.backend.head().height)


@pytest.mark.asyncio
async def test_subscriptions_die_with_their_connection() -> None:
    async with serving(chain()) as served:
        async with connected(served) as socket:
            for _ in range(3):
                await ask(socket, "eth_subscribe", "newHeads")
            assert served.recorder.subscription_count == 3
        await served.recorder.until_subscriptions(0)
        seal(served)


@pytest.mark.asyncio
async def test_pending_transactions_are_told_where_the_pool_may_be_seen() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        error = await ask(socket, "eth_subscribe", "newPendingTransactions")
        assert (error["code"], error["data"]["reason"]) == (-32004, "pending_hidden")
    async with serving(chain(), RpcLimits(namespaces=ALL)) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "newPendingTransactions")
        await ask(socket, "eth_subscribe", "newPendingTransactions", True)
        pooled = admit(served.backend, payment(served.backend))
        served.server.admitted([pooled])
        found = [await told(socket), await told(socket)]
        assert f"0x{pooled.transaction.hash.hex()}" in found
        assert await ask(socket, "eth_getTransactionByHash", f"0x{pooled.transaction.hash.hex()}") in found


@pytest.mark.asyncio
async def test_syncing_is_told_when_it_begins_and_when_it_ends() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "syncing")
        served.backend.is_syncing = True
        served.server.block_final()
        began = await told(socket)
        assert began == {"syncing": True, "status": await ask(socket, "eth_syncing")}
        served.backend.is_syncing = False
        served.server.block_final()
        assert await told(socket) is False


@pytest.mark.asyncio
async def test_replay_from_a_height_goes_over_into_the_present_without_a_gap_or_a_double() -> None:
    backend = chain()
    extend(backend, HEIGHTS_PER_STEP + 5)
    async with serving(backend) as served, connected(served) as socket:
        await ask(socket, "sycee_subscribe", "newHeads", {"fromHeight": 1})
        heights = [int((await told(socket))["number"], 16) for _ in range(10)]
        for _ in range(3):
            seal(served)
        head = served.backend.head().height
        heights += [int((await told(socket))["number"], 16) for _ in range(head - 10)]
        assert heights == list(range(1, head + 1))


@pytest.mark.asyncio
async def test_replayed_logs_are_those_of_a_search() -> None:
    backend = chain()
    async with serving(backend) as served, connected(served) as socket:
        await ask(socket, "sycee_subscribe", "logs", {"address": EUR_TEXT, "fromHeight": "0x0"})
        wanted = await ask_other(served, "eth_getLogs", {"fromBlock": "0x0", "address": EUR_TEXT})
        assert [await told(socket) for _ in wanted] == wanted


async def ask_other(served: Served, method: str, *parameters: object) -> Any:
    async with connected(served) as socket:
        return await ask(socket, method, *parameters)


@pytest.mark.asyncio
async def test_finalizations_are_certificates() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "sycee_subscribe", "finalizations", {"fromHeight": 1})
        assert await told(socket) == await ask_other(served, "sycee_getCertificate", 1)
        assert (await told(socket))["height"] == 2


@pytest.mark.asyncio
async def test_positions_begin_with_the_present_one_and_follow_what_names_the_account() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "sycee_subscribe", "positions", {"currency": "EUR", "account": BOB_TEXT})
        assert await told(socket) == await ask_other(served, "sycee_getPosition", "EUR", BOB_TEXT)
        seal(served, to=BOB_CHECKSUM)
        seal(served)
        assert (await told(socket))["height"] == served.backend.head().height


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("eth_subscribe", ["finalizations"]),
        ("eth_subscribe", [None]),
        ("eth_subscribe", [["newHeads"]]),
        ("eth_subscribe", ["newHeads", {"x": 1}]),
        ("eth_subscribe", ["logs", {"fromBlock": "0x0"}]),
        ("eth_subscribe", ["logs", {"address": "0x1"}]),
        ("eth_unsubscribe", ["x"]),
        ("sycee_subscribe", ["positions", {"currency": "ABC", "account": BOB_TEXT}]),
        ("sycee_subscribe", ["positions"]),
        ("sycee_subscribe", ["newHeads", {"fromHeight": -1}]),
        ("sycee_subscribe", ["newPendingTransactions"]),
    ],
)
async def test_wrong_subscription_is_refused(method: str, parameters: list[object]) -> None:
    async with serving(chain()) as served, connected(served) as socket:
        assert (await ask(socket, method, *parameters))["code"] == -32602
        assert served.recorder.subscription_count == 0


@pytest.mark.asyncio
async def test_replay_below_what_is_kept_is_refused() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        served.backend.bodies_oldest = served.backend.head().height
        error = await ask(socket, "sycee_subscribe", "newHeads", {"fromHeight": 0})
        assert (error["code"], error["data"]["reason"]) == (-32001, "pruned")


@pytest.mark.asyncio
async def test_subscriptions_are_bounded_for_a_connection_and_for_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "SUBSCRIPTIONS_PER_CONNECTION_MAX", 2)
    monkeypatch.setattr(subscriptions, "SUBSCRIPTIONS_MAX", 3)
    async with serving(chain()) as served, connected(served) as first, connected(served) as second:
        for socket, fitting in ((first, 2), (second, 1)):
            for _ in range(fitting):
                assert isinstance(await ask(socket, "eth_subscribe", "newHeads"), str)
            error = await ask(socket, "eth_subscribe", "newHeads")
            assert (error["code"], error["data"]["reason"]) == (-32005, "too_many_subscriptions")


@pytest.mark.asyncio
async def test_nothing_is_told_before_the_id() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        # The list is answered when its slow call is; meanwhile there is much to tell.
        wait = {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "eth_sendRawTransactionSync",
            "params": ["0x" + sign(ALICE, 3).hex()],
        }
        subscribe = {"jsonrpc": "2.0", "id": 1, "method": "sycee_subscribe", "params": ["newHeads", {"fromHeight": 0}]}
        await socket.send_json([subscribe, wait])
        await served.recorder.until_subscriptions(1)
        for _ in range(5):
            await asyncio.sleep(0)
        served.backend.seal()
        served.server.block_final()
        answers = await socket.receive_json(timeout=5)
        assert [answer["id"] for answer in answers] == [1, 2]
        assert (await told(socket))["number"] == "0x0"


@pytest.mark.asyncio
async def test_reader_that_takes_nothing_is_closed_with_a_reason_and_others_are_served() -> None:
    backend = chain()
    extend(backend, 300)
    limits = RpcLimits(write_timeout_ms=200)
    async with serving(backend, limits) as served:
        # The kernel would take a few megabytes for it: 40 times 300 headers are more.
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port, limit=1_000)
        await shake_hands(reader, writer)
        body = b'{"jsonrpc":"2.0","id":1,"method":"sycee_subscribe","params":["newHeads",{"fromHeight":0}]}'
        writer.write((bytes((0x81, 0x80 | len(body))) + bytes(4) + body) * 40)
        async with connected(served) as other:
            await ask(other, "eth_subscribe", "newHeads")
            await served.recorder.until_subscriptions(41)
            await served.recorder.until_subscriptions(1)
            seal(served)
            assert (await told(other))["number"] == hex(served.backend.head().height)
        writer.close()


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")


@pytest.mark.asyncio
async def test_reader_that_falls_far_behind_is_told_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "LAG_BLOCKS_MAX", 3)
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "newHeads")
        seal(served)
        await told(socket)
        # Five blocks in one turn of the loop: as if the reader's connection had been full meanwhile.
        first = served.backend.head().height + 1
        extend(served.backend, 5)
        served.server.block_final()
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.POLICY_VIOLATION)
        assert message.extra == f"slow reader: 4 blocks behind; sycee_subscribe goes on with fromHeight {first}"


@pytest.mark.asyncio
async def test_pending_transactions_nobody_takes_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "PENDING_QUEUED_BYTES_MAX", 100)
    async with serving(chain(), RpcLimits(namespaces=ALL)) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "newPendingTransactions", True)
        served.server.admitted([admit(served.backend, payment(served.backend)) for _ in range(2)])
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.POLICY_VIOLATION)
        assert "pending transactions not taken" in str(message.extra)


@pytest.mark.asyncio
async def test_message_that_is_too_long_ends_the_connection() -> None:
    async with serving(chain(), RpcLimits(message_bytes_max=1_000)) as served, connected(served) as socket:
        await socket.send_str('"' + "x" * 900 + '"')
        assert (await socket.receive_json(timeout=5))["error"]["code"] == -32600
        await socket.send_str('"' + "x" * 1_100 + '"')
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.MESSAGE_TOO_BIG)


@pytest.mark.asyncio
async def test_websockets_are_bounded() -> None:
    async with serving(chain(), RpcLimits(websockets_max=1)) as served, connected(served):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(served):
                pass
        assert refused.value.status == 503


@pytest.mark.asyncio
async def test_handshake_that_is_wrong_gets_an_error() -> None:
    async with serving(chain()) as served, aiohttp.ClientSession() as session:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "7"}
        async with session.get(served.url, headers=headers) as response:
            assert response.status == 400
            assert (await response.json(content_type=None))["error"]["code"] == -32600


@pytest.mark.asyncio
async def test_pages_of_other_origins_get_no_websocket() -> None:
    door = Door(origins=frozenset({"https://bank.example"}))
    async with serving(chain(), door=door) as served:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(served, origin="https://evil.example"):
                pass
        assert refused.value.status == 403
        async with connected(served, origin="https://bank.example") as socket:
            assert await ask(socket, "eth_chainId") == "0x5cee"


@pytest.mark.asyncio
async def test_key_goes_with_the_handshake_and_ends_the_connection_when_it_is_taken_away() -> None:
    secret, key = make_key("till-7", namespaces=("eth",))
    access = Access([key], is_key_required=True)
    async with serving(chain(), access=access) as served, aiohttp.ClientSession() as session:
        wrong: dict[str, str] = {"Authorization": "Bearer wrong"}
        for headers in ({}, wrong):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(served.url, headers=headers)
            assert refused.value.status == 401
        in_address = await session.ws_connect(f"{served.url}/?key={secret}")
        socket = await session.ws_connect(served.url, headers={"Authorization": f"Bearer {secret}"})
        assert await ask(in_address, "eth_chainId") == await ask(socket, "eth_chainId") == "0x5cee"
        assert (await ask(socket, "net_version"))["code"] == -32601
        access.replace_keys([])
        await served.server.close_unknown()
        message = await socket.receive(timeout=5)
        assert (message.data, message.extra) == (WSCloseCode.POLICY_VIOLATION, "the API key was revoked")


@pytest.mark.asyncio
async def test_stopping_says_goodbye() -> None:
    async with serving(chain()) as served, connected(served) as socket:
        await ask(socket, "eth_subscribe", "newHeads")
        stopping = asyncio.create_task(served.server.stop())
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
        await stopping


@pytest.mark.asyncio
async def test_bug_in_a_notification_is_logged_and_ends_the_connection_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(chain()) as served, connected(served) as socket, connected(served) as other:
        await ask(socket, "sycee_subscribe", "finalizations")

        def fail(height: int) -> object:
            raise ZeroDivisionError

        monkeypatch.setattr(FakeBackend, "certificate", fail)
        seal(served)
        message = await socket.receive(timeout=5)
        assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.INTERNAL_ERROR)
        [(incident, where, error)] = served.recorder.incidents
        assert where == "websocket"
        assert incident in str(message.extra)
        assert isinstance(error, TypeError | ZeroDivisionError)
        assert await ask(other, "eth_chainId") == "0x5cee"

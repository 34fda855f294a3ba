"""Lists of calls: what runs together, in which order it is answered, and what a sender who waits is told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from node.rpc.call_list import CallLists
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc.fakes import ALICE, BOB, EUR, FakeBackend, Recorder, sign, small_chain


def call(request_id: object, method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": parameters}


async def answers(backend: FakeBackend, requests: Any, limits: RpcLimits | None = None) -> Any:
    calls = CallLists(Context(backend, limits or RpcLimits()), Recorder())
    return json.loads(await calls.answer(json.dumps(requests).encode()))


async def until(condition: Callable[[], bool]) -> None:
    """Give the loop turns until `condition` holds, at most a thousand."""
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("the condition never held")


@pytest.mark.asyncio
async def test_submissions_of_a_list_are_answered_in_its_order_each_by_itself() -> None:
    requests = [call(nonce, "eth_sendRawTransaction", "0x" + sign(ALICE, nonce).hex()) for nonce in range(40)]
    requests[3] = call(3, "eth_sendRawTransaction", "0x" + sign(ALICE, 3, chainId=1).hex())
    found = await answers(FakeBackend(), requests)
    assert [answer["id"] for answer in found] == list(range(40))
    assert [answer["id"] for answer in found if "error" in answer] == [3]


@pytest.mark.asyncio
async def test_calls_compute_at_once_up_to_the_bound() -> None:
    backend = small_chain()
    requests = [call(index, "eth_call", {"to": "0x" + EUR.hex()}, "latest") for index in range(9)]
    found = await answers(backend, requests, RpcLimits(calls_at_once_max=4))
    assert [answer["id"] for answer in found] == list(range(9))
    assert backend.computing_peak == 4


@pytest.mark.asyncio
async def test_waiting_senders_of_a_list_all_wait_together() -> None:
    backend = FakeBackend()
    requests = [
        call(nonce, "eth_sendRawTransactionSync", "0x" + sign(ALICE, nonce).hex(), 5_000) for nonce in range(10)
    ]
    calls = CallLists(Context(backend, RpcLimits(calls_at_once_max=2)), Recorder())
    waiting = asyncio.create_task(calls.answer(json.dumps(requests).encode()))
    await until(lambda: len(backend.pool) == 10)
    backend.seal()
    found = json.loads(await waiting)
    assert [answer["result"]["transactionIndex"] for answer in found] == [hex(index) for index in range(10)]
    assert len(backend.waiters) == 0


@pytest.mark.asyncio
async def test_cancelled_list_leaves_nobody_waiting() -> None:
    backend = FakeBackend()
    requests = [call(nonce, "eth_sendRawTransactionSync", "0x" + sign(ALICE, nonce).hex()) for nonce in range(5)]
    calls = CallLists(Context(backend, RpcLimits()), Recorder())
    waiting = asyncio.create_task(calls.answer(json.dumps(requests).encode()))
    await until(lambda: len(backend.pool) == 5)
    assert len(backend.waiters) == 5
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    assert len(backend.waiters) == 0


@pytest.mark.asyncio
async def test_gap_is_held_without_sync_and_refused_with_it() -> None:
    backend = small_chain()
    held = await answers(backend, call(1, "eth_sendRawTransaction", "0x" + sign(ALICE, 7).hex()))
    assert "result" in held
    refused = await answers(backend, call(1, "eth_sendRawTransactionSync", "0x" + sign(BOB, 7).hex()))
    assert (refused["error"]["code"], refused["error"]["data"]) == (6, "0x1")


@pytest.mark.asyncio
async def test_answers_that_do_not_fit_are_replaced_one_by_one() -> None:
    backend = small_chain()
    requests = [call(1, "eth_chainId"), call(2, "eth_getBlockByNumber", "0x1", True), call(3, "eth_chainId")]
    found = await answers(backend, requests, RpcLimits(response_bytes_max=2_000))
    assert [answer["id"] for answer in found] == [1, 2, 3]
    assert found[1]["error"]["data"] == {"reason": "response_too_large", "limit": 2_000}
    assert "result" in found[0]
    assert "result" in found[2]


@pytest.mark.asyncio
async def test_one_request_reads_one_height_even_if_the_chain_grows_meanwhile() -> None:
    backend = small_chain()
    calls = CallLists(Context(backend, RpcLimits()), Recorder())
    request = json.dumps(call(1, "eth_call", {"to": "0x" + EUR.hex()}, "latest")).encode()
    waiting = asyncio.create_task(calls.answer(request))
    await until(lambda: len(backend.calls) == 1)
    backend.seal()
    await waiting
    assert backend.calls[-1][1] == 2
    assert backend.head().height == 3


@pytest.mark.asyncio
async def test_methods_of_a_namespace_that_is_not_served_do_not_exist() -> None:
    requests = [call(1, "net_version"), call(2, "eth_chainId")]
    refused, answered = await answers(small_chain(), requests, RpcLimits(namespaces=("eth",)))
    assert refused["error"]["code"] == -32601
    assert "result" in answered

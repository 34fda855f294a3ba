"""Whatever arrives, the answer is one JSON-RPC object or list, never an incident, and the server goes on."""

import asyncio
import json
import random
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.rpc.call_list import METHODS, CallLists
from node.rpc.errors import InvalidParameter
from node.rpc.methods import Context, RpcLimits
from node.rpc.parameters import read_count, read_data, read_quantity, read_slot
from tests.node.rpc.fakes import ALICE, Recorder, sign, small_chain
from tests.node.rpc.serving import serving

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=70),
    st.sampled_from(["0x", "0x0", "0x00", "latest", "pending", "earliest", "0x" + "f" * 64, "0x" + "5c" * 20]),
)
NAMES = st.sampled_from(
    ["from", "to", "gas", "data", "blockHash", "blockNumber", "fromBlock", "topics", "address", "x"]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=12
)


async def answer_of(body: bytes) -> tuple[Any, Recorder]:
    recorder = Recorder()
    calls = CallLists(Context(small_chain(), RpcLimits()), recorder)
    answer = await calls.answer(body)
    return (json.loads(answer) if answer else None), recorder


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.lists(VALUES, max_size=4))
def test_any_parameters_get_a_result_or_an_expected_error(method: str, parameters: list[object]) -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    # A time-out would make the test slow, not wrong.
    if method == "eth_sendRawTransactionSync":
        parameters[1:] = [0]
    answer, recorder = asyncio.run(answer_of(json.dumps(request).encode()))
    assert recorder.incidents == []
    assert ("result" in answer) != ("error" in answer)


@settings(max_examples=50, deadline=None)
@given(st.one_of(VALUES, st.lists(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params"]), VALUES))))
def test_any_json_gets_an_answer(request: object) -> None:
    answer, recorder = asyncio.run(answer_of(json.dumps(request).encode()))
    assert recorder.incidents == []
    for part in answer if isinstance(answer, list) else [answer]:
        assert part is None or "error" in part


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(body: bytes) -> None:
    answer, recorder = asyncio.run(answer_of(body))
    assert recorder.incidents == []
    assert "error" in (answer[0] if isinstance(answer, list) else answer)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b"[" * 2_000 + b"]" * 2_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"1" * 100_000,
        b'{"jsonrpc":"2.0","id":1e999,"method":"eth_chainId"}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"eth_chainId"}',
        b'{"jsonrpc":"2.0","id":1.5,"method":"eth_chainId"}',
        b'{"jsonrpc":"2.0","id":true,"method":"eth_chainId"}',
        b'{"jsonrpc":"2.0","id":"%s","method":"eth_chainId"}' % (b"i" * 257),
        b'{"jsonrpc":"2.0","id":1,"method":"%s"}' % (b"m" * 100_000),
        b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
        b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"',
        b"\xff\xfe",
        "﻿{}".encode(),
    ],
    ids=range(15),
)
async def test_hostile_body_gets_one_short_error(body: bytes) -> None:
    answer, recorder = await answer_of(body)
    assert recorder.incidents == []
    assert answer["error"]["code"] in (-32700, -32600, -32601)
    assert len(json.dumps(answer)) < 700


@pytest.mark.asyncio
async def test_ten_thousand_bad_requests_leave_the_server_answering() -> None:
    source = random.Random(7)
    raw = sign(ALICE, 5)
    good = b'{"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x%s"]}' % raw.hex().encode()

    def spoiled() -> bytes:
        at = source.randrange(len(good))
        return good[:at] + bytes((source.randrange(256),)) + good[at + source.randrange(1, 9) :]

    async with serving(small_chain()) as served, aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json"}
        # A hundred requests over HTTP, each a list of a hundred bad calls or one broken body.
        for turn in range(100):
            calls = [
                b'{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["0x%s"]}'
                % (index, bytes(source.randrange(256) for _ in range(40)).hex().encode())
                for index in range(100)
            ]
            body = b"[" + b",".join(calls) + b"]" if turn % 10 else spoiled()
            async with session.post(served.url, data=body, headers=headers) as response:
                assert response.status == 200
                found = await response.json()
                assert all("error" in part for part in (found if isinstance(found, list) else [])), found
        async with session.post(served.url, data=good, headers=headers) as response:
            assert (await response.json())["result"].startswith("0x")
        assert served.recorder.incidents == []


@settings(max_examples=50)
@given(st.binary(max_size=80))
def test_data_round_trips(value: bytes) -> None:
    assert read_data(f"0x{value.hex()}", "x") == value


@settings(max_examples=50)
@given(st.integers(0, 2**64 - 1))
def test_quantity_round_trips_and_has_one_spelling(value: int) -> None:
    assert read_quantity(hex(value), "x") == value
    with pytest.raises(InvalidParameter):
        read_quantity(f"0x0{value:x}", "x")


@pytest.mark.parametrize(
    "value", ["0x", "0X1", "1", "0x1 ", " 0x1", "-0x1", "0x-1", "0x_1", "0x1_0", "0x٣", 1, None, True]
)
def test_quantity_refuses(value: object) -> None:
    with pytest.raises(InvalidParameter):
        read_quantity(value, "x")


def test_quantity_pins_its_maximum() -> None:
    assert read_quantity("0xff", "x", 255) == 255
    with pytest.raises(InvalidParameter, match="at most 0xff"):
        read_quantity("0x100", "x", 255)


@pytest.mark.parametrize("value", ["0x1", "0x 1", "0x12 34", "0x 12 34 ", "1234", "0xzz", "0x１２", b"0x12", None, 12])
def test_data_refuses(value: object) -> None:
    with pytest.raises(InvalidParameter):
        read_data(value, "x")


@pytest.mark.parametrize("value", ["0x", "5", "0x" + "0" * 65, "0xg", "0x1\n", 5, None])
def test_slot_refuses(value: object) -> None:
    with pytest.raises(InvalidParameter):
        read_slot(value, "x")


@pytest.mark.parametrize(
    ("value", "is_accepted"), [(0, True), (9, True), (10, False), (-1, False), (True, False), ("0x9", True)]
)
def test_count_is_a_number_or_a_quantity(value: object, is_accepted: bool) -> None:
    if is_accepted:
        assert 0 <= read_count(value, "x", 9) <= 9
    else:
        with pytest.raises(InvalidParameter):
            read_count(value, "x", 9)

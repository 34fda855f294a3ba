"""Every parameter of every method with every wrong value: the standard code and what is wrong, and never a bug."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from node.rpc.call_list import METHODS, CallLists
from node.rpc.error_table import INTERNAL_ERROR
from node.rpc.methods import Context, RpcLimits
from node.rpc.subscriptions import SubscriptionHub
from tests.node.rpc import real_chain
from tests.node.rpc.fakes import Recorder, small_chain
from tests.node.rpc.test_accounts_api import ALICE_HEX, PAYMENT, development_node
from tests.node.rpc.test_conversations import listener
from tests.node.rpc.test_openrpc import RECORDED, described, judged_by

WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**53,
    2**64 - 1,
    "",
    " ",
    "0x",
    "0x0",
    "0x00",
    "0x1",
    "0x01",
    "0X1",
    "0xg",
    "1",
    "-0x1",
    "0x" + "f" * 16,
    "0x1" + "0" * 16,
    "0x1" + "0" * 64,
    "0x" + "0" * 40,
    "0x" + "0" * 39,
    "0x" + "0" * 64,
    "0x" + "zz" * 20,
    "0x" + "zz" * 32,
    "0x " + "0" * 39,
    "latest",
    "newest",
    "€",
    "x" * 300,
    "0x" + "00" * 5_000,
    [],
    [[]],
    [None],
    ["0x1"],
    [{}],
    ["0x" + "0" * 64] * 1_100,
    {},
    {"": ""},
    {"nobody": "knows"},
    {"0x" + "0" * 40: None},
]

INVALID_PARAMETER = -32602
NOT_SUPPORTED = -32004


SUBSCRIPTIONS: dict[str, list[list[Any]]] = {
    "eth_subscribe": [
        ["newHeads", {}],
        ["syncing"],
        ["logs", {"address": ["0x" + "5" * 40], "topics": [None, ["0x" + "5" * 64]]}],
        ["newPendingTransactions", True],
    ],
    "eth_unsubscribe": [["0x1"]],
    "sycee_subscribe": [
        ["finalizations", {"fromHeight": 1}],
        ["positions", {"currency": "EUR", "account": "0x" + "5" * 40, "fromHeight": "0x1"}],
    ],
    "sycee_unsubscribe": [["0x1"]],
}
"""What is asked over a WebSocket, of which there are no recorded conversations."""


SIGNED_FOR: dict[str, list[list[Any]]] = {
    "eth_sendTransaction": [[PAYMENT]],
    "eth_sign": [[ALICE_HEX, "0x01"]],
    "eth_signTransaction": [[PAYMENT]],
}
"""What is asked of a development network; the recorded conversations are those of any other."""


def examples(method: str) -> list[list[Any]]:
    """Return parameters of calls that have a result, of each shape once."""
    for told in (SUBSCRIPTIONS, SIGNED_FOR):
        if method in told:
            return told[method]
    found: dict[str, list[Any]] = {}
    for _, request, answer in RECORDED:
        if request["method"] == method and "result" in answer:
            parameters = request.get("params", [])
            shape = json.dumps([sorted(value) if isinstance(value, dict) else None for value in parameters])
            found.setdefault(shape, parameters)
    return list(found.values())


def answering(method: str) -> CallLists:
    """Return what answers the conversations of a method, or what the method needs to answer at all."""
    if method in SIGNED_FOR:
        return development_node()[1]
    if method not in SUBSCRIPTIONS:
        return listener(method)
    chain, limits = small_chain(), RpcLimits(namespaces=real_chain.NAMESPACES)
    recorder = Recorder()
    hub = SubscriptionHub(chain, count_changed=recorder.subscriptions)
    return CallLists(Context(chain, limits, subscriptions=hub.connect()), recorder)


def changed(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a value with something wrong in its place, or in the place of any part of it."""
    for wrong in WRONG:
        yield json.dumps(wrong)[:60], wrong
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        for name, inner in changed(member):
            other = copy.copy(value)
            other[key] = inner
            yield f"{key}: {name}", other
    if isinstance(value, dict):
        yield "and a stranger", {**value, "stranger": 1}


@pytest.mark.asyncio
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"rpc.discover", "rpc_discover"}))
async def test_wrong_parameter_is_refused_as_the_standard_says(method: str) -> None:
    calls = answering(method)
    recorder = calls._observer
    assert isinstance(recorder, Recorder)

    async def error_of(parameters: list[Any]) -> dict[str, Any] | None:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        answer = json.loads(await calls.answer(body))
        assert not recorder.incidents, (parameters, recorder.incidents)
        error: dict[str, Any] | None = answer.get("error")
        return error

    kinds = described(method)["params"]
    surplus = await error_of([None] * (len(kinds) + 1))
    assert surplus is not None and (surplus["code"], "too many" in surplus["message"]) == (INVALID_PARAMETER, True)
    if METHODS[method].parameters_min:
        missing = await error_of([])
        assert missing is not None and missing["code"] == INVALID_PARAMETER and kinds[0]["name"] in missing["message"]
    for parameters in examples(method):
        for index, value in enumerate(parameters):
            for name, wrong in changed(value):
                error = await error_of([*parameters[:index], wrong, *parameters[index + 1 :]])
                if error is not None:
                    assert error["code"] != INTERNAL_ERROR
                if not judged_by(kinds[index]["schema"]).is_valid(wrong):
                    assert error is not None, f"{kinds[index]['name']} = {name} was accepted"
                    assert error["code"] in (INVALID_PARAMETER, NOT_SUPPORTED), (kinds[index]["name"], name, error)


def test_every_method_with_parameters_has_an_example_to_spoil() -> None:
    asked = {name for name, method in METHODS.items() if method.parameters_max}
    assert {name for name in asked if not examples(name)} == set()

"""The document that describes the methods, held against the recorded conversations: it says what is answered."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from node.rpc.access import Client
from node.rpc.call_list import METHODS, CallLists
from node.rpc.error_table import ERROR_ROWS
from node.rpc.methods import Context, Method, RpcLimits
from node.rpc.openrpc.document import TYPES, UnknownError, errors_of, namespace_of, openrpc_document, result_schema
from node.rpc.openrpc.parameters import PARAMETERS
from tests.node.rpc.conversations import FOLDER, read_conversation
from tests.node.rpc.fakes import Recorder, small_chain

META_SCHEMA = Path(__file__).resolve().parents[2] / "conformance" / "openrpc" / "meta_schema.json"

ANY_REQUEST = {-32700, -32600, -32601, -32002, -32005}
"""Codes that any request may be answered with, whatever its method says."""


@cache
def document() -> dict[str, Any]:
    described: dict[str, Any] = openrpc_document(METHODS, "1.2.3")
    return described


@cache
def described(name: str) -> dict[str, Any]:
    [found] = [method for method in document()["methods"] if method["name"] == name]
    assert isinstance(found, dict)
    return found


@cache
def validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": document()["components"]})


def judged_by(schema: dict[str, Any]) -> Draft202012Validator:
    return validator(json.dumps(schema))


def recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return name, request and answer of every single call in the conversations that reached a method."""
    found = []
    for path in sorted(FOLDER.rglob("*.io")):
        for index, exchange in enumerate(read_conversation(path)):
            try:
                request = json.loads(exchange.request)
            except json.JSONDecodeError:
                continue
            if isinstance(request, dict) and request.get("method") in METHODS and exchange.answer.get("id") is not None:
                found.append((f"{path.parent.name}/{path.stem}/{index}", request, exchange.answer))
    return found


RECORDED = recorded()


def test_the_document_is_an_openrpc_document() -> None:
    meta_schema = json.loads(META_SCHEMA.read_text())
    # It refers to the schema of schemas by address; ours are judged below.
    meta_schema["definitions"]["JSONSchema"] = {}
    meta_schema["definitions"]["referenceObject"]["properties"]["$ref"] = {"type": "string"}
    Draft7Validator(meta_schema).validate(document())


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_named_type_is_a_schema_and_in_use(name: str) -> None:
    Draft202012Validator.check_schema(TYPES[name])
    assert name in document()["components"]["schemas"]


def test_every_parameter_is_described_and_in_use() -> None:
    assert {name for method in METHODS.values() for name in method.parameter_names.split()} == PARAMETERS.keys()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_a_sentence_and_its_parameters_in_order(name: str) -> None:
    method = described(name)
    assert method["summary"].endswith(".") and "Raises" not in method["summary"] + method.get("description", "")
    required = [parameter["required"] for parameter in method["params"]]
    assert required == sorted(required, reverse=True)
    assert (sum(required), len(required)) == (METHODS[name].parameters_min, METHODS[name].parameters_max)


@pytest.mark.parametrize(("request_", "answer"), [row[1:] for row in RECORDED], ids=[row[0] for row in RECORDED])
def test_recorded_call_is_what_the_document_says(request_: dict[str, Any], answer: dict[str, Any]) -> None:
    method = described(request_["method"])
    if "error" in answer:
        codes = {ERROR_ROWS[error].code for error in errors_of(method["name"], METHODS[method["name"]])}
        assert answer["error"]["code"] in codes | ANY_REQUEST
        return
    for parameter, value in zip(method["params"], request_.get("params", []), strict=False):
        judged_by(parameter["schema"]).validate(value)
    judged_by(method["result"]["schema"]).validate(answer["result"])


@pytest.mark.parametrize(("notation", "good", "bad"), [("Hash[]?", [None, ["0x" + "1" * 64]], [[None], "0x"])])
def test_the_notation_of_results_reads_from_right_to_left(notation: str, good: list[Any], bad: list[Any]) -> None:
    judge = judged_by(result_schema(notation))
    assert [judge.is_valid(value) for value in good + bad] == [True] * len(good) + [False] * len(bad)


def test_a_docstring_that_names_an_error_no_client_hears_is_refused() -> None:
    def answer(context: Context, parameters: object) -> None:
        """Return nothing. Raises: Surprise."""

    with pytest.raises(UnknownError, match="eth_x says that it raises Surprise"):
        errors_of("eth_x", Method(answer, 0, 0, "", "Null"))


async def ask(calls: CallLists, method: str) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method}
    return json.loads(await calls.answer(json.dumps(body).encode()))["result"]


@pytest.mark.asyncio
async def test_a_node_describes_what_it_serves_and_no_more() -> None:
    calls = CallLists(Context(small_chain(), RpcLimits(namespaces=("eth", "net"))), Recorder())
    found = await ask(calls, "rpc.discover")
    assert {namespace_of(method["name"]) for method in found["methods"]} == {"eth", "net", "rpc"}
    assert await ask(calls, "rpc_discover") == found
    assert await ask(calls, "rpc_modules") == {"eth": "1.0", "net": "1.0", "rpc": "1.0"}
    needed = json.dumps(found["methods"]) + json.dumps(found["components"]["schemas"])
    for name in found["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in needed
    assert "Statement" not in found["components"]["schemas"]


@pytest.mark.asyncio
async def test_a_client_whose_key_opens_one_namespace_sees_that_one() -> None:
    client = Client("till", frozenset({"eth"}))
    calls = CallLists(Context(small_chain(), RpcLimits(namespaces=("eth", "net")), client=client), Recorder())
    assert (await ask(calls, "rpc_modules")).keys() == {"eth", "rpc"}

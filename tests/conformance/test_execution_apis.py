"""Every answer of the standard methods is what the schemas of the Ethereum execution APIs say, with nothing added.

The recorded conversations are what this node answers exactly (tests/node/rpc/test_conversations.py), so judging the
recordings judges the node. A small real chain adds blocks with contracts, which the recordings do not have.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from node.rpc.call_list import METHODS
from tests.node.rpc import real_chain
from tests.node.rpc.conversations import FOLDER, read_conversation

OPENRPC = Path(__file__).parent / "execution_apis" / "openrpc.json"

OPEN_OBJECTS = (
    "AccountProof",
    "Log",
    "PendingTransactionInfo",
    "ReceiptInfo",
    "StorageProof",
    "TransactionInfo",
    "TxpoolContent",
    "TxpoolContentFromResult",
    "TxpoolStatus",
)
"""Objects the specification leaves open or closes only in parts: here anything it does not name fails."""


@cache
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(OPENRPC.read_text())
    schemas = loaded["components"]["schemas"]
    for name in OPEN_OBJECTS:
        schemas[name]["unevaluatedProperties"] = False
    # The empty list is both of its alternatives.
    schemas["FilterResults"]["anyOf"] = schemas["FilterResults"].pop("oneOf")
    # A transaction found by hash may be pending, which the specification knows in the pool only.
    schemas["FoundTransaction"] = {"oneOf": [_reference("TransactionInfo"), _reference("PendingTransactionInfo")]}
    for method in loaded["methods"]:
        if method["name"].startswith("eth_getTransactionBy"):
            method["result"]["schema"] = {"oneOf": [_reference("notFound"), _reference("FoundTransaction")]}
        if method["name"] in ("eth_getBlockByHash", "eth_getBlockByNumber"):
            # Closed here and not in the schema, which simulations extend.
            closed = {**_reference("Block"), "unevaluatedProperties": False}
            method["result"]["schema"] = {"oneOf": [_reference("notFound"), closed]}
    return loaded


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


@cache
def results() -> dict[str, Draft202012Validator]:
    """Return what judges the result of each standard method."""
    components = document()["components"]
    return {
        method["name"]: Draft202012Validator({**method["result"]["schema"], "components": components})
        for method in document()["methods"]
    }


PENDING_BLOCK_NULLS = ("hash", "miner", "nonce")
"""Members that are null in the block tag `pending`, which the schema of a block does not foresee."""


def sealed(method: str, parameters: list[Any], result: Any) -> Any:
    """Return a pending block as the sealed one it might become; anything else as it is."""
    if method != "eth_getBlockByNumber" or parameters[0] != "pending":
        return result
    assert all(result[name] is None for name in PENDING_BLOCK_NULLS)
    made_up = {"hash": "0x" + "00" * 32, "miner": "0x" + "00" * 20, "nonce": "0x" + "00" * 8}
    for transaction in result["transactions"]:
        if isinstance(transaction, dict):
            results()["eth_getTransactionByHash"].validate(transaction)
    return {**result, **made_up, "transactions": []}


def recorded() -> list[tuple[str, str, list[Any], Any]]:
    """Return name, method, parameters and result of every standard call in the conversations that has a result."""
    found = []
    for path in sorted(FOLDER.rglob("*.io")):
        for index, exchange in enumerate(read_conversation(path)):
            try:
                request = json.loads(exchange.request)
            except json.JSONDecodeError:
                continue
            if isinstance(request, dict) and request.get("method") in results() and "result" in exchange.answer:
                name = f"{path.parent.name}/{path.stem}/{index}"
                found.append((name, request["method"], request.get("params", []), exchange.answer["result"]))
    return found


RECORDED = recorded()


@pytest.mark.parametrize(
    ("method", "parameters", "result"), [row[1:] for row in RECORDED], ids=[r[0] for r in RECORDED]
)
def test_recorded_answer_is_what_the_specification_says(method: str, parameters: list[Any], result: Any) -> None:
    results()[method].validate(sealed(method, parameters, result))


def test_every_standard_method_this_node_serves_has_a_judged_answer() -> None:
    refused = {"eth_sendTransaction", "eth_sign", "eth_signTransaction"}
    judged = {row[1] for row in RECORDED}
    assert METHODS.keys() & results().keys() - refused == judged - refused


@pytest.mark.asyncio
async def test_every_block_transaction_and_receipt_of_a_chain_with_contracts_is_what_the_specification_says() -> None:
    calls = real_chain.calls()

    async def ask(method: str, *parameters: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        answer = json.loads(await calls.answer(body.encode()))
        assert "result" in answer, answer
        results()[method].validate(answer["result"])
        return answer["result"]

    seen = 0
    for number in range(int(await ask("eth_blockNumber"), 16) + 1):
        height = hex(number)
        block = await ask("eth_getBlockByNumber", height, True)
        assert await ask("eth_getBlockByHash", block["hash"], True) == block
        receipts = await ask("eth_getBlockReceipts", height)
        await ask("eth_getLogs", {"fromBlock": height, "toBlock": height})
        await ask("eth_feeHistory", "0x4", height, [10, 50])
        for index, transaction in enumerate(block["transactions"]):
            seen += 1
            assert await ask("eth_getTransactionByHash", transaction["hash"]) == transaction
            assert await ask("eth_getTransactionByBlockNumberAndIndex", height, hex(index)) == transaction
            assert await ask("eth_getTransactionReceipt", transaction["hash"]) == receipts[index]
        for address in sorted({transaction["from"] for transaction in block["transactions"]}):
            await ask("eth_getBalance", address, height)
            await ask("eth_getProof", address, ["0x0", "0x01"], height)
    assert seen >= 7


@pytest.mark.parametrize("method", ["eth_getBlockByHash", "eth_getTransactionByHash", "eth_getTransactionReceipt"])
def test_member_the_specification_does_not_name_is_refused(method: str) -> None:
    [result, *_] = [row[3] for row in RECORDED if row[1] == method and row[3] is not None]
    results()[method].validate(result)
    with pytest.raises(ValidationError):
        results()[method].validate({**result, "finality": "0x1"})

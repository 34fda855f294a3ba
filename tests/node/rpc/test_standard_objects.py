"""Standard objects have the standard fields, no more and no fewer, and each value is spelled as the schemas say."""

import json
import re
from typing import Any

import pytest

from consensus.chain.header import decode_header
from consensus.chain.merkle import verify_merkle_proof
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode_uint
from node.rpc.call_list import CallLists
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc.fakes import ALICE, BOB, BOB_ADDRESS, FakeBackend, Recorder, admit, sign, small_chain, transfer_data

QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
HASH = re.compile(r"0x[0-9a-f]{64}")
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
BLOOM = re.compile(r"0x[0-9a-f]{512}")
DATA = re.compile(r"0x([0-9a-f]{2})*")
NONCE = re.compile(r"0x[0-9a-f]{16}")
NULL = re.compile(r"None")

BLOCK = {
    **dict.fromkeys(["number", "gasLimit", "gasUsed", "timestamp", "difficulty", "size"], QUANTITY),
    **dict.fromkeys(["baseFeePerGas", "blobGasUsed", "excessBlobGas"], QUANTITY),
    **dict.fromkeys(["hash", "parentHash", "sha3Uncles", "stateRoot", "mixHash", "parentBeaconBlockRoot"], HASH),
    **dict.fromkeys(["transactionsRoot", "receiptsRoot", "withdrawalsRoot", "requestsHash"], HASH),
    "miner": ADDRESS,
    "logsBloom": BLOOM,
    "extraData": DATA,
    "nonce": NONCE,
}
LOG = {
    **dict.fromkeys(["logIndex", "transactionIndex", "blockNumber", "blockTimestamp"], QUANTITY),
    **dict.fromkeys(["transactionHash", "blockHash"], HASH),
    "address": ADDRESS,
    "data": DATA,
}
RECEIPT = {
    **dict.fromkeys(["type", "transactionIndex", "blockNumber", "cumulativeGasUsed", "gasUsed", "status"], QUANTITY),
    **dict.fromkeys(["transactionHash", "blockHash"], HASH),
    **dict.fromkeys(["from", "to"], ADDRESS),
    "contractAddress": NULL,
    "effectiveGasPrice": QUANTITY,
    "logsBloom": BLOOM,
}
TRANSACTION = {
    **dict.fromkeys(["blockNumber", "blockTimestamp", "transactionIndex", "type", "chainId", "nonce", "gas"], QUANTITY),
    **dict.fromkeys(["value", "gasPrice", "v", "r", "s"], QUANTITY),
    **dict.fromkeys(["blockHash", "hash"], HASH),
    **dict.fromkeys(["from", "to"], ADDRESS),
    "input": DATA,
}
BY_TYPE: dict[str, dict[str, re.Pattern[str]]] = {
    "0x0": {},
    "0x1": {"yParity": QUANTITY},
    "0x2": {"yParity": QUANTITY, "maxFeePerGas": QUANTITY, "maxPriorityFeePerGas": QUANTITY},
}


def check(found: dict[str, Any], fields: dict[str, re.Pattern[str]], *others: str) -> None:
    """Check field names and the spelling of scalar fields; `others` are checked by the caller."""
    assert set(found) == set(fields) | set(others)
    for name, pattern in fields.items():
        assert pattern.fullmatch(str(found[name])), f"{name} is {found[name]}"


def check_transaction(found: dict[str, Any]) -> None:
    others = () if found["type"] == "0x0" else ("accessList",)
    check(found, TRANSACTION | BY_TYPE[found["type"]], *others)


async def ask(backend: FakeBackend, method: str, *parameters: object) -> Any:
    calls = CallLists(Context(backend, RpcLimits()), Recorder())
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return json.loads(await calls.answer(json.dumps(request).encode()))["result"]


@pytest.mark.asyncio
async def test_blocks_have_the_fields_of_prague() -> None:
    for height in ("0x0", "0x1", "0x2"):
        block = await ask(small_chain(), "eth_getBlockByNumber", height, True)
        check(block, BLOCK, "transactions", "withdrawals", "uncles")
        assert block["withdrawals"] == block["uncles"] == []
        for transaction in block["transactions"]:
            check_transaction(transaction)


@pytest.mark.asyncio
async def test_block_hash_can_be_recomputed_from_the_certificate_header() -> None:
    backend = small_chain()
    block = await ask(backend, "eth_getBlockByNumber", "0x2", False)
    certificate = await ask(backend, "sycee_getCertificate", "0x2")
    header_rlp = bytes.fromhex(certificate["header"][2:])
    assert block["hash"] == "0x" + keccak256(header_rlp).hex()
    assert decode_header(header_rlp).height == int(block["number"], 16)


@pytest.mark.asyncio
async def test_receipts_and_logs_have_standard_fields_and_add_up() -> None:
    backend = small_chain()
    block = await ask(backend, "eth_getBlockByNumber", "0x1", False)
    receipts = await ask(backend, "eth_getBlockReceipts", "0x1")
    gas = 0
    for index, receipt in enumerate(receipts):
        check(receipt, RECEIPT, "logs")
        gas += int(receipt["gasUsed"], 16)
        assert int(receipt["cumulativeGasUsed"], 16) == gas
        assert receipt == await ask(backend, "eth_getTransactionReceipt", block["transactions"][index])
        for log in receipt["logs"]:
            check(log, LOG, "removed", "topics")
            assert log["removed"] is False
            assert log["blockTimestamp"] == block["timestamp"]
    assert gas == int(block["gasUsed"], 16)
    logs = [log for receipt in receipts for log in receipt["logs"]]
    assert [int(log["logIndex"], 16) for log in logs] == list(range(len(logs)))
    assert logs == await ask(backend, "eth_getLogs", {"blockHash": block["hash"]})


@pytest.mark.asyncio
async def test_pending_transaction_has_null_place_and_the_same_fields() -> None:
    backend = small_chain()
    pending = await ask(backend, "eth_getTransactionByBlockNumberAndIndex", "pending", "0x0")
    final = await ask(backend, "eth_getTransactionByBlockNumberAndIndex", "0x2", "0x0")
    assert pending.keys() == final.keys()
    nulls = {name for name, value in pending.items() if value is None}
    assert nulls == {"blockHash", "blockNumber", "blockTimestamp", "transactionIndex"}


@pytest.mark.asyncio
async def test_final_prices_are_zero_whatever_was_offered() -> None:
    backend = small_chain()
    first = await ask(backend, "eth_getTransactionByBlockNumberAndIndex", "0x1", "0x0")
    assert (first["gasPrice"], first["maxFeePerGas"], first["maxPriorityFeePerGas"]) == ("0x0", "0x7", "0x3")
    receipts = await ask(backend, "eth_getBlockReceipts", "0x1")
    assert {receipt["effectiveGasPrice"] for receipt in receipts} == {"0x0"}


@pytest.mark.asyncio
async def test_finality_proof_leads_from_the_header_to_transaction_and_receipt() -> None:
    backend = small_chain()
    block = await ask(backend, "eth_getBlockByNumber", "0x1", False)
    for index, transaction_hash in enumerate(block["transactions"]):
        proof = await ask(backend, "sycee_getFinalityProof", transaction_hash)
        header = decode_header(bytes.fromhex(proof["header"][2:]))
        key = encode_uint(index)
        for subject, root in (("transaction", header.transactions_root), ("receipt", header.receipts_root)):
            nodes = [bytes.fromhex(node[2:]) for node in proof[f"{subject}Proof"]]
            value = verify_merkle_proof(root, key, nodes)
            assert value is not None
            assert proof[subject] == "0x" + value.hex()
        assert proof["transactionIndex"] == index


@pytest.mark.asyncio
async def test_large_block_is_written_aside_and_says_the_same() -> None:
    backend = FakeBackend()
    for nonce in range(60):
        admit(backend, sign(ALICE, nonce, data=transfer_data(BOB_ADDRESS, nonce)))
    backend.seal()
    block = await ask(backend, "eth_getBlockByNumber", "0x1", True)
    receipts = await ask(backend, "eth_getBlockReceipts", "0x1")
    assert len(block["transactions"]) == len(receipts) == 60
    for index in (0, 59):
        place = await ask(backend, "eth_getTransactionByBlockNumberAndIndex", "0x1", hex(index))
        assert block["transactions"][index] == place
        assert receipts[index] == await ask(backend, "eth_getTransactionReceipt", place["hash"])


@pytest.mark.asyncio
async def test_long_pending_block_and_fee_history_are_written_aside_and_complete() -> None:
    backend = FakeBackend()
    for nonce in range(64):
        admit(backend, sign(ALICE, nonce))
        admit(backend, sign(BOB, nonce))
        backend.seal()
        assert await ask(backend, "eth_getBlockTransactionCountByNumber", hex(nonce + 1)) == "0x2"
    history = await ask(backend, "eth_feeHistory", "0x400", "latest", [50])
    assert [len(history[name]) for name in ("gasUsedRatio", "baseFeePerGas", "reward")] == [65, 66, 65]
    for nonce in range(64, 64 + 40):
        admit(backend, sign(ALICE, nonce))
    pending = await ask(backend, "eth_getBlockByNumber", "pending", True)
    assert [transaction["nonce"] for transaction in pending["transactions"]] == [hex(n) for n in range(64, 104)]


@pytest.mark.asyncio
async def test_certificate_height_is_read_back_as_it_was_written() -> None:
    backend = small_chain()
    certificate = await ask(backend, "sycee_getCertificate", "latest")
    assert certificate == await ask(backend, "sycee_getCertificate", certificate["height"])

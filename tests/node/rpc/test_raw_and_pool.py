"""Raw bytes hash to what the standard objects name; the mempool is shown only where it is enabled."""

import json
from typing import Any

import pytest

from consensus.chain.merkle import ordered_list_root
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import decode, read_list
from node.rpc.call_list import CallLists
from node.rpc.error_table import error_code
from node.rpc.errors import UnknownMethod
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc.fakes import ALICE, ALICE_ADDRESS, FakeBackend, Recorder, admit, sign, small_chain

ALL = ("eth", "debug", "txpool")


async def ask(backend: FakeBackend, method: str, *parameters: Any, namespaces: tuple[str, ...] = ALL) -> dict[str, Any]:
    calls = CallLists(Context(backend, RpcLimits(namespaces=namespaces)), Recorder())
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    answer: dict[str, Any] = json.loads(await calls.answer(json.dumps(request).encode()))
    return answer


@pytest.mark.asyncio
@pytest.mark.parametrize("height", ["0x0", "0x1", "0x2"])
async def test_raw_header_block_and_receipts_hash_to_what_the_block_object_says(height: str) -> None:
    chain = small_chain()
    block = (await ask(chain, "eth_getBlockByNumber", height, False))["result"]
    header = bytes.fromhex((await ask(chain, "debug_getRawHeader", height))["result"][2:])
    raw_block = bytes.fromhex((await ask(chain, "debug_getRawBlock", height))["result"][2:])
    receipts = [bytes.fromhex(raw[2:]) for raw in (await ask(chain, "debug_getRawReceipts", height))["result"]]
    assert "0x" + keccak256(header).hex() == block["hash"]
    assert "0x" + ordered_list_root(receipts).hex() == block["receiptsRoot"]
    assert int(block["size"], 16) == len(raw_block)
    parts = read_list(decode(raw_block))
    assert parts[0] == decode(header)
    assert len(parts) == 4
    assert parts[2] == parts[3] == type(parts[2])()
    assert len(read_list(parts[1])) == len(block["transactions"])


@pytest.mark.asyncio
async def test_transactions_behind_a_gap_are_queued_and_the_others_pending() -> None:
    chain = small_chain()
    admit(chain, sign(ALICE, 7))
    assert (await ask(chain, "txpool_status"))["result"] == {"pending": "0x1", "queued": "0x1"}
    content = (await ask(chain, "txpool_contentFrom", "0x" + ALICE_ADDRESS.hex()))["result"]
    assert (list(content["pending"]), list(content["queued"])) == (["4"], ["7"])
    everything = (await ask(chain, "txpool_content"))["result"]
    assert everything["queued"] == {"0x" + ALICE_ADDRESS.hex(): content["queued"]}


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["txpool_status", "txpool_content", "txpool_inspect", "debug_getRawBlock"])
async def test_namespace_that_is_not_enabled_does_not_exist(method: str) -> None:
    answer = await ask(small_chain(), method, "0x0", namespaces=("eth",))
    assert answer["error"]["code"] == error_code(UnknownMethod(method)) == -32601


@pytest.mark.asyncio
async def test_capabilities_state_the_window_of_proofs_even_above_genesis() -> None:
    chain = small_chain()
    chain.proof_window_blocks = 1
    proofs = (await ask(chain, "eth_capabilities"))["result"]["stateproofs"]
    assert proofs["oldestBlock"] == "0x1"
    assert proofs["deleteStrategy"] == {"type": "window", "retentionBlocks": "0x1"}

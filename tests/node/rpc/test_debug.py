"""Traces over a real chain: what tools expect of each format, and that watching changes nothing."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from consensus.primitives.hashing import keccak256
from tests.node.execution.ledger import ALICE, BOB, EUR
from tests.node.rpc.real_chain import TILL, account_hex, ask, blocks, hash_of


async def trace(height: int, index: int, **config: Any) -> Any:
    return await ask("debug_traceTransaction", hash_of(height, index), config)


def kinds(tree: dict[str, Any]) -> list[Any]:
    return [tree["type"], *(kinds(inner) for inner in tree.get("calls", ()))]


@pytest.mark.asyncio
async def test_call_tree_shows_the_native_call_inside_a_contracts() -> None:
    tree = await trace(3, 1, tracer="callTracer", tracerConfig={"withLog": True})
    assert kinds(tree) == ["CALL", ["CALL"]]
    assert (tree["from"], tree["to"]) == (account_hex(BOB), account_hex(TILL))
    assert tree["logs"][0] | {"topics": []} == {
        "address": account_hex(TILL),
        "topics": [],
        "data": "0xcafebabe01",
        "position": "0x0",
    }
    [inner] = tree["calls"]
    assert inner["to"] == account_hex(EUR)
    assert inner["nativeCall"] == f"Currency.transfer(to={account_hex(BOB)}, amount=7)"
    assert len(inner["logs"]) == 1
    assert "error" not in tree


@pytest.mark.asyncio
async def test_call_tree_without_inner_calls_shows_the_outermost_one() -> None:
    assert "calls" not in await trace(3, 1, tracer="callTracer", tracerConfig={"onlyTopCall": True})


@pytest.mark.asyncio
async def test_gas_of_a_traced_transaction_is_that_of_its_receipt() -> None:
    for height, transactions in enumerate(blocks(), 1):
        for index, _ in enumerate(transactions):
            receipt = await ask("eth_getTransactionReceipt", hash_of(height, index))
            steps = await trace(height, index)
            tree = await trace(height, index, tracer="callTracer")
            assert hex(steps["gas"]) == tree["gasUsed"] == receipt["gasUsed"]
            assert steps["failed"] is (receipt["status"] == "0x0") is ("error" in tree)


@pytest.mark.asyncio
async def test_failed_call_names_its_reason() -> None:
    tree = await trace(2, 1, tracer="callTracer")
    assert tree["error"] == "execution reverted"
    assert tree["revertReason"].startswith("ERC20InsufficientBalance(")
    assert tree["calls"][0]["error"] == "execution reverted"


@pytest.mark.asyncio
async def test_creation_shows_the_code_it_left() -> None:
    tree = await trace(2, 0, tracer="callTracer")
    assert (tree["type"], tree["to"]) == ("CREATE", account_hex(TILL))
    assert tree["output"] == await ask("eth_getCode", account_hex(TILL))


@pytest.mark.asyncio
async def test_struct_logs_show_stack_storage_and_what_each_opcode_took() -> None:
    steps = (await trace(3, 1))["structLogs"]
    assert [step["op"] for step in steps[:4]] == ["CALLER", "PUSH0", "SSTORE", "CALLDATASIZE"]
    assert steps[0]["stack"] == []
    assert steps[1]["stack"] == [account_hex(BOB)]
    assert steps[2]["storage"] == {"0x" + "00" * 32: "0x" + bytes(12).hex() + BOB.hex()}
    assert steps[2]["gasCost"] == 22_100
    assert all(
        before["gas"] - before["gasCost"] == after["gas"] for before, after in pairwise(steps) if before["op"] != "CALL"
    )
    assert {"pc", "op", "gas", "gasCost", "depth", "refund", "stack"} == steps[0].keys()


@pytest.mark.asyncio
async def test_struct_logs_leave_out_what_is_not_wanted() -> None:
    steps = (await trace(3, 1, disableStack=True, disableStorage=True, enableMemory=True))["structLogs"]
    assert not any("stack" in step or "storage" in step for step in steps)
    assert any("memory" in step for step in steps)
    assert len((await trace(3, 1, limit=5))["structLogs"]) == 5


@pytest.mark.asyncio
async def test_trace_larger_than_an_answer_may_be_says_how_to_make_it_smaller() -> None:
    refused = await ask("debug_traceTransaction", hash_of(3, 1), {}, response_bytes_max=5_000)
    assert refused["code"] == -32005
    assert "disableStack" in refused["message"]


@pytest.mark.asyncio
async def test_selector_trace_counts_functions_and_lengths_of_arguments() -> None:
    transfer = keccak256(b"transfer(address,uint256)")[:4].hex()
    assert await trace(3, 1, tracer="4byteTracer") == {"0xcafebabe-1": 1, f"0x{transfer}-64": 1}


@pytest.mark.asyncio
async def test_prestate_holds_everything_that_running_the_transaction_needs() -> None:
    state = await trace(3, 2, tracer="prestateTracer")
    assert state[account_hex(ALICE)]["nonce"] == 3
    assert state[account_hex(TILL)]["storage"] == {"0x" + "00" * 32: "0x" + bytes(12).hex() + BOB.hex()}
    assert state[account_hex(TILL)]["code"] == await ask("eth_getCode", account_hex(TILL))
    assert state[account_hex(EUR)]["storage"]


@pytest.mark.asyncio
async def test_state_difference_shows_before_and_after_of_what_changed() -> None:
    difference = await trace(3, 2, tracer="prestateTracer", tracerConfig={"diffMode": True})
    slot = "0x" + "00" * 32
    assert difference["pre"][account_hex(TILL)]["storage"] == {slot: "0x" + bytes(12).hex() + BOB.hex()}
    assert difference["post"][account_hex(TILL)] == {"storage": {slot: "0x" + bytes(12).hex() + ALICE.hex()}}
    assert difference["post"][account_hex(ALICE)] == {"nonce": 4}


@pytest.mark.asyncio
async def test_created_account_has_nothing_before_and_its_code_after() -> None:
    difference = await trace(2, 0, tracer="prestateTracer", tracerConfig={"diffMode": True})
    assert account_hex(TILL) not in difference["pre"]
    assert account_hex(TILL) not in await trace(2, 0, tracer="prestateTracer")
    assert difference["post"][account_hex(TILL)]["code"] == await ask("eth_getCode", account_hex(TILL))


@pytest.mark.asyncio
async def test_block_is_traced_by_number_and_by_hash() -> None:
    block = await ask("eth_getBlockByNumber", "0x3", False)
    by_number = await ask("debug_traceBlockByNumber", "0x3", {"tracer": "callTracer"})
    assert [entry["txHash"] for entry in by_number] == block["transactions"]
    assert by_number == await ask("debug_traceBlockByHash", block["hash"], {"tracer": "callTracer"})
    assert by_number[1]["result"] == await trace(3, 1, tracer="callTracer")


@pytest.mark.asyncio
async def test_call_is_traced_on_the_state_it_shall_believe_in() -> None:
    code = "0x602a60005260206000f3"
    call = {"from": account_hex(BOB), "to": "0x" + "ab" * 20}
    config = {"tracer": "callTracer", "stateOverrides": {"0x" + "ab" * 20: {"code": code}}}
    tree = await ask("debug_traceCall", call, "latest", config)
    assert int(tree["output"], 16) == 42
    assert "output" not in await ask("debug_traceCall", call, "latest", {"tracer": "callTracer"})


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "parameters", "code"),
    [
        ("debug_traceTransaction", ["0x" + "ab" * 32], -32001),
        ("debug_traceTransaction", [hash_of(1, 0), {"tracer": "unheardOf"}], -32004),
        ("debug_traceTransaction", [hash_of(1, 0), {"colour": "red"}], -32602),
        ("debug_traceBlockByNumber", ["0x0"], -32000),
        ("debug_traceBlockByNumber", ["0x63"], -32001),
        ("debug_traceBlockByHash", ["0x" + "ab" * 32], -32001),
    ],
)
async def test_what_cannot_be_traced_is_refused_by_name(method: str, parameters: Sequence[Any], code: int) -> None:
    assert (await ask(method, *parameters))["code"] == code


@pytest.mark.asyncio
async def test_plain_payment_and_plain_transfer_have_a_trace_too() -> None:
    tree = await trace(1, 0, tracer="callTracer")
    assert tree["nativeCall"] == f"Currency.transfer(to={account_hex(BOB)}, amount=5)"
    assert (await trace(1, 0))["structLogs"] == []

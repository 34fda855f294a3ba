"""The error table: complete, and every row reached through a request or built from its class."""

import inspect
import json
from typing import Any

import pytest

import consensus.chain.errors as chain
import node.mempool.errors as mempool
import node.rpc.errors as rpc
from consensus.primitives.scalars import Height
from node.mempool.waiters import TooManyWaiters
from node.rpc.call_list import CallLists
from node.rpc.error_table import ERROR_ROWS, error_object
from node.rpc.methods import Context, RpcLimits
from node.rpc.openrpc.document import error_meaning
from tests.node.rpc.fakes import ALICE, ALICE_ADDRESS, EUR, FakeBackend, Recorder, sign, small_chain


async def ask(backend: FakeBackend, method: str, *parameters: object, limits: RpcLimits | None = None) -> Any:
    """Return the error of one call."""
    calls = CallLists(Context(backend, limits or RpcLimits()), Recorder())
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return json.loads(await calls.answer(json.dumps(request).encode()))["error"]


def test_every_error_a_client_can_cause_is_in_the_table() -> None:
    bases = {rpc.RpcError, chain.InvalidTransaction, mempool.RejectedTransaction}
    for module in (rpc, chain, mempool):
        for _, error in inspect.getmembers(module, inspect.isclass):
            if issubclass(error, tuple(bases)) and error not in bases:
                assert error in ERROR_ROWS, f"{error.__name__} would be reported as a bug of the node"


@pytest.mark.parametrize("error", ERROR_ROWS, ids=lambda error: error.__name__)
def test_every_error_says_in_its_own_words_when_it_happens(error: type[Exception]) -> None:
    assert error_meaning(error).endswith(".")


def test_reasons_are_stable_snake_case_words() -> None:
    for error, row in ERROR_ROWS.items():
        reason = row.fixed.get("reason") or getattr(error, "reason", None)
        assert isinstance(reason, str)
        assert reason == reason.lower()
        assert reason.replace("_", "").isalnum()


@pytest.mark.parametrize(
    ("error", "code", "data"),
    [
        (rpc.CallsOverloaded(64), -32002, {"reason": "overloaded", "limit": 64, "retry_after_ms": 1000}),
        (rpc.CallTimedOut(2_000), -32005, {"reason": "call_timed_out", "limit": 2_000}),
        (mempool.PoolFull(9), -32002, {"reason": "pool_full", "limit": 9, "retry_after_ms": 1000}),
        (
            mempool.SenderLimit(b"\x01" * 20, 64),
            -32005,
            {"reason": "sender_limit", "actual": "0x" + "01" * 20, "limit": 64},
        ),
        (
            mempool.SenderGasLimit(b"\x01" * 20, pending_gas=9, gas_limit=2, per_sender_gas_max=10),
            -32005,
            {"reason": "sender_gas_limit", "actual": 9, "limit": 10},
        ),
        (TooManyWaiters(), -32005, {"reason": "too_many_waiters", "limit": 100_000}),
        (chain.NonceExhausted(2**64 - 1), -32000, {"reason": "nonce_exhausted", "actual": str(2**64 - 1)}),
        (chain.NotReplayProtected(27), -32000, {"reason": "not_replay_protected", "actual": 27}),
        (
            chain.OversizedTransaction(5, 4),
            -32000,
            {"reason": "oversized", "limit": 4, "actual": 5},
        ),
        (
            chain.InconsistentFees(priority_fee=2, fee_cap=1),
            -32000,
            {"reason": "priority_fee_above_fee_cap", "expected": 1, "actual": 2},
        ),
        (chain.InvalidTransactionSignature("s"), -32000, {"reason": "invalid_signature", "actual": "s"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_looks_as_the_table_says(error: Exception, code: int, data: dict[str, object]) -> None:
    assert error_object(error) == {"code": code, "message": str(error), "data": data}
    reason = data["reason"]
    assert error_object(error, without_data=True) == {"code": code, "message": f"{error} [{reason}]"}


@pytest.mark.asyncio
async def test_pruned_height_names_the_oldest_kept_one() -> None:
    backend = small_chain()
    backend.bodies_oldest = Height(2)
    expected = {"reason": "pruned", "actual": 1, "oldest": 2}
    assert (await ask(backend, "eth_getBalance", "0x" + "00" * 20, "0x1"))["data"] == expected
    assert (await ask(backend, "eth_getBlockByNumber", "0x1", True))["code"] == -32001
    assert (await ask(backend, "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x2"}))["data"] == expected
    assert (await ask(backend, "eth_getBlockReceipts", "0x1"))["data"] == expected


@pytest.mark.asyncio
async def test_pruned_proof_names_the_oldest_provable_height() -> None:
    backend = small_chain()
    backend.proofs_oldest = Height(2)
    error = await ask(backend, "eth_getProof", "0x" + EUR.hex(), [], "0x1")
    assert error["data"] == {"reason": "proof_pruned", "actual": 1, "oldest": 2}


@pytest.mark.asyncio
async def test_catching_up_node_admits_nothing_and_says_when_to_retry() -> None:
    backend = small_chain()
    backend.is_syncing = True
    raw = sign(ALICE, 5)
    error = await ask(backend, "eth_sendRawTransaction", "0x" + raw.hex())
    assert (error["code"], error["data"]) == (-32002, {"reason": "syncing", "retry_after_ms": 1000})
    error = await ask(backend, "eth_sendRawTransactionSync", "0x" + raw.hex())
    assert error["code"] == 5
    assert len(error["data"]) == 66
    assert len(backend.waiters) == 0


@pytest.mark.asyncio
async def test_too_many_logs_name_a_height_from_which_the_next_request_succeeds() -> None:
    backend = small_chain()
    limits = RpcLimits(logs_results_max=3)
    error = await ask(backend, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"}, limits=limits)
    assert error["code"] == -32005
    assert error["data"] == {"reason": "too_many_results", "limit": 3, "resume_from": "0x2"}
    calls = CallLists(Context(backend, limits), Recorder())
    for bounds, count in (({"fromBlock": "0x0", "toBlock": "0x1"}, 3), ({"fromBlock": "0x2"}, 1)):
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [bounds]}
        assert len(json.loads(await calls.answer(json.dumps(request).encode()))["result"]) == count


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["eth_call", "eth_estimateGas"])
@pytest.mark.parametrize("failure", [rpc.CallsOverloaded(64), rpc.CallTimedOut(2_000), rpc.NotSupported("this")])
async def test_calls_carry_data_only_with_a_revert(method: str, failure: Exception) -> None:
    backend = small_chain()
    backend.failure = failure
    error = await ask(backend, method, {"to": "0x" + EUR.hex()}, "latest")
    assert set(error) == {"code", "message"}
    assert error["message"].endswith("]")


@pytest.mark.asyncio
async def test_bug_is_reported_as_an_incident_that_the_log_knows() -> None:
    backend = small_chain()
    backend.failure = KeyError("secret")
    recorder = Recorder()
    calls = CallLists(Context(backend, RpcLimits()), recorder)
    for method in (b"eth_blockNumber", b"eth_call"):
        parameters = b'[{"to":"0x%s"}]' % EUR.hex().encode() if method == b"eth_call" else b"[]"
        answer = await calls.answer(b'{"jsonrpc":"2.0","id":7,"method":"%s","params":%s}' % (method, parameters))
        error = json.loads(answer)["error"]
        incident, name, cause = recorder.incidents.pop()
        assert error["code"] == -32603
        assert error["data"] == {"incident": incident}
        assert (name.encode(), cause) == (method, backend.failure)
        assert b"secret" not in answer


@pytest.mark.asyncio
async def test_single_answer_over_the_limit_is_replaced_and_one_at_the_limit_is_not() -> None:
    request = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x%s"]}' % ALICE_ADDRESS.hex().encode()
    whole = await CallLists(Context(small_chain(), RpcLimits()), Recorder()).answer(request)
    for bytes_max, is_whole in ((len(whole), True), (len(whole) - 1, False)):
        limits = RpcLimits(response_bytes_max=bytes_max)
        answer = await CallLists(Context(small_chain(), limits), Recorder()).answer(request)
        assert (answer == whole) is is_whole
    assert json.loads(answer)["error"]["data"]["reason"] == "response_too_large"

"""Accounts that a development node signs for: what unlocked accounts are elsewhere."""

import asyncio
import json
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from consensus.chain.transaction import decode_transaction, recover_sender
from node.rpc.call_list import CallLists
from node.rpc.dev_keys import DevKeys
from node.rpc.methods import Context, RpcLimits
from tests.node.rpc.fakes import ALICE, ALICE_ADDRESS, BOB_ADDRESS, EUR, FakeBackend, Recorder, small_chain

ALICE_HEX, EUR_HEX = f"0x{ALICE_ADDRESS.hex()}", f"0x{EUR.hex()}"
PAYMENT = {"from": ALICE_HEX, "to": EUR_HEX, "data": "0xa9059cbb" + "00" * 12 + BOB_ADDRESS.hex() + f"{5:064x}"}


def development_node() -> tuple[FakeBackend, CallLists]:
    chain = small_chain()
    keys = DevKeys({ALICE_ADDRESS: bytes(ALICE.key)})
    return chain, CallLists(Context(chain, RpcLimits(), keys=keys), Recorder())


async def ask(calls: CallLists, method: str, *parameters: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
    answer = json.loads(await calls.answer(body.encode()))
    return answer.get("result", answer.get("error"))


@pytest.mark.asyncio
async def test_accounts_are_those_it_signs_for() -> None:
    _, calls = development_node()
    assert await ask(calls, "eth_accounts") == [ALICE_HEX]


@pytest.mark.asyncio
async def test_a_transaction_is_signed_with_the_next_nonce_and_enough_gas_and_pends() -> None:
    chain, calls = development_node()
    nonce = chain.pending_nonce(ALICE_ADDRESS)
    sent = await ask(calls, "eth_sendTransaction", PAYMENT)
    [pooled] = [entry for entry in chain.pending_transactions(10) if f"0x{entry.transaction.hash.hex()}" == sent]
    assert (pooled.sender, pooled.transaction.nonce) == (ALICE_ADDRESS, nonce)


@pytest.mark.asyncio
async def test_two_at_once_get_two_nonces() -> None:
    chain, calls = development_node()
    first, second = await asyncio.gather(*(ask(calls, "eth_sendTransaction", PAYMENT) for _ in range(2)))
    assert first != second
    pending = {entry.transaction.hash.hex() for entry in chain.pending_transactions(10)}
    assert {first[2:], second[2:]} <= pending


@pytest.mark.asyncio
async def test_a_signed_transaction_is_what_was_asked_and_is_not_sent() -> None:
    chain, calls = development_node()
    pending = len(chain.pending_transactions(10))
    raw = await ask(calls, "eth_signTransaction", {**PAYMENT, "nonce": "0x7", "gas": "0x186a0"})
    signed = decode_transaction(bytes.fromhex(raw[2:]))
    assert (recover_sender(signed), signed.nonce, signed.gas_limit) == (ALICE_ADDRESS, 7, 100_000)
    assert len(chain.pending_transactions(10)) == pending


@pytest.mark.asyncio
async def test_a_signed_message_is_recovered_by_a_wallet() -> None:
    _, calls = development_node()
    signature = await ask(calls, "eth_sign", ALICE_HEX, "0x68656c6c6f")
    recovered = Account.recover_message(encode_defunct(b"hello"), signature=signature)
    assert recovered.lower() == ALICE_HEX


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("eth_sendTransaction", [{**PAYMENT, "from": EUR_HEX}]),
        ("eth_signTransaction", [{**PAYMENT, "from": EUR_HEX}]),
        ("eth_sign", [EUR_HEX, "0x01"]),
    ],
)
async def test_nobody_elses_account_is_signed_for(method: str, parameters: list[Any]) -> None:
    _, calls = development_node()
    error = await ask(calls, method, *parameters)
    assert (error["code"], error["data"]) == (-32000, {"reason": "unknown_account", "actual": EUR_HEX})


@pytest.mark.asyncio
async def test_an_access_list_is_not_dropped_in_silence() -> None:
    _, calls = development_node()
    error = await ask(
        calls, "eth_sendTransaction", {**PAYMENT, "accessList": [{"address": EUR_HEX, "storageKeys": []}]}
    )
    assert error["code"] == -32004 and "call.accessList" in error["message"]


@pytest.mark.asyncio
async def test_fields_for_another_chain_are_refused() -> None:
    _, calls = development_node()
    error = await ask(calls, "eth_sendTransaction", {**PAYMENT, "chainId": "0x1"})
    assert error["data"]["reason"] == "wrong_chain_id"

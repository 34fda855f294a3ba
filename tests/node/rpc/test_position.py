"""A position is what the currency itself says, and its proof is the standard one."""

import json
from typing import Any

import pytest

from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from tests.node.execution.ledger import ALICE, BOB, EUR
from tests.node.rpc import real_chain


async def ask(method: str, *parameters: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
    return json.loads(await real_chain.calls().answer(body.encode()))["result"]


@pytest.mark.asyncio
@pytest.mark.parametrize("account", [ALICE, BOB, bytes(19) + b"\x77"])
async def test_position_is_what_the_currency_answers(account: bytes) -> None:
    currency = (await ask("sycee_getCurrencies"))[0]["code"]
    position = await ask("sycee_getPosition", currency, "0x" + account.hex())
    call = {"to": "0x" + EUR.hex(), "data": "0x" + encode_call(find_function(CURRENCY, "positionOf"), account).hex()}
    returned = bytes.fromhex((await ask("eth_call", call, hex(position["height"])))[2:])
    words = [str(int.from_bytes(returned[at : at + 32], "big")) for at in range(0, len(returned), 32)]
    assert [position[name] for name in ("balance", "held", "frozen", "parked", "spendable")] == words
    assert (position["balance"] == "0") == (account not in (ALICE, BOB))


@pytest.mark.asyncio
async def test_position_carries_the_proof_of_each_amount_at_its_height() -> None:
    currency = (await ask("sycee_getCurrencies"))[0]["code"]
    position = await ask("sycee_getPosition", currency, "0x" + ALICE.hex(), True)
    keys = [slot["key"] for slot in position["proof"]["storageProof"]]
    assert position["proof"] == await ask("eth_getProof", "0x" + EUR.hex(), keys, hex(position["height"]))
    proved = [str(int(slot["value"], 16)) for slot in position["proof"]["storageProof"]]
    assert proved == [position[name] for name in ("balance", "held", "frozen", "parked")]

"""Estimates, access lists and simulations over a real chain."""

from typing import Any

import pytest

from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.execution.calls import CallOutcome, estimate_gas
from tests.node.execution.ledger import ALICE, BOB, CAROL, EUR
from tests.node.rpc.real_chain import TILL, account_hex, ask

STRANGER = "0x" + "ab" * 20
RICH = {account_hex(CAROL): {"balance": "0xde0b6b3a7640000"}}
RETURNS_42 = "0x602a60005260206000f3"
RETURNS_NUMBER_AND_TIME = "0x4360005242602052604060 00f3".replace(" ", "")
NEVER_ENDS = "0x5b600056"


def payment(amount: int, sender: Address = BOB) -> dict[str, str]:
    data = encode_call(find_function(CURRENCY, "transfer"), ALICE, amount)
    return {"from": account_hex(sender), "to": account_hex(EUR), "data": f"0x{data.hex()}"}


def till_call() -> dict[str, str]:
    return {"from": account_hex(BOB), "to": account_hex(TILL), "data": "0xcafebabe"}


@pytest.mark.asyncio
async def test_estimate_of_a_native_call_is_exact() -> None:
    estimated = int(await ask("eth_estimateGas", payment(5)), 16)
    assert await ask("eth_call", payment(5) | {"gas": hex(estimated)}) == "0x" + "00" * 31 + "01"
    refused = await ask("eth_call", payment(5) | {"gas": hex(estimated - 1)})
    assert "OutOfGas(" in refused["message"]


@pytest.mark.asyncio
async def test_estimate_of_a_contracts_call_is_enough_and_little_more() -> None:
    estimated = int(await ask("eth_estimateGas", till_call()), 16)
    assert isinstance(await ask("eth_call", till_call() | {"gas": hex(estimated)}), str)
    too_little = await ask("eth_call", till_call() | {"gas": hex(estimated * 97 // 100)})
    assert too_little["message"].startswith(("out of gas", "execution reverted"))


@pytest.mark.parametrize("needed", [21_000, 21_001, 30_000, 64_000, 999_999, 1_000_000])
@pytest.mark.parametrize("used", [21_000, 20_000, 15_000])
def test_estimate_finds_a_limit_near_the_least_one(needed: int, used: int) -> None:
    tried: list[int] = []

    def run(gas_limit: int) -> CallOutcome:
        tried.append(gas_limit)
        return CallOutcome(gas_limit >= needed, b"", min(gas_limit, used))

    found, outcome = estimate_gas(run, 1_000_000)
    assert outcome.succeeded
    assert needed <= found <= needed * 1.0153 + 1
    assert len(tried) < 25


@pytest.mark.asyncio
async def test_failing_estimate_says_why() -> None:
    refused = await ask("eth_estimateGas", payment(10**12))
    assert refused["code"] == 3
    assert "ERC20InsufficientBalance(" in refused["message"]


@pytest.mark.asyncio
async def test_call_that_never_ends_is_out_of_gas_and_its_estimate_out_of_work() -> None:
    call, code = {"to": STRANGER}, {STRANGER: {"code": NEVER_ENDS}}
    assert (await ask("eth_call", call, "latest", code))["message"] == "out of gas [execution_failed]"
    assert (await ask("eth_estimateGas", call, "latest", code))["message"] == "out of work [execution_failed]"


@pytest.mark.asyncio
async def test_call_believes_in_the_block_it_is_given() -> None:
    answer = await ask(
        "eth_call",
        {"to": STRANGER},
        "latest",
        {STRANGER: {"code": RETURNS_NUMBER_AND_TIME}},
        {"number": "0x999", "time": "0x77"},
    )
    assert (int(answer[2:66], 16), int(answer[66:], 16)) == (0x999, 0x77)


@pytest.mark.asyncio
@pytest.mark.parametrize("back", [1, 2, 3])
async def test_call_knows_the_hashes_of_the_blocks_before_it(back: int) -> None:
    # PUSH1 back NUMBER SUB BLOCKHASH, and the word in memory is returned. The call is in block 4.
    code = f"0x60{back:02x}4303405f5260205ff3"
    answer = await ask("eth_call", {"to": STRANGER}, "latest", {STRANGER: {"code": code}})
    assert answer == (await ask("eth_getBlockByNumber", hex(4 - back), False))["hash"]


@pytest.mark.asyncio
async def test_hash_of_the_block_itself_is_not_known() -> None:
    answer = await ask("eth_call", {"to": STRANGER}, "latest", {STRANGER: {"code": "0x43405f5260205ff3"}})
    assert int(answer, 16) == 0


@pytest.mark.asyncio
async def test_history_contract_answers_for_the_blocks_before() -> None:
    # EIP-2935; the hash of the last final block is written when the next one begins.
    height = 2
    data = f"0x{height:064x}"
    answer = await ask("eth_call", {"to": "0x0000f90827f1c53a10cb7a02335b175320002935", "data": data})
    assert answer == (await ask("eth_getBlockByNumber", hex(height), False))["hash"]


@pytest.mark.asyncio
async def test_creation_call_returns_the_code_it_would_leave() -> None:
    init = "0x600a600c600039600a6000f3" + RETURNS_42[2:]
    assert await ask("eth_call", {"data": init}) == RETURNS_42


@pytest.mark.asyncio
async def test_access_list_names_what_a_call_touches() -> None:
    answer = await ask("eth_createAccessList", till_call())
    assert answer["accessList"] == [
        {"address": account_hex(TILL), "storageKeys": ["0x" + "00" * 32]},
        {"address": account_hex(EUR), "storageKeys": []},
    ]
    with_list = till_call() | {"accessList": answer["accessList"]}
    assert (await ask("eth_createAccessList", with_list))["gasUsed"] == answer["gasUsed"]


@pytest.mark.asyncio
async def test_access_list_of_a_call_that_fails_says_so() -> None:
    answer = await ask("eth_createAccessList", {"to": STRANGER}, "latest", {STRANGER: {"code": "0x600154fe"}})
    assert answer["error"] == "invalid opcode"
    assert answer["accessList"] == [{"address": STRANGER, "storageKeys": ["0x" + "00" * 31 + "01"]}]


async def simulate(*blocks: dict[str, Any], **options: Any) -> Any:
    return await ask("eth_simulateV1", {"blockStateCalls": list(blocks), **options}, "latest")


@pytest.mark.asyncio
async def test_simulated_calls_build_on_each_other() -> None:
    [first, second] = await simulate({"calls": [payment(5), payment(10**12)]}, {"calls": [payment(7)]})
    assert [call["status"] for call in first["calls"]] == ["0x1", "0x0"]
    assert first["calls"][1]["error"]["code"] == 3
    assert second["parentHash"] == first["hash"]
    assert int(second["number"], 16) == int(first["number"], 16) + 1 == 5
    assert int(second["timestamp"], 16) == int(first["timestamp"], 16) + 1
    [log] = second["calls"][0]["logs"]
    assert log["blockHash"] == second["hash"]
    assert log["transactionHash"] == second["transactions"][0]
    assert int(first["gasUsed"], 16) == sum(int(call["gasUsed"], 16) for call in first["calls"])
    assert second["stateRoot"] != first["stateRoot"]


@pytest.mark.asyncio
async def test_simulation_leaves_nothing_behind() -> None:
    before = await ask("eth_getProof", account_hex(EUR), [], "latest")
    await simulate({"calls": [payment(5)]})
    assert await ask("eth_getProof", account_hex(EUR), [], "latest") == before


@pytest.mark.asyncio
async def test_simulated_block_counts_the_blocks_left_out_before_it() -> None:
    shown = await simulate({"blockOverrides": {"number": "0x7"}}, {})
    assert [int(block["number"], 16) for block in shown] == [4, 5, 6, 7, 8]


@pytest.mark.asyncio
async def test_native_transfers_are_shown_as_events_where_wanted_and_those_undone_are_not() -> None:
    sender = account_hex(CAROL)
    spends = {"from": sender, "to": STRANGER, "value": "0x3e8"}
    undone = {"from": sender, "to": "0x" + "cd" * 20, "value": "0x1"}
    accounts = {**RICH, "0x" + "cd" * 20: {"code": "0x5f5ffd"}}
    [block] = await simulate({"stateOverrides": accounts, "calls": [spends, undone]}, traceTransfers=True)
    [log] = block["calls"][0]["logs"]
    assert (log["address"], int(log["data"], 16)) == ("0x" + "ee" * 20, 1_000)
    assert block["calls"][1]["logs"] == []
    assert block["logsBloom"] == "0x" + "00" * 256
    [silent] = await simulate({"stateOverrides": accounts, "calls": [spends]})
    assert silent["calls"][0]["logs"] == []


@pytest.mark.asyncio
async def test_simulated_transactions_are_shown_in_full_where_wanted() -> None:
    [block] = await simulate({"calls": [payment(5)]}, returnFullTransactions=True)
    [transaction] = block["transactions"]
    assert (transaction["from"], transaction["to"]) == (account_hex(BOB), account_hex(EUR))
    assert transaction["blockHash"] == block["hash"]


@pytest.mark.asyncio
async def test_nonces_are_free_unless_they_are_validated() -> None:
    numbered = payment(5) | {"nonce": "0x63"}
    assert (await simulate({"calls": [numbered]}))[0]["calls"][0]["status"] == "0x1"
    assert (await simulate({"calls": [numbered]}, validation=True))["code"] == -38011
    low = payment(5) | {"nonce": "0x0"}
    assert (await simulate({"calls": [low]}, validation=True))["code"] == -38010


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        ([{"calls": [payment(5) | {"gas": "0x5208"}]}], -38013),
        ([{"calls": [{"from": account_hex(ALICE), "to": STRANGER, "value": "0x1"}]}], -38014),
        ([{"blockOverrides": {"gasLimit": "0x7530"}, "calls": [payment(5) | {"gas": "0x7531"}]}], -38015),
        ([{"blockOverrides": {"number": "0x9"}}, {"blockOverrides": {"number": "0x9"}}], -38020),
        ([{"blockOverrides": {"time": "0x1"}}], -38021),
        ([{"calls": [{"from": account_hex(ALICE), "data": "0x" + "00" * 49_153}]}], -38025),
        ([{"blockOverrides": {"number": "0x104"}}], -38026),
    ],
    ids=["intrinsic gas", "funds", "block gas", "height", "time", "init code", "blocks"],
)
async def test_simulation_that_no_block_could_hold_is_refused_by_its_code(blocks: list[Any], code: int) -> None:
    assert (await simulate(*blocks))["code"] == code


@pytest.mark.asyncio
async def test_failing_opcode_is_an_error_of_its_own() -> None:
    accounts = {STRANGER: {"code": "0xfe"}}
    [block] = await simulate({"stateOverrides": accounts, "calls": [{"to": STRANGER, "gas": "0xc350"}]})
    assert block["calls"][0]["error"] == {"code": -32015, "message": "vm execution error: invalid opcode"}

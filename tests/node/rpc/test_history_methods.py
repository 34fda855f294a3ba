"""What accounts did: pages join without gaps, balances add up, and a missing index is named."""

import json
from typing import Any

import pytest

from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function
from node.rpc import history_api
from node.rpc.call_list import CallLists
from node.rpc.methods import Context, RpcLimits
from node.rpc.node_backend import NodeBackend
from tests.node.execution.ledger import ALICE, ALICE_KEY, BOB, BOB_KEY, OPENING_MINOR, payment, raw_call, signed
from tests.node.rpc import real_chain
from tests.node.rpc.fakes import Recorder

STRANGER = Address(b"\x77" * 20)
MEMO = b"\x05" * 32


async def ask(backend: NodeBackend, method: str, *parameters: object) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    calls = CallLists(Context(backend, RpcLimits()), Recorder())
    answer = json.loads(await calls.answer(json.dumps(request).encode()))
    return answer["result"] if "result" in answer else answer["error"]


def paid_chain() -> NodeBackend:
    """Return a node with payments among Alice, Bob and a stranger, one with a memo and one to oneself."""
    with_memo = encode_call(find_function(CURRENCY, "transferWithMemo"), STRANGER, 7, MEMO)
    return real_chain.backend_of(
        [
            [payment(ALICE_KEY, 0, BOB, 5), payment(BOB_KEY, 0, ALICE, 2_000_000), payment(BOB_KEY, 1, ALICE, 3)],
            [signed(raw_call(ALICE_KEY, 1, with_memo)), payment(ALICE_KEY, 2, ALICE, 1)],
            [payment(ALICE_KEY, 3, BOB, 4)],
        ]
    )


def hex_of(address: bytes) -> str:
    return f"0x{address.hex()}"


@pytest.mark.asyncio
async def test_statement_carries_the_balance_from_movement_to_movement() -> None:
    backend = paid_chain()
    told = await ask(backend, "sycee_getStatement", "EUR", hex_of(ALICE))
    rows = [(row["height"], row["change"], row["balance"], row["memo"]) for row in told["movements"]]
    assert rows == [
        (1, "-5", "999995", None),
        (1, "3", "999998", None),
        (2, "-7", "999991", hex_of(MEMO)),
        (2, "0", "999991", None),
        (3, "-4", "999987", None),
    ]
    account = await ask(backend, "sycee_getAccount", hex_of(ALICE))
    assert (told["opening"], told["closing"]) == (str(OPENING_MINOR), account["balances"][0]["balance"])


@pytest.mark.asyncio
@pytest.mark.parametrize("transactions_max", [1, 2, 3, 5])
async def test_pages_of_a_statement_join_without_gap_or_repetition(
    transactions_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = paid_chain()
    whole = await ask(backend, "sycee_getStatement", "EUR", hex_of(ALICE), 1, 3)
    monkeypatch.setattr(history_api, "STATEMENT_TRANSACTIONS_MAX", transactions_max)
    rows: list[Any] = []
    balance, cursor = whole["opening"], None
    for _ in range(6):
        page = await ask(backend, "sycee_getStatement", "EUR", hex_of(ALICE), 1, 3, cursor)
        assert page["opening"] == balance
        rows += page["movements"]
        balance, cursor = page["closing"], page["nextCursor"]
        if cursor is None:
            break
    assert (rows, balance, cursor) == (whole["movements"], whole["closing"], None)


@pytest.mark.asyncio
async def test_statement_of_a_range_opens_with_the_balance_before_it() -> None:
    told = await ask(paid_chain(), "sycee_getStatement", "EUR", hex_of(ALICE), 2, 2)
    assert (told["opening"], told["closing"], len(told["movements"])) == ("999998", "999991", 2)


@pytest.mark.asyncio
async def test_pages_of_a_history_join_without_gap_or_repetition() -> None:
    backend = paid_chain()
    whole = await ask(backend, "sycee_getAddressHistory", hex_of(ALICE))
    places = [(entry["height"], entry["transactionIndex"]) for entry in whole["transactions"]]
    assert places == [(3, 0), (2, 1), (2, 0), (1, 2), (1, 0)]
    entries: list[Any] = []
    cursor = None
    for _ in range(4):
        page = await ask(backend, "sycee_getAddressHistory", hex_of(ALICE), cursor, 2)
        entries += page["transactions"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert (entries, cursor) == (whole["transactions"], None)


@pytest.mark.asyncio
async def test_pages_of_holders_join_and_leave_out_who_holds_nothing() -> None:
    backend = real_chain.backend_of([[payment(ALICE_KEY, 0, STRANGER, OPENING_MINOR)]])
    holders: list[str] = []
    cursor = None
    for _ in range(5):
        page = await ask(backend, "sycee_getHolders", "EUR", cursor, 1)
        holders += [holder["address"] for holder in page["holders"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert cursor is None
    assert hex_of(STRANGER) in holders
    assert hex_of(ALICE) not in holders
    assert holders == sorted(holders)
    assert len(holders) == 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("method", "parameters", "index"),
    [
        ("sycee_getAddressHistory", (hex_of(ALICE),), "addresses"),
        ("sycee_getStatement", ("EUR", hex_of(ALICE)), "addresses"),
        ("sycee_getTransactionBySenderAndNonce", (hex_of(ALICE), 0), "addresses"),
        ("sycee_getHolders", ("EUR",), "holders"),
    ],
)
async def test_missing_index_is_named(method: str, parameters: tuple[object, ...], index: str) -> None:
    others = [group for group in ("logs", "addresses", "holders") if group != index]
    refused = await ask(real_chain.backend_of(real_chain.blocks()[:1], others), method, *parameters)
    assert refused["code"] == -32004
    assert refused["data"] == {"reason": "index_missing", "actual": index}
    answered = await ask(real_chain.backend_of(real_chain.blocks()[:1], [index]), method, *parameters)
    assert answered and "code" not in answered


@pytest.mark.asyncio
async def test_logs_are_found_without_their_index() -> None:
    wanted = {"fromBlock": "0x0", "toBlock": "0x3", "topics": [None, None, f"0x{bytes(12).hex()}{BOB.hex()}"]}
    blind = real_chain.backend_of(real_chain.blocks(), ())
    found = await ask(blind, "eth_getLogs", wanted)
    assert found == await ask(real_chain.backend(), "eth_getLogs", wanted)
    assert len(found) == 3

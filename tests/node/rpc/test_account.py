"""sycee_getAccount says of one block what the ledger's own functions say there."""

from typing import Any

import pytest

from consensus.primitives.scalars import Address, Height
from contracts.addresses import ACCOUNT_REGISTRY
from contracts.declarations import encode_call
from contracts.native.accounts import ACCOUNT_REGISTRY as ACCOUNTS
from contracts.native.dispatch import find_function
from contracts.native.roles import LIMIT_ROLE
from node.execution.transition import SignedTransaction
from node.rpc.account_reads import read_context
from node.rpc.node_backend import NodeBackend
from tests.node.execution.ledger import (
    ALICE,
    ALICE_KEY,
    BOB,
    CAROL,
    CAROL_KEY,
    CHAIN_ID,
    DAVE,
    DAVE_KEY,
    payment,
    raw_call,
    signed,
)
from tests.node.rpc import real_chain, statement_chain
from tests.node.rpc.statement_chain import HOLD, OPEN_HOLD, SHORT_HOLD, euro
from tests.node.rpc.test_history_methods import ask, hex_of

NAMES = {hex_of(held): name for name, held in (("first", HOLD), ("short", SHORT_HOLD), ("open", OPEN_HOLD))}


async def account(address: Address, *rest: object, backend: NodeBackend | None = None) -> Any:
    return await ask(backend or statement_chain.backend(), "sycee_getAccount", hex_of(address), *rest)


def position(told: Any) -> dict[str, str]:
    [balance] = told["balances"]
    return {name: balance[name] for name in ("balance", "held", "frozen", "parked", "spendable")}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("height", "held", "parked", "holds", "redemptions"),
    [
        (1, 0, 0, {}, []),
        (2, 1_200, 180, {"first": "1000", "short": "200"}, [1, 2, 3]),
        (3, 900, 70, {"first": "700", "short": "200"}, [3]),
        (4, 200, 70, {"short": "200"}, [3]),
        (5, 40, 70, {"open": "40"}, [3]),
        (6, 40, 70, {"open": "40"}, [3]),
    ],
)
async def test_everything_is_of_one_height(
    height: int, held: int, parked: int, holds: dict[str, str], redemptions: list[int]
) -> None:
    told = await account(ALICE, hex(height))
    assert told["height"] == height
    assert (position(told)["held"], position(told)["parked"]) == (str(held), str(parked))
    assert {NAMES[entry["id"]]: entry["remaining"] for entry in told["holds"]} == holds
    assert sorted(entry["id"] for entry in told["redemptions"]) == redemptions
    assert sum(int(entry["remaining"]) for entry in told["holds"]) == held
    assert sum(int(entry["amount"]) for entry in told["redemptions"]) == parked


@pytest.mark.asyncio
@pytest.mark.parametrize(("who", "role"), [(ALICE, "payer"), (BOB, "payee"), (CAROL, "notary")])
async def test_open_hold_is_told_to_each_of_its_parties(who: Address, role: str) -> None:
    told = await account(who)
    [hold] = told["holds"]
    assert hold["roles"] == [role]
    assert (hold["payer"], hold["to"], hold["notary"]) == (hex_of(ALICE), hex_of(BOB), hex_of(CAROL))
    assert (hold["amount"], hold["expired"], hold["expiresAt"]) == ("40", False, statement_chain.LONG_S)


@pytest.mark.asyncio
async def test_expired_hold_is_open_and_says_so() -> None:
    before = {NAMES[hold["id"]]: hold["expired"] for hold in (await account(ALICE, "0x3"))["holds"]}
    assert before == {"first": False, "short": False}
    [short] = (await account(ALICE, "0x4"))["holds"]
    assert (short["id"], short["expired"], short["notary"]) == (hex_of(SHORT_HOLD), True, None)


@pytest.mark.asyncio
async def test_pages_of_holds_and_redemptions_join() -> None:
    whole = await account(ALICE, "0x2")
    found: list[Any] = []
    cursor = None
    for _ in range(10):
        page = await account(ALICE, "0x2", cursor, 2)
        found += page["holds"] + page["redemptions"]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert cursor is None
    assert sorted(map(str, found)) == sorted(map(str, whole["holds"] + whole["redemptions"]))


@pytest.mark.asyncio
async def test_node_without_the_index_tells_the_rest() -> None:
    told = await account(ALICE, backend=real_chain.backend_of(statement_chain.blocks(), ["logs"]))
    assert (told["holds"], told["redemptions"], told["nextCursor"]) == (None, None, None)
    assert position(told) == position(await account(ALICE))


@pytest.mark.asyncio
async def test_stranger_has_nothing_and_no_bank() -> None:
    told = await account(Address(b"\x77" * 20))
    assert (told["registration"], told["balances"], told["holds"], told["redemptions"]) == (None, [], [], [])


def registry_call(key: bytes, nonce: int, name: str, *values: Any) -> SignedTransaction:
    data = encode_call(find_function(ACCOUNTS, name), *values)
    return signed(raw_call(key, nonce, data, to=ACCOUNT_REGISTRY))


def limited_chain() -> NodeBackend:
    """Return a node whose Carol is a bank that sponsors Alice with daily limits, of which Alice used some."""
    return real_chain.backend_of(
        [
            [
                registry_call(DAVE_KEY, 0, "registerBank", CAROL, "Bank of Carol", "CAROSGSG", 0),
                registry_call(CAROL_KEY, 0, "registerAccount", ALICE, 1),
                euro(DAVE_KEY, 1, "grantRole", LIMIT_ROLE, DAVE),
                euro(DAVE_KEY, 2, "setTierLimits", 1, 500, 1_000, 0, 0),
                euro(DAVE_KEY, 3, "setLimitsEnabled", True),
                payment(ALICE_KEY, 0, BOB, 300),
            ],
            [registry_call(CAROL_KEY, 1, "suspend", ALICE, bytes(32))],
        ]
    )


@pytest.mark.asyncio
async def test_bank_tier_status_and_limits_are_told() -> None:
    backend = limited_chain()
    told = await account(ALICE, "0x1", backend=backend)
    registration = told["registration"]
    assert registration["bank"] == {"id": 1, "address": hex_of(CAROL), "name": "Bank of Carol", "bic": "CAROSGSG"}
    assert (registration["tier"], registration["status"]) == (1, "active")
    assert registration["permissions"] == ["send"]
    limits = told["balances"][0]["limits"]
    assert limits["enabled"] is True
    assert (limits["perTransferMax"], limits["dailyOutMax"], limits["outToday"], limits["outLeft"]) == (
        "500",
        "1000",
        "300",
        "700",
    )
    assert (limits["dailyInMax"], limits["inLeft"], limits["balanceMax"]) == (None, None, None)
    suspended = await account(ALICE, backend=backend)
    assert suspended["registration"]["status"] == "suspended_by_sponsor"


def test_read_never_writes() -> None:
    context = read_context(statement_chain.backend(), Height(1), CHAIN_ID)
    with pytest.raises(AssertionError, match="wrote"):
        context.set_slot(0, 1)
    with pytest.raises(AssertionError, match="logged"):
        context.emit((), b"")

"""A statement follows every change of a balance, whatever changed it."""

from typing import Any

import pytest

from consensus.primitives.scalars import Address, Height
from contracts.layout import balance_slot
from node.rpc import history_api
from tests.node.execution.ledger import ALICE, BOB, CAROL, EUR
from tests.node.rpc import statement_chain
from tests.node.rpc.test_history_methods import ask, hex_of

PEOPLE = (ALICE, BOB, CAROL)
HEIGHT_LAST = 8


def balance_after(account: Address, height: int) -> int:
    return statement_chain.backend().state_at(Height(height)).storage(EUR, balance_slot(account))


async def statement(account: Address, *rest: object) -> Any:
    return await ask(statement_chain.backend(), "sycee_getStatement", "EUR", hex_of(account), *rest)


@pytest.mark.asyncio
@pytest.mark.parametrize("account", PEOPLE)
@pytest.mark.parametrize("transactions_max", [1, 3, 500])
async def test_running_balance_is_the_balance_of_every_height(
    account: Address, transactions_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_api, "STATEMENT_TRANSACTIONS_MAX", transactions_max)
    running = {0: balance_after(account, 0)}
    cursor, balance = None, running[0]
    for _ in range(30):
        page = await statement(account, 0, HEIGHT_LAST, cursor)
        assert int(page["opening"]) == balance
        for row in page["movements"]:
            balance += int(row["change"])
            assert int(row["balance"]) == balance
            running[row["height"]] = balance
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert cursor is None
    told = running[0]
    for height in range(HEIGHT_LAST + 1):
        told = running.get(height, told)
        assert told == balance_after(account, height), f"after height {height}"


@pytest.mark.asyncio
@pytest.mark.parametrize("account", PEOPLE)
@pytest.mark.parametrize(("first", "last"), [(1, 2), (2, 2), (3, 5), (4, 6), (6, 6), (7, 8)])
async def test_statement_of_any_range_leads_from_balance_to_balance(account: Address, first: int, last: int) -> None:
    page = await statement(account, first, last)
    assert int(page["opening"]) == balance_after(account, first - 1)
    assert int(page["closing"]) == balance_after(account, last)


@pytest.mark.asyncio
async def test_entries_of_a_payer_say_what_they_are() -> None:
    page = await statement(ALICE)
    hold, short, still_open = (hex_of(held) for held in (b"\x01" * 32, b"\x02" * 32, b"\x03" * 32))
    numbered = [f"0x{number:064x}" for number in (1, 2, 3)]
    assert [(row["height"], row["kind"], row["change"], row["reference"]) for row in page["movements"]] == [
        (1, "payment", "-5", None),
        (2, "hold_made", "-1000", hold),
        (2, "hold_made", "-200", short),
        (2, "redemption_requested", "-50", numbered[0]),
        (2, "redemption_requested", "-60", numbered[1]),
        (2, "redemption_requested", "-70", numbered[2]),
        (3, "hold_paid", "0", hold),
        (3, "payment", "-1", None),
        (3, "payment", "-2", None),
        (3, "payment", "-3", None),
        (3, "redemption_completed", "0", numbered[0]),
        (3, "redemption_rejected", "60", numbered[1]),
        (4, "hold_paid", "0", hold),
        (4, "hold_released", "600", hold),
        (4, "issued", "9", None),
        (5, "hold_released", "200", short),
        (5, "hold_made", "-40", still_open),
        (6, "payment", "11", None),
    ]


@pytest.mark.asyncio
async def test_entries_of_a_payee_begin_when_a_hold_pays() -> None:
    page = await statement(BOB)
    assert [(row["height"], row["kind"], row["change"]) for row in page["movements"]] == [
        (1, "payment", "5"),
        (3, "hold_paid", "300"),
        (3, "payment", "1"),
        (3, "payment", "3"),
        (4, "hold_paid", "100"),
        (6, "payment", "-11"),
        (7, "payment", "-20"),
        (8, "payment", "7"),
    ]

"""What logs tell of money is what became of balances, whatever a currency does."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import BATCH
from contracts.declarations import encode_call
from contracts.layout import balance_slot
from contracts.movements import LedgerMovement, MovementKind, read_movements
from contracts.native.currency import CURRENCY
from contracts.native.directory import lookup
from contracts.native.dispatch import find_function
from tests.contracts.ledger import ADMIN, ALICE, BOB, EUR, ISSUER, JPY, MEMO, DictionaryContext, Ledger
from tests.contracts.native.test_conservation import IDS, PEOPLE, SHAPES, STEPS, small_euro
from tests.contracts.native.test_signed_orders import (
    OWNER_ADDRESS,
    PERMIT,
    TRANSFER,
    authorization_values,
    permit_values,
    sign,
)

LATER_S = DictionaryContext.block_timestamp_s + 100
ALL_SHAPES = {
    **SHAPES,
    "transferWithMemo": ("to", "amount", "memo"),
    "createHoldFrom": ("other", "id", "to", "zero", "amount", "expires", "memo"),
    "transferFrom": ("other", "to", "amount"),
    "approve": ("to", "amount"),
}


@dataclass(frozen=True)
class Logged:
    """A log as receipts hold it."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


def run(ledger: Ledger, who: Address, name: str, *values: AbiValue) -> list[LedgerMovement]:
    """Call the euro and return what its logs tell."""
    return run_raw(ledger, who, EUR, encode_call(find_function(CURRENCY, name), *values))


def run_raw(ledger: Ledger, who: Address, address: Address, data: bytes) -> list[LedgerMovement]:
    result, logs = ledger.run(who, address, data)
    return list(read_movements([Logged(*log) for log in logs], EUR)) if result.success else []


def balances(ledger: Ledger) -> dict[Address, int]:
    return {who: ledger.storage[EUR].get(balance_slot(who), 0) for who in PEOPLE}


def named_values(to: Address, other: Address, amount: int, number: int) -> dict[str, AbiValue]:
    return {
        "to": to,
        "other": other,
        "zero": ZERO_ADDRESS,
        "amount": amount,
        "memo": MEMO,
        "pair": (to, other),
        "amounts": (amount, number),
        "memos": (MEMO, bytes(32)),
        "number": number,
        "id": IDS[number - 1],
        "expires": LATER_S,
    }


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(tuple(ALL_SHAPES)), *(st.sampled_from(PEOPLE) for _ in range(3)),
                  st.integers(0, 60), st.integers(1, 3)),
        min_size=5, max_size=40,
    )
)  # fmt: skip
def test_movements_add_up_to_what_every_balance_changed(
    steps: list[tuple[str, Address, Address, Address, int, int]],
) -> None:
    ledger = small_euro()
    for name, who, to, other, amount, number in steps:
        before = balances(ledger)
        values = named_values(to, other, amount, number)
        movements = run(ledger, who, name, *(values[part] for part in ALL_SHAPES[name]))
        for account, balance in balances(ledger).items():
            changes = [movement.change_of(account) for movement in movements if movement.concerns(account)]
            assert balance - before[account] == sum(changes), (name, account.hex())


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=8))
def test_movements_of_a_batch_are_those_of_its_calls(
    steps: list[tuple[str, Address, Address, Address, int, int]],
) -> None:
    alone, together = small_euro(), small_euro()
    calls, expected = [], []
    for name, _, to, other, amount, number in steps:
        values = named_values(to, other, amount, number)
        data = encode_call(find_function(CURRENCY, name), *(values[part] for part in SHAPES[name]))
        movements = run_raw(alone, ISSUER, EUR, data)
        if movements:
            calls.append((EUR, data))
            expected += movements
    batch = lookup(BATCH)
    assert batch is not None
    found = run_raw(together, ISSUER, BATCH, encode_call(find_function(batch, "execute"), tuple(calls)))
    assert [shown(movement) for movement in found] == [shown(movement) for movement in expected]


def shown(movement: LedgerMovement) -> tuple[object, ...]:
    """Return a movement without its place."""
    return (movement.kind, movement.payer, movement.payee, movement.amount, movement.memo, movement.reference)


HOLD = IDS[0]
FIRST = (1).to_bytes(32, "big")
ONE_OF_EACH: list[tuple[Address, str, tuple[AbiValue, ...], tuple[object, ...]]] = [
    (ALICE, "transfer", (BOB, 5), (MovementKind.PAYMENT, ALICE, BOB, 5, None, None)),
    (ALICE, "transferWithMemo", (BOB, 5, MEMO), (MovementKind.PAYMENT, ALICE, BOB, 5, MEMO, None)),
    (ISSUER, "mint", (BOB, 5, MEMO), (MovementKind.ISSUED, ZERO_ADDRESS, BOB, 5, MEMO, None)),
    (ISSUER, "burn", (5, MEMO), (MovementKind.DESTROYED, ISSUER, ZERO_ADDRESS, 5, MEMO, None)),
    (BOB, "forcedTransfer", (ALICE, BOB, 5), (MovementKind.FORCED, ALICE, BOB, 5, None, None)),
    (
        ALICE,
        "createHold",
        (HOLD, BOB, ZERO_ADDRESS, 9, LATER_S, MEMO),
        (MovementKind.HOLD_MADE, ALICE, BOB, 9, MEMO, HOLD),
    ),
    (BOB, "executeHold", (HOLD, 4), (MovementKind.HOLD_PAID, ALICE, BOB, 4, MEMO, HOLD)),
    (BOB, "releaseHold", (HOLD,), (MovementKind.HOLD_RELEASED, ALICE, BOB, 5, None, HOLD)),
    (
        ALICE,
        "requestRedemption",
        (5, MEMO),
        (MovementKind.REDEMPTION_REQUESTED, ALICE, ZERO_ADDRESS, 5, MEMO, FIRST),
    ),
    (
        ISSUER,
        "completeRedemption",
        (1,),
        (MovementKind.REDEMPTION_COMPLETED, ALICE, ZERO_ADDRESS, 5, MEMO, FIRST),
    ),
    (ISSUER, "setFrozenTokens", (BOB, 1), ()),
    (ALICE, "approve", (BOB, 1), ()),
]


def test_every_kind_of_movement_says_what_it_is() -> None:
    ledger = small_euro()
    for who, name, values, expected in ONE_OF_EACH:
        assert [shown(movement) for movement in run(ledger, who, name, *values)] == ([expected] if expected else [])


def test_hold_paid_and_released_at_once_is_two_movements() -> None:
    ledger = small_euro()
    run(ledger, ALICE, "createHold", HOLD, BOB, ZERO_ADDRESS, 9, LATER_S, MEMO)
    paid, released = run(ledger, BOB, "executeHoldAndRelease", HOLD, 4)
    assert (paid.kind, paid.amount) == (MovementKind.HOLD_PAID, 4)
    assert (released.kind, released.amount) == (MovementKind.HOLD_RELEASED, 5)


@pytest.mark.parametrize(
    ("name", "who", "arguments", "kind"),
    [
        ("rejectRedemption", ISSUER, (1, MEMO), MovementKind.REDEMPTION_REJECTED),
        ("cancelRedemption", ALICE, (1,), MovementKind.REDEMPTION_CANCELLED),
    ],
)
def test_redemption_that_comes_back_is_a_movement_of_its_owner(
    name: str, who: Address, arguments: tuple[AbiValue, ...], kind: MovementKind
) -> None:
    ledger = small_euro()
    run(ledger, ALICE, "requestRedemption", 5, MEMO)
    [back] = run(ledger, who, name, *arguments)
    assert (back.kind, back.payer, back.change_of(ALICE), back.reference) == (kind, ALICE, 5, FIRST)


def test_payee_of_a_hold_has_nothing_until_it_pays() -> None:
    [made] = run(small_euro(), ALICE, "createHold", HOLD, BOB, ZERO_ADDRESS, 9, LATER_S, MEMO)
    assert (made.concerns(ALICE), made.concerns(BOB), made.concerns(ADMIN)) == (True, False, False)


def test_hold_for_oneself_leaves_the_balance_and_comes_back_when_it_pays() -> None:
    ledger = small_euro()
    [made] = run(ledger, ALICE, "createHold", HOLD, ALICE, ZERO_ADDRESS, 9, LATER_S, MEMO)
    [paid] = run(ledger, ALICE, "executeHold", HOLD, 9)
    assert (made.change_of(ALICE), paid.change_of(ALICE)) == (-9, 9)


def test_logs_of_another_currency_are_left_out() -> None:
    ledger = small_euro()
    _, logs = ledger.run(ALICE, EUR, encode_call(find_function(CURRENCY, "transfer"), BOB, 5))
    assert list(read_movements([Logged(*log) for log in logs], JPY)) == []


def test_log_of_another_contract_between_transfer_and_memo_takes_the_memo_away() -> None:
    _, logs = small_euro().run(ALICE, EUR, encode_call(find_function(CURRENCY, "transferWithMemo"), BOB, 5, MEMO))
    transfer, memo = (Logged(*log) for log in logs)
    stranger = Logged(JPY, memo.topics, memo.data)
    assert [found.memo for found in read_movements([transfer, stranger, memo], EUR)] == [None]


def test_transfer_by_a_signed_authorization_is_a_payment_of_who_signed() -> None:
    ledger = Ledger()
    run(ledger, ALICE, "transfer", OWNER_ADDRESS, 1_000)
    values = authorization_values()
    signature = sign("TransferWithAuthorization", TRANSFER, values)
    [moved] = run(ledger, ADMIN, "transferWithAuthorization", *values.values(), *signature)
    assert shown(moved) == (MovementKind.PAYMENT, OWNER_ADDRESS, BOB, 70, None, None)


def test_transfer_by_a_permit_is_a_payment_of_the_owner() -> None:
    ledger = Ledger()
    run(ledger, ALICE, "transfer", OWNER_ADDRESS, 1_000)
    values = permit_values()
    given = (values["owner"], values["spender"], values["value"], values["deadline"])
    assert run(ledger, BOB, "permit", *given, *sign("Permit", PERMIT, values)) == []
    [moved] = run(ledger, BOB, "transferFromWithMemo", OWNER_ADDRESS, ISSUER, 70, MEMO)
    assert shown(moved) == (MovementKind.PAYMENT, OWNER_ADDRESS, ISSUER, 70, MEMO, None)

"""Every way in which ledger and file can differ is found and named; arithmetic is the test's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from consensus.primitives.scalars import Address
from node.cli.currency_calls import MEMO_TOPIC, TRANSFER_TOPIC
from node.cli.json_rpc import JsonValue
from node.cli.ledger_reader import UnreadableLedger, decode_payments
from node.cli.payments_file import parse_payments
from node.cli.reconciliation import (
    LedgerPayment,
    expected_balances,
    percentile,
    reconcile_balances,
    reconcile_references,
    reconcile_roots,
)

A, B, C = "ZYECHKH0", "ZYETSGS0", "ZYEUSGS0"
ADDRESSES = {A: Address(b"\xaa" * 20), B: Address(b"\xbb" * 20), C: Address(b"\xcc" * 20)}
FILE = parse_payments(
    f"reference,payer_bic,payee_bic,amount_minor\nR1,{A},{B},100\nR2,{B},{C},30\nR3,{C},{C},7\n", path=Path("x")
)
FOUND = [
    LedgerPayment(
        transaction_hash=f"0x{place:02x}",
        height=5,
        payer=ADDRESSES[payment.payer],
        payee=ADDRESSES[payment.payee],
        amount_minor=payment.amount_minor,
        memo=payment.memo,
    )
    for place, payment in enumerate(FILE.payments)
]


def test_a_ledger_that_holds_the_file_agrees_in_any_order() -> None:
    finding = reconcile_references(FILE, FOUND[::-1], ADDRESSES)

    assert finding.agrees
    assert finding.text == "3 of 3 found exactly once"


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (FOUND[1:], "R1: not on the ledger"),
        ([*FOUND, replace(FOUND[0], transaction_hash="0xff")], "R1: on the ledger 2 times"),
        ([replace(FOUND[0], amount_minor=99), *FOUND[1:]], "R1: amount 99, in the file 100"),
        (
            [replace(FOUND[0], payer=ADDRESSES[C]), *FOUND[1:]],
            f"R1: between 0x{'cc' * 20} and 0x{'bb' * 20}, not {A} and {B}",
        ),
        (
            [replace(FOUND[0], payee=ADDRESSES[C]), *FOUND[1:]],
            f"R1: between 0x{'aa' * 20} and 0x{'cc' * 20}, not {A} and {B}",
        ),
        ([*FOUND, replace(FOUND[0], memo=b"R9".ljust(32, b"\0"))], "R9: on the ledger and not in the file"),
    ],
)
def test_one_thing_changed_on_the_ledger_is_found(found: list[LedgerPayment], difference: str) -> None:
    finding = reconcile_references(FILE, found, ADDRESSES)

    assert not finding.agrees
    assert finding.differences == (difference,)


def test_balances_are_opening_minus_paid_plus_received() -> None:
    expected = expected_balances(FILE, {A: 1_000, B: 0, C: 5})

    assert expected == {A: 900, B: 70, C: 35}
    assert sum(expected.values()) == 1_005
    assert reconcile_balances(expected, {A: 900, B: 70, C: 35}).agrees


def test_a_balance_off_by_one_minor_unit_is_named() -> None:
    finding = reconcile_balances({A: 900, B: 70}, {A: 900, B: 69})

    assert not finding.agrees
    assert finding.differences == (f"{B}: expected 70, on the ledger 69",)


def test_one_root_on_all_validators_agrees_and_one_different_does_not() -> None:
    assert reconcile_roots({"alpha": "0xab", "beta": "0xab"}, 9).agrees
    differing = reconcile_roots({"alpha": "0xab", "beta": "0xac"}, 9)
    assert not differing.agrees
    assert differing.differences == ("alpha: 0xab", "beta: 0xac")
    assert not reconcile_roots({"alpha": "0xab", "beta": "does not answer"}, 9).agrees
    assert not reconcile_roots({}, 9).agrees


@pytest.mark.parametrize(
    ("values", "hundredths", "expected"),
    [([], 50, 0.0), ([3.0], 99, 3.0), ([4.0, 1.0, 3.0, 2.0], 50, 2.0), (list(range(1, 101)), 99, 99.0)],
)
def test_percentiles_are_values_that_occurred(values: list[float], hundredths: int, expected: float) -> None:
    assert percentile(values, hundredths) == expected


def log(topic: str, payer: str, payee: str, *, data: str = "0x", memo: str = "", digest: str = "0x01") -> JsonValue:
    topics: list[JsonValue] = [topic, "0x" + "00" * 12 + payer * 20, "0x" + "00" * 12 + payee * 20]
    if memo:
        topics.append(memo)
    return {"topics": topics, "data": data, "transactionHash": digest, "blockNumber": "0x5"}


def test_a_transfer_and_a_memo_of_one_transaction_are_one_payment() -> None:
    memo = "0x" + b"R1".ljust(32, b"\0").hex()
    logs = [log(TRANSFER_TOPIC, "aa", "bb", data="0x" + f"{100:064x}"), log(MEMO_TOPIC, "aa", "bb", memo=memo)]

    assert decode_payments(logs) == [LedgerPayment("0x01", 5, ADDRESSES[A], ADDRESSES[B], 100, b"R1".ljust(32, b"\0"))]


def test_mints_are_no_payments_and_a_memo_alone_is_no_ledger() -> None:
    memo = "0x" + b"R1".ljust(32, b"\0").hex()
    mint = [log(TRANSFER_TOPIC, "00", "bb", data="0x" + f"{100:064x}"), log(MEMO_TOPIC, "00", "bb", memo=memo)]

    assert decode_payments(mint) == []
    with pytest.raises(UnreadableLedger):
        decode_payments(mint[1:])

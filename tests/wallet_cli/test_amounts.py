"""Amounts: exact both ways, and refused whenever they could be read in two ways."""

import ast
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wallet_cli.amounts
from consensus.primitives.scalars import Address, AmountMinor
from wallet_cli.amounts import (
    AMOUNT_MINOR_MAX,
    Amount,
    Currency,
    amount_record,
    amount_words,
    format_amount,
    parse_amount,
)
from wallet_cli.errors import UsageRefused


def currency(code: str, decimals: int, number: int = 1) -> Currency:
    return Currency(number, Address(bytes(19) + bytes((number,))), code, code, decimals)


CNY, EUR, JPY, KWD = currency("CNY", 2), currency("EUR", 2, 2), currency("JPY", 0, 3), currency("KWD", 3, 4)
FINE = currency("FINE", 18, 5)
ALL = [CNY, EUR, JPY, KWD, FINE]


@settings(max_examples=50)
@given(units=st.integers(0, AMOUNT_MINOR_MAX), of=st.sampled_from(ALL))
def test_amount_survives_being_written_and_read(units: int, of: Currency) -> None:
    amount = Amount(AmountMinor(units), of)
    text = format_amount(amount)
    assert parse_amount(text, ALL) == amount
    number, code = text.split(" ")
    assert parse_amount(number, ALL, code=code) == amount
    with localcontext(prec=80):
        assert Decimal(number).scaleb(of.decimals) == units
    assert amount_record(amount) == {"amount": number, "units": str(units), "currency": of.code}


@pytest.mark.parametrize(
    ("text", "units"),
    [("12.34 EUR", 1234), ("12 EUR", 1200), ("12.3 EUR", 1230), ("0012.34 EUR", 1234), ("0 EUR", 0), ("7 JPY", 7),
     ("0.001 KWD", 1), (" 12.34 EUR ", 1234), (f"{AMOUNT_MINOR_MAX} JPY", AMOUNT_MINOR_MAX)],
)  # fmt: skip
def test_plain_forms_are_read(text: str, units: int) -> None:
    assert parse_amount(text, ALL).units == units


@pytest.mark.parametrize(
    "text",
    ["-1 EUR", "+1 EUR", "1e3 EUR", "1,000.00 EUR", "1 000 EUR", "1_000 EUR", "12.345 EUR", "0.1 JPY", ".5 EUR",
     "5. EUR", "1.2.3 EUR", "EUR 5", "5 eur", "5 EURO", "", "5", "NaN EUR", "Infinity EUR", "٣ EUR", "0x10 EUR",
     f"{AMOUNT_MINOR_MAX + 1} JPY", "9" * 41 + " JPY"],
)  # fmt: skip
def test_doubtful_forms_are_refused_and_the_form_to_type_is_shown(text: str) -> None:
    with pytest.raises(UsageRefused) as refused:
        parse_amount(text, ALL)
    assert refused.value.exit_code == 2
    assert refused.value.next_step


def test_bare_number_is_read_only_where_one_currency_is_possible() -> None:
    assert parse_amount("5", [JPY]).units == 5
    with pytest.raises(UsageRefused, match="names no currency"):
        parse_amount("5", ALL)


def test_two_different_codes_are_refused() -> None:
    assert parse_amount("5 EUR", ALL, code="EUR").units == 500
    with pytest.raises(UsageRefused, match="names EUR and the next argument JPY"):
        parse_amount("5 EUR", ALL, code="JPY")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12.34 EUR", "twelve euro and thirty-four cent"),
        ("1000000 JPY", "one million yen"),
        ("115.05 CNY", "one hundred and fifteen yuan and five fen"),
        ("2001.500 KWD", "two thousand one dinars and five hundred fils"),
        ("0 EUR", "zero euro"),
        ("21.000000000000000001 FINE", "twenty-one FINE and 1/1000000000000000000"),
        ("1000000000000000 JPY", "an amount too large to spell"),
    ],
)
def test_amount_is_spelled(text: str, words: str) -> None:
    assert amount_words(parse_amount(text, ALL)) == words


def test_no_float_is_near_money() -> None:
    folder = Path(wallet_cli.amounts.__file__).parent
    for name in ("amounts", "payments", "positions", "outbox", "commands/send", "commands/balance"):
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), name
            assert not (isinstance(node, ast.Name) and node.id == "float"), name

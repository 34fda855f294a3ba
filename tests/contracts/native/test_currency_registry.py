"""Creating and finding currencies."""

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.abi import AbiValue
from contracts.addresses import CURRENCY_REGISTRY, PROTOCOL_CONFIG, currency_address
from contracts.native.roles import DEFAULT_ADMIN_ROLE
from tests.contracts.ledger import ADMIN, ALICE, BOB, EUR, GOVERNOR, JPY, Ledger, text

USD: tuple[AbiValue, ...] = ("USD", "US dollar", 2, ADMIN)
THIRD = currency_address(3)


def test_the_governor_creates_a_currency_with_the_next_id() -> None:
    ledger = Ledger()
    outcome = ledger.call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", *USD)
    assert outcome.values == (THIRD,)
    assert outcome.events == [
        f"CurrencyCreated(currency={text(THIRD)}, id=3, code='USD', name='US dollar', decimals=2, admin={text(ADMIN)})",
        f"RoleGranted(role=0x{DEFAULT_ADMIN_ROLE.hex()}, account={text(ADMIN)}, sender={text(GOVERNOR)})",
    ]
    assert ledger.read(CURRENCY_REGISTRY, "currencyCount") == 3
    assert ledger.read(CURRENCY_REGISTRY, "currencyOf", "USD") == THIRD
    assert ledger.read(THIRD, "symbol") == "USD"
    assert ledger.read(THIRD, "name") == "US dollar"
    assert ledger.read(THIRD, "decimals") == 2
    assert ledger.read(THIRD, "totalSupply") == 0
    assert ledger.read(THIRD, "supplyCap") == 2**128 - 1
    assert ledger.read(THIRD, "hasRole", DEFAULT_ADMIN_ROLE, ADMIN) is True


def test_nobody_else_creates_one() -> None:
    error = Ledger().call(ALICE, CURRENCY_REGISTRY, "createCurrency", *USD).error
    assert error == f"GovernorOnly(caller={text(ALICE)}, governor={text(GOVERNOR)})"


@pytest.mark.parametrize("code", ["ABC", "CNY.BANKA", "0", "A" * 12, "..."])
def test_a_code_of_the_published_alphabet_and_length_is_accepted(code: str) -> None:
    error = Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", code, "Name", 2, ADMIN).error
    assert (error is None) == (3 <= len(code) <= 12)


@pytest.mark.parametrize("code", ["", "AB", "A" * 13, "usd", "US D", "US-D", "USD\n", "ÜSD", "US\x00"])
def test_any_other_code_is_refused(code: str) -> None:
    error = Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", code, "Name", 2, ADMIN).error
    assert error == f"InvalidCurrencyCode(code={code!a})"


@pytest.mark.parametrize("name", ["x", "x" * 64, "é" * 32, "人民币"])
def test_a_name_of_up_to_64_bytes_is_accepted(name: str) -> None:
    assert Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "USD", name, 2, ADMIN).error is None


@pytest.mark.parametrize("name", ["", "x" * 65, "é" * 33, "two\nlines", "\x1b[2J", "\x7f"])
def test_an_empty_long_or_unprintable_name_is_refused(name: str) -> None:
    error = Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "USD", name, 2, ADMIN).error
    assert error == f"InvalidCurrencyName(name={name!a})"


def test_eighteen_decimals_are_the_most() -> None:
    ledger = Ledger()
    error = ledger.call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "USD", "Dollar", 19, ADMIN).error
    assert error == "InvalidDecimals(decimals=19, highest=18)"
    assert ledger.call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "USD", "Dollar", 18, ADMIN).error is None


@pytest.mark.parametrize("admin", [ZERO_ADDRESS, EUR, PROTOCOL_CONFIG])
def test_an_admin_that_can_never_call_is_refused(admin: bytes) -> None:
    error = Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "USD", "Dollar", 2, admin).error
    assert error == f"InvalidRoleAccount(account={text(admin)})"


def test_a_code_is_given_once() -> None:
    error = Ledger().call(GOVERNOR, CURRENCY_REGISTRY, "createCurrency", "EUR", "Other", 2, BOB).error
    assert error == f"CurrencyCodeTaken(code='EUR', currency={text(EUR)})"


def test_currencies_are_found_by_code_and_by_index() -> None:
    ledger = Ledger()
    assert ledger.read(CURRENCY_REGISTRY, "currencyCount") == 2
    assert ledger.read(CURRENCY_REGISTRY, "currencyOf", "JPY") == JPY
    assert ledger.read(CURRENCY_REGISTRY, "currencyAt", 0) == EUR
    assert ledger.read(CURRENCY_REGISTRY, "currencyAt", 1) == JPY


def test_what_is_not_there_is_named() -> None:
    ledger = Ledger()
    error = ledger.call(ALICE, CURRENCY_REGISTRY, "currencyAt", 2).error
    assert error == "IndexOutOfRange(index=2, count=2)"
    error = ledger.call(ALICE, CURRENCY_REGISTRY, "currencyOf", "USD").error
    assert error == "UnknownCurrencyCode(code='USD')"

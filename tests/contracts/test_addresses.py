"""System addresses as published."""

import pytest

from contracts import addresses
from contracts.addresses import InvalidCurrencyId, NotACurrency, currency_address, currency_id, is_currency

SYSTEM = {
    "CURRENCY_REGISTRY": "5cee000000000000000000000000000000000001",
    "POLICY_REGISTRY": "5cee000000000000000000000000000000000002",
    "ACCOUNT_REGISTRY": "5cee000000000000000000000000000000000003",
    "VALIDATOR_REGISTRY": "5cee000000000000000000000000000000000004",
    "PROTOCOL_CONFIG": "5cee000000000000000000000000000000000005",
    "BATCH": "5cee000000000000000000000000000000000006",
    "OFFLINE_LOCKS": "5cee000000000000000000000000000000000007",
}


@pytest.mark.parametrize(("name", "digits"), SYSTEM.items())
def test_system_contracts_are_where_they_are_published(name: str, digits: str) -> None:
    address = getattr(addresses, name)
    assert address.hex() == digits
    assert addresses.is_system_address(address)
    assert not is_currency(address)


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        (1, "5cee100000000000000000000000000000000001"),
        (2**32 - 1, "5cee1000000000000000000000000000ffffffff"),
    ],
)
def test_a_currency_address_holds_its_id(number: int, digits: str) -> None:
    address = currency_address(number)
    assert address.hex() == digits
    assert is_currency(address)
    assert addresses.is_system_address(address)
    assert currency_id(address) == number


@pytest.mark.parametrize("number", [0, -1, 2**32])
def test_a_number_outside_the_range_is_no_currency(number: int) -> None:
    with pytest.raises(InvalidCurrencyId):
        currency_address(number)


@pytest.mark.parametrize(
    "digits",
    [
        "5cee100000000000000000000000000000000000",
        "5cee100000000000000000000000000100000001",
        "5cee110000000000000000000000000000000001",
        "5cee000000000000000000000000000000000001",
        "00",
    ],
)
def test_an_address_next_to_the_range_has_no_currency_id(digits: str) -> None:
    with pytest.raises(NotACurrency):
        currency_id(bytes.fromhex(digits))


@pytest.mark.parametrize(
    "digits",
    [
        "5cee000000000000000000000000000000000101",
        "5cee100000000000000000000000000100000001",
        "5cef000000000000000000000000000000000001",
        "0000000000000000000000000000000000000000",
    ],
)
def test_an_address_next_to_the_ranges_is_ordinary(digits: str) -> None:
    assert not addresses.is_system_address(bytes.fromhex(digits))

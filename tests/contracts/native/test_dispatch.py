"""Refusals of the dispatcher: named, priced, without effect, and never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.declarations import encode_call
from contracts.decoding import decode_revert
from contracts.native.currency import CURRENCY
from contracts.native.directory import lookup, native_contracts
from contracts.native.dispatch import (
    GAS_READ,
    GAS_TRANSFER,
    WORK_READ,
    WORK_TRANSFER,
    FunctionTable,
    build_contract,
    find_function,
)
from tests.contracts.ledger import ALICE, BOB, EUR, Ledger, text, without_zeros

TRANSFER = encode_call(find_function(CURRENCY, "transfer"), BOB, 7)
BALANCE_OF = encode_call(find_function(CURRENCY, "balanceOf"), ALICE)
CURRENCY_OF = encode_call(find_function(lookup(addresses.CURRENCY_REGISTRY) or CURRENCY, "currencyOf"), "EUR")
SYSTEM_ADDRESSES = (
    EUR,
    addresses.currency_address(9),
    addresses.CURRENCY_REGISTRY,
    addresses.VALIDATOR_REGISTRY,
    addresses.PROTOCOL_CONFIG,
    addresses.POLICY_REGISTRY,
)


def refusal(address: Address, calldata: bytes, *, gas: int = 1_000_000, value: int = 0, is_static: bool = False) -> str:
    result, logs = Ledger().run(ALICE, address, calldata, gas=gas, value=value, is_static=is_static)
    assert not result.success
    assert logs == []
    return str(decode_revert(result.output))


def test_a_transfer_returns_true_and_costs_its_price() -> None:
    result, _ = Ledger().run(ALICE, EUR, TRANSFER)
    assert result == (True, (1).to_bytes(32, "big"), GAS_TRANSFER, WORK_TRANSFER)


def test_a_read_is_allowed_in_a_static_call_and_a_write_is_not() -> None:
    result, _ = Ledger().run(ALICE, EUR, BALANCE_OF, is_static=True)
    assert result == (True, (100_000).to_bytes(32, "big"), GAS_READ, WORK_READ)
    assert refusal(EUR, TRANSFER, is_static=True) == "WriteInStaticCall(selector=0xa9059cbb)"


def test_value_is_accepted_by_nothing() -> None:
    assert refusal(EUR, TRANSFER, value=1) == "ValueNotAccepted(value=1)"
    assert refusal(EUR, b"", value=1) == "ValueNotAccepted(value=1)"


@pytest.mark.parametrize("length", [0, 1, 3])
def test_calldata_without_a_whole_selector_is_too_short(length: int) -> None:
    assert refusal(EUR, TRANSFER[:length]) == f"CalldataTooShort(length={length}, needed=4)"


def test_a_selector_of_no_function_is_named() -> None:
    assert refusal(EUR, b"\xde\xad\xbe\xef") == "UnknownFunction(selector=0xdeadbeef)"


@pytest.mark.parametrize(
    ("calldata", "error"),
    [
        (TRANSFER[:-1], "CalldataTooShort(length=67, needed=68)"),
        (TRANSFER[:4], "CalldataTooShort(length=4, needed=68)"),
        (TRANSFER + b"\x00", "CalldataTooLong(length=69, expected=68)"),
        (TRANSFER[:4] + b"\x01" + TRANSFER[5:], "CalldataNotCanonical(position=4)"),
    ],
)
def test_malformed_arguments_of_words_are_named(calldata: bytes, error: str) -> None:
    assert refusal(EUR, calldata) == error


@pytest.mark.parametrize(
    ("calldata", "error"),
    [
        (CURRENCY_OF[:-1], "CalldataTooShort(length=99, needed=100)"),
        (CURRENCY_OF + b"\x00", "CalldataTooLong(length=101, expected=100)"),
        (CURRENCY_OF[:35] + b"\x40" + CURRENCY_OF[36:], "CalldataNotCanonical(position=4)"),
        (CURRENCY_OF[:68] + b"\xff" + CURRENCY_OF[69:], "CalldataNotCanonical(position=68)"),
        (CURRENCY_OF[:-1] + b"\x01", "CalldataNotCanonical(position=71)"),
        (CURRENCY_OF[:36] + b"\xff" * 32 + CURRENCY_OF[68:], f"CalldataTooShort(length=100, needed={2**256 - 1})"),
    ],
)
def test_malformed_text_is_named(calldata: bytes, error: str) -> None:
    assert refusal(addresses.CURRENCY_REGISTRY, calldata) == error


def test_exactly_enough_gas_is_enough_and_one_less_is_not() -> None:
    result, _ = Ledger().run(ALICE, EUR, TRANSFER, gas=GAS_TRANSFER)
    assert result.success
    result, _ = Ledger().run(ALICE, EUR, TRANSFER, gas=GAS_TRANSFER - 1)
    assert not result.success
    assert str(decode_revert(result.output)) == f"OutOfGas(available={GAS_TRANSFER - 1}, needed={GAS_TRANSFER})"
    assert result.gas_used == GAS_TRANSFER - 1


def test_a_call_that_names_no_function_costs_a_read() -> None:
    result, _ = Ledger().run(ALICE, EUR, b"")
    assert (result.gas_used, result.work) == (GAS_READ, WORK_READ)
    result, _ = Ledger().run(ALICE, EUR, b"", gas=GAS_READ - 1)
    assert str(decode_revert(result.output)) == f"OutOfGas(available={GAS_READ - 1}, needed={GAS_READ})"
    assert result.gas_used == GAS_READ - 1


def test_a_revert_costs_the_price_of_the_function() -> None:
    result, _ = Ledger().run(BOB, EUR, TRANSFER)
    assert (result.success, result.gas_used, result.work) == (False, GAS_TRANSFER, WORK_TRANSFER)


def test_a_currency_never_created_and_a_reserved_address_say_so() -> None:
    absent = addresses.currency_address(9)
    assert refusal(absent, BALANCE_OF) == f"UnknownCurrency(currency={text(absent)})"
    nowhere = Address(addresses.SYSTEM_PREFIX + b"\x63")
    assert refusal(nowhere, BALANCE_OF) == f"NoContractHere(contract={text(nowhere)})"


def test_a_currency_without_decimals_exists() -> None:
    assert Ledger().read(addresses.currency_address(2), "decimals") == 0


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(SYSTEM_ADDRESSES), st.data())
def test_no_calldata_raises_or_writes_before_it_reverts(address: Address, data: st.DataObject) -> None:
    contract = lookup(address)
    selectors = list(contract.functions) if contract else [b"\x00" * 4]
    ledger = Ledger()
    contracts_before = without_zeros(ledger.storage).keys()
    for _ in range(10):
        prefix = data.draw(st.one_of(st.sampled_from(selectors), st.binary(max_size=4)))
        words = data.draw(
            st.lists(
                st.one_of(
                    st.integers(0, 2**256 - 1).map(lambda number: number.to_bytes(32, "big")),
                    st.integers(0, 160).map(lambda number: number.to_bytes(32, "big")),
                    st.binary(max_size=33),
                ),
                max_size=6,
            )
        )
        # The ledger asserts that a revert leaves neither words nor logs, and a static call nothing at all.
        result, logs = ledger.run(ALICE, address, prefix + b"".join(words), is_static=True)
        assert result.success or decode_revert(result.output) is not None
        assert logs == []
        ledger.run(ALICE, address, prefix + b"".join(words))
    assert without_zeros(ledger.storage).keys() == contracts_before, "a stranger's call made a contract"


def test_every_function_is_priced_and_views_cost_a_read() -> None:
    for contract in native_contracts():
        for row in contract.functions.values():
            assert row.mutates == row.declaration.mutates
            assert (row.gas == GAS_READ) == (not row.mutates)
            assert row.gas >= GAS_READ
            assert row.work >= WORK_READ


def test_two_functions_with_one_name_are_a_programming_error() -> None:
    table = FunctionTable()
    table.function("same()")(lambda context: None)
    table.function("same(bool a)")(lambda context, a: None)
    with pytest.raises(AssertionError, match="share a name"):
        build_contract("Twice", tables=(table,))
    once = FunctionTable()
    once.function("only()")(lambda context: None)
    with pytest.raises(AssertionError, match="share a selector"):
        build_contract("Twice", tables=(once, once))


def test_a_function_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(KeyError, match="Currency has no function teleport"):
        find_function(CURRENCY, "teleport")

"""Revert data and logs in words."""

import pytest
from eth_abi.abi import encode as reference_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.addresses import BATCH, CURRENCY_REGISTRY
from contracts.declarations import declare_error, encode_error, encode_event
from contracts.decoding import decode_log, decode_revert, describe_revert, known_errors, revert_reason
from contracts.loader import load
from contracts.native import errors
from contracts.native.currency_registry import CURRENCY_CREATED
from contracts.native.money import TRANSFER
from tests.contracts.ledger import ALICE, BOB, EUR, text

REVERTED = encode_error(errors.INSUFFICIENT_BALANCE, ALICE, 5, 7)


def test_a_known_error_is_named_with_its_values() -> None:
    decoded = decode_revert(REVERTED)
    assert decoded is not None
    assert decoded.name == "ERC20InsufficientBalance"
    assert decoded.signature == "ERC20InsufficientBalance(address,uint256,uint256)"
    assert decoded.arguments == {"sender": ALICE, "balance": 5, "needed": 7}
    assert str(decoded) == f"ERC20InsufficientBalance(sender={text(ALICE)}, balance=5, needed=7)"
    assert describe_revert(REVERTED) == str(decoded)


def test_solidity_text_and_panics_are_named() -> None:
    refused = bytes.fromhex("08c379a0") + reference_encode(["string"], ["no \x1b[2Jmoney"])
    assert describe_revert(refused) == "Error(message='no \\x1b[2Jmoney')"
    panicked = bytes.fromhex("4e487b71") + reference_encode(["uint256"], [17])
    assert describe_revert(panicked) == "Panic(code=17)"


def test_the_reason_of_require_is_its_own_words_as_on_every_node() -> None:
    refused = bytes.fromhex("08c379a0") + reference_encode(["string"], ["no “money” 'here'"])
    assert revert_reason(refused) == "no “money” 'here'"
    assert revert_reason(REVERTED) == describe_revert(REVERTED)
    assert revert_reason(bytes.fromhex("4e487b71") + reference_encode(["uint256"], [17])) == "Panic(code=17)"
    assert revert_reason(b"\xde\xad\xbe\xef") is None


@pytest.mark.parametrize("data", [b"", REVERTED[:3], REVERTED[:-1], REVERTED + b"\x00", b"\xde\xad\xbe\xef"])
def test_anything_else_is_not_decoded(data: bytes) -> None:
    assert decode_revert(data) is None


def test_what_cannot_be_decoded_is_shown_in_part() -> None:
    assert describe_revert(b"") == "no reason given"
    assert describe_revert(b"\xde\xad\xbe\xef") == "unknown error 0xdeadbeef"
    assert describe_revert(b"\xff" * 68) == f"unknown error 0x{'ff' * 68}"
    assert describe_revert(b"\xff" * 69) == f"unknown error 0x{'ff' * 68}…"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_no_revert_data_breaks_the_description(data: bytes) -> None:
    assert describe_revert(data)
    for error in known_errors():
        assert describe_revert(error.selector + data)


def test_no_two_known_errors_share_a_selector() -> None:
    names = [error.name for error in known_errors()]
    assert len(names) == len(set(names)) == len({error.selector for error in known_errors()})
    assert declare_error("EnforcedPause()") in known_errors()


def test_a_log_of_a_currency_is_named_with_its_values() -> None:
    decoded = decode_log(EUR, *encode_event(TRANSFER, ALICE, BOB, 5))
    assert decoded is not None
    assert (decoded.name, decoded.signature) == ("Transfer", "Transfer(address,address,uint256)")
    assert decoded.arguments == {"from": ALICE, "to": BOB, "value": 5}
    assert str(decoded) == f"Transfer(from={text(ALICE)}, to={text(BOB)}, value=5)"


def test_logs_of_other_contracts_and_broken_logs_are_not_decoded() -> None:
    topics, data = encode_event(TRANSFER, ALICE, BOB, 5)
    assert decode_log(ALICE, topics, data) is None
    assert decode_log(BATCH, topics, data) is None
    assert decode_log(CURRENCY_REGISTRY, topics, data) is None
    assert decode_log(EUR, (), data) is None
    assert decode_log(EUR, topics[:2], data) is None
    assert decode_log(EUR, topics, data[:-1]) is None
    assert decode_log(EUR, *encode_event(CURRENCY_CREATED, EUR, 1, "EUR", "Euro", 2, ALICE)) is None


def test_errors_of_deployable_contracts_are_named() -> None:
    wrong_secret = next(error for error in load("HashedTimelock").interface.errors if error.name == "WrongSecret")
    assert describe_revert(encode_error(wrong_secret, 7, bytes(32))) == f"WrongSecret(lockId=7, digest=0x{'00' * 32})"

"""Selectors and topics against eth-utils; event codec; declarations that declare nothing."""

import pytest
from eth_utils.abi import event_signature_to_log_topic, function_signature_to_4byte_selector

from contracts.abi import AbiDecodeError, UnknownAbiType, ValueDoesNotFit
from contracts.declarations import (
    InvalidDeclaration,
    declare_error,
    declare_event,
    declare_function,
    decode_event,
    encode_call,
    encode_error,
    encode_event,
    error_json,
    event_json,
    function_json,
)
from contracts.native.directory import native_contracts

PAID = declare_event("Paid(address indexed from, uint256 amount, bytes32 indexed memo, string note)")
ALICE = b"\xac" * 20
MEMO = bytes(range(32))


def test_every_selector_and_topic_equals_the_reference() -> None:
    for contract in native_contracts():
        for selector, row in contract.functions.items():
            assert selector == function_signature_to_4byte_selector(row.declaration.signature)
        for event in contract.events:
            assert event.topic == event_signature_to_log_topic(event.signature)
        for error in contract.errors:
            assert error.selector == function_signature_to_4byte_selector(error.signature)


@pytest.mark.parametrize(
    ("signature", "selector"),
    [
        ("transfer(address to, uint256 amount)", "a9059cbb"),
        ("approve(address spender, uint256 amount)", "095ea7b3"),
        ("balanceOf(address account)", "70a08231"),
        ("hasRole(bytes32 role, address account)", "91d14854"),
        ("pause()", "8456cb59"),
    ],
)
def test_well_known_selectors(signature: str, selector: str) -> None:
    assert declare_function(signature).selector.hex() == selector


@pytest.mark.parametrize(
    ("signature", "selector"),
    [
        ("ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)", "e450d38c"),
        ("ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)", "fb8f41b2"),
        ("ERC20InvalidReceiver(address receiver)", "ec442f05"),
        ("AccessControlUnauthorizedAccount(address account, bytes32 neededRole)", "e2517d3f"),
        ("EnforcedPause()", "d93c0665"),
    ],
)
def test_well_known_error_selectors(signature: str, selector: str) -> None:
    assert declare_error(signature).selector.hex() == selector
    assert any(error.selector.hex() == selector for contract in native_contracts() for error in contract.errors)


def test_an_event_decodes_to_what_was_encoded() -> None:
    topics, data = encode_event(PAID, ALICE, 5, MEMO, "rent")
    assert topics == (PAID.topic, bytes(12) + ALICE, MEMO)
    assert decode_event(PAID, topics, data) == {"from": ALICE, "amount": 5, "memo": MEMO, "note": "rent"}


def test_an_event_with_a_topic_missing_or_dirty_is_not_decoded() -> None:
    topics, data = encode_event(PAID, ALICE, 5, MEMO, "rent")
    for wrong in (
        topics[:2],
        (MEMO, *topics[1:]),
        (topics[0], b"\x01" + topics[1][1:], MEMO),
        (*topics[:2], MEMO[:31]),
    ):
        with pytest.raises(AbiDecodeError):
            decode_event(PAID, wrong, data)
    with pytest.raises(AbiDecodeError):
        decode_event(PAID, topics, data[:-1])


def test_values_outside_their_types_are_not_encoded() -> None:
    with pytest.raises(ValueDoesNotFit):
        encode_event(PAID, ALICE, 5, MEMO)
    with pytest.raises(ValueDoesNotFit):
        encode_event(PAID, ALICE, -5, MEMO, "rent")
    with pytest.raises(ValueDoesNotFit):
        encode_error(declare_error("Late(uint8 days)"), 256)
    with pytest.raises(ValueDoesNotFit):
        encode_call(declare_function("late(uint8 days)"), 255, 1)


@pytest.mark.parametrize(
    "text",
    [
        "NoParentheses",
        "Open(uint8 a",
        "(uint8 a)",
        "Two Words(uint8 a)",
        "Extra(uint8 a b)",
    ],
)
def test_a_line_that_declares_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidDeclaration):
        declare_event(text)


def test_an_event_has_at_most_three_indexed_words() -> None:
    assert len(declare_event("Ok(bool indexed a, bool indexed b, bool indexed c)").parameters) == 3
    with pytest.raises(InvalidDeclaration, match="at most 3"):
        declare_event("Four(bool indexed a, bool indexed b, bool indexed c, bool indexed d)")
    with pytest.raises(InvalidDeclaration, match="longer than a word"):
        declare_event("Long(string indexed a)")


def test_a_type_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownAbiType):
        declare_function("f(int a)")


def test_json_entries_have_the_published_shape() -> None:
    view = declare_function("look(address who)", returns="uint256")
    assert function_json(view) == {
        "type": "function",
        "name": "look",
        "inputs": [{"name": "who", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
        "stateMutability": "view",
    }
    changing = function_json(declare_function("change()", mutates=True))
    assert isinstance(changing, dict)
    assert changing["stateMutability"] == "nonpayable"
    assert event_json(declare_event("Seen(address indexed who)")) == {
        "type": "event",
        "name": "Seen",
        "inputs": [{"name": "who", "type": "address", "indexed": True}],
        "anonymous": False,
    }
    assert error_json(declare_error("Late()")) == {"type": "error", "name": "Late", "inputs": []}

"""Bytes that a validator's keys sign, and the rule for names."""

import pytest

from consensus.primitives.scalars import Address, Hash32
from contracts.validator_keys import ValidatorKeys, is_validator_name, possession_message

KEYS = ValidatorKeys(b"\x0c" * 32, b"\x0d" * 32, b"\x0e" * 32)


def test_possession_message_is_what_the_design_writes() -> None:
    found = possession_message(
        chain_id=7001, genesis_hash=Hash32(b"\x0a" * 32), operator=Address(b"\x0b" * 20), keys=KEYS
    )
    assert found.hex() == (
        "73796365652d76616c696461746f722d6b6579732f31"
        + "0000000000001b59"
        + "0a" * 32
        + "0b" * 20
        + "0c" * 32
        + "0d" * 32
        + "0e" * 32
    )


@pytest.mark.parametrize(
    ("name", "is_valid"),
    [
        ("bank-1", True),
        ("1", True),
        ("b" * 31, True),
        ("b" * 32, False),
        ("", False),
        ("-a", False),
        ("A", False),
        ("a\n", False),
        ("a_b", False),
        ("\u00e4", False),
    ],
)
def test_name_is_short_and_plain(name: str, is_valid: bool) -> None:
    assert is_validator_name(name) is is_valid

"""Bytes that a validator's keys sign, and the rules for names and endpoints."""

import pytest

from consensus.chain.genesis import GenesisValidator, endpoints_hash
from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import Address, Hash32
from contracts.validator_keys import (
    ValidatorKeys,
    decode_endpoints,
    encode_endpoints,
    hash_endpoints,
    is_valid_endpoint,
    is_valid_name,
    proof_bytes,
)

KEYS = ValidatorKeys(b"\x0c" * 32, b"\x0d" * 32, b"\x0e" * 32)


def test_proof_bytes_are_what_the_design_writes() -> None:
    found = proof_bytes(chain_id=7001, genesis_hash=Hash32(b"\x0a" * 32), operator=Address(b"\x0b" * 20), keys=KEYS)
    assert found.hex() == (
        "73796365652d76616c696461746f722d6b6579732f31"
        + "0000000000001b59"
        + "0a" * 32
        + "0b" * 20
        + "0c" * 32
        + "0d" * 32
        + "0e" * 32
    )


@pytest.mark.parametrize("endpoints", [(), ("127.0.0.1:1",), ("a.example:26000", "[2001:db8::1]:65535")])
def test_endpoints_are_hashed_as_the_genesis_set_hashes_them(endpoints: tuple[str, ...]) -> None:
    entry = GenesisValidator("a", Address(bytes(20)), bytes(32), bytes(32), bytes(32), endpoints)
    assert hash_endpoints(endpoints) == endpoints_hash(entry) == sha256(encode_endpoints(endpoints))
    assert decode_endpoints(encode_endpoints(endpoints)) == endpoints


@pytest.mark.parametrize(
    ("endpoint", "is_valid"),
    [
        ("127.0.0.1:30300", True),
        ("Bank-1.example:1", True),
        ("[::1]:65535", True),
        ("a:65536", False),
        ("a:0", False),
        ("a:080", False),
        ("a:99999999999999999999", False),
        ("a", False),
        (":1", False),
        ("::1:1", False),
        ("a b:1", False),
        ("a:1\n", False),
        ("-a:1", False),
        ("a:\u0661", False),
        ("a" * 98 + ":1", True),
        ("a" * 99 + ":1", False),
    ],
)
def test_endpoint_is_a_host_and_a_port(endpoint: str, is_valid: bool) -> None:
    assert is_valid_endpoint(endpoint) is is_valid


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
    assert is_valid_name(name) is is_valid

"""Endpoints: which texts are one, and the one form in which they are hashed and kept."""

import pytest

from consensus.primitives.endpoints import decode_endpoints, encode_endpoints, hash_endpoints, is_endpoint
from consensus.primitives.hashing import sha256


@pytest.mark.parametrize("endpoints", [(), ("127.0.0.1:1",), ("a.example:26000", "[2001:db8::1]:65535")])
def test_endpoints_are_read_back_as_they_were_written(endpoints: tuple[str, ...]) -> None:
    assert hash_endpoints(endpoints) == sha256(encode_endpoints(endpoints))
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
        ("a b:1", False),
        ("a:1\n", False),
        ("a:\u0661", False),
        ("a" * 122 + ":65535", True),
        ("a" * 123 + ":65535", False),
    ],
)
def test_endpoint_is_a_host_and_a_port(endpoint: str, is_valid: bool) -> None:
    assert is_endpoint(endpoint) is is_valid

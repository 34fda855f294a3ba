"""Which 32 bytes are an ed25519 key that only its owner can sign for."""

import pytest
from nacl.signing import SigningKey

from consensus.primitives.signatures import is_valid_ed25519_key

PRIME = 2**255 - 19


def point(y: int, *, sign: int = 0) -> bytes:
    """Return an encoded point: y little-endian, the sign of x in the top bit."""
    return (y | sign << 255).to_bytes(32, "little")


ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
"""y of a point of order 8, as published with the curve's torsion points."""

SMALL_ORDER = {
    "order 1": point(1),
    "order 2": point(PRIME - 1),
    "order 4": point(0),
    "order 4, other sign": point(0, sign=1),
    "order 8": point(ORDER_8_Y),
    "order 8, other sign": point(ORDER_8_Y, sign=1),
    "order 8, negative": point(PRIME - ORDER_8_Y),
}

NOT_CANONICAL = {
    "1 spelled p + 1": point(PRIME + 1),
    "0 spelled p": point(PRIME),
    "largest": b"\xff" * 32,
    "x is 0 with a sign": point(1, sign=1),
}


def test_key_of_a_signer_is_valid() -> None:
    assert is_valid_ed25519_key(bytes(SigningKey(b"\x07" * 32).verify_key))


@pytest.mark.parametrize("key", [*SMALL_ORDER.values(), *NOT_CANONICAL.values()], ids=[*SMALL_ORDER, *NOT_CANONICAL])
def test_key_that_anybody_could_sign_for_is_refused(key: bytes) -> None:
    assert not is_valid_ed25519_key(key)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_key_of_another_length_is_refused(length: int) -> None:
    assert not is_valid_ed25519_key((bytes(SigningKey(b"\x07" * 32).verify_key) * 2)[:length])


def test_bytes_that_are_no_point_are_refused() -> None:
    assert not is_valid_ed25519_key(point(2))

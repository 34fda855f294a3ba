"""The CBOR of offline messages has one spelling for each value, and no input costs more than its length."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet_cli.offline.canonical_cbor import (
    DEPTH_MAX,
    INPUT_BYTES_MAX,
    ITEMS_MAX,
    CborError,
    CborItem,
    decode,
    encode,
    encode_map,
)

RFC_8949: tuple[tuple[str, CborItem], ...] = (
    ("00", 0),
    ("01", 1),
    ("0a", 10),
    ("17", 23),
    ("1818", 24),
    ("1819", 25),
    ("1864", 100),
    ("1903e8", 1000),
    ("1a000f4240", 1_000_000),
    ("1b000000e8d4a51000", 1_000_000_000_000),
    ("1bffffffffffffffff", 2**64 - 1),
    ("40", b""),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("6161", "a"),
    ("6449455446", "IETF"),
    ("62c3bc", "ü"),
    ("63e6b0b4", "水"),
    ("64f0908591", "\U00010151"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", list(range(1, 26))),
    ("a0", {}),
    ("a201020304", {1: 2, 3: 4}),
)
"""Examples of RFC 8949, appendix A, of the types used here."""

REFUSED = (
    ("", "the input ends"),
    ("20", "major type 1"),
    ("c001", "major type 6"),
    ("f4", "major type 7"),
    ("f93c00", "major type 7"),
    ("5f40ff", "indefinite"),
    ("9fff", "indefinite"),
    ("1c", "indefinite or reserved"),
    ("1817", "shorter head"),
    ("190018", "shorter head"),
    ("1900ff", "shorter head"),
    ("1a0000ffff", "shorter head"),
    ("1b00000000ffffffff", "shorter head"),
    ("5801aa", "shorter head"),
    ("1901", "head is truncated"),
    ("42aa", "string of 2 bytes"),
    ("5bffffffffffffffff", "string of"),
    ("61ff", "not UTF-8"),
    ("63eda080", "not UTF-8"),
    ("9bffffffffffffffff", "members announced"),
    ("bb7fffffffffffffff", "members announced"),
    ("a10102ff", "after the end"),
    ("0000", "after the end"),
    ("a201020102", "keys ascend"),
    ("a202020102", "keys ascend"),
    ("a1410102", "no unsigned integer"),
    ("a18001", "no unsigned integer"),
    ("a101", "members announced"),
    ("8100" + "00", "after the end"),
    ("818181818181" + "00", "deeper"),
    ("818181818180", "deeper"),
    ("8181818181a0", "deeper"),
)


@pytest.mark.parametrize(("encoded", "value"), RFC_8949)
def test_examples_of_the_standard(encoded: str, value: CborItem) -> None:
    assert encode(value).hex() == encoded
    assert decode(bytes.fromhex(encoded)) == value


@pytest.mark.parametrize(("encoded", "reason"), REFUSED)
def test_other_spellings_and_types_are_refused(encoded: str, reason: str) -> None:
    with pytest.raises(CborError, match=reason):
        decode(bytes.fromhex(encoded))


def test_depth_items_and_bytes_are_bounded_on_both_sides() -> None:
    assert decode(b"\x81" * DEPTH_MAX + b"\x00")
    with pytest.raises(CborError, match="deeper"):
        decode(b"\x81" * (DEPTH_MAX + 1) + b"\x00")
    assert decode(b"\x98" + bytes((ITEMS_MAX - 1,)) + bytes(ITEMS_MAX - 1))
    with pytest.raises(CborError, match="more than 256 items"):
        decode(b"\x99\x01\x00" + bytes(ITEMS_MAX))
    assert decode(encode(bytes(INPUT_BYTES_MAX - 3)))
    with pytest.raises(CborError, match="at most 3840"):
        decode(encode(bytes(INPUT_BYTES_MAX - 2)))


VALUES = st.recursive(
    st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=40), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_what_is_encoded_decodes_to_itself(value: CborItem) -> None:
    encoded = encode(value)
    try:
        assert decode(encoded) == value
    except CborError as error:
        assert "deeper" in str(error)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_what_decodes_encodes_to_the_input(data: bytes) -> None:
    try:
        value = decode(data)
    except CborError:
        return
    assert encode(value) == data


def test_a_map_takes_entries_that_are_bytes_already() -> None:
    assert encode_map({1: 2}, ((64, encode([3])),)) == encode({1: 2, 64: [3]})

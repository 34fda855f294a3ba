"""The codec against eth-abi, an independent one; then what only a strict decoder refuses."""

from collections.abc import Sequence

import pytest
from eth_abi.abi import encode as reference_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.abi import (
    AbiDecodeError,
    AbiType,
    AbiValue,
    DataTooShort,
    OffsetNotCanonical,
    SurplusData,
    TextNotUnicode,
    UnknownAbiType,
    ValueDoesNotFit,
    WordOutOfRange,
    decode,
    encode,
    parse_type,
    word_decoder,
)

WORDS = (
    "address",
    "bool",
    "uint8",
    "uint32",
    "uint64",
    "uint128",
    "uint256",
    "int8",
    "int256",
    "bytes1",
    "bytes4",
    "bytes32",
)
TYPE_TEXTS = (
    *WORDS,
    "string",
    "bytes",
    "uint256[]",
    "address[]",
    "bytes32[3]",
    "bool[2][]",
    "string[]",
    "string[2]",
    "uint8[][]",
    "(address,uint256)",
    "(address,bytes)",
    "(address,bytes)[]",
    "((uint8,bool),string)[2]",
    "(uint16,bytes4)[2]",
)


def values_of(item: AbiType) -> st.SearchStrategy[AbiValue]:
    match item.kind:
        case "address":
            return st.binary(min_size=20, max_size=20)
        case "bool":
            return st.booleans()
        case "uint":
            assert item.size is not None
            return st.integers(0, 2**item.size - 1)
        case "int":
            assert item.size is not None
            return st.integers(-(1 << item.size - 1), (1 << item.size - 1) - 1)
        case "fixed":
            assert item.size is not None
            return st.binary(min_size=item.size, max_size=item.size)
        case "string":
            return st.text(max_size=40)
        case "bytes":
            return st.binary(max_size=70)
        case "tuple":
            return st.tuples(*(values_of(member) for member in item.members))
        case _:
            sizes = (0, 3) if item.size is None else (item.size, item.size)
            members = st.lists(values_of(item.members[0]), min_size=sizes[0], max_size=sizes[1])
            return members.map(lambda values: tuple(values))


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[list[str], list[AbiValue]]:
    texts = draw(st.lists(st.sampled_from(TYPE_TEXTS), max_size=5))
    return texts, [draw(values_of(parse_type(text))) for text in texts]


def for_reference(item: AbiType, value: AbiValue) -> object:
    """eth-abi writes addresses as hex text."""
    if item.kind == "address":
        assert isinstance(value, bytes)
        return f"0x{value.hex()}"
    if item.members:
        assert isinstance(value, Sequence)
        members = item.members if item.kind == "tuple" else item.members * len(value)
        return tuple(for_reference(member, part) for member, part in zip(members, value))
    return value


@settings(max_examples=50, deadline=None)
@given(typed_values())
def test_encoding_equals_the_reference_and_decodes_to_itself(case: tuple[list[str], list[AbiValue]]) -> None:
    texts, values = case
    types = [parse_type(text) for text in texts]
    encoded = encode(types, values)
    assert encoded == reference_encode(texts, [for_reference(item, value) for item, value in zip(types, values)])
    assert decode(types, encoded) == tuple(values)


@settings(max_examples=50, deadline=None)
@given(typed_values(), st.data())
def test_whatever_decodes_is_the_encoding_of_what_it_decodes_to(
    case: tuple[list[str], list[AbiValue]], data: st.DataObject
) -> None:
    texts, values = case
    types = [parse_type(text) for text in texts]
    encoded = bytearray(encode(types, values))
    for _ in range(data.draw(st.integers(1, 3))):
        if encoded:
            encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = decode(types, bytes(encoded))
    except AbiDecodeError:
        return
    assert encode(types, decoded) == bytes(encoded)


@settings(max_examples=50, deadline=None)
@given(typed_values(), st.data())
def test_truncated_and_lengthened_data_are_refused(case: tuple[list[str], list[AbiValue]], data: st.DataObject) -> None:
    texts, values = case
    types = [parse_type(text) for text in texts]
    encoded = encode(types, values)
    with pytest.raises(SurplusData):
        decode(types, encoded + b"\x00")
    if encoded:
        with pytest.raises(DataTooShort):
            decode(types, encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(TYPE_TEXTS), st.binary(max_size=400))
def test_random_bytes_decode_or_raise_a_decode_error(text: str, data: bytes) -> None:
    types = [parse_type(text)]
    try:
        decoded = decode(types, data)
    except AbiDecodeError:
        return
    assert encode(types, decoded) == data


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("text", "data", "error"),
    [
        ("address", word(2**160), WordOutOfRange),
        ("bool", word(2), WordOutOfRange),
        ("uint8", word(256), WordOutOfRange),
        ("int8", word(128), WordOutOfRange),
        ("int8", b"\xff" * 31 + b"\x7f", WordOutOfRange),
        ("bytes4", word(1), WordOutOfRange),
        ("string", word(64) + word(0) + word(0), OffsetNotCanonical),
        ("string", word(0), OffsetNotCanonical),
        ("string", word(32) + word(1) + b"a" + bytes(30) + b"\x01", WordOutOfRange),
        ("string", word(32) + word(1) + b"\xff" + bytes(31), TextNotUnicode),
        ("string", word(32) + word(2) + b"\xc0\x80" + bytes(30), TextNotUnicode),
        ("bytes", word(32) + word(2**256 - 1), DataTooShort),
        ("uint256[]", word(32) + word(2**255) + word(1), DataTooShort),
        ("bytes[]", word(32) + word(2**200), DataTooShort),
        ("bytes[]", word(32) + word(2) + word(64) + word(64) + word(0), OffsetNotCanonical),
    ],
)
def test_each_uncanonical_encoding_has_its_own_error(text: str, data: bytes, error: type[AbiDecodeError]) -> None:
    with pytest.raises(error):
        decode([parse_type(text)], data)


@pytest.mark.parametrize(
    ("text", "data", "value"),
    [
        ("address", word(2**160 - 1), b"\xff" * 20),
        ("bool", word(1), True),
        ("uint8", word(255), 255),
        ("int8", word(127), 127),
        ("int8", b"\xff" * 31 + b"\x80", -128),
        ("bytes4", b"abcd" + bytes(28), b"abcd"),
        ("string", word(32) + word(0), ""),
        ("string", word(32) + word(2) + "é".encode() + bytes(30), "é"),
    ],
)
def test_the_nearest_canonical_encoding_is_accepted(text: str, data: bytes, value: AbiValue) -> None:
    assert decode([parse_type(text)], data) == (value,)


def test_a_decode_error_names_the_byte_and_both_values() -> None:
    with pytest.raises(OffsetNotCanonical, match="at byte 32: offset 0, canonical is 64") as caught:
        decode([parse_type("bool"), parse_type("bytes")], word(1) + word(0))
    assert (caught.value.position, caught.value.found, caught.value.expected) == (32, 0, 64)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int8", 128),
        ("int8", -129),
        ("int8", True),
        ("uint256", 2**256),
        ("uint256", True),
        ("bool", 1),
        ("address", bytes(19)),
        ("address", "0x" + "00" * 20),
        ("bytes4", bytes(5)),
        ("bytes4", 4),
        ("string", b"bytes"),
        ("string", "\ud800"),
        ("bytes", "text"),
        ("uint8[]", b"\x01\x02"),
        ("uint8[]", 3),
        ("uint8[2]", (1,)),
        ("(uint8,bool)", (1,)),
    ],
)
def test_a_value_outside_its_type_is_not_encoded(text: str, value: AbiValue) -> None:
    with pytest.raises(ValueDoesNotFit):
        encode([parse_type(text)], [value])


def test_as_many_values_as_types_are_needed() -> None:
    with pytest.raises(ValueDoesNotFit):
        encode([parse_type("bool")], [True, True])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uint",
        "uint7",
        "uint264",
        "uint08",
        "int",
        "int9",
        "int264",
        "bytes0",
        "bytes33",
        "uint8[0]",
        "uint8[x]",
        "()",
        "[]",
    ],
)
def test_an_expression_that_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(UnknownAbiType):
        parse_type(text)


def test_types_are_written_canonically_whatever_the_spacing() -> None:
    assert parse_type("(address, uint256)[2]").canonical == "(address,uint256)[2]"


@pytest.mark.parametrize("text", ["string", "bytes", "uint8[2]", "(bool,bool)"])
def test_only_one_word_types_have_a_word_decoder(text: str) -> None:
    with pytest.raises(UnknownAbiType):
        word_decoder(parse_type(text))

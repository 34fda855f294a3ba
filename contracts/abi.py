"""Strict codec of Solidity ABI values: one encoding per value, everything else refused.

Decoding accepts exactly what encoding produces: padding is zero, offsets are the ones a straightforward
encoder writes, nothing follows the last byte. So equal calls are equal bytes, and no contract and no
verifier can be shown two readings of one call. Types come from our own declarations, never from input.
Source: Solidity ABI specification, "Formal Specification of the Encoding" and "Strict Encoding Mode".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

AbiValue: TypeAlias = bool | int | bytes | str | Sequence["AbiValue"]
"""address, bytesN and bytes are `bytes`; string is `str`; arrays and tuples decode to `tuple`."""

WORD_BYTES: Final = 32
_ZERO_WORD: Final = bytes(32)


class AbiError(ValueError):
    """Something that is not ABI. Below it: UnknownAbiType, ValueDoesNotFit, AbiDecodeError and its reasons."""


class UnknownAbiType(AbiError):
    """A type expression outside the types this codec speaks."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is not an ABI type; known are address, bool, uintN, bytesN, string, bytes, T[], T[n], (T,…)"
        )


class ValueDoesNotFit(AbiError):
    """A Python value that the declared type cannot hold."""

    def __init__(self, type_text: str, value: object) -> None:
        self.type_text = type_text
        self.value = value
        super().__init__(f"{value!r} does not fit the ABI type {type_text}")


class AbiDecodeError(AbiError):
    """Bytes that are not the canonical encoding; `position` is the byte offset of the fault."""

    def __init__(self, position: int, reason: str) -> None:
        self.position = position
        super().__init__(f"ABI data at byte {position}: {reason}")


class DataTooShort(AbiDecodeError):
    """The data ends before the value does."""

    def __init__(self, *, found: int, needed: int) -> None:
        self.found = found
        self.needed = needed
        super().__init__(found, f"ends here, at least {needed} bytes are needed")


class SurplusData(AbiDecodeError):
    """Bytes follow the last value."""

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(expected, f"{found - expected} surplus bytes")


class WordOutOfRange(AbiDecodeError):
    """A word with bits set that the type does not have: dirty padding, or a number too large."""

    def __init__(self, position: int, type_text: str) -> None:
        self.type_text = type_text
        super().__init__(position, f"the word is no {type_text}")


class OffsetNotCanonical(AbiDecodeError):
    """An offset that points elsewhere than right behind what precedes it."""

    def __init__(self, position: int, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(position, f"offset {found}, canonical is {expected}")


class TextNotUnicode(AbiDecodeError):
    """A string that is not UTF-8."""

    def __init__(self, position: int) -> None:
        super().__init__(position, "the string is not UTF-8")


WordDecoder: TypeAlias = Callable[[bytes, int], AbiValue]
"""Reads the word that begins at an absolute position known to be inside the data."""


@dataclass(frozen=True, slots=True)
class AbiType:
    """A parsed type."""

    canonical: str
    """As in signatures: `uint256`, `(address,uint256)[]`."""
    kind: str
    """One of address, bool, uint, int, fixed (bytesN), string, bytes, array, tuple."""
    size: int | None
    """Bits of a uint or int, bytes of a bytesN, length of T[n]; None where the type has no size, as T[]."""
    members: tuple["AbiType", ...]
    """Element type of an array (one), component types of a tuple; else empty."""
    is_dynamic: bool
    """True if the value lies in the tail, behind an offset."""
    head_bytes: int
    """Bytes in the head: 32 for a dynamic type and for one word."""


@lru_cache(maxsize=1_024)
def parse_type(text: str) -> AbiType:
    """Return the type that `text` names, such as `uint256` or `(address,bytes)[]`.

    Cache bound: our own declarations name a few dozen. Raises: UnknownAbiType.
    """
    if text.endswith("]"):
        return _parse_array(text)
    if text.startswith("(") and text.endswith(")") and len(text) > 2:
        members = tuple(parse_type(part) for part in split_top_level(text[1:-1]))
        is_dynamic = any(member.is_dynamic for member in members)
        head_bytes = WORD_BYTES if is_dynamic else sum(member.head_bytes for member in members)
        canonical = f"({','.join(member.canonical for member in members)})"
        return AbiType(canonical, "tuple", None, members, is_dynamic, head_bytes)
    if text in ("address", "bool"):
        return AbiType(text, text, None, (), False, WORD_BYTES)
    if text in ("string", "bytes"):
        return AbiType(text, text, None, (), True, WORD_BYTES)
    for prefix, kind, step, limit in (("uint", "uint", 8, 256), ("int", "int", 8, 256), ("bytes", "fixed", 1, 32)):
        digits = text.removeprefix(prefix)
        if digits != text and digits.isascii() and digits.isdecimal() and not digits.startswith("0"):
            size = int(digits)
            if size <= limit and size % step == 0:
                return AbiType(text, kind, size, (), False, WORD_BYTES)
    raise UnknownAbiType(text)


def _parse_array(text: str) -> AbiType:
    opening = text.rindex("[")
    digits = text[opening + 1 : -1]
    member = parse_type(text[:opening])
    if not digits:
        return AbiType(f"{member.canonical}[]", "array", None, (member,), True, WORD_BYTES)
    if not (digits.isascii() and digits.isdecimal()) or digits.startswith("0"):
        raise UnknownAbiType(text)
    length = int(digits)
    head_bytes = WORD_BYTES if member.is_dynamic else length * member.head_bytes
    return AbiType(f"{member.canonical}[{length}]", "array", length, (member,), member.is_dynamic, head_bytes)


def split_top_level(text: str) -> list[str]:
    """Split at the commas outside parentheses; the empty text has no parts."""
    parts: list[str] = []
    depth, start = 0, 0
    for at, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*parts, text[start:]]] if text else []


# Encoding


def encode(types: Sequence[AbiType], values: Sequence[AbiValue]) -> bytes:
    """Return the ABI encoding of `values` as a tuple of `types`, without an outer offset.

    Raises: ValueDoesNotFit if a value is outside its type or their number differs.
    """
    if len(types) != len(values):
        raise ValueDoesNotFit(f"({','.join(item.canonical for item in types)})", values)
    head_bytes = sum(item.head_bytes for item in types)
    heads: list[bytes] = []
    tails: list[bytes] = []
    for item, value in zip(types, values):
        encoded = _encode_value(item, value)
        if item.is_dynamic:
            heads.append(head_bytes.to_bytes(WORD_BYTES, "big"))
            tails.append(encoded)
            head_bytes += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def encode_word(item: AbiType, value: AbiValue) -> bytes:
    """Return the 32 bytes of a one-word value: address, bool, uintN, intN or bytesN.

    Raises: ValueDoesNotFit.
    """
    kind = item.kind
    if kind == "uint":
        assert item.size is not None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0 and not value >> item.size:
            return value.to_bytes(WORD_BYTES, "big")
    elif kind == "int":
        assert item.size is not None
        limit = 1 << item.size - 1
        if isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit:
            return value.to_bytes(WORD_BYTES, "big", signed=True)
    elif kind == "bool":
        if isinstance(value, bool):
            return value.to_bytes(WORD_BYTES, "big")
    elif isinstance(value, bytes):
        if kind == "address" and len(value) == 20:
            return bytes(12) + value
        if kind == "fixed" and len(value) == item.size:
            return value.ljust(WORD_BYTES, b"\x00")
    raise ValueDoesNotFit(item.canonical, value)


def _encode_value(item: AbiType, value: AbiValue) -> bytes:
    if item.kind in ("string", "bytes"):
        return _encode_bytes(item, value)
    if item.kind not in ("array", "tuple"):
        return encode_word(item, value)
    if isinstance(value, (bytes, str)) or not isinstance(value, Sequence):
        raise ValueDoesNotFit(item.canonical, value)
    if item.kind == "tuple":
        return encode(item.members, value)
    if item.size is not None and len(value) != item.size:
        raise ValueDoesNotFit(item.canonical, value)
    prefix = b"" if item.size is not None else len(value).to_bytes(WORD_BYTES, "big")
    return prefix + encode(item.members * len(value), value)


def _encode_bytes(item: AbiType, value: AbiValue) -> bytes:
    if item.kind == "string":
        if not isinstance(value, str):
            raise ValueDoesNotFit(item.canonical, value)
        try:
            value = value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueDoesNotFit(item.canonical, value) from error
    if not isinstance(value, bytes):
        raise ValueDoesNotFit(item.canonical, value)
    return len(value).to_bytes(WORD_BYTES, "big") + value + bytes(-len(value) % WORD_BYTES)


# Decoding


def decode(types: Sequence[AbiType], data: bytes) -> tuple[AbiValue, ...]:
    """Return the values of which `data` is the canonical encoding.

    Raises: AbiDecodeError (DataTooShort, SurplusData, WordOutOfRange, OffsetNotCanonical, TextNotUnicode).
    """
    return compile_decoder(types)(data, 0)


TupleDecoder: TypeAlias = Callable[[bytes, int], tuple[AbiValue, ...]]
"""Decodes everything from a start position to the end of the data; raises AbiDecodeError."""


def compile_decoder(types: Sequence[AbiType]) -> TupleDecoder:
    """Return a decoder of tuples of `types`. One-word types, the common case, get a loop without look-ups."""
    members = tuple(types)
    if all(item.head_bytes == WORD_BYTES and not item.is_dynamic and not item.members for item in members):
        return _compile_words_decoder(tuple(word_decoder(item) for item in members))

    def decode_tuple(data: bytes, start: int) -> tuple[AbiValue, ...]:
        values, end = _decode_members(members, data, start)
        if end != len(data):
            raise SurplusData(found=len(data), expected=end)
        return values

    return decode_tuple


def _compile_words_decoder(decoders: tuple[WordDecoder, ...]) -> TupleDecoder:
    size = WORD_BYTES * len(decoders)

    def check_length(data: bytes, start: int) -> None:
        if len(data) < start + size:
            raise DataTooShort(found=len(data), needed=start + size)
        if len(data) > start + size:
            raise SurplusData(found=len(data), expected=start + size)

    if len(decoders) == 2:
        first, second = decoders

        def decode_two_words(data: bytes, start: int) -> tuple[AbiValue, ...]:
            if len(data) != start + 64:
                check_length(data, start)
            return first(data, start), second(data, start + 32)

        return decode_two_words

    def decode_words(data: bytes, start: int) -> tuple[AbiValue, ...]:
        if len(data) != start + size:
            check_length(data, start)
        values = []
        at = start
        for decoder in decoders:
            values.append(decoder(data, at))
            at += 32
        return tuple(values)

    return decode_words


def word_decoder(item: AbiType) -> WordDecoder:
    """Return the decoder of a one-word type.

    Raises: UnknownAbiType if the type is longer than a word or dynamic.
    """
    if item.kind == "address":
        return _decode_address
    if item.kind == "bool":
        return _decode_bool
    if item.kind == "uint" and item.size is not None:
        return _decode_uint256 if item.size == 256 else _uint_decoder(item.canonical, item.size)
    if item.kind == "int" and item.size is not None:
        return _int_decoder(item.canonical, item.size)
    if item.kind == "fixed" and item.size is not None:
        return _fixed_decoder(item.canonical, item.size)
    raise UnknownAbiType(item.canonical)


_ZERO_12: Final = bytes(12)


def _decode_address(data: bytes, at: int) -> bytes:
    if data[at : at + 12] != _ZERO_12:
        raise WordOutOfRange(at, "address")
    return data[at + 12 : at + 32]


def _decode_uint256(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 32], "big")


def _decode_bool(data: bytes, at: int) -> bool:
    number = int.from_bytes(data[at : at + 32], "big")
    if number > 1:
        raise WordOutOfRange(at, "bool")
    return number == 1


def _uint_decoder(canonical: str, bits: int) -> WordDecoder:
    def decode_uint(data: bytes, at: int) -> int:
        number = int.from_bytes(data[at : at + 32], "big")
        if number >> bits:
            raise WordOutOfRange(at, canonical)
        return number

    return decode_uint


def _int_decoder(canonical: str, bits: int) -> WordDecoder:
    limit = 1 << bits - 1

    def decode_int(data: bytes, at: int) -> int:
        number = int.from_bytes(data[at : at + 32], "big", signed=True)
        if not -limit <= number < limit:
            raise WordOutOfRange(at, canonical)
        return number

    return decode_int


def _fixed_decoder(canonical: str, size: int) -> WordDecoder:
    padding = bytes(WORD_BYTES - size)

    def decode_fixed(data: bytes, at: int) -> bytes:
        if data[at + size : at + 32] != padding:
            raise WordOutOfRange(at, canonical)
        return data[at : at + size]

    return decode_fixed


def _decode_members(members: Sequence[AbiType], data: bytes, start: int) -> tuple[tuple[AbiValue, ...], int]:
    """Return the values of a tuple whose head begins at `start`, and the position behind its tail."""
    head_end = start + sum(item.head_bytes for item in members)
    if len(data) < head_end:
        raise DataTooShort(found=len(data), needed=head_end)
    values: list[AbiValue] = []
    at, tail = start, head_end
    for item in members:
        if item.is_dynamic:
            offset = _decode_uint256(data, at)
            if offset != tail - start:
                raise OffsetNotCanonical(at, found=offset, expected=tail - start)
            value, tail = _decode_tail(item, data, tail)
        elif item.members:
            value, _ = _decode_members(_member_types(item, item.size or 0), data, at)
        else:
            value = word_decoder(item)(data, at)
        values.append(value)
        at += item.head_bytes
    return tuple(values), tail


def _member_types(item: AbiType, length: int) -> tuple[AbiType, ...]:
    return item.members if item.kind == "tuple" else item.members * length


def _decode_tail(item: AbiType, data: bytes, at: int) -> tuple[AbiValue, int]:
    """Return the dynamic value that begins at `at`, and the position behind it."""
    if item.kind == "tuple" or item.size is not None:
        return _decode_members(_member_types(item, item.size or 0), data, at)
    if len(data) < at + WORD_BYTES:
        raise DataTooShort(found=len(data), needed=at + WORD_BYTES)
    length = _decode_uint256(data, at)
    at += WORD_BYTES
    if item.kind == "array":
        # Every element takes at least its head, so a length beyond the data is refused before anything is built.
        member = item.members[0]
        needed = at + length * member.head_bytes
        if len(data) < needed:
            raise DataTooShort(found=len(data), needed=needed)
        if not member.is_dynamic and not member.members:
            # Lists of words are the longest arguments there are: look their decoder up once.
            decoder = word_decoder(member)
            return tuple([decoder(data, position) for position in range(at, needed, WORD_BYTES)]), needed
        return _decode_members(item.members * length, data, at)
    end = at + length
    padded_end = end + -length % WORD_BYTES
    if len(data) < padded_end:
        raise DataTooShort(found=len(data), needed=padded_end)
    if data[end:padded_end] != _ZERO_WORD[: padded_end - end]:
        raise WordOutOfRange(end, item.canonical)
    content = data[at:end]
    if item.kind == "bytes":
        return content, padded_end
    try:
        return content.decode("utf-8"), padded_end
    except UnicodeDecodeError as error:
        raise TextNotUnicode(at) from error

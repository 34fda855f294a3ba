"""Strict canonical RLP (Ethereum Yellow Paper, appendix B).

Decoding refuses everything that has a shorter encoding, surplus bytes and truncated
input, so that equal values are equal bytes. Nesting is bounded: no input recurses deeper.
"""

from collections.abc import Sequence
from typing import TypeAlias

RlpItem: TypeAlias = bytes | Sequence["RlpItem"]
"""What can be encoded: a byte string, or a sequence of items."""

DecodedItem: TypeAlias = bytes | list["DecodedItem"]
"""What decoding returns."""

NESTING_DEPTH_MAX = 16
"""Deepest list nesting accepted. Blocks and access lists need 5; twice this would only feed attackers' stacks."""


class RlpError(ValueError):
    """The bytes are not the canonical RLP of anything, or not of the expected shape."""


def encode_bytes(value: bytes) -> bytes:
    """Return the RLP of a byte string."""
    length = len(value)
    if length == 1 and value[0] < 0x80:
        return value
    if length < 56:
        return bytes((0x80 + length,)) + value
    length_bytes = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0xB7 + len(length_bytes),)) + length_bytes + value


def encode_uint(value: int) -> bytes:
    """Return the RLP of an integer ≥ 0: big-endian without leading zeros, zero as the empty string."""
    if value < 0x80:
        if value > 0:
            return bytes((value,))
        if value == 0:
            return b"\x80"
        raise RlpError(f"RLP has no negative integers, got {value}")
    return encode_bytes(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def encode_joined(payload: bytes) -> bytes:
    """Return the RLP of a list whose items are already encoded and joined in `payload`."""
    length = len(payload)
    if length < 56:
        return bytes((0xC0 + length,)) + payload
    length_bytes = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0xF7 + len(length_bytes),)) + length_bytes + payload


def encode(item: RlpItem) -> bytes:
    """Return the RLP of nested byte strings and sequences."""
    if isinstance(item, bytes):
        return encode_bytes(item)
    return encode_joined(b"".join([encode(child) for child in item]))


def uint_to_bytes(value: int) -> bytes:
    """Return `value` ≥ 0 big-endian without leading zeros; zero is the empty string."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def read_uint(item: DecodedItem, *, bytes_max: int = 32) -> int:
    """Return the integer in a decoded item.

    Raises: RlpError if it is a list, has a leading zero or is longer than `bytes_max`.
    """
    if not isinstance(item, bytes):
        raise RlpError("expected an integer, found a list")
    if len(item) > bytes_max:
        raise RlpError(f"integer of {len(item)} bytes, at most {bytes_max} allowed")
    if item and item[0] == 0:
        raise RlpError("integer has a leading zero byte")
    return int.from_bytes(item, "big")


def read_bytes(item: DecodedItem, length: int | None = None) -> bytes:
    """Return the byte string in a decoded item, of exactly `length` bytes if given.

    Raises: RlpError if it is a list or has another length.
    """
    if not isinstance(item, bytes):
        raise RlpError("expected a byte string, found a list")
    if length is not None and len(item) != length:
        raise RlpError(f"expected {length} bytes, found {len(item)}")
    return item


def read_list(item: DecodedItem, length: int | None = None) -> list[DecodedItem]:
    """Return the list in a decoded item, of exactly `length` items if given.

    Raises: RlpError if it is a byte string or has another number of items.
    """
    if isinstance(item, bytes):
        raise RlpError("expected a list, found a byte string")
    if length is not None and len(item) != length:
        raise RlpError(f"expected {length} items, found {len(item)}")
    return item


def decode(data: bytes) -> DecodedItem:
    """Return the one item that `data` encodes.

    Raises: RlpError if `data` is empty, truncated, not canonical, too deeply nested or followed by surplus bytes.
    """
    item, end = _decode_at(data, 0, len(data), NESTING_DEPTH_MAX)
    if end != len(data):
        raise RlpError(f"{len(data) - end} surplus bytes after the item")
    return item


def split_list(data: bytes) -> list[bytes]:
    """Return the still encoded items of the list that `data` encodes, without decoding them.

    Raises: RlpError if `data` is not one list, or an item's header is broken.
    """
    is_list, start, end = _header_at(data, 0, len(data))
    if not is_list or end != len(data):
        raise RlpError("expected one list and nothing after it")
    items = []
    while start < end:
        _, _, item_end = _header_at(data, start, end)
        items.append(data[start:item_end])
        start = item_end
    return items


def _header_at(data: bytes, at: int, end: int) -> tuple[bool, int, int]:
    """Return (is a list, start of payload, end of payload) of the item at `at`, all within `end`."""
    if at >= end:
        raise RlpError("input ends where an item should begin")
    first = data[at]
    if first < 0x80:
        return False, at, at + 1
    is_list = first >= 0xC0
    short_base = 0xC0 if is_list else 0x80
    length = first - short_base
    start = at + 1
    if length >= 56:
        size_of_length = length - 55
        start += size_of_length
        length_bytes = data[at + 1 : start]
        if start > end or length_bytes[0] == 0:
            raise RlpError("length prefix is truncated or has a leading zero")
        length = int.from_bytes(length_bytes, "big")
        if length < 56:
            raise RlpError("long form used for a length below 56")
    stop = start + length
    if stop > end:
        raise RlpError(f"item of {length} bytes is truncated")
    if not is_list and length == 1 and data[start] < 0x80:
        raise RlpError("single byte below 0x80 has a length prefix")
    return is_list, start, stop


def _decode_at(data: bytes, at: int, end: int, depth: int) -> tuple[DecodedItem, int]:
    is_list, start, stop = _header_at(data, at, end)
    if not is_list:
        return data[start:stop], stop
    if depth == 0:
        raise RlpError(f"lists nested deeper than {NESTING_DEPTH_MAX}")
    items: list[DecodedItem] = []
    while start < stop:
        item, start = _decode_at(data, start, stop, depth - 1)
        items.append(item)
    return items, stop

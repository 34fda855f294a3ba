"""The part of CBOR that offline messages use, in its one canonical spelling.

Unsigned integers, byte strings, texts, arrays and maps with ascending unsigned keys; definite lengths, shortest heads.
Whatever decodes, encodes to the same bytes. Decoding keeps its own stack and is bounded in depth, items and bytes, so
that no input recurses or grows. Source: RFC 8949 §4.2, offline.md §8.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

CborItem: TypeAlias = "int | bytes | str | Sequence[CborItem] | Mapping[int, CborItem]"
"""What can be encoded."""

DecodedCbor: TypeAlias = "int | bytes | str | list[DecodedCbor] | dict[int, DecodedCbor]"
"""What decoding returns."""

INPUT_BYTES_MAX: Final = 3_840
"""Longest message: 16 QR frames of 240 bytes. Twice as long is a minute of scanning."""

DEPTH_MAX: Final = 5
"""Containers within containers. Messages need 3; more is room for fields of later versions."""

ITEMS_MAX: Final = 256
"""Items in one message, keys counted. The largest message of this version has fewer than 80."""

UINT_MAX: Final = 2**64 - 1

_UINT: Final = 0
_BYTES: Final = 2
_TEXT: Final = 3
_ARRAY: Final = 4
_MAP: Final = 5


class CborError(ValueError):
    """Bytes that are not the canonical form of anything here."""

    def __init__(self, at: int, detail: str) -> None:
        self.at = at
        self.detail = detail
        super().__init__(f"byte {at}: {detail}")


def encode(item: CborItem) -> bytes:
    """Return the canonical bytes of `item`; the keys of maps are put in order."""
    if isinstance(item, int):
        return _head(_UINT, item)
    if isinstance(item, bytes):
        return _head(_BYTES, len(item)) + item
    if isinstance(item, str):
        encoded = item.encode()
        return _head(_TEXT, len(encoded)) + encoded
    if isinstance(item, Mapping):
        return encode_map(item)
    return _head(_ARRAY, len(item)) + b"".join([encode(child) for child in item])


def encode_map(entries: Mapping[int, CborItem], encoded: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """Return the canonical bytes of a map; `encoded` are entries with higher keys, ascending, already in bytes."""
    parts = [_head(_MAP, len(entries) + len(encoded))]
    for key in sorted(entries):
        parts += (_head(_UINT, key), encode(entries[key]))
    for key, value in encoded:
        parts += (_head(_UINT, key), value)
    return b"".join(parts)


def decode(data: bytes) -> DecodedCbor:
    """Return the one item that `data` is.

    Raises: CborError if `data` is too long, truncated, not canonical, of another type, too deep, of too many items,
    or followed by more bytes.
    """
    if len(data) > INPUT_BYTES_MAX:
        raise CborError(INPUT_BYTES_MAX, f"{len(data)} bytes, at most {INPUT_BYTES_MAX} are a message")
    at = 0
    open_containers: list[_Open] = []
    for _ in range(ITEMS_MAX):
        item, at, member_count = _item_at(data, at)
        if len(open_containers) == DEPTH_MAX and isinstance(item, list | dict):
            raise CborError(at, f"nested deeper than {DEPTH_MAX}")
        if member_count:
            open_containers.append(_Open(item, member_count))
            continue
        while open_containers and open_containers[-1].take(item, at):
            item = open_containers.pop().container
        if not open_containers:
            if at != len(data):
                raise CborError(at, f"{len(data) - at} bytes after the end")
            return item
    raise CborError(at, f"more than {ITEMS_MAX} items")


class _Open:
    """A container that is being filled."""

    __slots__ = ("container", "key", "key_last", "missing")

    def __init__(self, container: DecodedCbor, missing: int) -> None:
        self.container = container
        self.missing = missing
        self.key: int | None = None
        self.key_last = -1

    def take(self, item: DecodedCbor, at: int) -> bool:
        """Put the next member in its place and tell whether the container is full. Raises: CborError."""
        self.missing -= 1
        if isinstance(self.container, list):
            self.container.append(item)
        elif self.key is None:
            if not isinstance(item, int):
                raise CborError(at, "a key is no unsigned integer")
            if item <= self.key_last:
                raise CborError(at, f"key {item} after key {self.key_last}: keys ascend and stand once")
            self.key = self.key_last = item
        else:
            assert isinstance(self.container, dict)
            self.container[self.key] = item
            self.key = None
        return self.missing == 0


def _item_at(data: bytes, at: int) -> tuple[DecodedCbor, int, int]:
    """Return the item at `at`, where it ends, and how many members of it are still to come."""
    major, argument, at = _head_at(data, at)
    left = len(data) - at
    if major == _UINT:
        return argument, at, 0
    if major in (_BYTES, _TEXT):
        if argument > left:
            raise CborError(at, f"a string of {argument} bytes, {left} are left")
        raw = data[at : at + argument]
        if major == _BYTES:
            return raw, at + argument, 0
        try:
            return raw.decode(), at + argument, 0
        except UnicodeDecodeError as error:
            raise CborError(at, "a text is not UTF-8") from error
    if major == _ARRAY:
        _require_members(argument, left, at)
        return [], at, argument
    if major == _MAP:
        _require_members(2 * argument, left, at)
        return {}, at, 2 * argument
    raise CborError(at, f"major type {major}: only unsigned integers, bytes, texts, arrays and maps")


def _require_members(count: int, left: int, at: int) -> None:
    # A member takes a byte at least, so a lying length costs nothing.
    if count > left:
        raise CborError(at, f"{count} members announced, {left} bytes are left")


def _head_at(data: bytes, at: int) -> tuple[int, int, int]:
    """Return major type, argument and where the head at `at` ends. Raises: CborError unless it is the shortest."""
    if at >= len(data):
        raise CborError(at, "the input ends where an item should begin")
    first = data[at]
    major, short = first >> 5, first & 31
    if short < 24:
        return major, short, at + 1
    if short > 27:
        raise CborError(at, "indefinite or reserved length")
    width = 1 << (short - 24)
    raw = data[at + 1 : at + 1 + width]
    if len(raw) != width:
        raise CborError(at, "a head is truncated")
    argument = int.from_bytes(raw, "big")
    # The shortest head: 24 and more take a byte, then what half the width cannot hold.
    if argument < (24 if width == 1 else 1 << (width * 4)):
        raise CborError(at, f"{argument} has a shorter head")
    return major, argument, at + 1 + width


def _head(major: int, argument: int) -> bytes:
    assert 0 <= argument <= UINT_MAX
    if argument < 24:
        return bytes((major << 5 | argument,))
    for short, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * width):
            return bytes((major << 5 | short,)) + argument.to_bytes(width, "big")
    raise AssertionError("unreachable: the argument is at most 2^64 - 1")

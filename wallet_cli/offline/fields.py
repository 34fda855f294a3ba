"""Reading the fields of one map: each is asked for once, by key, type and bounds; what nobody asked for is refused.

The one place that knows how a field can be wrong. Source: offline.md §8.
"""

from typing import Final

from wallet_cli.offline.canonical_cbor import UINT_MAX, DecodedCbor, encode
from wallet_cli.offline.errors import FieldNotValid, MissingField, UnknownField
from wallet_cli.offline.messages import NAME_BYTES_MAX, Extensions

EXTENSION_KEY_MIN: Final = 64
"""First key that a later version may add without being refused by this one."""


class Fields:
    """The entries of a map, or the members of an array, that are not read yet."""

    __slots__ = ("_items", "_kind", "_place")

    def __init__(self, kind: str, items: dict[int, DecodedCbor], place: str = "") -> None:
        self._kind = kind
        self._items = items
        self._place = place

    def has(self, key: int) -> bool:
        """Tell whether the field is there and not read yet."""
        return key in self._items

    def uint(self, key: int, *, minimum: int = 0, maximum: int = UINT_MAX) -> int:
        """Return an integer within its bounds, both included. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, int):
            raise self.wrong(key, "not an unsigned integer")
        if not minimum <= found <= maximum:
            raise self.wrong(key, f"{found}, must be {minimum} to {maximum}")
        return found

    def fixed(self, key: int, *lengths: int) -> bytes:
        """Return a byte string of one of `lengths`. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, bytes):
            raise self.wrong(key, "not a byte string")
        if len(found) not in lengths:
            raise self.wrong(key, f"{len(found)} bytes, must be {' or '.join(map(str, lengths))}")
        return found

    def pieces(self, key: int, *, piece_bytes: int, minimum: int, maximum: int) -> tuple[bytes, ...]:
        """Return a byte string cut into pieces of one length. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, bytes):
            raise self.wrong(key, "not a byte string")
        count, surplus = divmod(len(found), piece_bytes)
        if surplus or not minimum <= count <= maximum:
            raise self.wrong(key, f"{len(found)} bytes, must be {minimum} to {maximum} times {piece_bytes}")
        return tuple(found[at : at + piece_bytes] for at in range(0, len(found), piece_bytes))

    def name(self, key: int) -> str:
        """Return a text of 1 to 32 bytes that a screen can show. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, str):
            raise self.wrong(key, "not a text")
        if not 1 <= len(found.encode()) <= NAME_BYTES_MAX:
            raise self.wrong(key, f"{len(found.encode())} bytes, must be 1 to {NAME_BYTES_MAX}")
        if not found.isprintable() or found != found.strip():
            raise self.wrong(key, "has marks that no screen shows, or spaces around it")
        return found

    def map(self, key: int) -> "Fields":
        """Return the fields of a map. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, dict):
            raise self.wrong(key, "not a map")
        return Fields(self._kind, found, f"{self._named(key)}.")

    def array(self, key: int, *, minimum: int, maximum: int) -> "Fields":
        """Return the members of an array under the keys 0, 1, 2, … Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, list):
            raise self.wrong(key, "not an array")
        if not minimum <= len(found) <= maximum:
            raise self.wrong(key, f"{len(found)} members, must be {minimum} to {maximum}")
        return Fields(self._kind, dict(enumerate(found)), f"{self._named(key)}.")

    def left(self) -> tuple[int, ...]:
        """Return the keys that are not read yet, ascending."""
        return tuple(self._items)

    def raw(self, key: int) -> bytes:
        """Return a byte string of any length. Raises: MissingField, FieldNotValid."""
        found = self._take(key)
        if not isinstance(found, bytes):
            raise self.wrong(key, "not a byte string")
        return found

    def finish(self) -> None:
        """Check that every field was read: inside a map no version may add any. Raises: UnknownField."""
        for key in self._items:
            raise UnknownField(self._kind, self._named(key))

    def finish_message(self) -> Extensions:
        """Return the fields of later versions, encoded. Raises: UnknownField if one is of this version's range."""
        for key in self._items:
            if key < EXTENSION_KEY_MIN:
                raise UnknownField(self._kind, self._named(key))
        return tuple((key, encode(value)) for key, value in self._items.items())

    def wrong(self, key: int, detail: str) -> FieldNotValid:
        """Return the error for a field, to be raised."""
        return FieldNotValid(self._kind, self._named(key), detail)

    def _take(self, key: int) -> DecodedCbor:
        if key not in self._items:
            raise MissingField(self._kind, self._named(key))
        return self._items.pop(key)

    def _named(self, key: int) -> str:
        return f"{self._place}{key}"

"""Parameters of a request, read strictly into types. Nothing behind this module sees JSON that a client wrote."""

import re
from collections.abc import Mapping, Sequence

from consensus.primitives.scalars import Address, Hash32
from node.rpc.errors import InvalidParameter

UINT64_MAX = 2**64 - 1
UINT256_MAX = 2**256 - 1

HASHES_MAX = 1_000
"""Addresses, topics or slots in one list: what one block filter of a large bank names, and 1 ms to read."""

_QUANTITY = re.compile(r"0x(?:0|[1-9a-fA-F][0-9a-fA-F]*)")
_HEX_DIGITS = re.compile(r"[0-9a-fA-F]*")


def optional(parameters: Sequence[object], index: int) -> object | None:
    """Return a parameter, or None if it is absent or null, which is the same."""
    return parameters[index] if index < len(parameters) else None


def read_data(value: object, name: str) -> bytes:
    """Return bytes written as 0x and an even number of hex digits.

    Raises: InvalidParameter.
    """
    if isinstance(value, str) and value.startswith("0x"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = None
        # fromhex skips spaces, so equal lengths show that there were none.
        if data is not None and 2 * len(data) + 2 == len(value):
            return data
    raise InvalidParameter(name, expected="0x and an even number of hex digits", actual=value)


def read_quantity(value: object, name: str, maximum: int = UINT64_MAX) -> int:
    """Return an integer written as 0x and hex digits without leading zeros.

    Raises: InvalidParameter if it is written otherwise or is above `maximum`.
    """
    if isinstance(value, str) and len(value) <= 66 and _QUANTITY.fullmatch(value):
        number = int(value, 16)
        if number <= maximum:
            return number
        raise InvalidParameter(name, expected=f"at most {hex(maximum)}", actual=value)
    raise InvalidParameter(name, expected="a quantity: 0x and hex digits without leading zeros", actual=value)


def read_count(value: object, name: str, maximum: int) -> int:
    """Return an integer written as a quantity or as a JSON number; clients do both for counts and durations.

    Raises: InvalidParameter.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= maximum:
            return value
        raise InvalidParameter(name, expected=f"between 0 and {maximum}", actual=value)
    return read_quantity(value, name, maximum)


def read_hash(value: object, name: str) -> Hash32:
    """Return 32 bytes.

    Raises: InvalidParameter.
    """
    if isinstance(value, str) and len(value) == 66:
        return Hash32(read_data(value, name))
    raise InvalidParameter(name, expected="32 bytes in hex", actual=value)


def read_address(value: object, name: str) -> Address:
    """Return 20 bytes; upper and lower case are alike.

    Raises: InvalidParameter.
    """
    if isinstance(value, str) and len(value) == 42:
        return Address(read_data(value, name))
    raise InvalidParameter(name, expected="20 bytes in hex", actual=value)


def read_slot(value: object, name: str) -> int:
    """Return a storage slot, written as a quantity or as up to 32 bytes with leading zeros.

    Raises: InvalidParameter.
    """
    if isinstance(value, str) and value.startswith("0x") and 3 <= len(value) <= 66 and _HEX_DIGITS.fullmatch(value, 2):
        return int(value, 16)
    raise InvalidParameter(name, expected="0x and 1 to 64 hex digits", actual=value)


def read_bool(value: object, name: str) -> bool:
    """Return a boolean.

    Raises: InvalidParameter.
    """
    if isinstance(value, bool):
        return value
    raise InvalidParameter(name, expected="true or false", actual=value)


def read_sequence(value: object, name: str, length_max: int = HASHES_MAX) -> Sequence[object]:
    """Return a list of at most `length_max` items.

    Raises: InvalidParameter.
    """
    if not isinstance(value, list):
        raise InvalidParameter(name, expected="a list", actual=value)
    if len(value) > length_max:
        raise InvalidParameter(name, expected=f"a list of at most {length_max}", actual=value)
    return value


def read_object(value: object, name: str, members: frozenset[str]) -> Mapping[str, object]:
    """Return an object all of whose members are among `members`; those that are null are left out.

    Raises: InvalidParameter, naming the unknown member.
    """
    if not isinstance(value, dict):
        raise InvalidParameter(name, expected="an object", actual=value)
    for key in value:
        if key not in members:
            raise InvalidParameter(name, expected=f"an object with members of {sorted(members)}", actual=key)
    return {key: member for key, member in value.items() if member is not None}

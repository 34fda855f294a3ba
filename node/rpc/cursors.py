"""Cursors: where a list goes on. A place in the final chain, so none ever goes stale; clients only hand it back."""

from node.rpc.errors import InvalidParameter
from node.rpc.parameters import read_count, read_data

PAGE_ENTRIES = 1_000
"""Entries in one answer unless another number is asked for: about 0.5 MB."""

_PLACE_BYTES = 12


def place_cursor(height: int, index: int) -> str:
    """Return the cursor that goes on at entry `index` of the block at `height`."""
    return f"0x{height:016x}{index:08x}"


def read_place_cursor(value: object) -> tuple[int, int]:
    """Return height and index in a cursor.

    Raises: InvalidParameter.
    """
    data = read_data(value, "cursor")
    if len(data) != _PLACE_BYTES:
        raise InvalidParameter("cursor", expected="nextCursor of an earlier answer", actual=value)
    return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")


def read_limit(value: object | None, maximum: int) -> int:
    """Return how many entries an answer may have: 1 to `maximum`, by default a page.

    Raises: InvalidParameter.
    """
    limit = min(PAGE_ENTRIES, maximum) if value is None else read_count(value, "limit", maximum)
    if limit == 0:
        raise InvalidParameter("limit", expected=f"between 1 and {maximum}", actual=value)
    return limit

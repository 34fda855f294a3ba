"""JSON from files that people write or restore: read by the standard reader, nested no deeper than a bound.

The reader of the standard library recurses in C as deep as the interpreter's limit lets it, and libraries raise that
limit past what the stack holds: then nested brackets end the process instead of raising.
"""

import json
import re
from typing import Any

JSON_DEPTH_MAX = 64
"""Deepest nesting read. A genesis document needs 4; twice this would still be safe, half would do as well."""

_STRING_OR_BRACKET = re.compile(rb'(?s)"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]')


class JsonTooDeep(ValueError):
    """Lists and objects nested deeper than any file of this software."""

    def __init__(self, depth_max: int) -> None:
        self.depth_max = depth_max
        super().__init__(f"lists and objects are nested deeper than {depth_max}")


def parse_json(text: bytes) -> Any:
    """Return the JSON value in `text`, UTF-8. Any: the caller checks every type it relies on.

    Raises: ValueError if it is none, JsonTooDeep if it is nested deeper than JSON_DEPTH_MAX.
    """
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found.group()
        if mark in (b"[", b"{"):
            depth += 1
            if depth > JSON_DEPTH_MAX:
                raise JsonTooDeep(JSON_DEPTH_MAX)
        elif mark in (b"]", b"}"):
            depth -= 1
    # Other encodings, which the reader would guess from the first bytes, would hide brackets from the count.
    return json.loads(text.decode())

"""JSON is read to a depth, and not an opening bracket further."""

import json

import pytest

from consensus.primitives.json_text import JSON_DEPTH_MAX, JsonTooDeep, parse_json


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def test_deepest_nesting_is_read_and_one_more_is_not() -> None:
    assert json.dumps(parse_json(nested(JSON_DEPTH_MAX))).encode() == nested(JSON_DEPTH_MAX)
    with pytest.raises(JsonTooDeep, match="deeper than 64"):
        parse_json(nested(JSON_DEPTH_MAX + 1))


HOSTILE = {
    "arrays": b"[" * 10**6,
    "objects": b'{"a":' * 10**6,
    "behind a string": b'"\\"' + b"[" * 10**6 + b'"' + b"[" * 65,
    "closing only": b"]" * 99,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_nesting_is_refused_whatever_stands_around_it(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


@pytest.mark.parametrize("text", ["[" * 100, '"]', "\\" * 99, '\\"[' * 99, "é"])
def test_brackets_in_strings_count_for_nothing(text: str) -> None:
    value = {text: [text, {"a": text}]}
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 300_000, '"\\' * 300_000, '"' * 300_001], ids=["quotes", "escapes", "ends"]
)
def test_strings_without_end_are_refused_in_linear_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text.encode())


def test_other_encodings_than_utf_8_are_refused() -> None:
    with pytest.raises(ValueError):
        parse_json("[1]".encode("utf-16"))

"""JSON a stranger wrote: counted before it is read, and never collected meanwhile."""

import gc

import orjson
import pytest

from node.rpc.errors import InvalidJson, TooManyValues
from node.rpc.json_text import UNCOUNTED_BYTES, VALUES_MAX, read_json


def test_as_many_values_as_allowed_are_read_and_one_more_is_not() -> None:
    fits = b"[" + b",".join([b"1"] * VALUES_MAX) + b"]"
    read = read_json(fits)
    assert isinstance(read, list)
    assert len(read) == VALUES_MAX
    with pytest.raises(TooManyValues) as refused:
        read_json(b"[" + fits + b"]")
    assert refused.value.limit == VALUES_MAX


def test_long_text_is_one_value() -> None:
    text = "x" * (2 * UNCOUNTED_BYTES)
    assert read_json(f'["{text}"]'.encode()) == [text]


@pytest.mark.parametrize("body", [b"[1]", b"[", b"[" * 200_000, b"[" + b"[]," * 200_000])
def test_collector_is_on_again_whatever_came(body: bytes) -> None:
    try:
        read_json(body)
    except (InvalidJson, TooManyValues):
        pass
    assert gc.isenabled()


def test_nothing_is_collected_while_a_body_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def loads(body: bytes) -> object:
        seen.append(gc.isenabled())
        return None

    monkeypatch.setattr(orjson, "loads", loads)
    read_json(b"[]")
    assert seen == [False]

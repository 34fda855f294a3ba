"""Answers are put in the order of the calls; whatever is not an answer to each call is no answer at all."""

import pytest

from node.cli.json_rpc import EndpointDown, Failure, Success, as_int, as_list, as_object, decode_answers


def test_answers_come_back_in_the_order_of_the_calls() -> None:
    text = b'[{"id":1,"result":"b"},{"id":0,"result":null}]'

    assert decode_answers("u", text, 2) == [Success(None), Success("b")]


def test_an_error_is_a_value_with_its_reason() -> None:
    text = b'[{"id":0,"error":{"code":-32003,"message":"suspended","data":{"reason":"suspended"}}}]'

    assert decode_answers("u", text, 1) == [Failure(-32003, "suspended", "suspended")]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b'[{"id":0,"result":1}]',
        b'[{"id":0,"result":1},{"id":0,"result":2}]',
        b'[{"id":0,"result":1},{"id":7,"result":2}]',
        b'{"id":null,"error":{"code":-32600,"message":"too long"}}',
        b'"text"',
        b"7",
    ],
)
def test_anything_else_means_the_outcome_is_unknown(text: bytes) -> None:
    with pytest.raises(EndpointDown):
        decode_answers("u", text, 2)


def test_values_of_the_wrong_kind_are_refused() -> None:
    assert as_int("0x1f") == 31
    with pytest.raises(ValueError, match="quantity"):
        as_int(31)
    with pytest.raises(ValueError, match="object"):
        as_object([])
    with pytest.raises(ValueError, match="array"):
        as_list({})

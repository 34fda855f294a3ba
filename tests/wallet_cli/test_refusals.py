"""Every named error that has advice gives it with its values; times are read in one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.abi import AbiValue
from contracts.declarations import ErrorDeclaration, encode_error
from contracts.decoding import known_errors
from contracts.native import errors
from wallet_cli.errors import UsageRefused
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.refusals import _ADVICE, advice_for, failed_row

NOW_MS = 1_764_547_200_999
"""2025-12-01T00:00:00.999Z."""


def values_of(error: ErrorDeclaration) -> list[AbiValue]:
    shapes: dict[str, AbiValue] = {"address": b"\x11" * 20, "bytes32": b"\x22" * 32}
    return [shapes.get(parameter.type.canonical, 7) for parameter in error.parameters]


@pytest.mark.parametrize("name", sorted(_ADVICE))
def test_advice_is_about_an_error_of_the_ledger_and_fills_in_its_values(name: str) -> None:
    [declared] = [error for error in known_errors() if error.name == name]
    advice = advice_for(encode_error(declared, *values_of(declared)))
    assert advice is not None
    assert "{" not in advice.why + advice.next_step


def test_unknown_errors_have_no_advice() -> None:
    assert advice_for(b"") is None
    assert advice_for(b"\xde\xad\xbe\xef") is None
    assert advice_for(encode_error(errors.TOO_MANY_ROWS, 501, 500)) is None


def test_failed_row_is_read_with_its_own_reason() -> None:
    inner = encode_error(errors.ZERO_AMOUNT)
    assert failed_row(encode_error(errors.TRANSFER_ROW_FAILED, 17, inner)) == (17, inner)
    assert failed_row(inner) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1_764_547_201),
        ("90min", 1_764_552_600),
        ("36h", 1_764_676_800),
        ("7d", 1_765_152_000),
        ("2w", 1_765_756_800),
        ("2025-12-01", 1_764_547_200),
        ("2025-12-01T12:00", 1_764_590_400),
        ("2025-12-01 12:00:05Z", 1_764_590_405),
    ],
)
def test_durations_and_instants_are_read(text: str, seconds: int) -> None:
    assert parse_instant(text, NOW_MS) == seconds


@pytest.mark.parametrize("text", ["", "7", "0d", "-1h", "1m", "1.5h", "tomorrow", "2025-02-30", "2025-12-01T25:00"])
def test_other_words_are_no_time(text: str) -> None:
    with pytest.raises(UsageRefused, match="neither a duration nor a time"):
        parse_instant(text, NOW_MS)


@given(st.integers(0, 2**64 - 1))
def test_every_instant_of_the_ledger_can_be_shown(seconds: int) -> None:
    text = instant_text(seconds)
    assert text == f"second {seconds}" or parse_instant(text.removesuffix(" UTC"), NOW_MS) == seconds

"""Of a row that is not beyond doubt nothing is sent, and the person is told its line and why."""

from importlib.resources import files
from pathlib import Path

import pytest

from node.cli.bic import is_bic
from node.cli.payments_file import (
    AMOUNT_MINOR_MAX,
    BadRow,
    PaymentsFile,
    UnreadablePayments,
    encode_memo,
    load_banks,
    load_payments,
    parse_payments,
)

HEADING = "reference,payer_bic,payee_bic,amount_minor\n"
GOOD = "R1,ZYECHKH0,ZYETSGS0,100\n"


def parse(rows: str, *, banks: frozenset[str] | None = None) -> PaymentsFile:
    return parse_payments(HEADING + rows, path=Path("payments.csv"), banks=banks)


def test_the_shipped_file_has_five_thousand_payments_between_four_banks() -> None:
    file = load_payments(Path(str(files("node.cli") / "data" / "interbank_payments_5000.csv")))

    assert len(file.payments) == 5_000
    assert file.bad_rows == ()
    assert file.banks == ("ZYECHKH0", "ZYETSGS0", "ZYEUSGS0", "ZYFISGS0")
    assert file.total_minor == sum(file.paid_by().values()) == 32_510_000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("R2,ZYECHKH0\n", "short line: 2 fields, expected 4"),
        ("R2,ZYECHKH0,ZYETSGS0,1,2\n", "long line: 5 fields, expected 4"),
        ("R2,NOSUCHBANK,ZYETSGS0,1\n", "unknown bank 'NOSUCHBANK' as payer"),
        ("R2,ZYECHKH0,XXXXXXXX,1\n", "unknown bank 'XXXXXXXX' as payee"),
        ("R2,ZYECHKH0,zyetsgs0,1\n", "unknown bank 'zyetsgs0' as payee"),
        ("R2,ZYECHKH0,ZYETSGS0,-1\n", "negative amount -1"),
        ("R2,ZYECHKH0,ZYETSGS0,-0.5\n", "negative amount -0.5"),
        ("R2,ZYECHKH0,ZYETSGS0,1.5\n", "fractional amount 1.5: write minor units, for instance cents"),
        ("R2,ZYECHKH0,ZYETSGS0,1e3\n", "amount '1e3' is not a whole number of minor units"),
        ("R2,ZYECHKH0,ZYETSGS0,\n", "amount '' is not a whole number of minor units"),
        ("R2,ZYECHKH0,ZYETSGS0,٣\n", "amount '٣' is not a whole number of minor units"),
        (",ZYECHKH0,ZYETSGS0,1\n", "no reference"),
        ("R1,ZYECHKH0,ZYETSGS0,100\n", "duplicate reference R1, first on line 2"),
        ("R" * 33 + ",ZYECHKH0,ZYETSGS0,1\n", "reference has 33 bytes, at most 32"),
        ('R2,"ZYECHKH0,ZYETSGS0,1\n', "not a CSV line: unexpected end of data"),
        (
            f"R2,ZYECHKH0,ZYETSGS0,{AMOUNT_MINOR_MAX + 1}\n",
            f"amount {AMOUNT_MINOR_MAX + 1} is above {AMOUNT_MINOR_MAX}",
        ),
    ],
)
def test_a_bad_row_is_named_by_line_and_the_rows_around_it_are_sent(row: str, reason: str) -> None:
    file = parse(GOOD + row + "R3,ZYECHKH0,ZYETSGS0,7\n")

    assert file.bad_rows == (BadRow(line=3, reason=reason),)
    assert [payment.reference for payment in file.payments] == ["R1", "R3"]
    assert [payment.line for payment in file.payments] == [2, 4]


@pytest.mark.parametrize(
    "row",
    [
        "R" * 32 + ",ZYECHKH0,ZYETSGS0,1",
        f"R2,ZYECHKH0,ZYETSGS0,{AMOUNT_MINOR_MAX}",
        "R2,ZYECHKH0,ZYETSGS0,0",
        "R2,ZYECHKH0,ZYECHKH0,5",
        " R2 , ZYECHKH0 ,ZYETSGS0, 5 ",
        '"R,2",ZYECHKH0,ZYETSGS0,5',
        "R2,ZYECHKH0XXX,ZYETSGS0,5",
    ],
)
def test_a_row_at_the_limits_is_sent(row: str) -> None:
    assert parse(row).bad_rows == ()
    assert len(parse(row + "\r\n\r\n").payments) == 1


def test_a_duplicate_of_a_bad_row_is_no_duplicate() -> None:
    file = parse("R1,ZYECHKH0,ZYETSGS0,-1\n" + GOOD)

    assert [payment.line for payment in file.payments] == [3]


def test_with_a_list_of_banks_only_those_exist() -> None:
    assert parse(GOOD, banks=frozenset({"ZYECHKH0", "ZYETSGS0"})).bad_rows == ()
    assert parse(GOOD, banks=frozenset({"ZYECHKH0"})).bad_rows == (BadRow(2, "unknown bank 'ZYETSGS0' as payee"),)


def test_a_list_of_banks_is_the_first_column_with_or_without_heading(tmp_path: Path) -> None:
    path = tmp_path / "banks.csv"
    path.write_text("bic,opening_position_minor\nZYECHKH0,5\n\nZYETSGS0,6\n")
    assert load_banks(path) == {"ZYECHKH0", "ZYETSGS0"}

    path.write_text("ZYECHKH0\nnot a bank\n")
    with pytest.raises(UnreadablePayments, match="line 2: 'not a bank'"):
        load_banks(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"ref,from,to,amount\n", "its first line is"),
        (HEADING.encode() + b"\xff", "byte 43 is not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "payments.csv"
    path.write_bytes(content)

    with pytest.raises(UnreadablePayments) as caught:
        load_payments(path)
    assert caught.value.reason.startswith(reason)


def test_a_byte_order_mark_is_not_part_of_the_heading(tmp_path: Path) -> None:
    path = tmp_path / "payments.csv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADING + GOOD).encode())

    assert len(load_payments(path).payments) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ZYECHKH0", True),
        ("ZYECHKH0XXX", True),
        ("ZYECXXH0", False),
        ("ZYECHKH", False),
        ("ZYECHKH0XX", False),
        ("ZYECHKH0\n", False),
        ("ZYÈCHKH0", False),
        ("", False),
    ],
)
def test_a_bic_has_eight_or_eleven_characters_and_a_country(text: str, expected: bool) -> None:
    assert is_bic(text) is expected


def test_a_reference_fills_the_memo_from_the_left() -> None:
    assert encode_memo("R1") == b"R1" + bytes(30)
    assert len(encode_memo("R" * 32)) == 32

"""Files of many payments: read whole and checked row by row before anything is sent; and the report of what was paid.

A row says whom, how much, and what for. Every bad row is named with its line; one bad row, and nothing is paid.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.scalars import Address
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, format_units, parse_amount
from wallet_cli.errors import UsageRefused
from wallet_cli.files import write_private
from wallet_cli.memos import EMPTY_MEMO, encode_memo, memo_text
from wallet_cli.moments import instant_text
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session
from wallet_cli.verified import FinalTransaction

ROWS_MAX: Final = 100_000
"""Payments in one file: twenty seconds of a network's time. More are several files."""
FILE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Longest file read: a hundred thousand rows have about half of that."""
ERRORS_SHOWN: Final = 50
"""Bad rows named at once: a screen or two; whoever has more has the wrong file."""

COLUMNS: Final = ("to", "amount", "currency", "memo")
_NEEDED: Final = ("to", "amount")
_REPORT_COLUMNS: Final = (
    "line",
    "to",
    "address",
    "amount",
    "currency",
    "memo",
    "status",
    "transaction",
    "height",
    "time",
)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One payment of a file, understood."""

    line: int
    """Where it ends in the file, from 1; the first is the header."""
    written: str
    """Whom, as the file says it."""
    recipient: Address
    has_checksum: bool
    """Or is known by name."""
    money: Amount
    memo: bytes
    """32 bytes; zeros for none."""


def read_batch(session: Session, path: Path, currencies: Sequence[Currency]) -> list[BatchRow]:
    """Return the payments of a CSV file (RFC 4180, UTF-8, a header of `to,amount` and perhaps `currency,memo`).

    Raises: UsageRefused naming every bad row, or what is wrong with the file.
    """
    reader = csv.DictReader(io.StringIO(_text_of(path), newline=""), strict=True)
    rows: list[BatchRow] = []
    bad: list[str] = []
    try:
        _validate_header(path, reader.fieldnames)
        for fields in reader:
            if len(rows) + len(bad) >= ROWS_MAX:
                raise _refused(path, f"it has more than {ROWS_MAX} rows", "split it into several files")
            try:
                rows.append(_row(session, reader.line_num, fields, currencies))
            except UsageRefused as error:
                bad.append(f"line {reader.line_num}: {error.message}")
    except csv.Error as error:
        raise _refused(path, f"line {reader.line_num} is no CSV: {error}", "correct the line") from error
    if bad:
        for text in bad[:ERRORS_SHOWN]:
            session.output.say(text)
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        raise UsageRefused(
            f"{len(bad)} of {len(bad) + len(rows)} rows of {path} cannot be paid: {bad[0]}{more}",
            why="a file is paid as a whole or not at all",
            next_step="correct the rows named and repeat the command",
            code="BATCH_ROWS_INVALID",
        )
    if not rows:
        raise _refused(path, "it has no rows", "add a row for each payment")
    return rows


class BatchReport:
    """A CSV file beside the one that is paid: every row with what became of it. Whole on disk after every `save`."""

    __slots__ = ("_beginnings", "_endings", "_path", "_places")

    def __init__(self, path: Path, rows: Sequence[BatchRow]) -> None:
        self._path = path
        self._places = {row.line: place for place, row in enumerate(rows)}
        # What a row is never changes: written once, it costs a thousandth of writing a hundred thousand rows anew.
        self._beginnings = [_beginning(row) for row in rows]
        self._endings = [",unpaid,,,"] * len(rows)

    def note_paid(self, rows: Sequence[BatchRow], found: FinalTransaction) -> None:
        """Note that a proven transaction paid these rows."""
        header = found.final.header
        when = instant_text(header.timestamp_ms // 1_000)
        ending = f",paid,0x{found.transaction.hash.hex()},{header.height},{when}"
        for row in rows:
            self._endings[self._places[row.line]] = ending

    def save(self) -> None:
        """Replace the file on disk. Raises: UsageRefused if it cannot be written."""
        lines = [",".join(_REPORT_COLUMNS), *map(str.__add__, self._beginnings, self._endings), ""]
        try:
            write_private(self._path, "\r\n".join(lines).encode())
        except OSError as error:
            raise UsageRefused(
                f"the report {self._path} cannot be written: {error.strerror}",
                why="without it nobody could say which rows are paid",
                next_step="repeat the command with --report PATH",
                code="REPORT_UNWRITABLE",
            ) from error


def _beginning(row: BatchRow) -> str:
    """Return the cells of a row that are known before it is paid."""
    stream = io.StringIO()
    memo = "" if row.memo == EMPTY_MEMO else memo_text(row.memo)
    amount = format_units(row.money.units, row.money.currency.decimals)
    cells = (row.line, row.written, checksum_address(row.recipient), amount, row.money.currency.code, memo)
    csv.writer(stream, lineterminator="").writerow(cells)
    return stream.getvalue()


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise _refused(path, f"it is longer than {FILE_BYTES_MAX} bytes", "split it into several files")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _refused(path, f"it cannot be read: {error.strerror}", "check the name") from error
    except UnicodeDecodeError as error:
        raise _refused(path, f"byte {error.start} is not UTF-8", "save it as CSV in UTF-8") from error


def _validate_header(path: Path, names: Sequence[str] | None) -> None:
    found = list(names or ())
    if len(set(found)) != len(found) or not set(_NEEDED) <= set(found) <= set(COLUMNS):
        written = ",".join(found)[:80]
        raise _refused(
            path,
            f"its first line is {written!r}, not names of columns",
            f"begin it with: {','.join(COLUMNS)} (the last two may be left out)",
        )


def _row(session: Session, line: int, fields: dict[str, str], currencies: Sequence[Currency]) -> BatchRow:
    """Understand one row. Raises: UsageRefused."""
    # More cells than names are under None, fewer are None themselves.
    if None in fields or None in fields.values():
        raise UsageRefused(
            "it has more or fewer cells than the first line",
            why="a cell in the wrong column pays the wrong thing",
            next_step="put text with commas in quotes",
        )
    written = fields["to"].strip()
    _, recipient, has_checksum = session.resolve(written)
    validate_recipient(recipient)
    money = parse_amount(fields["amount"].strip(), currencies, code=fields.get("currency", "").strip() or None)
    if not money.units:
        raise UsageRefused(
            f"{fields['amount'].strip()!r} is nothing", why="nothing can be paid", next_step="leave the row out"
        )
    return BatchRow(line, written, recipient, has_checksum, money, encode_memo(fields.get("memo", "").strip()))


def _refused(path: Path, detail: str, next_step: str) -> UsageRefused:
    return UsageRefused(
        f"{path} is no file of payments: {detail}",
        why="nothing is paid from a file that is not understood completely",
        next_step=next_step,
        code="BATCH_FILE_INVALID",
    )

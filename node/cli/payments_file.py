"""Read a bank's payments file. A row that is not beyond doubt is reported by its line and never sent.

The file is CSV in UTF-8 with the first line `reference,payer_bic,payee_bic,amount_minor`. Opens no connection.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.cli.bic import is_bic
from node.cli.errors import CommandError

COLUMNS = ("reference", "payer_bic", "payee_bic", "amount_minor")
FILE_BYTES_MAX = 64 * 1024 * 1024
"""Longest file read; a million payments are about 40 MB."""
REFERENCE_BYTES_MAX = 32
"""A reference travels as the payment's memo, one 32-byte word."""
AMOUNT_MINOR_MAX = 10**18
"""Largest single payment: ten thousand million million in a currency with two decimals; a million such rows stay far
below the 2^128 of the ledger."""


class UnreadablePayments(CommandError):
    """The file as a whole cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"cannot use payments file {path}: {reason}")


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment instruction beyond doubt."""

    line: int
    """Line of the file, from 1."""
    reference: str
    """End-to-end reference, unique in the file; at most 32 bytes of UTF-8."""
    payer: str
    """BIC."""
    payee: str
    """BIC."""
    amount_minor: int

    @property
    def memo(self) -> bytes:
        """The reference as the ledger carries it: 32 bytes, filled with zeros at the end."""
        return encode_memo(self.reference)


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row of which nothing is sent."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentsFile:
    """A file, split into what is sent and what is not."""

    payments: tuple[Payment, ...]
    bad_rows: tuple[BadRow, ...]

    @property
    def banks(self) -> tuple[str, ...]:
        """Every bank that pays or is paid, in alphabetical order."""
        return tuple(sorted({bank for payment in self.payments for bank in (payment.payer, payment.payee)}))

    @property
    def total_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)

    def paid_by(self) -> dict[str, int]:
        """Return what each bank pays in all, in minor units."""
        paid = dict.fromkeys(self.banks, 0)
        for payment in self.payments:
            paid[payment.payer] += payment.amount_minor
        return paid


def encode_memo(reference: str) -> bytes:
    """Return `reference` (at most 32 bytes of UTF-8) as a memo."""
    encoded = reference.encode()
    assert len(encoded) <= REFERENCE_BYTES_MAX
    return encoded.ljust(REFERENCE_BYTES_MAX, b"\x00")


def load_payments(path: Path, *, banks: frozenset[str] | None = None) -> PaymentsFile:
    """Read the file at `path`; `banks` are the BICs that exist, None accepts every well-formed one.

    Raises: UnreadablePayments.
    """
    return parse_payments(_read_text(path), path=path, banks=banks)


def parse_payments(text: str, *, path: Path, banks: frozenset[str] | None = None) -> PaymentsFile:
    """Split the rows of `text` into payments and bad rows; `path` is only named in errors.

    Raises: UnreadablePayments when the first line is not the expected one.
    """
    payments: list[Payment] = []
    bad_rows: list[BadRow] = []
    lines_by_reference: dict[str, int] = {}
    for line, row in _numbered(text, path):
        found = BadRow(line, row) if isinstance(row, str) else _check_row(line, row, banks, lines_by_reference)
        if isinstance(found, Payment):
            payments.append(found)
        else:
            bad_rows.append(found)
    return PaymentsFile(payments=tuple(payments), bad_rows=tuple(bad_rows))


def load_banks(path: Path) -> frozenset[str]:
    """Return the BICs in the first column of the CSV file at `path`; a heading `bic` is passed over.

    Raises: UnreadablePayments when a line holds something else.
    """
    banks: set[str] = set()
    try:
        rows = list(csv.reader(_read_text(path).splitlines()))
    except csv.Error as error:
        raise UnreadablePayments(path, f"not a CSV file: {error}") from error
    for line, row in enumerate(rows, start=1):
        name = row[0].strip() if row else ""
        if not name or (line == 1 and name.lower() == "bic"):
            continue
        if not is_bic(name):
            raise UnreadablePayments(path, f"line {line}: {name!r} is not a bank identifier")
        banks.add(name)
    return frozenset(banks)


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UnreadablePayments(path, f"{path.stat().st_size} bytes, at most {FILE_BYTES_MAX}")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadablePayments(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UnreadablePayments(path, f"byte {error.start} is not UTF-8") from error


def _numbered(text: str, path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """Yield line number and cells of each line after the heading, or instead of cells why it has none.

    Lines are split first, so that a stray quote spoils one payment and not the rest of the file.
    """
    lines = text.split("\n")
    if not text.strip():
        raise UnreadablePayments(path, f"it is empty; its first line should be {','.join(COLUMNS)!r}")
    heading = lines[0].rstrip("\r")
    if tuple(cell.strip() for cell in heading.split(",")) != COLUMNS:
        raise UnreadablePayments(path, f"its first line is {heading[:80]!r}, expected {','.join(COLUMNS)!r}")
    for number, content in enumerate(lines[1:], start=2):
        if content.strip():
            try:
                yield number, next(csv.reader([content.rstrip("\r")], strict=True))
            except (csv.Error, StopIteration) as error:
                yield number, f"not a CSV line: {error}"


def _check_row(
    line: int, row: list[str], banks: frozenset[str] | None, lines_by_reference: dict[str, int]
) -> Payment | BadRow:
    if len(row) != len(COLUMNS):
        length = "short" if len(row) < len(COLUMNS) else "long"
        return BadRow(line, f"{length} line: {len(row)} fields, expected {len(COLUMNS)}")
    reference, payer, payee, amount = (cell.strip() for cell in row)
    reason = _reference_fault(reference) or _bank_fault("payer", payer, banks) or _bank_fault("payee", payee, banks)
    reason = reason or _amount_fault(amount)
    if reason:
        return BadRow(line, reason)
    if reference in lines_by_reference:
        return BadRow(line, f"duplicate reference {reference}, first on line {lines_by_reference[reference]}")
    lines_by_reference[reference] = line
    return Payment(line=line, reference=reference, payer=payer, payee=payee, amount_minor=int(amount))


def _reference_fault(reference: str) -> str:
    if not reference:
        return "no reference"
    if not reference.isprintable():
        return f"reference {reference!r} has characters that cannot be printed"
    length = len(reference.encode())
    if length > REFERENCE_BYTES_MAX:
        return f"reference has {length} bytes, at most {REFERENCE_BYTES_MAX}"
    return ""


def _bank_fault(side: str, bank: str, banks: frozenset[str] | None) -> str:
    is_known = bank in banks if banks is not None else is_bic(bank)
    return "" if is_known else f"unknown bank {bank!r} as {side}"


def _amount_fault(amount: str) -> str:
    digits = amount.removeprefix("-")
    if amount.isascii() and amount.isdigit():
        # Length first: turning a million digits into a number takes seconds.
        if len(amount) > len(str(AMOUNT_MINOR_MAX)) or int(amount) > AMOUNT_MINOR_MAX:
            return f"amount {amount[:24]} is above {AMOUNT_MINOR_MAX}"
        return ""
    if not amount.isascii():
        return f"amount {amount[:24]!r} is not a whole number of minor units"
    if amount.startswith("-") and digits.replace(".", "", 1).isdigit():
        return f"negative amount {amount}"
    if amount.replace(".", "", 1).isdigit():
        return f"fractional amount {amount}: write minor units, for instance cents"
    return f"amount {amount[:24]!r} is not a whole number of minor units"

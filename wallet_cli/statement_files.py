"""A statement as a file: CSV for spreadsheets, JSON for programs, camt.053 for the books of a bank.

The same movements give the same bytes whoever writes them and when: no clock, no name of this wallet's contacts.
Source: ISO 20022 camt.053.001.08 (BankToCustomerStatement), the parts a ledger account has.
"""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree

from contracts.movements import OFFLINE_KINDS, REDEMPTION_KINDS, MovementKind
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import format_units
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.output import SCHEMA
from wallet_cli.statements import Movement, Statement

CAMT_NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
CAMT_REFERENCE_CHARACTERS: Final = 35
"""Longest identifier in ISO 20022 (Max35Text)."""

_COLUMNS: Final = (
    "time",
    "height",
    "log_index",
    "transaction",
    "kind",
    "reference",
    "counterparty",
    "memo",
    "change",
    "balance",
    "currency",
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell; memos come from strangers."""


def csv_file(statement: Statement) -> str:
    """Return a statement as CSV (RFC 4180): one row for each movement, amounts with their decimals."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(_COLUMNS)
    currency = statement.currency
    for movement in statement.movements:
        writer.writerow(
            (
                _instant(movement.timestamp_ms),
                movement.height,
                movement.log_index,
                f"0x{movement.transaction_hash.hex()}",
                movement.kind,
                movement.reference_text(),
                checksum_address(movement.counterparty(statement.account)),
                _harmless(_memo(movement)),
                _number(movement.change, currency.decimals),
                _number(movement.balance, currency.decimals),
                currency.code,
            )
        )
    return stream.getvalue()


def json_file(statement: Statement) -> str:
    """Return a statement as JSON: amounts as decimal strings with their minor units beside them."""
    return json.dumps({"schema": SCHEMA, **statement_record(statement)}, ensure_ascii=False, indent=1) + "\n"


def statement_record(statement: Statement) -> dict[str, object]:
    """Return a statement as `--json` shows it."""
    currency = statement.currency

    def amount(units: int) -> dict[str, str]:
        return {"amount": _number(units, currency.decimals), "units": str(units)}

    return {
        "account": checksum_address(statement.account),
        "currency": currency.code,
        "from_height": statement.height_first,
        "to_height": statement.height_last,
        "opening": amount(statement.opening),
        "opening_proven": statement.is_opening_proven,
        "closing": amount(statement.closing),
        "movements": [
            {
                "time": _instant(movement.timestamp_ms),
                "height": movement.height,
                "log_index": movement.log_index,
                "transaction": f"0x{movement.transaction_hash.hex()}",
                "kind": str(movement.kind),
                "reference": movement.reference_text(),
                "from": checksum_address(movement.sender),
                "to": checksum_address(movement.receiver),
                "memo": _memo(movement),
                "change": amount(movement.change),
                "balance": amount(movement.balance),
            }
            for movement in statement.movements
        ],
    }


def camt_file(statement: Statement) -> str:
    """Return a statement as camt.053: opening and closing booked balance, one entry for each movement."""
    root = ElementTree.Element("Document", xmlns=CAMT_NAMESPACE)
    message = ElementTree.SubElement(root, "BkToCstmrStmt")
    reference = _reference(statement)
    header = ElementTree.SubElement(message, "GrpHdr")
    _text(header, "MsgId", reference)
    _text(header, "CreDtTm", _instant(statement.closing_ms))
    body = ElementTree.SubElement(message, "Stmt")
    _text(body, "Id", reference)
    _text(body, "ElctrncSeqNb", str(statement.height_last))
    _text(body, "CreDtTm", _instant(statement.closing_ms))
    period = ElementTree.SubElement(body, "FrToDt")
    _text(period, "FrDtTm", _instant(statement.opening_ms))
    _text(period, "ToDtTm", _instant(statement.closing_ms))
    account = ElementTree.SubElement(body, "Acct")
    _other_id(account, checksum_address(statement.account))
    _text(account, "Ccy", _iso_code(statement.currency.code))
    _balance(body, "OPBD", statement.opening, statement.opening_ms, statement)
    _balance(body, "CLBD", statement.closing, statement.closing_ms, statement)
    for movement in statement.movements:
        _entry(body, movement, statement)
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


WRITERS: Final[dict[str, Callable[[Statement], str]]] = {"csv": csv_file, "json": json_file, "camt": camt_file}


def _entry(body: ElementTree.Element, movement: Movement, statement: Statement) -> None:
    entry = ElementTree.SubElement(body, "Ntry")
    # Unique in the chain: the place of the movement.
    _text(entry, "NtryRef", f"{movement.height}-{movement.log_index}")
    _amount(entry, movement.change, statement)
    status = ElementTree.SubElement(entry, "Sts")
    _text(status, "Cd", "BOOK")
    booked = ElementTree.SubElement(entry, "BookgDt")
    _text(booked, "DtTm", _instant(movement.timestamp_ms))
    code = ElementTree.SubElement(ElementTree.SubElement(entry, "BkTxCd"), "Prtry")
    _text(code, "Cd", movement.kind.upper())
    details = ElementTree.SubElement(ElementTree.SubElement(entry, "NtryDtls"), "TxDtls")
    references = ElementTree.SubElement(details, "Refs")
    # A hash has 64 digits and the element 35 characters: the whole of it stands in the proprietary reference.
    _text(references, "AcctSvcrRef", f"{movement.height}-{movement.log_index}")
    _text(references, "EndToEndId", _memo(movement)[:CAMT_REFERENCE_CHARACTERS] or "NOTPROVIDED")
    named = [("transaction", f"0x{movement.transaction_hash.hex()}")]
    if movement.reference is not None:
        named.append((_reference_name(movement.kind), movement.reference_text()))
    for name, value in named:
        proprietary = ElementTree.SubElement(references, "Prtry")
        _text(proprietary, "Tp", name)
        _text(proprietary, "Ref", value)
    parties = ElementTree.SubElement(details, "RltdPties")
    for name, address in (("DbtrAcct", movement.sender), ("CdtrAcct", movement.receiver)):
        _other_id(ElementTree.SubElement(parties, name), checksum_address(address))
    memo = _memo(movement)
    if memo:
        _text(ElementTree.SubElement(details, "RmtInf"), "Ustrd", memo)


def _reference_name(kind: MovementKind) -> str:
    if kind in OFFLINE_KINDS:
        return "offline lock"
    return "redemption" if kind in REDEMPTION_KINDS else "hold"


def _balance(body: ElementTree.Element, kind: str, units: int, at_ms: int, statement: Statement) -> None:
    balance = ElementTree.SubElement(body, "Bal")
    code = ElementTree.SubElement(ElementTree.SubElement(balance, "Tp"), "CdOrPrtry")
    _text(code, "Cd", kind)
    _amount(balance, units, statement)
    _text(ElementTree.SubElement(balance, "Dt"), "DtTm", _instant(at_ms))


def _amount(parent: ElementTree.Element, units: int, statement: Statement) -> None:
    currency = statement.currency
    amount = ElementTree.SubElement(parent, "Amt", Ccy=_iso_code(currency.code))
    amount.text = _number(abs(units), currency.decimals)
    _text(parent, "CdtDbtInd", "DBIT" if units < 0 else "CRDT")


def _other_id(parent: ElementTree.Element, identifier: str) -> None:
    holder = ElementTree.SubElement(parent, "Id")
    _text(ElementTree.SubElement(holder, "Othr"), "Id", identifier)


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _reference(statement: Statement) -> str:
    """Return the statement's number: account, currency and heights name it, and nothing else does."""
    place = f"{statement.account[:6].hex()}-{statement.currency.id}-{statement.height_first}-{statement.height_last}"
    assert len(place) <= CAMT_REFERENCE_CHARACTERS, "heights have at most eight digits for three years"
    return place


def _iso_code(code: str) -> str:
    """Return the three letters of ISO 4217; a bank's deposit token is kept in the currency it stands for."""
    return code[:3]


def _memo(movement: Movement) -> str:
    return "" if movement.memo == EMPTY_MEMO else memo_text(movement.memo)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _number(units: int, decimals: int) -> str:
    return format_units(units, decimals).replace("−", "-")


def _instant(timestamp_ms: int) -> str:
    """Return milliseconds as ISO 8601 in UTC."""
    seconds, milliseconds = divmod(timestamp_ms, 1_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{milliseconds:03}Z"

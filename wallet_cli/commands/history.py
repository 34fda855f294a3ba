"""`sycee history`: what moved an account's money, with memo and running balance; and the same as a file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from consensus.primitives.scalars import Address, Height
from contracts.movements import MovementKind
from wallet_cli.addresses import checksum_address, short_address
from wallet_cli.amounts import Currency, find_currency, format_units
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import ProofInvalid, UsageRefused
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.output import Proof
from wallet_cli.screens import kind_words
from wallet_cli.session import Session
from wallet_cli.statement_files import WRITERS, statement_record
from wallet_cli.statements import (
    Movement,
    Statement,
    height_at,
    prove_movements,
    read_statement,
    recent_height,
)
from wallet_cli.verified import Head

ROWS_SHOWN: Final = 20
"""Newest transactions looked at unless `--since` asks for more: one screen."""

_DAY: Final = click.DateTime(["%Y-%m-%d"])


@wallet_command(
    "history",
    needs=(Need.NETWORK,),
    examples=("sycee history", "sycee history bob --currency EUR --since 2026-11-01 --camt november.xml"),
)
@click.argument("account", required=False, default="")
@click.option("--currency", "code", metavar="CODE", help="Only this currency; a file needs one.")
@click.option("--since", type=_DAY, metavar="DAY", help="From the beginning of this UTC day (YYYY-MM-DD) on.")
@click.option("--all", "is_whole", is_flag=True, help="From genesis on, instead of the newest transactions.")
@click.option("--prove", "is_proven", is_flag=True, help="Prove the receipt of every movement, not only the balances.")
@click.option("--csv", type=click.Path(path_type=Path), metavar="FILE", help="Write CSV.")
@click.option("--camt", type=click.Path(path_type=Path), metavar="FILE", help="Write ISO 20022 camt.053 XML.")
@click.option("--json-file", "json_", type=click.Path(path_type=Path), metavar="FILE", help="Write JSON.")
def history(
    session: Session,
    account: str,
    code: str | None,
    since: datetime | None,
    is_whole: bool,
    is_proven: bool,
    csv: Path | None,
    camt: Path | None,
    json_: Path | None,
) -> None:
    """Show what moved the money of ACCOUNT: an account of this wallet, a contact or an address.

    The balances at both ends are proven, and every movement must lead from the one to the other.
    """
    name, address = _account(session, account)
    head = session.verifier.head()
    if head is None:
        raise ProofInvalid(
            "no endpoint proves what it says",
            why="a statement is only worth what its balances are",
            next_step="name a node that serves proofs: --rpc URL",
            code="PROOF_MISSING",
        )
    currencies = load_currencies(session, head)
    chosen = [find_currency(code, currencies)] if code else currencies
    files = {kind: path for kind, path in (("csv", csv), ("camt", camt), ("json", json_)) if path is not None}
    if files and len(chosen) != 1:
        raise UsageRefused(
            "a file holds one currency and this network has several",
            why=f"its currencies are: {', '.join(currency.code for currency in currencies)}",
            next_step="add --currency CODE",
            code="CURRENCY_NEEDED",
        )
    first = _first_height(session, head, address, since, is_whole=is_whole or bool(files and since is None))
    statements = []
    for currency in chosen:
        statement = read_statement(session, head, address, currency, first)
        if is_proven:
            prove_movements(session, head, statement)
        statements.append(statement)
    for kind, path in files.items():
        path.write_text(WRITERS[kind](statements[0]), encoding="utf-8", newline="")
        session.output.say(f"wrote {path}: {len(statements[0].movements)} movements")
    shown = statements if code else [entry for entry in statements if entry.movements]
    records = [{**statement_record(entry), "receipts_proven": is_proven} for entry in shown]
    session.output.result(records, _screen(session, name, address, shown, head.proof, is_proven), proof=head.proof)


def _account(session: Session, account: str) -> tuple[str, Address]:
    if account:
        name, address, _ = session.resolve(account)
        return name, address
    own = session.account()
    return own.name, own.address


def _first_height(session: Session, head: Head, address: Address, since: datetime | None, *, is_whole: bool) -> Height:
    if since is not None:
        first = height_at(session, head, 1_000 * int(since.replace(tzinfo=UTC).timestamp()))
        # A day that has not begun on this chain: nothing moved yet.
        return Height(min(first, head.final.header.height))
    return Height(0) if is_whole else recent_height(session, head, address, ROWS_SHOWN)


def _screen(
    session: Session, name: str, address: Address, statements: list[Statement], proof: Proof, is_proven: bool
) -> str:
    lines = [f"{name or 'history of'}  {checksum_address(address)}", f"  {proof.label()}"]
    if not statements:
        lines.append("  no money moved")
    for statement in statements:
        lines += _rows(session, statement)
    if any(statement.movements for statement in statements):
        lines.append("  every receipt proven" if is_proven else "  balances proven; --prove proves every receipt too")
    return "\n".join(lines)


def _rows(session: Session, statement: Statement) -> list[str]:
    currency = statement.currency
    earlier = _money(statement.opening, currency)
    lines = ["", f"  {currency.code:<19} {'before':<42} {earlier:>13}"]
    lines += [_row(session, statement, movement) for movement in statement.movements]
    return lines


def _row(session: Session, statement: Statement, movement: Movement) -> str:
    # Thousandths of a second are in the files.
    when = datetime.fromtimestamp(movement.timestamp_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    other = movement.counterparty(statement.account)
    who = session.name_of(other) or ("the issuer" if not any(other) else short_address(other))
    memo = "" if movement.memo == EMPTY_MEMO else memo_text(movement.memo)
    # A payment is known by its memo; what is none says what it is, and its memo is in the files.
    note = memo if movement.kind in (MovementKind.PAYMENT, MovementKind.ISSUED) else kind_words(movement.kind)
    arrow = "→" if movement.sender == statement.account and movement.change <= 0 else "←"
    sign = "+" if movement.change > 0 else ""
    change = f"{sign}{_money(movement.change, statement.currency)}"
    balance = _money(movement.balance, statement.currency)
    return f"  {when} {arrow} {who:<12.12} {note:<14.14} {change:>12} {balance:>13}"


def _money(units: int, currency: Currency) -> str:
    return format_units(units, currency.decimals)

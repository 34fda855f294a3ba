"""Proven answers for people and scripts: one record as rows, or many as a table. Text and JSON never differ."""

from collections.abc import Sequence
from typing import Final

from contracts.abi import AbiValue
from wallet_cli.admin.kinds import Kind
from wallet_cli.admin.plans import Line
from wallet_cli.admin.scope import Scope

LIST_MAX: Final = 1_000
"""Entries of one list: each costs proofs, and nobody reads more; the rest is reached with --from-id."""

_LABEL_COLUMNS: Final = 20


def read_line(scope: Scope, label: str, view: str, kind: Kind, *values: AbiValue) -> Line:
    """Return the first result of a view of the command's currency as a line."""
    return Line(label, kind.show(scope, scope.ledger.read(scope.own_currency.address, view, *values)[0]))


def print_rows(scope: Scope, rows: Sequence[Line]) -> None:
    """Print one record."""
    proof = scope.ledger.head.proof
    lines = [f"  {row.label:<{_LABEL_COLUMNS}}{row.value}" for row in rows]
    record = {_key(row.label): row.value for row in rows}
    scope.session.output.result(record, "\n".join([*lines, f"  {proof.label()}"]), proof=proof)


def print_table(scope: Scope, columns: Sequence[str], rows: Sequence[Sequence[str]], *, of_nothing: str) -> None:
    """Print many records, columns as wide as their longest value; `of_nothing` stands where there is none."""
    proof = scope.ledger.head.proof
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in ((columns, *rows) if rows else ((of_nothing,) + ("",) * (len(columns) - 1),))
    ]
    records = [{_key(column): cell for column, cell in zip(columns, row, strict=True)} for row in rows]
    scope.session.output.result(records, "\n".join([*lines, f"  {proof.label()}"]), proof=proof)


def _key(label: str) -> str:
    return label.replace(" ", "_")

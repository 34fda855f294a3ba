"""No float comes near money: the whole wallet has none, but for how long it pauses."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2] / "wallet_cli"
MODULES: Final = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

PAUSES: Final = ("session.py",)
"""The only modules that may count in fractions: of seconds, for the clock of the machine."""

DECIMALS: Final = ("amounts.py",)
"""The only module that may hold a Decimal."""

NUMBERS: Final = ("_ms", "_s", "_minor", "_bytes", "_count", "_units", "amount", "units", "balance", "value", "total")
"""How names of numbers end: paths are joined by the same operator that divides."""


@pytest.mark.parametrize("module", MODULES)
def test_module_has_no_float(module: str) -> None:
    found = list(floats_in(ast.parse((ROOT / module).read_text())))
    assert module in PAUSES or not found, f"{module}: {found}"


@pytest.mark.parametrize("module", MODULES)
def test_only_amounts_know_decimals(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text())
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert module in DECIMALS or not imported & {"decimal", "fractions", "statistics"}


@pytest.mark.parametrize(
    "source",
    ["x = 1.5", "x = float(amount)", "share = amount_minor / 2", "x = row.balance / count", "total /= 3", "round(x)"],
)
def test_float_would_be_seen(source: str) -> None:
    assert list(floats_in(ast.parse(source)))
    assert not list(floats_in(ast.parse("x = folder / name / 'file'; y = amount_minor // 2")))


def floats_in(tree: ast.AST) -> Iterator[str]:
    """Yield every place where a float is written, made, or comes out of a division."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"line {node.lineno}: {node.value}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("float", "round"):
            yield f"line {node.lineno}: {node.func.id}()"
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"line {node.lineno}: /="
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and is_number_in(node):
            yield f"line {node.lineno}: /"


def is_number_in(division: ast.BinOp) -> bool:
    """Tell whether a division is one, rather than a path."""
    return is_number(division.left) or is_number(division.right)


def is_number(node: ast.expr) -> bool:
    """Tell whether an operand is a number by its form or by the end of its name."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.endswith(NUMBERS)
        case ast.BinOp(op=op):
            return not isinstance(op, ast.Div)
        case _:
            return False

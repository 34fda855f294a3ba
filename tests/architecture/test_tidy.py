"""Style rules that a program can check."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("consensus", "contracts", "network", "node", "wallet_cli")
MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 80

DETERMINISTIC = ("consensus", "contracts/native", "contracts/offline", "node/execution", "node/state")
"""Style rule 17: no clock, randomness, floats, hash() or id() here."""


def source_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", list(source_files(*SOURCES)), ids=relative)
def test_module_is_one_idea_with_a_docstring(path: Path) -> None:
    text = path.read_text()
    if not text.strip():
        return
    assert ast.get_docstring(ast.parse(text)), f"{relative(path)} does not say what it is for"
    assert text.count("\n") <= MODULE_LINES_MAX, f"{relative(path)} is longer than {MODULE_LINES_MAX} lines"


@pytest.mark.parametrize("path", list(source_files(*SOURCES)), ids=relative)
def test_function_fits_on_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES_MAX, f"{relative(path)}:{node.lineno} {node.name} has {lines} lines"


@pytest.mark.parametrize("path", list(source_files(*SOURCES, "tests")), ids=relative)
def test_nothing_is_left_for_later(path: Path) -> None:
    found = re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b", path.read_text())
    assert found is None, f"{relative(path)} says {found and found.group()}"


@pytest.mark.parametrize("path", list(source_files(*DETERMINISTIC)), ids=relative)
def test_deterministic_code_uses_no_float_hash_or_id(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), f"{relative(path)}:{node.lineno} has a float"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("hash", "id", "float"), f"{relative(path)}:{node.lineno} calls {node.func.id}"
        if isinstance(node, ast.BinOp | ast.AugAssign):
            assert not isinstance(node.op, ast.Div), f"{relative(path)}:{node.lineno} divides with a float result"


def test_every_folder_of_code_is_a_package() -> None:
    for folder in (*SOURCES, "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            assert (path.parent / "__init__.py").exists(), f"{relative(path.parent)} has no __init__.py"

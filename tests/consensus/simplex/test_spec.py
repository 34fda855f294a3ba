"""SPEC.md and the code name the same rules, and the functions it points to exist."""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONSENSUS = ROOT / "consensus"
RULE = re.compile(r"^\* \*\*([EDAPRVCYNTL]\d)\*\* .* `([\w.]+)`$", re.MULTILINE)
CITATION = re.compile(r"\b([EDAPRVCYNTL])(\d)(?:–\1(\d))?\b")

ARGUMENT = re.compile(r"^\* \*\*([SG]\d+)\*\* .* Code: (.*?)\. Guards: (.*)\.$", re.MULTILINE)
"""A line of the argument: label, where the code is, what fails when it is not so."""
NAMED = re.compile(r"`([^`]+)`")


def rules() -> list[tuple[str, str]]:
    return RULE.findall((CONSENSUS / "SPEC.md").read_text())


def labels_in_code() -> set[str]:
    found: set[str] = set()
    for path in sorted((CONSENSUS / "simplex").glob("*.py")):
        for letter, first, last in CITATION.findall(path.read_text()):
            found.update(f"{letter}{number}" for number in range(int(first), int(last or first) + 1))
    return found


def test_every_rule_is_cited_in_the_code_and_every_citation_is_a_rule() -> None:
    labels = [label for label, _ in rules()]
    assert len(labels) == len(set(labels)), "a rule stands twice"
    assert set(labels) == labels_in_code()
    assert len(labels) == 45


@pytest.mark.parametrize(("label", "name"), rules())
def test_function_named_by_a_rule_exists(label: str, name: str) -> None:
    module, *attributes = name.split(".")
    found: object = importlib.import_module(f"consensus.simplex.{module}")
    for attribute in attributes:
        found = getattr(found, attribute)
    assert callable(found)


def argument() -> list[tuple[str, str, str]]:
    return ARGUMENT.findall((CONSENSUS / "SPEC.md").read_text())


def functions_in(path: Path) -> set[str]:
    """Return the functions of a file, methods as `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found.update(f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef))
    return found


def test_argument_has_every_line_in_order() -> None:
    assert [label for label, _, _ in argument()] == [f"S{n}" for n in range(1, 17)] + [f"G{n}" for n in range(1, 9)]


@pytest.mark.parametrize(("label", "code", "guards"), argument())
def test_code_and_guards_of_a_line_of_the_argument_exist(label: str, code: str, guards: str) -> None:
    for place in NAMED.findall(code):
        file, _, function = place.partition(":")
        assert function in functions_in((ROOT if "/" in file else CONSENSUS / "simplex") / file), place
    tests = "".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))
    mutants = (ROOT / "tests" / "simulator" / "mutants.py").read_text()
    for guard in NAMED.findall(guards):
        assert f"def {guard}(" in tests or f'    "{guard}": Mutant(' in mutants, guard


def test_every_mutant_guards_a_line_of_the_argument() -> None:
    mutants = re.findall(r'^    "(\w+)": Mutant\(', (ROOT / "tests/simulator/mutants.py").read_text(), re.MULTILINE)
    named = {guard for _, _, guards in argument() for guard in NAMED.findall(guards)}
    # Money, what a block may hold of whom, and whether a run repeats itself, are not the protocol's matter.
    assert set(mutants) - named == {"money_from_nothing", "bank_fills_the_block", "anybody_sends", "set_order_leaks"}

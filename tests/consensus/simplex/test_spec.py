"""SPEC.md and the code name the same rules, and the functions it points to exist."""

import importlib
import re
from pathlib import Path

import pytest

CONSENSUS = Path(__file__).parents[3] / "consensus"
RULE = re.compile(r"^\* \*\*([EDAPRVCYNTL]\d)\*\* .* `([\w.]+)`$", re.MULTILINE)
CITATION = re.compile(r"\b([EDAPRVCYNTL])(\d)(?:–\1(\d))?\b")


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

"""The page of outcomes names tests that exist."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "contracts" / "outcomes.md"
FOLDER = Path(__file__).parent


def test_every_test_that_the_page_names_exists() -> None:
    names = {name.removeprefix("test_") for name in re.findall(r"`([a-z_0-9]{12,})`", PAGE.read_text())}
    defined = {
        name for path in FOLDER.glob("test_*.py") for name in re.findall(r"^def test_(\w+)\(", path.read_text(), re.M)
    }
    assert len(names) > 40
    assert names - defined == set()

"""What documents promise: files that exist, commands that are real, rules that are complete."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_architecture_names_every_folder_of_code() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for package in ("consensus", "node"):
        for folder in sorted((ROOT / package).iterdir()):
            if (folder / "__init__.py").exists():
                assert f"`{package}/{folder.name}`" in text, f"ARCHITECTURE.md does not name {package}/{folder.name}"
    assert text.count("\n") <= 200


def test_architecture_names_only_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for name in re.findall(r"`((?:consensus|contracts|network|node|wallet_cli|tests)/[\w/]+(?:\.py)?)`", text):
        assert (ROOT / name).exists(), f"ARCHITECTURE.md names {name}"


def test_error_messages_name_pages_that_exist() -> None:
    for source in sorted((ROOT / "node").rglob("*.py")):
        for page in re.findall(r"docs/[\w/]+\.md", source.read_text()):
            assert (ROOT / page).exists(), f"{source.name} names {page}"


def test_gate_runs_the_test_command_of_the_readme_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text()
    command = re.search(r"<!-- test command -->\n```sh\n(.+)\n```", readme)
    assert command is not None
    assert command.group(1).endswith(
        ".venv/bin/python -m pytest && .venv/bin/python -m tests.simulator --campaign change"
    )
    shown = subprocess.run(
        ["bash", "-c", "sed -n '/<!-- test command -->/,/<!-- end -->/p' README.md | grep -v -e '^<!--' -e '^```'"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == command.group(1)
    assert "eval" in (ROOT / ".ci" / "run").read_text()


def test_every_dependency_says_why_it_is_there() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    block = project.split("dependencies = [")[1].split("]")[0]
    for name in re.findall(r'"([a-z0-9-]+)[=<]', block):
        assert f"| {name} |" in reasons, f"docs/dependencies.md does not say why {name} is there"

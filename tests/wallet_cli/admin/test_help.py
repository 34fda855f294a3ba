"""Help and examples of every administrative command: each example does what it says."""

import os
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.wallet_cli.admin.conftest import Office
from tests.wallet_cli.test_help import commands
from wallet_cli.__main__ import cli
from wallet_cli.admin.group import admin
from wallet_cli.cli import WalletCommand

ALL = list(commands(admin, "admin "))
# Those of the council need one: they run in test_council.py.
EXAMPLES = [example for name, command in ALL if " council " not in name for example in command.examples]


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_help_says_what_it_needs_and_ends_with_two_examples(name: str, command: WalletCommand) -> None:
    text = CliRunner().invoke(cli, [*name.split(), "--help"]).stdout
    assert text.startswith(f"Usage: sycee {name} [OPTIONS]")
    assert len(command.examples) == 2
    unwrapped = " ".join(text.split())
    assert all(" ".join(example.split()) in unwrapped for example in command.examples)
    assert all(example.startswith(f"sycee {name}") for example in command.examples)


def test_help_of_the_group_says_where_the_keys_live() -> None:
    assert "never on a node" in " ".join(CliRunner().invoke(cli, ["admin", "--help"]).stdout.split())


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_does_what_it_says(
    office: Office, tmp_path: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    words = shlex.split(example)[1:]
    result = office.run(*words)
    assert result.exit_code == 0, result.output
    assert bool(office.node.sent()) is ("--yes" in words)
    assert os.listdir(tmp_path)


FILES = {
    "report.pdf": "reserves of September",
    "customers.txt": "bob\n",
    "actions.txt": "role grant EUR issuer bob\nmint EUR bob '1 EUR'  # first money\n",
}
"""Files the examples name."""

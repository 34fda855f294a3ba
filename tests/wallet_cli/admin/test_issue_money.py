"""The page on issuing money says what its commands do."""

import re
from pathlib import Path

from click.testing import CliRunner

from tests.wallet_cli.admin.issue_money import PAGE, replay
from wallet_cli.__main__ import cli


def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    page = PAGE.read_text()
    assert replay(page, tmp_path) == page, "write it anew: python -m tests.wallet_cli.admin.issue_money"


def test_commands_succeed_but_for_the_one_that_shows_a_refusal(tmp_path: Path) -> None:
    shown = re.findall(r"^error: (.*)$", PAGE.read_text(), re.MULTILINE)
    assert [line.split(":")[0] for line in shown] == ["mint would be refused"]


def test_commands_named_in_the_text_exist() -> None:
    text = re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.DOTALL)
    named = re.findall(r"`sycee (admin [a-z-]+(?: [a-z-]+)?)", text)
    assert len(named) > 8
    for words in named:
        result = CliRunner().invoke(cli, [*words.split(), "--help"])
        assert result.exit_code == 0, words

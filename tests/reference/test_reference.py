"""The committed reference is what the code says, whole."""

from node.rpc.call_list import METHODS
from node.rpc.error_table import ERROR_ROWS
from tests.reference.errors_page import listed_errors
from tests.reference.pages import pages, stale


def test_the_committed_pages_are_what_the_code_says() -> None:
    assert stale() == [], "run python -m tests.reference"


def test_every_method_and_every_error_is_listed() -> None:
    assert [name for name in METHODS if f"### {name}\n" not in pages()["rpc.md"]] == []
    assert ERROR_ROWS.keys() == listed_errors()


def test_every_command_shows_its_help() -> None:
    assert "## sycee-node start\n" in pages()["node-commands.md"]
    assert "## sycee contract call\n" in pages()["wallet-commands.md"]

"""Markdown in few words."""

from collections.abc import Iterable, Sequence

STAMP = "Written from the code by `python -m tests.reference`.\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars in cells are escaped."""
    lines = [row_of(head), row_of(["---"] * len(head))]
    lines += [row_of([cell.replace("|", "\\|").replace("\n", " ") for cell in row]) for row in rows]
    return "\n".join(lines) + "\n"


def row_of(cells: Sequence[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def code(text: object) -> str:
    """Return text as code."""
    return f"`{text}`"


def codes(texts: Iterable[object]) -> str:
    """Return texts as code, separated by commas."""
    return ", ".join(code(text) for text in texts)

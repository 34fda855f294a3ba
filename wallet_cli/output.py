"""Where words and data go: data to stdout, talk to stderr, one record behind text and `--json`.

No secret and no stack trace passes here.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import click

from wallet_cli.errors import Declined, UserError

SCHEMA: Final = "sycee/1"

Record: TypeAlias = Mapping[str, object] | Sequence[Mapping[str, object]]
"""What a command answers: one object, or a list of them."""

_RED: Final = "red"
_LABEL_COLOURS: Final = {"verified": "green", "stale": "yellow", "unverified": "yellow"}


@dataclass(frozen=True, slots=True)
class Proof:
    """How much an answer can be believed."""

    level: str
    """`verified`, `stale` or `unverified`."""
    height: int | None = None
    """Height of the proven header; None if there is no proof."""
    hash: str | None = None
    """Block hash of that header, 0x…; None if there is no proof."""
    age_ms: int | None = None
    """Own clock less the header's time; None if there is no proof."""
    signed: str | None = None
    """`3/4`: signers of the finalization, validators of the epoch; None if there is no proof."""
    note: str = ""
    """Why it is stale or unverified."""

    def record(self) -> dict[str, object]:
        """Return the proof as `--json` shows it."""
        # Whole seconds: the remainder is of no interest to a reader.
        age_s = None if self.age_ms is None else max(0, self.age_ms) // 1000
        record: dict[str, object] = {
            "level": self.level,
            "height": self.height,
            "hash": self.hash,
            "age_s": age_s,
            "signed": self.signed,
        }
        if self.note:
            record["note"] = self.note
        return record

    def label(self) -> str:
        """Return the words shown beside a value."""
        note = f" ({self.note})" if self.note else ""
        if self.level == "verified" and self.height is not None:
            return f"✓ verified at height {self.height}, {age_text(self.age_ms or 0)} old{note}"
        if self.level == "stale":
            return f"STALE {age_text(self.age_ms or 0)}{note}"
        return f"UNVERIFIED{note or ' (rpc)'}"


def age_text(age_ms: int) -> str:
    """Return a duration in its largest whole unit: `2 s`, `5 min`, `3 h`, `9 d`."""
    # Every division drops the smaller units on purpose.
    seconds = abs(age_ms) // 1000
    sign = "−" if age_ms <= -1000 else ""
    for unit_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= unit_s:
            return f"{sign}{seconds // unit_s} {unit}"
    return f"{sign}{seconds} s"


class Output:
    """The two streams of one command."""

    def __init__(self, *, is_json: bool, is_plain: bool, verbosity: int) -> None:
        self.is_json = is_json
        self._is_plain = is_plain
        self.verbosity = verbosity

    def result(self, record: Record, text: str, *, proof: Proof | None = None) -> None:
        """Print the one answer of a command."""
        if self.is_json:
            envelope: dict[str, object] = {"schema": SCHEMA, "ok": True, "data": record}
            envelope["proof"] = proof.record() if proof else None
            click.echo(printable(json.dumps(envelope, ensure_ascii=False)))
        else:
            click.echo(self._coloured(printable(text), proof))

    def say(self, text: str) -> None:
        """Talk on stderr."""
        click.echo(printable(text), err=True)

    def detail(self, text: str) -> None:
        """Talk on stderr if `-v` was given."""
        if self.verbosity:
            click.echo(printable(text), err=True)

    def failure(self, error: UserError) -> None:
        """Report why the command stopped: three lines on stderr, and one object on stdout with `--json`."""
        if self.is_json:
            body: dict[str, object] = {
                "code": error.code,
                "exit": int(error.exit_code),
                "message": error.message,
                "next": error.next_step,
            }
            if error.reason is not None:
                body["reason"] = error.reason
            click.echo(printable(json.dumps({"schema": SCHEMA, "ok": False, "error": body}, ensure_ascii=False)))
        click.echo(self._style(f"error: {_one_line(error.message)}", _RED), err=True)
        click.echo(f"why:   {_one_line(error.why)}", err=True)
        click.echo(f"next:  {_one_line(error.next_step)}", err=True)

    def show_once(self, text: str) -> None:
        """Show a secret on the terminal's alternate screen until Enter is pressed: nothing of it stays to scroll to."""
        sys.stderr.write("\x1b[?1049h\x1b[H")
        self.say(text)
        try:
            click.prompt("Press Enter when done", default="", show_default=False, err=True)
        finally:
            sys.stderr.write("\x1b[?1049l")

    def confirm(self, question: str, *, is_yes: bool, next_step: str) -> None:
        """Ask on the terminal unless `is_yes`. Raises: Declined."""
        if is_yes:
            return
        if not has_terminal():
            raise Declined(
                "nothing was signed or sent: there is no terminal to ask for a yes",
                why="without --yes every payment and every first trust is asked for",
                next_step=next_step,
            )
        try:
            is_agreed = click.confirm(question, default=False, err=True)
        except click.Abort:
            is_agreed = False
        if not is_agreed:
            raise Declined("not confirmed, nothing was done", why="the answer was not yes", next_step=next_step)

    @contextmanager
    def progress(self, what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """Show progress of something that may take long; yields a function that advances it by one.

        On a terminal only; elsewhere one line with `-v`.
        """
        if self.is_json or not sys.stderr.isatty():
            self.detail(what)
            yield lambda: None
            return
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True, no_color=self._is_plain)
        with Progress(console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)

    def _coloured(self, text: str, proof: Proof | None) -> str:
        if proof is None or not sys.stdout.isatty():
            return text
        label = proof.label()
        return text.replace(label, self._style(label, _LABEL_COLOURS[proof.level]), 1)

    def _style(self, text: str, colour: str) -> str:
        return text if self._is_plain else click.style(text, fg=colour)


def printable(text: str) -> str:
    """Return `text` without anything that moves a cursor: parts of it come from nodes nobody believes."""
    return "".join(mark if mark.isprintable() or mark == "\n" else "\ufffd" for mark in text)


def _one_line(text: str) -> str:
    return printable(" ".join(text.splitlines()))


def has_terminal() -> bool:
    """Tell whether somebody can be asked: both stdin and stderr are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()

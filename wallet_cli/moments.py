"""Durations and instants as people type and read them: `36h`, `7d`, `2026-12-01T12:00`; always UTC."""

import re
from datetime import UTC, datetime
from typing import Final

from wallet_cli.errors import UsageRefused

_UNITS_S: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_UNITS_SHOWN: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})(s|min|h|d|w)")
_INSTANT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?Z?")


def parse_instant(text: str, now_ms: int) -> int:
    """Return seconds since the epoch for a duration from now, or for a day or minute in UTC.

    Raises: UsageRefused naming the forms to type.
    """
    duration_s = parse_duration(text)
    if duration_s is not None:
        # Now is rounded down to the second the ledger counts in.
        return now_ms // 1_000 + duration_s
    written = _INSTANT.fullmatch(text)
    if written is not None:
        try:
            instant = datetime.fromisoformat(f"{written.group(1)}T{written.group(2) or '00:00'}")
            return int(instant.replace(tzinfo=UTC).timestamp())
        except ValueError:
            pass
    raise UsageRefused(
        f"{text!r} is neither a duration nor a time",
        why="a time that could be read in two ways is never signed",
        next_step="type it like 90min, 36h, 7d, 2w or 2026-12-01T12:00 (UTC)",
        code="TIME_INVALID",
    )


def parse_duration(text: str) -> int | None:
    """Return the seconds in `36h`, or None if the text is no duration above zero."""
    duration = _DURATION.fullmatch(text)
    return None if duration is None else int(duration.group(1)) * _UNITS_S[duration.group(2)]


def duration_text(seconds: int) -> str:
    """Return a duration above zero in the largest unit that leaves no remainder: `36h`; weeks are days."""
    unit, length = next((unit, length) for unit, length in _UNITS_SHOWN if seconds % length == 0)
    # No remainder by the choice of the unit.
    return f"{seconds // length}{unit}"


def instant_text(seconds: int) -> str:
    """Return `2026-12-01 12:00:00 UTC`; the number itself if no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"

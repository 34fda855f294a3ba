"""Durations and instants as people type and read them: `36h`, `7d`, `2026-12-01T12:00`; always UTC."""

import re
from datetime import UTC, datetime
from typing import Final

from wallet_cli.errors import UsageRefused

_UNITS_S: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})(s|min|h|d|w)")
_INSTANT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?))?Z?")


def parse_instant(text: str, now_ms: int) -> int:
    """Return seconds since the epoch for a duration from now, or for a day or minute in UTC.

    Raises: UsageRefused naming the forms to type.
    """
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        # Now is rounded down to the second the ledger counts in.
        return now_ms // 1_000 + int(duration.group(1)) * _UNITS_S[duration.group(2)]
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


def instant_text(seconds: int) -> str:
    """Return `2026-12-01 12:00:00 UTC`; the number itself if no calendar has it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"

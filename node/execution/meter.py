"""Counts the work of one transaction or call, in ticks of a tenth of a unit.

Gas is not time: opcodes and precompiles differ by two orders of magnitude in time for the same gas.
"""

from collections.abc import Callable
from typing import Final

from consensus.primitives.scalars import TimestampMs, WorkUnits

TICKS_PER_UNIT: Final = 10
"""An addition takes a tenth of a microsecond: coarser, it would count ten times what it takes."""

SLICE_TICKS: Final = 20_000
"""Work between two looks at the clock: 2 ms."""


class WorkExhausted(Exception):
    """The work limit is reached: the transaction ends as if it had run out of gas, whatever frame it is in."""


class DeadlinePassed(Exception):
    """A call took longer than its caller allows."""


class WorkMeter:
    """Counts down from a transaction's limit."""

    __slots__ = ("_ticks_limit", "ticks_left")

    def __init__(self, work_max: WorkUnits) -> None:
        self._ticks_limit = work_max * TICKS_PER_UNIT
        self.ticks_left = self._ticks_limit

    def spend(self, ticks: int) -> None:
        """Count work done or about to be done. Raises: WorkExhausted, DeadlinePassed."""
        self.ticks_left -= ticks
        if self.ticks_left < 0:
            self.run_out()

    def run_out(self) -> None:
        """Decide what happens when `ticks_left` falls below 0. Raises: WorkExhausted."""
        raise WorkExhausted

    @property
    def work_used(self) -> WorkUnits:
        """Units used so far; a started unit counts as a whole one."""
        return WorkUnits((self._ticks_limit - self.ticks_left + TICKS_PER_UNIT - 1) // TICKS_PER_UNIT)


class DeadlineMeter(WorkMeter):
    """Counts as its base does, and looks at the clock again and again."""

    __slots__ = ("_deadline_ms", "_now_ms", "_ticks_after")

    def __init__(self, work_max: WorkUnits, *, now_ms: Callable[[], TimestampMs], deadline_ms: TimestampMs) -> None:
        super().__init__(work_max)
        self._now_ms = now_ms
        self._deadline_ms = deadline_ms
        self._ticks_after = self._ticks_limit
        """Ticks that are left beyond the slice in `ticks_left`."""
        self.ticks_left = 0
        self.run_out()

    def run_out(self) -> None:
        """Grant the next slice. Raises: DeadlinePassed, WorkExhausted."""
        if self._now_ms() >= self._deadline_ms:
            raise DeadlinePassed
        granted = min(self._ticks_after, max(SLICE_TICKS, -self.ticks_left))
        self._ticks_after -= granted
        self.ticks_left += granted
        if self.ticks_left < 0:
            raise WorkExhausted

    @property
    def work_used(self) -> WorkUnits:
        """Units used so far; a started unit counts as a whole one."""
        used = self._ticks_limit - self._ticks_after - self.ticks_left
        return WorkUnits((used + TICKS_PER_UNIT - 1) // TICKS_PER_UNIT)

"""The node's one clock: Unix milliseconds that never step back and follow the wall clock slowly."""

import time
from collections.abc import Callable

from consensus.primitives.scalars import TimestampMs

SLEW_MS_PER_S = 5
"""How fast the clock is pulled towards the wall clock: a wrong wall clock cannot make time-outs misfire,
and a corrected one is reached within minutes."""


class MonotonicWallClock:
    """Wall clock at start plus monotonic time, slewed towards the wall clock."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._last_monotonic_ns = monotonic_ns()
        self._now_ns = wall_ns()

    def now_ms(self) -> TimestampMs:
        """Return milliseconds since the Unix epoch, never less than before."""
        monotonic_ns = self._monotonic_ns()
        elapsed_ns = monotonic_ns - self._last_monotonic_ns
        self._last_monotonic_ns = monotonic_ns
        self._now_ns += elapsed_ns
        # The slew is a fraction of the time that passed, so the clock still only goes forward; the division rounds
        # the step down, never past the target.
        slew_max_ns = elapsed_ns * SLEW_MS_PER_S // 1000
        offset_ns = self._wall_ns() - self._now_ns
        self._now_ns += max(-slew_max_ns, min(slew_max_ns, offset_ns))
        return TimestampMs(self._now_ns // 1_000_000)

    def offset_ms(self) -> int:
        """Return how far the wall clock is ahead of this clock."""
        return (self._wall_ns() - self._now_ns) // 1_000_000

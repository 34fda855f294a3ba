"""A clock, timers and workers that a test moves by hand."""

import heapq
import itertools
from collections.abc import Callable
from typing import TypeVar

from consensus.primitives.scalars import TimestampMs
from node.runtime.ports import Lane

Result = TypeVar("Result")


class ManualTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualTime:
    """Clock and timers; time passes only through `advance`."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms
        self._order = itertools.count()
        self._heap: list[tuple[int, int, ManualTimer]] = []

    def now_ms(self) -> TimestampMs:
        return TimestampMs(self._now_ms)

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> ManualTimer:
        timer = ManualTimer(callback)
        heapq.heappush(self._heap, (max(at_ms, self._now_ms), next(self._order), timer))
        return timer

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.call_at(self._now_ms, callback)

    def advance(self, ms: int) -> None:
        """Let `ms` pass, firing what becomes due, in order."""
        end_ms = self._now_ms + ms
        while self._heap and self._heap[0][0] <= end_ms:
            at_ms, _, timer = heapq.heappop(self._heap)
            self._now_ms = at_ms
            if timer.callback is not None:
                timer.callback()
        self._now_ms = end_ms


class InstantWorkers:
    """Runs every job at once and completes it before `submit` returns."""

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        try:
            result = job()
        except Exception as error:
            failed(error)
            return
        done(result)

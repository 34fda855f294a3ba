"""The asyncio and uvloop shell: timers, threads' way back to the loop, and the process's one event loop."""

import asyncio
import sys
from collections.abc import Callable, Coroutine

import uvloop

from node.runtime.ports import Clock

SWITCH_INTERVAL_S = 0.0005
"""How long a computing thread keeps the interpreter while the loop waits: at the default of 5 ms a vote waits 5 ms,
at half a millisecond 0.1 ms, for 15 % longer computing (measured)."""


class LoopTimer:
    """A timer that can be taken back."""

    __slots__ = ("handle",)

    handle: asyncio.TimerHandle

    def cancel(self) -> None:
        """Forget the timer; harmless after it fired."""
        self.handle.cancel()


class LoopTimers:
    """`Timers` on the running loop. An exception in a callback is a bug and ends the process through `failed`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, failed: Callable[[BaseException], None]) -> None:
        self._loop = loop
        self._clock = clock
        self._failed = failed

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> "LoopTimer":
        """Call `callback` at `at_ms` of the node's clock, never before."""
        timer = LoopTimer()
        self._arm(timer, at_ms, callback)
        return timer

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next turn of the loop."""
        self._loop.call_soon(self._guarded, callback)

    def post(self, callback: Callable[[], None]) -> None:
        """Call `callback` on the loop thread, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._guarded, callback)
        except RuntimeError:
            # The loop is closed: the process is ending and nobody waits for the result.
            return

    def _arm(self, timer: "LoopTimer", at_ms: int, callback: Callable[[], None]) -> None:
        delay_ms = max(0, at_ms - self._clock.now_ms())
        timer.handle = self._loop.call_later(delay_ms / 1000, self._fire, timer, at_ms, callback)

    def _fire(self, timer: "LoopTimer", at_ms: int, callback: Callable[[], None]) -> None:
        # The loop counts from the beginning of its turn, so after a long turn it fires early.
        if self._clock.now_ms() < at_ms:
            self._arm(timer, at_ms, callback)
        else:
            self._guarded(callback)

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            self._failed(error)


def run_loop(main: Callable[[], Coroutine[None, None, int]]) -> int:
    """Run `main` on a fresh uvloop and return its exit code."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())

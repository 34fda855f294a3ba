"""The loop's timers keep the node's time, not the loop's."""

import asyncio

import pytest

from consensus.primitives.scalars import TimestampMs
from node.runtime.loop import LoopTimers


class BehindClock:
    """Says that less time has passed than the loop thinks, as after a long turn of the loop."""

    def __init__(self) -> None:
        self.now = 1_000
        self.asked = 0

    def now_ms(self) -> TimestampMs:
        self.asked += 1
        if self.asked > 3:
            self.now = 1_005
        return TimestampMs(self.now)


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.asyncio
async def test_timer_never_fires_before_its_instant_by_the_nodes_clock() -> None:
    clock = BehindClock()
    fired = asyncio.Event()
    seen: list[int] = []

    def callback() -> None:
        seen.append(clock.now)
        fired.set()

    timers = LoopTimers(asyncio.get_running_loop(), clock, fail)
    timers.call_at(1_005, callback)
    await asyncio.wait_for(fired.wait(), 5)
    assert seen == [1_005]


@pytest.mark.asyncio
async def test_cancelled_timer_does_not_fire_and_an_exception_is_handed_over() -> None:
    clock = BehindClock()
    failures: list[BaseException] = []
    failed = asyncio.Event()

    def note(error: BaseException) -> None:
        failures.append(error)
        failed.set()

    timers = LoopTimers(asyncio.get_running_loop(), clock, note)
    timers.call_at(1_000, lambda: failures.append(AssertionError("cancelled"))).cancel()
    timers.call_soon(lambda: [].pop())
    await asyncio.wait_for(failed.wait(), 5)
    assert [type(error) for error in failures] == [IndexError]

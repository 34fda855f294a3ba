"""The calls thread: bounded in number and in time."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from node.rpc.call_runner import CALLS_QUEUED_MAX, CallRunner
from node.rpc.errors import CallsOverloaded, CallTimedOut
from node.runtime.ports import Lane

Result = TypeVar("Result")


class HeldWorkers:
    """Keeps every job until the test lets it run."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        assert lane is Lane.CALLS
        self.held.append(lambda: done(job()))


def runner_with(workers: HeldWorkers, *, call_timeout_ms: int = 5_000) -> CallRunner:
    unused: Any = None
    return CallRunner(
        chain=unused,
        chain_id=1,
        workers=workers,
        clock=unused,
        call_timeout_ms=call_timeout_ms,
    )


@pytest.mark.asyncio
async def test_computed_value_comes_back_and_frees_its_place() -> None:
    workers = HeldWorkers()
    runner = runner_with(workers)
    running = asyncio.create_task(runner.compute(lambda: 7))
    await asyncio.sleep(0)
    workers.held.pop()()
    assert await running == 7


@pytest.mark.asyncio
async def test_one_call_more_than_the_queue_holds_is_refused() -> None:
    workers = HeldWorkers()
    runner = runner_with(workers)
    waiting = [asyncio.create_task(runner.compute(lambda: None)) for _ in range(CALLS_QUEUED_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(CallsOverloaded):
        await runner.compute(lambda: None)
    for release in workers.held:
        release()
    await asyncio.gather(*waiting)


@pytest.mark.asyncio
async def test_call_that_takes_too_long_is_given_up_and_its_late_result_harms_nobody() -> None:
    workers = HeldWorkers()
    runner = runner_with(workers, call_timeout_ms=1)
    with pytest.raises(CallTimedOut, match="longer than 1 ms"):
        await runner.compute(lambda: 7)
    workers.held.pop()()

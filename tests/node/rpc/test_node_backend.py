"""The real backend's calls thread: bounded in number and in time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from node.rpc.errors import CallsOverloaded, CallTimedOut
from node.rpc.node_backend import CALLS_QUEUED_MAX, BackendParts, NodeBackend
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


def backend_with(workers: HeldWorkers, *, call_timeout_ms: int = 5_000) -> NodeBackend:
    unused: Any = None
    parts = BackendParts(
        chain=unused,
        pool=unused,
        admission=unused,
        waiters=unused,
        workers=workers,
        clock=unused,
        chain_id=1,
        epochs=unused,
        version="0",
        proof_window_blocks=1,
        call_timeout_ms=call_timeout_ms,
        link_count=lambda: 0,
        height_best=unused,
        is_syncing=lambda: False,
        limits=dict,
    )
    return NodeBackend(replace(parts))


@pytest.mark.asyncio
async def test_computed_value_comes_back_and_frees_its_place() -> None:
    workers = HeldWorkers()
    backend = backend_with(workers)
    running = asyncio.create_task(backend.compute(lambda: 7))
    await asyncio.sleep(0)
    workers.held.pop()()
    assert await running == 7


@pytest.mark.asyncio
async def test_one_call_more_than_the_queue_holds_is_refused() -> None:
    workers = HeldWorkers()
    backend = backend_with(workers)
    waiting = [asyncio.create_task(backend.compute(lambda: None)) for _ in range(CALLS_QUEUED_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(CallsOverloaded):
        await backend.compute(lambda: None)
    for release in workers.held:
        release()
    await asyncio.gather(*waiting)


@pytest.mark.asyncio
async def test_call_that_takes_too_long_is_given_up_and_its_late_result_harms_nobody() -> None:
    workers = HeldWorkers()
    backend = backend_with(workers, call_timeout_ms=1)
    with pytest.raises(CallTimedOut, match="longer than 1 ms"):
        await backend.compute(lambda: 7)
    workers.held.pop()()

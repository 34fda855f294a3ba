"""Thread pools behind the `Workers` port, and the twin that computes at once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from node.runtime.ports import Lane

Result = TypeVar("Result")


class ThreadWorkers:
    """One thread per lane, `recover_threads` for RECOVER; completions are handed back through `post`."""

    def __init__(self, post: Callable[[Callable[[], None]], object], *, recover_threads: int) -> None:
        self._post = post
        self._executors = {
            lane: ThreadPoolExecutor(recover_threads if lane is Lane.RECOVER else 1, f"sycee-{lane.value}")
            for lane in Lane
        }
        self._lock = threading.Lock()
        """Closing is another thread's work: between the look at `_is_closed` and the hand-over nobody may close."""
        self._is_closed = False

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` on the lane's thread, then `done` or `failed` on the loop thread; after `close` do nothing."""

        def completed(future: Future[Result]) -> None:
            if future.cancelled():
                return
            error = future.exception()
            if error is None:
                result = future.result()
                self._post(lambda: done(result))
            else:
                self._post(lambda: failed(error))

        with self._lock:
            if self._is_closed:
                # The loop still turns while the threads end; what it wants now dies with the process, as in a crash.
                return
            future = self._executors[lane].submit(job)
        future.add_done_callback(completed)

    def close(self) -> None:
        """Finish what runs, drop what waits and what comes later, end the threads."""
        with self._lock:
            self._is_closed = True
        for executor in self._executors.values():
            executor.shutdown(wait=True, cancel_futures=True)


class InlineWorkers:
    """The simulated twin: computes at once and hands the completion to `schedule`, which may delay it."""

    def __init__(self, schedule: Callable[[Lane, Callable[[], None]], None]) -> None:
        self._schedule = schedule

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` now; `done` or `failed` is called when the schedule says so."""
        try:
            result = job()
        except Exception as error:
            caught = error
            self._schedule(lane, lambda: failed(caught))
            return
        self._schedule(lane, lambda: done(result))

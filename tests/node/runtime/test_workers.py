"""Thread pools that end while the node still turns: nothing new starts, and nothing fails."""

import threading
from collections.abc import Callable

import pytest

from node.runtime.ports import Lane
from node.runtime.workers import ThreadWorkers


def unexpected(error: BaseException) -> None:
    raise AssertionError("failed") from error


def test_job_is_done_and_told_through_post() -> None:
    posted: list[Callable[[], None]] = []
    results: list[int] = []
    workers = ThreadWorkers(posted.append, recover_threads=1)

    workers.submit(Lane.EXECUTE, lambda: 7, results.append, unexpected)
    workers.close()

    assert [callback() for callback in posted] == [None]
    assert results == [7]


def test_job_handed_in_after_closing_is_dropped_in_silence() -> None:
    posted: list[Callable[[], None]] = []
    workers = ThreadWorkers(posted.append, recover_threads=1)
    workers.close()

    workers.submit(Lane.EXECUTE, lambda: 7, lambda _: None, unexpected)

    assert posted == []


def test_job_that_waits_when_the_pools_close_is_dropped_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    posted: list[Callable[[], None]] = []
    results: list[str] = []
    has_begun, may_end = threading.Event(), threading.Event()
    workers = ThreadWorkers(posted.append, recover_threads=1)

    def first() -> str:
        has_begun.set()
        may_end.wait()
        return "first"

    workers.submit(Lane.EXECUTE, first, results.append, unexpected)
    has_begun.wait()
    workers.submit(Lane.EXECUTE, lambda: "second", results.append, unexpected)
    closing = threading.Thread(target=workers.close)
    closing.start()
    may_end.set()
    closing.join()

    for callback in posted:
        callback()
    assert results[0] == "first"
    assert caplog.records == []

"""Calls 1 024 deep need more of the interpreter's stack than a main thread has."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

STACK_BYTES = 512 * 1024 * 1024


def run_deep(job: Callable[[], T]) -> T:
    """Run a job on a thread with a large stack and return what it returns, or raise what it raises."""
    found: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(job())
        except BaseException as error:
            raised.append(error)

    before = threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=run)
    thread.start()
    threading.stack_size(before)
    thread.join()
    if raised:
        raise raised[0]
    return found[0]

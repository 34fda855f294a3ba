"""Values that are asked for again: bounded, and safe between the loop and the calls thread."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from node.rpc.recent import Recent


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_what_was_put_in_first_is_forgotten_first() -> None:
    recent: Recent[int, str] = Recent(2)
    for number in range(3):
        assert recent.put(number, str(number)) == str(number)
    assert [recent.get(number) for number in range(3)] == [None, "1", "2"]
    assert len(recent) == 2


@pytest.mark.usefixtures("restless")
def test_two_threads_put_in_at_once() -> None:
    recent: Recent[int, int] = Recent(8)

    def work(first: int) -> None:
        for number in range(first, first + 30_000, 2):
            recent.put(number, number)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (0, 1)))
    assert len(recent) == 8

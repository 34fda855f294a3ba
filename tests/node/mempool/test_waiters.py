"""Clients that wait for a receipt."""

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Height
from node.mempool.waiters import Waiters

HASH = keccak256(b"transaction")


def test_every_waiter_is_called_once() -> None:
    waiters = Waiters()
    calls: list[tuple[int, int]] = []
    waiters.add(HASH, lambda height, index: calls.append((height, index)))
    waiters.add(HASH, lambda height, index: calls.append((height, index)))
    waiters.wake(keccak256(b"other"), Height(4), 0)
    waiters.wake(HASH, Height(5), 2)
    waiters.wake(HASH, Height(6), 0)
    assert calls == [(5, 2), (5, 2)]
    assert len(waiters) == 0


def test_discarded_waiter_is_not_called() -> None:
    waiters = Waiters()
    calls: list[int] = []

    def callback(height: Height, index: int) -> None:
        calls.append(height)

    waiters.add(HASH, callback)
    waiters.discard(HASH, callback)
    waiters.discard(HASH, callback)
    waiters.wake(HASH, Height(5), 2)
    assert calls == []
    assert len(waiters) == 0

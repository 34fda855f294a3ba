"""Who waits for which transaction to become final."""

from collections.abc import Callable

from consensus.primitives.scalars import Hash32, Height

FinalCallback = Callable[[Height, int], None]
"""Called once with the height and index at which the transaction became final."""

WAITERS_MAX = 100_000
"""All registered callbacks; beyond it new waits are refused. Twice the largest mempool."""


class TooManyWaiters(Exception):
    """No room for another waiting client."""

    def __init__(self) -> None:
        super().__init__(f"{WAITERS_MAX} clients already wait for receipts on this node: poll instead")


class Waiters:
    """Callbacks by transaction hash. Owned by the loop thread."""

    def __init__(self) -> None:
        self._by_hash: dict[Hash32, list[FinalCallback]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Register `callback`.

        Raises: TooManyWaiters.
        """
        if self._count >= WAITERS_MAX:
            raise TooManyWaiters()
        self._by_hash.setdefault(transaction_hash, []).append(callback)
        self._count += 1

    def discard(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Remove `callback` if it is still registered."""
        callbacks = self._by_hash.get(transaction_hash)
        if callbacks is None or callback not in callbacks:
            return
        callbacks.remove(callback)
        self._count -= 1
        if not callbacks:
            del self._by_hash[transaction_hash]

    def wake(self, transaction_hash: Hash32, height: Height, index: int) -> None:
        """Call and forget everybody who waits for this transaction, which is final and committed."""
        callbacks = self._by_hash.pop(transaction_hash, None)
        if callbacks is None:
            return
        self._count -= len(callbacks)
        for callback in callbacks:
            callback(height, index)

"""One bound for what all connections hold in memory together."""

from types import TracebackType

from node.rpc.errors import MemoryExhausted

SMALL_BYTES = 64 * 1024
"""So much each connection may hold beside the bound: payments go on while somebody fills it with long requests."""


class MemoryBudget:
    """So many bytes for everybody; who comes when they are used up is told to come back. Loop thread only."""

    def __init__(self, what: str, bytes_max: int) -> None:
        self._what = what
        self._bytes_max = bytes_max
        self.bytes_used = 0

    def hold(self) -> "Hold":
        """Return what one request or answer takes, given back at the end of a `with`."""
        return Hold(self)

    def take(self, count: int) -> None:
        """Take `count` bytes. Raises: MemoryExhausted, and takes nothing."""
        if self.bytes_used + count > self._bytes_max:
            raise MemoryExhausted(self._what)
        self.bytes_used += count


class Hold:
    """The bytes of one request or answer."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._taken = 0

    def reach(self, size: int) -> None:
        """Hold `size` bytes in all from now on; the first few cost nothing. Raises: MemoryExhausted."""
        wanted = max(0, size - SMALL_BYTES)
        self._budget.take(wanted - self._taken)
        self._taken = wanted

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.bytes_used -= self._taken

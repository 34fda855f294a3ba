"""What the driver needs from the world. Each port has one real and one simulated implementation."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol, TypeVar

from consensus.primitives.scalars import TimestampMs

Result = TypeVar("Result")


class Clock(Protocol):
    """Unix time that never steps back."""

    def now_ms(self) -> TimestampMs:
        """Return milliseconds since the Unix epoch."""
        ...


class TimerHandle(Protocol):
    """A timer that can still be taken back."""

    def cancel(self) -> None:
        """Forget the timer; harmless after it fired."""
        ...


class Timers(Protocol):
    """Calls back on the loop thread."""

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> TimerHandle:
        """Call `callback` once at `at_ms` by the same clock, or as soon as possible if that is past."""
        ...

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next turn of the loop."""
        ...


class Lane(Enum):
    """A worker with its own queue; the jobs of one lane never overlap, except on `RECOVER`."""

    RECOVER = "recover"
    """Decode transactions and recover senders; as many threads as cores."""
    EXECUTE = "execute"
    """Build and certify blocks."""
    CALLS = "calls"
    """eth_call, estimates and other reads that compute."""
    WAL = "wal"
    """Append and fsync WAL and sign guard."""
    STORE = "store"
    """The single LevelDB writer."""


class Workers(Protocol):
    """Runs jobs beside the loop. A job gets values and returns a value."""

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` on `lane`, then call `done` or `failed` on the loop thread."""
        ...

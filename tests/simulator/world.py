"""Time, order and chance of a simulation: everything that happens is an event of one heap, drawn from one seed.

Never reads a real clock and never draws from a shared generator: each concern has its own.
"""

import builtins
import hashlib
import heapq
import os
import random
import secrets
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from consensus.primitives.scalars import TimestampMs
from node.runtime.clock import MonotonicWallClock
from node.runtime.ports import Lane
from node.runtime.workers import InlineWorkers
from node.storage.memory_files import PowerCut

Result = TypeVar("Result")
Callback = Callable[[], None]

START_US = 1_700_000_001_000_000
"""Unix time at which every simulation begins, in microseconds: one second after its genesis block."""

STEPS_MAX = 3_000_000
"""Events in one seed. A healthy one needs a tenth; more is a loop that does not end."""


class Broken(AssertionError):
    """A property that must hold does not."""

    def __init__(self, checker: str, detail: str) -> None:
        self.checker = checker
        self.detail = detail
        super().__init__(f"{checker}: {detail}")


ESCAPES: tuple[tuple[Any, str], ...] = (
    *((time, name) for name in ("time", "time_ns", "monotonic", "monotonic_ns", "sleep")),
    # Every function of the module is a method of one hidden generator that everybody shares.
    *((random, name) for name in random.__all__ if name.islower()),
    (os, "urandom"),
    *((secrets, name) for name in secrets.__all__ if name.islower() and name != "compare_digest"),
    (socket, "socket"),
    (threading.Thread, "start"),
    (builtins, "open"),
)
"""Ways out of a simulation: the real clock, shared chance, sockets, threads and files. `perf_counter` only measures."""


@contextmanager
def no_escape() -> Iterator[None]:
    """Make every way out of the simulation raise `Broken` while the block runs."""

    def caught(name: str) -> Callable[..., None]:
        def escape(*_arguments: object, **_named: object) -> None:
            caller = sys._getframe(1)
            raise Broken("no_escape", f"{name} called by {caller.f_code.co_filename}:{caller.f_lineno}")

        return escape

    kept = [(owner, name, owner.__dict__[name]) for owner, name in ESCAPES]
    for owner, name, _ in kept:
        setattr(owner, name, caught(name))
    try:
        yield
    finally:
        for owner, name, right in kept:
            setattr(owner, name, right)


class Trace:
    """The running hash over everything that happened, and the lines of it on request."""

    def __init__(self, *, is_printed: bool) -> None:
        self._hash = hashlib.sha256()
        self._is_printed = is_printed

    def note(
        self,
        time_us: int,
        node: str,
        kind: str,
        what: str,
        detail: str = "",
        content: bytes = b"",
        where: str = "\t\t",
    ) -> None:
        """Add an event; `content` is hashed and not printed, `where` is epoch, view and height."""
        line = f"{time_us}\t{node}\t{where}\t{kind}\t{what}\t{detail}"
        self._hash.update(line.encode() + b"\n" + content)
        if self._is_printed:
            sys.stdout.write(f"{line}\t{self._hash.hexdigest()[:8]}\n")

    def digest(self) -> str:
        """Return the hash of everything so far."""
        return self._hash.hexdigest()


class World:
    """The scheduler. `schedule` order is (time, tie, sequence)."""

    def __init__(self, seed: int, *, is_traced: bool = False) -> None:
        self.seed = seed
        self.now_us = START_US
        self.trace = Trace(is_printed=is_traced)
        self._heap: list[tuple[int, int, int, Callback]] = []
        self._sequence = 0
        self._tie_seed = self.generator("schedule").getrandbits(64)
        self.steps = 0

    def generator(self, name: str) -> random.Random:
        """Return the generator of one concern; one more draw in it leaves all others alone."""
        return random.Random(hashlib.sha256(f"{self.seed}/{name}".encode()).digest())

    def schedule(self, at_us: int, callback: Callback, lane: int = 0) -> None:
        """Run `callback` at an instant, not before now.

        At one instant lanes are shuffled against each other, and one lane keeps its order: a loop runs its callbacks
        in the order of its calls, a wire delivers in the order of sending.
        """
        at_us = max(at_us, self.now_us)
        tie = (at_us * 0x9E3779B97F4A7C15 ^ (lane + 1) * 0xC2B2AE3D27D4EB4F ^ self._tie_seed) * 0xD6E8FEB86659FD93
        self._sequence += 1
        heapq.heappush(self._heap, (at_us, tie >> 32 & 0xFFFFFFFF, self._sequence, callback))

    def run_until(self, end_us: int, is_done: Callable[[], bool] = lambda: False) -> bool:
        """Let time pass to `end_us` or until `is_done`, asked every 10 ms; tell whether it is done."""
        heap = self._heap
        ask_us = self.now_us
        while True:
            if self.now_us >= ask_us:
                if is_done():
                    return True
                ask_us = self.now_us + 10_000
            if not heap or heap[0][0] > end_us:
                self.now_us = end_us
                return is_done()
            self.now_us, _, _, callback = heapq.heappop(heap)
            self.steps += 1
            if self.steps > STEPS_MAX:
                raise Broken("steps", f"{STEPS_MAX} events and no end")
            callback()

    def run_for(self, duration_us: int, is_done: Callable[[], bool] = lambda: False) -> bool:
        """Let a duration pass; see `run_until`."""
        return self.run_until(self.now_us + duration_us, is_done)


class SimulatedTimer:
    """A timer of a node."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Forget the timer."""
        self.callback = None


class NodeTime:
    """Clock and timers of one life of a node; nothing fires after its death."""

    def __init__(
        self,
        world: World,
        lane: int,
        wall_us: Callable[[], int],
        failed: Callable[[BaseException], None],
        power_cut: Callback,
    ) -> None:
        self._power_cut = power_cut
        self._world = world
        self._lane = lane
        self._failed = failed
        self.is_dead = False
        self._paused_until_us = 0
        self._backlog: list[Callback] = []
        self._clock = MonotonicWallClock(wall_ns=lambda: wall_us() * 1_000, monotonic_ns=lambda: world.now_us * 1_000)

    def now_ms(self) -> TimestampMs:
        """Return what this node's clock shows."""
        return self._clock.now_ms()

    def call_at(self, at_ms: int, callback: Callback) -> SimulatedTimer:
        """Fire at an instant of this node's clock, never before."""
        timer = SimulatedTimer(callback)
        self._world.schedule(
            self._world.now_us + max(0, at_ms - self.now_ms()) * 1_000, lambda: self._fire(timer, at_ms), self._lane
        )
        return timer

    def call_soon(self, callback: Callback) -> None:
        """Run in the next turn of the loop."""
        self.after(0, callback)

    def after(self, delay_us: int, callback: Callback) -> None:
        """Run after a duration, unless dead by then."""
        self._world.schedule(self._world.now_us + delay_us, lambda: self._guarded(callback), self._lane)

    # Standing still

    @property
    def is_paused(self) -> bool:
        """Whether nothing is noticed before the machine goes on."""
        return self._paused_until_us > 0

    def pause(self, duration_us: int) -> None:
        """Stand still for a while."""
        if not self.is_paused:
            until_us = self._paused_until_us = self._world.now_us + duration_us
            self._world.schedule(until_us, lambda: self.resume() if self._paused_until_us == until_us else None)

    def when_resumed(self, callback: Callback) -> None:
        """Run something when the machine goes on, after what else has waited for that."""
        self._backlog.append(callback)

    def resume(self) -> None:
        """Go on: everything that should have happened meanwhile happens now, in order."""
        self._paused_until_us = 0
        backlog, self._backlog = self._backlog, []
        for callback in backlog:
            if self.is_paused:
                self._backlog.append(callback)
            elif not self.is_dead:
                callback()

    def _fire(self, timer: SimulatedTimer, at_ms: int) -> None:
        callback = timer.callback
        if callback is None or self.is_dead:
            return
        if self.is_paused:
            self.when_resumed(lambda: self._fire(timer, at_ms))
            return
        behind_ms = at_ms - self.now_ms()
        if behind_ms > 0:
            self._world.schedule(self._world.now_us + behind_ms * 1_000, lambda: self._fire(timer, at_ms), self._lane)
        else:
            self._guarded(callback)

    def _guarded(self, callback: Callback) -> None:
        if self.is_dead:
            return
        if self.is_paused:
            self.when_resumed(lambda: self._guarded(callback))
            return
        try:
            callback()
        except Broken:
            raise
        except PowerCut:
            self._power_cut()
        except Exception as error:
            self._failed(error)


class NodeWorkers:
    """Lanes of one node: a job begins when its lane is free, is computed at once, and is reported later."""

    def __init__(self, time: NodeTime, delay_us: Callable[[Lane], int]) -> None:
        self._time = time
        self._delay_us = delay_us
        self._inline = InlineWorkers(self._schedule)
        self._waiting: dict[Lane, deque[Callback]] = {lane: deque() for lane in Lane}
        self._is_busy: dict[Lane, bool] = dict.fromkeys(Lane, False)

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` on its lane after those before it."""

        def ends_badly(error: BaseException) -> None:
            # A job in which the power went reports to nobody.
            if isinstance(error, PowerCut):
                raise error
            failed(error)

        self._waiting[lane].append(lambda: self._inline.submit(lane, job, done, ends_badly))
        self._next(lane)

    def _next(self, lane: Lane) -> None:
        if not self._is_busy[lane] and self._waiting[lane]:
            self._is_busy[lane] = True
            begin = self._waiting[lane].popleft()
            # Some of the duration passes before anything is written, the rest before anybody hears of it.
            self._time.after(self._delay_us(lane), begin)

    def _schedule(self, lane: Lane, completion: Callback) -> None:
        def complete() -> None:
            self._is_busy[lane] = False
            self._next(lane)
            completion()

        self._time.after(self._delay_us(lane), complete)

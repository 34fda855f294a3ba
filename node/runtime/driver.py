"""Turns of the consensus machine: events in, one sync, effects out. No asyncio, no threads: only ports.

A turn takes the events queued at that moment, steps the machine through each, makes durable what must be, and only then
performs the other effects in the order given. While a sync runs further events wait.
"""

from collections.abc import Callable
from typing import Protocol

from consensus.simplex.effects import Effect, Persist
from consensus.simplex.events import Event, Persisted, Recovered
from consensus.simplex.machine import Machine
from consensus.simplex.records import Record
from node.runtime.ports import Clock, Lane, Timers, Workers


class Durability(Protocol):
    """The write-ahead log and the sign guard together."""

    def append(self, records: tuple[Record, ...]) -> None:
        """Buffer records in order; own votes for the guard too."""
        ...

    def sync_job(self) -> Callable[[], None]:
        """Return the job that writes and syncs all that is buffered so far, to be run on the wal lane."""
        ...

    def synced(self) -> None:
        """The newest sync job is done."""
        ...

    @property
    def is_full(self) -> bool:
        """Whether so much is buffered that it should be synced although nobody waits for it."""
        ...


class Driver:
    """Owns the machine. Owned by the loop thread."""

    def __init__(
        self,
        *,
        machine: Machine,
        durability: Durability,
        perform: Callable[[Effect], None],
        turn_ended: Callable[[], None],
        clock: Clock,
        timers: Timers,
        workers: Workers,
        failed: Callable[[BaseException], None],
    ) -> None:
        self.machine = machine
        self._durability = durability
        self._perform = perform
        self._turn_ended = turn_ended
        self._clock = clock
        self._timers = timers
        self._workers = workers
        self._failed = failed
        self._inbox: list[Event] = []
        self._is_scheduled = False
        self._is_syncing = False

    @property
    def waiting_count(self) -> int:
        """How many events wait for their turn."""
        return len(self._inbox)

    def begin(self, recovered: Recovered) -> None:
        """Give the machine its past, at once: nothing that a peer sends may reach it before."""
        self._inbox.append(recovered)
        self._turn()

    def post(self, event: Event) -> None:
        """Queue an event for the next turn."""
        self._inbox.append(event)
        if not self._is_scheduled and not self._is_syncing:
            self._is_scheduled = True
            self._timers.call_soon(self._turn)

    def _turn(self) -> None:
        self._is_scheduled = False
        if self._is_syncing:
            return
        events, self._inbox = self._inbox, []
        now_ms = self._clock.now_ms()
        effects: list[Effect] = []
        sequences: list[int] = []
        must_sync = False
        for event in events:
            for effect in self.machine.step(event, now_ms):
                if isinstance(effect, Persist):
                    self._durability.append(effect.records)
                    sequences.append(effect.sequence)
                    must_sync = must_sync or effect.must_sync
                else:
                    effects.append(effect)
        if must_sync or (sequences and self._durability.is_full):
            self._is_syncing = True
            self._workers.submit(
                Lane.WAL,
                self._durability.sync_job(),
                lambda _: self._synced(effects, sequences[-1]),
                self._failed,
            )
        else:
            self._finish(effects)

    def _synced(self, effects: list[Effect], sequence: int) -> None:
        self._is_syncing = False
        self._durability.synced()
        self._inbox.append(Persisted(sequence))
        self._finish(effects)

    def _finish(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._perform(effect)
        self._turn_ended()
        if self._inbox and not self._is_scheduled:
            self._is_scheduled = True
            self._timers.call_soon(self._turn)

"""The order of a turn: everything durable before anything leaves, and nothing in between."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from consensus.primitives.scalars import Epoch, Hash32, TimestampMs, View
from consensus.simplex.effects import Effect, FetchCertificates, Persist
from consensus.simplex.events import Event, PendingChanged, Persisted, Recovered
from consensus.simplex.machine import Machine
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import EpochStartRecord, Record
from node.runtime.driver import Driver
from node.runtime.ports import Lane
from node.storage.errors import WriteFailed
from tests.consensus.simplex.blocks import GENESIS_HEAD
from tests.consensus.simplex.keys import validator_set
from tests.node.runtime.manual import ManualTime

Result = TypeVar("Result")
RECORD = EpochStartRecord(Epoch(0), Hash32(bytes(32)))
RECOVERED = Recovered(GENESIS_HEAD, validator_set(4), Parameters(), None, (), (), (), View(0))
PING, PONG = PendingChanged(True), PendingChanged(False)


def persist(sequence: int, *, must_sync: bool) -> Persist:
    return Persist(sequence, (RECORD,), must_sync)


def sent(number: int) -> Effect:
    return FetchCertificates(View(number), View(number))


class ScriptedMachine(Machine):
    """Answers events from a list and notes them."""

    def __init__(self, log: list[str], answers: list[list[Effect]]) -> None:
        self._log = log
        self._answers = answers

    def step(self, event: Event, now_ms: TimestampMs | int) -> tuple[Effect, ...]:
        self._log.append(f"step {event.sequence}" if isinstance(event, Persisted) else "step")
        return tuple(self._answers.pop(0)) if self._answers else ()


class World:
    """A driver whose log, effects and one worker write down what happens; the worker waits to be told."""

    def __init__(self, *answers: list[Effect]) -> None:
        self.log: list[str] = []
        self.time = ManualTime()
        self.failures: list[BaseException] = []
        self.jobs: list[Callable[[], None]] = []
        self.has_much_buffered = False
        self.driver = Driver(
            machine=ScriptedMachine(self.log, list(answers)),
            durability=self,
            perform=self._perform,
            turn_ended=lambda: self.log.append("turn ended"),
            clock=self.time,
            timers=self.time,
            workers=self,
            failed=self.failures.append,
        )

    def append(self, records: tuple[Record, ...]) -> None:
        self.log.append("append")

    def sync_job(self) -> Callable[[], None]:
        return lambda: self.log.append("sync")

    def synced(self) -> None:
        self.log.append("synced")

    @property
    def is_full(self) -> bool:
        return self.has_much_buffered

    def _perform(self, effect: Effect) -> None:
        assert isinstance(effect, FetchCertificates)
        self.log.append(f"send {effect.view_first}")

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        assert lane is Lane.WAL

        def run() -> None:
            try:
                result = job()
            except WriteFailed as error:
                failed(error)
            else:
                done(result)

        self.jobs.append(run)

    def run_turn(self) -> None:
        self.time.advance(0)


def test_nothing_is_sent_before_the_sync_and_everything_after_it_in_order() -> None:
    world = World([sent(1), persist(1, must_sync=True), sent(2)])
    world.driver.post(PING)
    world.run_turn()
    assert world.log == ["step", "append"]
    world.jobs.pop()()
    assert world.log == ["step", "append", "sync", "synced", "send 1", "send 2", "turn ended"]
    world.run_turn()
    assert world.log[7:] == ["step 1", "turn ended"]


def test_all_persists_of_a_turn_share_one_sync() -> None:
    world = World([persist(1, must_sync=True), sent(1)], [persist(2, must_sync=False), sent(2)])
    world.driver.post(PING)
    world.driver.post(PONG)
    world.run_turn()
    assert len(world.jobs) == 1
    world.jobs.pop()()
    world.run_turn()
    assert world.log == [
        *("step", "append", "step", "append", "sync", "synced", "send 1", "send 2", "turn ended"),
        *("step 2", "turn ended"),
    ]


def test_events_wait_while_a_sync_runs() -> None:
    world = World([persist(1, must_sync=True)], [], [sent(9)])
    world.driver.post(PING)
    world.run_turn()
    world.driver.post(PONG)
    world.run_turn()
    assert world.log == ["step", "append"]
    assert world.driver.waiting_count == 1
    world.jobs.pop()()
    world.run_turn()
    assert world.log[2:] == ["sync", "synced", "turn ended", "step", "step 1", "send 9", "turn ended"]
    assert world.driver.waiting_count == 0


def test_record_that_need_not_be_synced_holds_nothing_up() -> None:
    world = World([persist(1, must_sync=False), sent(1)])
    world.driver.post(PING)
    world.run_turn()
    assert world.log == ["step", "append", "send 1", "turn ended"]
    assert world.jobs == []


@pytest.mark.parametrize("is_full", [True, False])
def test_much_that_need_not_be_synced_is_written_all_the_same(is_full: bool) -> None:
    world = World([persist(1, must_sync=False), sent(1)])
    world.has_much_buffered = is_full
    world.driver.post(PING)
    world.run_turn()
    assert len(world.jobs) == is_full


def test_nothing_posted_before_the_machine_has_its_past_reaches_it_first() -> None:
    world = World([sent(1)], [sent(2)])
    world.driver.begin(RECOVERED)
    assert world.log == ["step", "send 1", "turn ended"]
    world.driver.post(PING)
    world.run_turn()
    assert world.log[3:] == ["step", "send 2", "turn ended"]


def test_failed_sync_sends_nothing_for_ever() -> None:
    world = World([persist(1, must_sync=True), sent(1)], [sent(2)])

    def full_disk() -> None:
        raise WriteFailed("write-ahead log", "No space left on device")

    world.sync_job = lambda: full_disk  # type: ignore[method-assign]  # this disk is full
    world.driver.post(PING)
    world.run_turn()
    world.jobs.pop()()
    world.driver.post(PONG)
    world.time.advance(1_000_000)
    assert world.log == ["step", "append"]
    assert [type(failure) for failure in world.failures] == [WriteFailed]


def test_events_posted_by_effects_belong_to_the_next_turn() -> None:
    world = World([sent(1), sent(2)], [sent(3)])

    def perform(effect: Effect) -> None:
        assert isinstance(effect, FetchCertificates)
        world.log.append(f"send {effect.view_first}")
        if effect.view_first == 1:
            world.driver.post(PONG)

    world.driver._perform = perform
    world.driver.post(PING)
    world.run_turn()
    assert world.log == ["step", "send 1", "send 2", "turn ended", "step", "send 3", "turn ended"]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_events_of_one_moment_are_one_turn(count: int) -> None:
    world = World()
    for _ in range(count):
        world.driver.post(PING)
    world.run_turn()
    assert world.log == ["step"] * count + ["turn ended"]

"""What goes wrong in a seed: knobs drawn once, and the events they cause while the safety phase lasts."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from network.simulated import WireConditions
from node.runtime.ports import Lane
from tests.simulator.cluster import Cluster, SimulatedNode

SECOND_US = 1_000_000
SOUND_DELAY_US = 300
"""Half of how long a job or a sync of a healthy node takes."""

SAFETY_S = {"node": (3, 15), "core": (2, 6)}
"""Shortest and longest safety phase by scope, in simulated seconds."""

SOUND_WIRE = WireConditions(latency_us=5_000, jitter_us=2_000)


@dataclass(frozen=True, slots=True)
class Knobs:
    """Everything drawn for a seed; 0 is off. Durations in microseconds."""

    validators: int
    safety_us: int
    latency_us: int
    jitter_percent: int
    bytes_per_ms: int
    loss_per_mille: int
    duplicate_per_mille: int
    reorder_per_mille: int
    partition_every_us: int
    link_break_every_us: int
    clock_skew_us: int
    wild_clocks: int
    """Validators, at most f, whose clocks are wrong by up to a minute."""
    job_us: int
    sync_us: int
    spike_per_mille: int
    """Jobs and syncs in a thousand that take ten times as long."""
    crash_every_us: int
    down_us: int
    away: int
    """Validators, at most f, that are down for the whole safety phase."""
    payments_per_s: int
    letter_bytes: int
    """Call data of one transaction in eight, so that bodies need several chunks."""

    def shown(self) -> str:
        """Return the knobs that are not off, as text."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " ".join(f"{name}={value}" for name, value in values if value)

    def names_on(self) -> tuple[str, ...]:
        """Return the names of the knobs that are not off."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))


KNOB_NAMES = tuple(field.name for field in fields(Knobs))


def draw_knobs(
    drawn: random.Random,
    *,
    validators: int | None = None,
    scope: str = "node",
    overrides: Mapping[str, int] = MappingProxyType({}),
) -> Knobs:
    """Draw a seed's knobs; each but the load is off with probability ⅓. `overrides` replace what was drawn."""

    def knob(low: int, high: int) -> int:
        value = drawn.randint(low, high)
        return 0 if drawn.randrange(3) == 0 else value

    count = drawn.choice((1, 4, 4, 4, 7)) if validators is None else validators
    # f; the remainder of the division is margin.
    faulty_max = (count - 1) // 3
    values = {
        "safety_us": drawn.randint(*SAFETY_S[scope]) * SECOND_US,
        "latency_us": knob(1_000, 150_000),
        "jitter_percent": knob(1, 100),
        "bytes_per_ms": knob(1, 1_000) * 125,
        "loss_per_mille": knob(1, 300),
        "duplicate_per_mille": knob(1, 500),
        "reorder_per_mille": knob(1, 200),
        "partition_every_us": knob(1, 8) * SECOND_US,
        "link_break_every_us": knob(1, 20) * SECOND_US,
        "clock_skew_us": knob(1, 230) * 1_000,
        "wild_clocks": min(faulty_max, knob(1, 2)),
        "job_us": knob(1_000, 200_000),
        "sync_us": knob(1_000, 100_000),
        "spike_per_mille": knob(1, 20),
        "crash_every_us": knob(300, 10_000) * 1_000,
        "down_us": knob(1, 8_000) * 1_000,
        "away": min(faulty_max, knob(1, 2)),
        "letter_bytes": knob(100, 60_000),
        "payments_per_s": drawn.choice((0, 1, 5, 20, 20, 60)),
    }
    return Knobs(**{"validators": count, **values, **overrides})


class Faults:
    """Injects a seed's faults until told to stop, for all nodes or for some."""

    def __init__(self, cluster: Cluster, knobs: Knobs) -> None:
        self._cluster = cluster
        self._world = cluster.world
        self.knobs = knobs
        self._crashes = cluster.world.generator("crashes")
        self._links = cluster.world.generator("link faults")
        self._partitions = cluster.world.generator("partitions")
        self._jobs = cluster.world.generator("workers")
        self.victims: list[SimulatedNode] = list(cluster.nodes)
        """Nodes that may be hurt; the others are healthy."""
        self.wild: list[SimulatedNode] = []
        self._set_clocks()
        self._set_wires()
        for node in cluster.nodes:
            node.delay_us = self._delay_us
            node.down_us = lambda: self._crashes.randint(0, max(1, 2 * knobs.down_us))

    def start(self) -> None:
        """Let things go wrong from now on."""
        for node in self._crashes.sample(self._cluster.nodes, self.knobs.away):
            node.crash()
        if self.knobs.crash_every_us:
            self._later(self._crashes, self.knobs.crash_every_us, self._crash)
        if self.knobs.link_break_every_us:
            self._later(self._links, self.knobs.link_break_every_us, self._break_link)
        if self.knobs.partition_every_us:
            self._later(self._partitions, self.knobs.partition_every_us, self._partition)

    def spare(self, core: list[SimulatedNode]) -> None:
        """Stop all faults for `core`: sound links among its nodes, sound disks, everybody up."""
        self.victims = [node for node in self._cluster.nodes if node not in core]
        self._heal()
        for node in core:
            node.delay_us = lambda _lane: SOUND_DELAY_US
            node.disk.files.fail_at.clear()
            for other in core:
                if other is not node:
                    self._cluster.hub.set_conditions(node.peer.key, other.peer.key, SOUND_WIRE)
            if not node.is_up:
                node.start()

    def _set_clocks(self) -> None:
        drawn, nodes = self._world.generator("clocks"), self._cluster.nodes
        for node in nodes:
            node.skew_us = drawn.randint(-self.knobs.clock_skew_us, self.knobs.clock_skew_us)
        candidates = list(self._cluster.honest)
        free = (len(nodes) - 1) // 3 - len(self._cluster.byzantine)
        self.wild = drawn.sample(candidates, max(0, min(self.knobs.wild_clocks, free)))
        for node in self.wild:
            node.skew_us = drawn.randint(-60, 60) * SECOND_US

    def _set_wires(self) -> None:
        knobs, drawn = self.knobs, self._world.generator("wires")
        for sender in self._cluster.peers:
            for receiver in self._cluster.peers:
                if sender == receiver:
                    continue
                latency_us = drawn.randint(1_000, max(1_000, knobs.latency_us))
                conditions = WireConditions(
                    latency_us=latency_us,
                    # Percent: the division drops less than a microsecond.
                    jitter_us=latency_us * knobs.jitter_percent // 100,
                    bytes_per_ms=knobs.bytes_per_ms or None,
                    loss_per_mille=drawn.randint(0, knobs.loss_per_mille),
                    duplicate_per_mille=drawn.randint(0, knobs.duplicate_per_mille),
                    reorder_per_mille=drawn.randint(0, knobs.reorder_per_mille),
                    reorder_delay_us=2 * latency_us,
                )
                self._cluster.hub.set_conditions(sender.key, receiver.key, conditions)

    def _delay_us(self, lane: Lane) -> int:
        mean_us = self.knobs.sync_us if lane in (Lane.WAL, Lane.STORE) else self.knobs.job_us
        delay_us = self._jobs.randint(0, max(SOUND_DELAY_US, mean_us))
        return delay_us * 10 if self._jobs.randrange(1_000) < self.knobs.spike_per_mille else delay_us

    def _later(self, drawn: random.Random, mean_us: int, happens: Callable[[], None]) -> None:
        self._world.schedule(self._world.now_us + drawn.randint(1, 2 * mean_us), happens)

    def _crash(self) -> None:
        drawn = self._crashes
        running = [node for node in self.victims if node.is_up]
        if running:
            # One in four takes several at once, down to none running.
            count = 1 if drawn.randrange(4) else drawn.randint(1, len(running))
            for node in drawn.sample(running, count):
                if drawn.randrange(2):
                    node.disk.cut_power_soon(drawn)
                else:
                    node.power_cut()
        self._later(drawn, self.knobs.crash_every_us, self._crash)

    def _break_link(self) -> None:
        drawn = self._links
        if len(self._cluster.nodes) > 1:
            first, second = drawn.sample(self._cluster.nodes, 2)
            if first in self.victims or second in self.victims:
                self._note("break", f"{first.name} {second.name}")
                self._cluster.hub.break_links(first.peer.key, second.peer.key, is_half_open=drawn.randrange(10) == 0)
        self._later(drawn, self.knobs.link_break_every_us, self._break_link)

    def _partition(self) -> None:
        drawn = self._partitions
        victims = {node.index for node in self.victims}
        groups = [drawn.randrange(2) for _ in self._cluster.nodes]
        one_way = drawn.randrange(3) == 0
        self._note("partition", " ".join(map(str, groups)))
        for sender in self._cluster.nodes:
            for receiver in self._cluster.nodes:
                is_cut = groups[sender.index] != groups[receiver.index] and (not one_way or groups[sender.index] == 0)
                if is_cut and (sender.index in victims or receiver.index in victims):
                    self._cluster.hub.block(sender.peer.key, receiver.peer.key)
        self._world.schedule(self._world.now_us + drawn.randint(100_000, 8 * SECOND_US), self._heal)
        self._later(drawn, self.knobs.partition_every_us + SECOND_US, self._partition)

    def _heal(self) -> None:
        self._note("heal", "")
        self._cluster.hub.heal()

    def _note(self, what: str, detail: str) -> None:
        self._world.trace.note(self._world.now_us, "-", "fault", what, detail)

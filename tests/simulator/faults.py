"""What goes wrong in a seed: the events that its knobs cause, for all nodes or, once a core is spared, for the rest."""

import random
from collections.abc import Callable, Collection

from network.simulated import WireConditions
from network.transport import PeerKey
from node.runtime.ports import Lane
from tests.simulator.cluster import Cluster, SimulatedNode
from tests.simulator.knobs import SECOND_US, Knobs
from tests.simulator.partitions import KINDS, Cut, around, one_way

SOUND_DELAY_US = 300
"""Half of how long a job or a sync of a healthy node takes."""

SOUND_WIRE = WireConditions(latency_us=5_000, jitter_us=2_000)

JOB_LONGEST_US = 3_600_000
"""Three leader time-outs. It bounds what is still running when the faults end, too."""

SYNC_LONGEST_US = 2_000_000

SPIKE_US = 500_000
CLOG_US = 10 * SECOND_US
PARTITION_US = 20 * SECOND_US
WILD_DRIFT_PPM = 10_000
HEALTHY_DRIFT_PPM = 300
"""Over the two minutes of the longest seed 36 ms: with the skew less than half of what a voter tolerates."""


class Faults:
    """Injects a seed's faults, for all nodes or for some."""

    def __init__(self, cluster: Cluster, knobs: Knobs, *, skipped: Collection[int] = ()) -> None:
        """`skipped` are numbers of faults that do not happen."""
        self._skipped = frozenset(skipped)
        self.number = 0
        """How many faults have been due."""
        self._cluster = cluster
        self._world = cluster.world
        self.knobs = knobs
        self._crashes = cluster.world.generator("crashes")
        self._links = cluster.world.generator("link faults")
        self._partitions = cluster.world.generator("partitions")
        self._jobs = cluster.world.generator("workers")
        self._disks = cluster.world.generator("disk faults")
        self.victims: list[SimulatedNode] = list(cluster.nodes)
        """Nodes that may be hurt; the others are healthy."""
        self._core: list[SimulatedNode] = []
        self._wires: dict[tuple[int, int], WireConditions] = {}
        # f, less those that are Byzantine; the remainder of the division is margin.
        self._faulty_left = (len(cluster.nodes) - 1) // 3 - len(cluster.byzantine)
        self.wild = self._choose(knobs.wild_clocks)
        """Nodes whose clocks are wrong."""
        self.lost = self._choose(knobs.lost_disks)
        """Nodes that will lose what they signed."""
        cluster.queue_divisor = max(1, knobs.queue_divisor)
        self._set_clocks()
        self._set_wires()
        slow = self._jobs.randrange(len(cluster.nodes))
        for node in cluster.nodes:
            node.delay_us = self._delays(max(1, knobs.cpu_factor) if node.index == slow else 1)
            node.down_us = lambda: self._crashes.randint(0, max(1, 2 * knobs.down_us))

    @property
    def impaired(self) -> list[SimulatedNode]:
        """Nodes that are honest and not healthy for the whole seed: with the Byzantine ones at most f."""
        return [*self.wild, *self.lost]

    def start(self) -> None:
        """Let things go wrong from now on."""
        knobs = self.knobs
        for node in self._crashes.sample(self._cluster.honest, min(knobs.away, len(self._cluster.honest))):
            node.crash()
        for drawn, mean_us, happens in (
            (self._crashes, knobs.crash_every_us, self._crash),
            (self._crashes, knobs.pause_every_us if knobs.pause_us else 0, self._pause),
            (self._links, knobs.link_break_every_us, self._break_link),
            (self._links, knobs.link_clog_every_us, self._clog_link),
            (self._links, knobs.latency_spike_every_us, self._slow_link),
            (self._partitions, knobs.partition_every_us, self._partition),
            (self._disks, knobs.write_fault_every_us, self._fail_write),
        ):
            if mean_us:
                self._repeat(drawn, mean_us, happens)
        for node in self.lost:
            self._world.schedule(
                self._world.now_us + self._disks.randint(0, knobs.safety_us), self._once(self._losing(node))
            )
        for node in self.wild:
            self._world.schedule(
                self._world.now_us + self._disks.randint(0, knobs.safety_us), self._once(self._jumping(node))
            )

    def spare(self, core: list[SimulatedNode]) -> None:
        """Stop all faults for `core`: sound links among its nodes, sound disks, everybody up. Actors are up too."""
        self._core = core
        self.victims = [node for node in self._cluster.nodes if node not in core]
        self._heal()
        for node in core:
            node.delay_us = lambda _lane: SOUND_DELAY_US
            node.down_us = lambda: 0
            node.disk.be_sound()
            node.resume()
            for other in core:
                if other is not node:
                    self._cluster.hub.set_conditions(node.peer.key, other.peer.key, SOUND_WIRE)
        for node in self._cluster.nodes:
            if (node in core or node not in self._cluster.honest) and not node.is_up:
                node.start_again()

    # Once

    def _choose(self, count: int) -> list[SimulatedNode]:
        taken = min(count, max(0, self._faulty_left))
        self._faulty_left -= taken
        free = [node for node in self._cluster.honest if node not in getattr(self, "wild", ())]
        return self._disks.sample(free, taken)

    def _set_clocks(self) -> None:
        drawn, skew_us = self._world.generator("clocks"), self.knobs.clock_skew_us
        for node in self._cluster.nodes:
            node.skew_us = drawn.randint(-skew_us, skew_us)
            node.drift_ppm = drawn.randint(-HEALTHY_DRIFT_PPM, HEALTHY_DRIFT_PPM) if skew_us else 0
        for node in self.wild:
            node.skew_us = drawn.choice((drawn.randint(-600, 600) * 1_000, drawn.randint(-60, 60) * SECOND_US))
            node.drift_ppm = drawn.randint(-WILD_DRIFT_PPM, WILD_DRIFT_PPM)

    def _set_wires(self) -> None:
        knobs, drawn = self.knobs, self._world.generator("wires")
        for sender in self._cluster.nodes:
            for receiver in self._cluster.nodes:
                if sender is receiver:
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
                self._wires[sender.index, receiver.index] = conditions
                self._cluster.hub.set_conditions(sender.peer.key, receiver.peer.key, conditions)

    def _delays(self, factor: int) -> Callable[[Lane], int]:
        knobs, drawn = self.knobs, self._jobs

        def delay_us(lane: Lane) -> int:
            is_disk = lane in (Lane.WAL, Lane.STORE)
            longest_us = knobs.sync_us if is_disk else knobs.job_us
            delay = drawn.randint(0, max(SOUND_DELAY_US, longest_us)) * (1 if is_disk else factor)
            delay *= 10 if drawn.randrange(1_000) < knobs.spike_per_mille else 1
            return min(delay, SYNC_LONGEST_US if is_disk else JOB_LONGEST_US)

        return delay_us

    # Again and again

    def _repeat(self, drawn: random.Random, mean_us: int, happens: Callable[[], None]) -> None:
        def again() -> None:
            self._unless_skipped(happens)
            self._repeat(drawn, mean_us, happens)

        self._world.schedule(self._world.now_us + drawn.randint(1, 2 * mean_us), again)

    def _once(self, happens: Callable[[], None]) -> Callable[[], None]:
        return lambda: self._unless_skipped(happens)

    def _unless_skipped(self, happens: Callable[[], None]) -> None:
        number, self.number = self.number, self.number + 1
        if number not in self._skipped:
            happens()

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

    def _pause(self) -> None:
        running = [node for node in self.victims if node.is_up]
        if running:
            self._crashes.choice(running).pause(self._crashes.randint(1, self.knobs.pause_us))

    def _fail_write(self) -> None:
        running = [node for node in self.victims if node.is_up and node not in self.lost]
        if running:
            node = self._disks.choice(running)
            self._note("write_fault", node.name)
            node.disk.fail_soon(self._disks)

    def _losing(self, node: SimulatedNode) -> Callable[[], None]:
        def lose() -> None:
            if node.is_up:
                node.crash()
            is_wiped = self._disks.randrange(2) == 0
            self._note("lost_disk", f"{node.name} {'wiped' if is_wiped else 'damaged'}")
            if is_wiped:
                node.disk.wipe()
                node.commit_genesis()
            else:
                node.disk.flip_bit(self._disks)
            self._world.schedule(self._world.now_us + node.down_us(), node.start_again)

        return lose

    def _jumping(self, node: SimulatedNode) -> Callable[[], None]:
        jump_us = self._disks.randint(-60, 60) * SECOND_US

        def jump() -> None:
            self._note("clock_jump", f"{node.name} {jump_us}")
            node.skew_us += jump_us

        return jump

    def _drawn_link(self) -> tuple[SimulatedNode, SimulatedNode] | None:
        if len(self._cluster.nodes) < 2:
            return None
        first, second = self._links.sample(self._cluster.nodes, 2)
        return (first, second) if first in self.victims or second in self.victims else None

    def _break_link(self) -> None:
        link = self._drawn_link()
        if link is not None:
            first, second = link
            is_half_open = self._links.randrange(100) < self.knobs.half_open_percent
            self._note("break", f"{first.name} {second.name}")
            self._cluster.hub.break_links(first.peer.key, second.peer.key, is_half_open=is_half_open)

    def _clog_link(self) -> None:
        link = self._drawn_link()
        if link is not None:
            sender, receiver = link[0].peer.key, link[1].peer.key
            self._note("clog", f"{link[0].name} {link[1].name}")
            self._cluster.hub.block(sender, receiver)
            ends_us = self._world.now_us + self._links.randint(1, CLOG_US)
            self._world.schedule(ends_us, lambda: self._cluster.hub.unblock(sender, receiver))

    def _slow_link(self) -> None:
        link = self._drawn_link()
        if link is not None:
            first, second = link
            wire = self._wires[first.index, second.index]
            slow = WireConditions(latency_us=10 * wire.latency_us, jitter_us=wire.jitter_us)
            self._cluster.hub.set_conditions(first.peer.key, second.peer.key, slow)
            ends_us = self._world.now_us + self._links.randint(1, SPIKE_US)
            self._world.schedule(ends_us, lambda: self._restore_wire(first, second))

    def _restore_wire(self, first: SimulatedNode, second: SimulatedNode) -> None:
        is_sound = first in self._core and second in self._core
        conditions = SOUND_WIRE if is_sound else self._wires[first.index, second.index]
        self._cluster.hub.set_conditions(first.peer.key, second.peer.key, conditions)

    # Partitions

    def _partition(self) -> None:
        drawn, count = self._partitions, len(self._cluster.nodes)
        if count < 2:
            return
        kind = drawn.choice((*KINDS, "leader", "swizzle"))
        lasts_us = drawn.randint(100_000, PARTITION_US)
        if kind == "swizzle":
            self._swizzle(lasts_us)
            return
        if kind == "leader":
            self._follow_leader(self._world.now_us + lasts_us)
            return
        cut = KINDS[kind](count, drawn)
        if drawn.randrange(3) == 0:
            cut = one_way(cut, drawn)
        self._note("partition", f"{kind} {len(cut)}")
        self._block(cut)
        self._world.schedule(self._world.now_us + lasts_us, self._heal)

    def _swizzle(self, lasts_us: int) -> None:
        """Cut nodes off one by one, and let them back in another order."""
        drawn, count, now_us = self._partitions, len(self._cluster.nodes), self._world.now_us
        chosen = drawn.sample(range(count), drawn.randint(1, count))
        self._note("partition", f"swizzle {chosen}")
        step_us = max(1, lasts_us // (2 * len(chosen)))
        for place, index in enumerate(chosen):
            self._world.schedule(now_us + place * step_us, self._cutting(around(index, count)))
        for place, index in enumerate(drawn.sample(chosen, len(chosen))):
            heals_us = now_us + (len(chosen) + place) * step_us
            self._world.schedule(heals_us, self._healing(around(index, count)))

    def _follow_leader(self, ends_us: int) -> None:
        """Cut off whoever leads the newest view, and the next one when it does."""
        self._heal()
        if self._world.now_us >= ends_us:
            return
        newest = max(self._cluster.nodes, key=lambda node: (node.view, node.index))
        if newest.node is not None and newest.has_recovered:
            state = newest.node.machine.state
            self._block(around(state.validators.leader(state.view), len(self._cluster.nodes)))
        next_us = self._world.now_us + self._partitions.randint(100_000, 2 * SECOND_US)
        self._world.schedule(next_us, lambda: self._follow_leader(ends_us))

    def _cutting(self, cut: Cut) -> Callable[[], None]:
        return lambda: self._block(cut)

    def _healing(self, cut: Cut) -> Callable[[], None]:
        def heal() -> None:
            for sender, receiver in cut:
                self._cluster.hub.unblock(self._key(sender), self._key(receiver))

        return heal

    def _block(self, cut: Cut) -> None:
        victims = {node.index for node in self.victims}
        for sender, receiver in cut:
            if sender in victims or receiver in victims:
                self._cluster.hub.block(self._key(sender), self._key(receiver))

    def _key(self, index: int) -> PeerKey:
        return self._cluster.nodes[index].peer.key

    def _heal(self) -> None:
        self._note("heal", "")
        self._cluster.hub.heal()

    def _note(self, what: str, detail: str) -> None:
        self._world.trace.note(self._world.now_us, "-", "fault", what, detail)

"""The load of the small scope: nodes are told that something waits, and that nothing does, without any transaction."""

from consensus.simplex.events import PendingChanged
from tests.simulator.cluster import Cluster, SimulatedNode
from tests.simulator.world import Callback

WAITING_US = 400_000
"""Mean time for which something waits, in microseconds: a few blocks."""


class Pulses:
    """Tells every node of the audience, each in its own time."""

    renewed_us = 0

    def __init__(self, cluster: Cluster, *, pauses_us: int) -> None:
        """`pauses_us` is the mean time in which nothing waits; 0 for no load at all."""
        self._cluster = cluster
        self._world = cluster.world
        self._drawn = cluster.world.generator("load")
        self._pauses_us = pauses_us
        self._is_paying = pauses_us > 0
        self._is_waiting = False
        self.audience: list[SimulatedNode] = cluster.nodes
        self.told_count = 0

    @property
    def open_count(self) -> int:
        """Return 1 while something waits."""
        return int(self._is_waiting)

    def start(self) -> None:
        """Begin, unless there is no load."""
        if self._is_paying:
            self._later(self._pauses_us, self._begin)

    def renew(self) -> None:
        """Let something wait at once, until `stop_paying`."""
        self._is_paying = False
        self._tell(is_waiting=True)

    def stop_paying(self) -> None:
        """Let nothing wait any more."""
        self._is_paying = False
        self._tell(is_waiting=False)

    def _begin(self) -> None:
        if self._is_paying:
            self._tell(is_waiting=True)
            self._later(WAITING_US, self._end)

    def _end(self) -> None:
        if self._is_paying:
            self._tell(is_waiting=False)
            self._later(self._pauses_us, self._begin)

    def _later(self, mean_us: int, happens: Callback) -> None:
        self._world.schedule(self._world.now_us + self._drawn.randint(1, 2 * mean_us), happens)

    def _tell(self, *, is_waiting: bool) -> None:
        self._is_waiting = is_waiting
        self.told_count += is_waiting
        for node in self.audience:
            if node.node is not None:
                node.node.driver.post(PendingChanged(is_waiting))

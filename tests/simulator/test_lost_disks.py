"""Seeds in which validators lose what they have signed, again and again, never more than f at a time.

Links, disks and machines misbehave as in every seed; checkers see every vote that ever left under each key.
"""

import pytest

from tests.simulator.clients import Clients
from tests.simulator.cluster import Cluster, SimulatedNode
from tests.simulator.faults import Faults
from tests.simulator.knobs import SECOND_US, draw_knobs
from tests.simulator.phases import healing_bound_us
from tests.simulator.run import sealed_world
from tests.simulator.world import World

LOSS_EVERY_US = 3 * SECOND_US
SAFETY_US = 30 * SECOND_US

OVERRIDES = {"away": 0, "wild_clocks": 0, "lost_disks": 0, "payments_per_s": 5, "letter_bytes": 0}
"""Without the faults that take one of f for good: then nobody may lose a disk besides."""


class Losses:
    """Takes log and guard, or the whole disk, from nodes that remember everything; the others are left alone."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._drawn = cluster.world.generator("losses")
        self._forgetful: set[int] = set()
        self.count = 0
        self.is_over = False

    def forgetful(self) -> list[SimulatedNode]:
        """Return the nodes that have lost their memory and do not vote again yet."""
        for index in sorted(self._forgetful):
            node = self._cluster.nodes[index]
            if node.node is not None and node.view and node.view >= node.node.machine.state.resume_view:
                self._forgetful.discard(index)
        return [self._cluster.nodes[index] for index in sorted(self._forgetful)]

    def lose(self) -> None:
        """Let one more disk be lost if the network may still bear it."""
        if self.is_over:
            return
        world, nodes = self._cluster.world, self._cluster.nodes
        world.schedule(world.now_us + self._drawn.randrange(LOSS_EVERY_US), self.lose)
        faulty_max = len(nodes) - self._cluster.checkers.quorum
        if len(self.forgetful()) >= faulty_max:
            return
        node = self._drawn.choice([node for node in nodes if node.index not in self._forgetful])
        if node.is_up:
            node.crash()
        if self._drawn.randrange(2):
            node.disk.forget_files()
        else:
            node.disk.wipe()
            node.commit_genesis()
        self._forgetful.add(node.index)
        self.count += 1
        world.schedule(world.now_us + self._drawn.randrange(2 * SECOND_US), node.start_again)


def run(count: int, seed: int) -> int:
    """Run one seed and return how many disks were lost."""
    with sealed_world("node"):
        world = World(seed)
        knobs = draw_knobs(world.generator("knobs"), validators=count, scope="node", overrides=OVERRIDES)
        cluster = Cluster(world, count)
        load = Clients(cluster, knobs=knobs)
        faults, losses = Faults(cluster, knobs), Losses(cluster)
        for node in cluster.nodes:
            node.start()
        load.start()
        faults.start()
        world.schedule(world.now_us + SECOND_US, losses.lose)
        world.run_for(SAFETY_US)
        losses.is_over = True
        faults.spare(cluster.nodes)
        load.renew()
        world.run_for(load.renewed_us)
        load.stop_paying()
        bound_us = healing_bound_us(cluster)
        assert world.run_for(bound_us, lambda: not load.open_count and not losses.forgetful()), (
            f"{load.open_count} payments open, {len(losses.forgetful())} do not vote; {knobs.shown()}"
        )
        for node in cluster.running():
            node.crash()
        cluster.checkers.check_disks((node.index, node.disk) for node in cluster.nodes)
    return losses.count


@pytest.mark.parametrize("count", [4, 7])
def test_lost_disks_never_make_a_validator_contradict_itself_and_all_vote_again(count: int) -> None:
    assert sum(run(count, seed) for seed in range(1, 4)) >= 6

"""The phases of a seed: safety, in which everything may fail; liveness, silence and a restart, in which nothing may."""

from typing import Protocol

from consensus.simplex.machine import Machine
from consensus.simplex.parameters import BACKOFF_THOUSANDTHS
from tests.simulator.bounds import check_bounds
from tests.simulator.cluster import HEARTBEAT_MS, Cluster, SimulatedNode
from tests.simulator.disk_checks import check_restart, final_records
from tests.simulator.faults import Faults
from tests.simulator.knobs import SECOND_US
from tests.simulator.light_client import check_light_follows
from tests.simulator.world import Broken

REDIAL_US = 30 * SECOND_US
"""The longest back-off of a dialer."""

LINK_SILENCE_US = 15 * SECOND_US
"""After which a half-open link is given up."""

HEIGHTS_DUE = 5
"""Heights that a healed core must still make final."""

BOUNDS_EVERY_US = SECOND_US
"""How often every queue and cache is measured: none of them fills and empties in less."""

SILENCE_US = 4 * HEARTBEAT_MS * 1_000


class Load(Protocol):
    """Whatever gives the network something to do."""

    audience: list[SimulatedNode]
    """Nodes that are asked and told."""
    renewed_us: int
    """For how long at least it goes on once it is renewed."""

    @property
    def open_count(self) -> int:
        """How much is asked for and not final yet."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def renew(self) -> None:
        """Ask for something at once, and go on for a while."""
        ...

    def stop_paying(self) -> None:
        """Ask for nothing new."""
        ...


def run_phases(cluster: Cluster, faults: Faults, load: Load, healed_ms: list[int]) -> None:
    """Run a whole seed; `healed_ms` gets how long each healing took. Raises: Broken."""
    for node in cluster.nodes:
        node.start()
    load.start()
    faults.start()
    _watch_bounds(cluster)
    cluster.world.run_for(faults.knobs.safety_us)
    cluster.is_safety = False
    healthy = [node for node in cluster.honest if node not in faults.impaired]
    # A change of the set that is under way may take the vote of any of them, so then all must be sound.
    count = len(healthy) if cluster.is_changing_members else cluster.checkers.quorum
    core = sorted(cluster.world.generator("core").sample(healthy, count), key=lambda node: node.index)
    healed_ms.append(_require_progress(cluster, load, faults, core, "quorum", heights_due=HEIGHTS_DUE))
    for node in cluster.honest:
        node.start_again()
    everybody = [node for node in cluster.honest if node.refusal is None]
    healed_ms.append(_require_progress(cluster, load, faults, everybody, "all", heights_due=1))
    load.stop_paying()
    cluster.world.run_for(SECOND_US)
    for node in cluster.honest:
        cluster.checkers.check_evidence(node.name, node.heard, node.accused)
    if not faults.impaired and not cluster.byzantine and not cluster.is_changing_members:
        _require_silence(cluster)
    require_same_when_replayed(core[0])
    _require_same_after_restart(cluster)


def healing_bound_us(cluster: Cluster) -> int:
    """Return within which a healed quorum has everything final.

    Links come back, then up to f leaders in a row may be useless, each for a leader time-out with full back-off, and
    the next one is not.
    """
    parameters = cluster.genesis.parameters
    slack_ms = 2 * parameters.network_delta_ms * BACKOFF_THOUSANDTHS[-1] // 1_000
    leader_ms = parameters.block_interval_min_ms + parameters.build_budget_ms + slack_ms
    faulty_max = len(cluster.nodes) - cluster.checkers.quorum
    return REDIAL_US + LINK_SILENCE_US + (faulty_max + 1) * leader_ms * 1_000


def _require_progress(
    cluster: Cluster, load: Load, faults: Faults, core: list[SimulatedNode], name: str, *, heights_due: int
) -> int:
    """Heal `core`, wait until every payment is final on each of its nodes, return the milliseconds. Raises: Broken."""
    world = cluster.world
    healed_us = world.now_us
    faults.spare(core)
    load.audience = core
    load.renew()
    due = max(node.height for node in core) + heights_due
    is_paying = True

    def is_done() -> bool:
        nonlocal is_paying
        heights = [node.height for node in core]
        if is_paying and world.now_us >= healed_us + load.renewed_us and min(heights) >= due:
            is_paying = False
            load.stop_paying()
        if is_paying or load.open_count:
            return False
        # What waits behind a nonce that nobody has used is let go in its own time.
        executable = [node.node.pool.executable_count for node in core if node.node is not None]
        return max(heights) - min(heights) <= 1 and not any(executable)

    if not world.run_for(load.renewed_us + healing_bound_us(cluster), is_done):
        states = "; ".join(_state(node) for node in cluster.nodes)
        raise Broken(
            "progress", f"{name} {[node.name for node in core]}: {load.open_count} payments open, {due} due; {states}"
        )
    # The fraction of a millisecond is dropped.
    return (world.now_us - healed_us) // 1_000


def _require_silence(cluster: Cluster) -> None:
    """Expect heartbeats and nothing else. Raises: Broken."""
    world, checkers = cluster.world, cluster.checkers
    # A leader whose link is down is passed over, rightly: silence begins when every link is there.
    if not world.run_for(REDIAL_US + LINK_SILENCE_US, lambda: _is_linked(cluster)):
        raise Broken("progress", "after all faults some links do not come up")
    # What the last payments have begun may end first: one heartbeat.
    world.run_for(HEARTBEAT_MS * 1_000)
    height, nullified = max(checkers.finals), checkers.nullify_votes
    world.run_for(SILENCE_US)
    beats = max(checkers.finals) - height
    has_payments = cluster.scope == "node" and any(
        checkers.finals[height + beat + 1].transactions for beat in range(beats)
    )
    if not 3 <= beats <= 5 or has_payments:
        raise Broken("idle_quiet", f"{beats} blocks in {SILENCE_US} µs of silence from height {height}")
    if checkers.nullify_votes != nullified:
        raise Broken("idle_quiet", f"{checkers.nullify_votes - nullified} nullify votes in silence")


def _is_linked(cluster: Cluster) -> bool:
    return all(
        status.hello is not None
        for node in cluster.nodes
        if node.transport is not None
        for status in node.transport.links()
    )


def _require_same_after_restart(cluster: Cluster) -> None:
    """Stop everybody, compare the disks, start everybody and expect the same chain. Raises: Broken."""
    for node in cluster.running():
        node.crash()
    sound = [node for node in cluster.honest if node.refusal is None]
    cluster.checkers.check_disks([(node.index, node.disk) for node in sound])
    check_light_follows(cluster)
    before = [(node, node.height, dict(final_records(node.disk))) for node in sound]
    for node in cluster.nodes:
        node.start_again()
    cluster.world.run_for(SECOND_US)
    for node, height, records in before:
        if node.height < height:
            raise Broken("monotone_height", f"{node.name} was at {height}, after a restart at {node.height}")
        check_restart(node.index, records, node.disk, height=height)
    cluster.close()


def require_same_when_replayed(node: SimulatedNode) -> None:
    """Give a fresh machine the events of a node's present life and expect the same effects. Raises: Broken."""
    machine = Machine()
    for number, (event, now_ms, effects) in enumerate(node.steps):
        again = machine.step(event, now_ms)
        if again != effects:
            raise Broken("replay_equal", f"{node.name}, event {number} {event}: {effects}, replayed {again}")


def _watch_bounds(cluster: Cluster) -> None:
    """Look at every honest node's queues and caches again and again. Raises: Broken."""
    for node in cluster.honest:
        if node.node is not None and node.has_recovered:
            check_bounds(node.name, node.node, cluster.hub.ends_of(node.peer.key))
    cluster.world.schedule(cluster.world.now_us + BOUNDS_EVERY_US, lambda: _watch_bounds(cluster))


def _state(node: SimulatedNode) -> str:
    if node.node is None:
        return f"{node.name} down at {node.height}"
    state = node.node.machine.state
    return f"{node.name} height {node.height} view {state.view} floor {state.floor} pool {len(node.node.pool)}"

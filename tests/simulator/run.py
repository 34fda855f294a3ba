"""One seed from beginning to end: a phase in which everything may fail, and one in which everything must work."""

from dataclasses import dataclass

from tests.simulator.byzantine import cast, draw_actors
from tests.simulator.clients import Clients
from tests.simulator.cluster import HEARTBEAT_MS, Cluster, SimulatedNode
from tests.simulator.faults import SECOND_US, Faults, Knobs, draw_knobs
from tests.simulator.world import Broken, World, no_escape

PAYING_US = 2 * SECOND_US
"""For how long payments are made after the faults have ended."""

HEALTHY_BOUND_US = 60 * SECOND_US
"""Within which a healed quorum has everything final: a redial of 30 s, a silence of 15 s, and views of 10 s each."""

SILENCE_US = 4 * HEARTBEAT_MS * 1_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed."""

    seed: int
    knobs: Knobs
    actors: dict[int, str]
    checker: str
    """Empty if everything held."""
    detail: str
    trace_hash: str
    steps: int
    height: int
    payments: int
    healed_ms: tuple[int, ...]
    """How long the quorum, then everybody, needed after the faults until nothing was open."""


def run_seed(seed: int, *, is_traced: bool = False, validators: int | None = None, actor: str | None = None) -> Outcome:
    """Run one seed; every failure is in the outcome."""
    world = World(seed, is_traced=is_traced)
    knobs = draw_knobs(world.generator("knobs"), validators=validators)
    actors = draw_actors(world.generator("actors"), knobs.validators, wanted=actor)
    cluster = Cluster(world, knobs.validators, byzantine=tuple(actors))
    cast(cluster, actors)
    clients = Clients(cluster, payments_per_s=knobs.payments_per_s, letter_bytes=knobs.letter_bytes)
    checker = detail = ""
    healed_ms: list[int] = []
    try:
        with no_escape():
            _run_phases(cluster, knobs, clients, healed_ms)
    except Broken as broken:
        checker, detail = broken.checker, broken.detail
    except Exception as error:
        if is_traced:
            raise
        checker, detail = "simulation", f"{type(error).__name__}: {error}"
    height = max(cluster.checkers.finals)
    for node in cluster.nodes:
        world.trace.note(world.now_us, node.name, "disk", "", str(node.height), node.chain.final_head().block_hash)
    return Outcome(
        seed=seed,
        knobs=knobs,
        actors=actors,
        checker=checker,
        detail=detail,
        trace_hash=world.trace.digest(),
        steps=world.steps,
        height=height,
        payments=clients.told_count,
        healed_ms=tuple(healed_ms),
    )


def _run_phases(cluster: Cluster, knobs: Knobs, clients: Clients, healed_ms: list[int]) -> None:
    faults = Faults(cluster, knobs)
    for node in cluster.nodes:
        node.start()
    clients.start()
    faults.start()
    cluster.world.run_for(knobs.safety_us)
    healthy = [node for node in cluster.honest if node not in faults.wild]
    core = sorted(cluster.world.generator("core").sample(healthy, cluster.checkers.quorum), key=lambda node: node.index)
    healed_ms.append(_require_progress(cluster, clients, faults, core, "quorum"))
    healed_ms.append(_require_progress(cluster, clients, faults, cluster.honest, "all"))
    clients.stop_paying()
    cluster.world.run_for(SECOND_US)
    for node in cluster.honest:
        cluster.checkers.check_evidence(node.name, node.heard, node.accused)
    if not faults.wild and not cluster.byzantine:
        _require_silence(cluster)
    _require_same_after_restart(cluster)


def _require_progress(cluster: Cluster, clients: Clients, faults: Faults, core: list[SimulatedNode], name: str) -> int:
    """Heal `core`, wait until every payment is final on each of its nodes, return the milliseconds. Raises: Broken."""
    world = cluster.world
    healed_us = world.now_us
    faults.spare(core)
    clients.audience = core
    for number in range(len(cluster.senders)):
        clients.pay(number)
    world.run_for(PAYING_US)
    clients.stop_paying()

    def is_done() -> bool:
        if clients.open_count:
            return False
        heights = [node.height for node in core]
        pools = [len(node.node.pool) for node in core if node.node is not None]
        return max(heights) - min(heights) <= 1 and not any(pools)

    if not world.run_for(HEALTHY_BOUND_US, is_done):
        states = "; ".join(_state(node) for node in cluster.nodes)
        raise Broken("progress", f"{name} {[node.name for node in core]}: {clients.open_count} payments open; {states}")
    # The fraction of a millisecond is dropped.
    return (world.now_us - healed_us) // 1_000


def _require_silence(cluster: Cluster) -> None:
    """Expect heartbeats and nothing else. Raises: Broken."""
    world, checkers = cluster.world, cluster.checkers
    # What the last payments have begun may end first: one heartbeat.
    world.run_for(HEARTBEAT_MS * 1_000)
    height, nullified = max(checkers.finals), checkers.nullify_votes
    world.run_for(SILENCE_US)
    beats = max(checkers.finals) - height
    if not 3 <= beats <= 5 or any(checkers.finals[height + beat + 1].transactions for beat in range(beats)):
        raise Broken("idle_quiet", f"{beats} blocks in {SILENCE_US} µs of silence from height {height}")
    if checkers.nullify_votes != nullified:
        raise Broken("idle_quiet", f"{checkers.nullify_votes - nullified} nullify votes in silence")


def _require_same_after_restart(cluster: Cluster) -> None:
    """Stop everybody, compare the disks, start everybody and expect the same chain. Raises: Broken."""
    for node in cluster.running():
        node.crash()
    cluster.checkers.check_disks((node.index, node.disk) for node in cluster.honest)
    heights = [node.height for node in cluster.nodes]
    for node in cluster.nodes:
        node.start()
    cluster.world.run_for(SECOND_US)
    for node, height in zip(cluster.nodes, heights, strict=True):
        if node.height < height:
            raise Broken("monotone_height", f"{node.name} was at {height}, after a restart at {node.height}")
    cluster.close()


def _state(node: SimulatedNode) -> str:
    if node.node is None:
        return f"{node.name} down at {node.height}"
    state = node.node.machine.state
    return f"{node.name} height {node.height} view {state.view} floor {state.floor} pool {len(node.node.pool)}"

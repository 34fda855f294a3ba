"""One seed from beginning to end: a phase in which everything may fail, and one in which everything must work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from tests.simulator.byzantine import cast, draw_actors
from tests.simulator.clients import Clients
from tests.simulator.cluster import Cluster
from tests.simulator.core_scope import hashed_execution
from tests.simulator.faults import Faults
from tests.simulator.knobs import SECOND_US, draw_knobs
from tests.simulator.membership import Council
from tests.simulator.patches import shared_signature_checks
from tests.simulator.phases import run_phases
from tests.simulator.pulses import Pulses
from tests.simulator.world import Broken, World, no_escape

SCOPES = ("node", "core")
"""Everything; or consensus alone, over blocks executed by hashing."""


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """What is decided about a seed instead of being drawn from it."""

    scope: str = "node"
    validators: int | None = None
    actor: str | None = None
    knobs: tuple[tuple[str, int], ...] = ()
    actors: tuple[tuple[int, tuple[str, ...]], ...] | None = None
    """Which validators misbehave and how; None to draw them."""
    skipped_faults: tuple[int, ...] = ()
    """Numbers of faults, in the order in which they would happen, that do not."""

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        found = [] if self.scope == "node" else ["--scope", self.scope]
        if self.validators is not None:
            found += ["--n", str(self.validators)]
        if self.actor is not None:
            found += ["--actor", self.actor]
        for name, value in self.knobs:
            found += ["--knob", f"{name}={value}"]
        return found


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a seed."""

    seed: int
    checker: str
    """Empty if everything held."""
    detail: str
    knobs: str = ""
    """Those that are on, with their values."""
    knobs_on: tuple[str, ...] = ()
    actors: dict[str, str] = field(default_factory=dict)
    """Name of the actor by name of the node."""
    deeds: dict[str, int] = field(default_factory=dict)
    """How often each kind of actor did what it is there for."""
    accused: tuple[str, ...] = ()
    """Validators that an honest node found evidence against."""
    effects: dict[str, int] = field(default_factory=dict)
    trace_hash: str = ""
    steps: int = 0
    height: int = 0
    view: int = 0
    payments: int = 0
    faults: int = 0
    """How many faults happened."""
    healed_ms: tuple[int, ...] = ()
    """How long the quorum, then everybody, needed after the faults until nothing was open."""


@contextmanager
def sealed_world(scope: str) -> Iterator[None]:
    """Let nothing of the real world in while the block runs."""
    with shared_signature_checks(), hashed_execution() if scope == "core" else nullcontext(), no_escape():
        yield


def may_change_members(cluster: Cluster, faults: Faults) -> bool:
    """Tell whether the others stand the seed's faults when one validator is out of the set."""
    faulty = len(cluster.byzantine) + len(faults.impaired)
    knobs = faults.knobs
    # f of a set with one validator less; the remainder is margin.
    return bool(knobs.membership_every_us and knobs.epoch_blocks) and 0 <= faulty <= (len(cluster.nodes) - 2) // 3


@contextmanager
def no_garbage_runs() -> Iterator[None]:
    """Look for circular garbage once, at the end: a seed is short, and looking on the way takes a tenth of it."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def run_seed(
    seed: int,
    *,
    is_traced: bool = False,
    validators: int | None = None,
    actor: str | None = None,
    scope: str = "node",
    plan: SeedPlan | None = None,
) -> Outcome:
    """Run one seed; every failure is in the outcome."""
    plan = SeedPlan(scope, validators, actor) if plan is None else plan
    world = World(seed, is_traced=is_traced)
    knobs = draw_knobs(
        world.generator("knobs"), validators=plan.validators, scope=plan.scope, overrides=dict(plan.knobs)
    )
    actors = draw_actors(world.generator("actors"), knobs.validators, wanted=plan.actor, scope=plan.scope)
    if plan.actors is not None:
        actors = dict(plan.actors)
    checker = detail = ""
    healed_ms: list[int] = []
    with sealed_world(plan.scope), no_garbage_runs():
        cluster = Cluster(
            world, knobs.validators, byzantine=tuple(actors), scope=plan.scope, epoch_blocks=knobs.epoch_blocks
        )
        cast(cluster, actors)
        load: Clients | Pulses
        if plan.scope == "node":
            load = Clients(cluster, knobs=knobs)
        else:
            # More payments a second are shorter pauses; the remainder of the division is of no interest.
            load = Pulses(cluster, pauses_us=10 * SECOND_US // knobs.payments_per_s if knobs.payments_per_s else 0)
        faults = Faults(cluster, knobs, skipped=plan.skipped_faults)
        if isinstance(load, Clients) and may_change_members(cluster, faults):
            Council(cluster, load, every_us=knobs.membership_every_us).start()
        try:
            run_phases(cluster, faults, load, healed_ms)
        except Broken as broken:
            checker, detail = broken.checker, broken.detail
        except Exception as error:
            if is_traced:
                raise
            checker, detail = "simulation", f"{type(error).__name__}: {error}"
    for node in cluster.nodes:
        world.trace.note(world.now_us, node.name, "disk", "", "", node.disk.digest())
    deeds: dict[str, int] = {}
    for index, names in actors.items():
        for name in names:
            deeds[name] = deeds.get(name, 0) + cluster.nodes[index].deeds.get(name, 0)
    return Outcome(
        seed=seed,
        checker=checker,
        detail=detail,
        knobs=knobs.shown(),
        knobs_on=knobs.names_on(),
        actors={cluster.nodes[index].name: "+".join(names) for index, names in actors.items()},
        deeds=deeds,
        accused=tuple(sorted(cluster.accused)),
        effects=cluster.effect_counts,
        trace_hash=world.trace.digest(),
        steps=world.steps,
        height=max(cluster.checkers.finals),
        view=cluster.view_highest,
        payments=load.told_count,
        faults=faults.number,
        healed_ms=tuple(healed_ms),
    )

"""The smallest fault schedule that still fails: faults are bisected, then actors, knobs, validators and time go.

A seed ages, because a changed draw changes its meaning; what is kept of it is therefore the schedule, as a file.
"""

import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.simulator.knobs import KNOB_NAMES, SECOND_US
from tests.simulator.run import Outcome, SeedPlan, run_seed

REGRESSIONS = Path(__file__).resolve().parent / "regressions"

ATTEMPTS_MAX = 300
"""Candidates that are run: minutes. What is small enough to be understood is found in a third of it."""

Say = Callable[[str], None]


class Shrinking:
    """One failing seed on its way to a small one."""

    def __init__(self, seed: int, plan: SeedPlan, say: Say) -> None:
        self._seed = seed
        self._say = say
        self._attempts = 0
        self.outcome = run_seed(seed, plan=plan)
        self.plan = explicit(plan, self.outcome)

    def shrink(self) -> None:
        """Take away what is not needed."""
        if not self._still_fails(self.plan):
            self._say("the explicit schedule does not fail as the seed does; nothing is taken away")
            return
        self._skip_faults(range(self.outcome.faults))
        for index in [index for index, _ in self.plan.actors or ()]:
            rest = tuple(cast for cast in self.plan.actors or () if cast[0] != index)
            self._take(replace(self.plan, actors=rest), f"without actor {index}")
        for name in KNOB_NAMES:
            if name not in ("validators", "safety_us") and dict(self.plan.knobs)[name]:
                self._take(self._with_knob(name, 0), f"without {name}")
        if dict(self.plan.knobs)["validators"] > 4:
            self._take(self._with_knob("validators", 4), "with 4 validators")
        while (safety_us := dict(self.plan.knobs)["safety_us"]) >= 2 * SECOND_US:
            # The division only makes it shorter.
            if not self._take(self._with_knob("safety_us", safety_us // 2), f"{safety_us // 2} µs"):
                return

    def _skip_faults(self, numbers: Sequence[int]) -> None:
        """Leave out all of `numbers`, or else whichever halves of them can be left out."""
        if not numbers or self._take(
            replace(self.plan, skipped_faults=tuple(sorted({*self.plan.skipped_faults, *numbers}))),
            f"without faults {numbers[0]} to {numbers[-1]}",
        ):
            return
        if len(numbers) > 1:
            middle = len(numbers) // 2
            self._skip_faults(numbers[:middle])
            self._skip_faults(numbers[middle:])

    def _with_knob(self, name: str, value: int) -> SeedPlan:
        return replace(self.plan, knobs=tuple({**dict(self.plan.knobs), name: value}.items()))

    def _take(self, candidate: SeedPlan, what: str) -> bool:
        if not self._still_fails(candidate):
            return False
        self._say(f"still fails {what}")
        self.plan = candidate
        return True

    def _still_fails(self, candidate: SeedPlan) -> bool:
        if self._attempts >= ATTEMPTS_MAX:
            return False
        self._attempts += 1
        try:
            return run_seed(self._seed, plan=candidate).checker == self.outcome.checker
        except (ValueError, IndexError):
            # An actor or a fault of a validator that is no longer there.
            return False


def explicit(plan: SeedPlan, outcome: Outcome) -> SeedPlan:
    """Return the plan with everything decided that the seed had drawn."""
    drawn = dict(word.split("=") for word in outcome.knobs.split())
    knobs = tuple((name, int(drawn.get(name, "0"))) for name in KNOB_NAMES)
    actors = tuple((int(node[1:]), tuple(names.split("+"))) for node, names in outcome.actors.items())
    return replace(plan, validators=None, actor=None, knobs=knobs, actors=actors)


def save(path: Path, seed: int, plan: SeedPlan, outcome: Outcome) -> None:
    """Write a schedule as TOML."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(_lines(seed, plan, outcome)) + "\n", encoding="utf-8")


def load(path: Path) -> tuple[int, SeedPlan]:
    """Return the seed and the plan of a schedule."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    knobs = {**dict.fromkeys(KNOB_NAMES, 0), **content["knobs"]}
    return content["seed"], SeedPlan(
        scope=content["scope"],
        knobs=tuple(knobs.items()),
        actors=tuple((int(index), tuple(names)) for index, names in content["actors"].items()),
        skipped_faults=tuple(content["skipped_faults"]),
    )


def _lines(seed: int, plan: SeedPlan, outcome: Outcome) -> Iterator[str]:
    # A detail may hold anything; a literal string holds all but its own quote.
    detail = outcome.detail.replace("'", "’").replace("\n", " ")
    yield f"checker = '{outcome.checker}'"
    yield f"detail = '{detail}'"
    yield f"scope = '{plan.scope}'"
    yield f"seed = {seed}"
    yield f"skipped_faults = {list(plan.skipped_faults)}"
    yield "\n[knobs]"
    yield from (f"{name} = {value}" for name, value in plan.knobs if value)
    yield "\n[actors]"
    yield from (f"{index} = {list(names)}" for index, names in plan.actors or ())

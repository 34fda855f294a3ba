"""Directed scenarios: one known danger each, played on whole nodes, judged by the checker it names when it fails."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tests.simulator.patches import shared_signature_checks
from tests.simulator.scenarios.boundaries import BOUNDARIES
from tests.simulator.scenarios.hostile import HOSTILE
from tests.simulator.scenarios.idle import IDLE
from tests.simulator.scenarios.lawless import LAWLESS
from tests.simulator.scenarios.memory import MEMORY
from tests.simulator.scenarios.outages import OUTAGES
from tests.simulator.scenarios.splits import SPLITS
from tests.simulator.world import Broken, no_escape

Scenario = Callable[[], None]

SCENARIOS: Mapping[str, Scenario] = {
    scenario.__name__: scenario for scenario in (*IDLE, *SPLITS, *OUTAGES, *BOUNDARIES, *HOSTILE, *LAWLESS, *MEMORY)
}
"""By name; the name is the sentence that must be true."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a scenario."""

    checker: str
    """Empty if everything held."""
    detail: str


def run_scenario(name: str) -> Result:
    """Play one scenario; every failure is in the result."""
    try:
        with no_escape(), shared_signature_checks():
            SCENARIOS[name]()
    except Broken as broken:
        return Result(broken.checker, broken.detail)
    return Result("", "")


def run_scenarios(names: Iterable[str], say: Callable[[str], None]) -> list[str]:
    """Play scenarios, report those that fail, and return their names."""
    failed: list[str] = []
    for name in names:
        result = run_scenario(name)
        if result.checker:
            failed.append(name)
            say(f"scenario {name} FAILED {result.checker}: {result.detail}")
            say(f"    python -m tests.simulator --scenario {name}")
    return failed

"""Every Byzantine actor really acts, and does no harm alone; who can be proven guilty is."""

import pytest

from tests.simulator.byzantine import ACTORS
from tests.simulator.knobs import SECOND_US, quiet
from tests.simulator.run import Outcome, SeedPlan, run_seed

LONGER = {"payments_per_s": 60, "safety_us": 5 * SECOND_US}

NEEDS = {
    "bad_sync_server": {
        "away": 1,
        "loss_per_mille": 300,
        "crash_every_us": SECOND_US,
        "down_us": 3 * SECOND_US,
        "safety_us": 15 * SECOND_US,
    },
    "boundary_equivocator": {**LONGER, "epoch_blocks": 5},
    "equivocator": LONGER,
    "stale_justifier": {"safety_us": 12 * SECOND_US},
}
"""What some actors need before they can do anything: somebody who has missed something, or more views."""


NEEDS_SYNC = ("bad_sync_server",)
"""Actors that wait to be asked for whole ranges, which blocks with payments make likelier."""


def run_actor(name: str) -> Outcome:
    scope = "node" if ACTORS[name].needs_ledger or name in NEEDS_SYNC else "core"
    knobs = quiet(**{"payments_per_s": 20, "safety_us": 3 * SECOND_US, **NEEDS.get(name, {})})
    return run_seed(1, plan=SeedPlan(scope, actor=name, knobs=knobs))


@pytest.mark.parametrize("name", sorted(ACTORS))
def test_actor_acts_and_harms_nobody(name: str) -> None:
    outcome = run_actor(name)
    assert (outcome.checker, outcome.detail) == ("", "")
    assert outcome.deeds[name] >= 1
    (guilty,) = outcome.actors
    if ACTORS[name].is_provable:
        assert outcome.accused == (guilty,)
    assert set(outcome.accused) <= {guilty}

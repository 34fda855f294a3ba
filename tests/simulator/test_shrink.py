"""A failing seed becomes a small schedule, and every schedule that was kept holds for ever."""

from pathlib import Path

import pytest

from node.validator.signer import GuardedSigner
from tests.simulator.knobs import SECOND_US
from tests.simulator.run import SeedPlan, run_seed
from tests.simulator.shrink import REGRESSIONS, Shrinking, load, save


@pytest.mark.parametrize("path", sorted(REGRESSIONS.glob("*.toml")), ids=lambda path: path.stem)
def test_schedule_that_once_failed_holds(path: Path) -> None:
    seed, plan = load(path)
    outcome = run_seed(seed, plan=plan)
    assert (outcome.checker, outcome.detail) == ("", "")


def test_a_failing_seed_shrinks_to_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Votes that leave without a guard on disk fail whatever else happens.
    monkeypatch.setattr(GuardedSigner, "sync", lambda _signer, _statements: None)
    said: list[str] = []
    shrinking = Shrinking(7, SeedPlan("core", validators=5), said.append)
    assert shrinking.outcome.checker == "durable_before_send"
    shrinking.shrink()
    knobs = {name: value for name, value in shrinking.plan.knobs if value}
    assert set(knobs) == {"validators", "safety_us"}
    assert (knobs["validators"], shrinking.plan.actors) == (4, ())
    assert knobs["safety_us"] < 2 * SECOND_US
    path = tmp_path / "votes_without_a_guard.toml"
    save(path, 7, shrinking.plan, shrinking.outcome)
    seed, plan = load(path)
    assert run_seed(seed, plan=plan).checker == "durable_before_send"


def test_a_seed_that_holds_has_nothing_to_shrink() -> None:
    shrinking = Shrinking(1, SeedPlan("core", validators=4), lambda _line: None)
    assert shrinking.outcome.checker == ""
    assert dict(shrinking.plan.knobs)["validators"] == 4

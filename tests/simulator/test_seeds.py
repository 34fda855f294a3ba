"""A handful of seeds with every change, the actors, and the seeds that once found something."""

import pytest

from tests.simulator.__main__ import main
from tests.simulator.byzantine import ACTORS
from tests.simulator.mutants import check_mutant
from tests.simulator.run import run_seed


@pytest.mark.parametrize("seed", range(1, 6))
def test_seed_holds(seed: int) -> None:
    outcome = run_seed(seed)
    assert (outcome.checker, outcome.detail) == ("", "")
    assert outcome.height >= 3


@pytest.mark.parametrize("actor", sorted(ACTORS))
def test_one_of_four_may_misbehave(actor: str) -> None:
    outcome = run_seed(5, validators=4, actor=actor)
    assert (outcome.checker, outcome.detail) == ("", "")
    assert list(outcome.actors.values()) == [actor]


@pytest.mark.parametrize("name", ["quorum_2f", "send_before_sync", "commit_not_synced", "money_from_nothing"])
def test_wrong_rule_dies(name: str) -> None:
    assert check_mutant(name, lambda _line: None)


def test_a_seed_repeats_itself_and_its_neighbour_does_not() -> None:
    hashes = [run_seed(seed).trace_hash for seed in (5, 5, 6)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_last_line_counts_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "5"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"


@pytest.mark.parametrize("arguments", [[], ["--seeds", "0"], ["--seed", "1", "--seeds", "2"]])
def test_no_seeds_is_a_usage_error(arguments: list[str]) -> None:
    assert main(arguments) == 2

"""A handful of seeds with every change, and what the command line promises of them."""

import json
import random

import pytest

from consensus.primitives.scalars import Hash32
from consensus.simplex.events import Verdict
from consensus.simplex.machine import Machine
from tests.simulator import bounds
from tests.simulator.__main__ import TRACE_COLUMNS, main
from tests.simulator.batch import run_batch
from tests.simulator.bounds import check_bounds, sizes
from tests.simulator.campaigns import CAMPAIGNS, new_seeds
from tests.simulator.cluster import Cluster
from tests.simulator.knobs import KNOB_NAMES, SECOND_US, draw_knobs, quiet
from tests.simulator.partitions import KINDS, around, one_way
from tests.simulator.phases import require_same_when_replayed
from tests.simulator.run import Outcome, SeedPlan, run_seed, sealed_world
from tests.simulator.world import Broken, World, no_escape


@pytest.mark.parametrize("seed", range(1, 7))
def test_seed_holds(seed: int) -> None:
    outcome = run_seed(seed, validators=4)
    assert (outcome.checker, outcome.detail) == ("", "")
    assert outcome.height >= 5


@pytest.mark.parametrize("seed", range(1, 15))
def test_core_seed_holds(seed: int) -> None:
    outcome = run_seed(seed, validators=4, scope="core")
    assert (outcome.checker, outcome.detail) == ("", "")
    assert outcome.height >= 5


def test_a_seed_repeats_itself_and_its_neighbour_does_not() -> None:
    hashes = [run_seed(seed, scope="core").trace_hash for seed in (5, 5, 6)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_replay_of_recorded_events_gives_equal_effects() -> None:
    with sealed_world("core"):
        cluster = Cluster(World(1), 4, scope="core")
        for node in cluster.nodes:
            node.start()
        cluster.world.run_for(3 * SECOND_US)
        node = cluster.nodes[0]
        assert len(node.steps) >= 10 and node.height >= 1
        require_same_when_replayed(node)
        machine = Machine()
        for event, now_ms, _ in node.steps:
            machine.step(event, now_ms)
        assert machine.state.view == node.view
        # One effect that differs is enough.
        event, now_ms, effects = node.steps[-1]
        node.steps[-1] = (event, now_ms, (*effects, *node.steps[0][2]))
        with pytest.raises(Broken, match="replay_equal"):
            require_same_when_replayed(node)


@pytest.mark.parametrize(
    "escape",
    [
        lambda: random.random(),
        lambda: random.uniform(0, 1),
        lambda: __import__("time").time(),
        lambda: __import__("os").urandom(1),
        lambda: __import__("secrets").token_hex(),
        lambda: __import__("socket").socket(),
        lambda: __import__("threading").Thread().start(),
        lambda: open("/dev/null"),  # noqa: SIM115  # it never opens
    ],
)
def test_a_way_out_of_the_simulation_names_its_caller(escape: object) -> None:
    assert callable(escape)
    with no_escape(), pytest.raises(Broken, match=r"no_escape.*test_seeds\.py"):
        escape()


def test_last_line_counts_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "5", "--scope", "core", "--n", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("seed 5, commit ")
    assert lines[-1] == "1 passed, 0 failed"


def test_trace_has_its_columns_and_ends_with_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    ends = []
    for _ in range(2):
        assert main(["--seed", "2", "--scope", "core", "--n", "4", "--trace", "--knob", "safety_us=1000000"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split("\t") == TRACE_COLUMNS.split("\t")
        assert {len(line.split("\t")) for line in lines[1:-1]} == {9}
        ends.append(lines[-2])
    assert ends[0] == ends[1]


def test_seeds_run_in_other_interpreters_under_two_hash_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3", "--scope", "core", "--n", "4", "--twice", "--jobs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "3 passed, 0 failed"
    assert json.loads(lines[-2])["seeds"] == "1..3"


def test_a_lost_interpreter_is_a_failed_seed() -> None:
    failed: list[Outcome] = []
    # An unknown knob ends the interpreter before it answers.
    tally = run_batch([1, 2], SeedPlan(knobs=(("no_such_knob", 1),)), jobs=1, is_twice=False, failed=failed.append)
    assert (tally.passed, tally.failed) == (0, [1, 2])
    assert [outcome.checker for outcome in failed] == ["no_answer", "no_answer"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--seeds", "0"],
        ["--seed", "1", "--seeds", "2"],
        ["--seed", "1", "--knob", "no_such_knob=1"],
        ["--seed", "1", "--knob", "loss_per_mille=much"],
    ],
)
def test_nothing_to_run_is_a_usage_error(arguments: list[str]) -> None:
    assert main(arguments) == 2


def test_new_seeds_belong_to_the_commit() -> None:
    assert new_seeds("abc", 3) == new_seeds("abc", 3) != new_seeds("abd", 3)
    assert not set(new_seeds("abc", 1_000)) & set(range(1, 1_000_000))


def test_every_campaign_names_runs_that_exist() -> None:
    assert sorted(CAMPAIGNS) == ["change", "consensus", "nightly"]


def test_each_knob_is_off_in_a_third_of_all_seeds() -> None:
    drawn = [draw_knobs(random.Random(seed), validators=7) for seed in range(600)]
    always_on = {"validators", "safety_us", "payments_per_s"}
    for name in KNOB_NAMES:
        off = sum(not getattr(knobs, name) for knobs in drawn)
        assert off == 0 if name in always_on - {"payments_per_s"} else 60 <= off <= 260, name
    assert set(dict(quiet()).values()) == {0, 4, 5 * SECOND_US}


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("count", [2, 4, 7])
def test_a_partition_cuts_both_ways_unless_told_otherwise(kind: str, count: int) -> None:
    cut = KINDS[kind](count, random.Random(1))
    assert set(cut) == {(receiver, sender) for sender, receiver in cut}
    assert 2 * len(one_way(cut, random.Random(1))) == len(cut)
    assert len(around(0, count)) == 2 * (count - 1)


def test_two_verdicts_on_one_block_are_noticed() -> None:
    checkers = Cluster(World(1), 4, scope="core", byzantine=(3,)).checkers
    digest = Hash32(b"d" * 32)
    checkers.block_judged(0, digest, Verdict.VALID)
    checkers.block_judged(1, digest, Verdict.VALID)
    checkers.block_judged(2, digest, Verdict.UNKNOWN)
    checkers.block_judged(3, digest, Verdict.INVALID)
    with pytest.raises(Broken, match="verdict_agreement"):
        checkers.block_judged(2, digest, Verdict.INVALID)


def test_a_full_cache_is_within_its_bound_and_one_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with sealed_world("core"):
        cluster = Cluster(World(1), 4, scope="core")
        for node in cluster.nodes:
            node.start()
        cluster.world.run_for(8 * SECOND_US)
    node = cluster.nodes[0]
    assert node.node is not None
    found = {what: size for what, size, _ in sizes(node.node)}
    assert found["votes"] >= 3
    monkeypatch.setattr(bounds, "HELD_PROPOSALS_AHEAD", found["held proposals"] - 1)
    check_bounds(node.name, node.node, cluster.hub.ends_of(node.peer.key))
    monkeypatch.setattr(bounds, "HELD_PROPOSALS_AHEAD", found["held proposals"] - 2)
    with pytest.raises(Broken, match="bounded"):
        check_bounds(node.name, node.node, cluster.hub.ends_of(node.peer.key))

"""The command line: `python -m tests.simulator --seed N [--trace]`, or `--start S --seeds K`, or a named set of runs.

The last line of every run is exactly `N passed, M failed`; the exit code is 0 when M is 0, 1 when not, 2 for usage.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from tests.simulator.batch import ROOT, Tally, run_batch, serve
from tests.simulator.byzantine import ACTORS
from tests.simulator.campaigns import CAMPAIGNS, new_seeds
from tests.simulator.crash_points import run_crash_points
from tests.simulator.explore import run_explore
from tests.simulator.knobs import KNOB_NAMES
from tests.simulator.mutants import MUTANTS, check_mutant
from tests.simulator.run import SCOPES, Outcome, SeedPlan, run_seed
from tests.simulator.scenarios import SCENARIOS, run_scenarios
from tests.simulator.shrink import REGRESSIONS, Shrinking, save
from tests.simulator.twins import run_twins

PACKAGES = ("coincurve", "pynacl", "safe-pysha3", "google-crc32c")
"""Packages whose versions can change what a seed does."""

USAGE_ERROR = 2

EXHAUSTIVE = {
    "--crash-points": "a crash at every point of a script: change (default), nightly, or one by its name",
    "--twins": "one key on two hosts, and every way to cut the network: change (default), nightly, or one by its name",
    "--explore": "every order of events, breadth first: change (default), nightly, or a number of states",
}
"""Searches that leave nothing out, and what each does."""

TRACE_COLUMNS = "time_us\tnode\tepoch\tview\theight\tkind\twhat\tdetail\thash8"


class Usage(Exception):
    """A command line that asks for nothing, or for two things."""


@dataclass(frozen=True, slots=True)
class Count:
    """What a run came to."""

    passed: int
    failed: int


Run = Callable[[argparse.Namespace], Count]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.worker:
        serve(_plan(options))
        return 0
    try:
        count = _chosen(options)(options)
    except Usage as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    _say(f"{count.passed} passed, {count.failed} failed")
    return 1 if count.failed else 0


def _chosen(options: argparse.Namespace) -> Run:
    """Return what runs. Raises: Usage."""
    runs: dict[str, Run] = {
        "seed": _run_one,
        "seeds": _run_range,
        "mutants": _run_mutants,
        "mutant": _run_mutants,
        "scenario": _run_scenarios,
        "crash_points": _run_crash_points,
        "twins": _run_twins,
        "explore": _run_explore,
        "campaign": _run_campaign,
    }
    wanted = [name for name in runs if getattr(options, name) not in (None, False)]
    if len(wanted) != 1:
        raise Usage(f"one of {', '.join('--' + name for name in runs)} is needed, found {len(wanted)}")
    return runs[wanted[0]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed")
    parser.add_argument("--trace", action="store_true", help="print a line per event")
    parser.add_argument("--shrink", action="store_true", help="find the smallest schedule that still fails")
    parser.add_argument("--start", type=int, default=1, help="first seed of a range (default 1)")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--half", action="store_true", help="the second half of the seeds belongs to the commit")
    parser.add_argument("--new", action="store_true", help="all seeds belong to the commit")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="seeds at a time (default: one a core)")
    parser.add_argument("--scope", choices=SCOPES, default="node", help="core: consensus alone, for volume")
    parser.add_argument("--n", type=int, help="validators, instead of drawing their number")
    parser.add_argument("--knob", action="append", default=[], metavar="NAME=VALUE", help="this knob is not drawn")
    parser.add_argument("--actor", choices=sorted(ACTORS), help="one validator misbehaves like this")
    parser.add_argument("--twice", action="store_true", help="compare traces under two values of PYTHONHASHSEED")
    parser.add_argument("--mutants", action="store_true", help="every wrong rule must be noticed")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="this wrong rule must be noticed")
    for name, does in EXHAUSTIVE.items():
        parser.add_argument(name, nargs="?", const="change", metavar="SET", help=does)
    parser.add_argument("--scenario", choices=["all", *sorted(SCENARIOS)], help="directed scenarios")
    parser.add_argument("--campaign", choices=sorted(CAMPAIGNS), help="a named set of runs")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _plan(options: argparse.Namespace) -> SeedPlan:
    """Return what the options decide about each seed. Raises: Usage."""
    knobs = []
    for knob in options.knob:
        name, _, value = knob.partition("=")
        if name not in KNOB_NAMES or not value.isdecimal():
            raise Usage(f"--knob {knob}: NAME=VALUE with a name of {', '.join(KNOB_NAMES)} and a whole number")
        knobs.append((name, int(value)))
    return SeedPlan(options.scope, options.n, options.actor, tuple(knobs))


def _run_one(options: argparse.Namespace) -> Count:
    plan = _plan(options)
    _say(f"seed {options.seed}, {_versions(options.scope)}")
    if options.shrink:
        return _shrink(options, plan)
    if options.trace:
        _say(TRACE_COLUMNS)
    if options.twice:
        tally = run_batch([options.seed], plan, jobs=options.jobs, is_twice=True, failed=_reporter(plan))
        return Count(tally.passed, len(tally.failed))
    outcome = run_seed(options.seed, is_traced=options.trace, plan=plan)
    if outcome.checker:
        _reporter(plan)(outcome)
        return Count(0, 1)
    return Count(1, 0)


def _shrink(options: argparse.Namespace, plan: SeedPlan) -> Count:
    shrinking = Shrinking(options.seed, plan, _say)
    if not shrinking.outcome.checker:
        _say("the seed does not fail: there is nothing to shrink")
        return Count(1, 0)
    shrinking.shrink()
    path = REGRESSIONS / f"{shrinking.outcome.checker}_{plan.scope}_{options.seed}.toml"
    save(path, options.seed, shrinking.plan, shrinking.outcome)
    _say(f"written to {path.relative_to(ROOT)}: name it after what it shows")
    return Count(0, 1)


def _run_range(options: argparse.Namespace) -> Count:
    if options.seeds < 1 or options.jobs < 1:
        raise Usage(f"{options.seeds} seeds on {options.jobs} jobs are nothing to run")
    plan = _plan(options)
    _say(_range_line(options))
    started = time.monotonic()
    tally = run_batch(
        _wanted(options),
        plan,
        jobs=options.jobs,
        is_twice=options.twice,
        failed=_reporter(plan, is_twice=options.twice),
    )
    seconds = time.monotonic() - started
    _say(_result_line(options, tally, seconds))
    return Count(tally.passed, len(tally.failed))


def _wanted(options: argparse.Namespace) -> list[int]:
    if options.new:
        return new_seeds(_commit(), options.seeds)
    # With an odd number the fixed half is the larger one.
    new_count = options.seeds // 2 if options.half else 0
    fixed = range(options.start, options.start + options.seeds - new_count)
    return [*fixed, *new_seeds(_commit(), new_count)]


def _range_line(options: argparse.Namespace) -> str:
    wanted = _wanted(options)
    # Where seeds of the commit begin, the range has a gap.
    gap = next((at for at in range(1, len(wanted)) if wanted[at] != wanted[at - 1] + 1), len(wanted))
    parts = [part for part in (wanted[:gap], wanted[gap:]) if part]
    return f"seeds {' and '.join(f'{part[0]} to {part[-1]}' for part in parts)}, {_versions(options.scope)}"


def _result_line(options: argparse.Namespace, tally: Tally, seconds: float) -> str:
    wanted = _wanted(options)
    total = len(wanted)
    return json.dumps(
        {
            "commit": _commit(),
            "scope": options.scope,
            "seeds": f"{wanted[0]}..{wanted[-1]}",
            "seconds": round(seconds, 1),
            "seeds_per_second": round(total / seconds, 2),
            "heights": tally.heights,
            "steps": tally.steps,
            "failed": tally.failed,
            "knobs": dict(sorted(tally.knobs.items())),
            "deeds": dict(sorted(tally.deeds.items())),
            "effects": dict(sorted(tally.effects.items())),
        }
    )


def _run_mutants(options: argparse.Namespace) -> Count:
    names = sorted(MUTANTS) if options.mutants else [options.mutant]
    _say(f"{len(names)} mutants, {_versions(options.scope)}")
    killed = sum(check_mutant(name, _say) for name in names)
    return Count(killed, len(names) - killed)


def _run_scenarios(options: argparse.Namespace) -> Count:
    names = sorted(SCENARIOS) if options.scenario == "all" else [options.scenario]
    _say(f"{len(names)} scenarios, {_versions(options.scope)}")
    failed = run_scenarios(names, _say)
    return Count(len(names) - len(failed), len(failed))


def _run_crash_points(options: argparse.Namespace) -> Count:
    _say(f"crash points {options.crash_points}, {_versions(options.scope)}")
    with _usage():
        return Count(*run_crash_points(options.crash_points, _say, jobs=options.jobs, is_traced=options.trace))


def _run_twins(options: argparse.Namespace) -> Count:
    _say(f"twins {options.twins}, {_versions('core')}")
    with _usage():
        return Count(*run_twins(options.twins, _say))


def _run_explore(options: argparse.Namespace) -> Count:
    _say(f"explore {options.explore}, {_versions('core')}")
    with _usage():
        return Count(*run_explore(options.explore, _say))


@contextmanager
def _usage() -> Iterator[None]:
    """Turn the name of something that does not exist into an error of usage."""
    try:
        yield
    except ValueError as error:
        raise Usage(str(error)) from error


def _run_campaign(options: argparse.Namespace) -> Count:
    passed = failed = 0
    for command in CAMPAIGNS[options.campaign]:
        _say(f"python -m tests.simulator {' '.join(command)}")
        step = _parser().parse_args([*command, "--jobs", str(options.jobs)])
        count = _chosen(step)(step)
        passed, failed = passed + count.passed, failed + count.failed
    return Count(passed, failed)


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _versions(scope: str) -> str:
    versions = " ".join(f"{package}={version(package)}" for package in PACKAGES)
    return f"commit {_commit()}, scope {scope}, Python {platform.python_version()}, {versions}"


def _reporter(plan: SeedPlan, *, is_twice: bool = False) -> Callable[[Outcome], None]:
    """Return what prints a failed seed: checker, place, both values, knobs, and a line to paste."""

    def report(outcome: Outcome) -> None:
        actors = " ".join(f"{node}={name}" for node, name in outcome.actors.items())
        option = "--twice" if is_twice and outcome.checker == "equal_trace_hashes" else "--trace"
        paste = " ".join(["python -m tests.simulator --seed", str(outcome.seed), *plan.arguments(), option])
        place = f"height {outcome.height}, view {outcome.view}"
        _say(f"seed {outcome.seed} FAILED {outcome.checker} at {place}: {outcome.detail}")
        _say(f"    knobs: {outcome.knobs} {actors}".rstrip())
        _say(f"    {paste}")

    return report


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

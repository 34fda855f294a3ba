"""The command line: `python -m tests.simulator --seed N [--trace]` or `--start S --seeds K [--twice]`."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.simulator.byzantine import ACTORS
from tests.simulator.mutants import MUTANTS, check_mutant
from tests.simulator.run import Outcome, run_seed

ROOT = Path(__file__).resolve().parents[2]

HASH_SEEDS = ("1", "2")
"""Values of PYTHONHASHSEED under which a seed must do the same."""

PACKAGES = ("coincurve", "pynacl", "safe-pysha3", "google-crc32c")
"""Packages whose versions can change what a seed does."""

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.mutants or options.mutant is not None:
        return _run_mutants(sorted(MUTANTS) if options.mutants else [options.mutant])
    if (options.seed is None) == (options.seeds is None) or (options.seeds is not None and options.seeds < 1):
        sys.stderr.write("either --seed N or --seeds K with K of at least 1\n")
        return USAGE_ERROR
    wanted = [options.seed] if options.seed is not None else list(range(options.start, options.start + options.seeds))
    if options.hashes_only:
        for seed in wanted:
            _say(f"{seed} {run_seed(seed, validators=options.n, actor=options.actor).trace_hash}")
        return 0
    _say(_first_line(wanted))
    started = time.monotonic()
    # A seed that was not finished counts as failed, so each leaves this dictionary only when it has passed.
    failed = dict.fromkeys(wanted)
    try:
        for seed in wanted:
            outcome = run_seed(seed, is_traced=options.trace, validators=options.n, actor=options.actor)
            if outcome.checker:
                _report(outcome, _repeated(options))
            else:
                del failed[seed]
        if options.twice:
            failed.update(dict.fromkeys(_differing(wanted, _repeated(options))))
    except KeyboardInterrupt:
        _say("interrupted")
    _say(f"{time.monotonic() - started:.1f} s")
    _say(f"{len(wanted) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _run_mutants(names: Sequence[str]) -> int:
    _say(f"{len(names)} mutants, {_versions()}")
    killed = sum(check_mutant(name, _say) for name in names)
    _say(f"{killed} passed, {len(names) - killed} failed")
    return 0 if killed == len(names) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed")
    parser.add_argument("--trace", action="store_true", help="print a line per event")
    parser.add_argument("--start", type=int, default=1, help="first seed of a range (default 1)")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--n", type=int, help="validators, instead of drawing their number")
    parser.add_argument("--actor", choices=sorted(ACTORS), help="one validator misbehaves like this")
    parser.add_argument("--twice", action="store_true", help="compare traces under two values of PYTHONHASHSEED")
    parser.add_argument("--mutants", action="store_true", help="every wrong rule must be noticed")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="this wrong rule must be noticed")
    parser.add_argument("--hashes-only", action="store_true", help="print each seed's trace hash and judge nothing")
    return parser


def _first_line(wanted: Sequence[int]) -> str:
    seeds = f"seed {wanted[0]}" if len(wanted) == 1 else f"seeds {wanted[0]} to {wanted[-1]}"
    return f"{seeds}, {_versions()}"


def _versions() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    versions = " ".join(f"{package}={version(package)}" for package in PACKAGES)
    commit = found.stdout.strip() or "unknown"
    return f"commit {commit}, scope node, Python {platform.python_version()}, {versions}"


def _repeated(options: argparse.Namespace) -> list[str]:
    """Return the options that change what a seed does."""
    repeated: list[str] = []
    if options.n is not None:
        repeated += ["--n", str(options.n)]
    if options.actor is not None:
        repeated += ["--actor", options.actor]
    return repeated


def _report(outcome: Outcome, repeated: Sequence[str]) -> None:
    actors = " ".join(f"v{index}={name}" for index, name in outcome.actors.items())
    paste = " ".join(["python -m tests.simulator --seed", str(outcome.seed), *repeated, "--trace"])
    _say(f"seed {outcome.seed} FAILED {outcome.checker} at height {outcome.height}: {outcome.detail}")
    _say(f"    knobs: {outcome.knobs.shown()} {actors}".rstrip())
    _say(f"    {paste}")


def _differing(wanted: Sequence[int], repeated: Sequence[str]) -> list[int]:
    """Run the seeds in two interpreters with different hash seeds; return and report those that differ."""
    command = [sys.executable, "-m", "tests.simulator", "--start", str(wanted[0]), "--seeds", str(len(wanted))]
    command += [*repeated, "--hashes-only"]
    answers = [
        subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        for hash_seed in HASH_SEEDS
    ]
    differing: list[int] = []
    for seed, one, other in zip(wanted, *answers, strict=True):
        if one != other:
            differing.append(seed)
            hashes = " and ".join(answer.split()[1][:8] for answer in (one, other))
            _say(f"seed {seed} FAILED equal_trace_hashes: {hashes}")
            _say(f"    PYTHONHASHSEED={HASH_SEEDS[0]} python -m tests.simulator --seed {seed} --trace")
    return differing


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

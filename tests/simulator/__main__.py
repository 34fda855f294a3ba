"""The command line: `python -m tests.simulator --seed N [--trace]` or `--start S --seeds K [--twice]`."""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.simulator.run import Outcome, run_seed

ROOT = Path(__file__).resolve().parents[2]

HASH_SEEDS = ("1", "2")
"""Values of PYTHONHASHSEED under which a seed must do the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    if (options.seed is None) == (options.seeds is None) or (options.seeds is not None and options.seeds < 1):
        sys.stderr.write("either --seed N or --seeds K with K of at least 1\n")
        return 2
    first, count = (options.seed, 1) if options.seed is not None else (options.start, options.seeds)
    _say(
        f"seeds {first} to {first + count - 1}, commit {_commit()}, scope node, Python {platform.python_version()}, "
        f"{platform.machine()}"
    )
    started = time.monotonic()
    failures = 0
    for seed in range(first, first + count):
        if options.hashes_only:
            _say(f"{seed} {run_seed(seed, validators=options.n).trace_hash}")
            continue
        outcome = run_seed(seed, is_traced=options.trace, validators=options.n)
        if outcome.checker:
            _report(outcome, options.n)
        failures += bool(outcome.checker)
    if options.hashes_only:
        return 0
    if options.twice:
        failures += _compare_interpreters(first, count, options.n)
    _say(f"{time.monotonic() - started:.1f} s")
    _say(f"{max(0, count - failures)} passed, {failures} failed")
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed")
    parser.add_argument("--trace", action="store_true", help="print a line per event")
    parser.add_argument("--start", type=int, default=1, help="first seed of a range (default 1)")
    parser.add_argument("--seeds", type=int, help="how many seeds")
    parser.add_argument("--n", type=int, help="validators, instead of drawing their number")
    parser.add_argument("--twice", action="store_true", help="compare traces under two values of PYTHONHASHSEED")
    parser.add_argument(
        "--hashes-only", action="store_true", help="print the trace hash of each seed and judge nothing"
    )
    return parser


def _report(outcome: Outcome, validators: int | None) -> None:
    paste = f"python -m tests.simulator --seed {outcome.seed}" + (f" --n {validators}" if validators else "")
    _say(f"seed {outcome.seed} FAILED {outcome.checker} at height {outcome.height}: {outcome.detail}")
    _say(f"    knobs: {outcome.knobs.shown()}")
    _say(f"    {paste} --trace")


def _compare_interpreters(first: int, count: int, validators: int | None) -> int:
    """Run the seeds in two interpreters with different hash seeds; return how many differ."""
    command = [sys.executable, "-m", "tests.simulator", "--start", str(first), "--seeds", str(count), "--hashes-only"]
    if validators is not None:
        command += ["--n", str(validators)]
    answers = [
        subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[1:]
        for hash_seed in HASH_SEEDS
    ]
    differing = [pair for pair in zip(*answers, strict=True) if pair[0] != pair[1]]
    for one, other in differing:
        seed, left = one.split()
        _say(f"seed {seed} FAILED equal_trace_hashes: {left[:8]} and {other.split()[1][:8]}")
        _say(f"    PYTHONHASHSEED={HASH_SEEDS[0]} python -m tests.simulator --seed {seed} --trace")
    return len(differing)


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `python -m tests.fuzz TARGET|all [--seconds S] [--seed N]`.

Inputs are a function of seed, target and index, so every one can be tried again alone. The last line of every run is
exactly `N passed, M failed`, in targets; the exit code is 0 when M is 0, 1 when not, 2 for usage.
"""

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version

from tests.fuzz.promise import Finding, Target, input_of, shrink, try_input
from tests.fuzz.registry import CORPUS, TARGETS, corpus_of

PACKAGES = ("coincurve", "pynacl", "orjson", "google-crc32c", "cryptography", "aiohttp")
"""Packages that read bytes for us, or whose versions change what an input means."""

USAGE_ERROR = 2

MEASURED_EVERY = 16
"""Memory is measured for one input in so many: it costs as much as ten others."""

INPUT_SECONDS_MAX = 2.0
"""An input that takes longer has found a loop that makes no calls. Only this command looks at a clock."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.target != "all" and options.target not in TARGETS:
        sys.stderr.write(f"no target {options.target!r}; there are: all, {', '.join(TARGETS)}\n")
        return USAGE_ERROR
    chosen = list(TARGETS.values()) if options.target == "all" else [TARGETS[options.target]]
    _say(f"seed {options.seed}, {_versions()}")
    if options.engine == "atheris":
        from tests.fuzz.guided import run_guided  # optional: the package is no dependency

        return run_guided(chosen[0], corpus_of(chosen[0]), seconds=options.seconds)
    failed = 0
    for target in chosen:
        finding = _run_one(target, options) if options.input is not None else _run(target, options)
        if finding is not None:
            failed += 1
            _say(str(finding))
    _say(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="a target's name, or all")
    parser.add_argument("--seconds", type=int, default=10, help="how long each target is tried (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other inputs (default 1)")
    parser.add_argument("--inputs", type=int, help="stop each target after so many inputs, however fast they were")
    parser.add_argument("--input", type=int, help="try only the input with this number")
    parser.add_argument("--keep", action="store_true", help="write what is found into the corpus")
    parser.add_argument("--engine", choices=("mutators", "atheris"), default="mutators", help="who makes the inputs")
    return parser


def _run(target: Target, options: argparse.Namespace) -> Finding | None:
    """Try corpus and inputs until time is up; return the first broken promise, made small."""
    started = time.monotonic()
    seeds = target.seeds()
    for data in corpus_of(target):
        finding = try_input(target, data)
        if finding is not None:
            return finding
    index = 0
    while time.monotonic() - started < options.seconds and index != options.inputs:
        finding = _try_timed(target, input_of(target, seeds, seed=options.seed, index=index), index)
        if finding is not None:
            _say(f"python -m tests.fuzz {target.name} --seed {options.seed} --input {index}")
            finding = shrink(target, finding) if finding.promise != "time" else finding
            if options.keep:
                _keep(finding)
            return finding
        index += 1
    seconds = time.monotonic() - started
    _say(f"{target.name:22} {index:9} inputs {index / seconds:8.0f}/s  {target.entry}")
    return None


def _run_one(target: Target, options: argparse.Namespace) -> Finding | None:
    return _try_timed(target, input_of(target, target.seeds(), seed=options.seed, index=options.input), 0)


def _try_timed(target: Target, data: bytes, index: int) -> Finding | None:
    started = time.monotonic()
    finding = try_input(target, data, is_measured=index % MEASURED_EVERY == 0)
    seconds = time.monotonic() - started
    if finding is None and seconds > INPUT_SECONDS_MAX:
        return Finding(target.name, "time", f"{seconds:.1f} s, at most {INPUT_SECONDS_MAX} s", data)
    return finding


def _keep(finding: Finding) -> None:
    folder = CORPUS / finding.target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sha256(finding.data).hexdigest()[:12]}.bin"
    path.write_bytes(finding.data)
    _say(f"kept in {path.relative_to(CORPUS.parents[2])}")


def _versions() -> str:
    described = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=CORPUS.parent
    )
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"commit {described.stdout.strip() or 'unknown'}, Python {platform.python_version()}, {packages}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

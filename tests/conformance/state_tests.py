"""Runs a whole folder of public state tests.

    python -m tests.conformance.state_tests FOLDER [--fork Cancun] [--jobs N]

Prints each case that fails and, last, one JSON object with the counts by folder.
"""

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from node.execution.statetest import FORKS, run_file

SLOW_S = 20.0
"""Files that take longer are named at once: some only measure speed."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """What one file came to."""

    path: str
    passed: int
    failed: tuple[str, ...]
    seconds: float


def run_path(folder: Path, fork: str, path: Path) -> FileResult:
    """Run one file."""
    started = time.monotonic()
    content = json.loads(path.read_text())
    failed = []
    passed = 0
    if all("post" in test for test in content.values()):
        for result in run_file(content, fork=fork):
            if result.passed:
                passed += 1
            else:
                failed.append(f"{result.name}[{result.index}] error={result.error}")
    return FileResult(str(path.relative_to(folder)), passed, tuple(failed), time.monotonic() - started)


def run_folder(folder: Path, fork: str, jobs: int) -> Iterator[FileResult]:
    """Run every file below a folder, several at a time."""
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(partial(run_path, folder, fork), sorted(folder.rglob("*.json")))


def main() -> None:
    """Run and report; end with 1 if a case failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.state_tests", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fork", choices=sorted(FORKS), default="Prague")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    started = time.monotonic()
    slowest: list[tuple[float, str]] = []
    for result in run_folder(options.folder, options.fork, options.jobs):
        group = result.path.split("/", maxsplit=1)[0]
        passed[group] += result.passed
        failed[group] += len(result.failed)
        if result.seconds > SLOW_S:
            print(f"slow {result.path} {result.seconds:.0f} s", flush=True)
        slowest = sorted([*slowest, (round(result.seconds, 1), result.path)], reverse=True)[:5]
        for case in result.failed:
            print(f"FAILED {result.path} {case}", flush=True)
    total = passed.total() + failed.total()
    print(
        json.dumps(
            {
                "fork": options.fork,
                "cases": total,
                "passed": passed.total(),
                "failed": failed.total(),
                "seconds": round(time.monotonic() - started),
                "failed_by_folder": {group: count for group, count in sorted(failed.items()) if count},
                "slowest_files": slowest,
            }
        )
    )
    raise SystemExit(int(failed.total() > 0))


if __name__ == "__main__":
    main()

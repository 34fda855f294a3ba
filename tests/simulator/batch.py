"""Many seeds on all cores: interpreters that run one seed at a time, and their answers in the order of the seeds.

A seed that no interpreter answered for counts as failed; it is never left out.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.simulator.run import Outcome, SeedPlan, run_seed

ROOT = Path(__file__).resolve().parents[2]

HASH_SEEDS = ("1", "2")
"""Values of PYTHONHASHSEED under which a seed must do the same."""

SEED_SECONDS_MAX = 300
"""Real seconds after which a seed's interpreter is ended: a loop inside one event takes no steps that could be
counted. A slow seed needs ten; half of this would end some on a loaded machine."""


@dataclass(slots=True)
class Tally:
    """What a batch came to."""

    passed: int = 0
    failed: list[int] = field(default_factory=list)
    heights: int = 0
    steps: int = 0
    knobs: dict[str, int] = field(default_factory=dict)
    """In how many seeds each knob was on."""
    deeds: dict[str, int] = field(default_factory=dict)
    """What each Byzantine actor did, by name."""
    effects: dict[str, int] = field(default_factory=dict)
    """How many effects of each kind the machines asked for."""

    def add(self, outcome: Outcome) -> None:
        """Count a seed."""
        if outcome.checker:
            self.failed.append(outcome.seed)
        else:
            self.passed += 1
        self.heights += outcome.height
        self.steps += outcome.steps
        for name in outcome.knobs_on:
            self.knobs[name] = self.knobs.get(name, 0) + 1
        for counts, found in ((self.deeds, outcome.deeds), (self.effects, outcome.effects)):
            for name, count in found.items():
                counts[name] = counts.get(name, 0) + count


class _Interpreter:
    """Another Python that runs seeds. Owned by one thread."""

    def __init__(self, plan: SeedPlan, hash_seed: str) -> None:
        self._plan = plan
        self._hash_seed = hash_seed
        self._process: subprocess.Popen[str] | None = None

    def run(self, seed: int) -> Outcome:
        """Run a seed; a lost interpreter is a failed seed, and the next seed gets a new one."""
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = self._begin()
        assert process.stdin is not None and process.stdout is not None
        alarm = threading.Timer(SEED_SECONDS_MAX, process.kill)
        alarm.start()
        try:
            process.stdin.write(f"{seed}\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            alarm.cancel()
        if not line.endswith("\n"):
            process.kill()
            process.wait()
            return lost(seed, f"its interpreter ended with {process.returncode}")
        return outcome_of(line)

    def end(self) -> None:
        """Let the interpreter go."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()

    def _begin(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.simulator", "--worker", *self._plan.arguments()],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": self._hash_seed},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


class _Pool:
    """Interpreters with one hash seed, one for each thread."""

    def __init__(self, plan: SeedPlan, hash_seed: str, jobs: int) -> None:
        self._plan = plan
        self._hash_seed = hash_seed
        self._own = threading.local()
        self._all: list[_Interpreter] = []
        self._threads = ThreadPoolExecutor(jobs)

    def map(self, seeds: Sequence[int]) -> Iterator[Outcome]:
        """Yield outcomes in the order of the seeds."""
        return self._threads.map(self._run, seeds)

    def end(self) -> None:
        """Begin nothing more and let every interpreter go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for interpreter in self._all:
            interpreter.end()

    def _run(self, seed: int) -> Outcome:
        interpreter: _Interpreter | None = getattr(self._own, "interpreter", None)
        if interpreter is None:
            interpreter = self._own.interpreter = _Interpreter(self._plan, self._hash_seed)
            self._all.append(interpreter)
        return interpreter.run(seed)


def run_batch(
    seeds: Sequence[int], plan: SeedPlan, *, jobs: int, is_twice: bool, failed: Callable[[Outcome], None]
) -> Tally:
    """Run seeds on `jobs` interpreters, call `failed` for each that failed, in their order, and count them all.

    With `is_twice` each seed runs under two hash seeds, and must leave the same trace hash.
    """
    hash_seeds = HASH_SEEDS if is_twice else HASH_SEEDS[:1]
    # An odd core is not used when every seed runs twice.
    pools = [_Pool(plan, hash_seed, max(1, jobs // len(hash_seeds))) for hash_seed in hash_seeds]
    tally = Tally()
    unanswered = dict.fromkeys(seeds)
    try:
        for outcomes in zip(*(pool.map(seeds) for pool in pools), strict=True):
            outcome = _compared(outcomes)
            del unanswered[outcome.seed]
            tally.add(outcome)
            if outcome.checker:
                failed(outcome)
    except KeyboardInterrupt:
        for seed in unanswered:
            outcome = lost(seed, "interrupted")
            tally.add(outcome)
        failed(lost(next(iter(unanswered), 0), f"interrupted, with {len(unanswered)} seeds open"))
    finally:
        for pool in pools:
            pool.end()
    return tally


def _compared(outcomes: Sequence[Outcome]) -> Outcome:
    first = outcomes[0]
    hashes = [outcome.trace_hash for outcome in outcomes]
    if first.checker or len(set(hashes)) == 1:
        return first
    shown = " and ".join(trace_hash[:8] for trace_hash in hashes)
    return replace(first, checker="equal_trace_hashes", detail=f"PYTHONHASHSEED {' and '.join(HASH_SEEDS)}: {shown}")


def serve(plan: SeedPlan) -> None:
    """Run the seeds that come in on standard input, one a line, and answer each with a line."""
    for line in sys.stdin:
        outcome = run_seed(int(line), plan=plan)
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


def outcome_of(line: str) -> Outcome:
    """Return the outcome in a line of `serve`."""
    values: dict[str, Any] = json.loads(line)
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Outcome(**{**values, **lists})


def lost(seed: int, why: str) -> Outcome:
    """Return the outcome of a seed that nobody answered for."""
    return Outcome(seed=seed, checker="no_answer", detail=why)

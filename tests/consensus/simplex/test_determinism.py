"""Equal events give equal effects, whatever the interpreter's hash seed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import hashlib
from consensus.simplex.machine import Machine
from tests.consensus.simplex.test_random_schedules import run_schedule
trace = hashlib.sha256()
plain = Machine.step
def step(self, event, now_ms):
    effects = plain(self, event, now_ms)
    trace.update(repr((now_ms, event, effects)).encode())
    return effects
Machine.step = step
run_schedule(1_003, 4, is_byzantine=True)
print(trace.hexdigest())
"""


def trace_with(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


def test_effects_do_not_depend_on_the_hash_seed() -> None:
    assert trace_with("1") == trace_with("2")

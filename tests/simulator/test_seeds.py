"""A few whole-node seeds in every test run; the command line runs as many as wanted."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEED_COUNT = 6


def test_first_seeds_settle_and_keep_every_invariant() -> None:
    command = [sys.executable, "-m", "tests.simulator", "--start", "1", "--seeds", str(SEED_COUNT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == f"{SEED_COUNT} passed, 0 failed"


def test_no_seeds_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "tests.simulator", "--seeds", "0"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2

"""`python -m tests.offline --seed S --scenarios N --jobs J`: random offline money against the model; one JSON line.

`--scenario K` replays one scenario through both doors. Exits with 1 if anything disagreed.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.offline.episodes import CONTRACT_DOOR_EVERY, Tally, run_scenario


def main() -> int:
    """Run the wanted number of scenarios, or one."""
    parser = argparse.ArgumentParser(prog="python -m tests.offline")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenarios", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--scenario", type=int)
    wanted = parser.parse_args()
    started = time.monotonic()
    # Before the run: a long one may see the next commit.
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    total = Tally()
    if wanted.scenario is not None:
        total = run_scenario(wanted.seed, wanted.scenario, both_doors=True)
    else:
        with ProcessPoolExecutor(wanted.jobs) as pool:
            for tally in pool.map(partial(run_scenario, wanted.seed), range(wanted.scenarios), chunksize=16):
                total.add(tally)
    functions: dict[str, dict[str, int]] = defaultdict(dict)
    for (name, error), count in sorted(total.counts.items()):
        functions[name][error] = count
    command = f"python -m tests.offline --seed {wanted.seed} --scenarios {wanted.scenarios} --jobs {wanted.jobs}"
    report = {
        "command": command,
        "commit": done.stdout.strip(),
        "python": platform.python_version(),
        "scenarios": total.scenarios,
        "calls": total.calls,
        "calls_through_both_doors": total.calls_through_contract,
        "contract_door_every_scenarios": CONTRACT_DOOR_EVERY,
        "seconds": round(time.monotonic() - started),
        "failures": total.failures,
        "functions": functions,
    }
    sys.stdout.write(json.dumps(report) + "\n")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())

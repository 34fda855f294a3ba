"""`python -m tests.money --seed S --operations N --jobs J`: random money against the model; prints one JSON line.

`--episode E` replays one episode through both doors. Exits with 1 if anything disagreed.
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

from tests.money.machine import CONTRACT_DOOR_EVERY, EPISODE_ORDERS, Tally, run_episode


def main() -> int:
    """Run the wanted number of operations, or one episode."""
    parser = argparse.ArgumentParser(prog="python -m tests.money")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--episode", type=int)
    wanted = parser.parse_args()
    started = time.monotonic()
    # Before the run: a long one may see the next commit.
    commit = _commit()
    total = Tally()
    if wanted.episode is not None:
        total = run_episode(wanted.seed, wanted.episode, both_doors=True)
        episodes = 1
    else:
        # Rounded up: at least as many operations as asked for.
        episodes = -(-wanted.operations // EPISODE_ORDERS)
        with ProcessPoolExecutor(wanted.jobs) as pool:
            for tally in pool.map(partial(run_episode, wanted.seed), range(episodes), chunksize=8):
                total.add(tally)
    seconds = time.monotonic() - started
    sys.stdout.write(json.dumps(_report(wanted, total, commit, episodes, seconds)) + "\n")
    return 1 if total.failures else 0


def _report(wanted: argparse.Namespace, total: Tally, commit: str, episodes: int, seconds: float) -> dict[str, object]:
    functions: dict[str, dict[str, int]] = defaultdict(dict)
    for (name, error), count in sorted(total.counts.items()):
        functions[name][error] = count
    command = f"python -m tests.money --seed {wanted.seed} --operations {wanted.operations} --jobs {wanted.jobs}"
    return {
        "command": command,
        "commit": commit,
        "python": platform.python_version(),
        "operations": total.orders,
        "operations_through_both_doors": total.orders_through_contract,
        "contract_door_every_episodes": CONTRACT_DOOR_EVERY,
        "episodes": episodes,
        "blocks": total.blocks,
        "seconds": round(seconds),
        "failures": total.failures,
        "functions": functions,
    }


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

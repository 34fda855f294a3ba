"""One JSON object per run: what was measured, where, with which versions; printed and kept."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("aiohttp", "coincurve", "plyvel", "pynacl", "safe-pysha3", "uvloop")


def keep(name: str, parameters: dict[str, object], results: dict[str, object]) -> None:
    """Print a run as JSON and append it to `results/NAME.jsonl`."""
    run = {
        "benchmark": name,
        "machine": _machine(),
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "parameters": parameters,
        "results": results,
    }
    sys.stdout.write(json.dumps(run, indent=2) + "\n")
    with (RESULTS / f"{name}.jsonl").open("a") as stream:
        stream.write(json.dumps(run) + "\n")


def spread(values: Sequence[float], *, digits: int = 1) -> dict[str, float]:
    """Return minimum, median, 95th and 99th percentile by rank, and maximum."""
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], digits)

    return {
        "min": round(ordered[0], digits),
        "p50": round(statistics.median(ordered), digits),
        "p95": at(0.95),
        "p99": at(0.99),
        "max": round(ordered[-1], digits),
    }


def cpu_seconds(process_ids: Sequence[int]) -> float:
    """Return user and system time that live processes have used so far."""
    ticks = 0
    for process_id in process_ids:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(process_ids: Sequence[int]) -> list[int]:
    """Return the memory each live process holds, in MiB."""
    page = os.sysconf("SC_PAGE_SIZE")
    return [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page // 2**20 for pid in process_ids]


def _machine() -> dict[str, object]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.system().lower()}


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()

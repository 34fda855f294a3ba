"""Which release and commit is running. Reads the source tree, if there is one; never the network."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from node.observe.facts import BuildFacts

DISTRIBUTION = "sycee"
GIT_TIMEOUT_S = 2


@cache
def build_facts() -> BuildFacts:
    """Return version and commit of this program."""
    try:
        release = version(DISTRIBUTION)
    except PackageNotFoundError:
        release = "unpackaged"
    return BuildFacts(version=release, commit=_commit(Path(__file__).resolve().parents[2]))


def describe_build(build: BuildFacts) -> str:
    """Return how people read it: `0.1.0 (3f9a2c1)`, without a commit only the version."""
    return f"{build.version} ({build.commit})" if build.commit else build.version


def _commit(root: Path) -> str:
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""

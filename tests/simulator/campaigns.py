"""Named sets of runs: what every change, every change of consensus and every night must come through.

Each is a table of command lines, so that any of them can be repeated alone.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

NEW_SEEDS_FROM = 1_000_000
"""Seeds below are the fixed ones; those derived from a commit begin here."""

NEW_SEEDS_SPAN = 1_000_000_000

Command = Sequence[str]

CAMPAIGNS: Mapping[str, Sequence[Command]] = {
    "change": (
        ("--seeds", "200", "--half", "--twice"),
        ("--scope", "core", "--seeds", "1000", "--half"),
        ("--scenario", "all"),
        ("--crash-points",),
        ("--twins",),
        ("--explore",),
        ("--mutants",),
    ),
    "consensus": (
        ("--seeds", "667", "--half", "--n", "4"),
        ("--seeds", "667", "--half", "--n", "7"),
        ("--seeds", "666", "--half", "--n", "10"),
    ),
    "nightly": (
        ("--scope", "core", "--seeds", "100000", "--new"),
        ("--seeds", "5000", "--new"),
        ("--scenario", "all"),
        ("--crash-points", "nightly"),
        ("--twins", "nightly"),
        ("--explore", "nightly"),
        ("--mutants",),
    ),
}


def new_seeds(commit: str, count: int) -> list[int]:
    """Return seeds that belong to a commit: every change tries others, and anybody can repeat them."""
    first = NEW_SEEDS_FROM + int.from_bytes(sha256(commit.encode()).digest()[:8], "big") % NEW_SEEDS_SPAN
    return list(range(first, first + count))

"""Everything about a seed that is drawn once. 0 is off; durations are microseconds, means unless said otherwise."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

SECOND_US = 1_000_000

SAFETY_S = {"node": (5, 15), "core": (3, 8)}
"""Shortest and longest safety phase by scope, in simulated seconds; one seed in forty has a minute."""

LONG_SAFETY_S = 60

VALIDATORS = (4,) * 12 + (5, 6, 7, 10)
"""How many validators nine seeds in ten draw from; the others have one or thirteen."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """What goes wrong in a seed, and how badly."""

    validators: int
    safety_us: int
    latency_us: int
    """Longest of a directed link; each draws its own."""
    jitter_percent: int
    bytes_per_ms: int
    queue_divisor: int
    """By which every bound of an outbound queue is divided."""
    latency_spike_every_us: int
    """Of one directed link, to ten times its latency, for up to half a second."""
    loss_per_mille: int
    duplicate_per_mille: int
    reorder_per_mille: int
    link_clog_every_us: int
    """One direction of one link lets nothing through for up to ten seconds, and loses nothing."""
    link_break_every_us: int
    half_open_percent: int
    """Of broken links, those that one side still believes in."""
    partition_every_us: int
    clock_skew_us: int
    """Longest of a healthy clock: any two agree within what a voter tolerates."""
    wild_clocks: int
    """Validators, at most f, whose clocks are wrong by up to a minute, run up to a hundredth too fast and jump."""
    pause_every_us: int
    """A machine stands still."""
    pause_us: int
    """Longest."""
    cpu_factor: int
    """By which one validator's jobs take longer than the others'."""
    job_us: int
    """Longest of building, certifying, recovering."""
    sync_us: int
    """Longest of a sync or a commit."""
    spike_per_mille: int
    """Jobs and syncs in a thousand that take ten times as long."""
    crash_every_us: int
    down_us: int
    away: int
    """Validators, at most f, that are down for the whole safety phase."""
    write_fault_every_us: int
    """An operation of one validator's disk fails: no space, or an input/output error."""
    lost_disks: int
    """Validators, with the Byzantine ones at most f, that lose what they signed or find it damaged."""
    epoch_blocks: int
    """Blocks in an epoch; off is more than a seed ever has."""
    membership_every_us: int
    """Between two changes of the set, where the others stand the seed's faults without whoever is out."""
    payments_per_s: int
    letter_bytes: int
    """Call data of one transaction in eight, so that bodies need several chunks."""
    odd_per_mille: int
    """Submissions in a thousand that are malformed, doubled, out of order or part of a flood."""
    reads_per_s: int
    """Questions about any height to any node."""
    contracts_per_mille: int
    """Payments in a thousand that are creations or calls of contracts instead, many of them hostile."""

    def shown(self) -> str:
        """Return the knobs that are not off, as text."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return " ".join(f"{name}={value}" for name, value in values if value)

    def names_on(self) -> tuple[str, ...]:
        """Return the names of the knobs that are not off."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))


KNOB_NAMES = tuple(field.name for field in fields(Knobs))


def draw_knobs(
    drawn: random.Random,
    *,
    validators: int | None = None,
    scope: str = "node",
    overrides: Mapping[str, int] = MappingProxyType({}),
) -> Knobs:
    """Draw a seed's knobs; each is off with probability ⅓. `overrides` replace what was drawn."""

    def knob(low: int, high: int) -> int:
        value = drawn.randint(low, high)
        return 0 if drawn.randrange(3) == 0 else value

    # Four are the least that stand a fault, and cost least: most seeds have them.
    count = drawn.choice(VALIDATORS) if drawn.randrange(10) else drawn.choice((1, 1, 13))
    count = count if validators is None else validators
    # f; the remainder of the division is margin.
    faulty_max = (count - 1) // 3
    safety_s = drawn.randint(*SAFETY_S[scope]) if drawn.randrange(40) else LONG_SAFETY_S
    values = {
        "safety_us": safety_s * SECOND_US,
        "latency_us": knob(1_000, 150_000),
        "jitter_percent": knob(1, 100),
        # Of a megabit, an eighth is a byte.
        "bytes_per_ms": knob(1, 1_000) * 125,
        "queue_divisor": knob(1, 8),
        "latency_spike_every_us": knob(200, 5_000) * 1_000,
        "loss_per_mille": knob(1, 300),
        "duplicate_per_mille": knob(1, 500),
        "reorder_per_mille": knob(1, 200),
        "link_clog_every_us": knob(1, 20) * SECOND_US,
        "link_break_every_us": knob(1, 60) * SECOND_US,
        "half_open_percent": knob(1, 10),
        "partition_every_us": knob(1, 8) * SECOND_US,
        "clock_skew_us": knob(1, 180) * 1_000,
        "wild_clocks": min(faulty_max, knob(1, 2)),
        "pause_every_us": knob(1, 20) * SECOND_US,
        "pause_us": knob(10, 30_000) * 1_000,
        "cpu_factor": knob(2, 20),
        # Up to three time-outs of a view in one seed of four, else what a healthy machine needs.
        "job_us": knob(1_000, 3_600_000 if drawn.randrange(4) == 0 else 200_000),
        "sync_us": knob(1_000, 200_000),
        "spike_per_mille": knob(1, 20),
        "crash_every_us": knob(300, 60_000 if drawn.randrange(2) else 5_000) * 1_000,
        "down_us": knob(1, 15_000) * 1_000,
        "away": min(faulty_max, knob(1, 2)),
        "write_fault_every_us": knob(1, 30) * SECOND_US,
        "lost_disks": min(faulty_max, knob(1, 2)),
        "epoch_blocks": knob(5, 40),
        "membership_every_us": knob(1, 5) * SECOND_US,
        "letter_bytes": knob(100, 60_000),
        "odd_per_mille": knob(1, 200),
        "reads_per_s": knob(1, 20),
        # 15 seeds in a hundred have no load at all.
        "payments_per_s": drawn.choice((1, 5, 5, 20, 20, 20, 60, 200)) if drawn.randrange(100) >= 15 else 0,
        "contracts_per_mille": knob(1, 100),
    }
    return Knobs(**{"validators": count, **values, **overrides})


def quiet(**values: int) -> tuple[tuple[str, int], ...]:
    """Return overrides that switch every knob off but those given."""
    return tuple({**dict.fromkeys(KNOB_NAMES, 0), "validators": 4, "safety_us": 5 * SECOND_US, **values}.items())

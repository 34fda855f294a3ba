"""The numbers of the protocol: on-chain parameters with their bounds, constants, and the back-off table.

Source: consensus.md §1. All durations are milliseconds.
"""

from dataclasses import dataclass, fields

from consensus.primitives.scalars import View

RESEND_MS = 2_000
"""TR: how often own votes are sent again while something is due. Half would double the traffic of a bad spell."""

STATUS_EVERY_MS = 2_000
"""How often a node tells its peers where it is."""

VOTE_WINDOW_AHEAD = 10
"""Votes are kept for views up to this far ahead; certificates move a node that is further behind."""

EVIDENCE_WINDOW_BEHIND = 256
"""Votes are kept this many views below the floor, so that late conflicts are still seen."""

HELD_PROPOSALS_AHEAD = 2
"""Proposals are held for views up to this far ahead."""

JUSTIFICATION_NULLIFICATIONS_MAX = 32
"""Nullifications attached to one proposal; older ones are fetched by those who lack them."""

OWN_FINALIZE_RESEND_MAX = 8
"""Own finalize votes above the floor that are sent again."""

INACTIVE_VIEWS_MAX = 16
"""A leader without a vote in the last n ended views, at most this many, is passed over while a quorum of others voted
in each. With n the dead cost one time-out; a set of thirty need not wait for a whole turn."""

INACTIVE_LINK_MS = 3_000
"""A leader whose link has been down this long is passed over."""

CARRY_LAG_FACTOR = 2
"""An empty block carries an unfinal tip after this many times what the newest finalization took. One would race with
every finalization, three would only make a tip wait that nobody finalizes."""

ANSWER_EVERY_MS = 1_000
"""At most one answer per peer to its outdated votes in this time."""

BACKOFF_THOUSANDTHS = (1_000, 1_500, 2_250, 3_375, 5_062, 7_593, 8_000)
"""b(k): a table, because floats are forbidden; capped, because unbounded doubling keeps healed networks down."""


def backoff(duration_ms: int, *, view: View, floor: View) -> int:
    """Return `duration_ms` · b(k) with k = max(0, view − floor − 2), rounded down to whole milliseconds."""
    k = max(0, view - floor - 2)
    return duration_ms * BACKOFF_THOUSANDTHS[min(k, len(BACKOFF_THOUSANDTHS) - 1)] // 1_000


class ParameterOutOfBounds(ValueError):
    """A value that no node accepts."""

    def __init__(self, name: str, value: int, minimum: int, maximum: int) -> None:
        self.name = name
        self.value = value
        self.minimum = minimum
        self.maximum = maximum
        super().__init__(f"{name} is {value}, must be between {minimum} and {maximum}")


@dataclass(frozen=True, slots=True)
class Parameters:
    """On-chain values, read at the first block of an epoch and fixed for it."""

    network_delta_ms: int = 400
    """Δ: bound on one message's way that time-outs assume."""
    build_budget_ms: int = 300
    """Time a leader gets to build."""
    certify_budget_ms: int = 300
    """Time a validator gets to execute."""
    block_interval_min_ms: int = 100
    """Least time between two blocks."""
    empty_block_interval_ms: int = 10_000
    """Heartbeat of an idle chain."""
    epoch_blocks_max: int = 3_600
    """Blocks in an epoch."""
    block_bytes_max: int = 2 * 1024 * 1024
    """Length of a body in bytes."""
    timestamp_ahead_max_ms: int = 500
    """How far a proposal may be ahead of a voter's clock."""
    timestamp_behind_max_ms: int = 10_000
    """How far it may be behind when first received."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value: int = getattr(self, field.name)
            minimum, maximum = BOUNDS[field.name]
            if not minimum <= value <= maximum:
                raise ParameterOutOfBounds(field.name, value, minimum, maximum)
        leader_timeout_ms = self.block_interval_min_ms + self.build_budget_ms + 2 * self.network_delta_ms
        if self.empty_block_interval_ms < 4 * leader_timeout_ms:
            raise ParameterOutOfBounds(
                "empty_block_interval_ms",
                self.empty_block_interval_ms,
                4 * leader_timeout_ms,
                BOUNDS["empty_block_interval_ms"][1],
            )


BOUNDS = {
    "network_delta_ms": (50, 5_000),
    "build_budget_ms": (50, 5_000),
    "certify_budget_ms": (50, 5_000),
    "block_interval_min_ms": (20, 10_000),
    "empty_block_interval_ms": (1_000, 600_000),
    "epoch_blocks_max": (5, 100_000),
    "block_bytes_max": (64 * 1024, 8 * 1024 * 1024),
    "timestamp_ahead_max_ms": (100, 5_000),
    "timestamp_behind_max_ms": (5_000, 60_000),
}
"""Compiled into every node: a value outside is refused whoever proposes it."""

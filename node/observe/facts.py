"""What a node knows of itself at one moment: the only thing that health, status and metrics read.

A snapshot of plain values, collected on the loop thread. It holds nothing secret.
"""

from dataclasses import dataclass

from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, ValidatorIndex, View


@dataclass(frozen=True, slots=True)
class BuildFacts:
    """Which program this is."""

    version: str
    """Release, as the distribution says."""
    commit: str
    """Short commit of a source tree; empty when installed from a wheel."""


@dataclass(frozen=True, slots=True)
class ValidatorFacts:
    """One validator of the epoch."""

    index: ValidatorIndex
    name: str
    operator: Address
    consensus_key: bytes
    endpoints: tuple[str, ...]
    nullified_views: int
    """Views this validator led in the recent window that ended in a nullification."""
    led_views: int
    """Views it led in that window."""
    signed_blocks: int
    """Finalizations of the recent window that carry its vote."""


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """One link of the mesh."""

    peer: str
    """Name of the validator at the other end."""
    is_up: bool
    rtt_ms: int | None
    """Last measured round trip; None while nothing was measured."""
    clock_offset_ms: int | None
    """Peer's clock minus ours; None while nothing was measured."""


@dataclass(frozen=True, slots=True)
class SupplyFacts:
    """One currency's total supply at the final height."""

    code: str
    decimals: int
    supply_minor: int


@dataclass(frozen=True, slots=True)
class ResumeFacts:
    """A validator that may have forgotten votes and does not vote yet."""

    reason: str
    """What happened to its memory, in one sentence."""
    resume_view: View | None
    """First view it will vote in; None while it waits for answers."""
    answers_needed: int
    answered: tuple[str, ...]
    """Names of validators that have proved where they are."""
    missing: tuple[str, ...]
    forgetful: tuple[str, ...]
    """Those that answered that they have forgotten too."""
    obstacle: str
    """Why it cannot end without people, and what they must do; empty while it can."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node at one moment."""

    build: BuildFacts
    role: str
    """validator or follower."""
    name: str
    chain_id: int
    network_name: str
    genesis_hash: Hash32
    validator_index: ValidatorIndex | None
    """Own index in the epoch's set; None when not in it."""
    validators: tuple[ValidatorFacts, ...]
    quorum: int
    epoch: Epoch
    epoch_height_first: Height
    epoch_blocks_max: int
    view: View
    view_final: View
    """View of the last final block."""
    height_final: Height
    hash_final: Hash32
    state_root: bytes
    """After the last final block."""
    timestamp_final_ms: TimestampMs
    final_age_ms: int
    """Since this node learned of the last finalization, or started."""
    empty_block_interval_ms: int
    height_best: Height
    """Highest final height any linked peer reports, own included."""
    is_syncing: bool
    links: tuple[LinkFacts, ...]
    recent_window_blocks: int
    """Number of final blocks `signed_blocks` counts over: 50, fewer on a young chain."""
    pending_count: int
    pending_max: int
    pending_oldest_age_ms: int
    """Age of the oldest executable pending transaction; 0 when there is none."""
    loop_idle_ms: int
    """Since the event loop last ran."""
    is_wal_writable: bool
    wal_fsync_p99_us: int
    disk_free_thousandths: int
    """Free share of the data disk, in thousandths."""
    resident_bytes: int
    evidence_count: int
    uptime_ms: int
    supplies: tuple[SupplyFacts, ...]
    resume: ResumeFacts | None = None
    """Set while this validator does not vote because it may have forgotten votes."""
    voting_stopped: str = ""
    """Why this validator votes no more; empty while it votes."""

    @property
    def height_lag(self) -> int:
        return max(0, self.height_best - self.height_final)

    @property
    def links_up(self) -> int:
        return sum(link.is_up for link in self.links)

    @property
    def clock_offset_ms(self) -> int:
        """Median of what the peers' clocks say; the lower middle of an even number; 0 without peers."""
        offsets = sorted(link.clock_offset_ms for link in self.links if link.is_up and link.clock_offset_ms is not None)
        return offsets[(len(offsets) - 1) // 2] if offsets else 0

    @property
    def slowest_link(self) -> LinkFacts | None:
        """The link with the longest round trip; None while nothing was measured."""
        measured = [link for link in self.links if link.is_up and link.rtt_ms is not None]
        return max(measured, key=lambda link: link.rtt_ms or 0, default=None)

    @property
    def own(self) -> ValidatorFacts | None:
        """This node's line in the validator set; None when it is not in it."""
        return None if self.validator_index is None else self.validators[self.validator_index]

    @property
    def quorum_margin(self) -> int:
        """How many more validators may fail before nothing becomes final: those reachable, itself included, minus Q."""
        return self.links_up + (self.validator_index is not None) - self.quorum

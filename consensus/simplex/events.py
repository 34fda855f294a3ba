"""Everything the machine can be told. Source: consensus.md §6."""

from dataclasses import dataclass
from enum import Enum

from consensus.primitives.scalars import Epoch, Hash32, Height, TimestampMs, ValidatorIndex, View
from consensus.simplex.messages import Certificate, Proposal, Vote
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import Record
from consensus.simplex.stop_reason import StopReason
from consensus.simplex.validators import ValidatorSet
from consensus.simplex.verified import Verified


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What agreement needs of a header; the host reads it and checks everything else."""

    digest: Hash32
    parent_digest: Hash32
    height: Height
    epoch: Epoch
    view: View
    timestamp_ms: TimestampMs


class Verdict(Enum):
    """What executing a block came to. Time-outs, full disks and missing parents are UNKNOWN, never INVALID."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class TimerKind(Enum):
    """The timers of the machine; at most one of each runs."""

    LEADER = "TL"
    ADVANCE = "TA"
    PROPOSE = "TP"
    WAKE = "wake"
    RESEND = "TR"


@dataclass(frozen=True, slots=True)
class ViewZero:
    """The final block an epoch or a restart begins from."""

    facts: HeaderFacts
    view: View
    """View of its finalization, the floor; 0 at the beginning of an epoch."""
    finalization: Certificate | None
    """None for view 0."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """First event: where the final chain on disk ends, and every durable record above it, in order."""

    head: ViewZero
    validators: ValidatorSet
    parameters: Parameters
    own_index: ValidatorIndex | None
    """None for a node that follows without voting."""
    records: tuple[Record, ...]
    headers: tuple[HeaderFacts, ...]
    """Facts of the headers among the records."""
    bodies: tuple[Hash32, ...]
    """Digests whose bodies are on disk."""
    resume_view: View
    """Nothing below it is signed; 0 unless the lost-disk rule applied, RESUME_VIEW_UNKNOWN while it waits."""
    stopped: StopReason | None = None
    """Why this key has stopped voting in an earlier life."""


@dataclass(frozen=True, slots=True)
class ResumeViewFound:
    """Statuses of a quorum of others prove that nothing was signed in this view of the epoch, nor above it."""

    epoch: Epoch
    view: View


@dataclass(frozen=True, slots=True)
class ProposalReceived:
    """A proposal whose signatures are all checked."""

    proposal: Verified[Proposal]
    facts: HeaderFacts


@dataclass(frozen=True, slots=True)
class VoteReceived:
    """A vote whose signature is checked; own votes come back this way after their sync."""

    vote: Verified[Vote]


@dataclass(frozen=True, slots=True)
class CertificateReceived:
    """A certificate whose signatures are all checked."""

    certificate: Verified[Certificate]


@dataclass(frozen=True, slots=True)
class HeaderFetched:
    """A header that was missing below a finalization or notarization."""

    facts: HeaderFacts
    header: bytes


@dataclass(frozen=True, slots=True)
class BodyAvailable:
    """The body is whole, has the header's root, and is appended to the WAL."""

    digest: Hash32


@dataclass(frozen=True, slots=True)
class BlockBuilt:
    """The block asked for, executed; its body is appended to the WAL."""

    view: View
    facts: HeaderFacts
    header: bytes
    body_bytes: int
    last_of_epoch: bool


@dataclass(frozen=True, slots=True)
class BlockCertified:
    """What executing a block came to."""

    digest: Hash32
    verdict: Verdict
    last_of_epoch: bool


@dataclass(frozen=True, slots=True)
class ChainAdvanced:
    """The host caught up from peers: this block is final, executed and committed."""

    head: ViewZero


@dataclass(frozen=True, slots=True)
class SyncChanged:
    """The host began or ended catching up; while it does, this node neither proposes nor notarizes."""

    is_syncing: bool


@dataclass(frozen=True, slots=True)
class Persisted:
    """The Persist with that sequence is on disk."""

    sequence: int


@dataclass(frozen=True, slots=True)
class PendingChanged:
    """Whether an admitted, executable transaction is not in the tip's chain."""

    is_pending: bool


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that was set; one for an old view is ignored."""

    kind: TimerKind
    view: View


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A validator's link went up or down, or its verified status arrived."""

    validator: ValidatorIndex
    is_up: bool


@dataclass(frozen=True, slots=True)
class EpochReady:
    """The last block of the epoch is final and committed; the next epoch begins on it."""

    head: ViewZero
    validators: ValidatorSet
    parameters: Parameters
    own_index: ValidatorIndex | None


Event = (
    Recovered
    | ProposalReceived
    | VoteReceived
    | CertificateReceived
    | HeaderFetched
    | BodyAvailable
    | BlockBuilt
    | BlockCertified
    | ChainAdvanced
    | SyncChanged
    | Persisted
    | PendingChanged
    | TimerFired
    | PeerStatus
    | ResumeViewFound
    | EpochReady
)

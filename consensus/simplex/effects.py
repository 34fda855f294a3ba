"""Everything the machine asks for, and what the host MUST do for each. Source: consensus.md §6.

Order in a turn: every Persist of the turn is appended, those that must be synced are synced once, then all other
effects are performed in the order given.
"""

from dataclasses import dataclass

from consensus.primitives.scalars import Hash32, TimestampMs, ValidatorIndex, View
from consensus.simplex.events import TimerKind
from consensus.simplex.evidence import Evidence
from consensus.simplex.messages import Certificate, Statement
from consensus.simplex.records import Record
from consensus.simplex.stop_reason import StopReason as StopReason


@dataclass(frozen=True, slots=True)
class Persist:
    """Append the records in order to the WAL, own votes to the sign guard too, and report `Persisted`.

    With `must_sync` no other effect of the turn may be performed before all of it is on disk.
    """

    sequence: int
    records: tuple[Record, ...]
    must_sync: bool


@dataclass(frozen=True, slots=True)
class UnsignedProposal:
    """A proposal that waits for its leader's signature."""

    header: bytes
    body_bytes: int
    parent_certificate: Certificate | None
    nullifications: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class SignAndSend:
    """After the sync: sign the statement through the guard, send the vote to all, hand it back as VoteReceived.

    With `proposal` the signed vote goes out inside it. Asked again for the same statement, send the stored signature.
    """

    statement: Statement
    proposal: UnsignedProposal | None


@dataclass(frozen=True, slots=True)
class Send:
    """Queue certificates for one validator and return; never block."""

    to: ValidatorIndex
    certificates: tuple[Certificate, ...]


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Queue a certificate for every validator and return; never block."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Build on the executed parent and report BlockBuilt; abandon it when its view is over."""

    parent: Hash32
    view: View
    timestamp_ms: TimestampMs


@dataclass(frozen=True, slots=True)
class Certify:
    """Execute the block on its parent and report BlockCertified. Asked again, do not execute twice."""

    digest: Hash32


@dataclass(frozen=True, slots=True)
class FetchBlock:
    """Get header and body from peers, those in `hints` first, until they arrive or the floor passes.

    Report HeaderFetched if the header was missing, and BodyAvailable.
    """

    digest: Hash32
    hints: tuple[ValidatorIndex, ...]


@dataclass(frozen=True, slots=True)
class FetchCertificates:
    """Get certificates of these views from peers until something arrives or the floor passes."""

    view_first: View
    view_last: View


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire once at `at_ms`, replacing the timer of that kind; None only cancels it."""

    kind: TimerKind
    view: View
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Finalize:
    """Commit each block in order, one synced batch each, then tell clients; at an epoch's end report EpochReady."""

    digests: tuple[Hash32, ...]
    """Oldest first; the last one carries the finalization."""
    finalization: Certificate


@dataclass(frozen=True, slots=True)
class ReportEvidence:
    """Store it, gossip it once."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StopVoting:
    """Alarm. Nothing is signed any more; keep following and serving reads."""

    reason: StopReason


Effect = (
    Persist
    | SignAndSend
    | Send
    | Broadcast
    | BuildBlock
    | Certify
    | FetchBlock
    | FetchCertificates
    | SetTimer
    | Finalize
    | ReportEvidence
    | StopVoting
)

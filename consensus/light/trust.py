"""What a light client trusts, and how that moves: forward only.

Trust begins at a header that commits to a validator set (a waypoint) and follows the epochs from there. Nothing here
reads a clock; the caller says what time it is. The errors of this folder are drawn here.

LightError (ValueError)              the evidence does not prove what it was given for
├── MalformedEvidence                bytes that are no header, certificate, payload or account
├── WrongEpoch                       signed by a set that is not the trusted one
├── WrongView                        the finalization is for another view than the header's
├── WrongDigest                      the finalization is for another block
├── LinkBroken                       linking headers that are no chain of children
├── CertificateNotValid              too few signers, an unknown or repeated one, a wrong signature, another chain
├── GenesisMismatch                  the genesis header is not that of the trusted document
├── WaypointMismatch                 a header that is not the pinned one
├── ValidatorSetMismatch             a validator set that the header does not commit to
├── ValueNotProven                   Merkle nodes that prove something else
├── ConflictingFinality              two valid finalizations for one height
├── TrustPeriodExceeded              what is trusted is too old to follow silently
└── (in attestation.py) AttestationNotValid, CommitteeUnknown, CommitteeMismatch, OutsideCommitteeTime
"""

from dataclasses import dataclass, replace
from typing import Final

from consensus.primitives.scalars import Epoch, Hash32, Height, TimestampMs
from consensus.simplex.validators import ValidatorSet

TRUST_PERIOD_MS: Final = 14 * 24 * 3600 * 1000
"""Milliseconds for which a trusted set is followed without asking: 14 days. Longer, and banks that left long ago could
sign another history with keys nobody guards any more; shorter, and a wallet in a drawer needs a new card too often."""


class LightError(ValueError):
    """Evidence that does not prove what it was given for. `check` names the check that failed."""

    check = "evidence"


class MalformedEvidence(LightError):
    """Bytes that cannot be what they are given as."""

    check = "encoding"

    def __init__(self, part: str, detail: str) -> None:
        self.part = part
        self.detail = detail
        super().__init__(f"{part} is not decodable: {detail}")


class WrongEpoch(LightError):
    """Evidence of another epoch than the one whose validators are trusted."""

    check = "epoch"

    def __init__(self, part: str, *, found: int, trusted: int) -> None:
        self.part = part
        self.found = found
        self.trusted = trusted
        super().__init__(f"{part} is of epoch {found}, trusted are the validators of epoch {trusted}")


class WrongView(LightError):
    """Only an epoch's last block may be finalized in a later view than its own."""

    check = "view"

    def __init__(self, *, header_view: int, certificate_view: int) -> None:
        self.header_view = header_view
        self.certificate_view = certificate_view
        super().__init__(f"the header is of view {header_view}, its finalization of view {certificate_view}")


class WrongDigest(LightError):
    """The finalization is for another block than the last header given."""

    check = "digest"

    def __init__(self, *, header_hash: bytes, signed: bytes) -> None:
        self.header_hash = header_hash
        self.signed = signed
        super().__init__(f"the header hashes to 0x{header_hash.hex()}, the validators signed 0x{signed.hex()}")


class LinkBroken(LightError):
    """A linking header that is not the child of the one before."""

    check = "linking headers"

    def __init__(self, height: int, detail: str) -> None:
        self.height = height
        self.detail = detail
        super().__init__(f"linking header at height {height}: {detail}")


class CertificateNotValid(LightError):
    """A certificate that is not a quorum's."""

    check = "finalization"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the finalization is not by a quorum of the trusted validators: {detail}")


class GenesisMismatch(LightError):
    """The genesis header is not that of the trusted genesis document."""

    check = "genesis"

    def __init__(self, field: str, *, found: object, trusted: object) -> None:
        self.field = field
        self.found = found
        self.trusted = trusted
        super().__init__(f"genesis header, {field}: found {found}, the trusted genesis document says {trusted}")


class WaypointMismatch(LightError):
    """A header that is not the one a person pinned."""

    check = "waypoint"

    def __init__(self, field: str, *, found: object, pinned: object) -> None:
        self.field = field
        self.found = found
        self.pinned = pinned
        super().__init__(f"pinned header, {field}: found {found}, the waypoint says {pinned}")


class ValidatorSetMismatch(LightError):
    """A validator set that the header does not commit to, or one of the wrong epoch."""

    check = "validator set"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the validator set does not follow: {detail}")


class ValueNotProven(LightError):
    """Merkle nodes that do not prove the value under the final header."""

    check = "Merkle proof"

    def __init__(self, subject: str, detail: str) -> None:
        self.subject = subject
        self.detail = detail
        super().__init__(f"{subject} is not proven: {detail}")


class ConflictingFinality(LightError):
    """Two different blocks of one height, both finalized: at least f + 1 validators signed twice."""

    check = "agreement"

    def __init__(self, height: int, *, trusted: bytes, found: bytes) -> None:
        self.height = height
        self.trusted = trusted
        self.found = found
        super().__init__(
            f"two blocks are final at height {height}: 0x{trusted.hex()} and 0x{found.hex()}; validators signed both"
        )


class TrustPeriodExceeded(LightError):
    """The newest evidence seen is older than the trust period."""

    check = "trust period"

    def __init__(self, *, age_ms: int, period_ms: int) -> None:
        self.age_ms = age_ms
        self.period_ms = period_ms
        # Whole days on both sides; the remainder changes nothing for a reader.
        super().__init__(
            f"the newest final header known is {age_ms // 86_400_000} days old, "
            f"at most {period_ms // 86_400_000} days are followed without a fresh waypoint"
        )


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A final block by name."""

    epoch: Epoch
    height: Height
    hash: Hash32
    """keccak-256 of its header."""


@dataclass(frozen=True, slots=True)
class TrustedState:
    """Everything a light client believes."""

    chain_id: int
    """Inside every signature; another network's votes do not count."""
    genesis_hash: Hash32
    """Likewise."""
    epoch: Epoch
    """The epoch of `validators`."""
    validators: ValidatorSet
    """Who votes in it."""
    anchor: Waypoint
    """The block that committed to `validators`: genesis, or the last of the epoch before."""
    highest: Waypoint
    """The highest final block seen; never goes back."""
    refreshed_ms: TimestampMs
    """Time of the newest evidence, or when the user accepted the waypoint: the trust period begins here."""


def advance(trusted: TrustedState, point: Waypoint, timestamp_ms: TimestampMs) -> TrustedState:
    """Return `trusted` with a final block taken notice of; an older one changes nothing.

    Raises: ConflictingFinality if another block of the same height is the highest known.
    """
    highest = trusted.highest
    if point.height == highest.height and point.hash != highest.hash:
        raise ConflictingFinality(point.height, trusted=highest.hash, found=point.hash)
    if point.height <= highest.height:
        return trusted
    return replace(trusted, highest=point, refreshed_ms=max(trusted.refreshed_ms, timestamp_ms))


def validate_trust_period(trusted: TrustedState, now_ms: TimestampMs, period_ms: int = TRUST_PERIOD_MS) -> None:
    """Check that what is trusted is young enough to be followed. Raises: TrustPeriodExceeded."""
    age_ms = now_ms - trusted.refreshed_ms
    if age_ms > period_ms:
        raise TrustPeriodExceeded(age_ms=age_ms, period_ms=period_ms)

"""Attestations: what a quorum of validators says of a slot to somebody who has no network. Pure functions over bytes.

A committee is the attestation keys of a validator set. Online it follows from the sets that headers commit to; offline
one committee introduces the next. Time is always an argument, in seconds as on the ledger. Nothing here knows what the
attested words mean. Source: offline.md §7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from consensus.chain.header import decode_header
from consensus.light.trust import LightError, TrustedState, TrustPeriodExceeded
from consensus.light.verify import verify_handoff
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Address, Epoch, Hash32, Height
from consensus.primitives.signatures import (
    ED25519_KEY_BYTES,
    ED25519_SIGNATURE_BYTES,
    is_valid_ed25519,
    is_valid_ed25519_key,
)
from consensus.simplex.validators import VALIDATORS_MAX, ValidatorSet

ATTESTATION_PREFIX: Final = b"sycee/attest/1"
"""No other signed bytes of the network begin with it."""

ATTESTATION_BYTES: Final = 123
"""Length of the signed bytes."""

TRUST_PERIOD_S: Final = 14 * 24 * 3600
"""Seconds after the newest header seen online for which committees are followed on a peer's word: 14 days. Longer, and
a quorum of banks that left could introduce a committee of its own; shorter, and a holiday ends acceptance."""

PROMISE_AGE_S_MAX: Final = 90 * 24 * 3600
"""Seconds an attested word may reach into the future: 90 days. Keys of retired committees are worthless behind it."""

COMMITTEES_KEPT_MAX: Final = 64
"""Committees remembered: more changes than 90 days of daily epochs with a change each second day bring."""


class AttestedKind(IntEnum):
    """What is attested."""

    LOCK = 1
    """The word of a lock."""
    PURSE = 2
    """The word of a purse."""
    COMMITTEE = 3
    """The next committee, by the one before it."""
    REVOCATIONS = 4
    """The list of revoked purses and owners."""


class AttestationNotValid(LightError):
    """An attestation that is not a quorum's."""

    check = "attestation"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the attestation is not by a quorum of its committee: {detail}")


class CommitteeUnknown(LightError):
    """Signed by a committee that is not trusted, or not yet."""

    check = "committee"

    def __init__(self, *, found: int, newest: int) -> None:
        self.found = found
        self.newest = newest
        super().__init__(f"signed by committee {found}, trusted is up to {newest}: go online, or receive a COMMITTEE")


class CommitteeMismatch(LightError):
    """A committee that does not follow the trusted one."""

    check = "committee"

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"the committee does not follow: {detail}")


class OutsideCommitteeTime(LightError):
    """A statement about a time at which its committee did not speak, or that reaches too far ahead."""

    check = "time"

    def __init__(self, what: str, *, time_s: int, bound_s: int) -> None:
        self.what = what
        self.time_s = time_s
        self.bound_s = bound_s
        super().__init__(f"{what}: {time_s} s, the bound is {bound_s} s")


@dataclass(frozen=True, slots=True)
class AttestationDomain:
    """What ties attestations to one contract on one network."""

    chain_id: int
    contract: Address
    """OfflineLocks."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """One attested fact of final state."""

    kind: AttestedKind
    id: Hash32
    """Lock, purse, hash of the committee's record, or hash of the list."""
    word: bytes
    """32 bytes: the storage word, zero for a committee, the count of a list."""
    committee: int
    """u32: number of the committee that signs."""
    height: Height
    time_s: int
    """u32: timestamp of the header at `height`."""


@dataclass(frozen=True, slots=True)
class AttestationCertificate:
    """Who signed, and where: the part of an attestation that travels beside the fact."""

    committee: int
    height: Height
    time_s: int
    bitmap: bytes
    """Bit i mod 8 of byte ⌊i/8⌋ stands for key i, low bit first."""
    signatures: bytes
    """64 bytes each, in the order of the keys."""

    @property
    def signers(self) -> tuple[int, ...]:
        """Return the indices in the bitmap, ascending."""
        return tuple(at for at in range(8 * len(self.bitmap)) if self.bitmap[at >> 3] >> (at & 7) & 1)


@dataclass(frozen=True, slots=True)
class Committee:
    """Attestation keys and since when they speak."""

    number: int
    """u32: rises by one with each change of the keys, not with each epoch; genesis has 0."""
    first_epoch: Epoch
    start_s: int
    """u32: timestamp of the header that commits to the set; the state after it is this committee's."""
    keys: tuple[bytes, ...]
    """ed25519, in the order of the validator set."""

    @property
    def quorum(self) -> int:
        """Return Q = n − f. The remainder of the division is safety margin that cannot be used."""
        return len(self.keys) - (len(self.keys) - 1) // 3


@dataclass(frozen=True, slots=True)
class CommitteeTrust:
    """Everything somebody without a network believes of validators."""

    domain: AttestationDomain
    committees: tuple[Committee, ...]
    """Ascending numbers without a gap; the last is the newest known."""
    anchor_time_s: int
    """Time of the newest header verified online, or the start of a committee followed since."""

    @property
    def newest(self) -> Committee:
        """Return the newest committee known."""
        return self.committees[-1]


def attested_bytes(domain: AttestationDomain, attestation: Attestation) -> bytes:
    """Return the 123 bytes that a validator signs as they are, with its attestation key."""
    signed = (
        ATTESTATION_PREFIX
        + attestation.kind.to_bytes(1, "big")
        + domain.chain_id.to_bytes(8, "big")
        + domain.contract
        + attestation.id
        + attestation.word
        + attestation.committee.to_bytes(4, "big")
        + attestation.height.to_bytes(8, "big")
        + attestation.time_s.to_bytes(4, "big")
    )
    assert len(signed) == ATTESTATION_BYTES
    return signed


def committee_record_hash(chain_id: int, committee: Committee) -> Hash32:
    """Return the id under which a committee is attested by the one before it.

    keccak(u64 chain ‖ u32 number ‖ u64 first epoch ‖ u32 start ‖ u16 n ‖ n × 32-byte keys).
    """
    return keccak256(
        chain_id.to_bytes(8, "big")
        + committee.number.to_bytes(4, "big")
        + committee.first_epoch.to_bytes(8, "big")
        + committee.start_s.to_bytes(4, "big")
        + len(committee.keys).to_bytes(2, "big")
        + b"".join(committee.keys)
    )


def committee_of(validators: ValidatorSet, *, number: int, start_s: int) -> Committee:
    """Return the committee of a trusted validator set, as number `number`, beginning with this set's epoch.

    Raises: CommitteeMismatch if two validators have one key: its signature would count twice.
    """
    keys = tuple(validator.attestation_key for validator in validators.validators)
    _require_distinct(keys)
    return Committee(number, validators.epoch, start_s, keys)


def next_committee(committee: Committee, validators: ValidatorSet, *, start_s: int) -> Committee:
    """Return the committee of the epoch that begins with `validators`: the same one if the keys are the same.

    `start_s` is the timestamp of the header that commits to the set.

    Raises: CommitteeMismatch if two validators have one key.
    """
    if tuple(validator.attestation_key for validator in validators.validators) == committee.keys:
        return committee
    return committee_of(validators, number=committee.number + 1, start_s=start_s)


def assemble_attestation(
    committee: Committee, attestation: Attestation, signatures: Mapping[int, bytes]
) -> AttestationCertificate:
    """Return the certificate of exactly Q verified signatures, those of the lowest indices."""
    signers = sorted(signatures)[: committee.quorum]
    assert len(signers) == committee.quorum
    # Seven bits of rounding up: a started byte counts.
    bitmap = bytearray((len(committee.keys) + 7) // 8)
    for signer in signers:
        bitmap[signer >> 3] |= 1 << (signer & 7)
    return AttestationCertificate(
        committee.number,
        attestation.height,
        attestation.time_s,
        bytes(bitmap),
        b"".join([signatures[signer] for signer in signers]),
    )


def verify_signature(
    domain: AttestationDomain, committee: Committee, attestation: Attestation, *, index: int, signature: bytes
) -> bool:
    """Tell whether `signature` is that of key `index` over the attestation."""
    return 0 <= index < len(committee.keys) and is_valid_ed25519(
        committee.keys[index], attested_bytes(domain, attestation), signature
    )


def verify_attestation(
    trust: CommitteeTrust,
    certificate: AttestationCertificate,
    *,
    kind: AttestedKind,
    id: Hash32,
    word: bytes,
    promised_until_s: int = 0,
) -> tuple[int, ...]:
    """Check that a quorum of a trusted committee attested `word` for `id`, and return the signers' indices.

    `promised_until_s` is the last second at which the word is to hold; 0 if it promises nothing.

    Raises: CommitteeUnknown, OutsideCommitteeTime, AttestationNotValid.
    """
    committee, successor = _committee_numbered(trust, certificate.committee)
    time_s = certificate.time_s
    if time_s < committee.start_s:
        raise OutsideCommitteeTime("attested before its committee began", time_s=time_s, bound_s=committee.start_s)
    if successor is not None and time_s >= successor.start_s:
        raise OutsideCommitteeTime("attested after its committee ended", time_s=time_s, bound_s=successor.start_s)
    if promised_until_s > time_s + PROMISE_AGE_S_MAX:
        raise OutsideCommitteeTime(
            "promised too far ahead", time_s=promised_until_s, bound_s=time_s + PROMISE_AGE_S_MAX
        )
    attestation = Attestation(kind, id, word, certificate.committee, certificate.height, time_s)
    return _verify_quorum(trust.domain, committee, attestation, certificate)


def follow_committee(
    trust: CommitteeTrust,
    committee: Committee,
    certificate: AttestationCertificate,
    *,
    now_s: int,
    trust_period_s: int = TRUST_PERIOD_S,
) -> CommitteeTrust:
    """Return the trust moved one committee forward on the word of the newest trusted one.

    A committee that is known already changes nothing. What is attested is the record at the header that ended the
    committee before, so the certificate's time is the record's start.

    Raises: TrustPeriodExceeded, CommitteeMismatch, AttestationNotValid.
    """
    newest = trust.newest
    if committee in trust.committees:
        return trust
    validate_anchor(trust, now_s=now_s, trust_period_s=trust_period_s)
    if committee.number != newest.number + 1:
        raise CommitteeMismatch(f"number {committee.number} after {newest.number}")
    if certificate.committee != newest.number:
        raise CommitteeMismatch(f"introduced by committee {certificate.committee}, not by {newest.number}")
    if certificate.time_s != committee.start_s:
        raise CommitteeMismatch(f"attested at {certificate.time_s}, it begins at {committee.start_s}")
    if committee.start_s <= newest.start_s or committee.first_epoch <= newest.first_epoch:
        raise CommitteeMismatch(
            f"it begins in epoch {committee.first_epoch} at {committee.start_s}, the one before in epoch "
            f"{newest.first_epoch} at {newest.start_s}"
        )
    _validate_keys(committee.keys)
    record = committee_record_hash(trust.domain.chain_id, committee)
    attestation = Attestation(
        AttestedKind.COMMITTEE, record, ZERO_HASH, newest.number, certificate.height, certificate.time_s
    )
    _verify_quorum(trust.domain, newest, attestation, certificate)
    # A start that is still to come, by a wrong clock or a forger, makes no anchor younger than it can be.
    return _with_committee(trust, committee, max(trust.anchor_time_s, min(committee.start_s, now_s)))


def follow_set(trust: CommitteeTrust, validators: ValidatorSet, *, start_s: int) -> CommitteeTrust:
    """Return the trust after a handoff that was verified online: `validators` is a set that a final header commits to.

    Raises: CommitteeMismatch if the set is not of a later epoch than the newest committee's first.
    """
    if validators.epoch <= trust.newest.first_epoch:
        raise CommitteeMismatch(f"epoch {validators.epoch} after one that began in {trust.newest.first_epoch}")
    committee = next_committee(trust.newest, validators, start_s=start_s)
    if committee is trust.newest:
        return lift_anchor(trust, start_s)
    return _with_committee(trust, committee, max(trust.anchor_time_s, start_s))


def follow_handoff(
    trusted: TrustedState, trust: CommitteeTrust, *, header_rlp: bytes, payload: bytes, finalization: bytes
) -> tuple[TrustedState, CommitteeTrust]:
    """Return both trusts one epoch later, given the last block of the trusted epoch and the set it commits to.

    Raises: those of `verify_handoff`; CommitteeMismatch.
    """
    moved = verify_handoff(trusted, header_rlp=header_rlp, payload=payload, finalization=finalization)
    # Whole seconds, as the header has them; the milliseconds beside them are no part of an attestation.
    start_s = decode_header(header_rlp).timestamp_ms // 1000
    return moved, follow_set(trust, moved.validators, start_s=start_s)


def lift_anchor(trust: CommitteeTrust, time_s: int) -> CommitteeTrust:
    """Return the trust after a header of `time_s` was verified online; it never goes back."""
    return replace(trust, anchor_time_s=max(trust.anchor_time_s, time_s))


def validate_anchor(trust: CommitteeTrust, *, now_s: int, trust_period_s: int = TRUST_PERIOD_S) -> None:
    """Check that the anchor is young enough to accept on. Raises: TrustPeriodExceeded."""
    age_s = now_s - trust.anchor_time_s
    if age_s > trust_period_s:
        raise TrustPeriodExceeded(age_ms=age_s * 1_000, period_ms=trust_period_s * 1_000)


def find_false_attestation(
    domain: AttestationDomain,
    committee: Committee,
    first: Attestation,
    second: Attestation,
    signatures: tuple[Sequence[tuple[int, bytes]], Sequence[tuple[int, bytes]]],
) -> tuple[int, ...]:
    """Return the indices of the keys that signed two words for one fact at one height: each lied at least once.

    `signatures` are (index, signature) for the first and for the second; wrong ones count for nothing.

    Raises: AttestationNotValid if the two statements do not contradict each other.
    """
    if (first.kind, first.id, first.height, first.committee) != (
        second.kind,
        second.id,
        second.height,
        second.committee,
    ):
        raise AttestationNotValid("the two are of different facts, heights or committees")
    if (first.word, first.time_s) == (second.word, second.time_s):
        raise AttestationNotValid("the two say the same")
    if first.committee != committee.number:
        raise CommitteeUnknown(found=first.committee, newest=committee.number)
    signers = [
        {
            index
            for index, signature in given
            if verify_signature(domain, committee, attestation, index=index, signature=signature)
        }
        for attestation, given in zip((first, second), signatures, strict=True)
    ]
    return tuple(sorted(signers[0] & signers[1]))


def revocations_hash(prefixes: Sequence[bytes]) -> Hash32:
    """Return the id under which the list of 8-byte prefixes, ascending, is attested."""
    return keccak256(b"".join(prefixes))


def _with_committee(trust: CommitteeTrust, committee: Committee, anchor_time_s: int) -> CommitteeTrust:
    return replace(trust, committees=(*trust.committees, committee)[-COMMITTEES_KEPT_MAX:], anchor_time_s=anchor_time_s)


def _committee_numbered(trust: CommitteeTrust, number: int) -> tuple[Committee, Committee | None]:
    """Return a trusted committee and its successor, if that is known."""
    at = number - trust.committees[0].number
    if not 0 <= at < len(trust.committees):
        raise CommitteeUnknown(found=number, newest=trust.newest.number)
    return trust.committees[at], trust.committees[at + 1] if at + 1 < len(trust.committees) else None


def _validate_keys(keys: Sequence[bytes]) -> None:
    if not 1 <= len(keys) <= VALIDATORS_MAX:
        raise CommitteeMismatch(f"{len(keys)} keys, must be 1 to {VALIDATORS_MAX}")
    for index, key in enumerate(keys):
        if len(key) != ED25519_KEY_BYTES or not is_valid_ed25519_key(key):
            raise CommitteeMismatch(f"key {index} is no ed25519 key")
    _require_distinct(keys)


def _require_distinct(keys: Sequence[bytes]) -> None:
    seen: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        if key in seen:
            raise CommitteeMismatch(f"keys {seen[key]} and {index} are the same")
        seen[key] = index


def _verify_quorum(
    domain: AttestationDomain, committee: Committee, attestation: Attestation, certificate: AttestationCertificate
) -> tuple[int, ...]:
    """Check bitmap and signatures and return the signers. Raises: AttestationNotValid."""
    count = len(committee.keys)
    if len(certificate.bitmap) != (count + 7) // 8:
        raise AttestationNotValid(f"a bitmap of {len(certificate.bitmap)} bytes for {count} keys")
    signers = certificate.signers
    if signers and signers[-1] >= count:
        raise AttestationNotValid(f"signer {signers[-1]} of {count} keys")
    if len(signers) < committee.quorum:
        raise AttestationNotValid(f"{len(signers)} signers, the quorum is {committee.quorum}")
    if len(certificate.signatures) != ED25519_SIGNATURE_BYTES * len(signers):
        raise AttestationNotValid(f"{len(certificate.signatures)} bytes of signatures for {len(signers)} signers")
    message = attested_bytes(domain, attestation)
    for place, signer in enumerate(signers):
        at = ED25519_SIGNATURE_BYTES * place
        if not is_valid_ed25519(
            committee.keys[signer], message, certificate.signatures[at : at + ED25519_SIGNATURE_BYTES]
        ):
            raise AttestationNotValid(f"the signature of key {signer} is wrong")
    return signers

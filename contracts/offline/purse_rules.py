"""Covered purses: classes of payees, terms, spends, payouts, and the proof of a double spend. Pure.

A purse is an interval of units; a spend signs some of them away to one payee of a fixed class. As much is locked as the
whole class could ever be shown, so that a double spend leaves nobody unpaid. Source: offline.md §4, §5.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Address, Hash32
from contracts.addresses import is_system_address
from contracts.offline.device_signatures import SIGNATURE_BYTES, verify_device_signature
from contracts.offline.errors import (
    AmountTooLarge,
    BadClass,
    BadRange,
    ClaimWindowClosed,
    NoOverlap,
    NotCovered,
    OtherPurse,
    PurseNotFound,
    SameDigest,
    UnknownSigAlg,
    UnsupportedInThisVersion,
    ZeroAmount,
)
from contracts.offline.lock_rules import AMOUNT_MAX, OfflineWord
from contracts.offline.typed_data import Hop, PurseTerms, hop_digest, purse_id

CLASS_SIZE_MAX: Final = 500
"""Payees in one class: 500 words are written at once when it is created. Twice as many would be a block's work."""

MAX_HOPS: Final = 1
"""A payee redeems and never passes on, in this version."""


@dataclass(frozen=True, slots=True)
class SignedHop:
    """A spend with the bytes that prove it."""

    hop: Hop
    signature: bytes
    """65 or 128 bytes, by the purse's device key."""


@dataclass(frozen=True, slots=True)
class Equivocation:
    """A purse that was spent twice, proven."""

    purse_id: Hash32
    owner: Address
    digest_first: Hash32
    digest_second: Hash32
    lo: int
    """First unit signed away twice."""
    hi: int
    """First unit behind them."""


def class_id(members: Sequence[Address]) -> Hash32:
    """Return the name of the class of these payees: keccak of the ABI encoding of their ascending list.

    Raises: BadClass if they are not 1 to 500 different accounts, ascending, none of them a system address.
    """
    if not 1 <= len(members) <= CLASS_SIZE_MAX:
        raise BadClass(f"{len(members)} members, must be 1 to {CLASS_SIZE_MAX}", size=len(members))
    for member in members:
        if len(member) != 20 or is_system_address(member):
            raise BadClass(f"0x{member.hex()} cannot be paid", size=len(members), member=member)
    for first, second in itertools.pairwise(members):
        if first >= second:
            detail = f"0x{second.hex()} stands after 0x{first.hex()}: addresses must ascend"
            raise BadClass(detail, size=len(members), member=second)
    head = (32).to_bytes(32, "big") + len(members).to_bytes(32, "big")
    return keccak256(head + b"".join([bytes(12) + member for member in members]))


def collateral_needed(*, value: int, per_payee: int, class_size: int) -> int:
    """Return the minor units to lock on top of `value` so that every payee is covered."""
    return max(0, class_size * per_payee - value)


def validate_purse_terms(terms: PurseTerms, *, class_size: int) -> None:
    """Check what does not depend on the ledger's state in the terms of a purse; times are `validate_times`'.

    Raises: UnsupportedInThisVersion, UnknownSigAlg, BadClass, ZeroAmount, AmountTooLarge, NotCovered.
    """
    if terms.max_hops != MAX_HOPS:
        raise UnsupportedInThisVersion("maxHops", found=terms.max_hops, allowed=MAX_HOPS)
    if terms.settle_delay_s != 0:
        raise UnsupportedInThisVersion("settleDelay", found=terms.settle_delay_s, allowed=0)
    if terms.signer_class != 0:
        raise UnsupportedInThisVersion("signerClass", found=terms.signer_class, allowed=0)
    if terms.sig_alg not in SIGNATURE_BYTES:
        raise UnknownSigAlg(terms.sig_alg)
    if terms.accept_class == ZERO_HASH or not 1 <= class_size <= CLASS_SIZE_MAX:
        detail = f"0x{terms.accept_class.hex()} with {class_size} members covers nobody"
        raise BadClass(detail, size=class_size)
    if terms.per_payee == 0 or terms.value == 0:
        raise ZeroAmount
    if terms.per_payee > terms.value:
        raise AmountTooLarge(amount_minor=terms.per_payee, maximum=terms.value)
    locked = terms.value + terms.collateral
    if locked > AMOUNT_MAX:
        raise AmountTooLarge(amount_minor=locked, maximum=AMOUNT_MAX)
    if class_size * terms.per_payee > locked:
        raise NotCovered(needed=class_size * terms.per_payee, locked=locked)


def validate_range(terms: PurseTerms, hop: Hop) -> None:
    """Check that a spend is of units that the purse has, and of no chain. Raises: BadRange, OtherPurse."""
    if hop.parent != ZERO_HASH:
        raise OtherPurse(expected=ZERO_HASH, found=hop.parent)
    if not 0 <= hop.lo < hop.hi <= terms.value:
        raise BadRange(lo=hop.lo, hi=hop.hi, value=terms.value)


def validate_hop(terms: PurseTerms, purse: Hash32, signed: SignedHop, *, separator: Hash32) -> Hash32:
    """Check a spend of the purse with these terms, whose id is `purse`, and return its digest.

    Membership of the payee is the caller's to know: a class is stored, not shown.

    Raises: OtherPurse, BadRange, BadSignature, HighS, UnknownSigAlg.
    """
    if signed.hop.purse_id != purse:
        raise OtherPurse(expected=purse, found=signed.hop.purse_id)
    validate_range(terms, signed.hop)
    digest = hop_digest(separator, signed.hop)
    verify_device_signature(digest, signed.signature, signer=terms.signer, sig_alg=terms.sig_alg)
    return digest


def claim(terms: PurseTerms, word: OfflineWord, hop: Hop, *, paid_to: int, now_s: int) -> int:
    """Return the minor units that a valid spend, never paid before, brings its payee.

    At the payee's cap it is 0 or less than the range, never an error: a payer could use up a cap with a spend nobody
    asked for, and the payee still ends with all that it accepted.

    Raises: PurseNotFound, ClaimWindowClosed, BadRange, OtherPurse.
    """
    if word.deposit == 0:
        raise PurseNotFound
    if now_s > word.claim_until_s:
        raise ClaimWindowClosed(claim_until_s=word.claim_until_s, now_s=now_s)
    validate_range(terms, hop)
    return max(0, min(hop.hi - hop.lo, terms.per_payee - paid_to))


def is_overlap(first: Hop, second: Hop) -> bool:
    """Tell whether two spends of one purse and one parent share a unit."""
    return first.lo < second.hi and second.lo < first.hi


def verify_equivocation(separator: Hash32, terms: PurseTerms, first: SignedHop, second: SignedHop) -> Equivocation:
    """Return the proof that the purse with these terms was spent twice; the order of the two does not matter.

    That a purse with these terms was ever opened is not proven here: anybody can invent terms, so the ledger's word for
    the id, or a certificate of it, decides whether it concerns the owner.

    Raises: SameDigest, NoOverlap, OtherPurse, BadRange, BadSignature, HighS, UnknownSigAlg.
    """
    purse = purse_id(separator, terms)
    if second.hop.parent != first.hop.parent:
        raise OtherPurse(expected=first.hop.parent, found=second.hop.parent)
    digests = [validate_hop(terms, purse, signed, separator=separator) for signed in (first, second)]
    if digests[0] == digests[1]:
        raise SameDigest(digests[0])
    if not is_overlap(first.hop, second.hop):
        raise NoOverlap(first=(first.hop.lo, first.hop.hi), second=(second.hop.lo, second.hop.hi))
    return Equivocation(
        purse_id=purse,
        owner=terms.owner,
        digest_first=digests[0],
        digest_second=digests[1],
        lo=max(first.hop.lo, second.hop.lo),
        hi=min(first.hop.hi, second.hop.hi),
    )

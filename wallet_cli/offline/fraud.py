"""Double spends of a purse: found from any two spends, proven to anybody, in one small message.

A proof convicts the key, not yet the owner: anybody can invent terms that name a victim, so only who knows that the
purse was opened may blame its owner. Source: offline.md §4.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from consensus.light.attestation import AttestationDomain, AttestedKind, CommitteeTrust, verify_attestation
from consensus.primitives.scalars import Address, Hash32
from contracts.offline.errors import RuleBroken
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.purse_rules import Equivocation, SignedHop, is_overlap, verify_equivocation
from contracts.offline.typed_data import Hop, PurseTerms, domain_separator, hop_digest, purse_id
from wallet_cli.offline.messages import REFERENCE_BYTES, CertifiedWord, Fraud, PursePayment, Spend


class OtherNetwork(ValueError):
    """A proof about another network."""

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"the proof is of chain {found}, this is {expected}")


@dataclass(frozen=True, slots=True)
class ProvenFraud:
    """A proof that was checked."""

    equivocation: Equivocation
    is_opened: bool
    """True if the purse is certified to have been opened, so that its owner is to blame; else the purse alone is."""


@dataclass(frozen=True, slots=True)
class ShownPayment:
    """A PAYMENT and who it was shown to."""

    payment: PursePayment
    to: Address
    """The payee that its signature names."""


def spend_of_payment(purse: Hash32, payment: PursePayment, to: Address) -> SignedHop:
    """Return the spend that a PAYMENT is when `to` receives it: a till names itself, the message does not."""
    return SignedHop(Hop(purse, payment.lo, payment.hi, to, payment.invoice), payment.signature)


def spends_of_fraud(domain: AttestationDomain, fraud: Fraud) -> tuple[SignedHop, SignedHop]:
    """Return the two spends that a FRAUD shows."""
    purse = purse_id(domain_separator(domain.chain_id, domain.contract), fraud.terms)
    first, second = (
        SignedHop(Hop(purse, spend.lo, spend.hi, spend.to, spend.invoice), spend.signature)
        for spend in (fraud.first, fraud.second)
    )
    return first, second


def find_conflict(separator: Hash32, seen: Iterable[SignedHop], spend: SignedHop) -> SignedHop | None:
    """Return the first of the `seen` spends of one purse that shares a unit with another, signed `spend`."""
    digest = hop_digest(separator, spend.hop)
    for earlier in seen:
        if is_overlap(earlier.hop, spend.hop) and hop_digest(separator, earlier.hop) != digest:
            return earlier
    return None


def prove_double_spend(domain: AttestationDomain, terms: PurseTerms, first: SignedHop, second: SignedHop) -> Fraud:
    """Return the message that proves it: the same bytes whichever spend was seen first.

    Raises: RuleBroken if the two do not prove a double spend of the purse with these terms.
    """
    separator = domain_separator(domain.chain_id, domain.contract)
    found = verify_equivocation(separator, terms, first, second)
    if found.digest_first > found.digest_second:
        first, second = second, first
    return Fraud(domain.chain_id, terms, _spend(first), _spend(second))


def detect_double_spend(domain: AttestationDomain, first: ShownPayment, second: ShownPayment) -> Fraud | None:
    """Return the proof if two PAYMENTs, shown to anybody, spend units of one purse twice; None if they do not.

    One of the two must carry the terms: without them nobody can tell whose signatures they are.
    """
    terms = first.payment.terms or second.payment.terms
    if terms is None or first.payment.ref != second.payment.ref:
        return None
    purse = purse_id(domain_separator(domain.chain_id, domain.contract), terms)
    if first.payment.ref != purse[:REFERENCE_BYTES]:
        return None
    try:
        return prove_double_spend(
            domain,
            terms,
            spend_of_payment(purse, first.payment, first.to),
            spend_of_payment(purse, second.payment, second.to),
        )
    except RuleBroken:
        return None


def verify_fraud(domain: AttestationDomain, fraud: Fraud) -> Equivocation:
    """Check a proof by the bytes alone, as a third party does. Raises: OtherNetwork, RuleBroken."""
    if fraud.chain_id != domain.chain_id:
        raise OtherNetwork(found=fraud.chain_id, expected=domain.chain_id)
    first, second = spends_of_fraud(domain, fraud)
    return verify_equivocation(domain_separator(domain.chain_id, domain.contract), fraud.terms, first, second)


def verify_fraud_of_owner(trust: CommitteeTrust, fraud: Fraud, certified: CertifiedWord | None) -> ProvenFraud:
    """Check a proof, and with the purse's certificate that it was opened: only then its owner is to blame.

    Raises: OtherNetwork, RuleBroken, LightError.
    """
    equivocation = verify_fraud(trust.domain, fraud)
    if certified is None:
        return ProvenFraud(equivocation, is_opened=False)
    verify_attestation(
        trust,
        certified.certificate,
        kind=AttestedKind.PURSE,
        id=equivocation.purse_id,
        word=encode_word(certified.word),
    )
    return ProvenFraud(equivocation, is_opened=True)


def is_overspent(terms: PurseTerms, word: OfflineWord) -> bool:
    """Tell whether the ledger paid more from a purse than an honest owner can spend: proof without any message."""
    return word.settled > terms.value


def _spend(signed: SignedHop) -> Spend:
    hop = signed.hop
    return Spend(hop.lo, hop.hi, hop.to, hop.invoice, signed.signature)

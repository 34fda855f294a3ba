"""What a till asks before it hands the goods over: every check of a PAYMENT, in order, with no network.

Pure: the state of the till and the time are arguments, the answer is a verdict. Nothing is stored, signed or shown
here; a caller stores a verdict and syncs before it acts on it. The payer's clock is never used. Source: offline.md §10.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from consensus.light.attestation import (
    TRUST_PERIOD_S,
    AttestationCertificate,
    AttestedKind,
    CommitteeTrust,
    CommitteeUnknown,
    validate_anchor,
    verify_attestation,
)
from consensus.light.trust import LightError, TrustPeriodExceeded
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from contracts.offline.device_signatures import verify_any_signature, verify_device_signature
from contracts.offline.errors import RuleBroken
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.purse_rules import SignedHop, validate_purse_terms, validate_range
from contracts.offline.typed_data import (
    PurseTerms,
    domain_separator,
    hop_digest,
    lock_id,
    purse_id,
    receipt_digest,
    voucher_digest,
)
from wallet_cli.offline.attachments import Learned, RevokedList, learn
from wallet_cli.offline.errors import MessageError
from wallet_cli.offline.fraud import find_conflict, prove_double_spend, spend_of_payment
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import (
    REFERENCE_BYTES,
    CertifiedWord,
    Invoice,
    Mode,
    PairedPayment,
    PursePayment,
    Receipt,
)
from wallet_cli.offline.verdicts import (
    AcceptSpend,
    AcceptVoucher,
    AnswerAgain,
    AnswerHeal,
    DoubleSpend,
    LockKnown,
    PaymentVerdict,
    PurseKnown,
    RaiseBest,
    Reason,
    Refused,
    Stopped,
    stop,
)

ANCHOR_FRESH_S: Final = 3 * 24 * 3600
"""Seconds after which a first payment is limited: three days without a network. Each day more is a day in which a
committee could have been replaced after a theft of keys."""

CLAIM_WINDOW_MIN_S: Final = 72 * 3600
"""Seconds that must be left to redeem: a long weekend without a network."""

PURSE_CERTIFICATE_AGE_S_MAX: Final = 72 * 3600
"""Age in seconds of a purse's certificate: what a list of revocations may be behind."""

PURSE_RECEIPTS_MAX: Final = 25
"""Unredeemed spends: bounds the work of a day's redeeming, and what a lost till forgets."""


@dataclass(frozen=True, slots=True)
class TillPolicy:
    """The limits of a till that are the same in each currency."""

    trust_period_s: int = TRUST_PERIOD_S
    anchor_fresh_s: int = ANCHOR_FRESH_S
    claim_window_min_s: int = CLAIM_WINDOW_MIN_S
    purse_certificate_age_s_max: int = PURSE_CERTIFICATE_AGE_S_MAX
    purse_receipts_max: int = PURSE_RECEIPTS_MAX


@dataclass(frozen=True, slots=True)
class CurrencyLimits:
    """The limits of a till in one currency, in minor units."""

    stale_first_contact_lock_max: int
    """First payment from a lock, behind an anchor that is not fresh."""
    stale_first_contact_purse_max: int
    """The same from a purse."""
    purse_exposure_max: int
    """Accepted from purses and not redeemed yet, this payment included."""


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice this till made."""

    invoice: Invoice
    paid_by: bytes | None = None
    """First 16 bytes of the digest that paid it; None while it is open."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What was accepted from purses in a currency and not redeemed yet."""

    amount_minor: int = 0
    receipts: int = 0


@dataclass(frozen=True, slots=True)
class Till:
    """Everything that a till knows when it checks a payment."""

    payee: Address
    till: Address
    """Zero if the payee's account key is the till."""
    trust: CommitteeTrust
    limits: Mapping[Address, CurrencyLimits]
    """By pinned currency: one that is not here is not accepted."""
    invoices: Mapping[bytes, OpenInvoice]
    """By their 8 bytes."""
    locks: Mapping[bytes, LockKnown] = field(default_factory=dict)
    """By the first 16 bytes of their id."""
    purses: Mapping[bytes, PurseKnown] = field(default_factory=dict)
    """Likewise."""
    classes: Mapping[Hash32, int] = field(default_factory=dict)
    """Classes that the payee is proven to be in, with their sizes."""
    spends: Mapping[Hash32, tuple[SignedHop, ...]] = field(default_factory=dict)
    """Spends accepted or seen, by purse."""
    exposure: Mapping[Address, Exposure] = field(default_factory=dict)
    """By currency."""
    revoked: RevokedList = field(default_factory=RevokedList)
    policy: TillPolicy = field(default_factory=TillPolicy)

    @property
    def till_key(self) -> Address:
        """Return the address of the key that signs for this till."""
        return self.payee if self.till == ZERO_ADDRESS else self.till


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on a payment, and what its attachments taught."""

    verdict: PaymentVerdict
    learned: Learned


@dataclass(frozen=True, slots=True)
class _Claim:
    """A payment while it is checked."""

    till: Till
    learned: Learned
    separator: Hash32
    now_s: int
    invoice: OpenInvoice | None

    @property
    def amount_minor(self) -> int:
        """Return what was asked for; 0 if nothing was, which no later step accepts."""
        return self.invoice.invoice.amount_minor if self.invoice else 0


def checking_time_s(*, device_s: int, certified_s: int) -> int:
    """Return t*: the later of the device's clock and the newest certified time ever stored, in seconds.

    A clock set back cannot bring an ended lock back to life.
    """
    return max(device_s, certified_s)


def check_payment(till: Till, data: bytes, *, now_s: int) -> Decision:
    """Decide on the bytes of a PAYMENT at t* = `now_s`, in the order of the design's steps."""
    nothing = Learned(till.trust, till.revoked)
    try:
        message = decode_message(data)
    except MessageError as error:
        return Decision(Refused(Reason.MALFORMED, (("detail", str(error)),)), nothing)
    if not isinstance(message, PairedPayment | PursePayment):
        return Decision(Refused(Reason.NOT_EXPECTED, (("found", type(message).__name__),)), nothing)
    learned = learn(
        till.trust, till.revoked, message.attachments, now_s=now_s, trust_period_s=till.policy.trust_period_s
    )
    domain = till.trust.domain
    separator = domain_separator(domain.chain_id, domain.contract)
    try:
        if isinstance(message, PairedPayment):
            invoice = till.invoices.get(message.voucher.invoice)
            verdict = _check_voucher(_Claim(till, learned, separator, now_s, invoice), message)
        else:
            invoice = till.invoices.get(message.invoice)
            verdict = _check_spend(_Claim(till, learned, separator, now_s, invoice), message)
    except Stopped as stopped:
        verdict = stopped.refused
    return Decision(verdict, learned)


def _check_voucher(claim: _Claim, payment: PairedPayment) -> PaymentVerdict:
    till, voucher = claim.till, payment.voucher
    earlier = till.locks.get(payment.ref)
    terms = payment.terms or (earlier.terms if earlier else None)
    if terms is None or (earlier is None and payment.certified is None):
        raise stop(Reason.UNKNOWN_REFERENCE, ref=payment.ref)
    lock = lock_id(claim.separator, terms)
    _require_id(claim, lock, payment.ref, terms.currency)
    digest = voucher_digest(claim.separator, lock=lock, cumulative=voucher.cumulative, invoice=voucher.invoice)
    if claim.invoice and claim.invoice.paid_by == digest[:REFERENCE_BYTES]:
        return AnswerAgain(voucher.invoice, digest[:REFERENCE_BYTES])
    limits = till.limits[terms.currency]
    first_contact_max = limits.stale_first_contact_lock_max if earlier is None else None
    _require_anchor(claim, first_contact_max)
    word, certificate = _newest_word(
        claim, AttestedKind.LOCK, lock, payment.certified, (earlier.word, earlier.certificate) if earlier else None
    )
    claim = _not_before(claim, certificate, first_contact_max)
    known = LockKnown(
        terms,
        word,
        certificate,
        best=max(earlier.best if earlier else 0, word.settled),
        best_voucher=earlier.best_voucher if earlier else None,
        is_redeem_only=earlier is not None and earlier.is_redeem_only,
    )
    _require_lock_mine(till, known)
    try:
        verify_device_signature(digest, voucher.signature, signer=terms.signer, sig_alg=terms.sig_alg)
    except RuleBroken as error:
        raise stop(Reason.SIGNATURE_NOT_VALID, detail=str(error)) from error
    forgotten = _forgotten(claim, lock, known, payment, digest)
    if forgotten is not None:
        return forgotten
    _require_invoice(claim, terms.currency, Mode.PAIRED)
    _require_times(claim, word)
    amount_minor = claim.amount_minor
    if known.best + amount_minor > word.deposit:
        raise stop(Reason.EXCEEDS_DEPOSIT, accepted=known.best, amount=amount_minor, deposit=word.deposit)
    if voucher.cumulative - known.best != amount_minor:
        shown = known.best_voucher if known.best_voucher and known.best_voucher.cumulative == known.best else None
        return AnswerHeal(lock, voucher.invoice, known.best, shown, voucher.cumulative, amount_minor)
    stored = replace(known, best=voucher.cumulative, best_voucher=voucher)
    return AcceptVoucher(lock, stored, voucher, digest, amount_minor)


def _check_spend(claim: _Claim, payment: PursePayment) -> PaymentVerdict:
    till = claim.till
    earlier = till.purses.get(payment.ref)
    terms = payment.terms or (earlier.terms if earlier else None)
    if terms is None or (earlier is None and payment.certified is None):
        raise stop(Reason.UNKNOWN_REFERENCE, ref=payment.ref)
    purse = purse_id(claim.separator, terms)
    _require_id(claim, purse, payment.ref, terms.currency)
    spend = spend_of_payment(purse, payment, till.payee)
    digest = hop_digest(claim.separator, spend.hop)
    if claim.invoice and claim.invoice.paid_by == digest[:REFERENCE_BYTES]:
        return AnswerAgain(payment.invoice, digest[:REFERENCE_BYTES])
    limits = till.limits[terms.currency]
    first_contact_max = limits.stale_first_contact_purse_max if earlier is None else None
    _require_anchor(claim, first_contact_max)
    word, certificate = _newest_word(
        claim, AttestedKind.PURSE, purse, payment.certified, (earlier.word, earlier.certificate) if earlier else None
    )
    claim = _not_before(claim, certificate, first_contact_max)
    total = earlier.total if earlier else 0
    _require_purse_mine(claim, terms, word, spend, total)
    try:
        verify_device_signature(digest, spend.signature, signer=terms.signer, sig_alg=terms.sig_alg)
    except RuleBroken as error:
        raise stop(Reason.SIGNATURE_NOT_VALID, detail=str(error)) from error
    _require_invoice(claim, terms.currency, Mode.PURSE)
    amount_minor = claim.amount_minor
    if spend.hop.hi - spend.hop.lo != amount_minor:
        raise stop(Reason.WRONG_AMOUNT, asked=amount_minor, paid=spend.hop.hi - spend.hop.lo)
    if total + amount_minor > terms.per_payee:
        raise stop(Reason.PAYEE_CAP, accepted=total, amount=amount_minor, cap=terms.per_payee)
    _require_times(claim, word)
    conflict = _conflict(claim, purse, spend)
    if conflict is not None:
        fraud = prove_double_spend(till.trust.domain, terms, conflict, spend)
        return DoubleSpend(purse, fraud)
    _require_purse_policy(claim, purse, terms, certificate)
    stored = PurseKnown(terms, word, certificate, total + amount_minor)
    return AcceptSpend(purse, stored, spend, digest, amount_minor)


def _require_id(claim: _Claim, id: Hash32, ref: bytes, currency: Address) -> None:
    """Step 2."""
    if id[:REFERENCE_BYTES] != ref:
        raise stop(Reason.WRONG_ID, named=ref, computed=id[:REFERENCE_BYTES])
    if currency not in claim.till.limits:
        raise stop(Reason.UNKNOWN_CURRENCY, currency=currency)


def _require_anchor(claim: _Claim, first_contact_max: int | None) -> None:
    """Step 3, but for the committee, which the certificate names; None limits nothing: the money is known here."""
    trust, policy = claim.learned.trust, claim.till.policy
    age_s = claim.now_s - trust.anchor_time_s
    try:
        validate_anchor(trust, now_s=claim.now_s, trust_period_s=policy.trust_period_s)
    except TrustPeriodExceeded as error:
        raise stop(Reason.ANCHOR_STALE, age_s=age_s, limit_s=policy.trust_period_s) from error
    if first_contact_max is not None and age_s > policy.anchor_fresh_s and claim.amount_minor > first_contact_max:
        raise stop(Reason.FIRST_CONTACT_LIMIT, amount=claim.amount_minor, limit=first_contact_max, anchor_age_s=age_s)


def _not_before(claim: _Claim, certificate: AttestationCertificate, first_contact_max: int | None) -> _Claim:
    """Return the check at the certified time, if the device's clock is behind it; step 3 is repeated then."""
    if certificate.time_s <= claim.now_s:
        return claim
    later = replace(claim, now_s=certificate.time_s)
    _require_anchor(later, first_contact_max)
    return later


def _newest_word(
    claim: _Claim,
    kind: AttestedKind,
    id: Hash32,
    certified: CertifiedWord | None,
    earlier: tuple[OfflineWord, AttestationCertificate] | None,
) -> tuple[OfflineWord, AttestationCertificate]:
    """Step 4: return the newest attested word, that of the message or the one stored."""
    if certified is None:
        assert earlier is not None
        return earlier
    try:
        verify_attestation(
            claim.learned.trust,
            certified.certificate,
            kind=kind,
            id=id,
            word=encode_word(certified.word),
            promised_until_s=certified.word.claim_until_s,
        )
    except CommitteeUnknown as error:
        raise stop(Reason.COMMITTEE_UNKNOWN, found=error.found, newest=error.newest) from error
    except LightError as error:
        raise stop(Reason.CERTIFICATE_NOT_VALID, detail=str(error)) from error
    if earlier is not None and earlier[1].height > certified.certificate.height:
        return earlier
    return certified.word, certified.certificate


def _require_lock_mine(till: Till, known: LockKnown) -> None:
    """Step 5 for a lock, but for the amount."""
    terms, word = known.terms, known.word
    if terms.payee != till.payee or terms.till != till.till:
        raise stop(Reason.NOT_FOR_ME, payee=terms.payee, till=terms.till)
    if known.is_redeem_only:
        raise stop(Reason.REDEEM_ONLY)
    if word.deposit == 0 or word.settled > word.deposit:
        raise stop(Reason.NOT_LIVE, deposit=word.deposit, settled=word.settled)


def _require_purse_mine(claim: _Claim, terms: PurseTerms, word: OfflineWord, spend: SignedHop, total: int) -> None:
    """Step 5 for a purse, but for the amount."""
    class_size = claim.till.classes.get(terms.accept_class)
    if class_size is None:
        raise stop(Reason.NOT_IN_CLASS, acceptClass=terms.accept_class)
    try:
        validate_purse_terms(terms, class_size=class_size)
    except RuleBroken as error:
        raise stop(Reason.TERMS_NOT_SUPPORTED, detail=str(error)) from error
    if word.deposit == 0:
        raise stop(Reason.NOT_LIVE, deposit=0, settled=word.settled)
    promised = (terms.value + terms.collateral, terms.spend_until_s, terms.claim_until_s)
    if (word.deposit, word.spend_until_s, word.claim_until_s) != promised:
        raise stop(Reason.CERTIFICATE_NOT_VALID, detail="the attested word is not that of the terms")
    try:
        validate_range(terms, spend.hop)
    except RuleBroken as error:
        raise stop(Reason.BAD_RANGE, detail=str(error)) from error


def _require_invoice(claim: _Claim, currency: Address, mode: Mode) -> None:
    """Step 7; the very payment that used an invoice was answered before."""
    if claim.invoice is None:
        raise stop(Reason.INVOICE_UNKNOWN)
    asked = claim.invoice.invoice
    if claim.invoice.paid_by is not None:
        raise stop(Reason.INVOICE_USED, paidBy=claim.invoice.paid_by)
    if asked.currency != currency or mode not in asked.modes:
        raise stop(Reason.INVOICE_DIFFERS, asked=asked.currency, paid=currency, mode=int(mode))
    if claim.now_s > asked.until_s:
        raise stop(Reason.INVOICE_EXPIRED, until=asked.until_s, now=claim.now_s)


def _require_times(claim: _Claim, word: OfflineWord) -> None:
    """Step 8, what locks and purses share."""
    if claim.now_s >= word.spend_until_s:
        raise stop(Reason.SPENDING_ENDED, spendUntil=word.spend_until_s, now=claim.now_s)
    window_s = word.claim_until_s - claim.now_s
    if window_s < claim.till.policy.claim_window_min_s:
        raise stop(Reason.CLAIM_WINDOW_SHORT, left_s=window_s, least_s=claim.till.policy.claim_window_min_s)


def _require_purse_policy(claim: _Claim, purse: Hash32, terms: PurseTerms, certificate: AttestationCertificate) -> None:
    """Step 8, the rest of it for a purse."""
    till, policy = claim.till, claim.till.policy
    revoked = claim.learned.revoked
    proven = [fraud for fraud in claim.learned.frauds if fraud.equivocation.purse_id == purse]
    if proven or revoked.has(purse) or revoked.has(terms.owner):
        raise stop(Reason.REVOKED, purse=purse, owner=terms.owner)
    age_s = claim.now_s - certificate.time_s
    if age_s > policy.purse_certificate_age_s_max:
        raise stop(Reason.CERTIFICATE_OLD, age_s=age_s, limit_s=policy.purse_certificate_age_s_max)
    exposure = till.exposure.get(terms.currency, Exposure())
    limit = till.limits[terms.currency].purse_exposure_max
    if exposure.amount_minor + claim.amount_minor > limit or exposure.receipts >= policy.purse_receipts_max:
        raise stop(
            Reason.EXPOSURE,
            unredeemed=exposure.amount_minor,
            receipts=exposure.receipts,
            amount=claim.amount_minor,
            limit=limit,
        )


def _conflict(claim: _Claim, purse: Hash32, spend: SignedHop) -> SignedHop | None:
    """Return a spend seen or gossiped that shares a unit with this one."""
    gossiped = [seen for fraud in claim.learned.frauds if fraud.equivocation.purse_id == purse for seen in fraud.spends]
    return find_conflict(claim.separator, (*claim.till.spends.get(purse, ()), *gossiped), spend)


def _forgotten(
    claim: _Claim, lock: Hash32, known: LockKnown, payment: PairedPayment, digest: Hash32
) -> RaiseBest | None:
    """Return the voucher as one that this till accepted and forgot, if its own RECEIPT is attached."""
    voucher = payment.voucher
    if claim.invoice is not None or not known.best < voucher.cumulative <= known.word.deposit:
        return None
    for receipt in claim.learned.receipts:
        if receipt.invoice == voucher.invoice and _is_my_receipt(claim, receipt, digest):
            return RaiseBest(lock, replace(known, best=voucher.cumulative, best_voucher=voucher), voucher, receipt)
    return None


def _is_my_receipt(claim: _Claim, receipt: Receipt, digest: Hash32) -> bool:
    if receipt.payment != digest[:REFERENCE_BYTES]:
        return False
    signed = receipt_digest(claim.separator, invoice=receipt.invoice, payment=receipt.payment, time_s=receipt.time_s)
    try:
        verify_any_signature(signed, receipt.signature, signer=claim.till.till_key)
    except RuleBroken:
        return False
    return True

"""What a payer asks before it signs, and what it makes of a till's answers, with no network.

Pure: verdicts say what to sign, nothing here signs. An honest payer never signs the same unit of a purse twice, and
never lowers a voucher without a HEAL. Source: offline.md §9, §12.
"""

from dataclasses import dataclass
from typing import TypeAlias

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from contracts.offline.device_signatures import verify_any_signature, verify_device_signature
from contracts.offline.errors import RuleBroken
from contracts.offline.lock_rules import OfflineWord
from contracts.offline.typed_data import (
    LockTerms,
    PurseTerms,
    card_digest,
    heal_digest,
    invoice_digest,
    lock_id,
    purse_id,
    receipt_digest,
    release_digest,
    voucher_digest,
)
from wallet_cli.offline.messages import REFERENCE_BYTES, Card, CardProof, Heal, Invoice, Mode, Receipt, Release, Voucher
from wallet_cli.offline.verdicts import Reason, Refused, Stopped, stop


@dataclass(frozen=True, slots=True)
class PayerLock:
    """A lock of this wallet."""

    terms: LockTerms
    word: OfflineWord
    """As certified last."""
    signed_last: int = 0
    """Cumulative of the newest voucher."""
    signed_max: int = 0
    """The highest ever signed: what the payer may lose at most."""
    acked: int = 0
    """The highest with a RECEIPT, or settled on the ledger."""


@dataclass(frozen=True, slots=True)
class PayerPurse:
    """A purse of this wallet."""

    terms: PurseTerms
    members: tuple[Address, ...]
    """Of its class."""
    next_lo: int
    """First unit that was never signed away."""
    paid_to: tuple[tuple[Address, int], ...] = ()
    """Minor units signed to each payee so far."""
    is_frozen: bool = False
    """True in a wallet that was restored: units may be spent that it does not remember."""

    def signed_to(self, payee: Address) -> int:
        """Return what was signed to a payee so far."""
        return sum(amount for account, amount in self.paid_to if account == payee)


@dataclass(frozen=True, slots=True)
class Payer:
    """Everything that a payer knows when it reads an INVOICE."""

    chain_id: int
    separator: Hash32
    currencies: tuple[Address, ...]
    """The pinned list."""
    locks: tuple[PayerLock, ...] = ()
    purses: tuple[PayerPurse, ...] = ()
    paid: tuple[tuple[Address, bytes], ...] = ()
    """(payee, invoice) for which bytes were signed already."""


@dataclass(frozen=True, slots=True)
class SignVoucher:
    """Ask the person; then store the intent, sync, sign, sync, show."""

    lock_id: Hash32
    cumulative: int
    invoice: bytes
    amount_minor: int
    is_own_voucher_unknown: bool = False
    """True if `best_voucher` is this wallet's own, which it forgot: record it first."""
    best_voucher: Voucher | None = None


@dataclass(frozen=True, slots=True)
class SignSpend:
    """Likewise, from a purse."""

    purse_id: Hash32
    lo: int
    hi: int
    to: Address
    invoice: bytes


@dataclass(frozen=True, slots=True)
class ShowAgain:
    """Bytes were signed for this invoice: the same again, and nothing is signed."""

    payee: Address
    invoice: bytes


@dataclass(frozen=True, slots=True)
class ShowAcknowledged:
    """The till forgot: show the acknowledged voucher again, with its RECEIPT attached."""

    lock_id: Hash32
    acked: int
    best: int


InvoiceVerdict: TypeAlias = SignVoucher | SignSpend | ShowAgain | Refused
HealVerdict: TypeAlias = SignVoucher | ShowAcknowledged | Refused


def check_invoice(payer: Payer, invoice: Invoice, *, now_s: int) -> InvoiceVerdict:
    """Decide how an INVOICE can be paid: from a lock for payee and till, else from a purse whose class holds it."""
    try:
        _require_invoice(payer, invoice, now_s)
        if (invoice.payee, invoice.invoice) in payer.paid:
            return ShowAgain(invoice.payee, invoice.invoice)
        return _choose(payer, invoice, now_s)
    except Stopped as stopped:
        return stopped.refused


def check_heal(
    separator: Hash32, lock: PayerLock, heal: Heal, *, invoice: bytes, amount_minor: int, now_s: int
) -> HealVerdict:
    """Decide what to do when a till answers that its best voucher is another than this wallet thought.

    `invoice` and `amount_minor` are of the payment it refused.
    """
    terms = lock.terms
    name = lock_id(separator, terms)
    till = terms.payee if terms.till == ZERO_ADDRESS else terms.till
    if heal.ref != name[:REFERENCE_BYTES] or heal.invoice != invoice:
        return _refused(Reason.NOT_EXPECTED, found=heal.ref, invoice=heal.invoice)
    digest = heal_digest(separator, lock=name, best=heal.best, invoice=heal.invoice)
    try:
        verify_any_signature(digest, heal.signature, signer=till)
    except RuleBroken as error:
        return _refused(Reason.SIGNATURE_NOT_VALID, detail=str(error))
    if heal.best < lock.acked:
        return ShowAcknowledged(name, lock.acked, heal.best)
    is_unknown = heal.best > max(lock.signed_max, lock.word.settled)
    if is_unknown and not _is_own_voucher(separator, name, terms, heal):
        return _refused(Reason.VOUCHER_MISSING, best=heal.best, signed_max=lock.signed_max)
    if now_s >= lock.word.spend_until_s:
        return _refused(Reason.SPENDING_ENDED, spendUntil=lock.word.spend_until_s, now=now_s)
    if heal.best + amount_minor > lock.word.deposit:
        return _refused(Reason.NO_ROOM, best=heal.best, amount=amount_minor, deposit=lock.word.deposit)
    return SignVoucher(
        name,
        heal.best + amount_minor,
        heal.invoice,
        amount_minor,
        is_own_voucher_unknown=is_unknown,
        best_voucher=heal.best_voucher if is_unknown else None,
    )


def check_receipt(
    separator: Hash32, receipt: Receipt, *, digest: Hash32, invoice: bytes, till_key: Address
) -> Refused | None:
    """Return why `till_key` did not acknowledge the voucher or hop with this digest; None if it did."""
    if receipt.payment != digest[:REFERENCE_BYTES] or receipt.invoice != invoice:
        return _refused(Reason.NOT_EXPECTED, payment=receipt.payment, invoice=receipt.invoice)
    signed = receipt_digest(separator, invoice=receipt.invoice, payment=receipt.payment, time_s=receipt.time_s)
    return _wrong_signature(signed, receipt.signature, till_key)


def check_card(chain_id: int, separator: Hash32, card: Card, *, now_s: int) -> Refused | None:
    """Return why the payee's account does not introduce the till now; None if it does."""
    if card.chain_id != chain_id:
        return _refused(Reason.OTHER_CHAIN, found=card.chain_id, expected=chain_id)
    proof = CardProof(card.until_s, card.signature)
    return _wrong_card(separator, proof, payee=card.payee, till=card.till, name=card.name, now_s=now_s)


def check_release(separator: Hash32, terms: LockTerms, release: Release) -> Refused | None:
    """Return why the payee's account does not give the rest of the lock back; None if it does."""
    name = lock_id(separator, terms)
    if release.ref != name[:REFERENCE_BYTES]:
        return _refused(Reason.NOT_EXPECTED, found=release.ref, expected=name[:REFERENCE_BYTES])
    digest = release_digest(separator, lock=name, cumulative=release.cumulative)
    return _wrong_signature(digest, release.signature, terms.payee)


def _require_invoice(payer: Payer, invoice: Invoice, now_s: int) -> None:
    if invoice.chain_id != payer.chain_id:
        raise stop(Reason.OTHER_CHAIN, found=invoice.chain_id, expected=payer.chain_id)
    if invoice.currency not in payer.currencies:
        raise stop(Reason.UNKNOWN_CURRENCY, currency=invoice.currency)
    digest = invoice_digest(
        payer.separator,
        payee=invoice.payee,
        till=invoice.till,
        currency=invoice.currency,
        amount_minor=invoice.amount_minor,
        invoice=invoice.invoice,
        until_s=invoice.until_s,
        modes=invoice.modes,
        name=invoice.name,
        committee=invoice.committee,
        channel=invoice.channel_hash,
    )
    wrong = _wrong_signature(digest, invoice.signature, invoice.till_key)
    if wrong is not None:
        raise Stopped(wrong)
    if now_s > invoice.until_s:
        raise stop(Reason.INVOICE_EXPIRED, until=invoice.until_s, now=now_s)


def _choose(payer: Payer, invoice: Invoice, now_s: int) -> InvoiceVerdict:
    """Return the lock or purse to pay from; the reason of the nearest miss if there is none."""
    missed: Refused | None = None
    if Mode.PAIRED in invoice.modes:
        for lock in payer.locks:
            if _is_for(lock.terms, invoice):
                verdict = _from_lock(payer.separator, lock, invoice, now_s)
                if isinstance(verdict, SignVoucher):
                    return verdict
                missed = verdict
    if Mode.PURSE in invoice.modes:
        for purse in payer.purses:
            if purse.terms.currency == invoice.currency and invoice.payee in purse.members and not purse.is_frozen:
                spend = _from_purse(payer.separator, purse, invoice, now_s)
                if isinstance(spend, SignSpend):
                    return _not_introduced(payer.separator, invoice, now_s) or spend
                missed = missed or spend
    return missed or _refused(Reason.NO_LOCK, payee=invoice.payee, till=invoice.till)


def _is_for(terms: LockTerms, invoice: Invoice) -> bool:
    return (terms.payee, terms.till, terms.currency) == (invoice.payee, invoice.till, invoice.currency)


def _from_lock(separator: Hash32, lock: PayerLock, invoice: Invoice, now_s: int) -> SignVoucher | Refused:
    if now_s >= lock.word.spend_until_s:
        return _refused(Reason.SPENDING_ENDED, spendUntil=lock.word.spend_until_s, now=now_s)
    base = max(lock.signed_last, lock.word.settled)
    if base + invoice.amount_minor > lock.word.deposit:
        return _refused(Reason.NO_ROOM, signed=base, amount=invoice.amount_minor, deposit=lock.word.deposit)
    return SignVoucher(
        lock_id(separator, lock.terms), base + invoice.amount_minor, invoice.invoice, invoice.amount_minor
    )


def _from_purse(separator: Hash32, purse: PayerPurse, invoice: Invoice, now_s: int) -> SignSpend | Refused:
    terms = purse.terms
    if now_s >= terms.spend_until_s:
        return _refused(Reason.SPENDING_ENDED, spendUntil=terms.spend_until_s, now=now_s)
    hi = purse.next_lo + invoice.amount_minor
    if hi > terms.value:
        return _refused(Reason.NO_ROOM, spent=purse.next_lo, amount=invoice.amount_minor, value=terms.value)
    signed_to = purse.signed_to(invoice.payee)
    if signed_to + invoice.amount_minor > terms.per_payee:
        return _refused(Reason.PAYEE_CAP, signed=signed_to, amount=invoice.amount_minor, cap=terms.per_payee)
    return SignSpend(purse_id(separator, terms), purse.next_lo, hi, invoice.payee, invoice.invoice)


def _not_introduced(separator: Hash32, invoice: Invoice, now_s: int) -> Refused | None:
    """Return why a till that no lock names does not belong to the payee; None if it does."""
    if invoice.till == ZERO_ADDRESS:
        return None
    if invoice.card is None:
        return _refused(Reason.PAYEE_NOT_INTRODUCED, payee=invoice.payee, till=invoice.till)
    return _wrong_card(separator, invoice.card, payee=invoice.payee, till=invoice.till, name=invoice.name, now_s=now_s)


def _wrong_card(
    separator: Hash32, card: CardProof, *, payee: Address, till: Address, name: str, now_s: int
) -> Refused | None:
    if now_s > card.until_s:
        return _refused(Reason.CARD_EXPIRED, until=card.until_s, now=now_s)
    digest = card_digest(separator, payee=payee, till=till, name=name, until_s=card.until_s)
    return _wrong_signature(digest, card.signature, payee)


def _is_own_voucher(separator: Hash32, name: Hash32, terms: LockTerms, heal: Heal) -> bool:
    voucher = heal.best_voucher
    if voucher is None or voucher.cumulative != heal.best:
        return False
    digest = voucher_digest(separator, lock=name, cumulative=voucher.cumulative, invoice=voucher.invoice)
    try:
        verify_device_signature(digest, voucher.signature, signer=terms.signer, sig_alg=terms.sig_alg)
    except RuleBroken:
        return False
    return True


def _wrong_signature(digest: Hash32, signature: bytes, signer: Address) -> Refused | None:
    try:
        verify_any_signature(digest, signature, signer=signer)
    except RuleBroken as error:
        return _refused(Reason.SIGNATURE_NOT_VALID, detail=str(error))
    return None


def _refused(reason: Reason, **facts: int | str | bytes) -> Refused:
    return stop(reason, **facts).refused

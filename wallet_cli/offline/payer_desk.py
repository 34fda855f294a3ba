"""The payer at work: runs the payer's machine over its store and signer. No network, clock or screen of its own.

Nothing is decided here: the checks are `payer.py`'s, the order is `pairing.py`'s. Source: offline.md §9, §12.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Address, Hash32
from contracts.offline.typed_data import Hop, LockTerms, PurseTerms, domain_separator, hop_digest, voucher_digest
from wallet_cli.errors import RestoredHome
from wallet_cli.offline import payer_tables
from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import (
    REFERENCE_BYTES,
    CertifiedWord,
    Heal,
    Invoice,
    PairedPayment,
    PursePayment,
    Receipt,
)
from wallet_cli.offline.pairing import (
    Approved,
    Confirm,
    HealChecked,
    IntentStored,
    InvoiceChecked,
    PayerEffect,
    PayerMachine,
    ReceiptChecked,
    Say,
    Show,
    ShowReceipted,
    Sign,
    SignatureMade,
    SignatureStored,
    StoreIntent,
    StoreReceipt,
    StoreSignature,
    resume,
)
from wallet_cli.offline.payer import PayerLock, check_heal, check_invoice, check_receipt
from wallet_cli.offline.payer_tables import StoredIntent
from wallet_cli.offline.signer import Signer, sign_intent
from wallet_cli.offline.verdicts import Reason, Refused, stop


@dataclass(frozen=True, slots=True)
class Declined:
    """The person said no: nothing was promised."""


@dataclass(frozen=True, slots=True)
class PayerDesk:
    """What a payer needs to pay."""

    database: OfflineDatabase
    signer: Signer
    chain_id: int
    currencies: tuple[Address, ...]
    """The pinned list."""
    confirm: Callable[[Confirm], bool]
    """Asks the person; never called for bytes that were promised before."""

    @property
    def separator(self) -> Hash32:
        """Return the domain that every signature is bound to."""
        return domain_separator(self.chain_id)


def pay_invoice(desk: PayerDesk, invoice: Invoice, *, now_s: int) -> bytes | Refused | Declined:
    """Return the PAYMENT for an INVOICE, the same bytes as before if it was promised; or why there is none.

    Raises: DeviceFailed, PolicyRefused.
    """
    payer = payer_tables.load_payer(
        desk.database, chain_id=desk.chain_id, separator=desk.separator, currencies=desk.currencies
    )
    promised = payer_tables.load_intent(desk.database, invoice.payee, invoice.invoice)
    if promised is not None and promised.request != invoice:
        return stop(Reason.INVOICE_DIFFERS, invoice=invoice.invoice).refused
    verdict = check_invoice(payer, invoice, now_s=now_s)
    if isinstance(verdict, Refused) and verdict.reason is Reason.NO_LOCK:
        require_not_frozen([purse.is_frozen for purse in payer.purses if invoice.payee in purse.members])
    return _run(desk, *PayerMachine().step(InvoiceChecked(invoice, verdict, promised)))


def answer_heal(desk: PayerDesk, heal: Heal, *, now_s: int) -> bytes | Refused | Declined:
    """Return the PAYMENT that answers a HEAL, or why there is none. Raises: DeviceFailed, PolicyRefused."""
    found = _promised_for(desk, heal.invoice, heal.ref)
    if found is None:
        return stop(Reason.NOT_EXPECTED, invoice=heal.invoice).refused
    intent, lock = found
    assert isinstance(lock, PayerLock)
    amount_minor = intent.request.amount_minor
    verdict = check_heal(desk.separator, lock, heal, invoice=heal.invoice, amount_minor=amount_minor, now_s=now_s)
    return _run(desk, *PayerMachine().step(HealChecked(heal, intent, verdict)))


def store_receipt(desk: PayerDesk, receipt: Receipt) -> StoredIntent | Refused:
    """Keep a till's RECEIPT and return the payment it is for, or say why it is none. Raises: DeviceFailed."""
    for intent in payer_tables.load_signed(desk.database):
        if intent.request.invoice == receipt.invoice and digest_of(desk.separator, intent)[:16] == receipt.payment:
            refused = check_receipt(
                desk.separator,
                receipt,
                digest=digest_of(desk.separator, intent),
                invoice=receipt.invoice,
                till_key=intent.request.till_key,
            )
            machine, _ = resume(intent)
            _, effect = machine.step(ReceiptChecked(receipt, refused))
            if isinstance(effect, Say):
                return effect.refused
            assert isinstance(effect, StoreReceipt)
            payer_tables.record_receipt(desk.database, effect.intent, effect.receipt)
            return intent
    return stop(Reason.NOT_EXPECTED, invoice=receipt.invoice, payment=receipt.payment).refused


def resume_payment(desk: PayerDesk, intent: StoredIntent) -> bytes | Refused | Declined:
    """Return the PAYMENT of a promise found on disk, signed now if it was not. Raises: DeviceFailed."""
    return _run(desk, *resume(intent))


def digest_of(separator: Hash32, intent: StoredIntent) -> Hash32:
    """Return what the signature of a promise is over."""
    invoice = intent.request.invoice
    if intent.lock_id is not None:
        return voucher_digest(separator, lock=intent.lock_id, cumulative=intent.hi, invoice=invoice)
    assert intent.purse_id is not None
    return hop_digest(separator, Hop(intent.purse_id, intent.lo, intent.hi, intent.request.payee, invoice))


def require_not_frozen(frozen: list[bool]) -> None:
    """Stop where only purses could pay that a restore froze. Raises: RestoredHome."""
    if frozen and all(frozen):
        raise RestoredHome(
            "the purse that could pay this is frozen",
            why="this wallet was restored, and the purse may have spent units that it does not remember",
            next_step="go online and open another purse; the rest of this one comes back after its claim window",
        )


def _run(desk: PayerDesk, machine: PayerMachine, effect: PayerEffect | None) -> bytes | Refused | Declined:
    while True:
        match effect:
            case Confirm():
                if not desk.confirm(effect):
                    return Declined()
                machine, effect = machine.step(Approved())
            case StoreIntent(invoice, verdict, heal):
                payer_tables.commit_intent(desk.database, invoice, verdict, heal)
                machine, effect = machine.step(IntentStored(_read_back(desk, invoice)))
            case Sign(intent):
                terms, certified = _source_of(desk, intent)
                signature = sign_intent(desk.signer, desk.separator, intent, terms, deposit=certified.word.deposit)
                machine, effect = machine.step(SignatureMade(signature))
            case StoreSignature(intent, signature):
                payer_tables.record_signature(desk.database, intent, signature)
                machine, effect = machine.step(SignatureStored(_read_back(desk, intent.request)))
            case Show(intent):
                return payment_bytes(desk, intent)
            case ShowReceipted(lock_id):
                acknowledged = payer_tables.load_acknowledged(desk.database, lock_id)
                if acknowledged is None:
                    return stop(Reason.VOUCHER_MISSING, lock=lock_id).refused
                return payment_bytes(desk, acknowledged)
            case Say(refused):
                return refused
            case StoreReceipt() | None:
                raise AssertionError("no RECEIPT was read")


def payment_bytes(desk: PayerDesk, intent: StoredIntent) -> bytes:
    """Return the PAYMENT of a signed promise, from disk alone: terms and certificate, and its RECEIPT if there is one.

    The till knows them after the first time; they cost frames, and without them a till that forgot cannot accept.
    """
    assert intent.signature is not None
    terms, certified = _source_of(desk, intent)
    carried = () if intent.receipt is None else (intent.receipt,)
    if isinstance(terms, LockTerms):
        assert intent.lock_id is not None
        voucher = payer_tables.voucher_of(intent)
        return encode_message(PairedPayment(intent.lock_id[:REFERENCE_BYTES], voucher, terms, certified, carried))
    assert intent.purse_id is not None
    ref = intent.purse_id[:REFERENCE_BYTES]
    invoice = intent.request.invoice
    return encode_message(PursePayment(ref, invoice, intent.lo, intent.hi, intent.signature, terms, certified, carried))


def _source_of(desk: PayerDesk, intent: StoredIntent) -> tuple[LockTerms | PurseTerms, CertifiedWord]:
    if intent.lock_id is not None:
        lock = payer_tables.load_lock(desk.database, intent.lock_id)
        assert lock is not None
        return lock[0].terms, lock[1]
    assert intent.purse_id is not None
    purse = payer_tables.load_purse(desk.database, intent.purse_id)
    assert purse is not None
    return purse[0].terms, purse[1]


def _read_back(desk: PayerDesk, invoice: Invoice) -> StoredIntent:
    found = payer_tables.load_intent(desk.database, invoice.payee, invoice.invoice)
    assert found is not None
    return found


def _promised_for(desk: PayerDesk, invoice: bytes, ref: bytes) -> tuple[StoredIntent, PayerLock] | None:
    """Return the newest promise of a lock for an invoice, and the lock."""
    for intent in reversed(payer_tables.load_signed(desk.database)):
        if intent.request.invoice == invoice and intent.lock_id is not None and intent.lock_id.startswith(ref):
            lock = payer_tables.load_lock(desk.database, intent.lock_id)
            assert lock is not None
            return intent, lock[0]
    return None

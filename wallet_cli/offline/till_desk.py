"""The till at work: runs the payee's machine over its store and key. No network, clock or screen of its own.

Nothing is decided here: the checks are `acceptance.py`'s, the order is `pairing.py`'s. Source: offline.md §9, §12.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from consensus.light.attestation import AttestationDomain, CommitteeTrust
from consensus.primitives.scalars import Address, Hash32
from contracts.addresses import OFFLINE_LOCKS
from contracts.offline.typed_data import domain_separator, heal_digest, invoice_digest, receipt_digest
from wallet_cli.errors import UsageRefused
from wallet_cli.offline import till_tables
from wallet_cli.offline.acceptance import CurrencyLimits, TillPolicy, check_payment, checking_time_s
from wallet_cli.offline.database import OfflineDatabase
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import REFERENCE_BYTES, CardProof, Fraud, Heal, Invoice, Mode, Receipt
from wallet_cli.offline.pairing import (
    KeepReceipt,
    LearnedStored,
    MakeReceipt,
    PayeeMachine,
    PaymentChecked,
    PaymentStored,
    ReceiptKept,
    ReceiptMade,
    Say,
    ShowHeal,
    ShowReceipt,
    StoreBest,
    StoreEvidence,
    StoreLearned,
    StorePayment,
)
from wallet_cli.offline.signer import sign_digest
from wallet_cli.offline.verdicts import AnswerHeal, Refused


@dataclass(frozen=True, slots=True)
class TillDesk:
    """What a till needs to be paid."""

    database: OfflineDatabase
    chain_id: int
    payee: Address
    till: Address
    """Zero if the payee's account key is the till."""
    key: bytes
    """The till's private key, for as long as one command lasts."""
    limits: Mapping[Address, CurrencyLimits]
    policy: TillPolicy = field(default_factory=TillPolicy)

    @property
    def separator(self) -> Hash32:
        """Return the domain that every signature is bound to."""
        return domain_separator(self.chain_id)


@dataclass(frozen=True, slots=True)
class DoubleSpendFound:
    """The payment was refused, and its proof kept."""

    fraud: Fraud


@dataclass(frozen=True, slots=True)
class BestRaised:
    """A voucher that this till had forgotten is back: the payer shows the PAYMENT of the open invoice again."""

    lock_id: Hash32
    best: int


TillAnswer: TypeAlias = Receipt | Heal | BestRaised | DoubleSpendFound | Refused


def make_invoice(
    desk: TillDesk,
    *,
    currency: Address,
    amount_minor: int,
    number: bytes,
    until_s: int,
    modes: Mode,
    name: str = "",
    card: CardProof | None = None,
) -> Invoice:
    """Sign an invoice, keep it, and only then return it; `number` is 8 random bytes. Raises: DeviceFailed."""
    committee = _trust_of(desk).newest.number
    digest = invoice_digest(
        desk.separator,
        payee=desk.payee,
        till=desk.till,
        currency=currency,
        amount_minor=amount_minor,
        invoice=number,
        until_s=until_s,
        modes=modes,
        name=name,
        committee=committee,
        channel=Hash32(bytes(32)),
    )
    invoice = Invoice(
        chain_id=desk.chain_id,
        payee=desk.payee,
        currency=currency,
        amount_minor=amount_minor,
        invoice=number,
        until_s=until_s,
        modes=modes,
        committee=committee,
        signature=sign_digest(desk.key, digest),
        till=desk.till,
        name=name,
        card=card,
    )
    till_tables.save_invoice(desk.database, invoice)
    return invoice


def receive_payment(desk: TillDesk, data: bytes, *, device_s: int) -> TillAnswer:
    """Decide on the bytes of a PAYMENT and return what to show the payer; what is accepted is on disk before.

    `device_s` is the device's clock in seconds. Raises: DeviceFailed, PolicyRefused.
    """
    now_s = checking_time_s(device_s=device_s, certified_s=till_tables.load_certified_time_s(desk.database))
    till = till_tables.load_till(
        desk.database,
        payee=desk.payee,
        till=desk.till,
        trust=_trust_of(desk),
        limits=desk.limits,
        policy=desk.policy,
    )
    machine, effect = PayeeMachine().step(PaymentChecked(check_payment(till, data, now_s=now_s)))
    while True:
        match effect:
            case StoreLearned(learned):
                till_tables.save_learned(desk.database, learned, till.trust.domain)
                machine, effect = machine.step(LearnedStored())
            case StorePayment(verdict):
                till_tables.accept_payment(desk.database, verdict, desk.payee)
                machine, effect = machine.step(PaymentStored())
            case MakeReceipt(invoice, payment):
                machine, effect = machine.step(ReceiptMade(_receipt(desk, invoice, payment, now_s)))
            case KeepReceipt(receipt):
                till_tables.record_receipt(desk.database, receipt)
                machine, effect = machine.step(ReceiptKept())
            case ShowReceipt(receipt):
                return receipt
            case ShowHeal(answer):
                return _heal(desk, answer)
            case StoreBest(raised):
                till_tables.raise_best(desk.database, raised, desk.separator)
                return BestRaised(raised.lock_id, raised.known.best)
            case StoreEvidence(purse_id, fraud):
                till_tables.save_evidence(desk.database, purse_id, fraud)
                return DoubleSpendFound(fraud)
            case Say(refused):
                return refused


def _receipt(desk: TillDesk, invoice: bytes, payment: bytes, now_s: int) -> Receipt:
    found = till_tables.load_invoice(desk.database, invoice)
    assert found is not None
    if found[1] is not None:
        kept = decode_message(found[1])
        assert isinstance(kept, Receipt)
        return kept
    digest = receipt_digest(desk.separator, invoice=invoice, payment=payment, time_s=now_s)
    return Receipt(invoice, sign_digest(desk.key, digest), payment, now_s)


def _heal(desk: TillDesk, answer: AnswerHeal) -> Heal:
    digest = heal_digest(desk.separator, lock=answer.lock_id, best=answer.best, invoice=answer.invoice)
    signature = sign_digest(desk.key, digest)
    return Heal(answer.lock_id[:REFERENCE_BYTES], answer.invoice, signature, answer.best, answer.best_voucher)


def _trust_of(desk: TillDesk) -> CommitteeTrust:
    trust = till_tables.load_trust(desk.database, AttestationDomain(desk.chain_id, OFFLINE_LOCKS))
    if trust is None:
        raise UsageRefused(
            "this till has never verified the network's validators",
            why="without them no payment can be checked offline",
            next_step="go online once: sycee offline sync",
            code="NEVER_ONLINE",
        )
    return trust

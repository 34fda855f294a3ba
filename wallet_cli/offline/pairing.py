"""The two sides of a payment as machines: an event in, the next state and what to do out. No disk, key or screen here.

The order of effects is the safety of offline money: promise, commit, sign, commit, show; check, commit, acknowledge.
Whoever runs a machine performs one effect, then reports it; a run may end after any of them.
Source: offline.md §9, §12.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, assert_never

from consensus.primitives.scalars import Hash32
from wallet_cli.offline.acceptance import Decision
from wallet_cli.offline.attachments import Learned
from wallet_cli.offline.messages import Fraud, Heal, Invoice, Receipt
from wallet_cli.offline.payer import HealVerdict, InvoiceVerdict, ShowAcknowledged, ShowAgain, SignSpend, SignVoucher
from wallet_cli.offline.payer_tables import StoredIntent
from wallet_cli.offline.verdicts import (
    AcceptSpend,
    AcceptVoucher,
    AnswerAgain,
    AnswerHeal,
    DoubleSpend,
    RaiseBest,
    Refused,
)


class PayerState(Enum):
    """How far a payment is, for who pays."""

    READ = "read"
    """Nothing is promised yet."""
    INTENT = "intent"
    """On disk: from here on it counts as spent."""
    SHOWN = "shown"
    """Its signature is on disk, and perhaps it was shown."""
    RECEIPTED = "receipted"
    DISCLAIMED = "disclaimed"
    """A HEAL says that it was not accepted."""
    REFUSED = "refused"


class PayeeState(Enum):
    """How far a payment is, for who is paid."""

    INVOICED = "invoiced"
    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class InvoiceChecked:
    """What `check_invoice` said of an INVOICE, and what was promised for it before."""

    invoice: Invoice
    verdict: InvoiceVerdict
    promised: StoredIntent | None


@dataclass(frozen=True, slots=True)
class HealChecked:
    """What `check_heal` said of a HEAL for a payment that was shown."""

    heal: Heal
    promised: StoredIntent
    verdict: HealVerdict


@dataclass(frozen=True, slots=True)
class Approved:
    """The person said yes."""


@dataclass(frozen=True, slots=True)
class IntentStored:
    """The promise is on disk; this is what was read back."""

    intent: StoredIntent


@dataclass(frozen=True, slots=True)
class SignatureMade:
    """The signer answered, and its signature was verified."""

    signature: bytes


@dataclass(frozen=True, slots=True)
class SignatureStored:
    """The signature is on disk; this is what was read back."""

    intent: StoredIntent


@dataclass(frozen=True, slots=True)
class ReceiptChecked:
    """A RECEIPT was read; None if it is the till's, for this payment."""

    receipt: Receipt
    refused: Refused | None


PayerEvent: TypeAlias = (
    InvoiceChecked | HealChecked | Approved | IntentStored | SignatureMade | SignatureStored | ReceiptChecked
)


@dataclass(frozen=True, slots=True)
class Confirm:
    """Ask the person."""

    invoice: Invoice
    verdict: SignVoucher | SignSpend


@dataclass(frozen=True, slots=True)
class StoreIntent:
    """Commit the promise; sign nothing before."""

    invoice: Invoice
    verdict: SignVoucher | SignSpend
    heal: Heal | None


@dataclass(frozen=True, slots=True)
class Sign:
    """Have the fields of a committed promise signed."""

    intent: StoredIntent


@dataclass(frozen=True, slots=True)
class StoreSignature:
    """Commit the signature; show nothing before."""

    intent: StoredIntent
    signature: bytes


@dataclass(frozen=True, slots=True)
class Show:
    """Show or send the PAYMENT."""

    intent: StoredIntent


@dataclass(frozen=True, slots=True)
class ShowReceipted:
    """Show the acknowledged PAYMENT of a lock with its RECEIPT: the till forgot it."""

    lock_id: Hash32


@dataclass(frozen=True, slots=True)
class StoreReceipt:
    """Commit the till's RECEIPT."""

    intent: StoredIntent
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the person why nothing happens."""

    refused: Refused


PayerEffect: TypeAlias = Confirm | StoreIntent | Sign | StoreSignature | Show | ShowReceipted | StoreReceipt | Say


class WrongMoment(AssertionError):
    """An event that cannot follow: a bug of whoever runs the machine."""

    def __init__(self, state: Enum, event: object) -> None:
        self.state = state
        self.event = event
        super().__init__(f"{type(event).__name__} cannot follow state {state.value}")


@dataclass(frozen=True, slots=True)
class PayerMachine:
    """One payment, for who pays."""

    state: PayerState = PayerState.READ
    asked: StoreIntent | None = None
    """What the person is asked to approve."""
    intent: StoredIntent | None = None
    """As read back from disk last."""

    def step(self, event: PayerEvent) -> tuple["PayerMachine", PayerEffect | None]:
        """Return the machine after `event` and the one thing to do next; None: wait for the other side."""
        match event:
            case InvoiceChecked() if self.state is PayerState.READ and self.asked is None:
                return self._on_invoice(event)
            case HealChecked() if self.state in (PayerState.READ, PayerState.SHOWN):
                return self._on_heal(event)
            case Approved() if self.state is PayerState.READ and self.asked is not None:
                return self, self.asked
            case IntentStored() if self.state is PayerState.READ:
                return PayerMachine(PayerState.INTENT, intent=event.intent), Sign(event.intent)
            case SignatureMade() if self.state is PayerState.INTENT and self.intent is not None:
                return self, StoreSignature(self.intent, event.signature)
            case SignatureStored() if self.state is PayerState.INTENT:
                assert event.intent.signature is not None
                return PayerMachine(PayerState.SHOWN, intent=event.intent), Show(event.intent)
            case ReceiptChecked() if self.state is PayerState.SHOWN and self.intent is not None:
                if event.refused is not None:
                    return self, Say(event.refused)
                return PayerMachine(PayerState.RECEIPTED, intent=self.intent), StoreReceipt(self.intent, event.receipt)
            case _:
                raise WrongMoment(self.state, event)

    def _on_invoice(self, event: InvoiceChecked) -> tuple["PayerMachine", PayerEffect]:
        match event.verdict:
            case SignVoucher() | SignSpend() as verdict:
                return PayerMachine(asked=StoreIntent(event.invoice, verdict, None)), Confirm(event.invoice, verdict)
            case ShowAgain():
                assert event.promised is not None
                return resume(event.promised)
            case Refused() as refused:
                return PayerMachine(PayerState.REFUSED), Say(refused)
            case _ as never:
                assert_never(never)

    def _on_heal(self, event: HealChecked) -> tuple["PayerMachine", PayerEffect]:
        match event.verdict:
            case SignVoucher() as verdict:
                # No question: the sum is the one that was approved for this invoice.
                return PayerMachine(), StoreIntent(event.promised.request, verdict, event.heal)
            case ShowAcknowledged():
                return PayerMachine(PayerState.SHOWN, intent=event.promised), ShowReceipted(event.verdict.lock_id)
            case Refused() as refused:
                return PayerMachine(PayerState.DISCLAIMED, intent=event.promised), Say(refused)
            case _ as never:
                assert_never(never)


def resume(promised: StoredIntent) -> tuple[PayerMachine, PayerEffect]:
    """Return the machine of a promise found on disk: it is signed if it was not, and shown again; nothing is new."""
    if promised.signature is None:
        return PayerMachine(PayerState.INTENT, intent=promised), Sign(promised)
    return PayerMachine(PayerState.SHOWN, intent=promised), Show(promised)


@dataclass(frozen=True, slots=True)
class PaymentChecked:
    """What `check_payment` said."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class LearnedStored:
    """What the attachments taught is on disk."""


@dataclass(frozen=True, slots=True)
class PaymentStored:
    """Payment, used invoice and redeem job are on disk, in one commit."""


@dataclass(frozen=True, slots=True)
class ReceiptMade:
    """The till's key signed the RECEIPT."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ReceiptKept:
    """The RECEIPT is on disk, so that the same bytes answer again."""


PayeeEvent: TypeAlias = PaymentChecked | LearnedStored | PaymentStored | ReceiptMade | ReceiptKept


@dataclass(frozen=True, slots=True)
class StoreLearned:
    """Commit what the attachments proved."""

    learned: Learned


@dataclass(frozen=True, slots=True)
class StorePayment:
    """Commit payment, invoice and job; acknowledge nothing before."""

    verdict: AcceptVoucher | AcceptSpend


@dataclass(frozen=True, slots=True)
class MakeReceipt:
    """Have the till sign that it accepted; or, if it did before, take the RECEIPT it kept."""

    invoice: bytes
    payment: bytes
    """First 16 bytes of the digest."""


@dataclass(frozen=True, slots=True)
class KeepReceipt:
    """Commit the RECEIPT."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ShowReceipt:
    """Show success and the RECEIPT."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class ShowHeal:
    """Sign and show the HEAL; nothing was accepted."""

    answer: AnswerHeal


@dataclass(frozen=True, slots=True)
class StoreBest:
    """Commit a voucher that the till forgot; the invoice is still unpaid."""

    verdict: RaiseBest


@dataclass(frozen=True, slots=True)
class StoreEvidence:
    """Commit the proof of a double spend; accept nothing."""

    purse_id: Hash32
    fraud: Fraud


PayeeEffect: TypeAlias = (
    StoreLearned | StorePayment | MakeReceipt | KeepReceipt | ShowReceipt | ShowHeal | StoreBest | StoreEvidence | Say
)


@dataclass(frozen=True, slots=True)
class PayeeMachine:
    """One payment, for who is paid."""

    state: PayeeState = PayeeState.INVOICED
    decision: Decision | None = None
    """While what it taught is being stored."""
    receipt: Receipt | None = None

    def step(self, event: PayeeEvent) -> tuple["PayeeMachine", PayeeEffect]:
        """Return the machine after `event` and the one thing to do next."""
        match event:
            case PaymentChecked(decision) if self.state is PayeeState.INVOICED and self.decision is None:
                return PayeeMachine(decision=decision), StoreLearned(decision.learned)
            case LearnedStored() if self.state is PayeeState.INVOICED and self.decision is not None:
                return self._decide(self.decision)
            case PaymentStored() if self.state is PayeeState.INVOICED and self.decision is not None:
                verdict = self.decision.verdict
                assert isinstance(verdict, AcceptVoucher | AcceptSpend)
                return PayeeMachine(PayeeState.ACCEPTED), _receipt_for(verdict)
            case ReceiptMade(receipt) if self.state is PayeeState.ACCEPTED:
                return PayeeMachine(PayeeState.ACCEPTED, receipt=receipt), KeepReceipt(receipt)
            case ReceiptKept() if self.state is PayeeState.ACCEPTED and self.receipt is not None:
                return PayeeMachine(PayeeState.ACKNOWLEDGED), ShowReceipt(self.receipt)
            case _:
                raise WrongMoment(self.state, event)

    def _decide(self, decision: Decision) -> tuple["PayeeMachine", PayeeEffect]:
        match decision.verdict:
            case AcceptVoucher() | AcceptSpend() as verdict:
                return self, StorePayment(verdict)
            case AnswerAgain(invoice, payment):
                return PayeeMachine(PayeeState.ACCEPTED), MakeReceipt(invoice, payment)
            case AnswerHeal() as answer:
                return PayeeMachine(PayeeState.REFUSED), ShowHeal(answer)
            case RaiseBest() as raised:
                return PayeeMachine(PayeeState.REFUSED), StoreBest(raised)
            case DoubleSpend(purse_id, fraud):
                return PayeeMachine(PayeeState.REFUSED), StoreEvidence(purse_id, fraud)
            case Refused() as refused:
                return PayeeMachine(PayeeState.REFUSED), Say(refused)
            case _ as never:
                assert_never(never)


def _receipt_for(verdict: AcceptVoucher | AcceptSpend) -> MakeReceipt:
    invoice = verdict.voucher.invoice if isinstance(verdict, AcceptVoucher) else verdict.spend.hop.invoice
    return MakeReceipt(invoice, verdict.digest[:16])

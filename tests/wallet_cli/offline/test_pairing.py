"""The two machines: what follows what, and that nothing overtakes a commit."""

from dataclasses import replace

import pytest

from tests.wallet_cli.offline.builders import (
    BOB_ADDRESS,
    LOCK_ID,
    NOW_S,
    PURSE_ID,
    make_fraud,
    make_heal,
    make_invoice,
    make_paired,
    make_receipt,
    make_voucher,
    trust,
)
from tests.wallet_cli.offline.tills import LOCK_KNOWN, make_till
from wallet_cli.offline.acceptance import Decision, check_payment
from wallet_cli.offline.attachments import Learned, RevokedList
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.pairing import (
    Approved,
    Confirm,
    HealChecked,
    IntentStored,
    InvoiceChecked,
    KeepReceipt,
    LearnedStored,
    MakeReceipt,
    PayeeMachine,
    PayeeState,
    PayerMachine,
    PayerState,
    PaymentChecked,
    PaymentStored,
    ReceiptChecked,
    ReceiptKept,
    ReceiptMade,
    Say,
    Show,
    ShowHeal,
    ShowReceipt,
    ShowReceipted,
    Sign,
    SignatureMade,
    SignatureStored,
    StoreBest,
    StoreEvidence,
    StoreIntent,
    StoreLearned,
    StorePayment,
    StoreReceipt,
    StoreSignature,
    WrongMoment,
    resume,
)
from wallet_cli.offline.payer import ShowAcknowledged, ShowAgain, SignVoucher
from wallet_cli.offline.payer_tables import StoredIntent
from wallet_cli.offline.verdicts import AnswerAgain, AnswerHeal, DoubleSpend, PaymentVerdict, RaiseBest, Reason, Refused

INVOICE = make_invoice()
VERDICT = SignVoucher(LOCK_ID, 12_34, INVOICE.invoice, 12_34)
PROMISED = StoredIntent(INVOICE, 0, LOCK_ID, None, 0, 12_34, None, None)
SIGNED = replace(PROMISED, signature=make_voucher(12_34).signature)
REFUSED = Refused(Reason.NO_LOCK)
RECEIPT = make_receipt(bytes(16))
LEARNED = Learned(trust(), RevokedList())


def test_a_payer_promises_commits_signs_commits_and_only_then_shows() -> None:
    machine, effect = PayerMachine().step(InvoiceChecked(INVOICE, VERDICT, None))
    assert effect == Confirm(INVOICE, VERDICT)
    machine, effect = machine.step(Approved())
    assert effect == StoreIntent(INVOICE, VERDICT, None)
    machine, effect = machine.step(IntentStored(PROMISED))
    assert effect == Sign(PROMISED)
    machine, effect = machine.step(SignatureMade(b"signature"))
    assert effect == StoreSignature(PROMISED, b"signature")
    machine, effect = machine.step(SignatureStored(SIGNED))
    assert (machine.state, effect) == (PayerState.SHOWN, Show(SIGNED))
    same, effect = machine.step(ReceiptChecked(RECEIPT, REFUSED))
    assert (same, effect) == (machine, Say(REFUSED))
    machine, effect = machine.step(ReceiptChecked(RECEIPT, None))
    assert (machine.state, effect) == (PayerState.RECEIPTED, StoreReceipt(SIGNED, RECEIPT))


def test_a_payer_signs_nothing_that_is_not_stored() -> None:
    asked, _ = PayerMachine().step(InvoiceChecked(INVOICE, VERDICT, None))
    for event in (SignatureMade(b""), SignatureStored(SIGNED), ReceiptChecked(RECEIPT, None)):
        with pytest.raises(WrongMoment):
            asked.step(event)
    with pytest.raises(WrongMoment):
        PayerMachine().step(Approved())


def test_a_payer_shows_again_what_it_promised_and_signs_it_only_if_it_was_not() -> None:
    again = ShowAgain(BOB_ADDRESS, INVOICE.invoice)
    assert PayerMachine().step(InvoiceChecked(INVOICE, again, SIGNED))[1] == Show(SIGNED)
    assert PayerMachine().step(InvoiceChecked(INVOICE, again, PROMISED))[1] == Sign(PROMISED)
    assert resume(SIGNED)[1] == Show(SIGNED)
    assert PayerMachine().step(InvoiceChecked(INVOICE, REFUSED, None))[1] == Say(REFUSED)


def test_a_payer_answers_a_heal_without_a_second_question() -> None:
    heal = make_heal(0)
    shown, _ = resume(SIGNED)
    assert shown.step(HealChecked(heal, SIGNED, VERDICT))[1] == StoreIntent(INVOICE, VERDICT, heal)
    acknowledged = ShowAcknowledged(LOCK_ID, 5, 0)
    assert shown.step(HealChecked(heal, SIGNED, acknowledged))[1] == ShowReceipted(LOCK_ID)
    machine, effect = shown.step(HealChecked(heal, SIGNED, REFUSED))
    assert (machine.state, effect) == (PayerState.DISCLAIMED, Say(REFUSED))


def test_a_till_checks_commits_and_only_then_acknowledges() -> None:
    decision = check_payment(make_till(), encode_message(make_paired()), now_s=NOW_S)
    machine, effect = PayeeMachine().step(PaymentChecked(decision))
    assert effect == StoreLearned(decision.learned)
    machine, effect = machine.step(LearnedStored())
    assert isinstance(effect, StorePayment) and machine.state is PayeeState.INVOICED
    for event in (ReceiptMade(RECEIPT), ReceiptKept()):
        with pytest.raises(WrongMoment):
            machine.step(event)
    machine, effect = machine.step(PaymentStored())
    assert isinstance(effect, MakeReceipt) and machine.state is PayeeState.ACCEPTED
    machine, effect = machine.step(ReceiptMade(RECEIPT))
    assert effect == KeepReceipt(RECEIPT)
    machine, effect = machine.step(ReceiptKept())
    assert (machine.state, effect) == (PayeeState.ACKNOWLEDGED, ShowReceipt(RECEIPT))


HEAL = AnswerHeal(LOCK_ID, INVOICE.invoice, 0, None, 20_00, 12_34)
RAISED = RaiseBest(LOCK_ID, LOCK_KNOWN, make_voucher(12_34), RECEIPT)


@pytest.mark.parametrize(
    ("verdict", "effect"),
    [
        (AnswerAgain(INVOICE.invoice, bytes(16)), MakeReceipt(INVOICE.invoice, bytes(16))),
        (HEAL, ShowHeal(HEAL)),
        (RAISED, StoreBest(RAISED)),
        (DoubleSpend(PURSE_ID, make_fraud()), StoreEvidence(PURSE_ID, make_fraud())),
        (REFUSED, Say(REFUSED)),
    ],
)
def test_a_till_does_one_thing_for_each_other_verdict(verdict: PaymentVerdict, effect: object) -> None:
    machine, _ = PayeeMachine().step(PaymentChecked(Decision(verdict, LEARNED)))
    assert machine.step(LearnedStored())[1] == effect

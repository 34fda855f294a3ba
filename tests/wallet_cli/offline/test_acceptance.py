"""A till accepts what is covered, answers what can be healed, and refuses the rest by name, one step at a time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from consensus.light.attestation import AttestationDomain, AttestedKind
from consensus.primitives.scalars import ZERO_ADDRESS, Height
from contracts.addresses import currency_address
from contracts.offline.lock_rules import OfflineWord, encode_word
from contracts.offline.typed_data import lock_id, purse_id, voucher_digest
from tests.wallet_cli.offline.builders import (
    ALICE_ADDRESS,
    ATTESTED_S,
    BOB,
    CLAIM_UNTIL_S,
    DAY_S,
    DOMAIN,
    LOCK_DEVICE,
    LOCK_ID,
    LOCK_TERMS,
    LOCK_WORD,
    MALLORY,
    NOW_S,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    SHOPS,
    SPEND_UNTIL_S,
    attest,
    certify_lock,
    certify_purse,
    committee,
    invoice_number,
    make_card,
    make_committee_message,
    make_fraud,
    make_hop,
    make_invoice,
    make_paired,
    make_purse_payment,
    make_receipt,
    make_revocations,
    make_voucher,
    p256_address,
    sign_p256,
    trust,
)
from tests.wallet_cli.offline.tills import INVOICE, LIMITS, knowing_lock, knowing_purse, make_till, open_invoices
from wallet_cli.offline.acceptance import (
    Exposure,
    OpenInvoice,
    Till,
    TillPolicy,
    check_payment,
    checking_time_s,
)
from wallet_cli.offline.attachments import RevokedList
from wallet_cli.offline.fraud import verify_fraud
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import CertifiedWord, Message, Mode, PairedPayment, PursePayment, Voucher
from wallet_cli.offline.verdicts import (
    AcceptSpend,
    AcceptVoucher,
    AnswerAgain,
    AnswerHeal,
    DoubleSpend,
    PaymentVerdict,
    RaiseBest,
    Reason,
    Refused,
)


def verdict(till: Till, message: Message, *, now_s: int = NOW_S) -> PaymentVerdict:
    return check_payment(till, encode_message(message), now_s=now_s).verdict


def reason(till: Till, message: Message, *, now_s: int = NOW_S) -> Reason | None:
    found = verdict(till, message, now_s=now_s)
    return found.reason if isinstance(found, Refused) else None


def carrying(payment: PairedPayment | PursePayment, *messages: Message) -> PairedPayment | PursePayment:
    return replace(payment, attachments=tuple(encode_message(message) for message in messages))


# Accepted


def test_first_payment_from_a_lock_is_accepted() -> None:
    found = verdict(make_till(), make_paired())
    assert isinstance(found, AcceptVoucher)
    assert (found.lock_id, found.amount_minor, found.known.best) == (LOCK_ID, 12_34, 12_34)
    assert found.known.word == LOCK_WORD
    assert found.known.best_voucher == found.voucher


def test_next_payment_from_a_known_lock_needs_neither_terms_nor_certificate() -> None:
    till = make_till(locks=knowing_lock(best=7_66))
    found = verdict(till, make_paired(20_00, is_first=False))
    assert isinstance(found, AcceptVoucher)
    assert (found.amount_minor, found.known.best) == (12_34, 20_00)


def test_payment_from_a_purse_is_accepted() -> None:
    for till, is_first in ((make_till(), True), (make_till(purses=knowing_purse(total=7_66)), False)):
        found = verdict(till, make_purse_payment(10_00, 22_34, is_first=is_first))
        assert isinstance(found, AcceptSpend)
        assert (found.purse_id, found.amount_minor) == (PURSE_ID, 12_34)
        assert found.known.total == (12_34 if is_first else 20_00)


def test_last_unit_of_deposit_and_cap_is_accepted() -> None:
    till = make_till(locks=knowing_lock(best=37_66))
    assert isinstance(verdict(till, make_paired(50_00, is_first=False)), AcceptVoucher)
    spend = make_purse_payment(47_66, 60_00)
    assert isinstance(verdict(make_till(), spend), AcceptSpend)


def test_p256_device_is_accepted() -> None:
    terms = replace(LOCK_TERMS, signer=p256_address("device"), sig_alg=2)
    lock = lock_id(SEPARATOR, terms)
    digest = voucher_digest(SEPARATOR, lock=lock, cumulative=12_34, invoice=invoice_number(1))
    payment = replace(make_paired(terms=terms), voucher=Voucher(12_34, invoice_number(1), sign_p256("device", digest)))
    assert isinstance(verdict(make_till(), payment), AcceptVoucher)


def test_account_key_can_be_the_till() -> None:
    terms = replace(LOCK_TERMS, till=ZERO_ADDRESS)
    till = make_till(till=ZERO_ADDRESS, invoices=open_invoices(make_invoice(till=ZERO_ADDRESS, key=BOB)))
    assert isinstance(verdict(till, make_paired(terms=terms)), AcceptVoucher)


def test_newer_certificate_replaces_the_stored_word_and_an_older_one_does_not() -> None:
    grown = replace(LOCK_WORD, deposit=90_00, settled=5_00)
    till = make_till(locks=knowing_lock(best=40_00))
    newer = CertifiedWord(grown, attest(AttestedKind.LOCK, LOCK_ID, encode_word(grown), height=1300))
    found = verdict(till, make_paired(52_34, certified=newer))
    assert isinstance(found, AcceptVoucher)
    assert found.known.word == grown
    older = CertifiedWord(grown, attest(AttestedKind.LOCK, LOCK_ID, encode_word(grown), height=1200))
    assert reason(till, make_paired(52_34, certified=older)) is Reason.EXCEEDS_DEPOSIT


def test_what_the_ledger_settled_counts_as_accepted() -> None:
    settled = certify_lock(replace(LOCK_WORD, settled=30_00))
    assert isinstance(verdict(make_till(), make_paired(42_34, certified=settled)), AcceptVoucher)
    found = verdict(make_till(), make_paired(12_34, certified=settled))
    assert isinstance(found, AnswerHeal)
    assert (found.best, found.best_voucher) == (30_00, None)


# Answered


def test_same_payment_again_gets_the_same_receipt_even_when_nothing_could_be_accepted_any_more() -> None:
    accepted = verdict(make_till(), make_paired())
    assert isinstance(accepted, AcceptVoucher)
    paid = {INVOICE.invoice: OpenInvoice(INVOICE, accepted.digest[:16])}
    till = make_till(invoices=paid, locks=knowing_lock(best=12_34), trust=trust(anchor_time_s=0))
    expected = AnswerAgain(INVOICE.invoice, accepted.digest[:16])
    assert verdict(till, make_paired(is_first=False), now_s=CLAIM_UNTIL_S + 1) == expected
    spent = verdict(make_till(), make_purse_payment())
    assert isinstance(spent, AcceptSpend)
    paid = {INVOICE.invoice: OpenInvoice(INVOICE, spent.digest[:16])}
    again = verdict(make_till(invoices=paid, purses=knowing_purse(total=12_34)), make_purse_payment())
    assert again == AnswerAgain(INVOICE.invoice, spent.digest[:16])


@pytest.mark.parametrize("cumulative", [12_33, 12_35, 24_68, 1, 49_99])
def test_voucher_that_does_not_follow_is_answered_with_heal(cumulative: int) -> None:
    voucher = make_voucher(10_00, 9)
    till = make_till(locks=knowing_lock(best=10_00, best_voucher=voucher))
    found = verdict(till, make_paired(cumulative))
    assert isinstance(found, AnswerHeal)
    assert (found.best, found.best_voucher, found.cumulative) == (10_00, voucher, cumulative)


def test_forgotten_voucher_with_this_tills_own_receipt_raises_best() -> None:
    digest = voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=20_00, invoice=invoice_number(8))
    payment = carrying(make_paired(20_00, 8), make_receipt(digest, 8))
    found = verdict(make_till(), payment)
    assert isinstance(found, RaiseBest)
    assert (found.known.best, found.voucher.cumulative) == (20_00, 20_00)
    for receipt in (make_receipt(digest, 8, key=MALLORY), make_receipt(LOCK_ID, 8), make_receipt(digest, 7)):
        assert reason(make_till(), carrying(make_paired(20_00, 8), receipt)) is Reason.INVOICE_UNKNOWN
    assert reason(make_till(locks=knowing_lock(best=20_00)), payment) is Reason.INVOICE_UNKNOWN
    digest = voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=50_01, invoice=invoice_number(8))
    unpaid = carrying(make_paired(50_01, 8), make_receipt(digest, 8))
    assert reason(make_till(), unpaid) is Reason.INVOICE_UNKNOWN


def test_overlap_with_a_spend_seen_before_is_proven_and_refused() -> None:
    seen = make_hop(12_33, 20_00, to=SHOPS[0], number=2)
    found = verdict(make_till(spends={PURSE_ID: (seen,)}), make_purse_payment())
    assert isinstance(found, DoubleSpend)
    equivocation = verify_fraud(DOMAIN, found.fraud)
    assert (equivocation.lo, equivocation.hi, equivocation.owner) == (12_33, 12_34, ALICE_ADDRESS)
    beside = make_hop(12_34, 20_00, to=SHOPS[0], number=2)
    assert isinstance(verdict(make_till(spends={PURSE_ID: (beside,)}), make_purse_payment()), AcceptSpend)


def test_gossiped_fraud_refuses_the_purse_and_proves_an_overlap() -> None:
    fraud = make_fraud(make_hop(20_00, 30_00), make_hop(25_00, 35_00, number=2))
    assert reason(make_till(), carrying(make_purse_payment(), fraud)) is Reason.REVOKED
    overlapping = make_fraud(make_hop(10_00, 30_00, number=3), make_hop(25_00, 35_00, number=2))
    assert isinstance(verdict(make_till(), carrying(make_purse_payment(), overlapping)), DoubleSpend)


def test_gossip_about_another_purse_or_a_forgery_changes_nothing() -> None:
    other = replace(PURSE_TERMS, open_nonce=9)
    other_id = purse_id(SEPARATOR, other)
    hops = (make_hop(0, 9, purse=other_id), make_hop(1, 8, purse=other_id, number=2))
    forged = make_fraud(make_hop(0, 9, key=MALLORY), make_hop(1, 8, key=MALLORY, number=2))
    payment = carrying(make_purse_payment(), make_fraud(*hops, terms=other), forged)
    decision = check_payment(make_till(), encode_message(payment), now_s=NOW_S)
    assert isinstance(decision.verdict, AcceptSpend)
    assert [fraud.equivocation.purse_id for fraud in decision.learned.frauds] == [other_id]
    assert len(decision.learned.left_out) == 1


def test_committees_carried_along_bring_a_till_forward() -> None:
    later = make_committee_message(7, 4)
    now_s = committee(7).start_s + 60
    far = replace(LOCK_TERMS, open_nonce=4)
    long_word = replace(LOCK_WORD, spend_until_s=now_s + 7 * DAY_S, claim_until_s=now_s + 14 * DAY_S)
    lock = lock_id(SEPARATOR, far)
    certificate = attest(AttestedKind.LOCK, lock, encode_word(long_word), number=7, time_s=now_s - 30)
    payment = make_paired(terms=far, certified=CertifiedWord(long_word, certificate))
    invoices = open_invoices(make_invoice(until_s=now_s + 60))
    till = make_till(invoices=invoices, trust=trust(anchor_time_s=now_s - DAY_S))
    assert reason(till, payment, now_s=now_s) is Reason.COMMITTEE_UNKNOWN
    assert reason(till, carrying(payment, later), now_s=now_s) is Reason.COMMITTEE_UNKNOWN
    decision = check_payment(till, encode_message(carrying(payment, later, make_committee_message(6, 4))), now_s=now_s)
    assert isinstance(decision.verdict, AcceptVoucher)
    assert decision.learned.trust.newest.number == 7


def test_revocations_carried_along_are_learned_and_obeyed() -> None:
    payment = carrying(make_purse_payment(), make_revocations((PURSE_ID,)))
    decision = check_payment(make_till(), encode_message(payment), now_s=NOW_S)
    assert decision.verdict == verdict(make_till(), payment)
    assert decision.learned.revoked == RevokedList((PURSE_ID[:8],), ATTESTED_S)
    newer = RevokedList((), ATTESTED_S + 1)
    assert isinstance(verdict(make_till(revoked=newer), payment), AcceptSpend)


def test_other_messages_teach_nothing() -> None:
    decision = check_payment(make_till(), encode_message(carrying(make_paired(), make_card())), now_s=NOW_S)
    assert isinstance(decision.verdict, AcceptVoucher)
    assert decision.learned.left_out == ()


# Refused


def strange_purse(**changes: object) -> PursePayment:
    """Return a payment from a purse with other terms, certified with the word those terms ask for."""
    terms = replace(PURSE_TERMS, **changes)  # type: ignore[arg-type]  # fields by name
    word = OfflineWord(0, terms.value + terms.collateral, terms.spend_until_s, terms.claim_until_s)
    return make_purse_payment(terms=terms, certified=certify_purse(word, id=purse_id(SEPARATOR, terms)))


STALE = {"trust": trust(anchor_time_s=NOW_S - 3 * DAY_S - 1)}
LOW = {
    "limits": {
        INVOICE.currency: replace(LIMITS, stale_first_contact_lock_max=12_33, stale_first_contact_purse_max=12_33)
    }
}
FOREIGN = currency_address(392)

REFUSED: tuple[tuple[str, Callable[[], Reason | None], Reason], ...] = (
    ("an invoice where a payment belongs", lambda: reason(make_till(), INVOICE), Reason.NOT_EXPECTED),
    ("unknown lock without terms", lambda: reason(make_till(), make_paired(is_first=False)), Reason.UNKNOWN_REFERENCE),
    (
        "unknown lock without certificate",
        lambda: reason(make_till(), replace(make_paired(), certified=None)),
        Reason.UNKNOWN_REFERENCE,
    ),
    (
        "unknown purse without certificate",
        lambda: reason(make_till(), replace(make_purse_payment(), certified=None)),
        Reason.UNKNOWN_REFERENCE,
    ),
    ("terms of another lock", lambda: reason(make_till(), replace(make_paired(), ref=bytes(16))), Reason.WRONG_ID),
    (
        "terms of another purse",
        lambda: reason(make_till(), replace(make_purse_payment(), ref=bytes(16))),
        Reason.WRONG_ID,
    ),
    (
        "a currency that is not pinned",
        lambda: reason(make_till(), make_paired(terms=replace(LOCK_TERMS, currency=FOREIGN))),
        Reason.UNKNOWN_CURRENCY,
    ),
    (
        "another chain",
        lambda: reason(make_till(trust=replace(trust(), domain=AttestationDomain(1, DOMAIN.contract))), make_paired()),
        Reason.WRONG_ID,
    ),
    (
        "a stale anchor",
        lambda: reason(make_till(trust=trust(anchor_time_s=NOW_S - 14 * DAY_S - 1)), make_paired()),
        Reason.ANCHOR_STALE,
    ),
    (
        "a stale anchor, purse known",
        lambda: reason(
            make_till(trust=trust(anchor_time_s=NOW_S - 14 * DAY_S - 1), purses=knowing_purse()), make_purse_payment()
        ),
        Reason.ANCHOR_STALE,
    ),
    (
        "too much at first contact behind an old anchor",
        lambda: reason(make_till(**STALE, **LOW), make_paired()),
        Reason.FIRST_CONTACT_LIMIT,
    ),
    (
        "too much at first contact from a purse",
        lambda: reason(make_till(**STALE, **LOW), make_purse_payment()),
        Reason.FIRST_CONTACT_LIMIT,
    ),
    (
        "a certificate of the wrong kind",
        lambda: reason(
            make_till(),
            make_paired(
                certified=CertifiedWord(LOCK_WORD, attest(AttestedKind.PURSE, LOCK_ID, encode_word(LOCK_WORD)))
            ),
        ),
        Reason.CERTIFICATE_NOT_VALID,
    ),
    (
        "a larger deposit than certified",
        lambda: reason(
            make_till(),
            make_paired(certified=replace(certify_lock(), word=replace(LOCK_WORD, deposit=99_00))),
        ),
        Reason.CERTIFICATE_NOT_VALID,
    ),
    (
        "a certificate by Q - 1",
        lambda: reason(
            make_till(),
            make_paired(
                certified=CertifiedWord(
                    LOCK_WORD, attest(AttestedKind.LOCK, LOCK_ID, encode_word(LOCK_WORD), signers=(0, 2))
                )
            ),
        ),
        Reason.CERTIFICATE_NOT_VALID,
    ),
    (
        "a promise of more than 90 days",
        lambda: reason(
            make_till(),
            make_paired(certified=certify_lock(replace(LOCK_WORD, claim_until_s=ATTESTED_S + 90 * DAY_S + 1))),
        ),
        Reason.CERTIFICATE_NOT_VALID,
    ),
    (
        "another payee",
        lambda: reason(make_till(), make_paired(terms=replace(LOCK_TERMS, payee=SHOPS[0]))),
        Reason.NOT_FOR_ME,
    ),
    (
        "another till",
        lambda: reason(make_till(), make_paired(terms=replace(LOCK_TERMS, till=SHOPS[0]))),
        Reason.NOT_FOR_ME,
    ),
    (
        "no till where this is one",
        lambda: reason(make_till(), make_paired(terms=replace(LOCK_TERMS, till=ZERO_ADDRESS))),
        Reason.NOT_FOR_ME,
    ),
    (
        "a lock from before the restore",
        lambda: reason(make_till(locks=knowing_lock(is_redeem_only=True)), make_paired()),
        Reason.REDEEM_ONLY,
    ),
    (
        "an empty lock",
        lambda: reason(make_till(), make_paired(certified=certify_lock(replace(LOCK_WORD, deposit=0)))),
        Reason.NOT_LIVE,
    ),
    (
        "a unit above the deposit",
        lambda: reason(make_till(locks=knowing_lock(best=37_67)), make_paired(50_01)),
        Reason.EXCEEDS_DEPOSIT,
    ),
    (
        "a class it is not in",
        lambda: reason(make_till(classes={}), make_purse_payment()),
        Reason.NOT_IN_CLASS,
    ),
    ("uncovered terms", lambda: reason(make_till(), strange_purse(collateral=19_99)), Reason.TERMS_NOT_SUPPORTED),
    ("a chain of hops", lambda: reason(make_till(), strange_purse(max_hops=2)), Reason.TERMS_NOT_SUPPORTED),
    (
        "a pot smaller than the terms",
        lambda: reason(make_till(), make_purse_payment(certified=certify_purse(replace(PURSE_WORD, deposit=79_99)))),
        Reason.CERTIFICATE_NOT_VALID,
    ),
    (
        "a closed purse",
        lambda: reason(make_till(), make_purse_payment(certified=certify_purse(replace(PURSE_WORD, deposit=0)))),
        Reason.NOT_LIVE,
    ),
    ("units beyond the purse", lambda: reason(make_till(), make_purse_payment(47_67, 60_01)), Reason.BAD_RANGE),
    ("a range that runs back", lambda: reason(make_till(), make_purse_payment(20_00, 7_66)), Reason.BAD_RANGE),
    ("a unit less than asked", lambda: reason(make_till(), make_purse_payment(0, 12_33)), Reason.WRONG_AMOUNT),
    ("a unit more than asked", lambda: reason(make_till(), make_purse_payment(0, 12_35)), Reason.WRONG_AMOUNT),
    (
        "a unit above the payee's cap",
        lambda: reason(make_till(purses=knowing_purse(total=7_67)), make_purse_payment()),
        Reason.PAYEE_CAP,
    ),
    ("a forged voucher", lambda: reason(make_till(), make_paired(key=MALLORY)), Reason.SIGNATURE_NOT_VALID),
    ("a forged spend", lambda: reason(make_till(), make_purse_payment(key=MALLORY)), Reason.SIGNATURE_NOT_VALID),
    (
        "a spend for another payee",
        lambda: reason(make_till(), make_purse_payment(to=SHOPS[0])),
        Reason.SIGNATURE_NOT_VALID,
    ),
    ("no invoice of this till", lambda: reason(make_till(), make_paired(number=2)), Reason.INVOICE_UNKNOWN),
    ("no invoice for a spend", lambda: reason(make_till(), make_purse_payment(number=2)), Reason.INVOICE_UNKNOWN),
    (
        "an invoice paid by other bytes",
        lambda: reason(make_till(invoices={INVOICE.invoice: OpenInvoice(INVOICE, bytes(16))}), make_paired()),
        Reason.INVOICE_USED,
    ),
    (
        "an invoice for purses only",
        lambda: reason(make_till(invoices=open_invoices(make_invoice(modes=Mode.PURSE))), make_paired()),
        Reason.INVOICE_DIFFERS,
    ),
    (
        "an invoice for locks only",
        lambda: reason(make_till(invoices=open_invoices(make_invoice())), make_purse_payment()),
        Reason.INVOICE_DIFFERS,
    ),
    (
        "an invoice in another currency",
        lambda: reason(
            make_till(
                limits={FOREIGN: LIMITS, INVOICE.currency: LIMITS},
                invoices=open_invoices(replace(INVOICE, currency=FOREIGN)),
            ),
            make_paired(),
        ),
        Reason.INVOICE_DIFFERS,
    ),
    (
        "an invoice a second too old",
        lambda: reason(make_till(), make_paired(), now_s=NOW_S + 601),
        Reason.INVOICE_EXPIRED,
    ),
    (
        "spending ended this second",
        lambda: reason(
            make_till(invoices=open_invoices(make_invoice(until_s=CLAIM_UNTIL_S))), make_paired(), now_s=SPEND_UNTIL_S
        ),
        Reason.SPENDING_ENDED,
    ),
    (
        "a second less to redeem",
        lambda: reason(make_till(policy=TillPolicy(claim_window_min_s=CLAIM_UNTIL_S - NOW_S + 1)), make_paired()),
        Reason.CLAIM_WINDOW_SHORT,
    ),
    (
        "a revoked purse",
        lambda: reason(make_till(revoked=RevokedList((PURSE_ID[:8],), 1)), make_purse_payment()),
        Reason.REVOKED,
    ),
    (
        "a revoked owner",
        lambda: reason(make_till(revoked=RevokedList((ALICE_ADDRESS[:8],), 1)), make_purse_payment()),
        Reason.REVOKED,
    ),
    (
        "a purse attested a second too long ago",
        lambda: reason(
            make_till(policy=TillPolicy(purse_certificate_age_s_max=NOW_S - ATTESTED_S - 1)), make_purse_payment()
        ),
        Reason.CERTIFICATE_OLD,
    ),
    (
        "a unit too much exposure",
        lambda: reason(make_till(exposure={INVOICE.currency: Exposure(187_67, 1)}), make_purse_payment()),
        Reason.EXPOSURE,
    ),
    (
        "a receipt too much",
        lambda: reason(make_till(exposure={INVOICE.currency: Exposure(1, 25)}), make_purse_payment()),
        Reason.EXPOSURE,
    ),
)


@pytest.mark.parametrize(("act", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_payment_is_refused_by_name(act: Callable[[], Reason | None], expected: Reason) -> None:
    assert act() is expected


def test_bounds_are_good_up_to_the_last_second_and_unit() -> None:
    for till, payment, now_s in (
        (make_till(), make_paired(), NOW_S + 600),
        (make_till(trust=trust(anchor_time_s=NOW_S - 14 * DAY_S)), make_paired(), NOW_S),
        (make_till(**LOW, trust=trust(anchor_time_s=NOW_S - 3 * DAY_S)), make_paired(), NOW_S),
        (make_till(**STALE, **LOW, locks=knowing_lock()), make_paired(), NOW_S),
        (make_till(policy=TillPolicy(claim_window_min_s=CLAIM_UNTIL_S - NOW_S)), make_paired(), NOW_S),
        (make_till(policy=TillPolicy(purse_certificate_age_s_max=600)), make_purse_payment(), NOW_S),
        (make_till(exposure={INVOICE.currency: Exposure(187_66, 24)}), make_purse_payment(), NOW_S),
    ):
        assert isinstance(verdict(till, payment, now_s=now_s), AcceptVoucher | AcceptSpend)


def test_rubbish_is_refused_and_every_refusal_says_its_values() -> None:
    for data in (b"", b"\x00", bytes(5_000)):
        found = check_payment(make_till(), data, now_s=NOW_S).verdict
        assert isinstance(found, Refused)
        assert found.reason is Reason.MALFORMED
    stranger = verdict(make_till(), make_paired(is_first=False))
    assert isinstance(stranger, Refused)
    assert stranger.facts == (("ref", "0x" + LOCK_ID[:16].hex()),)
    refused = verdict(make_till(), make_paired(), now_s=NOW_S + 601)
    assert str(refused) == f"the invoice is too old: make a new one (until {NOW_S + 600}, now {NOW_S + 601})"


@pytest.mark.parametrize("payment", [make_paired(), make_purse_payment()], ids=["lock", "purse"])
def test_no_flipped_bit_of_a_payment_is_accepted(payment: PairedPayment | PursePayment) -> None:
    encoded = bytearray(encode_message(payment))
    till = make_till()
    for at in range(len(encoded)):
        bit = 1 << at % 8
        encoded[at] ^= bit
        found = check_payment(till, bytes(encoded), now_s=NOW_S).verdict
        assert isinstance(found, Refused), (at, found)
        encoded[at] ^= bit


def test_clock_set_back_brings_nothing_back() -> None:
    assert checking_time_s(device_s=0, certified_s=NOW_S) == NOW_S
    assert checking_time_s(device_s=NOW_S, certified_s=5) == NOW_S
    ended = replace(LOCK_WORD, spend_until_s=ATTESTED_S)
    payment = make_paired(certified=certify_lock(ended))
    assert reason(make_till(), payment, now_s=0) is Reason.SPENDING_ENDED
    old = make_till(trust=trust(anchor_time_s=ATTESTED_S - 14 * DAY_S - 1))
    assert reason(old, make_paired(), now_s=0) is Reason.ANCHOR_STALE


def test_stored_certificate_may_be_of_any_height() -> None:
    certificate = replace(certify_lock().certificate, height=Height(10**9))
    till = make_till(locks=knowing_lock(certificate=certificate, best=1))
    found = verdict(till, make_paired(12_35, certified=certify_lock()))
    assert isinstance(found, AcceptVoucher)
    assert found.known.certificate == certificate
    assert found.voucher.signature == make_voucher(12_35, key=LOCK_DEVICE).signature

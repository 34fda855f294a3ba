"""A payer signs only what an invoice asks, from money that covers it, and heals only what its till signed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.addresses import currency_address
from contracts.offline.typed_data import voucher_digest
from tests.wallet_cli.offline.builders import (
    ALICE,
    BOB,
    BOB_ADDRESS,
    CHAIN_ID,
    CLASS,
    DAY_S,
    LOCK_ID,
    LOCK_TERMS,
    LOCK_WORD,
    MALLORY,
    NOW_S,
    PURSE_ID,
    PURSE_TERMS,
    SEPARATOR,
    SHOPS,
    SPEND_UNTIL_S,
    TILL_ADDRESS,
    invoice_number,
    make_card,
    make_heal,
    make_invoice,
    make_receipt,
    make_release,
    make_voucher,
)
from tests.wallet_cli.offline.tills import make_payer
from wallet_cli.offline.messages import CardProof, Channel, Heal, Invoice, Mode
from wallet_cli.offline.payer import (
    HealVerdict,
    Payer,
    PayerLock,
    PayerPurse,
    ShowAcknowledged,
    ShowAgain,
    SignSpend,
    SignVoucher,
    check_card,
    check_heal,
    check_invoice,
    check_receipt,
    check_release,
)
from wallet_cli.offline.verdicts import Reason, Refused

CARD = make_card()
BY_PURSE = make_invoice(modes=Mode.PURSE, name=CARD.name, card=CardProof(CARD.until_s, CARD.signature))
LOCK = PayerLock(LOCK_TERMS, LOCK_WORD, signed_last=10_00, signed_max=20_00, acked=10_00)
PURSE = PayerPurse(PURSE_TERMS, CLASS, next_lo=5_00, paid_to=((SHOPS[0], 5_00),))


def ask(invoice: Invoice, payer: Payer | None = None, *, now_s: int = NOW_S) -> Reason | None:
    found = check_invoice(payer or make_payer(), invoice, now_s=now_s)
    return found.reason if isinstance(found, Refused) else None


def test_invoice_is_paid_from_the_lock_for_its_till() -> None:
    assert check_invoice(make_payer(locks=(LOCK,)), make_invoice(), now_s=NOW_S) == SignVoucher(
        LOCK_ID, 22_34, invoice_number(1), 12_34
    )
    settled = replace(LOCK, word=replace(LOCK_WORD, settled=15_00))
    found = check_invoice(make_payer(locks=(settled,)), make_invoice(), now_s=NOW_S)
    assert isinstance(found, SignVoucher)
    assert found.cumulative == 27_34


def test_invoice_is_paid_from_a_purse_where_no_lock_can() -> None:
    expected = SignSpend(PURSE_ID, 5_00, 17_34, BOB_ADDRESS, invoice_number(1))
    assert check_invoice(make_payer(locks=(LOCK,), purses=(PURSE,)), BY_PURSE, now_s=NOW_S) == expected
    empty = replace(LOCK, signed_last=50_00)
    either = make_invoice(modes=Mode.PAIRED | Mode.PURSE, name=CARD.name, card=CardProof(CARD.until_s, CARD.signature))
    assert check_invoice(make_payer(locks=(empty,), purses=(PURSE,)), either, now_s=NOW_S) == expected
    found = check_invoice(make_payer(locks=(empty, LOCK), purses=(PURSE,)), either, now_s=NOW_S)
    assert isinstance(found, SignVoucher)


def test_same_invoice_again_is_never_signed_again() -> None:
    payer = make_payer(paid=((BOB_ADDRESS, invoice_number(1)),))
    assert check_invoice(payer, make_invoice(), now_s=NOW_S) == ShowAgain(BOB_ADDRESS, invoice_number(1))
    other = make_payer(paid=((SHOPS[0], invoice_number(1)),))
    assert isinstance(check_invoice(other, make_invoice(), now_s=NOW_S), SignVoucher)


def test_till_that_is_the_payees_account_needs_no_card() -> None:
    invoice = make_invoice(modes=Mode.PURSE, till=ZERO_ADDRESS, key=BOB)
    assert isinstance(check_invoice(make_payer(), invoice, now_s=NOW_S), SignSpend)


REFUSED: tuple[tuple[str, Callable[[], Reason | None], Reason], ...] = (
    ("another chain", lambda: ask(make_invoice(), make_payer(chain_id=1)), Reason.OTHER_CHAIN),
    ("no pinned currency", lambda: ask(make_invoice(), make_payer(currencies=())), Reason.UNKNOWN_CURRENCY),
    ("signed by another key", lambda: ask(make_invoice(key=MALLORY)), Reason.SIGNATURE_NOT_VALID),
    ("amount altered", lambda: ask(replace(make_invoice(), amount_minor=1)), Reason.SIGNATURE_NOT_VALID),
    ("name altered", lambda: ask(replace(make_invoice(), name="x")), Reason.SIGNATURE_NOT_VALID),
    ("payee altered", lambda: ask(replace(make_invoice(), payee=SHOPS[0])), Reason.SIGNATURE_NOT_VALID),
    ("till altered", lambda: ask(replace(make_invoice(), till=SHOPS[0])), Reason.SIGNATURE_NOT_VALID),
    ("invoice altered", lambda: ask(replace(make_invoice(), invoice=bytes(8))), Reason.SIGNATURE_NOT_VALID),
    ("end altered", lambda: ask(replace(make_invoice(), until_s=NOW_S + 601)), Reason.SIGNATURE_NOT_VALID),
    ("modes altered", lambda: ask(replace(make_invoice(), modes=Mode.PURSE)), Reason.SIGNATURE_NOT_VALID),
    ("committee altered", lambda: ask(replace(make_invoice(), committee=6)), Reason.SIGNATURE_NOT_VALID),
    (
        "channel altered",
        lambda: ask(replace(make_invoice(), channel=Channel(bytes(32), bytes(16)))),
        Reason.SIGNATURE_NOT_VALID,
    ),
    (
        "currency altered",
        lambda: ask(
            replace(make_invoice(), currency=currency_address(392)),
            make_payer(currencies=(currency_address(392),)),
        ),
        Reason.SIGNATURE_NOT_VALID,
    ),
    ("a second too old", lambda: ask(make_invoice(), now_s=NOW_S + 601), Reason.INVOICE_EXPIRED),
    ("no lock", lambda: ask(make_invoice(), make_payer(locks=())), Reason.NO_LOCK),
    ("a lock for another till", lambda: ask(make_invoice(till=ZERO_ADDRESS, key=BOB)), Reason.NO_LOCK),
    (
        "a unit more than the lock has",
        lambda: ask(make_invoice(amount_minor=40_01), make_payer(locks=(LOCK,))),
        Reason.NO_ROOM,
    ),
    (
        "a lock that ended",
        lambda: ask(make_invoice(until_s=SPEND_UNTIL_S), now_s=SPEND_UNTIL_S),
        Reason.SPENDING_ENDED,
    ),
    (
        "a purse that ended",
        lambda: ask(replace(make_invoice(modes=Mode.PURSE, until_s=SPEND_UNTIL_S)), now_s=SPEND_UNTIL_S),
        Reason.SPENDING_ENDED,
    ),
    (
        "a unit more than the purse has",
        lambda: ask(BY_PURSE, make_payer(purses=(replace(PURSE, next_lo=47_67),))),
        Reason.NO_ROOM,
    ),
    (
        "a unit above the cap",
        lambda: ask(BY_PURSE, make_payer(purses=(replace(PURSE, paid_to=((BOB_ADDRESS, 7_67),)),))),
        Reason.PAYEE_CAP,
    ),
    (
        "a payee outside the class",
        lambda: ask(BY_PURSE, make_payer(purses=(replace(PURSE, members=SHOPS),))),
        Reason.NO_LOCK,
    ),
    (
        "a frozen purse",
        lambda: ask(BY_PURSE, make_payer(purses=(replace(PURSE, is_frozen=True),))),
        Reason.NO_LOCK,
    ),
    ("a till without a card", lambda: ask(make_invoice(modes=Mode.PURSE)), Reason.PAYEE_NOT_INTRODUCED),
    (
        "a card by somebody else",
        lambda: ask(replace(BY_PURSE, card=CardProof(CARD.until_s, make_card(payee_key=ALICE).signature))),
        Reason.SIGNATURE_NOT_VALID,
    ),
    (
        "a card that ended",
        lambda: ask(
            make_invoice(
                modes=Mode.PURSE,
                name=CARD.name,
                card=CardProof(NOW_S - 1, make_card(until_s=NOW_S - 1).signature),
            )
        ),
        Reason.CARD_EXPIRED,
    ),
)


@pytest.mark.parametrize(("act", "expected"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_invoice_is_refused_by_name(act: Callable[[], Reason | None], expected: Reason) -> None:
    assert act() is expected


def test_last_second_and_unit_are_good() -> None:
    assert ask(make_invoice(), now_s=NOW_S + 600) is None
    assert ask(make_invoice(amount_minor=40_00), make_payer(locks=(LOCK,))) is None
    last = replace(PURSE, next_lo=47_66, paid_to=((BOB_ADDRESS, 7_66), (SHOPS[0], 40_00)))
    assert ask(BY_PURSE, make_payer(purses=(last,))) is None


def heal(message: Heal, lock: PayerLock = LOCK, *, amount_minor: int = 12_34, now_s: int = NOW_S) -> HealVerdict:
    return check_heal(SEPARATOR, lock, message, invoice=invoice_number(1), amount_minor=amount_minor, now_s=now_s)


@pytest.mark.parametrize("best", [10_00, 15_00, 20_00])
def test_lost_scan_is_healed_upwards_or_downwards(best: int) -> None:
    assert heal(make_heal(best)) == SignVoucher(LOCK_ID, best + 12_34, invoice_number(1), 12_34)


def test_payer_that_forgot_records_its_own_voucher_first() -> None:
    voucher = make_voucher(25_00, 7)
    assert heal(make_heal(25_00, best_voucher=voucher)) == SignVoucher(
        LOCK_ID, 37_34, invoice_number(1), 12_34, is_own_voucher_unknown=True, best_voucher=voucher
    )
    settled = replace(LOCK, word=replace(LOCK_WORD, settled=25_00))
    found = heal(make_heal(25_00), settled)
    assert isinstance(found, SignVoucher)
    assert found.best_voucher is None


def test_till_that_forgot_is_shown_the_acknowledged_voucher() -> None:
    assert heal(make_heal(9_99)) == ShowAcknowledged(LOCK_ID, 10_00, 9_99)


HEALS_REFUSED: tuple[tuple[str, Callable[[], HealVerdict], Reason], ...] = (
    ("signed by another key", lambda: heal(make_heal(10_00, key=MALLORY)), Reason.SIGNATURE_NOT_VALID),
    ("best altered", lambda: heal(replace(make_heal(10_00), best=10_01)), Reason.SIGNATURE_NOT_VALID),
    ("of another invoice", lambda: heal(make_heal(10_00, 2)), Reason.NOT_EXPECTED),
    ("of another lock", lambda: heal(replace(make_heal(10_00), ref=bytes(16))), Reason.NOT_EXPECTED),
    ("a voucher never shown", lambda: heal(make_heal(20_01)), Reason.VOUCHER_MISSING),
    (
        "a voucher that is not the best",
        lambda: heal(make_heal(20_01, best_voucher=make_voucher(20_02, 7))),
        Reason.VOUCHER_MISSING,
    ),
    (
        "a forged voucher",
        lambda: heal(make_heal(20_01, best_voucher=make_voucher(20_01, 7, key=MALLORY))),
        Reason.VOUCHER_MISSING,
    ),
    ("no room", lambda: heal(make_heal(20_00), amount_minor=30_01), Reason.NO_ROOM),
    ("too late", lambda: heal(make_heal(10_00), now_s=SPEND_UNTIL_S), Reason.SPENDING_ENDED),
)


@pytest.mark.parametrize(("act", "expected"), [row[1:] for row in HEALS_REFUSED], ids=[row[0] for row in HEALS_REFUSED])
def test_heal_is_refused_by_name(act: Callable[[], HealVerdict], expected: Reason) -> None:
    found = act()
    assert isinstance(found, Refused)
    assert found.reason is expected


def reason_of(found: Refused | None) -> Reason | None:
    return found.reason if found else None


def test_receipt_is_of_the_till_for_the_very_payment() -> None:
    digest = voucher_digest(SEPARATOR, lock=LOCK_ID, cumulative=12_34, invoice=invoice_number(1))
    receipt = make_receipt(digest)

    def check(receipt_: object = receipt, number: int = 1) -> Reason | None:
        assert isinstance(receipt_, type(receipt))
        return reason_of(
            check_receipt(SEPARATOR, receipt_, digest=digest, invoice=invoice_number(number), till_key=TILL_ADDRESS)
        )

    assert check() is None
    assert check(number=2) is Reason.NOT_EXPECTED
    assert check(make_receipt(LOCK_ID)) is Reason.NOT_EXPECTED
    assert check(make_receipt(digest, key=MALLORY)) is Reason.SIGNATURE_NOT_VALID
    assert check(replace(receipt, time_s=receipt.time_s + 1)) is Reason.SIGNATURE_NOT_VALID


def test_card_is_of_the_payees_account_and_ends() -> None:
    assert check_card(CHAIN_ID, SEPARATOR, CARD, now_s=CARD.until_s) is None
    assert reason_of(check_card(CHAIN_ID, SEPARATOR, CARD, now_s=CARD.until_s + 1)) is Reason.CARD_EXPIRED
    assert reason_of(check_card(1, SEPARATOR, CARD, now_s=NOW_S)) is Reason.OTHER_CHAIN
    for changed in (
        replace(CARD, payee=SHOPS[0]),
        replace(CARD, till=SHOPS[0]),
        replace(CARD, name="x"),
        replace(CARD, until_s=CARD.until_s + DAY_S),
    ):
        assert reason_of(check_card(CHAIN_ID, SEPARATOR, changed, now_s=NOW_S)) is Reason.SIGNATURE_NOT_VALID


def test_release_is_of_the_payees_account() -> None:
    release = make_release(12_34)
    assert check_release(SEPARATOR, LOCK_TERMS, release) is None
    for changed, expected in (
        (make_release(12_34, key=ALICE), Reason.SIGNATURE_NOT_VALID),
        (replace(release, cumulative=12_33), Reason.SIGNATURE_NOT_VALID),
        (replace(release, ref=bytes(16)), Reason.NOT_EXPECTED),
    ):
        assert reason_of(check_release(SEPARATOR, LOCK_TERMS, changed)) is expected

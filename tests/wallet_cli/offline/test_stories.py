"""Payers and tills over many payments, with lost scans, forgetful devices and cheats: nobody loses a promise."""

import random
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address, Hash32
from contracts.offline import lock_rules
from contracts.offline.purse_rules import SignedHop, claim
from tests.wallet_cli.offline.builders import (
    CHAIN_ID,
    CLASS,
    LOCK_ID,
    LOCK_TERMS,
    LOCK_WORD,
    NOW_S,
    PURSE_ID,
    PURSE_TERMS,
    PURSE_WORD,
    SEPARATOR,
    invoice_number,
    make_heal,
    make_hop,
    make_invoice,
    make_paired,
    make_purse_payment,
    make_receipt,
)
from tests.wallet_cli.offline.tills import knowing_lock, knowing_purse, make_till, open_invoices
from wallet_cli.offline.acceptance import Till, check_payment
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import Mode, Receipt
from wallet_cli.offline.payer import (
    Payer,
    PayerLock,
    ShowAcknowledged,
    SignVoucher,
    check_heal,
    check_invoice,
)
from wallet_cli.offline.verdicts import (
    AcceptSpend,
    AcceptVoucher,
    AnswerHeal,
    DoubleSpend,
    LockKnown,
    RaiseBest,
    Reason,
    Refused,
)


@dataclass(frozen=True)
class Exchange:
    """One purchase and what goes wrong with it."""

    amount_minor: int
    is_payment_lost: bool
    is_receipt_lost: bool
    payer_forgets: bool
    """Its device is restored from before its last voucher."""
    payee_forgets: bool
    """Its memory is restored from before its last acceptance; only behind a RECEIPT is that survivable."""


EXCHANGES = st.lists(
    st.builds(Exchange, st.integers(1, 5_00), st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    min_size=1,
    max_size=7,
)


@dataclass
class Pair:
    """Alice and Bob with one lock between them."""

    lock: PayerLock = field(default_factory=lambda: PayerLock(LOCK_TERMS, LOCK_WORD))
    known: LockKnown = field(default_factory=lambda: knowing_lock()[LOCK_ID[:16]])
    before_lock: PayerLock | None = None
    before_known: LockKnown | None = None
    receipts: dict[int, tuple[int, Receipt]] = field(default_factory=dict)
    """By cumulative: the invoice's number and the receipt."""
    goods: int = 0
    approved: int = 0
    highest_signed: int = 0

    def till(self, number: int, amount_minor: int) -> Till:
        return make_till(locks={LOCK_ID[:16]: self.known}, invoices=open_invoices(make_invoice(number, amount_minor)))

    def buy(self, number: int, exchange: Exchange) -> None:
        """Pay one invoice, healing as often as it takes."""
        payer = Payer(CHAIN_ID, SEPARATOR, (LOCK_TERMS.currency,), (self.lock,))
        order = check_invoice(payer, make_invoice(number, exchange.amount_minor), now_s=NOW_S)
        if isinstance(order, Refused):
            assert order.reason is Reason.NO_ROOM
            return
        assert isinstance(order, SignVoucher)
        self.approved += exchange.amount_minor
        cumulative = self.sign(order)
        if exchange.is_payment_lost:
            return
        for _ in range(3):
            payment = make_paired(cumulative, number, is_first=False)
            verdict = check_payment(self.till(number, exchange.amount_minor), encode_message(payment), now_s=NOW_S)
            match verdict.verdict:
                case AcceptVoucher(known=known, digest=digest):
                    self.accept(number, exchange, known, digest)
                    return
                case AnswerHeal() as answer:
                    healed = self.heal(number, exchange, answer)
                    if healed is None:
                        return
                    cumulative = healed
                case other:
                    assert isinstance(other, Refused)
                    assert other.reason is Reason.EXCEEDS_DEPOSIT
                    return
        raise AssertionError("not healed after two answers")

    def sign(self, order: SignVoucher) -> int:
        self.before_lock = self.lock
        self.lock = replace(
            self.lock, signed_last=order.cumulative, signed_max=max(self.lock.signed_max, order.cumulative)
        )
        self.highest_signed = max(self.highest_signed, order.cumulative)
        return order.cumulative

    def accept(self, number: int, exchange: Exchange, known: LockKnown, digest: Hash32) -> None:
        self.before_known, self.known = self.known, known
        self.goods += exchange.amount_minor
        if not exchange.is_receipt_lost:
            self.receipts[known.best] = (number, make_receipt(digest, number))
            self.lock = replace(self.lock, acked=known.best)

    def heal(self, number: int, exchange: Exchange, answer: AnswerHeal) -> int | None:
        """Return the cumulative signed anew, after the till was reminded where it forgot; None if there is no room."""
        message = make_heal(answer.best, number, best_voucher=answer.best_voucher)
        order = check_heal(
            SEPARATOR,
            self.lock,
            message,
            invoice=invoice_number(number),
            amount_minor=exchange.amount_minor,
            now_s=NOW_S,
        )
        match order:
            case SignVoucher(is_own_voucher_unknown=is_unknown):
                assert not is_unknown or order.best_voucher is not None
                return self.sign(order)
            case ShowAcknowledged(acked=acked):
                earlier, receipt = self.receipts[acked]
                shown = replace(make_paired(acked, earlier, is_first=False), attachments=(encode_message(receipt),))
                reminded = check_payment(self.till(number, 1), encode_message(shown), now_s=NOW_S).verdict
                assert isinstance(reminded, RaiseBest)
                self.known = reminded.known
                return self.lock.signed_last
            case _:
                assert order.reason is Reason.NO_ROOM
                return None


@settings(max_examples=50, deadline=None)
@given(EXCHANGES)
def test_till_ends_with_its_goods_and_the_payer_with_what_it_approved(exchanges: list[Exchange]) -> None:
    pair = Pair()
    for number, exchange in enumerate(exchanges):
        pair.buy(number, exchange)
        assert pair.known.best == pair.goods, "what was accepted is what was handed over"
        assert pair.highest_signed <= pair.approved, "no voucher is above what the person approved"
        if exchange.payer_forgets and pair.before_lock is not None:
            pair.lock, pair.before_lock = pair.before_lock, None
        elif exchange.payee_forgets and pair.before_known is not None and pair.lock.acked == pair.known.best:
            pair.known, pair.before_known = pair.before_known, None
            remembered = pair.goods - pair.known.best
            assert remembered > 0
            pair.buy(900 + number, Exchange(1, False, False, False, False))
            assert pair.known.best == pair.goods
    if pair.goods:
        _, paid = lock_rules.redeem(LOCK_WORD, cumulative=pair.known.best, now_s=LOCK_WORD.claim_until_s)
        assert paid == pair.goods


@dataclass(frozen=True)
class Spend:
    """What a cheating payer shows to one of four tills."""

    till: int
    lo: int
    size: int


SPENDS = st.lists(st.builds(Spend, st.integers(0, 3), st.integers(0, 50_00), st.integers(1, 12_00)), max_size=10)
UNASKED = st.lists(st.builds(Spend, st.integers(0, 3), st.integers(0, 50_00), st.integers(1, 10_00)), max_size=5)


@settings(max_examples=50, deadline=None)
@given(SPENDS, UNASKED, st.integers(0, 2**32))
def test_double_spends_leave_every_till_of_a_covered_purse_paid(
    spends: list[Spend], unasked: list[Spend], order: int
) -> None:
    accepted: dict[Address, int] = dict.fromkeys(CLASS, 0)
    claims: list[SignedHop] = []
    seen: dict[Address, tuple[SignedHop, ...]] = dict.fromkeys(CLASS, ())
    for number, spend in enumerate(spends):
        payee = CLASS[spend.till]
        till = make_till(
            payee=payee,
            invoices=open_invoices(make_invoice(number, spend.size, payee=payee, modes=Mode.PURSE)),
            purses=knowing_purse(total=accepted[payee]),
            spends={PURSE_ID: seen[payee]},
        )
        payment = make_purse_payment(spend.lo, spend.lo + spend.size, number, to=payee, is_first=False)
        verdict = check_payment(till, encode_message(payment), now_s=NOW_S).verdict
        if isinstance(verdict, AcceptSpend):
            accepted[payee] += spend.size
            seen[payee] = (*seen[payee], verdict.spend)
            claims.append(verdict.spend)
        else:
            assert isinstance(verdict, DoubleSpend | Refused)
    claims += [
        make_hop(spend.lo, spend.lo + spend.size, to=CLASS[spend.till], number=500 + number)
        for number, spend in enumerate(unasked)
    ]
    random.Random(order).shuffle(claims)
    paid: dict[Address, int] = dict.fromkeys(CLASS, 0)
    word = PURSE_WORD
    for signed in claims:
        amount_minor = claim(PURSE_TERMS, word, signed.hop, paid_to=paid[signed.hop.to], now_s=NOW_S)
        paid[signed.hop.to] += amount_minor
        word = replace(word, settled=word.settled + amount_minor)
        assert word.settled <= word.deposit, "the pot never runs dry"
    for payee in CLASS:
        assert paid[payee] >= accepted[payee]

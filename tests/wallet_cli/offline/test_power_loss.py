"""Power fails once at every step of both sides, and every payment comes to its end all the same."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from shutil import copytree

import pytest

from contracts.offline.typed_data import card_digest
from tests.wallet_cli.offline.builders import (
    BOB,
    BOB_ADDRESS,
    DAY_S,
    EUR,
    NOW_S,
    SEPARATOR,
    TILL_ADDRESS,
    invoice_number,
    sign,
)
from tests.wallet_cli.offline.desks import Alice, Bob, Power, PowerLost, accepted_minor, make_alice, make_bob
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import CardProof, Invoice, Mode, PairedPayment, PursePayment, Receipt
from wallet_cli.offline.payer_desk import pay_invoice, payment_bytes, resume_payment, store_receipt
from wallet_cli.offline.till_desk import make_invoice, receive_payment

AMOUNTS = (3_00, 7_50)
CARD = CardProof(
    NOW_S + DAY_S,
    sign(BOB, card_digest(SEPARATOR, payee=BOB_ADDRESS, till=TILL_ADDRESS, name="", until_s=NOW_S + DAY_S)),
)
"""A till that no lock names is introduced by its payee."""


@dataclass
class Story:
    """What Alice and Bob did, across restarts."""

    alice: Alice
    bob: Bob
    mode: Mode
    released: list[bytes] = field(default_factory=list)
    """Every PAYMENT anybody but Alice could see."""
    acknowledged: list[Receipt] = field(default_factory=list)

    def until_done(self, act: Callable[[], None]) -> None:
        """Do something; where power fails, start again from what is on disk."""
        for _ in range(3):
            try:
                return act()
            except PowerLost:
                continue
        raise AssertionError("power fails once")

    def invoice(self, number: int, amount_minor: int) -> Invoice:
        with self.bob.at_desk() as desk:
            known = till_tables.load_invoice(desk.database, invoice_number(number))
            if known is not None:
                return known[0].invoice
            return make_invoice(
                desk,
                currency=EUR,
                amount_minor=amount_minor,
                number=invoice_number(number),
                until_s=NOW_S + 600,
                modes=self.mode,
                card=CARD,
            )

    def pay(self, number: int, amount_minor: int) -> None:
        invoice = self.invoice(number, amount_minor)
        with self.alice.at_desk() as desk:
            promised = payer_tables.load_intent(desk.database, invoice.payee, invoice.invoice)
            shown = resume_payment(desk, promised) if promised else pay_invoice(desk, invoice, now_s=NOW_S)
        assert isinstance(shown, bytes), shown
        self.released.append(shown)
        with self.bob.at_desk() as desk:
            answer = receive_payment(desk, shown, device_s=NOW_S)
        assert isinstance(answer, Receipt), answer
        self.acknowledged.append(answer)
        with self.alice.at_desk() as desk:
            assert isinstance(store_receipt(desk, answer), payer_tables.StoredIntent)

    def run(self) -> None:
        for number, amount_minor in enumerate(AMOUNTS):
            self.until_done(lambda number=number, amount_minor=amount_minor: self.pay(number, amount_minor))  # type: ignore[misc]


def check(story: Story) -> None:
    """P16 to P18, and that every payment ended."""
    with story.bob.at_desk() as desk:
        assert accepted_minor(desk) == sum(AMOUNTS)
        jobs = till_tables.load_jobs(desk.database)
        assert len(jobs) == len(AMOUNTS)
        assert {receipt.payment for receipt in story.acknowledged} == {job.digest[:16] for job in jobs}
    with story.alice.at_desk() as desk:
        assert not payer_tables.load_unacknowledged(desk.database)
        stored = {}
        for intent in payer_tables.load_signed(desk.database):
            message = decode_message(payment_bytes(desk, intent))
            assert isinstance(message, PairedPayment | PursePayment)
            stored[intent.request.invoice] = intent.signature
    ranges = set()
    for raw in story.released:
        payment = decode_message(raw)
        if isinstance(payment, PairedPayment):
            assert stored[payment.voucher.invoice] == payment.voucher.signature
            assert payment.voucher.cumulative <= sum(asked.invoice.amount_minor for asked in story.alice.approved)
        else:
            assert isinstance(payment, PursePayment)
            assert stored[payment.invoice] == payment.signature
            ranges.add((payment.lo, payment.hi))
    assert all(first[1] <= second[0] for first, second in pairwise(sorted(ranges)))


def story_of(folder: Path, mode: Mode) -> Story:
    alice = make_alice(folder / "alice", has_lock=mode is Mode.PAIRED, has_purse=mode is Mode.PURSE)
    return Story(alice, make_bob(folder / "bob"), mode)


@pytest.mark.parametrize("mode", [Mode.PAIRED, Mode.PURSE])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_power_lost_at_any_step_of_either_side_loses_and_doubles_nothing(tmp_path: Path, mode: Mode, who: str) -> None:
    quiet = story_of(tmp_path / "quiet", mode)
    side = quiet.alice if who == "alice" else quiet.bob
    side.power = Power()
    quiet.run()
    steps = side.power.steps
    check(quiet)
    assert steps > 3 * len(AMOUNTS)
    story_of(tmp_path / "new", mode)
    for fails_at in range(steps):
        home = tmp_path / str(fails_at)
        copytree(tmp_path / "new", home)
        story = Story(Alice(home / "alice"), Bob(home / "bob"), mode)
        fragile = story.alice if who == "alice" else story.bob
        fragile.power = Power(fails_at)
        story.run()
        fragile.power = Power()
        check(story)


def test_a_payment_cut_off_before_its_promise_was_committed_is_asked_again(tmp_path: Path) -> None:
    story = story_of(tmp_path, Mode.PAIRED)
    story.alice.power = Power(0)
    story.run()
    story.alice.power = Power()
    assert len(story.alice.approved) == len(AMOUNTS) + 1


def test_a_payment_cut_off_after_its_promise_is_shown_without_a_question(tmp_path: Path) -> None:
    story = story_of(tmp_path, Mode.PAIRED)
    story.alice.power = Power(3)
    story.run()
    story.alice.power = Power()
    assert len(story.alice.approved) == len(AMOUNTS)
    check(story)

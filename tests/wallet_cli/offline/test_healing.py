"""Scans are lost and payers fall back to old backups: goods and money agree again, within what was approved."""

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wallet_cli.offline.builders import LOCK_ID, NOW_S
from tests.wallet_cli.offline.desks import Alice, Bob, accepted_minor, ask, make_alice, make_bob
from wallet_cli.errors import RestoredHome
from wallet_cli.offline import payer_tables
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import Heal, PairedPayment, Receipt
from wallet_cli.offline.payer_desk import answer_heal, pay_invoice, store_receipt
from wallet_cli.offline.till_desk import receive_payment

STEPS = st.lists(
    st.tuples(st.integers(1, 3_00), st.sampled_from(["arrives", "payment lost", "receipt lost", "payer rolled back"])),
    min_size=1,
    max_size=6,
)


def exchange(alice: Alice, bob: Bob, number: int, amount_minor: int, *, is_receipt_lost: bool) -> None:
    """Pay an invoice to its end, with HEALs as they come."""
    with bob.at_desk() as till, alice.at_desk() as desk:
        shown = pay_invoice(desk, ask(till, number, amount_minor), now_s=NOW_S)
        for _ in range(3):
            assert isinstance(shown, bytes), shown
            answer = receive_payment(till, shown, device_s=NOW_S)
            if not isinstance(answer, Heal):
                break
            shown = answer_heal(desk, answer, now_s=NOW_S)
        assert isinstance(answer, Receipt), answer
        if not is_receipt_lost:
            assert isinstance(store_receipt(desk, answer), payer_tables.StoredIntent)


def roll_back(alice: Alice, backup: Path) -> None:
    shutil.rmtree(alice.folder / "data")
    shutil.copytree(backup, alice.folder / "data")
    try:
        with alice.at_desk():
            pass
    except RestoredHome:
        return


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_any_sequence_of_losses_ends_with_goods_paid_once_and_no_more_than_approved(
    steps: list[tuple[int, str]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        alice, bob = make_alice(Path(folder) / "alice"), make_bob(Path(folder) / "bob")
        backup = Path(folder) / "backup"
        shutil.copytree(alice.folder / "data", backup)
        goods_minor = 0
        for number, (amount_minor, fate) in enumerate(steps):
            if fate == "payment lost":
                with bob.at_desk() as till, alice.at_desk() as desk:
                    pay_invoice(desk, ask(till, number, amount_minor), now_s=NOW_S)
                continue
            if fate == "payer rolled back":
                roll_back(alice, backup)
            exchange(alice, bob, number, amount_minor, is_receipt_lost=fate == "receipt lost")
            goods_minor += amount_minor
        approved_minor = sum(asked.invoice.amount_minor for asked in alice.approved)
        with bob.at_desk() as till:
            assert accepted_minor(till) == goods_minor <= approved_minor
        with alice.at_desk() as desk:
            lock = payer_tables.load_lock(desk.database, LOCK_ID)
            assert lock is not None and lock[0].signed_max <= approved_minor
            for intent in payer_tables.load_signed(desk.database):
                assert intent.hi <= approved_minor


def test_a_till_that_fell_back_is_shown_what_it_acknowledged(tmp_path: Path) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    with bob.at_desk() as till, alice.at_desk() as desk:
        first = pay_invoice(desk, ask(till, 1), now_s=NOW_S)
        assert isinstance(first, bytes)
        receipt = receive_payment(till, first, device_s=NOW_S)
        assert isinstance(receipt, Receipt)
        store_receipt(desk, receipt)
    again = make_bob(tmp_path / "another image of bob")
    with again.at_desk() as till, alice.at_desk() as desk:
        second = ask(till, 2)
        shown = pay_invoice(desk, second, now_s=NOW_S)
        assert isinstance(shown, bytes)
        heal = receive_payment(till, shown, device_s=NOW_S)
        assert isinstance(heal, Heal) and heal.best == 0
        acknowledged = answer_heal(desk, heal, now_s=NOW_S)
        assert isinstance(acknowledged, bytes)
        payment = decode_message(acknowledged)
        assert isinstance(payment, PairedPayment) and payment.voucher.cumulative == 5_00 and payment.attachments
        receive_payment(till, acknowledged, device_s=NOW_S)
        assert isinstance(receive_payment(till, shown, device_s=NOW_S), Receipt)
        assert accepted_minor(till) == 10_00


def test_a_heal_of_somebody_else_is_answered_by_nothing(tmp_path: Path) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    with bob.at_desk() as till, alice.at_desk() as desk:
        pay_invoice(desk, ask(till, 1), now_s=NOW_S)
        shown = pay_invoice(desk, ask(till, 2), now_s=NOW_S)
        assert isinstance(shown, bytes)
        heal = receive_payment(till, shown, device_s=NOW_S)
        assert isinstance(heal, Heal)
        forged = Heal(heal.ref, heal.invoice, random.Random(3).randbytes(65), heal.best, heal.best_voucher)
        assert not isinstance(answer_heal(desk, forged, now_s=NOW_S), bytes)
        assert isinstance(answer_heal(desk, heal, now_s=NOW_S), bytes)

"""The file itself: one writer, a guard outside, and no second try on a disk that failed."""

import random
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from consensus.primitives.scalars import Address
from tests.wallet_cli.offline.builders import BOB_ADDRESS, LOCK_ID, NOW_S, PURSE_ID, make_invoice
from tests.wallet_cli.offline.desks import ask, make_alice, make_bob
from wallet_cli.errors import DeviceFailed, Exit, PolicyRefused, RestoredHome, UsageRefused, WalletLocked
from wallet_cli.offline import payer_tables, till_tables
from wallet_cli.offline.database import OfflineDatabase, decode_amount, encode_amount
from wallet_cli.offline.messages import Mode, Receipt
from wallet_cli.offline.payer import SignSpend, SignVoucher
from wallet_cli.offline.payer_desk import pay_invoice
from wallet_cli.offline.till_desk import receive_payment
from wallet_cli.offline.verdicts import Reason, Refused


def open_database(folder: Path) -> OfflineDatabase:
    return OfflineDatabase(folder / "data", folder / "state" / "guard.json", random=random.Random(1).randbytes)


def test_the_file_is_private_and_waits_for_the_disk(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    assert database.read("PRAGMA synchronous", (), (int,)) == [(2,)]
    assert database.read("PRAGMA journal_mode", (), (str,)) == [("wal",)]
    assert database.read("PRAGMA foreign_keys", (), (int,)) == [(1,)]
    assert stat.S_IMODE((tmp_path / "data" / "offline.db").stat().st_mode) == 0o600
    database.close()


def test_a_second_process_is_told_to_wait(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with pytest.raises(WalletLocked) as caught:
        open_database(tmp_path)
    assert caught.value.exit_code is Exit.LOCKED
    database.close()
    open_database(tmp_path).close()


def test_every_table_keeps_the_types_of_its_columns(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    rows = database.read(
        "SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%'", (), (int,)
    )
    assert {row[0] for row in rows} == {1}
    database.close()


def test_amounts_compare_on_disk_as_numbers() -> None:
    amounts = [0, 1, 255, 256, 2**63, 2**64 - 1, 2**96 - 1]
    assert sorted(encode_amount(amount) for amount in amounts) == [encode_amount(amount) for amount in amounts]
    assert [decode_amount(encode_amount(amount)) for amount in amounts] == amounts


def test_a_file_of_a_newer_wallet_is_left_alone(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    with sqlite3.connect(tmp_path / "data" / "offline.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UsageRefused, match="version 99"):
        open_database(tmp_path)


def test_after_a_disk_that_failed_nothing_is_done_until_it_is_opened_again(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with pytest.raises(DeviceFailed), database.transaction() as connection:
        connection.execute("PRAGMA max_page_count = 1")
        for number in range(500):
            connection.execute("INSERT INTO classes VALUES (?, 1)", (number.to_bytes(4, "big") * 500,))
    with pytest.raises(DeviceFailed), database.transaction():
        pass
    with pytest.raises(DeviceFailed) as caught:
        database.read("SELECT counter FROM meta", (), (int,))
    assert caught.value.exit_code is Exit.DEVICE
    database.close()
    again = open_database(tmp_path)
    assert again.read("SELECT count(*) FROM classes", (), (int,)) == [(0,)]
    again.close()


def test_a_guard_that_cannot_be_written_stops_the_wallet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wallet_cli.offline.database.write_private", full)
    with pytest.raises(DeviceFailed), database.transaction():
        pass
    monkeypatch.undo()
    with pytest.raises(DeviceFailed), database.transaction():
        pass
    database.close()


def test_a_damaged_file_is_not_used(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    (tmp_path / "data" / "offline.db").write_bytes(b"not a database" * 100)
    with pytest.raises(DeviceFailed):
        open_database(tmp_path)


def test_a_restored_payer_spends_no_purse_and_goes_on_with_its_locks(tmp_path: Path) -> None:
    alice = make_alice(tmp_path / "alice", has_purse=True)
    bob = make_bob(tmp_path / "bob")
    shutil.copytree(tmp_path / "alice" / "data", tmp_path / "backup")
    with bob.at_desk() as till, alice.at_desk() as desk:
        assert isinstance(pay_invoice(desk, ask(till, 1), now_s=NOW_S), bytes)
    shutil.rmtree(tmp_path / "alice" / "data")
    shutil.copytree(tmp_path / "backup", tmp_path / "alice" / "data")
    with pytest.raises(RestoredHome) as caught, alice.at_desk():
        pass
    assert caught.value.exit_code is Exit.RESTORED
    with alice.at_desk() as desk, bob.at_desk() as till:
        purse = payer_tables.load_purse(desk.database, PURSE_ID)
        assert purse is not None and purse[0].is_frozen
        assert isinstance(pay_invoice(desk, ask(till, 2), now_s=NOW_S), bytes)
        with pytest.raises(RestoredHome):
            pay_invoice(desk, ask(till, 3, modes=Mode.PURSE), now_s=NOW_S)


def test_a_copied_data_folder_without_its_guard_is_a_restore(tmp_path: Path) -> None:
    make_alice(tmp_path / "alice", has_purse=True)
    shutil.copytree(tmp_path / "alice" / "data", tmp_path / "clone" / "data")
    with pytest.raises(RestoredHome, match="copy"):
        open_database(tmp_path / "clone")
    clone = open_database(tmp_path / "clone")
    assert clone.read("SELECT is_frozen FROM purses", (), (int,)) == [(1,)]
    clone.close()
    with closing(open_database(tmp_path / "alice")) as database:
        assert database.read("SELECT is_frozen FROM purses", (), (int,)) == [(0,)]


def test_a_restored_till_only_redeems_from_the_locks_it_had(tmp_path: Path) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    with bob.at_desk() as till, alice.at_desk() as desk:
        shown = pay_invoice(desk, ask(till, 1), now_s=NOW_S)
        assert isinstance(shown, bytes)
        assert isinstance(receive_payment(till, shown, device_s=NOW_S), Receipt)
    shutil.copytree(tmp_path / "bob" / "data", tmp_path / "backup")
    with bob.at_desk() as till:
        ask(till, 2)
    shutil.rmtree(tmp_path / "bob" / "data")
    shutil.copytree(tmp_path / "backup", tmp_path / "bob" / "data")
    with pytest.raises(RestoredHome), bob.at_desk():
        pass
    with bob.at_desk() as till, alice.at_desk() as desk:
        shown = pay_invoice(desk, ask(till, 3), now_s=NOW_S)
        assert isinstance(shown, bytes)
        answer = receive_payment(till, shown, device_s=NOW_S)
        assert isinstance(answer, Refused) and answer.reason is Reason.REDEEM_ONLY
        assert len(till_tables.load_jobs(till.database)) == 1


def test_an_invoice_is_promised_once(tmp_path: Path) -> None:
    alice, request = make_alice(tmp_path), make_invoice(1, 5_00)
    verdict = SignVoucher(LOCK_ID, 5_00, request.invoice, 5_00)
    with alice.at_desk() as desk:
        payer_tables.commit_intent(desk.database, request, verdict)
        with pytest.raises(PolicyRefused):
            payer_tables.commit_intent(desk.database, request, SignVoucher(LOCK_ID, 10_00, request.invoice, 5_00))
        lock = payer_tables.load_lock(desk.database, LOCK_ID)
        assert lock is not None and (lock[0].signed_last, lock[0].signed_max) == (5_00, 5_00)


def test_a_cumulative_and_a_unit_are_promised_once_whatever_was_read_before(tmp_path: Path) -> None:
    alice = make_alice(tmp_path, has_purse=True)
    first, second = make_invoice(1, 5_00), make_invoice(2, 5_00)
    with alice.at_desk() as desk:
        payer_tables.commit_intent(desk.database, first, SignVoucher(LOCK_ID, 5_00, first.invoice, 5_00))
        with pytest.raises(PolicyRefused):
            payer_tables.commit_intent(desk.database, second, SignVoucher(LOCK_ID, 5_00, second.invoice, 5_00))
        third, fourth = make_invoice(3, 5_00), make_invoice(4, 5_00)
        payer_tables.commit_intent(desk.database, third, SignSpend(PURSE_ID, 0, 5_00, BOB_ADDRESS, third.invoice))
        with pytest.raises(PolicyRefused):
            payer_tables.commit_intent(desk.database, fourth, SignSpend(PURSE_ID, 0, 5_00, BOB_ADDRESS, fourth.invoice))
        purse = payer_tables.load_purse(desk.database, PURSE_ID)
        assert purse is not None and purse[0].next_lo == 5_00 and purse[0].signed_to(Address(BOB_ADDRESS)) == 5_00

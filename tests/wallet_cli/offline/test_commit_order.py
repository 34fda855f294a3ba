"""Another reader of the file sees the promise before the key is used, and the payment before the till signs for it."""

import sqlite3
from pathlib import Path

import pytest

from consensus.primitives.scalars import Address, Hash32
from tests.wallet_cli.offline.builders import NOW_S
from tests.wallet_cli.offline.desks import FragileSigner, ask, make_alice, make_bob
from wallet_cli.offline import till_desk
from wallet_cli.offline.messages import Receipt
from wallet_cli.offline.payer_desk import pay_invoice
from wallet_cli.offline.signer import VoucherFields, sign_digest
from wallet_cli.offline.till_desk import receive_payment


def count_on_disk(folder: Path, query: str) -> int:
    with sqlite3.connect(folder / "data" / "offline.db") as connection:
        return int(connection.execute(query).fetchone()[0])


def test_the_key_of_a_lock_is_used_only_when_its_promise_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    seen: list[int] = []
    sign_voucher = FragileSigner.sign_voucher

    def watched(signer: FragileSigner, key: Address, fields: VoucherFields) -> bytes:
        seen.append(count_on_disk(alice.folder, "SELECT count(*) FROM intents"))
        return sign_voucher(signer, key, fields)

    monkeypatch.setattr(FragileSigner, "sign_voucher", watched)
    with bob.at_desk() as till, alice.at_desk() as desk:
        assert isinstance(pay_invoice(desk, ask(till, 1), now_s=NOW_S), bytes)
        assert isinstance(pay_invoice(desk, ask(till, 2), now_s=NOW_S), bytes)
    assert seen == [1, 2]
    assert count_on_disk(alice.folder, "SELECT count(*) FROM intents WHERE signature IS NOT NULL") == 2


def test_a_till_signs_a_receipt_only_when_the_payment_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    seen: list[int] = []

    def watched(key: bytes, digest: Hash32) -> bytes:
        seen.append(count_on_disk(bob.folder, "SELECT count(*) FROM jobs"))
        return sign_digest(key, digest)

    with bob.at_desk() as till, alice.at_desk() as desk:
        shown = pay_invoice(desk, ask(till, 1), now_s=NOW_S)
        assert isinstance(shown, bytes)
        monkeypatch.setattr(till_desk, "sign_digest", watched)
        first = receive_payment(till, shown, device_s=NOW_S)
        assert isinstance(first, Receipt)
        assert receive_payment(till, shown, device_s=NOW_S + 60) == first
    assert seen == [1]

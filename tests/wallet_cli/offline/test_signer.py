"""Signers in this process and behind a command; what they say is believed when it verifies."""

import json
import sys
from pathlib import Path

import pytest

from tests.wallet_cli.offline.builders import LOCK_DEVICE, LOCK_ID, LOCK_TERMS, MALLORY, SEPARATOR, make_voucher
from tests.wallet_cli.offline.desks import KEYS, ask, make_alice, make_bob
from wallet_cli.errors import DeviceFailed, Exit
from wallet_cli.offline import payer_tables
from wallet_cli.offline.payer import SignVoucher
from wallet_cli.offline.signer import ExternalSigner, SoftwareSigner, VoucherFields, sign_intent
from wallet_cli.offline.vault import VaultKey, load_vault, load_vault_kind, make_vault_key

FIELDS = VoucherFields(LOCK_ID, 12_34, make_voucher(12_34).invoice, deposit=50_00)
DEVICE = """
import json, sys
answer = json.loads(sys.argv[1])
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"id": asked["id"], **answer}), flush=True)
"""


def device(answer: object) -> ExternalSigner:
    return ExternalSigner([sys.executable, "-c", DEVICE, json.dumps(answer)])


def test_the_same_fields_are_signed_with_the_same_bytes() -> None:
    signer = SoftwareSigner(SEPARATOR, {LOCK_TERMS.signer: LOCK_DEVICE})
    assert signer.sign_voucher(LOCK_TERMS.signer, FIELDS) == make_voucher(12_34).signature
    assert signer.sign_voucher(LOCK_TERMS.signer, FIELDS) == make_voucher(12_34).signature


def test_a_cumulative_above_the_deposit_is_not_signed() -> None:
    over = VoucherFields(LOCK_ID, 50_01, FIELDS.invoice, deposit=50_00)
    with pytest.raises(DeviceFailed, match="limit"):
        SoftwareSigner(SEPARATOR, KEYS).sign_voucher(LOCK_TERMS.signer, over)


def test_a_device_behind_a_command_signs_the_same() -> None:
    signer = device({"result": "0x" + make_voucher(12_34).signature.hex()})
    assert signer.sign_voucher(LOCK_TERMS.signer, FIELDS) == make_voucher(12_34).signature
    signer.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": {"code": "cancelled", "message": "button"}}, "SIGNER_CANCELLED"),
        ({"result": "0xzz"}, "SIGNER_INTERNAL"),
        ({"result": "00", "id": 99}, "SIGNER_INTERNAL"),
    ],
)
def test_a_device_that_does_not_sign_is_named(answer: object, code: str) -> None:
    signer = device(answer)
    with pytest.raises(DeviceFailed) as caught:
        signer.sign_voucher(LOCK_TERMS.signer, FIELDS)
    signer.close()
    assert caught.value.code == code and caught.value.exit_code is Exit.DEVICE


def test_a_device_that_ended_or_is_silent_is_named() -> None:
    ended = ExternalSigner([sys.executable, "-c", ""])
    with pytest.raises(DeviceFailed, match="ended"):
        ended.sign_voucher(LOCK_TERMS.signer, FIELDS)
    ended.close()
    silent = ExternalSigner([sys.executable, "-c", "import sys; sys.stdin.read()"], answer_time_s=0)
    with pytest.raises(DeviceFailed, match="no answer"):
        silent.sign_voucher(LOCK_TERMS.signer, FIELDS)
    silent.close()


def test_a_signature_by_another_key_is_not_stored(tmp_path: Path) -> None:
    alice, bob = make_alice(tmp_path / "alice"), make_bob(tmp_path / "bob")
    with alice.at_desk() as desk, bob.at_desk() as till:
        request = ask(till)
        verdict = SignVoucher(LOCK_ID, 5_00, request.invoice, 5_00)
        payer_tables.commit_intent(desk.database, request, verdict)
        intent = payer_tables.load_intent(desk.database, request.payee, request.invoice)
        assert intent is not None
        wrong = SoftwareSigner(SEPARATOR, {LOCK_TERMS.signer: MALLORY})
        with pytest.raises(DeviceFailed, match="not of the payment"):
            sign_intent(wrong, SEPARATOR, intent, LOCK_TERMS, deposit=50_00)
        right = SoftwareSigner(SEPARATOR, KEYS)
        assert len(sign_intent(right, SEPARATOR, intent, LOCK_TERMS, deposit=50_00)) == 65


def test_the_vault_keeps_random_keys_by_kind(tmp_path: Path) -> None:
    draws = iter([bytes(32), b"\x01" * 32, b"\xab\xcd\xef\x01"])
    made = make_vault_key(tmp_path, VaultKey.PURSE, "password", random=lambda _: next(draws), is_development=True)
    assert made.path.parent == tmp_path / "vault" and made.name == "purse-abcdef01"
    assert load_vault(tmp_path) == {made.address: made}
    assert load_vault_kind(tmp_path, VaultKey.PURSE) == [made]
    assert load_vault_kind(tmp_path, VaultKey.TILL) == []

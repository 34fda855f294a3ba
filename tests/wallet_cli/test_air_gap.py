"""A key without a network signs what it reads itself, and what it signed can be sent again and again."""

import json
from pathlib import Path

import pytest

from contracts.layout import balance_slot
from tests.wallet_cli.chain import ALICE, BOB, EUR
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address


@pytest.fixture
def built(wallet: Wallet, tmp_path: Path) -> Path:
    """Return a payment to bob, built and not signed."""
    path = tmp_path / "pay.json"
    result = wallet.run("tx", "build", "bob", "12.34 EUR", "--memo", "INV-1", "--out", str(path))
    assert result.exit_code == 0, result.output
    wallet.node.calls.clear()
    return path


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_file_holds_what_is_signed_and_no_words_about_it(built: Path) -> None:
    content = json.loads(built.read_text())
    assert list(content) == ["schema", "chainId", "from", "nonce", "to", "data", "gas"]
    assert (content["schema"], content["from"], content["to"]) == (
        "sycee-tx/1", checksum_address(ALICE), checksum_address(EUR),
    )  # fmt: skip


def test_signing_opens_no_connection_and_shows_the_call(wallet: Wallet, built: Path) -> None:
    signed = built.with_name("signed.json")
    result = wallet.run("tx", "sign", str(built), "--out", str(signed), "--yes")
    assert result.exit_code == 0, result.output
    assert wallet.node.calls == []
    screen = result.stderr.split()
    assert "transferWithMemo" in screen and "12.34" in screen and "bob" in screen
    sent = wallet.json("tx", "submit", str(signed), "--yes")
    assert sent["proof"]["level"] == "verified"
    again = wallet.json("tx", "submit", str(signed), "--yes")
    assert again["data"]["hash"] == sent["data"]["hash"]
    assert wallet.chain.head.storage[EUR][balance_slot(BOB)] == 1234


def test_signing_without_a_yes_writes_nothing(wallet: Wallet, built: Path) -> None:
    signed = built.with_name("signed.json")
    assert wallet.run("tx", "sign", str(built), "--out", str(signed)).exit_code == 3
    assert not signed.exists()


@pytest.mark.parametrize(
    ("fields", "code", "exit_code"),
    [
        ({"chainId": 1}, "CHAIN_DIFFERS", 2),
        ({"from": checksum_address(b"\x77" * 20)}, "ACCOUNT_UNKNOWN", 2),
        ({"meaning": "a gift"}, "TRANSACTION_FILE_INVALID", 2),
        ({"schema": "sycee-tx/2"}, "TRANSACTION_FILE_INVALID", 2),
        ({"nonce": -1}, "TRANSACTION_FILE_INVALID", 2),
        ({"nonce": True}, "TRANSACTION_FILE_INVALID", 2),
        ({"data": "0xdeadbeef"}, "CALL_UNKNOWN", 10),
    ],
)
def test_file_that_is_not_understood_is_not_signed(
    wallet: Wallet, built: Path, fields: dict[str, object], code: str, exit_code: int
) -> None:
    change(built, **fields)
    signed = built.with_name("signed.json")
    answer = wallet.json("tx", "sign", str(built), "--out", str(signed), "--yes", exit_code=exit_code)
    assert answer["error"]["code"] == code
    assert not signed.exists()


def test_changed_amount_is_what_the_signer_sees(wallet: Wallet, built: Path) -> None:
    data = json.loads(built.read_text())["data"]
    change(built, data=data.replace(f"{1234:064x}", f"{9999:064x}"))
    result = wallet.run("tx", "sign", str(built), "--out", str(built.with_name("s.json")), "--dry-run")
    assert "99.99 EUR" in result.stderr
    assert "12.34" not in result.stderr


def test_unreadable_call_is_signed_only_blindly(wallet: Wallet, built: Path) -> None:
    change(built, data="0xdeadbeef")
    words = ("tx", "sign", str(built), "--out", str(built.with_name("s.json")), "--yes")
    assert wallet.run(*words).exit_code == 10
    assert wallet.run(*words, "--blind").exit_code == 0


def test_signed_file_with_another_hash_is_not_sent(wallet: Wallet, built: Path) -> None:
    signed = built.with_name("signed.json")
    assert wallet.run("tx", "sign", str(built), "--out", str(signed), "--yes").exit_code == 0
    change(signed, hash="0x" + "11" * 32)
    assert wallet.json("tx", "submit", str(signed), "--yes", exit_code=7)["error"]["code"] == "SIGNED_FILE_INVALID"
    assert wallet.node.sent() == []


def test_existing_file_is_never_overwritten(wallet: Wallet, built: Path) -> None:
    answer = wallet.json("tx", "build", "bob", "1 EUR", "--out", str(built), exit_code=2)
    assert answer["error"]["code"] == "FILE_EXISTS"


def test_simulation_is_one_nodes_word_and_names_the_proven_nonce(wallet: Wallet, built: Path) -> None:
    answer = wallet.json("tx", "simulate", str(built))
    assert answer["proof"]["level"] == "unverified"
    assert (answer["data"]["provenNonce"], answer["data"]["isNext"]) == (0, True)
    change(built, nonce=5)
    assert wallet.json("tx", "simulate", str(built))["data"]["isNext"] is False


def test_more_than_there_is_is_refused_while_building(wallet: Wallet, tmp_path: Path) -> None:
    out = tmp_path / "much.json"
    assert wallet.run("tx", "build", "bob", "100.01 EUR", "--out", str(out)).exit_code == 5
    assert not out.exists()
    assert wallet.run("tx", "build", "bob", "100.00 EUR", "--out", str(out)).exit_code == 0

"""A proof file convinces whoever trusts the same validators, without a network; a changed one convinces nobody."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.wallet_cli.conftest import Wallet


@pytest.fixture
def balance_file(wallet: Wallet, tmp_path: Path) -> Path:
    path = tmp_path / "balance.json"
    result = wallet.run("prove", "balance", "alice", "--currency", "EUR", "--out", str(path))
    assert result.exit_code == 0, result.output
    wallet.node.calls.clear()
    return path


def test_balance_file_is_checked_without_a_connection(wallet: Wallet, balance_file: Path) -> None:
    answer = wallet.json("prove", "check", str(balance_file))
    assert answer["data"]["amount"] == "100.00"
    assert (answer["data"]["height"], answer["proof"]["level"]) == (2, "verified")
    assert wallet.node.calls == []


def flip(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def test_other_account_or_one_changed_byte_proves_nothing(wallet: Wallet, balance_file: Path) -> None:
    content: dict[str, Any] = json.loads(balance_file.read_text())
    certificate = content["certificate"]
    changes: list[dict[str, Any]] = [
        {"account": "0x" + "77" * 20},
        {"certificate": {**certificate, "header": flip(certificate["header"])}},
        {"certificate": {**certificate, "finalization": flip(certificate["finalization"])}},
    ]
    for changed in changes:
        balance_file.write_text(json.dumps({**content, **changed}))
        result = wallet.run("prove", "check", str(balance_file))
        assert result.exit_code == 7, result.output
    balance_file.write_text(json.dumps({**content, "chainId": 1}))
    assert wallet.json("prove", "check", str(balance_file), exit_code=2)["error"]["code"] == "PROOF_FILE_INVALID"


def test_lying_node_cannot_make_this_wallet_write_a_proof(wallet: Wallet, tmp_path: Path) -> None:
    def lie(params: list[Any], honest: Any) -> Any:
        answer = honest()
        answer["storageProof"][0]["proof"][-1] = flip(answer["storageProof"][0]["proof"][-1])
        return answer

    wallet.node.lies["eth_getProof"] = lie
    out = tmp_path / "lie.json"
    assert wallet.run("prove", "balance", "alice", "--currency", "EUR", "--out", str(out)).exit_code == 7
    assert not out.exists()


def test_receipt_file_shows_the_payment_without_a_connection(wallet: Wallet, tmp_path: Path) -> None:
    paid = wallet.json("send", "bob", "12.34 EUR", "--yes")["data"]["hash"]
    out = tmp_path / "receipt.json"
    assert wallet.run("prove", "receipt", paid, "--out", str(out)).exit_code == 0
    wallet.node.calls.clear()
    answer = wallet.json("prove", "check", str(out))
    assert answer["data"]["payments"][0]["amount"] == "12.34"
    assert wallet.node.calls == []
    content = json.loads(out.read_text())
    out.write_text(json.dumps({**content, "hash": "0x" + "11" * 32}))
    assert wallet.run("prove", "check", str(out)).exit_code == 7


def test_there_is_no_proof_of_what_is_not_final(wallet: Wallet, tmp_path: Path) -> None:
    answer = wallet.json("prove", "receipt", "0x" + "ab" * 32, "--out", str(tmp_path / "r.json"), exit_code=9)
    assert answer["error"]["code"] == "NOT_FINAL"

"""Texts and documents are shown whole, signed by who they say, and verified without a key."""

import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.wallet_cli.chain import ALICE
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address

DOCUMENT: dict[str, Any] = {
    "domain": {"name": "Shop", "version": "1", "chainId": 23790},
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Order": [{"name": "item", "type": "string"}, {"name": "count", "type": "uint256"}],
    },
    "primaryType": "Order",
    "message": {"item": "tea", "count": 3},
}


@pytest.fixture
def order(tmp_path: Path) -> Path:
    path = tmp_path / "order.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_signed_text_is_verified_here_and_by_other_tools(wallet: Wallet) -> None:
    signed = wallet.json("sign", "I am alice", "--yes")["data"]
    assert signed["address"] == checksum_address(ALICE)
    recovered = Account.recover_message(encode_defunct(text="I am alice"), signature=signed["signature"])
    assert recovered == checksum_address(ALICE)
    assert wallet.run("verify", "alice", signed["signature"], "I am alice").exit_code == 0
    assert wallet.run("verify", "alice", signed["signature"], "I am Alice").exit_code == 7
    assert wallet.run("verify", "bob", signed["signature"], "I am alice").exit_code == 7
    assert wallet.run("verify", "alice", "0x1234", "I am alice").exit_code == 2


def test_document_is_shown_field_by_field(wallet: Wallet, order: Path) -> None:
    result = wallet.run("sign", "--typed", str(order), "--dry-run")
    assert result.stderr.splitlines()[:9] == [
        "Sign a document",
        "  kind      Order",
        "  domain",
        "    name           Shop",
        "    version        1",
        "    chainId        23790",
        "  message",
        "    item           tea",
        "    count          3",
    ]


def test_signed_document_is_verified_and_another_is_not(wallet: Wallet, order: Path) -> None:
    signature = wallet.json("sign", "--typed", str(order), "--yes")["data"]["signature"]
    assert wallet.run("verify", "alice", signature, "--typed", str(order)).exit_code == 0
    order.write_text(json.dumps({**DOCUMENT, "message": {"item": "tea", "count": 4}}))
    assert wallet.run("verify", "alice", signature, "--typed", str(order)).exit_code == 7


@pytest.mark.parametrize(
    ("change", "exit_code"),
    [
        ({"domain": {**DOCUMENT["domain"], "chainId": 1}}, 10),
        ({"message": {"item": "tea", "count": 3, "note": "seen, not signed"}}, 2),
        ({"message": {"item": "tea"}}, 2),
        ({"message": {"item": "tea", "count": "many"}}, 2),
        ({"primaryType": "Offer"}, 2),
    ],
)
def test_document_that_does_not_fit_is_not_signed(
    wallet: Wallet, order: Path, change: dict[str, Any], exit_code: int
) -> None:
    order.write_text(json.dumps({**DOCUMENT, **change}))
    assert wallet.run("sign", "--typed", str(order), "--yes").exit_code == exit_code


def test_nothing_is_signed_without_a_yes(wallet: Wallet) -> None:
    assert wallet.run("sign", "I am alice").exit_code == 3

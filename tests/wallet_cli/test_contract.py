"""Contracts from the command line: arguments typed by the ABI, everything shown before it is signed."""

import json
from pathlib import Path
from typing import Any

import pytest

from consensus.chain.transaction import created_address, decode_transaction
from consensus.primitives.scalars import Address
from contracts.declarations import declare_function, encode_call
from contracts.loader import load
from tests.wallet_cli.chain import ALICE, BOB, EUR
from tests.wallet_cli.conftest import Wallet
from wallet_cli.addresses import checksum_address
from wallet_cli.contract_files import open_contract
from wallet_cli.errors import UsageRefused

EURO = checksum_address(EUR)


def sent(wallet: Wallet) -> Any:
    return decode_transaction(bytes.fromhex(wallet.node.sent()[-1][2:]))


def test_call_is_decoded_by_the_abi_and_says_that_it_is_one_nodes_word(wallet: Wallet) -> None:
    answer = wallet.json("contract", "call", EURO, "balanceOf", "alice")
    assert answer["data"] == {"0": "10000"}
    assert answer["proof"]["level"] == "unverified"
    assert "10000            100.00 EUR" in wallet.run("contract", "call", EURO, "balanceOf", "alice").stdout


def test_call_that_reverts_names_the_error(wallet: Wallet) -> None:
    error = wallet.json("contract", "call", EURO, "transfer", "bob", "10001", exit_code=8)["error"]
    refusal = f"ERC20InsufficientBalance(sender=0x{ALICE.hex()}, balance=10000, needed=10001)"
    assert error["message"] == f"transfer reverts: {refusal}"


def test_sending_shows_names_and_amounts_and_what_moved(wallet: Wallet) -> None:
    result = wallet.run("contract", "send", EURO, "transferWithMemo", "bob", "12.34 EUR", "INV-7", "--yes")
    assert result.exit_code == 0, result.output
    assert sent(wallet).to == EUR
    shown = [line.split(maxsplit=1) for line in result.stderr.splitlines()]
    assert ["to", f"bob {checksum_address(BOB)}"] in shown
    assert ["amount", "1234             12.34 EUR"] in shown
    assert ["memo", "INV-7"] in shown
    assert "moved               12.34 EUR  alice → bob  INV-7" in result.stdout


def test_same_call_again_after_a_lost_answer_is_not_a_second_transaction(wallet: Wallet) -> None:
    command = ("contract", "send", EURO, "approve", "bob", "5 EUR", "--yes")
    wallet.node.lies["sycee_getFinalityProof"] = lambda _params, _honest: None
    assert wallet.run(*command, "--timeout", "1").exit_code == 9
    del wallet.node.lies["sycee_getFinalityProof"]
    assert wallet.run(*command).exit_code == 0
    assert len(set(wallet.node.sent())) == 1


def test_dry_run_and_a_missing_yes_sign_nothing(wallet: Wallet) -> None:
    command = ("contract", "send", EURO, "approve", "bob", "5 EUR")
    data = wallet.json(*command, "--dry-run")["data"]
    approve = declare_function("approve(address spender, uint256 amount)", returns="bool")
    assert data["data"] == f"0x{encode_call(approve, BOB, 500).hex()}"
    assert wallet.run(*command).exit_code == 3
    assert wallet.node.sent() == []


def test_deployment_tells_the_address_and_remembers_it(wallet: Wallet) -> None:
    answer = wallet.json("contract", "deploy", "HashedTimelock", "--as", "htlc", "--yes")
    address = checksum_address(created_address(ALICE, 0))
    assert answer["data"]["address"] == address
    assert sent(wallet).to is None
    assert sent(wallet).data == load("HashedTimelock").init_code
    named = [entry for entry in wallet.json("contract", "list", "--network", "devnet")["data"] if "address" in entry]
    assert named == [{"name": "htlc", "address": address, "source": "HashedTimelock"}]


def test_part_of_the_ledger_cannot_be_deployed(wallet: Wallet) -> None:
    assert wallet.json("contract", "deploy", "Currency", exit_code=2)["error"]["code"] == "NOT_DEPLOYABLE"


def test_alias_stays_with_its_address(wallet: Wallet) -> None:
    assert wallet.run("contract", "alias", "euro", EURO).exit_code == 0
    assert wallet.json("contract", "call", "euro", "balanceOf", "alice")["data"] == {"0": "10000"}
    other = checksum_address(Address(bytes([*EUR[:-1], 2])))
    assert wallet.json("contract", "alias", "euro", other, exit_code=2)["error"]["code"] == "ALIAS_EXISTS"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("call", EURO, "balanceOf"), "ARGUMENTS_WRONG"),
        (("call", EURO, "balanceOf", "alice", "bob"), "ARGUMENTS_WRONG"),
        (("call", EURO, "balance", "alice"), "FUNCTION_UNKNOWN"),
        (("call", EURO, "transfer", "bob", "1.5"), "ARGUMENT_INVALID"),
        (("call", EURO, "transfer", "bob", "1.555 EUR"), "AMOUNT_INVALID"),
        (("call", EURO, "transfer", "bob", "5 JPY"), "CURRENCY_UNKNOWN"),
        (("call", EURO, "transferWithMemo", "bob", "1", "0x12"), "ARGUMENT_INVALID"),
        (("call", EURO, "transferWithMemo", "bob", "1", "x" * 33), "ARGUMENT_INVALID"),
        (("call", EURO, "supportsInterface", "0xzz"), "ARGUMENT_INVALID"),
        (("call", checksum_address(BOB), "x"), "ABI_NEEDED"),
        (("call", "euro", "x"), "ALIAS_UNKNOWN"),
        (("call", EURO, "x", "--abi", "Nothing"), "CONTRACT_UNKNOWN"),
        (("logs", EURO, "Nothing"), "EVENT_UNKNOWN"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_asked_of_the_contract(
    wallet: Wallet, words: tuple[str, ...], code: str
) -> None:
    assert wallet.json("contract", *words, exit_code=2)["error"]["code"] == code
    assert "eth_call" not in [method for method, _ in wallet.node.calls]


def test_lists_and_tuples_are_json_with_names_and_amounts_inside(wallet: Wallet) -> None:
    wallet.node.lies["eth_estimateGas"] = lambda _params, _honest: hex(60_000)
    legs = json.dumps([[EURO, "alice", "bob", "1.50 EUR"], [EURO, "bob", "alice", 7]])
    data = wallet.json(
        "contract", "send", EURO, "propose", legs, "1800000000", "TRADE-1", "--abi", "SettlementEngine", "--dry-run"
    )["data"]["data"]
    propose = load("SettlementEngine").interface.function("propose")
    expected = encode_call(
        propose, [(EUR, ALICE, BOB, 150), (EUR, BOB, ALICE, 7)], 1_800_000_000, b"TRADE-1".ljust(32, b"\0")
    )
    assert data == f"0x{expected.hex()}"


def test_logs_are_decoded(wallet: Wallet) -> None:
    wallet.run("send", "bob", "1 EUR", "--yes")
    [entry] = wallet.json("contract", "logs", EURO, "Transfer")["data"]
    assert entry["arguments"] == {"from": f"0x{ALICE.hex()}", "to": f"0x{BOB.hex()}", "value": "100"}
    assert wallet.json("contract", "logs", EURO, "Transfer", "--from-height", "99")["data"] == []


ABI = [{"type": "function", "name": "f", "inputs": [], "outputs": [], "stateMutability": "view"}]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (ABI, b""),
        ({"abi": ABI, "bytecode": "0x6001"}, b"\x60\x01"),
        ({"abi": ABI, "bytecode": {"object": "6001"}}, b"\x60\x01"),
        ({"abi": ABI, "evm": {"bytecode": {"object": "6001"}}}, b"\x60\x01"),
    ],
)
def test_files_of_every_compiler_are_read(tmp_path: Path, content: object, code: bytes) -> None:
    path = tmp_path / "Thing.json"
    path.write_text(json.dumps(content))
    found = open_contract(str(path))
    assert (found.name, found.init_code) == ("Thing", code)
    assert found.interface.function("f").signature == "f()"


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("{", "Expecting"),
        ("{}", "it has no abi"),
        ('{"abi": 1}', "."),
        ('{"abi": [{"type": "event"}]}', "."),
        ('{"abi": [], "bytecode": "0x60__$abc$__"}', "libraries"),
        ('{"abi": [], "bytecode": "0x6"}', "."),
        ("[" * 10_000, "."),
    ],
)
def test_files_that_are_no_contract_say_so(tmp_path: Path, content: str, detail: str) -> None:
    path = tmp_path / "Thing.json"
    path.write_text(content)
    with pytest.raises(UsageRefused, match=detail) as refused:
        open_contract(str(path))
    assert refused.value.code == "CONTRACT_FILE_INVALID"


def test_the_contracts_of_a_network_are_known_by_their_own_names(wallet: Wallet) -> None:
    listed = wallet.folder / "devnet.json"
    entry = {"name": "SettlementEngine", "abi": "SettlementEngine", "address": "0x" + "11" * 20}
    listed.write_text(json.dumps({"contracts": [entry]}))
    assert wallet.json("contract", "import", str(listed))["data"] == [
        {"name": "SettlementEngine", "address": "0x" + "11" * 20}
    ]
    assert wallet.run("contract", "import", str(listed)).exit_code == 0
    entry["address"] = "0x" + "22" * 20
    listed.write_text(json.dumps({"contracts": [entry]}))
    assert wallet.json("contract", "import", str(listed), exit_code=2)["error"]["code"] == "ALIAS_EXISTS"


def test_a_file_without_contracts_names_none(wallet: Wallet) -> None:
    listed = wallet.folder / "devnet.json"
    listed.write_text("{}")
    assert wallet.json("contract", "import", str(listed), exit_code=2)["error"]["code"] == "CONTRACT_LIST_INVALID"

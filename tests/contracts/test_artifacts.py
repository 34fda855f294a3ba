"""Committed artifacts: up to date, loadable, and understood by web3.py as any ERC-20's."""

from pathlib import Path

import pytest
from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from web3 import Web3

from contracts.abi import AbiValue
from contracts.declarations import decoder_of, encode_call
from contracts.loader import UnknownArtifact, artifact_names, load
from contracts.native.currency import CURRENCY
from contracts.native.directory import native_contracts
from contracts.native.dispatch import find_function
from contracts.rebuild import ARTIFACTS, differing_artifacts, main, write_artifacts
from tests.contracts.ledger import ALICE, BOB, EUR, MEMO, Ledger

ERC20_FUNCTIONS = {
    "name()": "string",
    "symbol()": "string",
    "decimals()": "uint8",
    "totalSupply()": "uint256",
    "balanceOf(address)": "uint256",
    "allowance(address,address)": "uint256",
    "transfer(address,uint256)": "bool",
    "approve(address,uint256)": "bool",
    "transferFrom(address,address,uint256)": "bool",
}


def test_committed_artifacts_equal_the_dispatch_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    assert artifact_names() == tuple(sorted(contract.name for contract in native_contracts()))


def test_a_stale_a_missing_and_a_surplus_artifact_are_found_and_repaired(tmp_path: Path) -> None:
    write_artifacts(tmp_path)
    assert differing_artifacts(tmp_path) == []
    (tmp_path / "Currency.json").write_text("{}")
    (tmp_path / "CurrencyRegistry.json").unlink()
    (tmp_path / "Gone.json").write_text("{}")
    assert differing_artifacts(tmp_path) == ["Currency.json", "CurrencyRegistry.json", "Gone.json"]
    write_artifacts(tmp_path)
    assert differing_artifacts(tmp_path) == []


def test_a_difference_is_named_and_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("contracts.rebuild.ARTIFACTS", tmp_path)
    assert main(["--check"]) == 1
    assert "contracts/artifacts/Currency.json differs" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert tmp_path != ARTIFACTS


def test_an_unknown_artifact_is_refused_by_name() -> None:
    with pytest.raises(UnknownArtifact, match=r"no contract '\.\./x'; known are Currency, "):
        load("../x")


def test_a_currency_has_the_whole_erc20_surface() -> None:
    found = {
        row.declaration.signature: row.declaration.results[0].type.canonical
        for row in CURRENCY.functions.values()
        if row.declaration.signature in ERC20_FUNCTIONS
    }
    assert found == ERC20_FUNCTIONS


@pytest.mark.parametrize("contract", [contract.name for contract in native_contracts()])
def test_web3_takes_every_artifact(contract: str) -> None:
    Web3().eth.contract(abi=load(contract).abi)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("transfer", (BOB, 7)),
        ("transferFromWithMemo", (ALICE, BOB, 2**256 - 1, MEMO)),
        ("hasRole", (MEMO, BOB)),
        ("supportsInterface", (b"\x01\xff\xc9\xa7",)),
        ("pause", ()),
    ],
)
def test_web3_encodes_calls_as_we_do(name: str, values: tuple[AbiValue, ...]) -> None:
    contract = Web3().eth.contract(abi=load("Currency").abi)
    arguments = [
        to_checksum_address(value) if isinstance(value, bytes) and len(value) == 20 else value for value in values
    ]
    ours = encode_call(find_function(CURRENCY, name), *values)
    assert contract.encode_abi(name, args=arguments) == HexStr(f"0x{ours.hex()}")


def test_web3_reads_our_logs_and_results() -> None:
    web3 = Web3()
    contract = web3.eth.contract(abi=load("Currency").abi)
    ledger = Ledger()
    result, logs = ledger.run(ALICE, EUR, encode_call(find_function(CURRENCY, "transferWithMemo"), BOB, 7, MEMO))
    assert web3.codec.decode(["bool"], result.output) == (True,)
    for name, (address, topics, data) in zip(("Transfer", "Memo"), logs):
        entry = {"address": to_checksum_address(address), "topics": topics, "data": data}
        rest = {"logIndex": 0, "transactionIndex": 0, "transactionHash": MEMO, "blockHash": MEMO, "blockNumber": 1}
        decoded = contract.events[name]().process_log({**entry, **rest})
        assert decoded["args"]["to"] == to_checksum_address(BOB)
    assert decoded["args"]["memo"] == MEMO
    position = find_function(CURRENCY, "positionOf")
    output, _ = ledger.run(ALICE, EUR, encode_call(position, ALICE))
    assert web3.codec.decode(["uint256"] * 5, output.output) == decoder_of(position.results)(output.output, 0)

"""Committed artifacts: up to date, loadable, and understood by web3.py as any ERC-20's."""

import json
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
from contracts.rebuild import (
    ARTIFACTS,
    SOURCES,
    InvalidSource,
    compile_artifact,
    differing_artifacts,
    expected_artifacts,
    main,
    source_files,
    write_artifacts,
)
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


@pytest.fixture
def one_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only one source exist: the gate compiles all of them, which takes ten seconds."""
    monkeypatch.setattr("contracts.rebuild.source_files", lambda: [SOURCES / "HashedTimelock.vy"])


def test_every_contract_has_an_artifact_and_nothing_else_has() -> None:
    compiled = [path.stem for path in source_files()]
    assert artifact_names() == tuple(sorted([*(contract.name for contract in native_contracts()), *compiled]))


def test_committed_artifacts_equal_the_dispatch_tables_and_what_the_compiler_gives(one_source: None) -> None:
    for name, text in expected_artifacts().items():
        assert (ARTIFACTS / name).read_text("utf-8") == text, f"{name}: run python -m contracts.rebuild"


def test_a_stale_a_missing_and_a_surplus_artifact_are_found_and_repaired(tmp_path: Path, one_source: None) -> None:
    write_artifacts(tmp_path)
    assert differing_artifacts(tmp_path) == []
    (tmp_path / "Currency.json").write_text("{}")
    (tmp_path / "CurrencyRegistry.json").unlink()
    (tmp_path / "Gone.json").write_text("{}")
    assert differing_artifacts(tmp_path) == ["Currency.json", "CurrencyRegistry.json", "Gone.json"]
    write_artifacts(tmp_path)
    assert differing_artifacts(tmp_path) == []


def test_a_difference_is_named_and_fails_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one_source: None
) -> None:
    monkeypatch.setattr("contracts.rebuild.ARTIFACTS", tmp_path)
    assert main(["--check"]) == 1
    assert "contracts/artifacts/Currency.json differs" in capsys.readouterr().out
    assert main([]) == 0
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("path", source_files(), ids=lambda path: path.stem)
def test_code_fits_an_account(path: Path) -> None:
    assert 0 < len(load(path.stem).code) <= 24_576, "EIP-170"
    assert load(path.stem).init_code.endswith(load(path.stem).code)


def test_an_unknown_artifact_is_refused_by_name() -> None:
    with pytest.raises(UnknownArtifact, match=r"no contract '\.\./x'; known are .*Currency, "):
        load("../x")


def test_a_currency_has_the_whole_erc20_surface() -> None:
    found = {
        row.declaration.signature: row.declaration.results[0].type.canonical
        for row in CURRENCY.functions.values()
        if row.declaration.signature in ERC20_FUNCTIONS
    }
    assert found == ERC20_FUNCTIONS


@pytest.mark.parametrize("contract", artifact_names())
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


SOURCE = '''# pragma version 0.4.3
# pragma evm-version prague
"""
@title Sample
@notice A contract for this test.
"""

# error TooLittle(uint256 amount, uint256 needed)
#   More is needed,
#   says this text.

event Taken:
    # An amount was taken.
    amount: uint256


@external
def take(amount: uint256):
    """
    @notice Take an amount.
    @param amount In minor units.
    """
    if amount < 5:
        raw_revert(abi_encode(amount, convert(5, uint256), method_id=method_id("TooLittle(uint256,uint256)")))
    log Taken(amount=amount)
'''


def written(folder: Path, text: str) -> Path:
    path = folder / "Sample.vy"
    path.write_text(text)
    return path


def test_a_source_becomes_an_artifact_with_errors_and_explanations(tmp_path: Path) -> None:
    artifact = json.loads(compile_artifact(written(tmp_path, SOURCE)))
    assert artifact["contractName"] == "Sample"
    assert artifact["compiler"] == {"name": "vyper", "version": "0.4.3", "evmVersion": "prague"}
    assert artifact["abi"][-1] == {
        "type": "error",
        "name": "TooLittle",
        "inputs": [{"name": "amount", "type": "uint256"}, {"name": "needed", "type": "uint256"}],
    }
    assert artifact["userdoc"] == {
        "notice": "A contract for this test.",
        "methods": {"take(uint256)": {"notice": "Take an amount."}},
        "events": {"Taken(uint256)": {"notice": "An amount was taken."}},
        "errors": {"TooLittle(uint256,uint256)": [{"notice": "More is needed, says this text."}]},
    }
    assert artifact["bytecode"].startswith("0x")
    assert artifact["bytecode"].endswith(artifact["deployedBytecode"][2:])


def test_a_comment_does_not_change_the_code(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first = json.loads(compile_artifact(written(tmp_path, SOURCE)))
    second = json.loads(compile_artifact(written(tmp_path / "other", SOURCE + "# The end.\n")))
    assert first == second


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("0.4.3", "0.4.1", "does not begin with the lines"),
        ("prague", "cancun", "does not begin with the lines"),
        ("# error TooLittle", "# no error TooLittle", "raised errors differ in TooLittle"),
        ("# error TooLittle(uint256 amount", "# error TooLittle(uint8 amount", "errors differ in TooLittle"),
        ("#   More is needed,\n#   says this text.\n", "", r"TooLittle\(uint256,uint256\) does not say what it means"),
        ("    # An amount was taken.\n", "", r"the event Taken\(uint256\) does not say what it means"),
        ("    @notice Take an amount.", "    @dev Takes.", r"take\(uint256\) has no @notice"),
        ("    @param amount In minor units.\n", "", "not one @param for each argument"),
    ],
)
def test_a_source_that_leaves_something_unsaid_is_refused(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(InvalidSource, match=message):
        compile_artifact(written(tmp_path, SOURCE.replace(before, after, 1)))


def test_web3_names_the_errors_of_a_compiled_contract() -> None:
    contract = Web3().eth.contract(abi=load("HashedTimelock").abi)
    assert "WrongSecret" in {error["name"] for error in contract.abi if error["type"] == "error"}

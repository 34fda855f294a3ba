"""Every error that a contract of the ledger declares has a name and values in web3.py, in the wallet and in cast.

The data are made by eth-abi from the ABI in the artifact, as a node would return them; no client sees our codec.
"""

import json
import subprocess
from typing import Any

import pytest
from eth_abi.abi import encode as reference_encode
from eth_utils.crypto import keccak
from web3 import Web3
from web3.utils.abi import abi_to_signature, function_abi_to_4byte_selector, get_abi_element

from contracts.decoding import decode_revert, describe_revert
from contracts.loader import artifact_names, load
from tests.clients.test_cast import find_cast
from wallet_cli.refusals import advice_for

SAMPLES: dict[str, Any] = {
    "address": "0x" + "ab" * 20,
    "string": "words “of” a bank",
    "bytes": b"\x01\x02\x03",
    "bytes32": bytes(range(32)),
    "bytes4": b"\xde\xad\xbe\xef",
    "bool": True,
}
NUMBERS = {f"uint{bits}": 2**bits - 7 for bits in range(8, 257, 8)}


def whole_abi(name: str) -> list[Any]:
    """Return the ABI of an artifact, of a type that web3.py takes."""
    return list(load(name).abi)


def declared_errors() -> dict[str, dict[str, Any]]:
    """Return the ABI entry of every error by signature; several contracts declare the same ones."""
    entries = [entry for name in artifact_names() for entry in whole_abi(name)]
    return {abi_to_signature(entry): entry for entry in entries if entry["type"] == "error"}


ERRORS = declared_errors()
ARTIFACT_OF = {
    abi_to_signature(entry): name for name in artifact_names() for entry in whole_abi(name) if entry["type"] == "error"
}


def types_of(signature: str) -> list[str]:
    """Return the types of an error's values."""
    return [entry["type"] for entry in ERRORS[signature]["inputs"]]


def values_of(signature: str) -> list[Any]:
    """Return a value for each parameter, such that no two types have the same."""
    return [{**SAMPLES, **NUMBERS}[kind] for kind in types_of(signature)]


def data_of(signature: str) -> bytes:
    """Return revert data as another implementation makes them."""
    return keccak(text=signature)[:4] + reference_encode(types_of(signature), values_of(signature))


def plain(value: Any) -> Any:
    """Return a value as bytes where clients differ in how they show them."""
    return bytes.fromhex(value[2:]) if isinstance(value, str) and value.startswith("0x") else value


def test_the_table_holds_every_error_there_is() -> None:
    assert len(ERRORS) > 100
    assert {"ERC20InsufficientBalance(address,uint256,uint256)", "HoldExpired(bytes32,uint64,uint256)"} <= ERRORS.keys()


@pytest.mark.parametrize("signature", ERRORS)
def test_web3_decodes_the_error_by_name(signature: str) -> None:
    data = data_of(signature)
    element = get_abi_element(whole_abi(ARTIFACT_OF[signature]), signature)
    assert element["name"] == signature.partition("(")[0]  # type: ignore[typeddict-item]  # errors have names
    assert function_abi_to_4byte_selector(element) == data[:4]  # type: ignore[arg-type]  # errors have selectors alike
    decoded = Web3().codec.decode(types_of(signature), data[4:])
    assert [plain(value) for value in decoded] == [plain(value) for value in values_of(signature)]


@pytest.mark.parametrize("signature", ERRORS)
def test_wallet_decodes_the_error_by_name_and_values(signature: str) -> None:
    decoded = decode_revert(data_of(signature))
    assert decoded is not None
    assert decoded.signature == signature
    assert list(decoded.arguments.values()) == [plain(value) for value in values_of(signature)]
    assert describe_revert(data_of(signature)).startswith(f"{decoded.name}(")


@pytest.mark.parametrize("signature", ERRORS)
def test_wallet_names_no_error_in_data_with_a_byte_too_many(signature: str) -> None:
    assert decode_revert(data_of(signature) + b"\x00") is None
    assert advice_for(data_of(signature) + b"\x00") is None


@pytest.mark.e2e
@pytest.mark.parametrize("signature", ERRORS)
def test_cast_decodes_the_error_by_its_signature(signature: str) -> None:
    program = find_cast()
    if program is None:
        pytest.skip("not run: cast is not installed")
    done = subprocess.run(
        [program, "decode-error", "--sig", signature, "0x" + data_of(signature).hex(), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [int(value) if isinstance(value, int) else plain(value) for value in json.loads(done.stdout or "[]")]
    # cast writes numbers above 2^64 as text, and shows no braces around none.
    expected = [plain(value) for value in values_of(signature)]
    assert [int(a) if isinstance(b, int) and isinstance(a, str) else a for a, b in zip(found, expected)] == expected

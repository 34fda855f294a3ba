"""A slice of the public tests of Ethereum, through this node's own executor, state, trie and decoders."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from consensus.chain.errors import InvalidTransaction, NotReplayProtected
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.chain.transaction import decode_transaction, intrinsic_gas, recover_sender, validate_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import RlpError, decode, encode, uint_to_bytes
from node.execution.statetest import FORKS, run_file
from node.state.state_trie import account_trie, update_trie

SLICE = Path(__file__).parents[1] / "vectors" / "ethereum_tests"
MAINNET_ID = 1
"""The network of the published transactions."""

NOT_OURS = "TransactionException.GASLIMIT_PRICE_PRODUCT_OVERFLOW"
"""A price too high for any balance: here nothing is charged, whatever is offered."""

OURS = SLICE / "ours" / "prague_0.json"
"""What `prague_cases.py` draws from 60 seeds, filled in by `reference_posts.py`."""

STATE_FILES = sorted((SLICE / "state").rglob("*.json"))


@pytest.mark.parametrize("fork", sorted(FORKS))
@pytest.mark.parametrize("path", STATE_FILES, ids=lambda path: "/".join(path.with_suffix("").parts[-2:]))
def test_state_test_comes_to_the_published_root_and_logs(path: Path, fork: str) -> None:
    results = list(run_file(json.loads(path.read_text()), fork=fork))
    assert results
    assert [result.line() for result in results if not result.passed] == []


@pytest.mark.parametrize("name", sorted(json.loads(OURS.read_text())))
def test_case_of_our_own_comes_to_what_the_executable_specification_says(name: str) -> None:
    content = {name: json.loads(OURS.read_text())[name]}
    assert [result.line() for result in run_file(content, fork="Prague") if not result.passed] == []


# Any: public files.
@cache
def transactions() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((SLICE / "transactions.json").read_text())
    return found


@pytest.mark.parametrize("name", sorted(transactions()))
def test_transaction_is_decoded_or_refused_as_published(name: str) -> None:
    wanted = transactions()[name]
    raw = bytes.fromhex(wanted["txbytes"][2:])
    try:
        transaction = decode_transaction(raw)
        validate_transaction(transaction, chain_id=MAINNET_ID, has_floor=False)
        sender = recover_sender(transaction)
    except NotReplayProtected:
        # Elsewhere a transaction without chain id is allowed still; here it could be sent by somebody else's network.
        return
    except InvalidTransaction:
        assert "exception" in wanted
        return
    assert wanted.get("exception") in (None, NOT_OURS)
    if "exception" in wanted:
        return
    assert f"0x{transaction.hash.hex()}" == wanted["hash"]
    assert f"0x{sender.hex()}" == wanted["sender"].lower()
    assert intrinsic_gas(transaction) == int(wanted["intrinsicGas"], 16)


def rlp_cases(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((SLICE / "rlp" / f"{name}.json").read_text())
    return found


def as_item(value: Any) -> Any:
    """Return what a JSON value of the files means: numbers as big-endian bytes, text as its bytes."""
    if isinstance(value, list):
        return [as_item(member) for member in value]
    if isinstance(value, int):
        return uint_to_bytes(value)
    return uint_to_bytes(int(value[1:])) if value.startswith("#") else value.encode()


@pytest.mark.parametrize("case", rlp_cases("rlptest").values(), ids=rlp_cases("rlptest"))
def test_rlp_is_encoded_and_decoded_as_published(case: dict[str, Any]) -> None:
    item, encoded = as_item(case["in"]), bytes.fromhex(case["out"][2:])
    assert encode(item) == encoded
    assert decode(encoded) == item


@pytest.mark.parametrize("case", rlp_cases("invalidRLPTest").values(), ids=rlp_cases("invalidRLPTest"))
def test_bytes_that_are_no_rlp_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RlpError):
        decode(bytes.fromhex(case["out"].removeprefix("0x")))


def trie_cases() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((SLICE / "trie").glob("*.json")):
        for name, case in json.loads(path.read_text()).items():
            yield f"{path.stem}/{name}", case


def as_bytes(text: str | None) -> bytes:
    if text is None:
        return b""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()


@pytest.mark.parametrize("case", dict(trie_cases()).values(), ids=dict(trie_cases()))
def test_trie_of_hashed_keys_has_the_published_root(case: dict[str, Any]) -> None:
    # Every pair a batch of its own: the last one decides.
    pairs = case["in"].items() if isinstance(case["in"], dict) else case["in"]
    stored: dict[bytes, bytes | None] = {}
    root = EMPTY_TRIE_ROOT
    for key, value in pairs:
        changes: dict[bytes, bytes | None] = {}
        root = update_trie(account_trie(), stored.get, [(keccak256(as_bytes(key)), as_bytes(value))], changes)
        stored.update(changes)
    assert f"0x{root.hex()}" == case["root"]

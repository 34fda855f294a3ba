"""Runs a file of the public state tests through this node's executor, state and trie, under Ethereum's fee rules.

    python -m node.execution.statetest FILE [--fork Prague] [--case I]

One JSON line a case: name, index, stateRoot, logsHash, error. Source: ethereum/tests, GeneralStateTests.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from consensus.chain.errors import InvalidTransaction
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.chain.receipt import encode_log
from consensus.chain.transaction import Authorization, Transaction, TransactionType, validate_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import encode_joined
from consensus.primitives.scalars import ZERO_HASH, Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from consensus.primitives.signatures import address_of_private_key
from node.execution.engine import CANCUN, PRAGUE, EvmRules
from node.execution.errors import TransactionNotAllowed
from node.execution.fees import FeeRules
from node.execution.limits import BlockLimits
from node.execution.transition import BlockContext, SignedTransaction, apply_transaction, validate_on_state
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import Account, FinalState
from node.storage.memory import MemoryStore

CHAIN_ID: Final = 1
WORK_UNLIMITED: Final = WorkUnits(10**15)
BLOB_BASE_FEE_MIN: Final = 1


@dataclass(frozen=True, slots=True)
class Fork:
    """What a name in the files stands for."""

    rules: EvmRules
    blobs_max: int
    blob_fee_fraction: int
    """EIP-4844, EIP-7691: by how much excess blob gas raises the price."""


FORKS: Final = {
    "Cancun": Fork(CANCUN, 6, 3_338_477),
    "Prague": Fork(PRAGUE, 9, 5_007_716),
}

# Any: what the files hold is checked by using it.
Fields = Mapping[str, Any]


class CaseFailed(Exception):
    """A transaction that must not be executed, as the test expects or not."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case came to."""

    name: str
    index: int
    state_root: Hash32
    logs_hash: Hash32
    error: str | None
    expected_root: Hash32
    expected_logs_hash: Hash32
    expects_error: bool

    @property
    def passed(self) -> bool:
        """Whether it is what the file says."""
        return (
            self.state_root == self.expected_root
            and self.logs_hash == self.expected_logs_hash
            and (self.error is not None) == self.expects_error
        )

    def line(self) -> str:
        """Return the JSON line."""
        return json.dumps(
            {
                "name": self.name,
                "index": self.index,
                "stateRoot": "0x" + self.state_root.hex(),
                "logsHash": "0x" + self.logs_hash.hex(),
                "error": self.error,
                "pass": self.passed,
            }
        )


def run_file(content: Fields, *, fork: str, case: int | None = None) -> Iterator[CaseResult]:
    """Run the cases of a fork, or one of them, in the order of the file."""
    for name, test in content.items():
        for index, post in enumerate(test["post"].get(fork, ())):
            if case is None or case == index:
                yield run_case(name, index, test, post, FORKS[fork])


def run_case(name: str, index: int, test: Fields, post: Fields, fork: Fork) -> CaseResult:
    """Run one case on a state of its own."""
    before = _make_state(test["pre"])
    overlay = Overlay(before)
    journal = Journal(overlay)
    error = None
    logs = b""
    try:
        logs = _execute(journal, test, post["indexes"], fork)
    except (CaseFailed, InvalidTransaction, TransactionNotAllowed) as refusal:
        journal.discard()
        error = str(refusal)
    else:
        journal.commit()
    root = overlay.seal()
    return CaseResult(
        name=name,
        index=index,
        state_root=root,
        logs_hash=keccak256(encode_joined(logs)),
        error=error,
        expected_root=Hash32(_bytes(post["hash"])),
        expected_logs_hash=Hash32(_bytes(post["logs"])),
        expects_error="expectException" in post,
    )


def _execute(journal: Journal, test: Fields, indexes: Fields, fork: Fork) -> bytes:
    """Apply the transaction and return its encoded logs. Raises: CaseFailed and what the transition raises."""
    env, fields = test["env"], test["transaction"]
    transaction, sender = _make_transaction(fields, indexes)
    blob_hashes = tuple(Hash32(_bytes(text)) for text in fields.get("blobVersionedHashes", ()))
    if "blobVersionedHashes" in fields:
        _validate_blobs(transaction, blob_hashes, fork)
    if transaction.type is TransactionType.SET_CODE:
        _validate_set_code(transaction, fork)
    validate_transaction(transaction, chain_id=CHAIN_ID, has_floor=fork.rules.has_floor_gas)
    excess = _number(env.get("currentExcessBlobGas", "0x0"))
    fees = FeeRules(
        is_charged=True,
        base_fee=_number(env["currentBaseFee"]),
        blob_base_fee=fake_exponential(BLOB_BASE_FEE_MIN, excess, fork.blob_fee_fraction),
        blob_hashes=blob_hashes,
        max_fee_per_blob_gas=_number(fields.get("maxFeePerBlobGas", "0x0")),
    )
    gas_limit = _number(env["currentGasLimit"])
    if transaction.gas_limit > gas_limit:
        raise CaseFailed(f"gas limit {transaction.gas_limit} is above the block's {gas_limit}")
    context = BlockContext(
        chain_id=CHAIN_ID,
        parent_hash=Hash32(_bytes(env.get("previousHash", "0x" + "00" * 32))),
        height=Height(_number(env["currentNumber"])),
        timestamp_ms=TimestampMs(_number(env["currentTimestamp"]) * 1000),
        leader=Address(_bytes(env["currentCoinbase"])),
        epoch=Epoch(0),
        view=View(0),
        limits=BlockLimits(gas_limit, WORK_UNLIMITED, WORK_UNLIMITED, 2**63),
        rules=fork.rules,
        fees=fees,
        randao=Hash32(_bytes(env["currentRandom"])),
        ancestor_hash=lambda height: keccak256(str(height).encode()),
    )
    validate_on_state(journal, transaction, sender, fees=fees)
    outcome = apply_transaction(journal, context, SignedTransaction(transaction, sender))
    return b"".join(encode_log(log) for log in outcome.logs)


def _make_state(accounts: Fields) -> Overlay:
    """Return the state before: also accounts that hold nothing, which no transaction of today could leave."""
    overlay = Overlay(FinalState(MemoryStore()))
    found, slots, codes = {}, {}, {}
    for text, fields in accounts.items():
        address, code = Address(_bytes(text)), _bytes(fields["code"])
        code_hash = keccak256(code)
        codes[code_hash] = code
        found[address] = Account(_number(fields["nonce"]), _number(fields["balance"]), EMPTY_TRIE_ROOT, code_hash)
        slots[address] = {_number(slot): _number(value) for slot, value in fields["storage"].items()}
    overlay.apply_changes(dict(found), slots, codes)
    overlay.seal()
    return overlay


def _make_transaction(fields: Fields, indexes: Fields) -> tuple[Transaction, Address]:
    gas_price = fields.get("gasPrice")
    access_lists = fields.get("accessLists")
    entries = (access_lists[indexes["data"]] or ()) if access_lists else ()
    authorizations = fields.get("authorizationList")
    if authorizations is not None:
        kind = TransactionType.SET_CODE
    elif gas_price is None:
        kind = TransactionType.DYNAMIC_FEE
    else:
        kind = TransactionType.ACCESS_LIST if access_lists else TransactionType.LEGACY
    to = _bytes(fields["to"])
    sender = _bytes(fields["sender"]) if "sender" in fields else address_of_private_key(_bytes(fields["secretKey"]))
    transaction = Transaction(
        type=kind,
        chain_id=CHAIN_ID,
        nonce=_number(fields["nonce"]),
        max_priority_fee_per_gas=_number(fields["maxPriorityFeePerGas"] if gas_price is None else gas_price),
        max_fee_per_gas=_number(fields["maxFeePerGas"] if gas_price is None else gas_price),
        gas_limit=_number(fields["gasLimit"][indexes["gas"]]),
        to=Address(to) if to else None,
        value=_number(fields["value"][indexes["value"]]),
        data=_bytes(fields["data"][indexes["data"]]),
        access_list=tuple(
            (Address(_bytes(entry["address"])), tuple(_number(key) for key in entry["storageKeys"]))
            for entry in entries
        ),
        y_parity=0,
        r=0,
        s=0,
        raw=b"",
        hash=ZERO_HASH,
        signing_hash=ZERO_HASH,
        authorizations=tuple(_make_authorization(entry) for entry in authorizations or ()),
    )
    return transaction, Address(sender)


def _make_authorization(entry: Fields) -> Authorization:
    return Authorization(
        chain_id=_number(entry["chainId"]),
        address=Address(_bytes(entry["address"])),
        nonce=_number(entry["nonce"]),
        y_parity=_number(entry.get("yParity", entry.get("v"))),
        r=_number(entry["r"]),
        s=_number(entry["s"]),
    )


def _validate_blobs(transaction: Transaction, blob_hashes: tuple[Hash32, ...], fork: Fork) -> None:
    """Check what only a blob transaction must fulfil. Source: EIP-4844, EIP-7691."""
    if transaction.to is None:
        raise CaseFailed("a blob transaction creates no contract")
    if not 0 < len(blob_hashes) <= fork.blobs_max:
        raise CaseFailed(f"{len(blob_hashes)} blobs, 1 to {fork.blobs_max} are allowed")
    if any(blob_hash[:1] != b"\x01" for blob_hash in blob_hashes):
        raise CaseFailed("a blob hash of another version than 1")


def _validate_set_code(transaction: Transaction, fork: Fork) -> None:
    """Check what only a transaction with authorizations must fulfil. Source: EIP-7702."""
    if not fork.rules.has_delegations:
        raise CaseFailed("this fork knows no type 4")
    if transaction.to is None or not transaction.authorizations:
        raise CaseFailed("type 4 needs a recipient and an authorization")


def fake_exponential(factor: int, numerator: int, denominator: int) -> int:
    """Return factor · e^(numerator / denominator), rounded as EIP-4844 rounds it."""
    output, accumulated, step = 0, factor * denominator, 1
    while accumulated > 0:
        output += accumulated
        # Rounded down at each step, as the EIP says.
        accumulated = accumulated * numerator // (denominator * step)
        step += 1
    return output // denominator


def _number(text: str) -> int:
    return int(text.removeprefix("0x:bigint "), 16)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def main() -> None:
    """Print a line for each case; end with 1 if one is not as the file says."""
    parser = argparse.ArgumentParser(prog="python -m node.execution.statetest", description=__doc__)
    parser.add_argument("file", help="a file of GeneralStateTests")
    parser.add_argument("--fork", choices=sorted(FORKS), default="Prague")
    parser.add_argument("--case", type=int, help="only this index")
    options = parser.parse_args()
    with open(options.file, encoding="utf-8") as stream:
        content = json.load(stream)
    has_failed = False
    for result in run_file(content, fork=options.fork, case=options.case):
        print(result.line())
        has_failed |= not result.passed
    raise SystemExit(int(has_failed))


if __name__ == "__main__":
    main()

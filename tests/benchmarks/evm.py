"""Microseconds per opcode and per ERC-20 transfer: this node's engine beside py-evm as it comes.

Before: py-evm's own computation, state and database in memory. After: the node's frame over its journal and overlay.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from vyper import compile_code  # type: ignore[import-untyped]

from consensus.chain.transaction import created_address
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from node.execution.transition import BlockExecution, SignedTransaction
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.benchmarks.report import keep
from tests.node.execution.evm import CODE_AT, SENDER, Evm
from tests.node.execution.ledger import ALICE_KEY, BOB, context, genesis, payment, raw_call, signed
from tests.node.execution.test_random_code import make_their_state

REPEATS: Final = 5
TURNS: Final = 250
GAS: Final = 10**11
LOOP_HEAD: Final = "61{turns:04x} 5b"
LOOP_TAIL: Final = "6001 90 03 80 6003 57 00"

BODIES: Final = {
    "ADD": "6003 6004 01 50",
    "MUL": "6003 6004 02 50",
    "DIV": "6003 6004 04 50",
    "EXP": "6003 60ff 0a 50",
    "DUP SWAP POP": "80 80 90 50 50",
    "JUMP": "",
    "MSTORE": "6001 6040 52",
    "MLOAD": "6040 51 50",
    "KECCAK256 of 64 bytes": "6040 6000 20 50",
    "CALLDATALOAD": "6000 35 50",
    "SLOAD warm": "6001 54 50",
    "SSTORE warm": "80 6001 55",
    "TSTORE": "80 6001 5d",
    "LOG1 of 32 bytes": "6001 6020 6000 a1",
    "BALANCE warm": "30 31 50",
    "STATICCALL of nothing": "5f 5f 5f 5f 60ee 5a fa 50",
}
"""What one turn does, ten times; subtract the turn itself (`JUMP`)."""
COPIES: Final = 10

# Any: py-evm has its own name for twenty bytes.
AT: Final[Any] = CODE_AT
FROM: Final[Any] = SENDER


def loop(body: str) -> bytes:
    """Return code that runs a body COPIES times TURNS."""
    return bytes.fromhex(LOOP_HEAD.format(turns=TURNS) + " " + body * COPIES + " " + LOOP_TAIL)


def best(work: Callable[[], None]) -> float:
    """Return the median seconds of some runs after one that warms up."""
    work()
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return statistics.median(found)


def our_seconds(code: bytes) -> float:
    """Return how long the node's engine takes."""
    evm = Evm()
    evm.put(code)

    def work() -> None:
        assert evm.call(gas=GAS, is_undone=True).succeeded

    return best(work)


def their_call(state: PragueState, code: bytes, data: bytes = b"", sender: Any = FROM) -> None:
    """Run code in py-evm."""
    message = Message(gas=GAS, to=AT, sender=sender, value=0, data=data, code=code)
    ran = PragueComputation.apply_message(state, message, CancunTransactionContext(gas_price=0, origin=sender))
    assert not ran.is_error, ran.error


def their_seconds(code: bytes) -> float:
    """Return how long py-evm takes."""
    state = make_their_state()
    state.set_code(AT, code)

    def work() -> None:
        snapshot = state.snapshot()
        their_call(state, code)
        state.revert(snapshot)

    return best(work)


def opcode_table() -> dict[str, dict[str, float]]:
    """Return µs for each body, before and after."""
    count = TURNS * COPIES
    turn_before, turn_after = their_seconds(loop("")), our_seconds(loop(""))
    table = {
        name: {
            "before_us": round(1e6 * (their_seconds(loop(body)) - turn_before) / count, 3),
            "after_us": round(1e6 * (our_seconds(loop(body)) - turn_after) / count, 3),
        }
        for name, body in BODIES.items()
        if body
    }
    table["a turn: SUB DUP JUMPI JUMPDEST and 3 PUSH"] = {
        "before_us": round(1e6 * turn_before / TURNS, 3),
        "after_us": round(1e6 * turn_after / TURNS, 3),
    }
    return table


def transfer_data(receiver: Address, amount: int) -> bytes:
    """Return call data of an ERC-20 transfer."""
    return keccak256(b"transfer(address,uint256)")[:4] + receiver.rjust(32, b"\0") + amount.to_bytes(32, "big")


def token_code() -> tuple[bytes, bytes]:
    """Return init code and runtime code of the ERC-20."""
    source = (Path(__file__).parent / "token.vy").read_text()
    compiled = compile_code(source, output_formats=["bytecode", "bytecode_runtime"])
    return bytes.fromhex(compiled["bytecode"][2:]), bytes.fromhex(compiled["bytecode_runtime"][2:])


def block_seconds(transactions: list[SignedTransaction], before: list[SignedTransaction]) -> float:
    """Return how long a block of transactions takes, roots and header included, on what others left."""
    start = genesis()
    first = BlockExecution(start.executed.overlay, context(start))
    for transaction in before:
        assert first.apply(transaction).succeeded
    parent = first.seal().overlay

    def work() -> None:
        execution = BlockExecution(parent, context(start, height=2))
        for transaction in transactions:
            assert execution.apply(transaction).succeeded
        execution.seal()

    return best(work)


def transfers(count: int) -> dict[str, float]:
    """Return µs per transfer: a contract's in py-evm and here, and a native currency's."""
    init, runtime = token_code()
    token = created_address(signed(raw_call(ALICE_KEY, 0, b"")).sender, 0)
    creation = signed(raw_call(ALICE_KEY, 0, init, to=None, gas=2_000_000))
    receivers = [Address(keccak256(b"receiver %d" % index)[:20]) for index in range(count)]
    contract = [
        signed(raw_call(ALICE_KEY, 1 + index, transfer_data(receiver, 1), to=token, gas=200_000))
        for index, receiver in enumerate(receivers)
    ]
    native = [payment(ALICE_KEY, 1 + index, receiver, 1) for index, receiver in enumerate(receivers)]
    state = make_their_state()
    state.set_code(AT, runtime)
    owner: Any = creation.sender
    slot = int.from_bytes(keccak256((0).to_bytes(32, "big") + owner.rjust(32, b"\0")), "big")
    state.set_storage(AT, slot, 10**12)

    def in_py_evm() -> None:
        for receiver in receivers:
            state.lock_changes()
            their_call(state, runtime, transfer_data(receiver, 1), owner)

    overlay = Overlay(genesis().executed.overlay)
    journal = Journal(overlay)
    journal.set_code(CODE_AT, runtime)
    journal.set_slot(CODE_AT, slot, 10**12)
    journal.commit()
    evm = Evm(journal=journal)

    def in_engine() -> None:
        for receiver in receivers:
            assert evm.call(transfer_data(receiver, 1), sender=owner).succeeded
            journal.commit()

    per_transfer = 1e6 / count
    return {
        "contract_call_before_us": round(per_transfer * best(in_py_evm), 1),
        "contract_call_after_us": round(per_transfer * best(in_engine), 1),
        "contract_transaction_in_block_us": round(per_transfer * block_seconds(contract, [creation]), 1),
        "native_transaction_in_block_us": round(
            per_transfer * block_seconds(native, [payment(ALICE_KEY, 0, BOB, 1)]), 1
        ),
    }


def main(arguments: list[str]) -> None:
    """Measure opcodes and transfers."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks evm")
    parser.add_argument("--transfers", type=int, default=500)
    options = parser.parse_args(arguments)
    keep("evm", vars(options), {"opcodes": opcode_table(), "transfers": transfers(options.transfers)})

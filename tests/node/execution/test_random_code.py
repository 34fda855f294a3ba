"""Random byte code does the same here and in py-evm's own frame, state and database."""

from dataclasses import dataclass, replace
from typing import Any

from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.forks.prague.computation import PragueComputation
from eth.vm.forks.prague.state import PragueState
from eth.vm.message import Message
from eth_typing import BlockNumber
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from node.execution.fees import FeeRules
from tests.node.execution.evm import CODE_AT, LEADER, SENDER, Evm, make_block

OTHER = Address(b"\xc1" * 20)
GAS = 200_000
SLOTS = range(4)
BLOCK = replace(make_block(), fees=FeeRules(blob_base_fee=1))
"""Elsewhere a blob gas costs 1 at least."""
ROOT = bytes(32)

WORDS = (
    st.integers(0, 40)
    | st.sampled_from([2**256 - 1, 2**255, 2**64, 0xC1 * (256**20 // 255)])
    | st.integers(0, 2**256 - 1)
)
"""Mostly small: offsets, slots, jump targets."""

ARITHMETIC = [*range(0x01, 0x0C), *range(0x10, 0x1E), 0x20]
STACK = [0x50, *range(0x80, 0x88), *range(0x90, 0x98), 0x5F]
FACTS = [0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x38, 0x3A, 0x3B, 0x3D, 0x3F, *range(0x40, 0x4B), 0x58, 0x59, 0x5A]
MEMORY = [0x37, 0x39, 0x3C, 0x3E, 0x51, 0x52, 0x53, 0x5E]
STORAGE = [0x54, 0x55, 0x5C, 0x5D]
ENDS = [0x00, 0xF3, 0xFD, 0xFE, 0xFF, 0x0C]
CALLS = [0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFA, *range(0xA0, 0xA5)]
JUMPS = [0x56, 0x57, 0x5B]


def push(word: int) -> bytes:
    length = max(1, (word.bit_length() + 7) // 8)
    return bytes((0x5F + length,)) + word.to_bytes(length, "big")


def opcode(values: list[int]) -> st.SearchStrategy[bytes]:
    return st.sampled_from(values).map(lambda value: bytes((value,)))


PIECES = st.one_of(
    WORDS.map(push),
    WORDS.map(push),
    opcode(ARITHMETIC),
    opcode(STACK),
    opcode(FACTS),
    st.tuples(st.lists(WORDS, min_size=2, max_size=4), opcode(MEMORY)).map(lambda both: operands(*both)),
    st.tuples(st.lists(st.integers(0, 3), min_size=2, max_size=2), opcode(STORAGE)).map(lambda both: operands(*both)),
    st.tuples(st.lists(st.integers(0, 70), min_size=7, max_size=7), opcode(CALLS)).map(lambda both: call(*both)),
    opcode(JUMPS),
    opcode(ENDS),
)


def operands(words: list[int], operation: bytes) -> bytes:
    return b"".join(push(word) for word in words) + operation


def call(words: list[int], operation: bytes) -> bytes:
    """Return a call of the other contract, a log or a creation, with small operands."""
    address = b"\x73" + OTHER
    return b"".join(push(word) for word in words[:-1]) + address + push(words[-1] * 1_000) + operation


CODE = st.lists(PIECES, min_size=1, max_size=40).map(b"".join)


@dataclass(frozen=True)
class Ran:
    """What is seen of an execution from outside."""

    failed: bool
    output: bytes
    gas_left: int
    refund: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    storage: tuple[int, ...]
    balances: tuple[int, ...]
    nonces: tuple[int, ...]


def run_here(code: bytes, other: bytes, data: bytes) -> Ran:
    evm = Evm()
    evm.put(code)
    evm.put(other, OTHER)
    evm.journal.set_balance(CODE_AT, 1_000)
    for address in (SENDER, LEADER, CODE_AT):
        evm.journal.warm_address(address)
    result = evm.call(data, gas=GAS, block=BLOCK)
    journal = evm.journal
    return Ran(
        failed=not result.succeeded,
        output=result.output,
        gas_left=result.gas_left,
        refund=result.gas_refund,
        logs=tuple((log.address, log.topics, log.data) for log in journal.take_logs()),
        storage=tuple(journal.get_slot(address, slot) for address in (CODE_AT, OTHER) for slot in SLOTS),
        balances=tuple(journal.get_balance(address) for address in (CODE_AT, OTHER, SENDER)),
        nonces=tuple(journal.get_nonce(address) for address in (CODE_AT, OTHER)),
    )


def make_their_state() -> PragueState:
    """Return py-evm's state of the block, in memory."""
    leader, randao, root = _theirs(LEADER, BLOCK.previous_randao, ROOT)
    context = ExecutionContext(
        coinbase=leader,
        timestamp=BLOCK.timestamp_ms // 1000,
        block_number=BlockNumber(BLOCK.height),
        difficulty=0,
        mix_hash=randao,
        gas_limit=BLOCK.limits.block_gas_max,
        prev_hashes=[root] * 256,
        chain_id=BLOCK.chain_id,
        base_fee_per_gas=0,
        excess_blob_gas=0,
    )
    return PragueState(AtomicDB(), context, BLANK_ROOT_HASH)


def run_py_evm(code: bytes, other: bytes, data: bytes) -> Ran:
    at, other_at, sender, leader = _theirs(CODE_AT, OTHER, SENDER, LEADER)
    state = make_their_state()
    for address, its_code in ((at, code), (other_at, other)):
        state.set_code(address, its_code)
        state.set_nonce(address, 1)
    state.set_balance(at, 1_000)
    state.lock_changes()
    for address in (sender, leader, at):
        state.mark_address_warm(address)
    message = Message(gas=GAS, to=at, sender=sender, value=0, data=data, code=code)
    ran = PragueComputation.apply_message(state, message, CancunTransactionContext(gas_price=0, origin=sender))
    return Ran(
        failed=ran.is_error,
        output=ran.output,
        gas_left=ran.get_gas_remaining(),
        refund=0 if ran.is_error else ran.get_gas_refund(),
        logs=() if ran.is_error else tuple(_log(*entry) for entry in ran.get_log_entries()),
        storage=tuple(state.get_storage(address, slot) for address in (at, other_at) for slot in SLOTS),
        balances=tuple(state.get_balance(address) for address in (at, other_at, sender)),
        nonces=tuple(state.get_nonce(address) for address in (at, other_at)),
    )


def _theirs(*values: bytes) -> tuple[Any, ...]:
    # Any: py-evm has its own name for twenty bytes.
    return values


def _log(address: bytes, topics: tuple[int, ...], data: bytes) -> tuple[bytes, tuple[bytes, ...], bytes]:
    return address, tuple(topic.to_bytes(32, "big") for topic in topics), data


@settings(max_examples=150, deadline=None)
@given(CODE, CODE, st.binary(max_size=70))
def test_random_code_does_what_it_does_in_py_evm(code: bytes, other: bytes, data: bytes) -> None:
    assert run_here(code, other, data) == run_py_evm(code, other, data)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=60), st.binary(max_size=70))
def test_random_bytes_do_what_they_do_in_py_evm(code: bytes, data: bytes) -> None:
    assert run_here(code, b"", data) == run_py_evm(code, b"", data)

"""A system contract answers a contract exactly as it answers a transaction. Source: ledger.md §1."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, BATCH, CURRENCY_REGISTRY, POLICY_REGISTRY
from contracts.declarations import encode_call
from contracts.decoding import decode_revert
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import NativeResult, find_function
from node.execution.genesis_state import Genesis
from node.execution.native import SYSTEM_CODE, call_system_contract
from node.execution.transition import BlockContext
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.node.execution.evm import Evm
from tests.node.execution.ledger import ALICE, BOB, CAROL, EUR, context, genesis

FORWARDER = Address(b"\xf0" * 20)
GAS = 500_000


def forwarder(opcode: str, to: Address, *, value: int = 0) -> bytes:
    """Return code that hands its call data on to `to` and answers what that answers."""
    amount = f"61{value:04x}" if opcode in ("f1", "f2") else ""
    call = bytes.fromhex(f"36 6000 6000 37 6000 6000 36 6000 {amount} 73{to.hex()} 5a {opcode}")
    revert = bytes.fromhex("3d 6000 fd")
    copied = bytes.fromhex("3d 6000 6000 3e")
    # Behind PUSH1, its byte, JUMPI and the reverting half.
    target = len(call + copied + revert) + 3
    return call + copied + bytes((0x60, target, 0x57)) + revert + bytes.fromhex("5b 3d 6000 f3")


@pytest.fixture(scope="module")
def block_zero() -> Genesis:
    return genesis()


class Doors:
    """The same ledger twice: one for each door, with the forwarder holding euros on both."""

    def __init__(self, block_zero: Genesis, opcode: str = "f1", *, value: int = 0) -> None:
        self.block: BlockContext = context(block_zero)
        self.direct, self.through = (Journal(Overlay(block_zero.executed.overlay)) for _ in range(2))
        for journal in (self.direct, self.through):
            journal.set_code(FORWARDER, forwarder(opcode, EUR, value=value))
            journal.set_balance(FORWARDER, 1_000)
            data = encode_call(find_function(CURRENCY, "transfer"), FORWARDER, 500)
            assert self.call_directly(journal, data, caller=ALICE).success
            journal.take_logs()
            journal.commit()

    def call_directly(self, journal: Journal, data: bytes, *, caller: Address = FORWARDER) -> NativeResult:
        checkpoint = journal.snapshot()
        result = call_system_contract(journal, self.block, address=EUR, caller=caller, value=0, data=data, gas=GAS)
        if not result.success:
            journal.revert(checkpoint)
        return result

    def compare(self, data: bytes) -> NativeResult:
        """Call through both doors, expect the same of both and return it."""
        evm = Evm(journal=self.through)
        direct = self.call_directly(self.direct, data)
        forwarded = evm.call(data, to=FORWARDER, gas=4 * GAS, block=self.block)
        assert (forwarded.succeeded, forwarded.output) == (direct.success, direct.output)
        straight = evm.call(data, to=EUR, gas=GAS, sender=FORWARDER, block=self.block, is_undone=True)
        if direct.success:
            assert GAS - straight.gas_left == direct.gas_used
        assert self.direct.take_logs() == self.through.take_logs()
        self.direct.commit()
        self.through.commit()
        return direct


def operations() -> st.SearchStrategy[bytes]:
    accounts = st.sampled_from([ALICE, BOB, CAROL, FORWARDER, Address(bytes(20))])
    amounts = st.integers(0, 600) | st.just(2**256 - 1)

    def call(name: str, *values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
        return st.tuples(*values).map(lambda given: encode_call(find_function(CURRENCY, name), *given))

    return st.one_of(
        call("transfer", accounts, amounts),
        call("transferFrom", accounts, accounts, amounts),
        call("approve", accounts, amounts),
        call("balanceOf", accounts),
        call("burn", amounts, st.just(bytes(32))),
        call("mint", accounts, amounts, st.just(bytes(32))),
        call("totalSupply"),
        st.binary(max_size=80),
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(operations(), min_size=1, max_size=8))
def test_both_doors_leave_the_same_state_logs_output_and_gas(calls: list[bytes]) -> None:
    doors = Doors(GENESIS)
    for data in calls:
        doors.compare(data)
    overlays = [journal._overlay for journal in (doors.direct, doors.through)]
    assert overlays[0].seal() == overlays[1].seal()


GENESIS = genesis()


def test_static_call_reads_and_cannot_write(block_zero: Genesis) -> None:
    doors = Doors(block_zero, "fa")
    evm = Evm(journal=doors.through)
    balance = evm.call(encode_call(find_function(CURRENCY, "balanceOf"), FORWARDER), to=FORWARDER, block=doors.block)
    assert (balance.succeeded, int.from_bytes(balance.output, "big")) == (True, 500)
    write = encode_call(find_function(CURRENCY, "transfer"), BOB, 1)
    refused = evm.call(write, to=FORWARDER, block=doors.block)
    assert not refused.succeeded
    assert str(decode_revert(refused.output)).startswith("WriteInStaticCall(")


@pytest.mark.parametrize("opcode", ["f2", "f4"], ids=["CALLCODE", "DELEGATECALL"])
def test_code_of_a_system_contract_does_not_run_on_other_storage(block_zero: Genesis, opcode: str) -> None:
    doors = Doors(block_zero, opcode)
    data = encode_call(find_function(CURRENCY, "transfer"), BOB, 1)
    refused = Evm(journal=doors.through).call(data, to=FORWARDER, block=doors.block)
    assert not refused.succeeded
    assert str(decode_revert(refused.output)).startswith("DelegatedCall(")


def test_value_sent_to_a_system_contract_comes_back(block_zero: Genesis) -> None:
    doors = Doors(block_zero, value=7)
    data = encode_call(find_function(CURRENCY, "transfer"), BOB, 1)
    refused = Evm(journal=doors.through).call(data, to=FORWARDER, block=doors.block)
    assert not refused.succeeded
    assert doors.through.get_balance(FORWARDER) == 1_000
    assert doors.through.get_balance(EUR) == 0


@pytest.mark.parametrize("registry", [POLICY_REGISTRY, ACCOUNT_REGISTRY, BATCH], ids=["policies", "accounts", "batch"])
def test_call_from_a_contract_leaves_what_a_registry_stores(block_zero: Genesis, registry: Address) -> None:
    doors = Doors(block_zero)
    doors.through.set_code(FORWARDER, forwarder("f1", registry))
    doors.through.set_slot(registry, 7, 42)
    doors.through.commit()
    Evm(journal=doors.through).call(b"\x00\x00\x00\x00", to=FORWARDER, block=doors.block)
    doors.through.commit()
    assert doors.through.get_slot(registry, 7) == 42
    assert doors.through.get_code(registry) == SYSTEM_CODE


def test_registry_is_reached_like_a_currency(block_zero: Genesis) -> None:
    doors = Doors(block_zero)
    doors.through.set_code(FORWARDER, forwarder("f1", CURRENCY_REGISTRY))
    answer = Evm(journal=doors.through).call(b"\x00\x00\x00\x00", to=FORWARDER, block=doors.block)
    assert str(decode_revert(answer.output)).startswith("UnknownFunction(")

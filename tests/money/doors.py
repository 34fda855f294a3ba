"""One ledger behind two doors: calls go straight into the system contract, and through a forwarding one."""

from dataclasses import dataclass, replace
from functools import cache

from consensus.primitives.scalars import ZERO_ADDRESS, Address, TimestampMs, WorkUnits
from contracts.abi import AbiValue, TupleDecoder
from contracts.addresses import BATCH
from contracts.declarations import FunctionDeclaration, decoder_of, encode_call
from contracts.decoding import decode_log, decode_revert
from contracts.native.directory import lookup
from contracts.native.dispatch import NativeResult, find_function
from node.execution.engine import EvmCall, load_engine
from node.execution.genesis_state import Genesis
from node.execution.meter import WorkMeter
from node.execution.native import call_system_contract
from node.execution.transition import BlockContext
from node.state.journal import Journal
from node.state.overlay import Overlay
from tests.money.model.ledger import Answer, Order
from tests.money.model.state import Value
from tests.money.world import ADDRESSES, CHAIN_ID
from tests.node.execution.ledger import context

# Imported before any test runs: py-evm changes the interpreter's recursion limit, which hypothesis watches.
ENGINE = load_engine()

GAS = 5_000_000
"""Enough for every call of the machine: running out of gas has tests of its own."""

# Calls the address in the first word with the rest, and answers what that answers.
FORWARDER = bytes.fromhex(
    "6020 3603 6020 6000 37 6000 6000 6020 3603 6000 6000 6000 35 5a f1 3d 6000 6000 3e 6027 57"
    " 3d 6000 fd 5b 3d 6000 f3"
)


class Disagreement(Exception):
    """The ledger did something else than the model, or one door something else than the other."""


@dataclass(frozen=True, slots=True)
class _Known:
    declaration: FunctionDeclaration
    decode_results: TupleDecoder


class Doors:
    """The same ledger once or twice, and its blocks."""

    def __init__(self, block_zero: Genesis, *, has_contract_door: bool) -> None:
        self._block: BlockContext = replace(context(block_zero), chain_id=CHAIN_ID)
        self._overlays = [Overlay(block_zero.executed.overlay) for _ in range(1 + has_contract_door)]
        self._forwarding_gas: int | None = None
        for overlay in self._overlays:
            journal = Journal(overlay)
            for address in ADDRESSES:
                journal.set_code(address, FORWARDER)
                journal.set_nonce(address, 1)
            journal.commit()
        self._journals = [Journal(overlay) for overlay in self._overlays]

    def start_block(self, now_s: int) -> None:
        self._block = replace(self._block, timestamp_ms=TimestampMs(now_s * 1000))

    def end_block(self) -> None:
        """Seal the block on both ledgers and expect the same state root."""
        roots = [overlay.seal() for overlay in self._overlays]
        if len(set(roots)) > 1:
            raise Disagreement(f"state roots of the doors: {[root.hex() for root in roots]}")
        self._overlays = [Overlay(overlay) for overlay in self._overlays]
        self._journals = [Journal(overlay) for overlay in self._overlays]

    def make(self, order: Order) -> Answer:
        """Make a call through every door, expect the same of each, and return it in the model's words."""
        direct = self._journals[0]
        data = encode_order(order)
        checkpoint = direct.snapshot()
        result = call_system_contract(
            direct,
            self._block,
            address=Address(order.target),
            caller=Address(order.caller),
            value=0,
            data=data,
            gas=GAS,
        )
        if not result.success:
            direct.revert(checkpoint)
        logs = direct.take_logs()
        direct.commit()
        if len(self._journals) > 1 and self._make_through_contract(order, data, result) != logs:
            raise Disagreement("logs of the doors differ")
        events = []
        for log in logs:
            event = decode_log(log.address, log.topics, log.data)
            assert event is not None, "a log that its contract does not declare"
            events.append((bytes(log.address), event.name, tuple(map(_value, event.arguments.values()))))
        if result.success:
            return Answer(None, _result_of(order, result.output), tuple(events))
        return Answer(_named(result.output), None, tuple(events))

    def read(self, target: bytes, name: str, *arguments: AbiValue) -> tuple[AbiValue, ...]:
        """Return what a view answers on the direct ledger."""
        known = _known(Address(target), name)
        result = call_system_contract(
            self._journals[0],
            self._block,
            address=Address(target),
            caller=ZERO_ADDRESS,
            value=0,
            data=encode_call(known.declaration, *arguments),
            gas=GAS,
            is_static=True,
        )
        if not result.success:
            raise Disagreement(f"{name}{arguments} reverted: {decode_revert(result.output)}")
        return known.decode_results(result.output, 0)

    def slot(self, target: bytes, slot: int) -> int:
        return self._journals[0].get_slot(Address(target), slot)

    def _make_through_contract(self, order: Order, data: bytes, direct: NativeResult) -> object:
        journal = self._journals[1]
        forwarded = order.target.rjust(32, b"\0") + data
        call = EvmCall(ADDRESSES[0], Address(order.caller), None, 0, forwarded, 4 * GAS)
        checkpoint = journal.snapshot()
        result = ENGINE.run(journal, self._block, call, WorkMeter(WorkUnits(10**9)), None)
        if not result.succeeded:
            journal.revert(checkpoint)
        logs = journal.take_logs()
        journal.commit()
        if (result.succeeded, result.output) != (direct.success, direct.output):
            raise Disagreement(f"doors answer {direct.output.hex()} and {result.output.hex()}")
        gas = 4 * GAS - result.gas_left - direct.gas_used - _copying_gas(len(data), len(direct.output), direct.success)
        if self._forwarding_gas not in (None, gas):
            raise Disagreement(f"gas of the contract's door is {gas - (self._forwarding_gas or 0)} off")
        self._forwarding_gas = gas
        return logs


def encode_order(order: Order) -> bytes:
    """Return the call data of an order."""
    declaration = _known(Address(order.target), order.name).declaration
    if order.target == BATCH:
        return encode_call(declaration, tuple((Address(call.target), _inner(call)) for call in order.inner))
    return encode_call(declaration, *order.arguments)


def _inner(call: Order) -> bytes:
    contract = lookup(Address(call.target))
    return encode_order(call) if contract is not None and call.target != BATCH else b""


@cache
def _known(target: Address, name: str) -> _Known:
    contract = lookup(target)
    assert contract is not None
    declaration = find_function(contract, name)
    return _Known(declaration, decoder_of(declaration.results))


def _copying_gas(sent_bytes: int, returned_bytes: int, is_success: bool) -> int:
    """Return what a forwarder spends on copying both, on its memory, and on the longer way to a success."""
    sent, returned = -(-sent_bytes // 32), -(-returned_bytes // 32)
    memory = max(sent, returned)
    # The remainder is dropped, as the Yellow Paper says of memory.
    return 3 * (sent + returned + memory) + memory * memory // 512 + is_success


def _result_of(order: Order, output: bytes) -> Value | None:
    values = _known(Address(order.target), order.name).decode_results(output, 0)
    if not values:
        return None
    if order.target != BATCH:
        return _value(values[0])
    (outputs,) = values
    assert isinstance(outputs, tuple)
    found = []
    for call, inner in zip(order.inner, outputs):
        assert isinstance(inner, bytes)
        found.append(tuple(map(_value, _known(Address(call.target), call.name).decode_results(inner, 0))))
    return tuple(found)


def _named(output: bytes) -> tuple[str, tuple[Value, ...]]:
    error = decode_revert(output)
    if error is None:
        raise Disagreement(f"an error without name: 0x{output.hex()}")
    values = [_value(value) for value in error.arguments.values()]
    if error.name in ("TransferRowFailed", "BatchCallFailed"):
        assert isinstance(values[1], bytes)
        values[1] = _named(values[1])
    return error.name, tuple(values)


def _value(value: AbiValue) -> Value:
    if isinstance(value, (int, bytes, str)):
        return value
    return tuple(_value(item) for item in value)

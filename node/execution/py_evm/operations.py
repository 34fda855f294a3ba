"""Opcodes that look at more than the stack. The commonest are written here, small; all others are py-evm's.

Each function gets the frame. What its operands decide of its gas it takes itself; the rest is taken before it runs.
Source: Yellow Paper H.2, EIP-1153, EIP-2200, EIP-2929, EIP-3529.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from eth.exceptions import InsufficientStack, OutOfGas, Revert, WriteProtection
from eth.vm.forks.byzantium.opcodes import ensure_no_static
from eth.vm.forks.cancun.logic import selfdestruct_eip6780
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES
from eth.vm.forks.prague.opcodes import PRAGUE_OPCODES

from consensus.chain.receipt import Log
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32
from node.execution.engine import EvmRules
from node.execution.py_evm.program import FrameFunction, FrameOperation

if TYPE_CHECKING:
    from node.execution.py_evm.frame import Frame

GAS_SLOT_COLD: Final = 2_100
GAS_SLOT_WARM: Final = 100
GAS_SLOT_SET: Final = 20_000
GAS_SLOT_RESET: Final = 2_900
GAS_SLOT_STIPEND: Final = 2_300
REFUND_SLOT_CLEARED: Final = 4_800
GAS_KECCAK_WORD: Final = 6
GAS_LOG_BYTE: Final = 8
GAS_LOG_TOPIC: Final = 375

TICKS_FRAME: Final = 3
"""Work of an opcode that asks the frame for something: 0.2 to 0.4 µs (measured)."""
TICKS_COPY: Final = 10
TICKS_ACCOUNT: Final = 60
"""An account or slot read from LevelDB for the first time: 4 to 6 µs; it is charged also when it is not the first."""
TICKS_SLOT_READ: Final = 20
TICKS_SLOT_WRITE: Final = 250
"""A changed slot is written into its trie and into LevelDB at the end: 25 µs (measured)."""
TICKS_CALL: Final = 250
TICKS_CREATE: Final = 1_500
BYTES_HASHED_PER_TICK: Final = 50
"""keccak-256 takes 2 ms a megabyte."""


def _calldataload(frame: "Frame") -> None:
    stack = frame.stack
    if not stack:
        raise InsufficientStack("CALLDATALOAD on an empty stack")
    start = stack[-1]
    data = frame.msg.data
    stack[-1] = int.from_bytes(data[start : start + 32].ljust(32, b"\x00"), "big") if start < len(data) else 0


def _calldatasize(frame: "Frame") -> None:
    frame.stack_push_int(len(frame.msg.data))


def _callvalue(frame: "Frame") -> None:
    frame.stack_push_int(frame.msg.value)


def _caller(frame: "Frame") -> None:
    frame.stack_push_int(int.from_bytes(frame.msg.sender, "big"))


def _address(frame: "Frame") -> None:
    frame.stack_push_int(int.from_bytes(frame.msg.storage_address, "big"))


def _returndatasize(frame: "Frame") -> None:
    frame.stack_push_int(len(frame.return_data))


def _gas(frame: "Frame") -> None:
    frame.stack_push_int(frame.gas)


def _mload(frame: "Frame") -> None:
    stack = frame.stack
    if not stack:
        raise InsufficientStack("MLOAD on an empty stack")
    start = stack[-1]
    if start + 32 > len(frame.memory):
        frame.extend_memory(start, 32)
    stack[-1] = int.from_bytes(frame.memory[start : start + 32], "big")


def _mstore(frame: "Frame") -> None:
    stack = frame.stack
    if len(stack) < 2:
        raise InsufficientStack("MSTORE needs two items")
    start = stack.pop()
    if start + 32 > len(frame.memory):
        frame.extend_memory(start, 32)
    frame.memory[start : start + 32] = stack.pop().to_bytes(32, "big")


def _mstore8(frame: "Frame") -> None:
    start, value = frame.stack_pop_ints(2)
    frame.extend_memory(start, 1)
    frame.memory[start] = value & 0xFF


def _keccak256(frame: "Frame") -> None:
    start, size = frame.stack_pop_ints(2)
    frame.extend_memory(start, size)
    # Started words: the remainder counts as a whole one.
    frame.consume_gas(GAS_KECCAK_WORD * ((size + 31) >> 5), "KECCAK256 words")
    frame.state.meter.spend(size // BYTES_HASHED_PER_TICK)
    frame.stack.append(int.from_bytes(keccak256(bytes(frame.memory[start : start + size])), "big"))


def _sload(frame: "Frame") -> None:
    slot = frame.stack_pop1_int()
    address, journal = frame.msg.storage_address, frame.state.journal
    if journal.is_warm_slot(address, slot):
        frame.consume_gas(GAS_SLOT_WARM, "SLOAD")
    else:
        journal.warm_slot(address, slot)
        frame.consume_gas(GAS_SLOT_COLD, "cold SLOAD")
    frame.stack.append(journal.get_slot(address, slot))


def _sstore(frame: "Frame") -> None:
    if frame.msg.is_static:
        raise WriteProtection("SSTORE in a static call")
    if frame.gas <= GAS_SLOT_STIPEND:
        raise OutOfGas("SSTORE with no more gas than the stipend")
    slot, value = frame.stack_pop_ints(2)
    address, journal = frame.msg.storage_address, frame.state.journal
    gas = 0
    if not journal.is_warm_slot(address, slot):
        journal.warm_slot(address, slot)
        gas = GAS_SLOT_COLD
    current = journal.get_slot(address, slot)
    original = journal.get_original_slot(address, slot)
    if value == current or original != current:
        gas += GAS_SLOT_WARM
    else:
        gas += GAS_SLOT_RESET if original else GAS_SLOT_SET
    frame.consume_gas(gas, "SSTORE")
    if value != current:
        frame.refund_gas(_slot_refund(original, current, value))
        journal.set_slot(address, slot, value)


def _slot_refund(original: int, current: int, value: int) -> int:
    """Return by how much the refund counter moves when a slot changes. Source: EIP-2200, EIP-3529."""
    if original == current:
        return REFUND_SLOT_CLEARED if original and not value else 0
    refund = 0
    if original:
        if not current:
            refund -= REFUND_SLOT_CLEARED
        elif not value:
            refund += REFUND_SLOT_CLEARED
    if original == value:
        refund += (GAS_SLOT_RESET if original else GAS_SLOT_SET) - GAS_SLOT_WARM
    return refund


def _tload(frame: "Frame") -> None:
    slot = frame.stack_pop1_int()
    frame.stack.append(frame.state.journal.get_transient(frame.msg.storage_address, slot))


def _tstore(frame: "Frame") -> None:
    if frame.msg.is_static:
        raise WriteProtection("TSTORE in a static call")
    slot, value = frame.stack_pop_ints(2)
    frame.state.journal.set_transient(frame.msg.storage_address, slot, value)


def _make_log(count: int) -> FrameFunction:
    def log(frame: "Frame") -> None:
        if frame.msg.is_static:
            raise WriteProtection("LOG in a static call")
        start, size, *topics = frame.stack_pop_ints(2 + count)
        frame.consume_gas(GAS_LOG_TOPIC * count + GAS_LOG_BYTE * size, "LOG")
        frame.extend_memory(start, size)
        data = bytes(frame.memory[start : start + size])
        words = tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics)
        emitted = Log(frame.msg.storage_address, words, data)
        frame.state.journal.add_log(emitted)
        if frame.state.tracer is not None:
            frame.state.tracer.log(emitted)

    return log


def _return(frame: "Frame") -> None:
    start, size = frame.stack_pop_ints(2)
    frame.extend_memory(start, size)
    frame.output = bytes(frame.memory[start : start + size])


def _revert(frame: "Frame") -> None:
    _return(frame)
    raise Revert(frame.output)


def _own() -> dict[int, FrameOperation]:
    logs = {
        0xA0 + count: FrameOperation(f"LOG{count}", _make_log(count), GAS_LOG_TOPIC, TICKS_COPY * 2)
        for count in range(5)
    }
    return {
        0x20: FrameOperation("KECCAK256", _keccak256, 30, TICKS_COPY),
        0x30: FrameOperation("ADDRESS", _address, 2, TICKS_FRAME),
        0x33: FrameOperation("CALLER", _caller, 2, TICKS_FRAME),
        0x34: FrameOperation("CALLVALUE", _callvalue, 2, TICKS_FRAME),
        0x35: FrameOperation("CALLDATALOAD", _calldataload, 3, TICKS_FRAME),
        0x36: FrameOperation("CALLDATASIZE", _calldatasize, 2, TICKS_FRAME),
        0x3D: FrameOperation("RETURNDATASIZE", _returndatasize, 2, TICKS_FRAME),
        0x51: FrameOperation("MLOAD", _mload, 3, TICKS_FRAME),
        0x52: FrameOperation("MSTORE", _mstore, 3, TICKS_FRAME),
        0x53: FrameOperation("MSTORE8", _mstore8, 3, TICKS_FRAME),
        0x54: FrameOperation("SLOAD", _sload, 0, TICKS_SLOT_READ),
        0x55: FrameOperation("SSTORE", _sstore, 0, TICKS_SLOT_WRITE),
        0x5A: FrameOperation("GAS", _gas, 2, TICKS_FRAME),
        0x5C: FrameOperation("TLOAD", _tload, 100, TICKS_FRAME),
        0x5D: FrameOperation("TSTORE", _tstore, 100, TICKS_FRAME),
        **logs,
        0xF3: FrameOperation("RETURN", _return, 0, TICKS_FRAME, ends=True),
        0xFD: FrameOperation("REVERT", _revert, 0, TICKS_FRAME, ends=True),
        0xFF: FrameOperation("SELFDESTRUCT", ensure_no_static(selfdestruct_eip6780), 5_000, TICKS_CREATE, ends=True),
    }


_TICKS_OF_PY_EVM: Final = {
    **dict.fromkeys(("BALANCE", "EXTCODESIZE", "EXTCODECOPY", "EXTCODEHASH", "SELFBALANCE"), TICKS_ACCOUNT),
    **dict.fromkeys(("CALLDATACOPY", "CODECOPY", "RETURNDATACOPY", "MCOPY", "EXP", "BLOCKHASH"), TICKS_COPY),
    **dict.fromkeys(("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"), TICKS_CALL),
    **dict.fromkeys(("CREATE", "CREATE2"), TICKS_CREATE),
}
"""Work of py-evm's own opcodes; of those not named, `TICKS_FRAME`."""


def _py_evms(fork: dict[int, Any]) -> dict[int, FrameOperation]:
    """Return py-evm's opcodes of a fork. Those that are functions have their gas taken beforehand."""
    found = {}
    # Any: py-evm's opcodes are objects of several classes.
    for opcode, operation in fork.items():
        name = getattr(operation, "mnemonic", "")
        ticks = _TICKS_OF_PY_EVM.get(name, TICKS_FRAME)
        function = getattr(operation, "logic_fn", None)
        if function is None:
            found[opcode] = FrameOperation(name, operation, 0, ticks)
        else:
            found[opcode] = FrameOperation(name, function, operation.gas_cost, ticks)
    return found


@cache
def operations_of(rules: EvmRules) -> dict[int, FrameOperation]:
    """Return the operations of some rules by opcode byte."""
    return {**_py_evms(dict(PRAGUE_OPCODES if rules.has_delegations else CANCUN_OPCODES)), **_own()}

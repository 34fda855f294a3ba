"""Bytecode cut into segments: runs of opcodes that only touch the stack, each ended by one that does more.

Gas, work and stack of a run are known before it begins, so they are charged and checked once. Nothing observes the
difference: whatever fails in a run ends the frame with all its gas, and no opcode in it looks at the gas left.
Segments are made when they are first reached and kept with the code, which never changes.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from eth.exceptions import InvalidInstruction

from node.execution.py_evm.stack_operations import JUMPDEST, STACK_OPERATIONS, StackFunction

if TYPE_CHECKING:
    from node.execution.py_evm.frame import Frame

STACK_ITEMS_MAX: Final = 1024
TICKS_STACK: Final = 1
"""Work of an opcode that only touches the stack, in ticks: 0.10 to 0.15 µs (measured)."""

PROGRAMS_KEPT: Final = 128
"""Contracts whose segments stay in memory: 2 MB each if every byte of the largest is executed, usually a tenth."""

_PUSH0: Final = 0x5F
_PUSH32: Final = 0x7F
_STOP: Final = 0x00
_JUMP: Final = 0x56
_JUMPI: Final = 0x57
_PC: Final = 0x58
_CODESIZE: Final = 0x38
_GAS_BASE: Final = 2
_GAS_PUSH: Final = 3
_GAS_JUMP: Final = 8
_GAS_JUMPI: Final = 10

FrameFunction = Callable[["Frame"], None]


class FrameOperation(NamedTuple):
    """An opcode that looks at more than the stack."""

    name: str
    function: FrameFunction
    gas: int
    """Charged beforehand; what depends on operands the function charges itself."""
    ticks: int
    """Work in tenths of a unit."""
    ends: bool = False
    """The frame ends with it."""


class End(IntEnum):
    """How a segment ends."""

    STOP = 0
    JUMP = 1
    JUMPI = 2
    OPERATION = 3
    LAST_OPERATION = 4
    """RETURN and its like."""
    CUT = 5
    """Before a JUMPDEST; between any two opcodes where steps are watched."""


class Segment(NamedTuple):
    """A run of opcodes."""

    gas: int
    ticks: int
    needed: int
    """Stack items it takes from below its own."""
    height_max: int
    """Stack items there may be before it, so that none is above 1 024 within."""
    operations: tuple[tuple[StackFunction | None, int], ...]
    """Functions; or None and the constant to push."""
    end: End
    function: FrameFunction | None
    """Of the opcode that ends it, if the frame must perform that."""
    next_pc: int
    """Position behind it."""


class Program:
    """One contract's code. Used by one thread at a time."""

    __slots__ = ("_is_stepwise", "_jump_destinations", "_operations", "code", "segments")

    def __init__(self, code: bytes, operations: dict[int, FrameOperation], *, is_stepwise: bool = False) -> None:
        """`is_stepwise` makes every opcode a segment of its own, for traces."""
        self.code = code
        self.segments: dict[int, Segment] = {}
        self._operations = operations
        self._is_stepwise = is_stepwise
        self._jump_destinations: frozenset[int] | None = None

    @property
    def jump_destinations(self) -> frozenset[int]:
        """Positions of JUMPDEST that are not data of a PUSH."""
        if self._jump_destinations is None:
            self._jump_destinations = _find_jump_destinations(self.code)
        return self._jump_destinations

    def opcode_at(self, pc: int) -> int:
        """Return the opcode at a position; behind the end it is STOP."""
        return self.code[pc] if pc < len(self.code) else _STOP

    def segment_at(self, start: int) -> Segment:
        """Make the segment that begins at a position, and keep it."""
        code = self.code
        run: list[tuple[StackFunction | None, int]] = []
        gas = ticks = needed = height = highest = 0
        pc = start
        while pc == start or not self._is_stepwise:
            opcode = self.opcode_at(pc)
            if opcode == JUMPDEST and pc > start:
                # Another segment begins there: no opcode is in two, so what is kept stays in proportion to the code.
                end, function = End.CUT, None
                break
            operation = STACK_OPERATIONS.get(opcode)
            if operation is not None:
                if opcode != JUMPDEST:
                    run.append((operation.function, 0))
                needed = max(needed, operation.pops - height)
                height += operation.pushes - operation.pops
                gas, pc = gas + operation.gas, pc + 1
            elif _PUSH0 <= opcode <= _PUSH32 or opcode in (_PC, _CODESIZE):
                constant, length = _constant(code, opcode, pc)
                run.append((None, constant))
                height += 1
                gas, pc = gas + (_GAS_PUSH if opcode > _PUSH0 else _GAS_BASE), pc + length
            else:
                end, function, own_gas, own_ticks, pops = self._ending(opcode)
                needed = max(needed, pops - height)
                gas, ticks, pc = gas + own_gas, ticks + own_ticks, pc + 1
                break
            ticks += TICKS_STACK
            highest = max(highest, height)
        else:
            end, function = End.CUT, None
        room = STACK_ITEMS_MAX - highest
        segment = self.segments[start] = Segment(gas, ticks, needed, room, tuple(run), end, function, pc)
        return segment

    def _ending(self, opcode: int) -> tuple[End, FrameFunction | None, int, int, int]:
        """Return how a segment ends with an opcode: its function, gas, ticks and the items it takes without looking."""
        if opcode == _JUMP:
            return End.JUMP, None, _GAS_JUMP, TICKS_STACK, 1
        if opcode == _JUMPI:
            return End.JUMPI, None, _GAS_JUMPI, TICKS_STACK, 2
        if opcode == _STOP:
            return End.STOP, None, 0, 0, 0
        operation = self._operations.get(opcode)
        if operation is None:
            return End.OPERATION, _invalid, 0, 0, 0
        end = End.LAST_OPERATION if operation.ends else End.OPERATION
        return end, operation.function, operation.gas, operation.ticks, 0


def _invalid(_frame: "Frame") -> None:
    raise InvalidInstruction("no such opcode")


def _constant(code: bytes, opcode: int, pc: int) -> tuple[int, int]:
    """Return what PUSH, PC or CODESIZE at a position pushes, and the bytes it takes."""
    if opcode == _PC:
        return pc, 1
    if opcode == _CODESIZE:
        return len(code), 1
    width = opcode - _PUSH0
    # Behind the end of the code there are zeros.
    return int.from_bytes(code[pc + 1 : pc + 1 + width].ljust(width, b"\x00"), "big"), 1 + width


def _find_jump_destinations(code: bytes) -> frozenset[int]:
    found = []
    pc = 0
    code_end = len(code)
    while pc < code_end:
        opcode = code[pc]
        if opcode == JUMPDEST:
            found.append(pc)
        pc += opcode - _PUSH0 + 1 if _PUSH0 < opcode <= _PUSH32 else 1
    return frozenset(found)

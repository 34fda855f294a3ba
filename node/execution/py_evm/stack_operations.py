"""Opcodes that only touch the stack: a list of integers from 0 to 2^256 - 1, the top at its end.

They check nothing: a segment of code knows beforehand how much it needs and leaves. Source: Yellow Paper H.2.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

Stack: TypeAlias = list[int]
StackFunction: TypeAlias = Callable[[Stack], None]

WORD_MAX: Final = 2**256 - 1
_SIGN_BIT: Final = 1 << 255
_MODULUS: Final = 1 << 256


class StackOperation(NamedTuple):
    """One opcode."""

    name: str
    function: StackFunction
    gas: int
    pops: int
    pushes: int


def _signed(word: int) -> int:
    return word - _MODULUS if word & _SIGN_BIT else word


def _add(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = (first + stack[-1]) & WORD_MAX


def _mul(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = (first * stack[-1]) & WORD_MAX


def _sub(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = (first - stack[-1]) & WORD_MAX


def _div(stack: Stack) -> None:
    # Rounds down, as the EVM says; by zero is zero.
    dividend = stack.pop()
    divisor = stack[-1]
    stack[-1] = dividend // divisor if divisor else 0


def _sdiv(stack: Stack) -> None:
    # Rounds towards zero.
    dividend, divisor = _signed(stack.pop()), _signed(stack[-1])
    if divisor == 0:
        stack[-1] = 0
        return
    quotient = abs(dividend) // abs(divisor)
    stack[-1] = (quotient if (dividend < 0) == (divisor < 0) else -quotient) & WORD_MAX


def _mod(stack: Stack) -> None:
    dividend = stack.pop()
    divisor = stack[-1]
    stack[-1] = dividend % divisor if divisor else 0


def _smod(stack: Stack) -> None:
    # The result has the sign of the dividend.
    dividend, divisor = _signed(stack.pop()), abs(_signed(stack[-1]))
    if divisor == 0:
        stack[-1] = 0
        return
    remainder = abs(dividend) % divisor
    stack[-1] = (-remainder if dividend < 0 else remainder) & WORD_MAX


def _addmod(stack: Stack) -> None:
    total = stack.pop() + stack.pop()
    modulus = stack[-1]
    stack[-1] = total % modulus if modulus else 0


def _mulmod(stack: Stack) -> None:
    product = stack.pop() * stack.pop()
    modulus = stack[-1]
    stack[-1] = product % modulus if modulus else 0


def _signextend(stack: Stack) -> None:
    position = stack.pop()
    if position < 31:
        value = stack[-1]
        bit = 8 * position + 7
        if value >> bit & 1:
            stack[-1] = value | (WORD_MAX - ((1 << bit) - 1))
        else:
            stack[-1] = value & ((1 << bit) - 1)


def _lt(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = 1 if first < stack[-1] else 0


def _gt(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = 1 if first > stack[-1] else 0


def _slt(stack: Stack) -> None:
    first = _signed(stack.pop())
    stack[-1] = 1 if first < _signed(stack[-1]) else 0


def _sgt(stack: Stack) -> None:
    first = _signed(stack.pop())
    stack[-1] = 1 if first > _signed(stack[-1]) else 0


def _eq(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] = 1 if first == stack[-1] else 0


def _iszero(stack: Stack) -> None:
    stack[-1] = 0 if stack[-1] else 1


def _and(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] &= first


def _or(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] |= first


def _xor(stack: Stack) -> None:
    first = stack.pop()
    stack[-1] ^= first


def _not(stack: Stack) -> None:
    stack[-1] ^= WORD_MAX


def _byte(stack: Stack) -> None:
    position = stack.pop()
    stack[-1] = stack[-1] >> 8 * (31 - position) & 0xFF if position < 32 else 0


def _shl(stack: Stack) -> None:
    bits = stack.pop()
    stack[-1] = (stack[-1] << bits) & WORD_MAX if bits < 256 else 0


def _shr(stack: Stack) -> None:
    bits = stack.pop()
    stack[-1] = stack[-1] >> bits if bits < 256 else 0


def _sar(stack: Stack) -> None:
    bits = min(stack.pop(), 256)
    stack[-1] = (_signed(stack[-1]) >> bits) & WORD_MAX


def _pop(stack: Stack) -> None:
    stack.pop()


def _nothing(stack: Stack) -> None:
    """Mark a place to jump to."""


def _make_dup(depth: int) -> StackFunction:
    def dup(stack: Stack) -> None:
        stack.append(stack[-depth])

    return dup


def _make_swap(depth: int) -> StackFunction:
    below = -depth - 1

    def swap(stack: Stack) -> None:
        stack[-1], stack[below] = stack[below], stack[-1]

    return swap


JUMPDEST: Final = 0x5B

STACK_OPERATIONS: Final[dict[int, StackOperation]] = {
    0x01: StackOperation("ADD", _add, 3, 2, 1),
    0x02: StackOperation("MUL", _mul, 5, 2, 1),
    0x03: StackOperation("SUB", _sub, 3, 2, 1),
    0x04: StackOperation("DIV", _div, 5, 2, 1),
    0x05: StackOperation("SDIV", _sdiv, 5, 2, 1),
    0x06: StackOperation("MOD", _mod, 5, 2, 1),
    0x07: StackOperation("SMOD", _smod, 5, 2, 1),
    0x08: StackOperation("ADDMOD", _addmod, 8, 3, 1),
    0x09: StackOperation("MULMOD", _mulmod, 8, 3, 1),
    0x0B: StackOperation("SIGNEXTEND", _signextend, 5, 2, 1),
    0x10: StackOperation("LT", _lt, 3, 2, 1),
    0x11: StackOperation("GT", _gt, 3, 2, 1),
    0x12: StackOperation("SLT", _slt, 3, 2, 1),
    0x13: StackOperation("SGT", _sgt, 3, 2, 1),
    0x14: StackOperation("EQ", _eq, 3, 2, 1),
    0x15: StackOperation("ISZERO", _iszero, 3, 1, 1),
    0x16: StackOperation("AND", _and, 3, 2, 1),
    0x17: StackOperation("OR", _or, 3, 2, 1),
    0x18: StackOperation("XOR", _xor, 3, 2, 1),
    0x19: StackOperation("NOT", _not, 3, 1, 1),
    0x1A: StackOperation("BYTE", _byte, 3, 2, 1),
    0x1B: StackOperation("SHL", _shl, 3, 2, 1),
    0x1C: StackOperation("SHR", _shr, 3, 2, 1),
    0x1D: StackOperation("SAR", _sar, 3, 2, 1),
    0x50: StackOperation("POP", _pop, 2, 1, 0),
    JUMPDEST: StackOperation("JUMPDEST", _nothing, 1, 0, 0),
    **{0x7F + depth: StackOperation(f"DUP{depth}", _make_dup(depth), 3, depth, depth + 1) for depth in range(1, 17)},
    **{
        0x8F + depth: StackOperation(f"SWAP{depth}", _make_swap(depth), 3, depth + 1, depth + 1)
        for depth in range(1, 17)
    },
}
"""Opcode byte -> operation. PUSH, PC and CODESIZE are constants and not here."""

"""Which accounts and slots an execution touches, for access lists (EIP-2930)."""

from typing import Final

from consensus.chain.receipt import Log
from consensus.chain.transaction import AccessList
from consensus.primitives.scalars import Address
from node.execution.engine import TracedCall, TracedFrame, TracedResult

_SLOT_OPCODES: Final = (0x54, 0x55)
_ACCOUNT_OPCODES: Final = (0x31, 0x3B, 0x3C, 0x3F, 0xFF)
"""BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH, SELFDESTRUCT: the account is on top of the stack."""
_CALL_OPCODES: Final = (0xF1, 0xF2, 0xF4, 0xFA)
"""CALL, CALLCODE, DELEGATECALL, STATICCALL: it is below the gas."""


class AccessTracer:
    """Notes what is touched, also by what is undone afterwards."""

    def __init__(self) -> None:
        self._slots: dict[Address, dict[int, None]] = {}

    def enter(self, call: TracedCall) -> None:
        return

    def leave(self, result: TracedResult) -> None:
        return

    def log(self, log: Log) -> None:
        return

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        stack = frame.stack
        if opcode in _SLOT_OPCODES and stack:
            self._slots.setdefault(frame.address, {})[stack[-1]] = None
        elif opcode in _ACCOUNT_OPCODES and stack:
            self._slots.setdefault(_address(stack[-1]), {})
        elif opcode in _CALL_OPCODES and len(stack) > 1:
            self._slots.setdefault(_address(stack[-2]), {})

    def access_list(self, *, free: frozenset[Address]) -> AccessList:
        """Return what is worth naming: accounts in `free` only if slots of theirs are touched."""
        return tuple((address, tuple(slots)) for address, slots in self._slots.items() if slots or address not in free)


def _address(word: int) -> Address:
    return Address((word & (2**160 - 1)).to_bytes(20, "big"))

"""Calls one after the other as Otterscan shows them: no tree, each with its depth."""

from dataclasses import dataclass
from typing import Final

from consensus.chain.receipt import Log
from node.execution.engine import TracedCall, TracedFrame, TracedResult

SELFDESTRUCT: Final = 0xFF


@dataclass(slots=True)
class FlatCall:
    """One call, creation or end of a contract."""

    opcode: int
    depth: int
    """0 for the outermost."""
    sender: bytes
    to: bytes
    value: int
    data: bytes
    output: bytes = b""
    has_failed: bool = False
    """It or one around it was undone."""


class FlatCallTracer:
    """Watches calls."""

    def __init__(self) -> None:
        self.calls: list[FlatCall] = []
        self._open: list[int] = []

    def enter(self, call: TracedCall) -> None:
        self._open.append(len(self.calls))
        self.calls.append(FlatCall(call.opcode, len(self._open) - 1, call.sender, call.to, call.value, call.data))

    def leave(self, result: TracedResult) -> None:
        place = self._open.pop()
        self.calls[place].output = result.output
        if result.failure is not None:
            for call in self.calls[place:]:
                call.has_failed = True

    def log(self, log: Log) -> None:
        return

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        if opcode == SELFDESTRUCT and frame.stack:
            beneficiary = (frame.stack[-1] & (2**160 - 1)).to_bytes(20, "big")
            self.calls.append(FlatCall(opcode, len(self._open), frame.address, beneficiary, frame.balance, b""))

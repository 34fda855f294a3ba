"""The selector trace: which functions were called with how many bytes of arguments, and how often."""

from collections import Counter
from typing import Final

from consensus.chain.receipt import Log
from node.execution.engine import TracedCall, TracedFrame, TracedResult
from node.rpc.encoding import Json

SELECTOR_BYTES: Final = 4
_CREATIONS: Final = (0xF0, 0xF5)


class SelectorTracer:
    """Watches calls of contracts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def enter(self, call: TracedCall) -> None:
        if call.opcode not in _CREATIONS and len(call.data) >= SELECTOR_BYTES and not _is_precompile(call.to):
            self._counts[f"0x{call.data[:SELECTOR_BYTES].hex()}-{len(call.data) - SELECTOR_BYTES}"] += 1

    def leave(self, result: TracedResult) -> None:
        return

    def log(self, log: Log) -> None:
        return

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        return

    def result(self) -> Json:
        """Return how often each selector with each length of arguments was called."""
        return dict(self._counts)


def _is_precompile(address: bytes) -> bool:
    return int.from_bytes(address, "big") <= 0x100

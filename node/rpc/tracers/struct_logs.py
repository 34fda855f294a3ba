"""The default trace: one entry for each opcode performed."""

from dataclasses import dataclass
from typing import Final

from consensus.chain.receipt import Log
from node.execution.engine import TracedCall, TracedFrame, TracedResult
from node.execution.opcodes import opcode_name
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.errors import TraceTooLarge

STEP_BYTES: Final = 120
"""What an entry without stack, memory and storage takes in the answer, about."""

WORD_BYTES: Final = 36
"""What a word takes; a stack's are short on average, memory's and storage's take twice as much."""

_SLOAD: Final = 0x54
_SSTORE: Final = 0x55


@dataclass(frozen=True, slots=True)
class StructLogOptions:
    """What an entry shall show."""

    has_stack: bool = True
    has_memory: bool = False
    has_storage: bool = True
    has_return_data: bool = False
    steps_max: int = 0
    """Entries after which nothing is shown any more; 0 for no limit but the answer's size."""


class StructLogTracer:
    """Watches opcodes. Ends with TraceTooLarge where the answer would be."""

    def __init__(self, options: StructLogOptions, response_bytes_max: int) -> None:
        self._options = options
        self._response_bytes_max = response_bytes_max
        self._bytes_left = response_bytes_max
        self._logs: list[Json] = []
        self._open: list[_OpenFrame] = []
        self._storage: dict[bytes, dict[str, Json]] = {}
        """Slots shown so far, by account."""

    def enter(self, call: TracedCall) -> None:
        if self._open:
            # What the call itself takes: the gas it hands on included.
            self._open[-1].end_step(call.caller_gas)
        self._open.append(_OpenFrame())

    def leave(self, result: TracedResult) -> None:
        self._open.pop().end(result)

    def log(self, log: Log) -> None:
        return

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        options, current = self._options, self._open[-1]
        current.end_step(gas)
        if options.steps_max and len(self._logs) >= options.steps_max:
            return
        entry: JsonObject = {
            "pc": pc,
            "op": opcode_name(opcode),
            "gas": gas,
            "gasCost": gas_cost,
            "depth": frame.depth,
            "refund": frame.refund,
        }
        size = STEP_BYTES
        if options.has_stack:
            entry["stack"] = [hex(word) for word in frame.stack]
            size += WORD_BYTES * len(frame.stack)
        if options.has_memory and frame.memory:
            memory = frame.memory.hex()
            entry["memory"] = [f"0x{memory[start : start + 64]}" for start in range(0, len(memory), 64)]
            size += 2 * WORD_BYTES * (len(memory) // 64)
        if options.has_return_data and frame.returned:
            entry["returnData"] = data_hex(frame.returned)
            size += 2 * len(frame.returned)
        if options.has_storage and opcode in (_SLOAD, _SSTORE):
            size += self._add_storage(entry, frame, opcode)
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise TraceTooLarge(self._response_bytes_max)
        self._logs.append(entry)
        current.begin_step(entry, gas)

    def _add_storage(self, entry: JsonObject, frame: TracedFrame, opcode: int) -> int:
        needed = 1 if opcode == _SLOAD else 2
        if len(frame.stack) < needed:
            return 0
        slot = frame.stack[-1]
        value = frame.read_slot(slot) if opcode == _SLOAD else frame.stack[-2]
        shown = self._storage.setdefault(frame.address, {})
        shown[f"0x{slot:064x}"] = f"0x{value:064x}"
        entry["storage"] = dict(shown)
        return 4 * WORD_BYTES * len(shown)

    def result(self, *, succeeded: bool, gas_used: int, output: bytes) -> Json:
        """Return the whole trace."""
        return {
            "gas": gas_used,
            "failed": not succeeded,
            "returnValue": data_hex(output),
            "structLogs": self._logs,
        }


class _OpenFrame:
    """A call in progress, with the entry whose cost is not known yet."""

    __slots__ = ("_entry", "_gas")

    def __init__(self) -> None:
        self._entry: JsonObject | None = None
        self._gas = 0

    def begin_step(self, entry: JsonObject, gas: int) -> None:
        self._entry, self._gas = entry, gas

    def end_step(self, gas_left: int) -> None:
        """Note what the last opcode took."""
        if self._entry is not None:
            self._entry["gasCost"] = self._gas - gas_left
            self._entry = None

    def end(self, result: TracedResult) -> None:
        """Note why the last opcode failed; what it would have taken stays as it was announced."""
        if self._entry is not None and result.failure is not None and not result.has_reverted:
            self._entry["error"] = result.failure

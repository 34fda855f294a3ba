"""The call trace: which contract called which, with what, and what came of it."""

from typing import Final

from consensus.chain.receipt import Log
from contracts.decoding import decode_native_call, revert_reason
from node.execution.engine import TracedCall, TracedFrame, TracedResult
from node.execution.opcodes import opcode_name
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.errors import TraceTooLarge

CALL_BYTES: Final = 400
"""What an entry without data takes in the answer, about."""

_DELEGATECALL: Final = 0xF4
_STATICCALL: Final = 0xFA
_SELFDESTRUCT: Final = 0xFF


class CallTreeTracer:
    """Watches calls. Ends with TraceTooLarge where the answer would be."""

    def __init__(self, *, has_inner_calls: bool, has_logs: bool, response_bytes_max: int) -> None:
        self._has_inner_calls = has_inner_calls
        self._has_logs = has_logs
        self._response_bytes_max = response_bytes_max
        self._bytes_left = response_bytes_max
        self._open: list[JsonObject] = []
        self._logs: list[list[Json]] = []
        self._calls: list[list[Json]] = []
        self._root: JsonObject = {}

    def enter(self, call: TracedCall) -> None:
        self._count(CALL_BYTES + 2 * len(call.data))
        node: JsonObject = {
            "from": data_hex(call.sender),
            "gas": hex(call.gas),
            "gasUsed": "0x0",
            "to": data_hex(call.to),
            "input": data_hex(call.data),
        }
        if call.opcode not in (_DELEGATECALL, _STATICCALL):
            node["value"] = hex(call.value)
        node["type"] = opcode_name(call.opcode)
        decoded = decode_native_call(call.to, call.data)
        if decoded is not None:
            node["nativeCall"] = str(decoded)
        self._open.append(node)
        self._calls.append([])
        self._logs.append([])

    def leave(self, result: TracedResult) -> None:
        self._count(2 * len(result.output))
        node, calls, logs = self._open.pop(), self._calls.pop(), self._logs.pop()
        node["gasUsed"] = hex(result.gas_used)
        if result.output and (result.failure is None or result.has_reverted):
            node["output"] = data_hex(result.output)
        if result.failure is not None:
            node["error"] = result.failure
            if result.has_reverted:
                reason = revert_reason(result.output)
                if reason is not None:
                    node["revertReason"] = reason
        if calls:
            node["calls"] = calls
        if logs and result.failure is None:
            node["logs"] = logs
        if not self._open:
            self._root = node
        elif self._has_inner_calls:
            self._calls[-1].append(node)

    def log(self, log: Log) -> None:
        if not self._has_logs or (len(self._open) > 1 and not self._has_inner_calls):
            return
        self._count(CALL_BYTES + 2 * len(log.data))
        self._logs[-1].append(
            {
                "address": data_hex(log.address),
                "topics": [data_hex(topic) for topic in log.topics],
                "data": data_hex(log.data),
                # How many inner calls were made before it.
                "position": hex(len(self._calls[-1])),
            }
        )

    def step(self, frame: TracedFrame, pc: int, opcode: int, gas: int, gas_cost: int) -> None:
        if opcode == _SELFDESTRUCT and frame.stack and self._has_inner_calls:
            self._calls[-1].append(
                {
                    "type": "SELFDESTRUCT",
                    "from": data_hex(frame.address),
                    "to": f"0x{frame.stack[-1] & (2**160 - 1):040x}",
                    "gas": "0x0",
                    "gasUsed": "0x0",
                    "input": "0x",
                    "value": hex(frame.balance),
                }
            )

    def result(self, *, gas_limit: int, gas_used: int) -> Json:
        """Return the tree; its root shows the transaction's gas, intrinsic gas and refunds included."""
        return {**self._root, "gas": hex(gas_limit), "gasUsed": hex(gas_used)}

    def _count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise TraceTooLarge(self._response_bytes_max)

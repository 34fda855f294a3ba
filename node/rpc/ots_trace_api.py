"""ots_*: what Otterscan asks about the inside of a transaction. Source: Otterscan's JSON-RPC documentation."""

from collections.abc import Sequence
from typing import Final

from node.execution.opcodes import opcode_name
from node.execution.replay import ReplaySite
from node.execution.transition import apply_transaction
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.methods import Context, Method
from node.rpc.parameters import read_hash
from node.rpc.tracers.flat_calls import SELFDESTRUCT, FlatCall, FlatCallTracer
from node.state.journal import Journal

_CALL: Final = 0xF1
_CREATE: Final = 0xF0
_CREATE2: Final = 0xF5
_STATIC_OPCODES: Final = (0xF4, 0xFA)
"""DELEGATECALL and STATICCALL move no value."""

OPERATION_TYPES: Final = {_CALL: 0, SELFDESTRUCT: 1, _CREATE: 2, _CREATE2: 3}
"""Otterscan's numbers of what happens inside: a transfer, a contract's end, creations."""


async def get_internal_operations(context: Context, parameters: Sequence[object]) -> Json:
    """Return the native transfers, creations and ends of contracts inside a transaction; none for an unknown one.

    Raises: InvalidParameter, CallsOverloaded, CallTimedOut.
    """
    return [
        {
            "type": OPERATION_TYPES[call.opcode],
            "from": data_hex(call.sender),
            "to": data_hex(call.to),
            "value": hex(call.value),
        }
        for call in await _calls(context, parameters)
        if call.depth
        and not call.has_failed
        and call.opcode in OPERATION_TYPES
        and (call.value or call.opcode != _CALL)
    ]


async def trace_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Return every call of a transaction in order, each with its depth; none for an unknown one.

    Raises: InvalidParameter, CallsOverloaded, CallTimedOut.
    """
    return [_call_object(call) for call in await _calls(context, parameters)]


def get_transaction_error(context: Context, parameters: Sequence[object]) -> Json:
    """Return the revert data of a transaction, empty for one that succeeded or is unknown. Raises: InvalidParameter."""
    place = context.backend.locate(read_hash(parameters[0], "transactionHash"))
    if place is None:
        return "0x"
    height, index = place
    return data_hex(context.backend.receipts(height).revert_outputs[index])


async def _calls(context: Context, parameters: Sequence[object]) -> Sequence[FlatCall]:
    place = context.backend.locate(read_hash(parameters[0], "transactionHash"))
    if place is None:
        return ()
    height, index = place

    def watch(site: ReplaySite) -> Sequence[FlatCall]:
        tracer = FlatCallTracer()
        apply_transaction(Journal(site.overlay), site.context, site.signed, site.make_meter(), tracer=tracer)
        return tracer.calls

    [calls] = await context.backend.replay(height, watch, only=index)
    return calls


def _is_operation(call: FlatCall) -> bool:
    return call.opcode in OPERATION_TYPES and (call.value > 0 or call.opcode != _CALL)


def _call_object(call: FlatCall) -> JsonObject:
    return {
        "type": opcode_name(call.opcode),
        "depth": call.depth,
        "from": data_hex(call.sender),
        "to": data_hex(call.to),
        "value": None if call.opcode in _STATIC_OPCODES else hex(call.value),
        "input": data_hex(call.data),
        "output": data_hex(call.output),
    }


METHODS = {
    "ots_getInternalOperations": Method(get_internal_operations, 1, 1, "transactionHash", "OtsOperation[]"),
    "ots_getTransactionError": Method(get_transaction_error, 1, 1, "transactionHash", "Data"),
    "ots_traceTransaction": Method(trace_transaction, 1, 1, "transactionHash", "OtsCall[]"),
}

"""eth_simulateV1: blocks that will never be, with calls that build on each other."""

from collections.abc import Sequence

from consensus.chain.transaction import decode_transaction
from consensus.primitives.scalars import WorkUnits
from node.execution.simulation import (
    BLOCKS_MAX,
    SimulatedBlock,
    SimulatedCall,
    Simulation,
    SimulationResult,
    SimulationRules,
)
from node.execution.transition import Outcome
from node.rpc.backend import VIEW_WORK_MAX, CallSite
from node.rpc.block_tags import resolve_block
from node.rpc.call_parameters import read_account_overrides, read_block_overrides, read_call
from node.rpc.encoding import Json, JsonObject, block_object, data_hex, log_objects
from node.rpc.error_table import VM_ERROR
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional, read_bool, read_object, read_quantity, read_sequence

CALLS_MAX = 5_000
"""Calls of one simulated block: more than any real one holds."""

_PAYLOAD = frozenset({"blockStateCalls", "traceTransfers", "validation", "returnFullTransactions"})
_BLOCK = frozenset({"blockOverrides", "stateOverrides", "calls"})


async def simulate(context: Context, parameters: Sequence[object]) -> Json:
    """Return the simulated blocks, each with what its calls came to.

    Raises: SimulationRefused, InvalidParameter, NotSupported, BlockNotFound, CallsOverloaded, CallTimedOut.
    """
    payload = read_object(parameters[0], "payload", _PAYLOAD)
    gas_max, chain_id = context.limits.call_gas_max, context.backend.chain_id
    blocks = [
        _read_block(block, f"blockStateCalls[{index}]", gas_max, chain_id)
        for index, block in enumerate(read_sequence(payload.get("blockStateCalls"), "blockStateCalls", BLOCKS_MAX))
    ]

    def flag(name: str) -> bool:
        return name in payload and read_bool(payload[name], name)

    rules = SimulationRules(
        shows_transfers=flag("traceTransfers"), is_validated=flag("validation"), gas_max=context.limits.call_gas_max
    )
    is_full = flag("returnFullTransactions")
    height = resolve_block(optional(parameters, 1), context.backend).height

    def run(site: CallSite) -> Json:
        simulation = Simulation(site.state, site.context, site.make_meter(WorkUnits(VIEW_WORK_MAX)), rules)
        return [_result_object(context, result, is_full=is_full) for result in simulation.run(blocks)]

    return await context.backend.execute(height, run)


def _read_block(value: object, name: str, call_gas_max: int, chain_id: int) -> SimulatedBlock:
    members = read_object(value, name, _BLOCK)
    return SimulatedBlock(
        calls=[
            _read_call(call, f"{name}.calls", call_gas_max, chain_id)
            for call in read_sequence(members.get("calls", []), f"{name}.calls", CALLS_MAX)
        ],
        block=read_block_overrides(members.get("blockOverrides"), f"{name}.blockOverrides"),
        accounts=dict(read_account_overrides(members.get("stateOverrides"), f"{name}.stateOverrides")),
    )


def _read_call(value: object, name: str, call_gas_max: int, chain_id: int) -> SimulatedCall:
    request = read_call(value, name, call_gas_max, chain_id)
    # Read before: it is an object.
    members = value if isinstance(value, dict) else {}
    nonce = members.get("nonce")
    return SimulatedCall(
        request=request,
        has_gas_limit=members.get("gas") is not None,
        nonce=None if nonce is None else read_quantity(nonce, f"{name}.nonce"),
    )


def _result_object(context: Context, result: SimulationResult, *, is_full: bool) -> JsonObject:
    block = result.block
    shown = block_object(block, result.senders if is_full else None)
    if result.base_fee:
        shown["baseFeePerGas"] = hex(result.base_fee)
    calls: list[Json] = []
    log_index = 0
    for index, (outcome, raw) in enumerate(zip(result.outcomes, block.transactions, strict=True)):
        call: JsonObject = {
            "returnData": data_hex(outcome.output),
            "logs": log_objects(
                outcome.logs,
                block.header,
                block.block_hash,
                decode_transaction(raw).hash,
                index,
                log_index_first=log_index,
            ),
            "gasUsed": hex(outcome.gas_used),
            "status": "0x1" if outcome.succeeded else "0x0",
        }
        log_index += len(outcome.logs)
        if not outcome.succeeded:
            call["error"] = _error_object(context, outcome)
        calls.append(call)
    return {**shown, "calls": calls}


def _error_object(context: Context, outcome: Outcome) -> JsonObject:
    if outcome.failure is not None:
        return {"code": VM_ERROR, "message": f"vm execution error: {outcome.failure}"}
    reason = context.backend.revert_reason(outcome.output)
    message = "execution reverted" if reason is None else f"execution reverted: {reason}"
    return {"code": 3, "message": message, "data": data_hex(outcome.output)}


METHODS = {"eth_simulateV1": Method(simulate, 1, 2, "payload block", "SimulatedBlock[]")}

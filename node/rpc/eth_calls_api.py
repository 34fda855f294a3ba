"""eth_*: executing without a trace. The calls thread computes; the loop only waits."""

from collections.abc import Sequence
from dataclasses import replace

from node.execution.calls import CallOutcome, CallRequest
from node.rpc.block_tags import resolve_block
from node.rpc.call_parameters import read_account_overrides, read_block_overrides, read_call
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import ExecutionFailed, ExecutionReverted
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional


async def call(context: Context, parameters: Sequence[object]) -> Json:
    """Return what a call would return.

    Raises: ExecutionReverted, ExecutionFailed; InvalidParameter, BlockNotFound and the reasons of `Calls.call`.
    """
    request = _read(context, parameters)
    height = resolve_block(optional(parameters, 1), context.backend).height
    outcome = await context.backend.call(request, height)
    return data_hex(_succeeded(context, outcome).output)


async def estimate_gas(context: Context, parameters: Sequence[object]) -> Json:
    """Return a gas limit with which a transaction with these fields succeeds, at most 1.5 % above the least.

    Raises: as `call`.
    """
    request = _read(context, parameters)
    height = resolve_block(optional(parameters, 1), context.backend).height
    gas_limit, outcome = await context.backend.estimate_gas(request, height)
    _succeeded(context, outcome)
    return hex(gas_limit)


def _read(context: Context, parameters: Sequence[object]) -> CallRequest:
    request = read_call(parameters[0], "call", context.limits.call_gas_max, context.backend.chain_id)
    return replace(
        request,
        accounts=read_account_overrides(optional(parameters, 2), "stateOverrides"),
        block=read_block_overrides(optional(parameters, 3), "blockOverrides"),
    )


def _succeeded(context: Context, outcome: CallOutcome) -> CallOutcome:
    if outcome.failure is not None:
        raise ExecutionFailed(outcome.failure)
    if not outcome.succeeded:
        raise ExecutionReverted(outcome.output, context.backend.revert_reason(outcome.output))
    return outcome


METHODS = {
    "eth_call": Method(call, 1, 4, "call block stateOverrides blockOverrides", is_call=True),
    "eth_estimateGas": Method(estimate_gas, 1, 4, "call block stateOverrides blockOverrides", is_call=True),
}

"""eth_*: executing without a trace. The calls thread computes; the loop only waits."""

from collections.abc import Mapping, Sequence

from consensus.primitives.scalars import ZERO_ADDRESS
from node.rpc.backend import CallOutcome, CallRequest
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import ExecutionReverted, InvalidParameter, NotSupported
from node.rpc.methods import Context, Method
from node.rpc.parameters import UINT256_MAX, optional, read_address, read_data, read_object, read_quantity

_IGNORED = frozenset({"gasPrice", "maxFeePerGas", "maxPriorityFeePerGas", "nonce", "chainId", "type", "accessList"})
"""Members clients send that change nothing here: gas has no price, and a call has no place in a sender's order."""

_CALL = frozenset({"from", "to", "gas", "value", "data", "input"}) | _IGNORED

_NOT_SUPPORTED = frozenset({"blobs", "blobVersionedHashes", "maxFeePerBlobGas", "authorizationList"})


async def call(context: Context, parameters: Sequence[object]) -> Json:
    """Return what a call would return.

    Raises: ExecutionReverted; InvalidParameter, BlockNotFound, NotSupported and the reasons of `Calls.call`.
    """
    outcome = await _run(context, parameters)
    return data_hex(outcome.output)


async def estimate_gas(context: Context, parameters: Sequence[object]) -> Json:
    """Return the gas a transaction with these fields uses. Native contracts charge the same at every limit.

    Raises: as `call`.
    """
    outcome = await _run(context, parameters)
    return hex(outcome.gas_used)


async def _run(context: Context, parameters: Sequence[object]) -> CallOutcome:
    request = _read_call(parameters[0], context.limits.call_gas_max)
    for index, subject in ((2, "state overrides"), (3, "block overrides")):
        if optional(parameters, index) not in (None, {}):
            raise NotSupported(subject)
    height = resolve_block(optional(parameters, 1), context.backend).height
    outcome = await context.backend.call(request, height)
    if not outcome.succeeded:
        raise ExecutionReverted(outcome.output, context.backend.revert_reason(outcome.output))
    return outcome


def _read_call(value: object, call_gas_max: int) -> CallRequest:
    members = read_object(value, "call", _CALL | _NOT_SUPPORTED)
    for name in sorted(_NOT_SUPPORTED & members.keys()):
        raise NotSupported(f"call.{name}")
    sender = read_address(members["from"], "call.from") if "from" in members else ZERO_ADDRESS
    to = read_address(members["to"], "call.to") if "to" in members else None
    value_wei = read_quantity(members["value"], "call.value", UINT256_MAX) if "value" in members else 0
    gas_limit = read_quantity(members["gas"], "call.gas") if "gas" in members else call_gas_max
    return CallRequest(sender, to, min(gas_limit, call_gas_max), value_wei, _read_call_data(members))


def _read_call_data(members: Mapping[str, object]) -> bytes:
    """Return the call data, which has two names; both may be given if they are equal."""
    given = [read_data(members[name], f"call.{name}") for name in ("input", "data") if name in members]
    if len(given) == 2 and given[0] != given[1]:
        raise InvalidParameter("call.data", expected="the same bytes as call.input", actual=members["data"])
    return given[0] if given else b""


METHODS = {
    "eth_call": Method(call, 1, 4, "call block stateOverrides blockOverrides", is_call=True),
    "eth_estimateGas": Method(estimate_gas, 1, 4, "call block stateOverrides blockOverrides", is_call=True),
}

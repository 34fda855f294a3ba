"""eth_*: executing without a trace. The calls thread computes; the loop only waits."""

from collections.abc import Sequence
from dataclasses import replace

from consensus.chain.transaction import AccessList, created_address
from node.execution.calls import CallOutcome, CallRequest, execute_call
from node.rpc.backend import VIEW_WORK_MAX, CallSite
from node.rpc.block_tags import resolve_block
from node.rpc.call_parameters import read_account_overrides, read_block_overrides, read_call
from node.rpc.encoding import Json, JsonObject, data_hex, word_hex
from node.rpc.errors import ExecutionFailed, ExecutionReverted
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional
from node.rpc.tracers.access import AccessTracer

ACCESS_ROUNDS_MAX = 4
"""A call may go another way when it has more gas left: after so many rounds the last list is as good as any."""


async def call(context: Context, parameters: Sequence[object]) -> Json:
    """Return what a call would return.

    Raises: ExecutionReverted, ExecutionFailed, CallNotFunded, IntrinsicGasTooLow, WrongChainId, NotSupported,
    BlockNotFound, CallsOverloaded, CallTimedOut.
    """
    request = _read(context, parameters)
    height = resolve_block(optional(parameters, 1), context.backend).height
    outcome = await context.backend.call(request, height)
    return data_hex(require_success(context, outcome).output)


async def estimate_gas(context: Context, parameters: Sequence[object]) -> Json:
    """Return a gas limit with which a transaction with these fields succeeds, at most 1.5 % above the least.

    Raises: ExecutionReverted, ExecutionFailed, CallNotFunded, IntrinsicGasTooLow, WrongChainId, NotSupported,
    BlockNotFound, CallsOverloaded, CallTimedOut.
    """
    request = _read(context, parameters)
    height = resolve_block(optional(parameters, 1), context.backend).height
    gas_limit, outcome = await context.backend.estimate_gas(request, height)
    require_success(context, outcome)
    return hex(gas_limit)


async def create_access_list(context: Context, parameters: Sequence[object]) -> Json:
    """Return the access list that a call is worth, and the gas it uses with it (EIP-2930).

    Raises: CallNotFunded, IntrinsicGasTooLow, WrongChainId, NotSupported, BlockNotFound, CallsOverloaded, CallTimedOut.
    """
    request = _read(context, parameters)
    height = resolve_block(optional(parameters, 1), context.backend).height

    def trace(site: CallSite) -> Json:
        access_list, outcome = find_access_list(site, request)
        answer: JsonObject = {
            "accessList": [
                {"address": data_hex(address), "storageKeys": [word_hex(slot) for slot in slots]}
                for address, slots in access_list
            ],
            "gasUsed": hex(outcome.gas_used),
        }
        if not outcome.succeeded:
            answer["error"] = outcome.failure or "execution reverted"
        return answer

    return await context.backend.execute(height, trace)


def find_access_list(site: CallSite, request: CallRequest) -> tuple[AccessList, CallOutcome]:
    """Return what a call touches, and its outcome with all of that named beforehand. Raises: as `execute_call`."""
    target = request.to
    if target is None:
        account = site.state.account(request.sender)
        target = created_address(request.sender, 0 if account is None else account.nonce)
    free = frozenset((request.sender, target, site.context.leader)) | site.context.rules.precompiles
    for _ in range(ACCESS_ROUNDS_MAX):
        tracer = AccessTracer()
        outcome = execute_call(site.state, site.context, request, site.make_meter(VIEW_WORK_MAX), tracer)
        found = tracer.access_list(free=free)
        if found == request.access_list:
            break
        request = replace(request, access_list=found)
    return request.access_list, outcome


def _read(context: Context, parameters: Sequence[object]) -> CallRequest:
    request = read_call(parameters[0], "call", context.limits.call_gas_max, context.backend.chain_id)
    return replace(
        request,
        accounts=read_account_overrides(optional(parameters, 2), "stateOverrides"),
        block=read_block_overrides(optional(parameters, 3), "blockOverrides"),
    )


def require_success(context: Context, outcome: CallOutcome) -> CallOutcome:
    if outcome.failure is not None:
        raise ExecutionFailed(outcome.failure)
    if not outcome.succeeded:
        raise ExecutionReverted(outcome.output, context.backend.revert_reason(outcome.output))
    return outcome


METHODS = {
    "eth_createAccessList": Method(
        create_access_list, 1, 4, "call block stateOverrides blockOverrides", "AccessListResult", is_call=True
    ),
    "eth_call": Method(call, 1, 4, "call block stateOverrides blockOverrides", "Data", is_call=True),
    "eth_estimateGas": Method(estimate_gas, 1, 4, "call block stateOverrides blockOverrides", "Uint64", is_call=True),
}

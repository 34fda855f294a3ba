"""debug_*: transactions, blocks and calls watched while they are executed once more."""

from collections.abc import Sequence
from dataclasses import replace

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Height
from node.execution.calls import apply_overrides, execute_on, override_block
from node.execution.engine import CallTracer
from node.execution.replay import ReplaySite
from node.execution.transition import Outcome, apply_transaction
from node.rpc.backend import VIEW_WORK_MAX, CallSite
from node.rpc.block_tags import resolve_block, resolve_hash
from node.rpc.call_parameters import read_account_overrides, read_block_overrides, read_call
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import GenesisNotTraceable, TransactionNotFound
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional, read_hash
from node.rpc.tracers.run import TraceOptions, read_trace_options, run_trace
from node.state.journal import Journal
from node.state.overlay import Overlay

_CALL_CONFIG = frozenset({"stateOverrides", "blockOverrides", "txIndex"})


async def trace_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Return the trace of a final transaction.

    Raises: TransactionNotFound, TraceTooLarge, InvalidParameter, NotSupported, CallsOverloaded, CallTimedOut.
    """
    transaction_hash = read_hash(parameters[0], "transactionHash")
    options = read_trace_options(optional(parameters, 1), "config")
    place = context.backend.locate(transaction_hash)
    if place is None:
        raise TransactionNotFound(transaction_hash)
    height, index = place
    [trace] = await context.backend.replay(height, lambda site: _trace(context, options, site), only=index)
    return trace


async def trace_block_by_number(context: Context, parameters: Sequence[object]) -> Json:
    """Return the traces of all transactions of a block.

    Raises: BlockNotFound, GenesisNotTraceable, TraceTooLarge, NotSupported, CallsOverloaded, CallTimedOut.
    """
    height = resolve_block(parameters[0], context.backend).height
    return await _trace_block(context, height, parameters)


async def trace_block_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return the traces of all transactions of a block.

    Raises: BlockNotFound, GenesisNotTraceable, TraceTooLarge, NotSupported, CallsOverloaded, CallTimedOut.
    """
    height = resolve_hash(read_hash(parameters[0], "blockHash"), context.backend)
    return await _trace_block(context, height, parameters)


async def trace_call(context: Context, parameters: Sequence[object]) -> Json:
    """Return the trace of a call that leaves nothing behind.

    Raises: TraceTooLarge, NotSupported, WrongChainId, CallNotFunded, IntrinsicGasTooLow, CallsOverloaded, CallTimedOut.
    """
    request = read_call(parameters[0], "call", context.limits.call_gas_max, context.backend.chain_id)
    height = resolve_block(optional(parameters, 1), context.backend).height
    config = optional(parameters, 2)
    options = read_trace_options(config, "callConfig", also=_CALL_CONFIG)
    given = config if isinstance(config, dict) else {}
    request = replace(
        request,
        accounts=read_account_overrides(given.get("stateOverrides"), "callConfig.stateOverrides"),
        block=read_block_overrides(given.get("blockOverrides"), "callConfig.blockOverrides"),
    )

    def trace(site: CallSite) -> Json:
        believed = Overlay(site.state)
        apply_overrides(Journal(believed), request.accounts)
        block = override_block(site.context, request.block)

        def run(journal: Journal, tracer: CallTracer | None) -> Outcome:
            return execute_on(journal, block, request, site.make_meter(VIEW_WORK_MAX), tracer)

        overlay = Overlay(believed)
        return run_trace(options, believed, overlay, request.gas_limit, context.limits.response_bytes_max, run)

    return await context.backend.execute(height, trace)


async def _trace_block(context: Context, height: Height, parameters: Sequence[object]) -> Json:
    options = read_trace_options(optional(parameters, 1), "config")
    if height == 0:
        raise GenesisNotTraceable
    hashes = [data_hex(keccak256(raw)) for raw in context.backend.block(height).transactions]
    traces = await context.backend.replay(height, lambda site: _trace(context, options, site))
    return [{"txHash": digest, "result": trace} for digest, trace in zip(hashes, traces, strict=True)]


def _trace(context: Context, options: TraceOptions, site: ReplaySite) -> Json:
    def run(journal: Journal, tracer: CallTracer | None) -> Outcome:
        return apply_transaction(journal, site.context, site.signed, site.make_meter(), tracer=tracer)

    gas_limit = site.signed.transaction.gas_limit
    return run_trace(options, site.below, site.overlay, gas_limit, context.limits.response_bytes_max, run)


METHODS = {
    "debug_traceTransaction": Method(trace_transaction, 1, 2, "transactionHash config", "Trace"),
    "debug_traceBlockByNumber": Method(trace_block_by_number, 1, 2, "block config", "TransactionTrace[]"),
    "debug_traceBlockByHash": Method(trace_block_by_hash, 1, 2, "blockHash config", "TransactionTrace[]"),
    "debug_traceCall": Method(trace_call, 1, 3, "call block callConfig", "Trace"),
}

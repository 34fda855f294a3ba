"""The one table that says how each reason looks to a client: its code, and the values that go with it.

Exceptions of `node.rpc.errors`, and those of `consensus.chain.errors`, `node.execution` and `node.mempool` as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from consensus.chain import errors as chain
from node.execution import simulation_errors as simulation
from node.execution.calls import CallNotFunded
from node.mempool import errors as mempool
from node.mempool.waiters import WAITERS_MAX, TooManyWaiters
from node.rpc.errors import (
    RETRY_AFTER_MS,
    BlockNotFound,
    CallListTooLong,
    CallsOverloaded,
    CallTimedOut,
    ExecutionFailed,
    ExecutionReverted,
    FilterNotFound,
    FinalityTimedOut,
    GenesisNotTraceable,
    IndexMissing,
    InvalidBlockRange,
    InvalidJson,
    InvalidParameter,
    InvalidRequest,
    MemoryExhausted,
    MissingParameter,
    NonceGap,
    NotAdmitted,
    NotSupported,
    OriginRefused,
    PendingHidden,
    ProofPruned,
    Pruned,
    RangeTooLarge,
    RateExceeded,
    RequestTooLarge,
    ResponseTooLarge,
    SubscriptionNotFound,
    SurplusParameters,
    TooManyFilters,
    TooManyResults,
    TooManySubscriptions,
    TooManyValues,
    TooManyWebSockets,
    TraceTooLarge,
    TransactionNotFound,
    Unauthorized,
    UnknownAccount,
    UnknownMethod,
)

EXACT_INTEGER_MAX = 2**53 - 1
"""Largest integer every JSON reader keeps exact; larger ones are written as decimal strings."""

INTERNAL_ERROR = -32603

VM_ERROR = -32015
"""Inside a simulation: a call that failed and did not revert (execution-apis)."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How one exception class looks to a client."""

    code: int
    fields: Mapping[str, str] = field(default_factory=dict)
    """Member of `error.data` -> attribute of the exception."""
    fixed: Mapping[str, int | str] = field(default_factory=dict)
    """Members that are the same for every instance."""


_PARAMETER = {"field": "field", "expected": "expected", "actual": "actual"}
_EXPECTED_FOUND = {"expected": "expected", "actual": "found"}
_RETRY = {"retry_after_ms": RETRY_AFTER_MS}

ERROR_ROWS: dict[type[Exception], ErrorRow] = {
    InvalidJson: ErrorRow(-32700),
    InvalidRequest: ErrorRow(-32600, _PARAMETER),
    UnknownMethod: ErrorRow(-32601, {"actual": "method"}),
    InvalidParameter: ErrorRow(-32602, _PARAMETER),
    MissingParameter: ErrorRow(-32602, {"field": "field", "expected": "position"}),
    SurplusParameters: ErrorRow(-32602, _EXPECTED_FOUND),
    InvalidBlockRange: ErrorRow(-32602, {"from": "from_height", "to": "to_height", "head": "head"}),
    BlockNotFound: ErrorRow(-32001, {"actual": "block"}),
    Pruned: ErrorRow(-32001, {"actual": "height", "oldest": "oldest"}),
    ProofPruned: ErrorRow(-32001, {"actual": "height", "oldest": "oldest"}),
    CallsOverloaded: ErrorRow(-32002, {"limit": "queue_max"}, _RETRY),
    NotSupported: ErrorRow(-32004, {"actual": "subject"}),
    IndexMissing: ErrorRow(-32004, {"actual": "index"}),
    PendingHidden: ErrorRow(-32004),
    TooManyFilters: ErrorRow(-32005, {"limit": "limit"}),
    FilterNotFound: ErrorRow(-32000, {"actual": "filter_id"}),
    Unauthorized: ErrorRow(-32600),
    OriginRefused: ErrorRow(-32600, {"actual": "origin"}),
    RateExceeded: ErrorRow(-32005, {"limit": "units_per_s", "retry_after_ms": "retry_after_ms"}),
    MemoryExhausted: ErrorRow(-32005, fixed=_RETRY),
    TooManyWebSockets: ErrorRow(-32005, {"limit": "limit"}, _RETRY),
    TooManySubscriptions: ErrorRow(-32005, {"limit": "limit"}),
    SubscriptionNotFound: ErrorRow(-32000, {"actual": "subscription_id"}),
    CallListTooLong: ErrorRow(-32005, {"limit": "limit", "actual": "found"}),
    RequestTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    TooManyValues: ErrorRow(-32005, {"limit": "limit"}),
    ResponseTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    RangeTooLarge: ErrorRow(-32005, {"limit": "limit", "resume_from": "resume_from"}),
    TooManyResults: ErrorRow(-32005, {"limit": "limit", "resume_from": "resume_from"}),
    TraceTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    CallTimedOut: ErrorRow(-32005, {"limit": "limit"}),
    TooManyWaiters: ErrorRow(-32005, fixed={"reason": "too_many_waiters", "limit": WAITERS_MAX}),
    ExecutionReverted: ErrorRow(3),
    UnknownAccount: ErrorRow(-32000, {"actual": "address"}),
    TransactionNotFound: ErrorRow(-32001, {"actual": "transaction_hash"}),
    GenesisNotTraceable: ErrorRow(-32000),
    ExecutionFailed: ErrorRow(-32000, {"actual": "failure"}),
    FinalityTimedOut: ErrorRow(4),
    NotAdmitted: ErrorRow(5),
    NonceGap: ErrorRow(6),
    chain.MalformedTransaction: ErrorRow(-32000, {"actual": "detail"}),
    chain.OversizedTransaction: ErrorRow(-32000, {"limit": "transaction_bytes_max", "actual": "transaction_bytes"}),
    chain.OversizedInitCode: ErrorRow(-32000, {"limit": "init_code_bytes_max", "actual": "init_code_bytes"}),
    chain.UnsupportedTransactionType: ErrorRow(-32000, {"actual": "transaction_type"}),
    chain.NotReplayProtected: ErrorRow(-32000, {"actual": "v"}),
    chain.WrongChainId: ErrorRow(-32000, _EXPECTED_FOUND),
    chain.InvalidTransactionSignature: ErrorRow(-32000, {"actual": "detail"}),
    chain.IntrinsicGasTooLow: ErrorRow(-32000, {"expected": "intrinsic_gas", "actual": "gas_limit"}),
    chain.InconsistentFees: ErrorRow(-32000, {"expected": "fee_cap", "actual": "priority_fee"}),
    chain.NonceExhausted: ErrorRow(-32000, {"actual": "nonce"}),
    CallNotFunded: ErrorRow(-32000, {"expected": "value", "actual": "balance"}),
    simulation.SimulatedNonceTooLow: ErrorRow(-38010, _EXPECTED_FOUND),
    simulation.SimulatedNonceTooHigh: ErrorRow(-38011, _EXPECTED_FOUND),
    simulation.GasBelowIntrinsic: ErrorRow(-38013, {"expected": "intrinsic_gas", "actual": "gas_limit"}),
    simulation.NotFunded: ErrorRow(-38014, {"expected": "value", "actual": "balance"}),
    simulation.BlockGasExceeded: ErrorRow(-38015, {"limit": "gas_left", "actual": "gas_limit"}),
    simulation.BlockOutOfOrder: ErrorRow(-38020, {"before": "before", "actual": "found"}),
    simulation.TimeOutOfOrder: ErrorRow(-38021, {"before": "before", "actual": "found"}),
    simulation.InitCodeTooLarge: ErrorRow(-38025, {"limit": "limit", "actual": "found"}),
    simulation.TooManyBlocks: ErrorRow(-38026, {"limit": "limit"}),
    mempool.NonceTooLow: ErrorRow(-32000, _EXPECTED_FOUND),
    mempool.NonceTaken: ErrorRow(-32000, {"actual": "nonce", "pending": "pending_hash"}),
    mempool.NonceTooFar: ErrorRow(-32000, {**_EXPECTED_FOUND, "limit": "ahead_max"}),
    mempool.InsufficientFunds: ErrorRow(-32000, {"expected": "value", "actual": "balance"}),
    mempool.ExceedsBlockGas: ErrorRow(-32000, {"limit": "block_gas_limit", "actual": "gas_limit"}),
    mempool.SenderLimit: ErrorRow(-32005, {"actual": "sender", "limit": "per_sender_max"}),
    mempool.SenderGasLimit: ErrorRow(-32005, {"actual": "pending_gas", "limit": "per_sender_gas_max"}),
    mempool.GasAboveQuota: ErrorRow(-32003, {"bank": "bank_id", "limit": "gas_per_minute", "actual": "gas_limit"}),
    mempool.QuotaExceeded: ErrorRow(
        -32003,
        {"bank": "bank_id", "limit": "gas_per_minute", "used": "used", "retry_after_ms": "retry_after_ms"},
    ),
    mempool.PoolFull: ErrorRow(-32002, {"limit": "transactions_max"}, _RETRY),
    mempool.NotPermitted: ErrorRow(-32003, {"actual": "detail"}),
    mempool.NotReady: ErrorRow(-32002, fixed=_RETRY),
}
"""Everything a client can be told. An exception that is not here is a bug of this node: code -32603."""


def is_expected(error: BaseException) -> bool:
    """Tell whether `error` is in the table, and not a bug."""
    return type(error) in ERROR_ROWS


def error_code(error: BaseException) -> int:
    """Return the JSON-RPC code of an exception."""
    row = ERROR_ROWS.get(type(error))  # type: ignore[arg-type]  # a BaseException that is no Exception has no row
    return INTERNAL_ERROR if row is None else row.code


def error_object(error: Exception, *, without_data: bool = False) -> dict[str, object]:
    """Return the JSON-RPC error of an exception in the table.

    `without_data` is for eth_call and eth_estimateGas: web3.py reports any object there as a revert, so the reason
    ends the message in brackets instead.
    """
    row = ERROR_ROWS[type(error)]
    data = _bare_data(error)
    if data is not None:
        return {"code": row.code, "message": str(error), "data": data}
    reason = row.fixed.get("reason") or getattr(error, "reason")  # noqa: B009  # every class of the table has one
    if without_data:
        return {"code": row.code, "message": f"{error} [{reason}]"}
    members: dict[str, int | str] = {"reason": reason}
    for name, attribute in row.fields.items():
        members[name] = _plain(getattr(error, attribute))
    return {"code": row.code, "message": str(error), "data": {**members, **row.fixed}}


def incident_object(incident: str) -> dict[str, object]:
    """Return the error for a bug of this node; its log has the same `incident`."""
    return {
        "code": INTERNAL_ERROR,
        "message": f"internal error, incident {incident}: report it to the operator of this node",
        "data": {"incident": incident},
    }


def _bare_data(error: Exception) -> str | None:
    match error:
        case ExecutionReverted():
            return f"0x{error.output.hex()}"
        case FinalityTimedOut() | NotAdmitted():
            return f"0x{error.transaction_hash.hex()}"
        case NonceGap():
            return hex(error.expected)
        case _:
            return None


def _plain(value: object) -> int | str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, int):
        return value if value <= EXACT_INTEGER_MAX else str(value)
    return str(value)

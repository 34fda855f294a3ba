"""Why a request is not answered, and the one table that says how each reason looks to a client.

Exceptions of this folder; those of `consensus.chain.errors` and `node.mempool` are in the table as they are.

RpcError
├── InvalidJson, InvalidRequest, UnknownMethod                       the client's request
├── InvalidParameter, MissingParameter, SurplusParameters, InvalidBlockRange
├── CallListTooLong, RequestTooLarge, ResponseTooLarge, RangeTooLarge, TooManyResults, TraceTooLarge      limits
├── TooManyFilters, FilterNotFound
├── NotSupported, IndexMissing, PendingHidden
├── BlockNotFound, TransactionNotFound, GenesisNotTraceable, Pruned, ProofPruned     not here, or not any more
├── CallsOverloaded, CallTimedOut                                    not now
├── ExecutionReverted                                                code 3
├── ExecutionFailed                                                  a call that failed and did not revert
└── FinalityTimedOut, NotAdmitted, NonceGap                          codes 4, 5 and 6 (EIP-7966)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from consensus.chain import errors as chain
from consensus.primitives.scalars import Hash32, Height
from node.execution import simulation_errors as simulation
from node.execution.calls import CallNotFunded
from node.mempool import errors as mempool
from node.mempool.waiters import WAITERS_MAX, TooManyWaiters

ErrorData: TypeAlias = str | dict[str, int | str]
"""Bare hex where a standard says so, else an object whose `reason` is a stable word."""

EXACT_INTEGER_MAX = 2**53 - 1
"""Largest integer every JSON reader keeps exact; larger ones are written as decimal strings."""

RETRY_AFTER_MS = 1_000
"""When to try a busy or catching-up node again: one empty-block interval."""

ACTUAL_CHARACTERS_MAX = 80
"""How much of a wrong value an error repeats; enough for a hash, too little to make answers grow."""

INTERNAL_ERROR = -32603

VM_ERROR = -32015
"""Inside a simulation: a call that failed and did not revert (execution-apis)."""


class RpcError(Exception):
    """A request this node does not answer. `reason` is the stable word that clients see."""

    reason = "rpc_error"


class InvalidJson(RpcError):
    """The body is not JSON."""

    reason = "invalid_json"

    def __init__(self, detail: str) -> None:
        super().__init__(f"invalid JSON: {detail}")


class InvalidRequest(RpcError):
    """JSON, but not a JSON-RPC 2.0 request."""

    reason = "invalid_request"

    def __init__(self, field_name: str, *, expected: str, actual: object) -> None:
        self.field = field_name
        self.expected = expected
        self.actual = shown(actual)
        super().__init__(f"invalid request: {field_name} must be {expected}, found {_quoted(actual)}")


class UnknownMethod(RpcError):
    """No such method on this node."""

    reason = "method_not_found"

    def __init__(self, method: str) -> None:
        self.method = shown(method)
        super().__init__(f"the method {self.method or '(empty)'} does not exist/is not available")


class InvalidParameter(RpcError):
    """A parameter is not of its type."""

    reason = "invalid_parameter"

    def __init__(self, field_name: str, *, expected: str, actual: object) -> None:
        self.field = field_name
        self.expected = expected
        self.actual = shown(actual)
        super().__init__(f"invalid params: {field_name} must be {expected}, found {_quoted(actual)}")


class MissingParameter(RpcError):
    """A required parameter is not there."""

    reason = "missing_parameter"

    def __init__(self, field_name: str, *, position: int) -> None:
        self.field = field_name
        self.position = position
        super().__init__(f"invalid params: missing value for required argument {position}: {field_name}")


class SurplusParameters(RpcError):
    """More parameters than the method has."""

    reason = "surplus_parameters"

    def __init__(self, *, found: int, expected: int) -> None:
        self.found = found
        self.expected = expected
        super().__init__(f"invalid params: too many arguments, want at most {expected}, found {found}")


class InvalidBlockRange(RpcError):
    """A log filter whose heights are in the wrong order, or above the last final block."""

    reason = "invalid_block_range"

    def __init__(self, message: str, *, from_height: int, to_height: int, head: int) -> None:
        self.from_height = from_height
        self.to_height = to_height
        self.head = head
        super().__init__(message)


class CallListTooLong(RpcError):
    """More calls in one list than this node answers."""

    reason = "call_list_too_long"

    def __init__(self, *, found: int, limit: int) -> None:
        self.found = found
        self.limit = limit
        super().__init__(f"batch too large: {found} calls, at most {limit}")


class RequestTooLarge(RpcError):
    """The body is longer than this node reads."""

    reason = "request_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"request body is longer than {limit} bytes")


class ResponseTooLarge(RpcError):
    """The answer is longer than this node sends."""

    reason = "response_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"response too large: the answers exceed {limit} bytes, ask for less at once")


class RangeTooLarge(RpcError):
    """A log filter over more heights than one request may read."""

    reason = "range_too_large"

    def __init__(self, *, limit: int, resume_from: Height) -> None:
        self.limit = limit
        self.resume_from = hex(resume_from)
        super().__init__(f"block range too large: at most {limit} blocks, then resume from {self.resume_from}")


class TooManyResults(RpcError):
    """A log filter that matches more than one answer may hold."""

    reason = "too_many_results"

    def __init__(self, *, limit: int, resume_from: Height) -> None:
        self.limit = limit
        self.resume_from = hex(resume_from)
        super().__init__(
            f"query returned more than {limit} results: end the range before {self.resume_from}, then resume from it"
        )


class NotSupported(RpcError):
    """Something Ethereum nodes may offer and this one does not."""

    reason = "not_supported"

    def __init__(self, subject: str, *, instead: str | None = None) -> None:
        self.subject = subject
        advice = "" if instead is None else f"; {instead}"
        super().__init__(f"not supported by this node: {subject}{advice}")


class BlockNotFound(RpcError):
    """No final block has this hash or height."""

    reason = "block_not_found"

    def __init__(self, wanted: str) -> None:
        self.block = wanted
        super().__init__(f"block not found: {wanted} is not a final block of this chain")


class IndexMissing(RpcError):
    """The question needs an index that this node does not keep."""

    reason = "index_missing"

    def __init__(self, index: str) -> None:
        self.index = index
        super().__init__(
            f"this node keeps no index of {index}: "
            f'its operator can add "{index}" to [storage] indexes and start it again'
        )


class PendingHidden(RpcError):
    """Pending transactions show other banks' payments before they are final."""

    reason = "pending_hidden"

    def __init__(self) -> None:
        super().__init__(
            "this node does not show pending transactions: they reveal other banks' payments; its operator can "
            'add "txpool" to [rpc] api'
        )


class TooManyFilters(RpcError):
    """More filters than this node, or one client, may keep open."""

    reason = "too_many_filters"

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(f"too many filters: at most {limit}; uninstall some, or wait until unread ones expire")


class FilterNotFound(RpcError):
    """No filter has this id: it was uninstalled, expired unread, never existed, or is of another kind."""

    reason = "filter_not_found"

    def __init__(self, filter_id: str) -> None:
        self.filter_id = shown(filter_id)
        super().__init__("filter not found")


class Pruned(RpcError):
    """This node kept the height once and does not any more."""

    reason = "pruned"

    def __init__(self, *, height: Height, oldest: Height) -> None:
        self.height = height
        self.oldest = oldest
        super().__init__(f"height {height} is pruned: this node keeps {oldest} and above, ask an archive node")


class ProofPruned(RpcError):
    """The trie nodes of this height are gone, though its values may be kept."""

    reason = "proof_pruned"

    def __init__(self, *, height: Height, oldest: Height) -> None:
        self.height = height
        self.oldest = oldest
        super().__init__(f"proofs of height {height} are pruned: this node proves {oldest} and above")


class CallsOverloaded(RpcError):
    """Too many calls wait for the thread that computes them."""

    reason = "overloaded"

    def __init__(self, queue_max: int) -> None:
        self.queue_max = queue_max
        super().__init__(f"{queue_max} calls already wait on this node: try again in a second")


class TraceTooLarge(RpcError):
    """A trace that would be longer than any answer may be."""

    reason = "trace_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"the trace is larger than {limit} bytes: set disableStack, disableStorage or limit, or use callTracer"
        )


class CallTimedOut(RpcError):
    """The call computed longer than this node allows."""

    reason = "call_timed_out"

    def __init__(self, limit_ms: int) -> None:
        self.limit = limit_ms
        super().__init__(f"execution aborted: the call took longer than {limit_ms} ms")


class ExecutionReverted(RpcError):
    """The called contract refused; `output` is its revert data."""

    reason = "reverted"

    def __init__(self, output: bytes, described: str | None) -> None:
        self.output = output
        super().__init__("execution reverted" if described is None else f"execution reverted: {described}")


class TransactionNotFound(RpcError):
    """No final transaction has this hash."""

    reason = "transaction_not_found"

    def __init__(self, transaction_hash: Hash32) -> None:
        self.transaction_hash = transaction_hash
        super().__init__(f"transaction 0x{transaction_hash.hex()} not found among final ones")


class GenesisNotTraceable(RpcError):
    """Nothing was executed in genesis."""

    reason = "genesis_not_traceable"

    def __init__(self) -> None:
        super().__init__("genesis is not traceable: it holds no transactions")


class ExecutionFailed(RpcError):
    """A call ended with an error that is no revert: out of gas, a bad jump, an invalid opcode."""

    reason = "execution_failed"

    def __init__(self, failure: str) -> None:
        self.failure = failure
        super().__init__(failure)


class FinalityTimedOut(RpcError):
    """Admitted and still pending when the client's patience ended."""

    reason = "finality_timed_out"

    def __init__(self, transaction_hash: Hash32, timeout_ms: int) -> None:
        self.transaction_hash = transaction_hash
        self.timeout_ms = timeout_ms
        super().__init__(f"the transaction is pending and was not final within {timeout_ms} ms: ask for its receipt")


class NotAdmitted(RpcError):
    """This node is not ready to judge the transaction and forgot it."""

    reason = "not_admitted"

    def __init__(self, transaction_hash: Hash32, cause: str) -> None:
        self.transaction_hash = transaction_hash
        super().__init__(f"the transaction was not admitted: {cause}")


class NonceGap(RpcError):
    """A nonce is missing before this transaction, so it was not admitted."""

    reason = "nonce_gap"

    def __init__(self, *, expected: int) -> None:
        self.expected = expected
        super().__init__(f"the transaction was not admitted: next nonce is {expected}")


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
    CallListTooLong: ErrorRow(-32005, {"limit": "limit", "actual": "found"}),
    RequestTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    ResponseTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    RangeTooLarge: ErrorRow(-32005, {"limit": "limit", "resume_from": "resume_from"}),
    TooManyResults: ErrorRow(-32005, {"limit": "limit", "resume_from": "resume_from"}),
    TraceTooLarge: ErrorRow(-32005, {"limit": "limit"}),
    CallTimedOut: ErrorRow(-32005, {"limit": "limit"}),
    TooManyWaiters: ErrorRow(-32005, fixed={"reason": "too_many_waiters", "limit": WAITERS_MAX}),
    ExecutionReverted: ErrorRow(3),
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
    mempool.PoolFull: ErrorRow(-32002, {"limit": "transactions_max"}, _RETRY),
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


def shown(value: object) -> str:
    """Return a short rendering of a wrong value, safe to repeat in an error."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    return text if len(text) <= ACTUAL_CHARACTERS_MAX else f"{text[:ACTUAL_CHARACTERS_MAX]}…"


def _quoted(value: object) -> str:
    return f'"{shown(value)}"' if isinstance(value, str) else shown(value)


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

"""Why a request is not answered. How each reason looks to a client is in error_table.py.

RpcError
├── InvalidJson, InvalidRequest, UnknownMethod                       the client's request
├── InvalidParameter, MissingParameter, SurplusParameters, InvalidBlockRange
├── Unauthorized, OriginRefused                                      who asks
├── CallListTooLong, RequestTooLarge, TooManyValues, ResponseTooLarge, RangeTooLarge, TooManyResults, TraceTooLarge
├── RateExceeded, MemoryExhausted, TooManyWebSockets
├── TooManyFilters, FilterNotFound, TooManySubscriptions, SubscriptionNotFound
├── NotSupported, IndexMissing, PendingHidden, UnknownAccount
├── BlockNotFound, TransactionNotFound, GenesisNotTraceable, Pruned, ProofPruned     not here, or not any more
├── CallsOverloaded, CallTimedOut                                    not now
├── ExecutionReverted                                                code 3
├── ExecutionFailed                                                  a call that failed and did not revert
└── FinalityTimedOut, NotAdmitted, NonceGap                          codes 4, 5 and 6 (EIP-7966)
"""

from consensus.primitives.scalars import Address, Hash32, Height

RETRY_AFTER_MS = 1_000
"""When to try a busy or catching-up node again: one empty-block interval."""

ACTUAL_CHARACTERS_MAX = 80
"""How much of a wrong value an error repeats; enough for a hash, too little to make answers grow."""


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


class Unauthorized(RpcError):
    """No key, or one this node does not know."""

    reason = "unauthorized"


class OriginRefused(RpcError):
    """A web page asks that the operator has not allowed."""

    reason = "origin_refused"

    def __init__(self, origin: str) -> None:
        self.origin = shown(origin)
        super().__init__(
            f"pages of {self.origin} may not use this node; its operator can add the origin to [rpc] cors_origins"
        )


class RateExceeded(RpcError):
    """A client asks more than it may."""

    reason = "rate_exceeded"

    def __init__(self, *, units_per_s: int, retry_after_ms: int) -> None:
        self.units_per_s = units_per_s
        self.retry_after_ms = retry_after_ms
        super().__init__(f"rate exceeded: {units_per_s} units per second; try again in {retry_after_ms} ms")


class MemoryExhausted(RpcError):
    """All connections together hold as many bytes as they may."""

    reason = "memory_exhausted"

    def __init__(self, what: str) -> None:
        super().__init__(f"too many bytes of {what} are under way on this node; try again in {RETRY_AFTER_MS} ms")


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


class TooManyValues(RpcError):
    """JSON of more values than any request needs."""

    reason = "too_many_values"

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(f"request holds more than {limit} values")


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


class UnknownAccount(RpcError):
    """This node signs for development accounts, and this is none of them."""

    reason = "unknown_account"

    def __init__(self, address: Address) -> None:
        self.address = address
        super().__init__(f"unknown account 0x{address.hex()}: eth_accounts lists those this node signs for")


class TooManyWebSockets(RpcError):
    """No room for another WebSocket."""

    reason = "too_many_websockets"

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(f"too many WebSockets are open, at most {limit}: use HTTP, or another node")


class TooManySubscriptions(RpcError):
    """No room for another subscription of this connection, or of any."""

    reason = "too_many_subscriptions"

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        super().__init__(f"too many subscriptions are open, at most {limit}: end one with eth_unsubscribe")


class SubscriptionNotFound(RpcError):
    """No such subscription on this connection. Ethereum nodes answer with these words, which clients match."""

    reason = "subscription_not_found"

    def __init__(self, subscription_id: str) -> None:
        self.subscription_id = subscription_id
        super().__init__("subscription not found")


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

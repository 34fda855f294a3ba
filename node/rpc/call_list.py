"""JSON-RPC 2.0: from the bytes of a request, one call or a list of them, to the bytes of the answer.

Plain reads are answered in the order of the list, in the loop turn that parsed them. Submissions are all handed in
before the first is awaited, so that the mempool recovers their senders together. Calls that compute run beside
each other, up to a bound. Knows no HTTP.
"""

import asyncio
import secrets
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

import orjson

from node.rpc import (
    debug_api,
    eth_accounts_api,
    eth_blocks_api,
    eth_calls_api,
    eth_facts_api,
    eth_raw_api,
    eth_state_api,
    eth_submit_api,
    filters_api,
    history_api,
    logs_api,
    net_api,
    offline_api,
    ots_api,
    ots_trace_api,
    rpc_api,
    simulate_api,
    subscribe_api,
    sycee_account_api,
    sycee_api,
    txpool_api,
    web3_api,
)
from node.rpc.encoding import Json
from node.rpc.error_table import error_code, error_object, incident_object, is_expected
from node.rpc.errors import (
    CallListTooLong,
    InvalidJson,
    InvalidParameter,
    InvalidRequest,
    MissingParameter,
    ResponseTooLarge,
    SurplusParameters,
    TooManyValues,
    UnknownMethod,
)
from node.rpc.json_text import read_json
from node.rpc.methods import Context, Method
from node.rpc.openrpc.document import namespace_of

METHODS: Mapping[str, Method] = {
    **eth_state_api.METHODS,
    **eth_blocks_api.METHODS,
    **eth_calls_api.METHODS,
    **eth_submit_api.METHODS,
    **eth_accounts_api.METHODS,
    **logs_api.METHODS,
    **filters_api.METHODS,
    **subscribe_api.METHODS,
    **history_api.METHODS,
    **net_api.METHODS,
    **web3_api.METHODS,
    **sycee_api.METHODS,
    **offline_api.METHODS,
    **sycee_account_api.METHODS,
    **simulate_api.METHODS,
    **debug_api.METHODS,
    **ots_api.METHODS,
    **ots_trace_api.METHODS,
    **eth_facts_api.METHODS,
    **eth_raw_api.METHODS,
    **txpool_api.METHODS,
    **rpc_api.METHODS,
}

DESCRIBING_NAMESPACE = "rpc"
"""Always served: it tells a client what else is."""

ID_CHARACTERS_MAX = 256
"""Longest `id` repeated in an answer; clients use counters and UUIDs."""

STEP_MAX_NS = 4_000_000
"""After so long on one list the loop gets a turn: below the 5 ms that no step may take."""

UNKNOWN_METHOD_LABEL = "unknown"
"""What an observer hears for a method that does not exist, so that clients cannot invent metric labels."""

RequestId = int | str | None


class Observer(Protocol):
    """Who counts answers and logs bugs. Loop thread only."""

    def answered(self, method: str, code: int, microseconds: int) -> None:
        """Hear that a call was answered; `code` is 0 for a result."""
        ...

    def incident(self, incident: str, method: str, error: BaseException) -> None:
        """Log a bug under the word the client was given."""
        ...

    def subscriptions(self, count: int) -> None:
        """Hear how many subscriptions are open on this node."""
        ...


@dataclass(slots=True)
class _Call:
    """A request that was found well formed and has begun."""

    request_id: RequestId
    has_id: bool
    """A request without id is a notification and gets no answer."""
    name: str
    method: Method
    started_ns: int
    outcome: "asyncio.Future[Json] | None" = None
    """What is still under way."""
    answer: bytes = b""


class CallLists:
    """Answers requests with one context. Loop thread only."""

    def __init__(self, context: Context, observer: Observer) -> None:
        served, client = context.limits.namespaces, context.client.namespaces
        self._methods = {
            name: method
            for name, method in METHODS.items()
            if (namespace := namespace_of(name)) == DESCRIBING_NAMESPACE
            or (namespace in served and (client is None or namespace in client))
        }
        self._context = replace(context, methods=self._methods)
        self._observer = observer
        self._rate = context.client.rate

    async def answer(self, body: bytes) -> bytes:
        """Return the answer to a request body; no bytes if it held notifications only. Raises nothing."""
        try:
            request = read_json(body)
        except (InvalidJson, TooManyValues) as error:
            return self._refused(error)
        if isinstance(request, list):
            return await self._answer_list(request)
        at_once = asyncio.Semaphore(1)
        call = self._begin(request, at_once)
        # What was read is often far larger than the body, and the call may wait for finality.
        del request, body
        if isinstance(call, bytes):
            return call
        await self._finish(call)
        if len(call.answer) > self._context.limits.response_bytes_max:
            call.answer = self._too_large(call)
        return call.answer

    async def _answer_list(self, requests: list[object]) -> bytes:
        limits = self._context.limits
        if not requests:
            return self._refused(InvalidRequest("request", expected="an object or a list of them", actual=requests))
        if len(requests) > limits.call_list_max:
            return self._refused(CallListTooLong(found=len(requests), limit=limits.call_list_max))
        at_once = asyncio.Semaphore(limits.calls_at_once_max)
        begun: list[_Call | bytes] = []
        step_ends_ns = time.monotonic_ns() + STEP_MAX_NS
        try:
            for request in requests:
                begun.append(self._begin(request, at_once))
                if time.monotonic_ns() > step_ends_ns:
                    await asyncio.sleep(0)
                    step_ends_ns = time.monotonic_ns() + STEP_MAX_NS
            requests.clear()
            return await self._join(begun)
        finally:
            # Only a cancelled answer leaves anything here that is not done.
            for call in begun:
                if not isinstance(call, bytes) and call.outcome is not None:
                    call.outcome.cancel()

    async def _join(self, begun: list[_Call | bytes]) -> bytes:
        """Return the list of answers, as many whole ones as fit into one response."""
        answers: list[bytes] = []
        bytes_left = self._context.limits.response_bytes_max
        for call in begun:
            if isinstance(call, bytes):
                answer = call
            else:
                await self._finish(call)
                answer = call.answer if len(call.answer) <= bytes_left else self._too_large(call)
            bytes_left -= len(answer)
            if answer:
                answers.append(answer)
        return b"[" + b",".join(answers) + b"]" if answers else b""

    def _begin(self, request: object, at_once: asyncio.Semaphore) -> _Call | bytes:
        """Start one call; return it, or the answer if it is not a request."""
        try:
            request_id, has_id, name, parameters = _read_request(request)
        except (InvalidRequest, InvalidParameter) as error:
            return self._refused(error, _readable_id(request))
        started_ns = time.monotonic_ns()
        method = self._methods.get(name)
        if method is None:
            return self._refused(UnknownMethod(name), request_id) if has_id else b""
        call = _Call(request_id, has_id, name, method, started_ns)
        try:
            if self._rate is not None:
                self._rate.take(name)
            _check_count(method, parameters)
            outcome = method.run(self._context, parameters)
            if isinstance(outcome, asyncio.Future):
                call.outcome = outcome
            elif isinstance(outcome, Coroutine):
                running = outcome if method.is_waiting else _run_bounded(outcome, at_once)
                call.outcome = asyncio.create_task(running)
            else:
                call.answer = self._succeeded(call, cast(Json, outcome))
        except Exception as error:
            call.answer = self._failed(call, error)
        return call

    async def _finish(self, call: _Call) -> None:
        """Wait for what a call began, if it has no answer yet."""
        if call.outcome is None:
            return
        try:
            call.answer = self._succeeded(call, await call.outcome)
        except Exception as error:
            call.answer = self._failed(call, error)

    def _succeeded(self, call: _Call, result: Json) -> bytes:
        answer = orjson.dumps({"jsonrpc": "2.0", "id": call.request_id, "result": result})
        self._observe(call, 0)
        return answer if call.has_id else b""

    def _failed(self, call: _Call, error: Exception) -> bytes:
        self._observe(call, error_code(error))
        if is_expected(error):
            described = error_object(error, without_data=call.method.is_call)
        else:
            incident = secrets.token_hex(8)
            self._observer.incident(incident, call.name, error)
            described = incident_object(incident)
        return _error_answer(call.request_id, described) if call.has_id else b""

    def _too_large(self, call: _Call) -> bytes:
        error = ResponseTooLarge(self._context.limits.response_bytes_max)
        return _error_answer(call.request_id, error_object(error, without_data=call.method.is_call))

    def _refused(self, error: Exception, request_id: RequestId = None) -> bytes:
        """Return the answer to what never became a call."""
        self._observer.answered(UNKNOWN_METHOD_LABEL, error_code(error), 0)
        return _error_answer(request_id, error_object(error))

    def _observe(self, call: _Call, code: int) -> None:
        # Nanoseconds below one microsecond are dropped.
        self._observer.answered(call.name, code, (time.monotonic_ns() - call.started_ns) // 1_000)


async def _run_bounded(coroutine: "Coroutine[object, object, Json]", at_once: asyncio.Semaphore) -> Json:
    async with at_once:
        return await coroutine


def _read_request(request: object) -> tuple[RequestId, bool, str, Sequence[object]]:
    if not isinstance(request, dict):
        raise InvalidRequest("request", expected="an object", actual=request)
    if request.get("jsonrpc") != "2.0":
        raise InvalidRequest("jsonrpc", expected='"2.0"', actual=request.get("jsonrpc"))
    has_id = "id" in request
    request_id = request.get("id")
    if not _is_id(request_id):
        raise InvalidRequest(
            "id", expected=f"an integer, null or up to {ID_CHARACTERS_MAX} characters", actual=request_id
        )
    name = request.get("method")
    if not isinstance(name, str):
        raise InvalidRequest("method", expected="a string", actual=name)
    parameters = request.get("params")
    if parameters is None:
        parameters = ()
    elif not isinstance(parameters, list):
        raise InvalidParameter("params", expected="a list: parameters go by position", actual=parameters)
    return request_id, has_id, name, parameters


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_CHARACTERS_MAX
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _readable_id(request: object) -> RequestId:
    """Return the id of a request that is wrong elsewhere, null if the id is what is wrong."""
    value = request.get("id") if isinstance(request, dict) else None
    return cast(RequestId, value) if _is_id(value) else None


def _check_count(method: Method, parameters: Sequence[object]) -> None:
    count = len(parameters)
    if count > method.parameters_max:
        raise SurplusParameters(found=count, expected=method.parameters_max)
    for position in range(method.parameters_min):
        # Null is the same as leaving it out.
        if position >= count or parameters[position] is None:
            raise MissingParameter(method.parameter_names.split()[position], position=position)


def _error_answer(request_id: RequestId, error: dict[str, object]) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})

"""Talk JSON-RPC to the validators of a development network: call lists over HTTP, one connection pool.

Knows nothing of payments. An endpoint that does not answer is `EndpointDown`; an answer that is an error is a value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

import aiohttp
import orjson

from node.cli.errors import CommandError

CALL_LIST_MAX = 100
"""Calls of one request: the smallest limit a node is configured with by default."""
ANSWER_TIMEOUT_S = 5.0
"""Longest wait for one answer: ten times what a loaded validator takes; a stopped one is noticed at once."""
CONNECTIONS_PER_ENDPOINT_MAX = 16

JsonValue = str | int | bool | None | Sequence["JsonValue"] | dict[str, "JsonValue"]
Call = tuple[str, list[JsonValue]]
"""Method and parameters."""


class EndpointDown(Exception):
    """No usable answer came: outcome unknown, ask elsewhere."""

    def __init__(self, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url} does not answer: {reason}")


class RpcFailed(CommandError):
    """A call that must succeed was answered with an error."""

    def __init__(self, url: str, method: str, failure: "Failure") -> None:
        self.url = url
        self.method = method
        self.failure = failure
        super().__init__(f"{method} at {url} failed: {failure.message} (code {failure.code})")


@dataclass(frozen=True, slots=True)
class Failure:
    """A JSON-RPC error."""

    code: int
    message: str
    reason: str
    """The stable word in `data.reason`; empty when there is none."""


@dataclass(frozen=True, slots=True)
class Success:
    """A JSON-RPC result."""

    value: JsonValue


Answer = Success | Failure


class RpcClient:
    """Asks several endpoints over kept connections. Use as an asynchronous context manager."""

    __slots__ = ("_session",)

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "RpcClient":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit_per_host=CONNECTIONS_PER_ENDPOINT_MAX),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S),
            headers={"Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()
        self._session = None

    async def ask(self, url: str, calls: Sequence[Call]) -> list[Answer]:
        """Return the answers to `calls` in their order, asked in lists of at most CALL_LIST_MAX.

        Raises: EndpointDown.
        """
        answers: list[Answer] = []
        for start in range(0, len(calls), CALL_LIST_MAX):
            answers.extend(await self._ask_list(url, calls[start : start + CALL_LIST_MAX]))
        return answers

    async def result(self, url: str, method: str, *params: JsonValue) -> JsonValue:
        """Return the result of one call that must succeed.

        Raises: EndpointDown, RpcFailed.
        """
        return (await self.results(url, [(method, list(params))]))[0]

    async def results(self, url: str, calls: Sequence[Call]) -> list[JsonValue]:
        """Return the results of calls that must all succeed.

        Raises: EndpointDown, RpcFailed naming the first that did not.
        """
        values: list[JsonValue] = []
        for (method, _), answer in zip(calls, await self.ask(url, calls)):
            if isinstance(answer, Failure):
                raise RpcFailed(url, method, answer)
            values.append(answer.value)
        return values

    async def _ask_list(self, url: str, calls: Sequence[Call]) -> list[Answer]:
        assert self._session is not None, "enter the client first"
        body = orjson.dumps(
            [
                {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
                for place, (method, params) in enumerate(calls)
            ]
        )
        try:
            async with self._session.post(url, data=body) as response:
                text = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise EndpointDown(url, str(error) or type(error).__name__) from error
        return decode_answers(url, text, len(calls))


def decode_answers(url: str, text: bytes, count: int) -> list[Answer]:
    """Return `count` answers in the order of their ids.

    Raises: EndpointDown when the text is anything else.
    """
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise EndpointDown(url, f"answered with something that is not JSON: {text[:80]!r}") from error
    if isinstance(content, dict):
        raise EndpointDown(url, f"refused the list: {content.get('error')}")
    entries = content if isinstance(content, list) else []
    by_id = {entry["id"]: entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), int)}
    if len(by_id) != count or any(place not in by_id for place in range(count)):
        raise EndpointDown(url, f"answered {len(by_id)} of {count} calls")
    return [_decode_answer(by_id[place]) for place in range(count)]


def _decode_answer(entry: dict[str, JsonValue]) -> Answer:
    error = entry.get("error")
    if not isinstance(error, dict):
        return Success(entry.get("result"))
    data = error.get("data")
    reason = data.get("reason", "") if isinstance(data, dict) else ""
    code = error.get("code")
    return Failure(code=code if isinstance(code, int) else 0, message=str(error.get("message", "")), reason=str(reason))


def as_int(value: JsonValue) -> int:
    """Return a quantity, `0x` and digits, as an integer.

    Raises: ValueError when it is anything else.
    """
    if not isinstance(value, str):
        raise ValueError(f"expected a hexadecimal quantity, found {value!r}")
    return int(value, 16)


def as_object(value: JsonValue) -> dict[str, JsonValue]:
    """Return a JSON object.

    Raises: ValueError when it is anything else.
    """
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {value!r}")
    return value


def as_list(value: JsonValue) -> list[JsonValue]:
    """Return a JSON array.

    Raises: ValueError when it is anything else.
    """
    if not isinstance(value, list):
        raise ValueError(f"expected an array, found {value!r}")
    return value

"""The web3 door: JSON-RPC to one or several endpoints, with typed errors. Believes nothing it receives.

Answers are parsed here as far as their shape goes; whether they are true is decided in `verified.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from wallet_cli.errors import NetworkUnreachable

METHOD_NOT_FOUND: Final = -32601
SYNC_TIMED_OUT: Final = 4
SYNC_NOT_READY: Final = 5
SYNC_NONCE_GAP: Final = 6
"""Errors of eth_sendRawTransactionSync (EIP-7966): 4 is accepted and still pending, 5 and 6 were not admitted."""

CONNECT_TIMEOUT_S: Final = 3
"""Seconds to open a connection: a bank's node in another country answers within one."""

ANSWER_MARGIN_S: Final = 2
"""Seconds an endpoint may take beyond what it was asked to wait."""


class RpcRefused(Exception):
    """An endpoint answered with a JSON-RPC error."""

    def __init__(self, endpoint: str, code: int, message: str, data: object) -> None:
        self.endpoint = endpoint
        self.code = code
        self.message = message
        self.data = data
        super().__init__(f"{endpoint}: {message} ({code})")

    @property
    def reason(self) -> str | None:
        """The stable reason word, absent if the node gave none."""
        found = self.data.get("reason") if isinstance(self.data, dict) else None
        return found if isinstance(found, str) else None


class RpcSilent(Exception):
    """An endpoint gave no answer that is JSON-RPC; whether it acted on the request is unknown."""

    def __init__(self, endpoint: str, detail: str) -> None:
        self.endpoint = endpoint
        self.detail = detail
        super().__init__(f"{endpoint}: {detail}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A result and who gave it."""

    endpoint: str
    result: Any


class Client:
    """Calls endpoints in the order configured; one that is silent is passed over for the rest of the command."""

    def __init__(self, endpoints: Sequence[str], timeout_ms: int) -> None:
        self.endpoints = tuple(endpoints)
        self._timeout_ms = timeout_ms
        self._providers: dict[str, tuple[HTTPProvider, dict[str, Any]]] = {}
        self._silent: dict[str, str] = {}

    def call_at(self, endpoint: str, method: str, *params: object, wait_ms: int = 0) -> Any:
        """Return the result of one call to one endpoint, which may take `wait_ms` longer than usual.

        Raises: RpcRefused, RpcSilent.
        """
        provider, request_options = self._provider(endpoint)
        # Rounded up to whole seconds: the transport counts in seconds.
        timeout_s = -(-(self._timeout_ms + wait_ms) // 1000) + ANSWER_MARGIN_S
        request_options["timeout"] = (CONNECT_TIMEOUT_S, timeout_s)
        try:
            response = provider.make_request(RPCEndpoint(method), list(params))
        except (OSError, ValueError, Web3Exception) as error:
            raise RpcSilent(endpoint, _transport_detail(error)) from error
        if not isinstance(response, dict):
            raise RpcSilent(endpoint, "its answer is no JSON object")
        failure = response.get("error")
        if failure is not None:
            if not isinstance(failure, dict):
                raise RpcRefused(endpoint, 0, str(failure)[:200], None)
            code = failure.get("code")
            message = str(failure.get("message"))[:400]
            raise RpcRefused(endpoint, code if isinstance(code, int) else 0, message, failure.get("data"))
        if "result" not in response:
            raise RpcSilent(endpoint, "its answer has neither result nor error")
        return response["result"]

    def call(self, method: str, *params: object, wait_ms: int = 0) -> Answer:
        """Return the first answer that any endpoint gives, in the order configured.

        Raises: RpcRefused if it is an error, NetworkUnreachable if none answers.
        """
        for endpoint in self.living():
            try:
                return Answer(endpoint, self.call_at(endpoint, method, *params, wait_ms=wait_ms))
            except RpcSilent as error:
                self._silent[endpoint] = error.detail
        raise self.unreachable()

    def living(self) -> Iterator[str]:
        """Yield the endpoints that have not been silent in this command."""
        for endpoint in self.endpoints:
            if endpoint not in self._silent:
                yield endpoint

    def mark_silent(self, error: RpcSilent) -> None:
        """Pass over the endpoint for the rest of the command."""
        self._silent[error.endpoint] = error.detail

    def forget_silence(self) -> None:
        """Ask every endpoint again, even those that were silent: somebody waits for them to come back."""
        self._silent.clear()

    def unreachable(self) -> NetworkUnreachable:
        """Return the error that names every endpoint and what was wrong with it."""
        details = "; ".join(f"{endpoint}: {detail}" for endpoint, detail in self._silent.items())
        return NetworkUnreachable(
            f"no endpoint answers: {details}",
            why="the node is not running, not reachable from here, or the URL is another service's",
            next_step="sycee net health, or name another node with --rpc URL",
        )

    def _provider(self, endpoint: str) -> tuple[HTTPProvider, dict[str, Any]]:
        found = self._providers.get(endpoint)
        if found is None:
            request_options: dict[str, Any] = {"timeout": (CONNECT_TIMEOUT_S, ANSWER_MARGIN_S)}
            # Never repeated behind our back: the wallet decides what is sent again.
            provider = HTTPProvider(endpoint, request_kwargs=request_options, exception_retry_configuration=None)
            found = self._providers[endpoint] = (provider, request_options)
        return found


def _transport_detail(error: Exception) -> str:
    name = type(error).__name__
    if "Timeout" in name:
        return "it did not answer in time"
    if "Connection" in name:
        return "no connection"
    return f"{name}: {str(error)[:120]}"

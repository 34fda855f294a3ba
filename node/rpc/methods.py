"""What a method is: its function, how many parameters it takes, and what it may use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from node.rpc.access import ANYBODY, Client
from node.rpc.backend import Backend
from node.rpc.dev_keys import NO_KEYS, DevKeys
from node.rpc.encoding import Json
from node.rpc.filter_book import FilterBook
from node.rpc.subscriptions import Subscriptions


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """Bounds of one node's JSON-RPC; `[rpc]` in node.toml."""

    request_bytes_max: int = 5 * 1024 * 1024
    """Body of one request: a list of forty transactions of the largest size. Half would refuse one large deployment."""
    response_bytes_max: int = 25 * 1000 * 1000
    """Body of one answer: a full block of 5 000 transactions is about 8 MB."""
    call_list_max: int = 100
    """Calls in one list: 5 ms of the loop when they are submissions."""
    calls_at_once_max: int = 32
    """Calls of one connection that compute at the same time."""
    connections_max: int = 1_000
    """Open sockets; one more is closed at once. Each costs about 20 kB and one file descriptor."""
    websockets_max: int = 250
    """WebSockets among them: with a message of the longest length on each 250 MB, more than all bodies together."""
    message_bytes_max: int = 1024 * 1024
    """One WebSocket message. Longer lists of calls go by HTTP, whose bodies share one bound."""
    bodies_bytes_max: int = 64 * 1024 * 1024
    """Bodies of all requests under way: twelve of the longest, or 64 000 payments at once."""
    answers_bytes_max: int = 256 * 1000 * 1000
    """Long answers that clients have not taken yet: ten of the longest."""
    read_timeout_ms: int = 10_000
    """From the first byte of a request to its last, and from a connection's start to its first request."""
    write_timeout_ms: int = 30_000
    """For a client to take a long answer; beyond it the connection is cut, or slow readers would fill the memory."""
    idle_timeout_ms: int = 75_000
    """How long a connection stays open between requests: longer than common proxies and clients pool them."""
    namespaces: tuple[str, ...] = ("eth", "net", "web3", "sycee", "ots")
    """What is served; a method of another namespace does not exist here."""
    call_gas_max: int = 50_000_000
    """Gas of eth_call and eth_estimateGas."""
    logs_range_blocks_max: int = 10_000
    """Heights in one log filter: about 0.2 s of reading headers."""
    logs_results_max: int = 10_000
    """Logs in one answer: about 6 MB."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every method gets."""

    backend: Backend
    limits: RpcLimits
    filters: FilterBook = field(default_factory=FilterBook)
    """Open filters; one book for all connections of a node."""
    client: Client = ANYBODY
    keys: DevKeys = NO_KEYS
    """What this node signs with for whoever asks."""
    subscriptions: Subscriptions | None = None
    """Those of this connection; None where nothing can be sent unasked."""
    methods: Mapping[str, "Method"] = field(default_factory=dict)
    """What this client may call, by name."""

    async def encode_aside(self, build: Callable[[], Json]) -> orjson.Fragment:
        """Build and write a large answer on the calls thread, so that the loop does not stand still.

        Raises: CallsOverloaded, and what `build` raises.
        """
        return orjson.Fragment(await self.backend.compute(lambda: orjson.dumps(build())))


Answer: TypeAlias = Json | Awaitable[Json]
"""A value; a future of something under way elsewhere; or a coroutine still to be run."""


@dataclass(frozen=True, slots=True)
class Method:
    """One entry of the method table."""

    run: Callable[[Context, Sequence[object]], Answer]
    parameters_min: int
    parameters_max: int
    parameter_names: str
    """In order, separated by spaces; each is described in node/rpc/openrpc/parameters.py."""
    result: str
    """Type of the result: a name of openrpc/*_types.py, `[]` for a list of it, `?` if it may be null."""
    is_waiting: bool = False
    """It mostly waits, so it does not count among the calls that compute at once."""
    is_call: bool = False
    """It executes: web3.py reads any error data of it as a revert (error_table.error_object)."""

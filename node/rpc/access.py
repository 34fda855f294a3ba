"""Who asks, and what that lets them do: API keys, and one limit for everybody who has none."""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from node.rpc.errors import Unauthorized
from node.rpc.key_file import RpcKey, digest_of
from node.rpc.rates import BURST_SECONDS, RateLimit

ADDRESSES_REMEMBERED_MAX = 10_000
"""Addresses whose rate is counted: 3 MB. The one not heard of longest is forgotten first, and begins full again."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Client:
    """Who asks on one connection."""

    name: str | None = None
    """Of its key; None if it has none."""
    namespaces: frozenset[str] | None = None
    """What it may call of what the node serves; None for all."""
    rate: RateLimit | None = None
    """None for no limit."""


ANYBODY = Client()


def monotonic_us() -> int:
    """Return microseconds of a clock that never goes back; fractions are dropped."""
    return time.monotonic_ns() // 1_000


class Access:
    """Finds the client of a connection. Loop thread only."""

    def __init__(
        self,
        keys: Sequence[RpcKey] = (),
        *,
        is_key_required: bool = False,
        anonymous_per_s: int = 0,
        now_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self._is_key_required = is_key_required
        self._anonymous_per_s = anonymous_per_s
        self._now_us = now_us
        self._by_address: OrderedDict[str, Client] = OrderedDict()
        """Least recently seen first."""
        self._by_digest: Mapping[bytes, tuple[RpcKey, Client]] = {}
        self.replace_keys(keys)

    @property
    def key_count(self) -> int:
        return len(self._by_digest)

    def replace_keys(self, keys: Sequence[RpcKey]) -> None:
        """Know these keys from now on; a key that did not change keeps what it has used."""
        known = self._by_digest
        found: dict[bytes, tuple[RpcKey, Client]] = {}
        for key in keys:
            before = known.get(key.digest)
            found[key.digest] = before if before is not None and before[0] == key else (key, self._client_of(key))
        self._by_digest = found

    def admit(self, secret: str | None, address: str) -> Client:
        """Return the client with this key, or without one from this address.

        Keys are found by their digest, so the time this takes tells nothing about them.

        Raises: Unauthorized.
        """
        if secret is not None:
            found = self._by_digest.get(digest_of(secret))
            if found is None:
                raise Unauthorized("this node does not know the API key")
            return found[1]
        if self._is_key_required:
            raise Unauthorized("this node answers only with an API key, as `Authorization: Bearer KEY`")
        if not self._anonymous_per_s:
            return ANYBODY
        client = self._by_address.get(address)
        if client is None:
            client = Client(rate=self._limit(self._anonymous_per_s, self._anonymous_per_s * BURST_SECONDS))
            self._by_address[address] = client
            if len(self._by_address) > ADDRESSES_REMEMBERED_MAX:
                self._by_address.popitem(last=False)
        else:
            self._by_address.move_to_end(address)
        return client

    def is_known(self, client: Client) -> bool:
        """Tell whether a client's key was not taken away since it was admitted."""
        return client.name is None or any(client is known for _, known in self._by_digest.values())

    def _client_of(self, key: RpcKey) -> Client:
        rate = self._limit(key.requests_per_s, key.burst) if key.requests_per_s else None
        return Client(key.name, frozenset(key.namespaces) or None, rate)

    def _limit(self, units_per_s: int, burst: int) -> RateLimit:
        return RateLimit(units_per_s=units_per_s, burst=burst, now_us=self._now_us)

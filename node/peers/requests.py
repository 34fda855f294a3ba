"""Asking peers for things until somebody answers.

Every fetch is repeated, peer after peer, until it is answered or cancelled: a fetch tried once has dead-locked
networks. At most four requests are open per peer; each has a deadline.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from node.peers.wire import Reply, Request, RequestKind, encode_request
from node.runtime.ports import Clock, TimerHandle, Timers

OPEN_REQUESTS_MAX = 4
"""Open requests per peer, what the peer's quota allows at once."""

DEADLINE_MS = 1_000
"""After this a request counts as unanswered and the next peer is asked."""

SYNC_DEADLINE_MS = 2_000
"""The same for ranges of blocks, which may be a megabyte."""

RETRY_PAUSE_MS = 250
"""Pause before all peers are asked again when none had the answer or none is linked."""

FETCHES_MAX = 1_024
"""Open fetches; more would mean that something asks without bound."""

Answered = Callable[[bytes, bytes], bool]
"""Called with the answering peer's key and the payload; true ends the fetch, false asks the next peer."""


class Links(Protocol):
    """What a requester needs of the mesh."""

    def peers(self) -> Sequence[bytes]:
        """Return the keys of the linked peers in a fixed order."""
        ...

    def send_request(self, peer: bytes, payload: bytes) -> bool:
        """Queue a request frame; false if the queue refuses it."""
        ...


@dataclass(slots=True)
class _Fetch:
    key: Hashable
    kind: RequestKind
    payload: bytes
    answered: Answered
    deadline_ms: int
    is_once: bool = False
    """Ends when the hinted peer does not have the answer; nobody else is asked."""
    tried: set[bytes] = field(default_factory=set)
    hints: deque[bytes] = field(default_factory=deque)
    request_id: int | None = None
    peer: bytes | None = None
    timer: TimerHandle | None = None


class Requester:
    """Open fetches and the requests that carry them. Owned by the loop thread."""

    def __init__(self, links: Links, clock: Clock, timers: Timers) -> None:
        self._links = links
        self._clock = clock
        self._timers = timers
        self._fetches: dict[Hashable, _Fetch] = {}
        self._by_request: dict[tuple[bytes, int], _Fetch] = {}
        self._open_counts: dict[bytes, int] = {}
        self._next_request_id = 1
        self._rotation = 0

    def fetch(
        self,
        key: Hashable,
        kind: RequestKind,
        payload: bytes,
        answered: Answered,
        *,
        hints: Sequence[bytes] = (),
    ) -> None:
        """Ask for `payload`, first the peers in `hints`, until `answered` says the answer is good.

        A fetch with the same `key` that is already open goes on and this one is dropped.
        """
        if key in self._fetches or len(self._fetches) >= FETCHES_MAX:
            return
        deadline_ms = SYNC_DEADLINE_MS if kind is RequestKind.BLOCKS else DEADLINE_MS
        fetch = _Fetch(key, kind, payload, answered, deadline_ms, hints=deque(hints))
        self._fetches[key] = fetch
        self._ask_next(fetch)

    def ask_once(self, key: Hashable, kind: RequestKind, payload: bytes, answered: Answered, peer: bytes) -> None:
        """Ask one peer for what it says it has, once; forget it if the peer has no answer in time.

        For what peers name: a fetch that goes on would let one of them fill the table of fetches with nonsense. A peer
        with OPEN_REQUESTS_MAX requests open is not asked.
        """
        if key in self._fetches or len(self._fetches) >= FETCHES_MAX:
            return
        fetch = _Fetch(key, kind, payload, answered, DEADLINE_MS, is_once=True, hints=deque((peer,)))
        self._fetches[key] = fetch
        self._ask_next(fetch)

    def is_open(self, key: Hashable) -> bool:
        """Tell whether a fetch with that key is still unanswered."""
        return key in self._fetches

    def cancel(self, key: Hashable) -> None:
        """End a fetch without an answer."""
        fetch = self._fetches.pop(key, None)
        if fetch is not None:
            self._close_request(fetch)

    def cancel_where(self, is_obsolete: Callable[[Hashable], bool]) -> None:
        """End every fetch with such a key without an answer."""
        for key in [key for key in self._fetches if is_obsolete(key)]:
            self.cancel(key)

    def reply_received(self, peer: bytes, reply: Reply) -> bool:
        """Hand an answer to its fetch. Returns false if nothing was asked under that id (too late, or never)."""
        fetch = self._by_request.get((peer, reply.request_id))
        if fetch is None:
            return False
        self._close_request(fetch)
        if reply.payload and fetch.answered(peer, reply.payload):
            # The answer may have opened the same fetch again, for the next part.
            if self._fetches.get(fetch.key) is fetch:
                del self._fetches[fetch.key]
        elif self._fetches.get(fetch.key) is fetch:
            self._ask_next(fetch)
        return True

    def continue_with(self, key: Hashable, peer: bytes, payload: bytes) -> None:
        """Ask the peer that just answered for the next part of the same thing."""
        fetch = self._fetches.get(key)
        if fetch is None:
            return
        fetch.payload = payload
        fetch.hints.appendleft(peer)
        fetch.tried.discard(peer)

    def restart(self, key: Hashable, payload: bytes) -> None:
        """Ask for something else under an open key, peers that were not tried yet first."""
        fetch = self._fetches.get(key)
        if fetch is not None:
            fetch.payload = payload

    def link_down(self, peer: bytes) -> None:
        """Ask somebody else for what was asked of `peer`."""
        for fetch in [fetch for (asked, _), fetch in self._by_request.items() if asked == peer]:
            self._close_request(fetch)
            self._ask_next(fetch)
        self._open_counts.pop(peer, None)

    def _ask_next(self, fetch: _Fetch) -> None:
        peer = self._choose_peer(fetch)
        if peer is None and fetch.is_once:
            del self._fetches[fetch.key]
            return
        if peer is None:
            fetch.tried.clear()
            fetch.timer = self._timers.call_at(self._clock.now_ms() + RETRY_PAUSE_MS, lambda: self._retry(fetch))
            return
        request_id = self._next_request_id
        self._next_request_id = self._next_request_id % 0xFFFF_FFFF + 1
        fetch.tried.add(peer)
        if not self._links.send_request(peer, encode_request(Request(request_id, fetch.kind, fetch.payload))):
            self._ask_next(fetch)
            return
        fetch.request_id, fetch.peer = request_id, peer
        self._by_request[peer, request_id] = fetch
        self._open_counts[peer] = self._open_counts.get(peer, 0) + 1
        fetch.timer = self._timers.call_at(self._clock.now_ms() + fetch.deadline_ms, lambda: self._retry(fetch))

    def _choose_peer(self, fetch: _Fetch) -> bytes | None:
        linked = self._links.peers()
        while fetch.hints:
            hint = fetch.hints.popleft()
            if hint in linked and hint not in fetch.tried and self._has_room(hint):
                return hint
        if fetch.is_once:
            return None
        for offset in range(len(linked)):
            peer = linked[(self._rotation + offset) % len(linked)]
            if peer not in fetch.tried and self._has_room(peer):
                self._rotation += offset + 1
                return peer
        return None

    def _has_room(self, peer: bytes) -> bool:
        return self._open_counts.get(peer, 0) < OPEN_REQUESTS_MAX

    def _retry(self, fetch: _Fetch) -> None:
        if self._fetches.get(fetch.key) is not fetch:
            return
        self._close_request(fetch)
        self._ask_next(fetch)

    def _close_request(self, fetch: _Fetch) -> None:
        if fetch.timer is not None:
            fetch.timer.cancel()
            fetch.timer = None
        if fetch.peer is not None and fetch.request_id is not None:
            self._by_request.pop((fetch.peer, fetch.request_id), None)
            if fetch.peer in self._open_counts:
                self._open_counts[fetch.peer] -= 1
            fetch.peer = fetch.request_id = None

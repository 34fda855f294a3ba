"""Putting block bodies together from chunks, one sender at a time.

Chunks of different senders are never mixed, so a body that fails its root convicts exactly its sender. Owned by the
loop thread; knows neither header nor root, which the receiver of the finished body checks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from consensus.primitives.scalars import Hash32
from node.peers.wire import CHUNK_BYTES, Chunk, MalformedMessage

BODIES_PER_PEER_MAX = 3
"""Unfinished bodies of one peer: the views a leader may run ahead (two) and the present one. The oldest makes room."""


@dataclass(slots=True)
class _Unfinished:
    body_bytes: int
    received_bytes: int = 0
    contents: dict[int, bytes] = field(default_factory=dict)


class BodyAssembler:
    """Unfinished bodies by sender and digest."""

    def __init__(self, body_bytes_max: Callable[[], int]) -> None:
        self._body_bytes_max = body_bytes_max
        self._by_peer: dict[bytes, dict[Hash32, _Unfinished]] = {}

    def chunk_received(self, peer: bytes, chunk: Chunk) -> bytes | None:
        """Add a chunk; return the whole body when it was the last one missing.

        Raises: MalformedMessage if the body is too long or two chunks of it contradict each other.
        """
        body_bytes_max = self._body_bytes_max()
        if not 0 < chunk.body_bytes <= body_bytes_max:
            raise MalformedMessage(f"body of {chunk.body_bytes} bytes, at most {body_bytes_max}")
        if chunk.body_bytes <= CHUNK_BYTES:
            return chunk.content
        bodies = self._by_peer.setdefault(peer, {})
        unfinished = bodies.get(chunk.digest)
        if unfinished is None:
            if len(bodies) >= BODIES_PER_PEER_MAX:
                del bodies[next(iter(bodies))]
            unfinished = bodies[chunk.digest] = _Unfinished(chunk.body_bytes)
        if unfinished.body_bytes != chunk.body_bytes:
            raise MalformedMessage(f"body was said to have {unfinished.body_bytes} bytes, now {chunk.body_bytes}")
        if chunk.index in unfinished.contents:
            return None
        unfinished.contents[chunk.index] = chunk.content
        unfinished.received_bytes += len(chunk.content)
        if unfinished.received_bytes < unfinished.body_bytes:
            return None
        del bodies[chunk.digest]
        return b"".join([unfinished.contents[index] for index in range(len(unfinished.contents))])

    def forget(self, digest: Hash32) -> None:
        """Drop what there is of a body that arrived otherwise or is no longer needed."""
        for bodies in self._by_peer.values():
            bodies.pop(digest, None)

    def link_down(self, peer: bytes) -> None:
        """Drop everything unfinished of that peer."""
        self._by_peer.pop(peer, None)

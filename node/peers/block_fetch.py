"""Blocks named by their hash: asked of peers, put together from parts, checked against header and root."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from consensus.chain.errors import MalformedBlock
from consensus.chain.header import block_hash_of, decode_header
from consensus.primitives.scalars import Hash32
from node.chain.block_tree import BlockTree, TreeBlock, WrongBody
from node.chain.store import ChainStore
from node.peers.requests import Requester
from node.peers.wire import (
    REPLY_BODY_BYTES,
    BodyPart,
    MalformedMessage,
    RequestKind,
    decode_body_part,
    decode_body_query,
    encode_body_part,
    encode_body_query,
)
from node.runtime.ports import Clock, Timers

PULL_AFTER_MS = 100
"""A body whose header is known is pulled this long after it was first missed: its chunks are usually on their way."""


@dataclass(slots=True)
class _Parts:
    """What has come of a body so far, in order, and from whom."""

    content: bytearray = field(default_factory=bytearray)
    givers: set[bytes] = field(default_factory=set)


class BlockFetch:
    """Owned by the loop thread."""

    def __init__(
        self,
        *,
        requester: Requester,
        tree: BlockTree,
        body_bytes_max: Callable[[], int],
        clock: Clock,
        timers: Timers,
        fetched: Callable[[TreeBlock], None],
        misbehaved: Callable[[bytes, str], None],
    ) -> None:
        """`fetched` is called once a block is whole in the tree."""
        self._requester = requester
        self._tree = tree
        self._body_bytes_max = body_bytes_max
        self._clock = clock
        self._timers = timers
        self._fetched = fetched
        self._misbehaved = misbehaved
        self._parts: dict[Hash32, _Parts] = {}

    def fetch(self, digest: Hash32, hints: Sequence[bytes]) -> None:
        """Get header and body of a block, from peers at once if nothing is known of it."""
        block = self._tree.get(digest)
        if block is None:
            self._request(digest, hints)
            return
        if block.body is not None:
            # It arrived before the machine knew that it wanted it.
            self._fetched(block)
            return
        self._timers.call_at(self._clock.now_ms() + PULL_AFTER_MS, lambda: self._pull(digest, hints))

    def cancel_unless(self, is_needed: Callable[[Hash32], bool]) -> None:
        """End fetches of blocks that nobody waits for any more."""
        for digest in [digest for digest in self._parts if not is_needed(digest)]:
            del self._parts[digest]
            self._requester.cancel(("block", digest))

    def _pull(self, digest: Hash32, hints: Sequence[bytes]) -> None:
        block = self._tree.get(digest)
        if block is not None and block.body is None:
            self._request(digest, hints)

    def _request(self, digest: Hash32, hints: Sequence[bytes]) -> None:
        if self._requester.is_open(("block", digest)):
            return
        self._parts[digest] = _Parts()
        self._requester.fetch(
            ("block", digest),
            RequestKind.BODY,
            encode_body_query(digest, 0),
            lambda peer, payload: self._answered(digest, peer, payload),
            hints=hints,
        )

    def _answered(self, digest: Hash32, peer: bytes, payload: bytes) -> bool:
        parts = self._parts.get(digest)
        if parts is None:
            return True
        parts.givers.add(peer)
        try:
            part = decode_body_part(payload)
            block = self._take_header(digest, part)
        except (MalformedMessage, MalformedBlock) as error:
            self._misbehaved(peer, str(error))
            return self._begin_again(digest)
        if block is None or block.body is not None:
            del self._parts[digest]
            return True
        parts.content += part.content
        if len(parts.content) < part.body_bytes and part.content:
            query = encode_body_query(digest, len(parts.content))
            self._requester.continue_with(("block", digest), peer, query)
            return False
        try:
            self._tree.add_body(digest, bytes(parts.content))
        except WrongBody as error:
            if parts.givers == {peer}:
                # Put together from several peers' parts it proves nothing against the last of them.
                self._misbehaved(peer, str(error))
            return self._begin_again(digest)
        del self._parts[digest]
        self._fetched(block)
        return True

    def _take_header(self, digest: Hash32, part: BodyPart) -> TreeBlock | None:
        if block_hash_of(part.header_rlp) != digest:
            raise MalformedMessage("the header is not that of the block asked for")
        body_bytes_max = self._body_bytes_max()
        if not 0 < part.body_bytes <= body_bytes_max:
            raise MalformedMessage(f"body of {part.body_bytes} bytes, at most {body_bytes_max}")
        return self._tree.add_header(digest, decode_header(part.header_rlp), part.header_rlp)

    def _begin_again(self, digest: Hash32) -> bool:
        """Ask the next peer for the whole of it."""
        self._parts[digest] = _Parts()
        self._requester.restart(("block", digest), encode_body_query(digest, 0))
        return False


def answer_body_request(tree: BlockTree, store: ChainStore, payload: bytes) -> bytes:
    """Return the reply to a BODY request; empty if the block is not here. Raises: MalformedMessage."""
    digest, offset = decode_body_query(payload)
    block = tree.get(digest)
    if block is not None and block.body is not None:
        header_rlp, body = block.header_rlp, block.body
    else:
        height = store.height_of(digest)
        if height is None:
            return b""
        stored_header, stored_body = store.header_rlp(height), store.body(height)
        if stored_header is None or stored_body is None:
            return b""
        header_rlp, body = stored_header, stored_body
    if offset >= len(body):
        return b""
    return encode_body_part(BodyPart(header_rlp, len(body), body[offset : offset + REPLY_BODY_BYTES]))

"""Catching up: ranges of final blocks from peers, verified by certificates before anything is executed.

A peer's claim to be ahead only decides whom to ask; the answer proves itself. Owned by the loop thread.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.chain.block import decode_body
from consensus.chain.errors import MalformedBlock
from consensus.chain.header import Header, block_hash_of, decode_header
from consensus.primitives.scalars import Hash32, Height
from consensus.simplex.certificates import InvalidCertificate, verify_certificate
from consensus.simplex.messages import (
    Certificate,
    Kind,
    MalformedConsensusMessage,
    SigningDomain,
    decode_certificate,
)
from consensus.simplex.validators import ValidatorSet
from node.chain.store import ChainStore
from node.peers.requests import Requester
from node.peers.wire import (
    SYNC_BLOCKS_MAX,
    SYNC_BYTES_MAX,
    BlockRange,
    MalformedMessage,
    RequestKind,
    SyncedBlock,
    decode_block_range,
    decode_range_query,
    encode_block_range,
    encode_range_query,
)

SYNC_KEY = "blocks"
"""One range is fetched at a time: each begins where the one before ended."""


class InvalidRange(ValueError):
    """An answer that does not prove what it says: whoever sent it is at fault."""


@dataclass(frozen=True, slots=True)
class VerifiedBlock:
    """A block that a verified finalization covers; it has not been executed here yet."""

    block_hash: Hash32
    header: Header
    header_rlp: bytes
    transactions: tuple[bytes, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class VerifiedRange:
    """Consecutive final blocks above the final head."""

    blocks: tuple[VerifiedBlock, ...]
    finalization: Certificate
    """Of the last block, or of the descendant through which it is final."""
    is_own_finalization: bool
    """Whether it is the last block's own."""


class BlockSync:
    """Asks for what is missing between the final head and what others have."""

    def __init__(
        self,
        *,
        requester: Requester,
        domain: SigningDomain,
        validators: Callable[[], ValidatorSet],
        final_head: Callable[[], tuple[Height, Hash32]],
        take: Callable[[VerifiedRange], None],
        misbehaved: Callable[[bytes, str], None],
    ) -> None:
        self._requester = requester
        self._domain = domain
        self._validators = validators
        self._final_head = final_head
        self._take = take
        self._misbehaved = misbehaved
        self._is_taking = False
        self._claims: dict[bytes, Height] = {}
        """Final height that each linked peer named last."""

    @property
    def height_target(self) -> Height:
        """The height that f + 1 linked peers have reached by their own words: at least one of them is honest."""
        claims = sorted(self._claims.values(), reverse=True)
        trusted = self._validators().faulty_max
        return claims[trusted] if trusted < len(claims) else Height(0)

    def is_behind(self) -> bool:
        """Tell whether more than one final block is missing. No f liars can make a node believe it."""
        height, _ = self._final_head()
        return self.height_target > height + 1

    def peer_is_at(self, peer: bytes, height: Height) -> None:
        """Note a peer's final height and ask it for blocks if it has more."""
        self._claims[peer] = height
        if height > self._final_head()[0]:
            self._ask(peer)

    def link_down(self, peer: bytes) -> None:
        """Forget a peer that can no longer be asked."""
        self._claims.pop(peer, None)

    def taken(self) -> None:
        """The verified range is committed: go on with the next one."""
        self._is_taking = False
        if any(height > self._final_head()[0] for height in self._claims.values()):
            self._ask(None)

    def _ask(self, peer: bytes | None) -> None:
        height, _ = self._final_head()
        if self._is_taking or self._requester.is_open(SYNC_KEY):
            return
        query = encode_range_query(height + 1, height + SYNC_BLOCKS_MAX)
        self._requester.fetch(
            SYNC_KEY, RequestKind.BLOCKS, query, self._answered, hints=() if peer is None else (peer,)
        )

    def _answered(self, peer: bytes, payload: bytes) -> bool:
        height, block_hash = self._final_head()
        try:
            verified = self._verify(decode_block_range(payload), height, block_hash)
        except (MalformedMessage, InvalidRange) as error:
            self._misbehaved(peer, str(error))
            return False
        if verified is not None:
            self._is_taking = True
            self._take(verified)
        return True

    def _verify(self, answer: BlockRange, height: Height, block_hash: Hash32) -> VerifiedRange | None:
        """Check finalization and hash links; None if the chain moved on meanwhile.

        Raises: InvalidRange.
        """
        try:
            headers = [decode_header(block.header_rlp) for block in answer.blocks]
            linking = [decode_header(header_rlp) for header_rlp in answer.linking_headers]
            certificate = decode_certificate(answer.finalization)
        except (MalformedBlock, MalformedConsensusMessage) as error:
            raise InvalidRange(f"block range: {error}") from error
        encoded = [*(block.header_rlp for block in answer.blocks), *answer.linking_headers]
        hashes = [block_hash_of(header_rlp) for header_rlp in encoded]
        if certificate.statement.kind is not Kind.FINALIZE or certificate.statement.digest != hashes[-1]:
            raise InvalidRange("block range ends with another block than its finalization")
        for header, before in zip([*headers[1:], *linking], hashes, strict=False):
            if headers[0].epoch != header.epoch:
                raise InvalidRange(f"block {header.height} is of another epoch than the range it is in")
            if header.parent_hash != before:
                raise InvalidRange(f"block {header.height} does not follow the one before")
        if headers[0].height != height + 1:
            return None
        if headers[0].parent_hash != block_hash:
            raise InvalidRange(f"block {headers[0].height} does not follow the final head")
        try:
            verify_certificate(self._domain, self._validators(), certificate)
            blocks = tuple(
                VerifiedBlock(digest, header, block.header_rlp, tuple(decode_body(block.body)), block.body)
                for digest, header, block in zip(hashes, headers, answer.blocks, strict=False)
            )
        except (InvalidCertificate, MalformedBlock) as error:
            raise InvalidRange(f"block range: {error}") from error
        return VerifiedRange(blocks, certificate, is_own_finalization=not linking)


def answer_block_request(store: ChainStore, payload: bytes) -> bytes:
    """Return the reply to a BLOCKS request: as many blocks as fit, best up to one that has its own finalization.

    Where none of them has, headers lead on to the descendant that does. Empty if there is nothing to answer.

    Raises: MalformedMessage.
    """
    first, last = decode_range_query(payload)
    blocks: list[SyncedBlock] = []
    sent_bytes = 0
    best: tuple[int, bytes] | None = None
    last_of_epoch = store.last_height_of_epoch_at(Height(first))
    for height in range(first, min(last, first + SYNC_BLOCKS_MAX - 1) + 1):
        header, body = store.header_rlp(Height(height)), store.body(Height(height))
        if header is None or body is None:
            break
        sent_bytes += len(header) + len(body) + 16
        if sent_bytes > SYNC_BYTES_MAX and blocks:
            break
        blocks.append(SyncedBlock(header, body))
        finalization = store.own_finalization(Height(height))
        if finalization is not None:
            best = (len(blocks), finalization)
        if height == last_of_epoch:
            # Whoever asks learns the next epoch's set only by executing this block.
            break
    if best is not None:
        count, finalization = best
        return encode_block_range(BlockRange(tuple(blocks[:count]), (), finalization))
    covering = store.covering_finalization(Height(first + len(blocks) - 1)) if blocks else None
    if covering is None:
        return b""
    linking, finalization = covering
    return encode_block_range(BlockRange(tuple(blocks), tuple(linking), finalization))

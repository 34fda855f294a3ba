"""Bytes of the messages between peers that are not votes: chunks, transactions, requests, replies.

Votes, certificates, proposals and statuses have their codecs in consensus/simplex/messages.py. Every decoder here
raises MalformedMessage, which is misbehaviour of the peer, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from consensus.chain.block import decode_body, encode_body
from consensus.chain.errors import MalformedBlock
from consensus.primitives.rlp_codec import (
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    read_bytes,
    read_list,
)
from consensus.primitives.scalars import Hash32

CHUNK_BYTES = 65_536
"""Body bytes in one chunk: small enough that a vote never waits long behind one."""

REPLY_BODY_BYTES = 512 * 1024
"""Body bytes in one reply: half of the reply channel's cap."""

SYNC_BYTES_MAX = 900_000
"""Bytes of headers and bodies in one answer to a block request, below the reply channel's cap of 1 MiB."""

SYNC_BLOCKS_MAX = 128
"""Heights in one answer to a block request."""

LINKING_HEADERS_MAX = 256
"""Headers between the last block of an answer and the one that was finalized (consensus.md §10)."""

ANNOUNCED_MAX = 64
"""Hashes in one announcement or transaction request."""

CERTIFICATES_MAX = 32
"""Certificates in one answer."""


class MalformedMessage(ValueError):
    """Bytes that no honest peer sends."""


class GossipKind(IntEnum):
    """First byte on the transactions channel."""

    TRANSACTIONS = 1
    ANNOUNCEMENT = 2


class RequestKind(IntEnum):
    """What a peer is asked for."""

    BODY = 1
    CERTIFICATES = 2
    BLOCKS = 3
    TRANSACTIONS = 4
    STATUS = 5
    """Where the peer is; the payload is a nonce that its signed status repeats."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the body behind `digest`."""

    digest: Hash32
    body_bytes: int
    """Length of the whole body."""
    index: int
    """Position: this chunk begins at byte index · CHUNK_BYTES."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """A question; the reply carries the same id."""

    request_id: int
    """u32, unique per link while open."""
    kind: RequestKind
    payload: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; an empty payload says "I do not have it"."""

    request_id: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class BodyPart:
    """Answer to a BODY request: the header and some of the body from the asked offset."""

    header_rlp: bytes
    body_bytes: int
    """Length of the whole body."""
    content: bytes


@dataclass(frozen=True, slots=True)
class SyncedBlock:
    """One block of an answer to a BLOCKS request."""

    header_rlp: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class BlockRange:
    """Answer to a BLOCKS request: consecutive blocks, and why the last one is final."""

    blocks: tuple[SyncedBlock, ...]
    linking_headers: tuple[bytes, ...]
    """Headers above the last block up to the one that was finalized; none if it has its own finalization."""
    finalization: bytes


def encode_chunks(digest: Hash32, body: bytes) -> list[bytes]:
    """Return the chunk messages of a body, in order; an empty tail is never sent."""
    head = digest + len(body).to_bytes(4, "big")
    return [
        head + index.to_bytes(2, "big") + body[start : start + CHUNK_BYTES]
        for index, start in enumerate(range(0, len(body), CHUNK_BYTES))
    ]


def decode_chunk(payload: bytes) -> Chunk:
    """Return the chunk in `payload`. Raises: MalformedMessage if its length is not what its position says."""
    if len(payload) < 39:
        raise MalformedMessage(f"chunk of {len(payload)} bytes")
    chunk = Chunk(
        digest=Hash32(payload[:32]),
        body_bytes=int.from_bytes(payload[32:36], "big"),
        index=int.from_bytes(payload[36:38], "big"),
        content=payload[38:],
    )
    expected = min(CHUNK_BYTES, chunk.body_bytes - chunk.index * CHUNK_BYTES)
    if len(chunk.content) != expected:
        raise MalformedMessage(f"chunk {chunk.index} has {len(chunk.content)} bytes, expected {expected}")
    return chunk


def encode_transactions(transactions: Sequence[bytes]) -> bytes:
    """Return the gossip message that carries raw transactions."""
    return bytes((GossipKind.TRANSACTIONS,)) + encode_body(transactions)


def encode_announcement(hashes: Sequence[Hash32]) -> bytes:
    """Return the gossip message that tells which transactions have been pending for long."""
    return bytes((GossipKind.ANNOUNCEMENT,)) + b"".join(hashes)


def decode_gossip(payload: bytes) -> tuple[GossipKind, list[bytes]]:
    """Return the kind and the raw transactions or hashes. Raises: MalformedMessage."""
    try:
        kind = GossipKind(payload[0])
    except (IndexError, ValueError) as error:
        raise MalformedMessage("unknown kind of gossip") from error
    if kind is GossipKind.ANNOUNCEMENT:
        return kind, list(decode_hashes(payload[1:]))
    try:
        return kind, decode_body(payload[1:])
    except MalformedBlock as error:
        raise MalformedMessage(f"gossiped transactions: {error}") from error


def decode_hashes(payload: bytes) -> list[Hash32]:
    """Return the up to ANNOUNCED_MAX hashes in `payload`. Raises: MalformedMessage."""
    count, rest = divmod(len(payload), 32)
    if rest or not 0 < count <= ANNOUNCED_MAX:
        raise MalformedMessage(f"{len(payload)} bytes are not 1 to {ANNOUNCED_MAX} hashes")
    return [Hash32(payload[start : start + 32]) for start in range(0, len(payload), 32)]


def encode_request(request: Request) -> bytes:
    """Return the bytes of a request."""
    return request.request_id.to_bytes(4, "big") + bytes((request.kind,)) + request.payload


def decode_request(payload: bytes) -> Request:
    """Return the request in `payload`. Raises: MalformedMessage."""
    if len(payload) < 5:
        raise MalformedMessage(f"request of {len(payload)} bytes")
    try:
        kind = RequestKind(payload[4])
    except ValueError as error:
        raise MalformedMessage(f"request of unknown kind {payload[4]}") from error
    return Request(int.from_bytes(payload[:4], "big"), kind, payload[5:])


def encode_reply(reply: Reply) -> bytes:
    """Return the bytes of a reply."""
    return reply.request_id.to_bytes(4, "big") + reply.payload


def decode_reply(payload: bytes) -> Reply:
    """Return the reply in `payload`. Raises: MalformedMessage."""
    if len(payload) < 4:
        raise MalformedMessage(f"reply of {len(payload)} bytes")
    return Reply(int.from_bytes(payload[:4], "big"), payload[4:])


NONCE_BYTES = 32


def decode_nonce(payload: bytes) -> bytes:
    """Return the nonce of a STATUS request. Raises: MalformedMessage."""
    if len(payload) != NONCE_BYTES:
        raise MalformedMessage(f"status request of {len(payload)} bytes, not {NONCE_BYTES}")
    return payload


def encode_body_query(digest: Hash32, offset: int) -> bytes:
    """Return the payload of a BODY request."""
    return digest + offset.to_bytes(4, "big")


def decode_body_query(payload: bytes) -> tuple[Hash32, int]:
    """Return digest and offset. Raises: MalformedMessage."""
    if len(payload) != 36:
        raise MalformedMessage(f"body request of {len(payload)} bytes, not 36")
    return Hash32(payload[:32]), int.from_bytes(payload[32:], "big")


def encode_body_part(part: BodyPart) -> bytes:
    """Return the payload of the answer to a BODY request."""
    return len(part.header_rlp).to_bytes(2, "big") + part.header_rlp + part.body_bytes.to_bytes(4, "big") + part.content


def decode_body_part(payload: bytes) -> BodyPart:
    """Return the part. Raises: MalformedMessage."""
    header_end = 2 + int.from_bytes(payload[:2], "big")
    if len(payload) < header_end + 5:
        raise MalformedMessage(f"body part of {len(payload)} bytes is truncated")
    return BodyPart(
        header_rlp=payload[2:header_end],
        body_bytes=int.from_bytes(payload[header_end : header_end + 4], "big"),
        content=payload[header_end + 4 :],
    )


def encode_range_query(first: int, last: int) -> bytes:
    """Return the payload of a BLOCKS (heights) or CERTIFICATES (views of the epoch in force) request."""
    return first.to_bytes(8, "big") + last.to_bytes(8, "big")


def decode_range_query(payload: bytes) -> tuple[int, int]:
    """Return first and last. Raises: MalformedMessage."""
    if len(payload) != 16:
        raise MalformedMessage(f"range request of {len(payload)} bytes, not 16")
    first, last = int.from_bytes(payload[:8], "big"), int.from_bytes(payload[8:], "big")
    if first > last:
        raise MalformedMessage(f"range request from {first} down to {last}")
    return first, last


def encode_block_range(blocks: BlockRange) -> bytes:
    """Return the payload of the answer to a BLOCKS request."""
    encoded = b"".join(
        [encode_joined(encode_bytes(block.header_rlp) + encode_bytes(block.body)) for block in blocks.blocks]
    )
    linking = encode_joined(b"".join([encode_bytes(header) for header in blocks.linking_headers]))
    return encode_joined(encode_joined(encoded) + linking + encode_bytes(blocks.finalization))


def decode_block_range(payload: bytes) -> BlockRange:
    """Return the range. Raises: MalformedMessage."""
    try:
        blocks, linking, finalization = read_list(decode(payload), 3)
        pairs = [read_list(pair, 2) for pair in read_list(blocks)]
        decoded = tuple(SyncedBlock(read_bytes(header), read_bytes(body)) for header, body in pairs)
        if not 0 < len(decoded) <= SYNC_BLOCKS_MAX:
            raise MalformedMessage(f"{len(decoded)} blocks in one answer")
        headers = tuple(read_bytes(header) for header in read_list(linking))
        if len(headers) > LINKING_HEADERS_MAX:
            raise MalformedMessage(f"{len(headers)} linking headers in one answer, at most {LINKING_HEADERS_MAX}")
        return BlockRange(decoded, headers, read_bytes(finalization))
    except RlpError as error:
        raise MalformedMessage(f"block range: {error}") from error


def encode_certificates(certificates: Sequence[bytes]) -> bytes:
    """Return the payload of the answer to a CERTIFICATES request."""
    return encode_joined(b"".join([encode_bytes(certificate) for certificate in certificates]))


def decode_certificates(payload: bytes) -> list[bytes]:
    """Return the encoded certificates. Raises: MalformedMessage."""
    try:
        certificates = [read_bytes(item) for item in read_list(decode(payload))]
    except RlpError as error:
        raise MalformedMessage(f"certificates: {error}") from error
    if len(certificates) > CERTIFICATES_MAX:
        raise MalformedMessage(f"{len(certificates)} certificates in one answer, at most {CERTIFICATES_MAX}")
    return certificates

"""Block bodies: the list of raw transactions that travels in chunks and is stored as it arrived."""

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.header import Header, block_hash_of, encode_header
from consensus.primitives.rlp_codec import (
    RlpError,
    encode_bytes,
    encode_joined,
    read_bytes,
    split_list,
)
from consensus.primitives.rlp_codec import decode as decode_rlp
from consensus.primitives.scalars import Hash32

EMPTY_BODY = b"\xc0"
"""The body of a block without transactions."""


@dataclass(frozen=True, slots=True)
class Block:
    """A header with its transactions as received."""

    header: Header
    header_rlp: bytes
    block_hash: Hash32
    transactions: tuple[bytes, ...]


def make_block(header: Header, transactions: Sequence[bytes]) -> Block:
    """Return the block of `header` and raw `transactions`, hashing the header once."""
    header_rlp = encode_header(header)
    return Block(header, header_rlp, block_hash_of(header_rlp), tuple(transactions))


def encode_body(transactions: Sequence[bytes]) -> bytes:
    """Return the body: RLP list of the transactions, typed ones wrapped as byte strings (EIP-2718)."""
    return encode_joined(b"".join([raw if raw[0] >= 0xC0 else encode_bytes(raw) for raw in transactions]))


def decode_body(body: bytes) -> list[bytes]:
    """Return the raw transactions in `body`, not yet decoded.

    Raises: MalformedBlock if it is not one canonical list.
    """
    try:
        items = split_list(body)
        transactions = [item if item[0] >= 0xC0 else read_bytes(decode_rlp(item)) for item in items]
    except RlpError as error:
        raise MalformedBlock(f"body: {error}") from error
    if not all(transactions):
        raise MalformedBlock("body: a transaction is empty")
    if encode_body(transactions) != body:
        raise MalformedBlock("body: not the canonical encoding of its transactions")
    return transactions


def block_bytes(block: Block) -> int:
    """Return the size of the block's standard RLP: header, transactions, no uncles, no withdrawals."""
    payload = len(block.header_rlp) + len(encode_body(block.transactions)) + 2
    return len(encode_joined(bytes(payload)))

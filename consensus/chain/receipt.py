"""Receipts, logs and the bloom filter over them. Source: Yellow Paper 4.3.1, EIP-658, EIP-2718."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from consensus.chain.errors import MalformedBlock
from consensus.primitives.hashing import keccak256
from consensus.primitives.rlp_codec import (
    DecodedItem,
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    encode_uint,
    read_bytes,
    read_list,
    read_uint,
)
from consensus.primitives.scalars import Address, Hash32

TOPICS_MAX = 4
"""Most topics one log can have (LOG4)."""


@dataclass(frozen=True, slots=True)
class Log:
    """An event that a contract emitted."""

    address: Address
    """The contract."""
    topics: tuple[Hash32, ...]
    """Up to four indexed words, the first usually the event's signature hash."""
    data: bytes
    """ABI-encoded rest."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one transaction did."""

    type: int
    """EIP-2718 type of the transaction."""
    succeeded: bool
    """Status 1; false means reverted and nothing but the nonce changed."""
    cumulative_gas_used: int
    """Gas of this and all earlier transactions of the block."""
    logs: tuple[Log, ...]
    """In the order they were emitted."""


@lru_cache(maxsize=65_536)
def bloom_mask(value: bytes) -> int:
    """Return the three bits that `value` (an address or topic) sets in a 2 048 bit bloom filter.

    Bound: 65 536 entries; a pure function, so nothing invalidates it.
    """
    digest = keccak256(value)
    return (
        (1 << (int.from_bytes(digest[0:2], "big") & 2047))
        | (1 << (int.from_bytes(digest[2:4], "big") & 2047))
        | (1 << (int.from_bytes(digest[4:6], "big") & 2047))
    )


def bloom_of(logs: Iterable[Log]) -> int:
    """Return the bloom filter over `logs` as an integer; `bloom_bytes` gives its 256 bytes."""
    bloom = 0
    for log in logs:
        bloom |= bloom_mask(log.address)
        for topic in log.topics:
            bloom |= bloom_mask(topic)
    return bloom


def bloom_bytes(bloom: int) -> bytes:
    """Return the 256 bytes of a bloom filter."""
    return bloom.to_bytes(256, "big")


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the bytes that enter receiptsRoot: RLP, behind the type byte unless legacy."""
    payload = encode_joined(
        b"".join(
            (
                b"\x01" if receipt.succeeded else b"\x80",
                encode_uint(receipt.cumulative_gas_used),
                encode_bytes(bloom_bytes(bloom_of(receipt.logs))),
                encode_joined(b"".join([encode_log(log) for log in receipt.logs])),
            )
        )
    )
    return bytes((receipt.type,)) + payload if receipt.type else payload


def decode_receipt(encoded: bytes) -> Receipt:
    """Return the receipt that `encoded` encodes.

    Raises: MalformedBlock if it is not canonical or its bloom does not match its logs.
    """
    if not encoded:
        raise MalformedBlock("receipt: no bytes at all")
    receipt_type, payload = (0, encoded) if encoded[0] >= 0xC0 else (encoded[0], encoded[1:])
    try:
        status, gas, bloom, logs = read_list(decode(payload), 4)
        receipt = Receipt(
            type=receipt_type,
            succeeded=read_uint(status, bytes_max=1) == 1,
            cumulative_gas_used=read_uint(gas, bytes_max=8),
            logs=tuple(_decode_log(item) for item in read_list(logs)),
        )
        read_bytes(bloom, 256)
    except RlpError as error:
        raise MalformedBlock(f"receipt: {error}") from error
    if encode_receipt(receipt) != encoded:
        raise MalformedBlock("receipt: status or bloom is not what its logs say")
    return receipt


def encode_receipts(receipts: Sequence[Receipt]) -> list[bytes]:
    """Return the encoded receipts of a block, in order."""
    return [encode_receipt(receipt) for receipt in receipts]


def encode_log(log: Log) -> bytes:
    topics = encode_joined(b"".join([b"\xa0" + topic for topic in log.topics]))
    return encode_joined(b"\x94" + log.address + topics + encode_bytes(log.data))


def _decode_log(item: DecodedItem) -> Log:
    address, topics, data = read_list(item, 3)
    decoded_topics = tuple(Hash32(read_bytes(topic, 32)) for topic in read_list(topics))
    if len(decoded_topics) > TOPICS_MAX:
        raise RlpError(f"log with {len(decoded_topics)} topics, at most {TOPICS_MAX}")
    return Log(Address(read_bytes(address, 20)), decoded_topics, read_bytes(data))

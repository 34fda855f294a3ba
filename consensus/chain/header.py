"""Block headers: the 21 fields of Prague, and what this network packs into extraData."""

from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import SHA256_EMPTY, keccak256
from consensus.primitives.rlp_codec import (
    RlpError,
    decode,
    encode_bytes,
    encode_joined,
    encode_uint,
    read_bytes,
    read_list,
    read_uint,
)
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View

EMPTY_UNCLES_HASH = keccak256(b"\xc0")
"""sha3Uncles of a block without uncles, and ours never has any."""

NO_REQUESTS_HASH = SHA256_EMPTY
"""requestsHash of a block that carries no next validator set (EIP-7685)."""

HEADER_BYTES_MAX = 2_048
"""Longest header RLP accepted; a real one is about 640 bytes."""

BLOOM_BYTES = 256
EXTRA_DATA_BYTES = 19
EXTRA_DATA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """What a block commits to. Constant fields of Ethereum's header are written by the codec, not stored here."""

    parent_hash: Hash32
    """Hash of the block before; zero for genesis."""
    leader: Address
    """Header field `miner`: the operator address of the validator that proposed the block."""
    state_root: Hash32
    """World state after this block."""
    transactions_root: Hash32
    """Ordered list root of the raw transactions."""
    receipts_root: Hash32
    """Ordered list root of the encoded receipts."""
    logs_bloom: bytes
    """256 bytes: union of the receipts' blooms."""
    height: Height
    """Header field `number`."""
    gas_limit: int
    """The value of ProtocolConfig in force; checked, never chosen."""
    gas_used: int
    """Sum over the transactions."""
    timestamp_ms: TimestampMs
    """Header field `timestamp` in seconds, with the milliseconds from extraData."""
    epoch: Epoch
    """In extraData."""
    view: View
    """In extraData: the view in which the block was first proposed."""
    previous_randao: Hash32
    """mixHash: keccak-256 of the parent hash, so predictable. In genesis: SHA-256 of the genesis document."""
    requests_hash: Hash32
    """EIP-7685; commits to the next validator set in an epoch's last block, and in genesis to the first set."""


def encode_header(header: Header) -> bytes:
    """Return the RLP whose keccak-256 is the block hash."""
    # The division drops the milliseconds; extraData keeps them.
    timestamp_s, millisecond = divmod(header.timestamp_ms, 1000)
    extra_data = (
        bytes((EXTRA_DATA_VERSION,))
        + header.epoch.to_bytes(8, "big")
        + header.view.to_bytes(8, "big")
        + millisecond.to_bytes(2, "big")
    )
    return encode_joined(
        b"".join(
            (
                encode_bytes(header.parent_hash),
                encode_bytes(EMPTY_UNCLES_HASH),
                encode_bytes(header.leader),
                encode_bytes(header.state_root),
                encode_bytes(header.transactions_root),
                encode_bytes(header.receipts_root),
                encode_bytes(header.logs_bloom),
                b"\x80",
                encode_uint(header.height),
                encode_uint(header.gas_limit),
                encode_uint(header.gas_used),
                encode_uint(timestamp_s),
                encode_bytes(extra_data),
                encode_bytes(header.previous_randao),
                encode_bytes(bytes(8)),
                b"\x80",
                encode_bytes(EMPTY_TRIE_ROOT),
                b"\x80\x80",
                encode_bytes(bytes(32)),
                encode_bytes(header.requests_hash),
            )
        )
    )


def block_hash_of(header_rlp: bytes) -> Hash32:
    """Return the block hash: keccak-256 of the header's RLP."""
    return keccak256(header_rlp)


def decode_header(header_rlp: bytes) -> Header:
    """Return the header that `header_rlp` encodes.

    Raises: MalformedBlock if it is not canonical, or a field that is constant on this network has another value.
    """
    if len(header_rlp) > HEADER_BYTES_MAX:
        raise MalformedBlock(f"header of {len(header_rlp)} bytes, at most {HEADER_BYTES_MAX}")
    try:
        items = read_list(decode(header_rlp), 21)
        extra_data = read_bytes(items[12], EXTRA_DATA_BYTES)
        millisecond = int.from_bytes(extra_data[17:19], "big")
        if extra_data[0] != EXTRA_DATA_VERSION or millisecond > 999:
            raise MalformedBlock(f"extraData 0x{extra_data.hex()} has an unknown version or a millisecond above 999")
        header = Header(
            parent_hash=Hash32(read_bytes(items[0], 32)),
            leader=Address(read_bytes(items[2], 20)),
            state_root=Hash32(read_bytes(items[3], 32)),
            transactions_root=Hash32(read_bytes(items[4], 32)),
            receipts_root=Hash32(read_bytes(items[5], 32)),
            logs_bloom=read_bytes(items[6], BLOOM_BYTES),
            height=Height(read_uint(items[8], bytes_max=8)),
            gas_limit=read_uint(items[9], bytes_max=8),
            gas_used=read_uint(items[10], bytes_max=8),
            timestamp_ms=TimestampMs(1000 * read_uint(items[11], bytes_max=6) + millisecond),
            epoch=Epoch(int.from_bytes(extra_data[1:9], "big")),
            view=View(int.from_bytes(extra_data[9:17], "big")),
            previous_randao=Hash32(read_bytes(items[13], 32)),
            requests_hash=Hash32(read_bytes(items[20], 32)),
        )
    except RlpError as error:
        raise MalformedBlock(f"header: {error}") from error
    if encode_header(header) != header_rlp:
        raise MalformedBlock("a header field that is constant on this network has another value")
    return header

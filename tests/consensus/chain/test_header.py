"""Headers and receipts against py-evm's serializers."""

import dataclasses
from typing import Any

import pytest
import rlp
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth_bloom.bloom import BloomFilter

from consensus.chain.block import decode_body, encode_body
from consensus.chain.errors import MalformedBlock
from consensus.chain.header import Header, block_hash_of, decode_header, encode_header
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.chain.receipt import (
    Log,
    Receipt,
    bloom_of,
    decode_receipt,
    encode_receipt,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View

HEADER = Header(
    parent_hash=keccak256(b"parent"),
    leader=Address(b"\x11" * 20),
    state_root=keccak256(b"state"),
    transactions_root=keccak256(b"transactions"),
    receipts_root=keccak256(b"receipts"),
    logs_bloom=bytes(255) + b"\x01",
    height=Height(1204),
    gas_limit=500_000_000,
    gas_used=30_000,
    timestamp_ms=TimestampMs(1_700_000_000_123),
    epoch=Epoch(3),
    view=View(1291),
    previous_randao=keccak256(b"randao"),
    requests_hash=keccak256(b"requests"),
)


def test_header_equals_py_evm_byte_for_byte() -> None:
    fields: dict[str, Any] = {
        "difficulty": 0,
        "block_number": 1204,
        "gas_limit": 500_000_000,
        "timestamp": 1_700_000_000,
        "coinbase": HEADER.leader,
        "parent_hash": HEADER.parent_hash,
        "state_root": HEADER.state_root,
        "transaction_root": HEADER.transactions_root,
        "receipt_root": HEADER.receipts_root,
        "bloom": 1,
        "gas_used": 30_000,
        "extra_data": b"\x01" + (3).to_bytes(8, "big") + (1291).to_bytes(8, "big") + (123).to_bytes(2, "big"),
        "mix_hash": HEADER.previous_randao,
        "nonce": bytes(8),
        "base_fee_per_gas": 0,
        "withdrawals_root": EMPTY_TRIE_ROOT,
        "blob_gas_used": 0,
        "excess_blob_gas": 0,
        "parent_beacon_block_root": bytes(32),
        "requests_hash": HEADER.requests_hash,
    }
    reference = PragueBlockHeader(**fields)
    assert encode_header(HEADER) == rlp.encode(reference)
    assert block_hash_of(encode_header(HEADER)) == bytes(reference.hash)


def test_header_round_trips() -> None:
    assert decode_header(encode_header(HEADER)) == HEADER


@pytest.mark.parametrize("index", [1, 7, 14, 15, 16, 17, 18, 19], ids=lambda index: f"field {index}")
def test_another_value_in_a_constant_field_is_refused(index: int) -> None:
    items = rlp.decode(encode_header(HEADER))
    items[index] = b"\x01" if len(items[index]) < 2 else bytes(len(items[index]) - 1) + b"\x09"
    with pytest.raises(MalformedBlock):
        decode_header(rlp.encode(items))


def test_millisecond_1000_is_refused() -> None:
    items = rlp.decode(encode_header(HEADER))
    items[12] = items[12][:17] + (1000).to_bytes(2, "big")
    with pytest.raises(MalformedBlock, match="millisecond"):
        decode_header(rlp.encode(items))


def test_truncated_and_surplus_bytes_are_refused() -> None:
    encoded = encode_header(HEADER)
    for broken in (encoded[:-1], encoded + b"\x00", b"", encoded[:200]):
        with pytest.raises(MalformedBlock):
            decode_header(broken)


LOGS = (
    Log(Address(b"\x01" * 20), (keccak256(b"Transfer"), Hash32(bytes(32))), b"data"),
    Log(Address(b"\x02" * 20), (), b""),
)


@pytest.mark.parametrize("receipt_type", [0, 2])
def test_receipt_round_trips_and_its_bloom_equals_eth_bloom(receipt_type: int) -> None:
    receipt = Receipt(receipt_type, True, 30_000, LOGS)
    assert decode_receipt(encode_receipt(receipt)) == receipt
    reference = BloomFilter()
    for log in LOGS:
        reference.add(log.address)
        for topic in log.topics:
            reference.add(topic)
    assert bloom_of(LOGS) == int(reference)


def test_receipt_with_a_false_bloom_is_refused() -> None:
    items = rlp.decode(encode_receipt(Receipt(0, False, 30_000, LOGS)))
    items[2] = bytes(256)
    with pytest.raises(MalformedBlock):
        decode_receipt(rlp.encode(items))


def test_body_round_trips_and_refuses_other_encodings() -> None:
    transactions = [b"\x02" + b"a" * 100, b"\xc1\x80", b"\x01"]
    assert decode_body(encode_body(transactions)) == transactions
    assert decode_body(encode_body([])) == []
    for broken in (b"\xc1\x80", encode_body(transactions) + b"\x00", b"\x83abc", b""):
        with pytest.raises(MalformedBlock):
            decode_body(broken)


def test_one_changed_field_changes_the_hash() -> None:
    other = dataclasses.replace(HEADER, view=View(1292))
    assert block_hash_of(encode_header(other)) != block_hash_of(encode_header(HEADER))

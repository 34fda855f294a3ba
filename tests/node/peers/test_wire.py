"""Messages between peers: round trips, and one named error for everything else."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.hashing import keccak256
from node.peers import wire
from node.peers.bodies import BODIES_PER_PEER_MAX, BodyAssembler
from node.peers.wire import MalformedMessage

DIGEST = keccak256(b"body")


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 200_000])
def test_body_comes_back_from_its_chunks_in_any_order(size: int) -> None:
    body = bytes(index % 251 for index in range(size))
    assembler = BodyAssembler(lambda: 1 << 20)
    chunks = wire.encode_chunks(DIGEST, body)
    finished = [assembler.chunk_received(b"a", wire.decode_chunk(chunk)) for chunk in reversed(chunks)]
    assert finished == [None] * (len(chunks) - 1) + [body]


def test_chunks_of_two_senders_are_never_mixed() -> None:
    body = bytes(100_000)
    first, second = (wire.decode_chunk(chunk) for chunk in wire.encode_chunks(DIGEST, body))
    assembler = BodyAssembler(lambda: 1 << 20)
    assert assembler.chunk_received(b"a", first) is None
    assert assembler.chunk_received(b"b", second) is None
    assert assembler.chunk_received(b"a", second) == body


def test_contradicting_and_oversized_chunks_are_misbehaviour() -> None:
    assembler = BodyAssembler(lambda: 150_000)
    assembler.chunk_received(b"a", wire.decode_chunk(wire.encode_chunks(DIGEST, bytes(100_000))[0]))
    with pytest.raises(MalformedMessage, match="now 120000"):
        assembler.chunk_received(b"a", wire.decode_chunk(wire.encode_chunks(DIGEST, bytes(120_000))[0]))
    with pytest.raises(MalformedMessage, match="at most 150000"):
        assembler.chunk_received(b"a", wire.decode_chunk(wire.encode_chunks(DIGEST, bytes(150_001))[0]))


def test_unfinished_bodies_of_one_peer_are_bounded() -> None:
    assembler = BodyAssembler(lambda: 1 << 20)
    body = bytes(100_000)
    digests = [keccak256(bytes((index,))) for index in range(BODIES_PER_PEER_MAX + 1)]
    for digest in digests:
        assembler.chunk_received(b"a", wire.decode_chunk(wire.encode_chunks(digest, body)[0]))
    last = [wire.decode_chunk(wire.encode_chunks(digest, body)[1]) for digest in digests]
    assert assembler.chunk_received(b"a", last[0]) is None
    assert assembler.chunk_received(b"a", last[-1]) == body


def test_gossip_round_trips() -> None:
    transactions = [b"\x02" + b"x" * 100, b"\xc1\x80"]
    assert wire.decode_gossip(wire.encode_transactions(transactions)) == (
        wire.GossipKind.TRANSACTIONS,
        transactions,
    )
    assert wire.decode_gossip(wire.encode_announcement([DIGEST, DIGEST]))[1] == [DIGEST, DIGEST]


def test_requests_and_answers_round_trip() -> None:
    request = wire.Request(7, wire.RequestKind.BLOCKS, wire.encode_range_query(5, 9))
    assert wire.decode_request(wire.encode_request(request)) == request
    assert wire.decode_range_query(request.payload) == (5, 9)
    reply = wire.Reply(7, b"content")
    assert wire.decode_reply(wire.encode_reply(reply)) == reply
    part = wire.BodyPart(b"header", 100, b"x" * 40)
    assert wire.decode_body_part(wire.encode_body_part(part)) == part
    assert wire.decode_body_query(wire.encode_body_query(DIGEST, 512)) == (DIGEST, 512)
    blocks = wire.BlockRange(
        (wire.SyncedBlock(b"h" * 600, b"\xc0"), wire.SyncedBlock(b"g", b"b")), (b"linking",), b"final"
    )
    assert wire.decode_block_range(wire.encode_block_range(blocks)) == blocks
    assert wire.decode_certificates(wire.encode_certificates([b"a" * 300, b"b"])) == [b"a" * 300, b"b"]


def test_bounds_are_checked_on_both_sides() -> None:
    assert len(wire.decode_hashes(DIGEST * wire.ANNOUNCED_MAX)) == wire.ANNOUNCED_MAX
    with pytest.raises(MalformedMessage):
        wire.decode_hashes(DIGEST * (wire.ANNOUNCED_MAX + 1))
    assert len(wire.decode_certificates(wire.encode_certificates([b"c"] * wire.CERTIFICATES_MAX))) == 32
    with pytest.raises(MalformedMessage):
        wire.decode_certificates(wire.encode_certificates([b"c"] * (wire.CERTIFICATES_MAX + 1)))
    with pytest.raises(MalformedMessage):
        wire.decode_range_query(wire.encode_range_query(9, 5))


DECODERS: list[Callable[[bytes], object]] = [
    wire.decode_chunk,
    wire.decode_gossip,
    wire.decode_request,
    wire.decode_reply,
    wire.decode_body_query,
    wire.decode_body_part,
    wire.decode_range_query,
    wire.decode_block_range,
    wire.decode_certificates,
]


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
@settings(max_examples=50)
@given(payload=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed_message(decode: Callable[[bytes], object], payload: bytes) -> None:
    try:
        decode(payload)
    except MalformedMessage:
        return

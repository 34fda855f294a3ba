"""Ranges of blocks prove themselves, or cost the peer its link."""

import dataclasses
from collections.abc import Sequence

import pytest
from nacl.signing import SigningKey

from consensus.chain.block import EMPTY_BODY, Block, encode_body, make_block
from consensus.chain.header import Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, ZERO_HASH, Address, Epoch, Hash32, Height, TimestampMs, View
from consensus.simplex.certificates import assemble_certificate
from consensus.simplex.messages import Certificate, Kind, SigningDomain, Statement, encode_certificate, sign_bytes
from consensus.simplex.validators import Validator, make_validator_set
from network.channels import Channel, channel_table
from node.peers.requests import Requester
from node.peers.sync import BlockSync, VerifiedRange
from node.peers.wire import (
    BlockRange,
    Reply,
    RequestKind,
    SyncedBlock,
    decode_request,
    encode_block_range,
    encode_reply,
)
from tests.node.runtime.manual import ManualTime

PEER = b"p" * 32
OTHER = b"q" * 32
KEYS = sorted((SigningKey(keccak256(bytes((index,)))) for index in range(4)), key=lambda key: bytes(key.verify_key))
VALIDATORS = make_validator_set(
    Epoch(0),
    [
        Validator(bytes(key.verify_key), bytes((index,)) * 32, bytes(32), Address(b"\x01" * 20), ZERO_HASH)
        for index, key in enumerate(KEYS)
    ],
    ZERO_HASH,
)
DOMAIN = SigningDomain(23790, keccak256(b"genesis"))
GENESIS_HASH = keccak256(b"genesis")


def chain(length: int, parent_hash: Hash32 = GENESIS_HASH) -> list[Block]:
    blocks: list[Block] = []
    for height in range(1, length + 1):
        header = Header(
            parent_hash=parent_hash,
            leader=ZERO_ADDRESS,
            state_root=ZERO_HASH,
            transactions_root=EMPTY_TRIE_ROOT,
            receipts_root=EMPTY_TRIE_ROOT,
            logs_bloom=bytes(256),
            height=Height(height),
            gas_limit=1,
            gas_used=0,
            timestamp_ms=TimestampMs(1_000 * height),
            epoch=Epoch(0),
            view=View(height),
            previous_randao=ZERO_HASH,
            requests_hash=ZERO_HASH,
        )
        blocks.append(make_block(header, ()))
        parent_hash = blocks[-1].block_hash
    return blocks


def finalization(block: Block, *, kind: Kind = Kind.FINALIZE) -> Certificate:
    view = block.header.view
    statement = Statement(kind, Epoch(0), view, View(view - 1), block.block_hash)
    message = sign_bytes(DOMAIN, statement)
    signatures = {index: key.sign(message).signature for index, key in enumerate(KEYS)}
    return assemble_certificate(VALIDATORS, statement, signatures)  # type: ignore[arg-type]  # plain indices


def answer(blocks: Sequence[Block], certificate: Certificate, linking: Sequence[Block] = ()) -> bytes:
    synced = tuple(SyncedBlock(block.header_rlp, EMPTY_BODY) for block in blocks)
    headers = tuple(block.header_rlp for block in linking)
    return encode_block_range(BlockRange(synced, headers, encode_certificate(certificate)))


class World:
    def __init__(self) -> None:
        self.time = ManualTime()
        self.sent: list[tuple[bytes, bytes]] = []
        self.taken: list[VerifiedRange] = []
        self.accused: list[bytes] = []
        self.head = (Height(0), GENESIS_HASH)
        self.requester = Requester(self, self.time, self.time)
        self.sync = BlockSync(
            requester=self.requester,
            domain=DOMAIN,
            validators=lambda: VALIDATORS,
            final_head=lambda: self.head,
            take=self.taken.append,
            misbehaved=lambda peer, _reason: self.accused.append(peer),
        )

    def peers(self) -> Sequence[bytes]:
        return [PEER, OTHER]

    def send_request(self, peer: bytes, payload: bytes) -> bool:
        self.sent.append((peer, payload))
        return True

    def reply(self, payload: bytes) -> None:
        peer, request = self.sent[-1]
        self.requester.reply_received(peer, Reply(decode_request(request).request_id, payload))


def test_peer_ahead_is_asked_and_its_proven_range_is_taken() -> None:
    world = World()
    blocks = chain(5)
    world.sync.peer_is_at(PEER, Height(5))
    assert world.sent[0][0] == PEER
    assert decode_request(world.sent[0][1]).kind is RequestKind.BLOCKS
    world.reply(answer(blocks, finalization(blocks[-1])))
    (taken,) = world.taken
    assert [block.block_hash for block in taken.blocks] == [block.block_hash for block in blocks]
    assert world.accused == []


def test_peer_at_the_own_height_is_not_asked() -> None:
    world = World()
    world.sync.peer_is_at(PEER, Height(0))
    assert world.sent == []
    assert not world.sync.is_behind()


def test_one_liar_of_four_cannot_make_a_node_believe_it_is_behind() -> None:
    world = World()
    world.sync.peer_is_at(PEER, Height(10**9))
    assert world.sync.height_target == 0
    assert not world.sync.is_behind()
    world.sync.peer_is_at(OTHER, Height(2))
    assert world.sync.height_target == 2
    assert world.sync.is_behind()
    world.sync.link_down(OTHER)
    assert not world.sync.is_behind()


def test_one_range_is_fetched_at_a_time_and_the_next_one_after_it_is_committed() -> None:
    world = World()
    blocks = chain(5)
    world.sync.peer_is_at(PEER, Height(9))
    world.reply(answer(blocks, finalization(blocks[-1])))
    world.sync.peer_is_at(PEER, Height(9))
    assert len(world.sent) == 1
    world.head = (Height(5), blocks[-1].block_hash)
    world.sync.taken()
    assert len(world.sent) == 2


def test_blocks_that_are_final_through_a_later_one_are_taken_with_the_headers_between() -> None:
    world = World()
    blocks = chain(5)
    world.sync.peer_is_at(PEER, Height(5))
    world.reply(answer(blocks[:2], finalization(blocks[-1]), blocks[2:]))
    (taken,) = world.taken
    assert [block.block_hash for block in taken.blocks] == [block.block_hash for block in blocks[:2]]
    assert not taken.is_own_finalization


BLOCKS = chain(5)
FOREIGN = chain(5, parent_hash=keccak256(b"another genesis"))


@pytest.mark.parametrize(
    ("description", "payload"),
    [
        ("not a range", b"junk"),
        ("finalization of another block", answer(BLOCKS, finalization(BLOCKS[-2]))),
        ("notarization instead", answer(BLOCKS, finalization(BLOCKS[-1], kind=Kind.NOTARIZE))),
        ("a block left out", answer([*BLOCKS[:2], *BLOCKS[3:]], finalization(BLOCKS[-1]))),
        ("a linking header left out", answer(BLOCKS[:2], finalization(BLOCKS[-1]), BLOCKS[3:])),
        ("another chain", answer(FOREIGN, finalization(FOREIGN[-1]))),
        (
            "one signature wrong",
            answer(
                BLOCKS,
                dataclasses.replace(
                    finalization(BLOCKS[-1]), signatures=(bytes(64), *finalization(BLOCKS[-1]).signatures[1:])
                ),
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_answer_that_does_not_prove_itself_costs_the_peer_and_the_next_one_is_asked(
    description: str, payload: bytes
) -> None:
    world = World()
    world.sync.peer_is_at(PEER, Height(5))
    world.reply(payload)
    assert world.accused == [PEER]
    assert world.taken == []
    assert [peer for peer, _ in world.sent] == [PEER, OTHER]


def test_answer_that_came_too_late_is_dropped_without_blame() -> None:
    world = World()
    blocks = chain(5)
    world.sync.peer_is_at(PEER, Height(5))
    world.head = (Height(2), blocks[1].block_hash)
    world.reply(answer(blocks, finalization(blocks[-1])))
    assert world.taken == []
    assert world.accused == []


@pytest.mark.parametrize("block_bytes_max", [64 * 1024, 2 * 1024 * 1024, 8 * 1024 * 1024])
def test_the_largest_block_fits_into_one_reply(block_bytes_max: int) -> None:
    raw = b"\x02" + bytes(block_bytes_max - 16)
    body = encode_body([raw])
    assert block_bytes_max - 16 < len(body) <= block_bytes_max
    signers = Certificate(finalization(chain(1)[0]).statement, bytes(13), (bytes(64),) * 100)
    longest = encode_block_range(BlockRange((SyncedBlock(bytes(2_048), body),), (), encode_certificate(signers)))
    cap = channel_table(block_bytes_max=block_bytes_max)[Channel.REPLIES].payload_bytes_max
    assert len(encode_reply(Reply(1, longest))) <= cap

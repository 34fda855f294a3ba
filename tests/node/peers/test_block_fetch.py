"""Blocks come whole, whoever gives the parts, and only who gave a wrong one pays for it."""

from dataclasses import replace

from consensus.chain.block import encode_body, make_block
from consensus.chain.merkle import ordered_list_root
from consensus.primitives.scalars import Height
from node.chain.block_tree import BlockTree
from node.peers.block_fetch import BlockFetch
from node.peers.requests import DEADLINE_MS, RETRY_PAUSE_MS, Requester
from node.peers.wire import BodyPart, Reply, decode_body_query, encode_body_part
from tests.node.peers.test_requests import Mesh
from tests.node.peers.test_sync import GENESIS_HASH, chain
from tests.node.runtime.manual import ManualTime

A, B = b"a" * 32, b"b" * 32
TRANSACTIONS = (b"\x02" + b"a" * 40, b"\x02" + b"b" * 50)
BODY = encode_body(TRANSACTIONS)
BLOCK = make_block(replace(chain(1)[0].header, transactions_root=ordered_list_root(TRANSACTIONS)), TRANSACTIONS)


class World:
    """A node that lacks a block of two parts."""

    def __init__(self, *peers: bytes) -> None:
        self.time = ManualTime()
        self.mesh = Mesh(*peers)
        self.fetched: list[bytes | None] = []
        self.banned: list[bytes] = []
        self.requester = Requester(self.mesh, self.time, self.time)
        self.fetch = BlockFetch(
            requester=self.requester,
            tree=BlockTree(GENESIS_HASH, Height(0)),
            body_bytes_max=lambda: 1_000,
            clock=self.time,
            timers=self.time,
            fetched=lambda block: self.fetched.append(block.body),
            misbehaved=lambda peer, _detail: self.banned.append(peer),
        )
        self.ask()

    def ask(self) -> None:
        self.fetch.fetch(BLOCK.block_hash, ())
        self.time.advance(200)

    def answer(self, content: bytes | None = None, header_rlp: bytes = BLOCK.header_rlp) -> bytes:
        """Answer the last request, rightly unless told otherwise, and return whom it was addressed to."""
        peer, request = self.mesh.sent[-1]
        _, offset = decode_body_query(request.payload)
        part = BODY[offset : offset + 60] if content is None else content
        reply = Reply(request.request_id, encode_body_part(BodyPart(header_rlp, len(BODY), part)))
        self.requester.reply_received(peer, reply)
        return peer


def test_parts_are_asked_of_the_peer_that_has_them_until_the_block_is_whole() -> None:
    world = World(A, B)
    assert world.answer() == world.answer()
    assert (world.fetched, world.banned) == ([BODY], [])


def test_block_asked_for_again_between_its_parts_is_not_begun_twice() -> None:
    # Seed 676619069 of ten validators: what had come was dropped, the next part taken for the first, its giver banned.
    world = World(A)
    world.answer()
    world.ask()
    world.answer()
    assert (world.fetched, world.banned) == ([BODY], [])


def test_peer_that_gave_a_wrong_body_is_banned_and_another_asked() -> None:
    world = World(A, B)
    liar = world.answer(bytes(60))
    world.answer(bytes(len(BODY) - 60))
    assert world.banned == [liar]
    assert world.answer() != liar
    world.answer()
    assert world.fetched == [BODY]


def test_nobody_is_banned_for_a_wrong_body_put_together_from_two_peers() -> None:
    world = World(A, B)
    world.answer(bytes(60))
    world.time.advance(DEADLINE_MS)
    world.answer()
    assert world.banned == []
    world.time.advance(RETRY_PAUSE_MS)
    world.answer()
    world.answer()
    assert world.fetched == [BODY]


def test_peer_that_answers_with_another_header_is_banned_at_once() -> None:
    world = World(A, B)
    liar = world.answer(header_rlp=chain(2)[1].header_rlp)
    assert world.banned == [liar]

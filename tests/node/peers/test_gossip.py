"""Transactions reach every peer once, and what a queue lost is announced."""

import dataclasses
from collections.abc import Sequence

import pytest

from consensus.chain.transaction import Transaction, decode_transaction, sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from node.mempool.pool import Pool, PooledTransaction, PoolLimits
from node.peers.gossip import (
    ANNOUNCE_AFTER_MS,
    ANNOUNCE_EVERY_MS,
    ANNOUNCE_TICK_MS,
    BATCH_BYTES,
    BATCH_WAIT_MS,
    TransactionGossip,
)
from node.peers.requests import Requester
from node.peers.wire import (
    GossipKind,
    MalformedMessage,
    Reply,
    RequestKind,
    decode_gossip,
    decode_request,
    encode_announcement,
    encode_transactions,
)
from tests.node.runtime.manual import ManualTime

PEER = b"p" * 32
SENDER = Address(b"\xa1" * 20)
TEMPLATE = decode_transaction(
    sign_dynamic_fee_transaction(b"\x01" * 32, chain_id=1, nonce=0, gas_limit=30_000, to=Address(bytes(20)), data=b"")
)


class Mesh:
    def __init__(self) -> None:
        self.broadcasts: list[bytes] = []
        self.requests: list[bytes] = []

    def broadcast_transactions(self, payload: bytes) -> None:
        self.broadcasts.append(payload)

    def peers(self) -> Sequence[bytes]:
        return [PEER]

    def send_request(self, peer: bytes, payload: bytes) -> bool:
        self.requests.append(payload)
        return True


class World:
    def __init__(self) -> None:
        self.time = ManualTime()
        self.mesh = Mesh()
        self.pool = Pool(PoolLimits(per_sender_max=1_000))
        self.received: list[bytes] = []
        self.requester = Requester(self.mesh, self.time, self.time)
        self.gossip = TransactionGossip(
            mesh=self.mesh,
            pool=self.pool,
            requester=self.requester,
            receive=self.received.extend,
            is_known=lambda digest: digest in self.pool,
            clock=self.time,
            timers=self.time,
        )

    def admit(self, nonce: int, *, from_client: bool = True, raw_bytes: int = 120) -> PooledTransaction:
        pooled = PooledTransaction(transaction(nonce, raw_bytes), SENDER, self.time.now_ms(), from_client)
        self.pool.add(pooled, 0)
        self.gossip.admitted([pooled])
        return pooled


def transaction(nonce: int, raw_bytes: int = 120) -> Transaction:
    raw = b"\x02" + nonce.to_bytes(4, "big") + bytes(raw_bytes - 5)
    return dataclasses.replace(TEMPLATE, nonce=nonce, raw=raw, hash=keccak256(raw))


def test_clients_transactions_leave_together_after_a_short_wait() -> None:
    world = World()
    first, second = world.admit(0), world.admit(1)
    assert world.mesh.broadcasts == []
    world.time.advance(BATCH_WAIT_MS)
    assert [decode_gossip(payload) for payload in world.mesh.broadcasts] == [
        (GossipKind.TRANSACTIONS, [first.transaction.raw, second.transaction.raw])
    ]


def test_transactions_of_peers_are_passed_on_to_nobody() -> None:
    world = World()
    world.admit(0, from_client=False)
    world.time.advance(BATCH_WAIT_MS)
    assert world.mesh.broadcasts == []


def test_batch_never_outgrows_a_frame() -> None:
    world = World()
    for nonce in range(4):
        world.admit(nonce, raw_bytes=40_000)
    world.time.advance(BATCH_WAIT_MS)
    batches = [decode_gossip(payload)[1] for payload in world.mesh.broadcasts]
    assert [len(raw) for batch in batches for raw in batch] == [40_000] * 4
    assert all(sum(map(len, batch)) <= BATCH_BYTES or len(batch) == 1 for batch in batches)


def test_transaction_pending_for_long_is_announced_again_and_again() -> None:
    world = World()
    pooled = world.admit(0, from_client=False)
    world.gossip.start()
    world.time.advance(ANNOUNCE_AFTER_MS)
    expected = (GossipKind.ANNOUNCEMENT, [pooled.transaction.hash])
    assert [decode_gossip(payload) for payload in world.mesh.broadcasts] == [expected]
    world.time.advance(ANNOUNCE_EVERY_MS)
    assert [decode_gossip(payload) for payload in world.mesh.broadcasts] == [expected] * 2


def test_a_transaction_behind_a_nonce_gap_is_announced_only_when_the_gap_is_closed() -> None:
    world = World()
    world.gossip.start()
    late = world.admit(1, from_client=False)
    world.time.advance(10 * ANNOUNCE_EVERY_MS)
    assert world.mesh.broadcasts == []
    missing = world.admit(0, from_client=False)
    world.time.advance(ANNOUNCE_AFTER_MS + ANNOUNCE_TICK_MS)
    announced = [digest for payload in world.mesh.broadcasts for digest in decode_gossip(payload)[1]]
    assert {late.transaction.hash, missing.transaction.hash} <= {*announced}


def test_unknown_hash_is_asked_for_and_its_answer_received() -> None:
    world = World()
    known = world.admit(0)
    missing = transaction(7)
    world.gossip.received(PEER, encode_announcement([known.transaction.hash, missing.hash]))
    (request,) = [decode_request(payload) for payload in world.mesh.requests]
    assert (request.kind, request.payload) == (RequestKind.TRANSACTIONS, missing.hash)
    world.requester.reply_received(PEER, Reply(request.request_id, encode_transactions([missing.raw])))
    assert world.received == [missing.raw]


def test_known_hashes_are_not_asked_for() -> None:
    world = World()
    known = world.admit(0)
    world.gossip.received(PEER, encode_announcement([known.transaction.hash]))
    assert world.mesh.requests == []


def test_request_is_answered_with_what_is_pending_here() -> None:
    world = World()
    pooled = world.admit(0)
    unknown = Hash32(bytes(32))
    answer = world.gossip.answer(pooled.transaction.hash + unknown)
    assert decode_gossip(answer) == (GossipKind.TRANSACTIONS, [pooled.transaction.raw])
    assert world.gossip.answer(unknown) == b""


def test_malformed_gossip_is_misbehaviour() -> None:
    world = World()
    with pytest.raises(MalformedMessage):
        world.gossip.received(PEER, b"\x07junk")

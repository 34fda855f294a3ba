"""One peer sends thousands of frames, garbage and well made: nothing escapes, nothing grows, the others go on."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.core_state import CoreState
from consensus.simplex.messages import (
    Certificate,
    Kind,
    SigningDomain,
    Statement,
    Status,
    Vote,
    encode_certificate,
    encode_status,
    encode_vote,
    sign_bytes,
    status_statement,
)
from consensus.simplex.parameters import EVIDENCE_WINDOW_BEHIND, VOTE_WINDOW_AHEAD
from network.channels import Channel
from node.chain.block_tree import BLOCKS_MAX
from node.peers import wire
from node.peers.bodies import BODIES_PER_PEER_MAX
from node.peers.requests import OPEN_REQUESTS_MAX
from node.runtime.inbound import EARLY_BODIES_MAX
from tests.fuzz import samples
from tests.fuzz.mutators import HOSTILE_INTEGERS, mutate_bytes
from tests.node.execution.ledger import BOB, CAROL_KEY, CHAIN_ID, consensus_seed, raw_payment
from tests.node.runtime.small_network import Bank, SmallNetwork

VIEWS_MAX = VOTE_WINDOW_AHEAD + EVIDENCE_WINDOW_BEHIND + 1
"""Views about which a machine keeps anything."""

STATE_ENTRIES_MAX = 3 * 4 * VIEWS_MAX
"""Three kinds of votes by four validators in each of them."""

FRAMES = 3_000
PAYMENTS = 2


@pytest.fixture
def network(tmp_path: Path) -> Iterator[SmallNetwork]:
    network = SmallNetwork(tmp_path)
    network.start()
    yield network
    for bank in network.running():
        bank.crash()


class Hostile:
    """Holds a validator's key and says whatever it likes, in frames that mostly decode."""

    def __init__(self, network: SmallNetwork, number: int, drawn: random.Random) -> None:
        self._domain = SigningDomain(CHAIN_ID, network.genesis.executed.block.block_hash)
        self._key = SigningKey(consensus_seed(number))
        found = network.genesis.validators.index_of(bytes(self._key.verify_key))
        assert found is not None
        self._index: ValidatorIndex = found
        self._drawn = drawn

    def frame(self) -> tuple[Channel, bytes]:
        """Return the next frame."""
        drawn = self._drawn
        channel, payload = drawn.choice(
            (self._vote, self._certificate, self._proposal, self._status, self._chunk, self._gossip, self._request)
        )()
        if drawn.random() < 0.2:
            payload = mutate_bytes(drawn, [payload])
        return channel, payload

    def _view(self) -> View:
        return View(max(1, self._drawn.choice((*HOSTILE_INTEGERS, self._drawn.randrange(1, 200)))))

    def _digest(self) -> Hash32:
        return Hash32(self._drawn.randbytes(32))

    def _vote(self) -> tuple[Channel, bytes]:
        view = self._view()
        kind = self._drawn.choice((Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE))
        parent, digest = (View(0), ZERO_HASH) if kind is Kind.NULLIFY else (View(view - 1), self._digest())
        statement = Statement(kind, Epoch(self._drawn.choice((0, 0, 0, 1))), view, parent, digest)
        signed = self._key.sign(sign_bytes(self._domain, statement)).signature
        return Channel.VOTES, encode_vote(Vote(statement, self._index, signed))

    def _certificate(self) -> tuple[Channel, bytes]:
        statement = Statement(Kind.NULLIFY, Epoch(0), self._view(), View(0), ZERO_HASH)
        signed = self._key.sign(sign_bytes(self._domain, statement)).signature
        return Channel.CERTIFICATES, encode_certificate(Certificate(statement, b"\x07", (signed,) * 3))

    def _proposal(self) -> tuple[Channel, bytes]:
        return Channel.PROPOSALS, mutate_bytes(self._drawn, samples.proposals())

    def _status(self) -> tuple[Channel, bytes]:
        high = self._drawn.choice(HOSTILE_INTEGERS)
        status = Status(
            is_resuming=False,
            is_syncing=False,
            final_epoch=Epoch(0),
            final_view=View(high),
            final_height=Height(high),
            final_hash=self._digest(),
            height_oldest=Height(0),
            nonce=bytes(32),
            view=View(high),
            signer=self._index,
            signature=bytes(64),
            entry=None,
        )
        message = sign_bytes(self._domain, status_statement(status, Epoch(0)))
        return Channel.STATUS, encode_status(replace(status, signature=self._key.sign(message).signature))

    def _chunk(self) -> tuple[Channel, bytes]:
        if self._drawn.random() < 0.5:
            return Channel.CHUNKS, wire.encode_chunks(self._digest(), self._drawn.randbytes(50))[0]
        body = self._drawn.randbytes(1) * (2 * wire.CHUNK_BYTES + 1)
        return Channel.CHUNKS, self._drawn.choice(wire.encode_chunks(self._digest(), body))

    def _gossip(self) -> tuple[Channel, bytes]:
        if self._drawn.random() < 0.5:
            return Channel.TRANSACTIONS, wire.encode_announcement([self._digest() for _ in range(64)])
        return Channel.TRANSACTIONS, wire.encode_transactions(samples.transactions())

    def _request(self) -> tuple[Channel, bytes]:
        kind = self._drawn.choice(list(wire.RequestKind))
        far = self._drawn.choice(HOSTILE_INTEGERS)
        payload = self._drawn.choice(
            (
                wire.encode_range_query(0, far),
                wire.encode_range_query(far, 2**64 - 1),
                wire.encode_body_query(self._digest(), far % 2**32),
                b"".join([self._digest() for _ in range(64)]),
            )
        )
        if self._drawn.random() < 0.2:
            return Channel.REPLIES, wire.encode_reply(wire.Reply(far % 2**32, payload))
        return Channel.REQUESTS, wire.encode_request(wire.Request(far % 2**32, kind, payload))


def assert_bounded(bank: Bank, hostile: bytes) -> None:
    """Every container that frames of peers fill keeps within its named bound."""
    node = bank.node
    assert node is not None
    parts = node.inbound._parts
    peers = len(bank.network.banks) - 1
    assert len(node.inbound._early_bodies) <= EARLY_BODIES_MAX
    assert len(node.inbound._helped_at) <= peers
    assert len(parts.bodies._by_peer.get(hostile, {})) <= BODIES_PER_PEER_MAX
    assert len(parts.tree) <= BLOCKS_MAX
    assert len(parts.requester._fetches) <= OPEN_REQUESTS_MAX * peers, "one peer fills the table of fetches"
    assert all(count <= OPEN_REQUESTS_MAX for count in parts.requester._open_counts.values())
    assert len(parts.statuses._by_peer) <= peers
    assert len(parts.sync._claims) <= peers
    state = node.machine.state
    for name in CoreState.__dataclass_fields__:
        held = getattr(state, name)
        if isinstance(held, dict | list | set | tuple):
            assert len(held) <= STATE_ENTRIES_MAX, f"{name} holds {len(held)} entries"
    assert len(state.book._views) <= VIEWS_MAX


@pytest.mark.parametrize("seed", [1, 2])
def test_flood_of_one_peer_harms_nobody(network: SmallNetwork, seed: int) -> None:
    drawn = random.Random(seed)
    victim, hostile_bank = network.banks[0], network.banks[3]
    hostile = Hostile(network, 4, drawn)
    # Links come up, and the first turn of every node is over.
    network.world.advance(50)
    hostile_bank.crash()
    raws = [raw_payment(CAROL_KEY, nonce, BOB, 5) for nonce in range(PAYMENTS)]
    for number in range(FRAMES):
        assert victim.node is not None
        victim.node.inbound.frame_received(hostile_bank.peer, *hostile.frame())
        if number % 100 == 99:
            network.world.advance(5)
            assert_bounded(victim, hostile_bank.peer.key)
    for raw in raws:
        network.banks[1].submit(raw)
    wanted = [keccak256(raw) for raw in raws]
    honest = network.banks[:3]
    network.run_until(
        lambda: all(bank.chain().locate(digest) is not None for bank in honest for digest in wanted), within_ms=60_000
    )
    assert_bounded(victim, hostile_bank.peer.key)

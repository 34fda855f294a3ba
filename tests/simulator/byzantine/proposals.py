"""Actors that lie as leaders: about blocks, their parents, their bodies and their time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from consensus.chain.block import decode_body, encode_body
from consensus.chain.header import Header, decode_header, encode_header
from consensus.chain.merkle import ordered_list_root
from consensus.chain.transaction import sign_dynamic_fee_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View
from consensus.primitives.signatures import address_of_private_key
from consensus.simplex.messages import Proposal, Vote, decode_proposal, decode_vote, encode_proposal, encode_vote
from network.channels import Channel
from network.transport import PeerKey
from node.mempool.pool import PooledTransaction
from node.peers.wire import decode_chunk, encode_chunks
from tests.simulator.byzantine.actor import Actor
from tests.simulator.cluster import CHAIN_ID, private_key
from tests.simulator.ledger_model import Payment
from tests.simulator.taps import Frames


@dataclass(frozen=True, slots=True)
class Forgery:
    """A block in another's place."""

    vote: Vote
    header_rlp: bytes
    body: bytes


class Leader(Actor):
    """Keeps the bodies it proposes, so that it can propose others."""

    REMEMBERED: ClassVar[int] = 8

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same three as every actor
        self._chunks: dict[Hash32, dict[int, bytes]] = {}
        self._forgeries: dict[Hash32, Forgery | None] = {}

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is Channel.CHUNKS:
            chunk = decode_chunk(payload)
            self._chunks.setdefault(chunk.digest, {})[chunk.index] = chunk.content
            while len(self._chunks) > self.REMEMBERED:
                del self._chunks[next(iter(self._chunks))]
        if not self.is_cheated(peer):
            return ((channel, payload),)
        if channel is Channel.PROPOSALS:
            return self._other_proposal(payload)
        if channel is Channel.VOTES:
            forgery = self._forgeries.get(decode_vote(payload).statement.digest)
            return ((channel, payload if forgery is None else encode_vote(forgery.vote)),)
        return ((channel, payload),)

    def is_cheated(self, peer: PeerKey) -> bool:
        """Tell whether a peer is shown the other block; everybody is, unless a subclass says otherwise."""
        return True

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        """Return the block that is proposed instead; None to stay honest this time."""
        raise NotImplementedError

    def _other_proposal(self, payload: bytes) -> Frames:
        proposal = decode_proposal(payload)
        digest = proposal.vote.statement.digest
        if digest not in self._forgeries:
            self._forgeries[digest] = self._forge(proposal)
        forgery = self._forgeries[digest]
        if forgery is None:
            return ((Channel.PROPOSALS, payload),)
        self.deed()
        other = replace(proposal, vote=forgery.vote, header=forgery.header_rlp, body_bytes=len(forgery.body))
        chunks = encode_chunks(forgery.vote.statement.digest, forgery.body)
        return (*((Channel.CHUNKS, chunk) for chunk in chunks), (Channel.PROPOSALS, encode_proposal(other)))

    def _forge(self, proposal: Proposal) -> Forgery | None:
        statement = proposal.vote.statement
        parts = self._chunks.get(statement.digest)
        if parts is None:
            # Proposed again after a restart, or in another view: the body is no longer at hand.
            return None
        forged = self.forged(decode_header(proposal.header), b"".join([parts[index] for index in sorted(parts)]))
        if forged is None:
            return None
        header, body = forged
        header_rlp = encode_header(header)
        other = replace(statement, digest=keccak256(header_rlp))
        return Forgery(Vote(other, self.index, self.signature(other)), header_rlp, body)


class Equivocator(Leader):
    """Proposes one block to one half of its peers and its twin, a millisecond later, to the other.

    Some time later everybody hears of both.
    """

    is_provable = True
    REVEALED_US = 300_000

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        found = super().frames(peer, channel, payload)
        if channel is Channel.PROPOSALS and self.is_cheated(peer):
            votes = [
                encode_vote(decode_proposal(sent).vote)
                for kind, sent in (*found, (channel, payload))
                if kind is channel
            ]
            for vote in votes:
                self.later(self.REVEALED_US, partial(self.send, peer, Channel.VOTES, vote))
        return found

    def is_cheated(self, peer: PeerKey) -> bool:
        return self.is_second_half(peer)

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        return replace(header, timestamp_ms=TimestampMs(header.timestamp_ms + 1)), body


class BoundaryEquivocator(Equivocator):
    """Equivocates only about the last block of an epoch and about the first of the next."""

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        assert self.node.node is not None
        epoch = self.node.node.epochs.current
        place = header.height - epoch.first_height
        if place not in (0, epoch.parameters.epoch_blocks_max - 1):
            return None
        return super().forged(header, body)


class Censor(Actor):
    """As leader leaves out one bank's transactions; other leaders must include them."""

    needs_ledger = True

    def started(self) -> None:
        assert self.node.node is not None
        pool, victim = self.node.node.pool, self.cluster.senders[0]
        right = pool.in_arrival_order

        def censored() -> Iterator[PooledTransaction]:
            for pooled in right():
                if pooled.sender == victim:
                    self.deed()
                else:
                    yield pooled

        pool.in_arrival_order = censored  # type: ignore[method-assign]  # the actor's own node


class HeavyLeader(Actor):
    """Fills blocks up to their limits with its own customers' transactions, to stretch executing them."""

    needs_ledger = True
    EVERY_US = 2_000_000
    LETTERS = 20
    LETTER_BYTES = 60_000

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same three as every actor
        self._customer = private_key(self.cluster.world.seed, f"customer/{self.index}")
        self._nonce = 0

    def started(self) -> None:
        self.every(self.EVERY_US, self._fill)

    def _fill(self) -> None:
        if not self.cluster.is_safety:
            return
        self.deed()
        sender = address_of_private_key(self._customer)
        to = Address(self.drawn.randbytes(20))
        for _ in range(self.LETTERS):
            data = self.drawn.randbytes(self.LETTER_BYTES)
            raw = sign_dynamic_fee_transaction(
                self._customer, chain_id=CHAIN_ID, nonce=self._nonce, gas_limit=3_000_000, to=to, data=data
            )
            self.cluster.checkers.submitted[raw] = Payment(raw, sender, self._nonce, to, 0)
            self._nonce += 1
            self.node.submit(raw, lambda _verdict: None)


class WrongParent(Leader):
    """Proposes on a parent that is not the justified one, or at a height that is off by one."""

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        way = self.drawn.randrange(4)
        if way == 0:
            return replace(header, parent_hash=Hash32(self.drawn.randbytes(32))), body
        if way == 1:
            assert self.node.node is not None
            return replace(header, parent_hash=self.node.node.tree.final_hash, height=header.height), body
        return replace(header, height=Height(header.height + (1 if way == 2 else -1))), body


class WrongRoot(Leader):
    """Proposes a valid-looking block in which one of the roots, the bloom or the gas is false."""

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        other = Hash32(self.drawn.randbytes(32))
        ways = (
            replace(header, state_root=other),
            replace(header, receipts_root=other),
            replace(header, logs_bloom=other * 8),
            replace(header, gas_used=header.gas_used + 1),
            replace(header, requests_hash=other),
        )
        return self.drawn.choice(ways), body


class RuleBreaker(Leader):
    """Proposes a block with a transaction, a time or a limit that no rule allows."""

    needs_ledger = True

    def forged(self, header: Header, body: bytes) -> tuple[Header, bytes] | None:
        way = self.drawn.randrange(4)
        if way == 0:
            return replace(header, timestamp_ms=TimestampMs(header.timestamp_ms + 3_600_000)), body
        if way == 1:
            return replace(header, gas_limit=header.gas_limit + 1), body
        transactions = decode_body(body)
        # A blob transaction, which this network does not have; or one transaction twice, which reuses a nonce.
        transactions.append(transactions[0] if way == 2 and transactions else b"\x03" + self.drawn.randbytes(40))
        root = ordered_list_root(transactions)
        return replace(header, transactions_root=root), encode_body(transactions)


class BodyWithholder(Actor):
    """Sends headers to all and the body to exactly Q − f, or Q, validators; answers nobody who asks for it."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is Channel.REPLIES:
            self.deed()
            return ()
        if channel is not Channel.CHUNKS:
            return ((channel, payload),)
        quorum = self.cluster.checkers.quorum
        faulty_max = len(self.cluster.nodes) - quorum
        # The body decides how many get it, so that every chunk of it goes to the same ones; the actor has it itself.
        digest = decode_chunk(payload).digest
        receivers = (quorum if digest[0] % 2 else quorum - faulty_max) - 1
        turn = digest[1] % len(self.peers)
        if (self.peers.index(peer) + turn) % len(self.peers) < receivers:
            return ((channel, payload),)
        self.deed()
        return ()


class EdgeLeader(Actor):
    """Proposes just before its time-out expires: to some before it, to others after it."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.PROPOSALS:
            return ((channel, payload),)
        self.deed()
        parameters = self.cluster.genesis.parameters
        leader_ms = parameters.block_interval_min_ms + parameters.build_budget_ms + 2 * parameters.network_delta_ms
        around_ms = 150 if self.is_second_half(peer) else -150
        view = decode_proposal(payload).vote.statement.view
        self.later((leader_ms + around_ms) * 1_000, lambda: self.send(peer, channel, payload, view))
        return ()


class StaleJustifier(Actor):
    """Proposes with missing, outdated, other-epoch or surplus certificates."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.PROPOSALS:
            return ((channel, payload),)
        proposal = decode_proposal(payload)
        other = self._justified_otherwise(proposal)
        if other is None:
            return ((channel, payload),)
        self.deed()
        return ((channel, encode_proposal(other)),)

    def _justified_otherwise(self, proposal: Proposal) -> Proposal | None:
        parent = proposal.parent_certificate
        # Honest three times of four, because a wrong justification costs its links for minutes.
        way = self.drawn.randrange(16)
        if way == 0 and parent is not None:
            return replace(proposal, parent_certificate=None)
        if way == 1 and parent is not None:
            outdated = replace(parent.statement, view=View(max(1, parent.statement.view - 1)), parent_view=View(0))
            return replace(proposal, parent_certificate=replace(parent, statement=outdated))
        if way == 2 and parent is not None:
            foreign = replace(parent.statement, epoch=Epoch(parent.statement.epoch + 1))
            return replace(proposal, parent_certificate=replace(parent, statement=foreign))
        if way in (3, 4, 5) and proposal.nullifications:
            return replace(proposal, nullifications=proposal.nullifications[1:])
        return None

"""What must hold, judged from what leaves a node, what is on its disk and what its clients were told.

Nothing here asks a node for its opinion, and the arithmetic of quorums, votes and money is written a second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from consensus.chain.block import Block
from consensus.chain.header import NO_REQUESTS_HASH
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, ValidatorIndex
from consensus.simplex.events import Verdict
from consensus.simplex.messages import (
    Certificate,
    Kind,
    MalformedConsensusMessage,
    Statement,
    Vote,
    decode_certificate,
    decode_proposal,
    decode_vote,
    encode_statement,
)
from consensus.simplex.validators import decode_set_payload
from network.channels import Channel
from node.chain.feed import FinalBlock
from node.chain.store import ChainStore
from node.execution.genesis_state import Genesis
from node.storage.errors import MissingRecord
from node.storage.schema import body_key, header_key, results_key
from tests.simulator.disk import Disk
from tests.simulator.disk_checks import check_equal_bytes, check_state_root
from tests.simulator.ledger_model import LedgerModel, Payment
from tests.simulator.world import Broken


@dataclass(frozen=True, slots=True)
class Final:
    """A block that some client was told is final."""

    height: int
    block_hash: Hash32
    parent_hash: Hash32
    epoch: int
    view: int
    transactions: tuple[bytes, ...]


class EpochSet:
    """Who votes in an epoch, by index, and how many of them decide."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = keys
        count = len(keys)
        # Counted, not computed: the most faulty validators of which three and one more still fit in.
        self.quorum = count - max(faulty for faulty in range(count) if 3 * faulty + 1 <= count)


class Checkers:
    """All checkers of one seed. Every method raises `Broken` and returns nothing."""

    def __init__(
        self,
        genesis: Genesis,
        *,
        chain_id: int,
        currency: Address,
        opening: dict[Address, int],
        byzantine: Sequence[int],
        has_ledger: bool = True,
    ) -> None:
        """Without a ledger nothing is asked about money."""
        self._genesis_hash = genesis.executed.block.block_hash
        self._sets = [EpochSet([validator.consensus_key for validator in genesis.validators.validators])]
        self._owners = {key: index for index, key in enumerate(self._sets[0].keys)}
        self._chain_id = chain_id
        self._byzantine = byzantine
        self._said: dict[tuple[int, int, int], set[Statement]] = {}
        self._verified: set[tuple[int, bytes, bytes]] = set()
        self._nullifiers: dict[tuple[int, int], set[int]] = {}
        self._parent_views: dict[tuple[Hash32, int], int] = {}
        self.finals: dict[int, Final] = {0: Final(0, self._genesis_hash, Hash32(bytes(32)), 0, 0, ())}
        self._told_height: dict[int, int] = {}
        self._verdicts: dict[Hash32, tuple[int, Verdict]] = {}
        self._heads_read: dict[int, int] = {}
        self._ledger = LedgerModel(currency, opening) if has_ledger else None
        self.votes_checked = self.certificates_checked = self.nullify_votes = 0

    @property
    def quorum(self) -> int:
        """How many validators decide in the newest epoch."""
        return self._sets[-1].quorum

    def signer_of(self, vote: Vote) -> int | None:
        """Return whose key a vote's signer has in its epoch; None if there is no such epoch or signer."""
        key = self._key_of(vote.statement.epoch, vote.signer)
        return None if key is None else self._owners.get(key)

    def _key_of(self, epoch: int, signer: int) -> bytes | None:
        if epoch >= len(self._sets) or signer >= len(self._sets[epoch].keys):
            return None
        return self._sets[epoch].keys[signer]

    @property
    def submitted(self) -> dict[bytes, Payment]:
        """Payments by their bytes, as their senders meant them."""
        assert self._ledger is not None
        return self._ledger.submitted

    # What leaves a node

    def frame_leaves(self, index: int, channel: Channel, payload: bytes, disk: Disk) -> None:
        """Look at a frame that validator `index` hands to its links."""
        if index in self._byzantine:
            self._note_byzantine(index, channel, payload)
            return
        if channel is Channel.VOTES:
            self._vote_leaves(index, decode_vote(payload), disk)
        elif channel is Channel.PROPOSALS:
            proposal = decode_proposal(payload)
            self._vote_leaves(index, proposal.vote, disk)
            for certificate in (proposal.parent_certificate, *proposal.nullifications):
                if certificate is not None:
                    self._certificate_leaves(certificate)
        elif channel is Channel.CERTIFICATES:
            self._certificate_leaves(decode_certificate(payload))

    def _note_byzantine(self, index: int, channel: Channel, payload: bytes) -> None:
        """Take what an actor really signed: any of it may end in a certificate."""
        try:
            if channel is Channel.VOTES:
                vote = decode_vote(payload)
            elif channel is Channel.PROPOSALS:
                vote = decode_proposal(payload).vote
            else:
                return
        except MalformedConsensusMessage:
            return
        statement = vote.statement
        if statement.kind is Kind.NULLIFY and self.signer_of(vote) == index and self.is_signed(vote):
            self._nullifiers.setdefault((statement.epoch, statement.view), set()).add(vote.signer)

    def is_signed(self, vote: Vote) -> bool:
        """Tell whether a vote has its signer's signature."""
        message = self._sign_bytes(vote.statement)
        known = (vote.signer, message, vote.signature)
        if known in self._verified:
            return True
        key = self._key_of(vote.statement.epoch, vote.signer)
        if key is None:
            return False
        try:
            VerifyKey(key).verify(message, vote.signature)
        except (BadSignatureError, ValueError):
            return False
        self._verified.add(known)
        return True

    def _note(self, vote: Vote) -> None:
        statement = vote.statement
        if statement.kind is Kind.NULLIFY:
            self._nullifiers.setdefault((statement.epoch, statement.view), set()).add(vote.signer)
        else:
            # An honest voter has checked it; an actor may say anything about somebody else's block. The last block of
            # an epoch may be proposed again, in another view and on itself.
            self._parent_views[statement.digest, statement.view] = statement.parent_view

    def _vote_leaves(self, index: int, vote: Vote, disk: Disk) -> None:
        statement = vote.statement
        if self.signer_of(vote) != index:
            raise Broken("no_double_sign", f"validator {index} sends a vote of validator {self.signer_of(vote)}")
        self._note(vote)
        self._verify_signature(vote.signer, statement, vote.signature)
        said = self._said.setdefault((index, statement.epoch, statement.view), set())
        if statement not in said:
            self._check_double_sign(index, statement, said)
            self._check_durable(index, statement, disk)
            said.add(statement)
            self.votes_checked += 1
            self.nullify_votes += statement.kind is Kind.NULLIFY

    def _check_double_sign(self, index: int, statement: Statement, said: set[Statement]) -> None:
        for other in said:
            if exclude_each_other(other, statement):
                raise Broken(
                    "no_double_sign",
                    f"validator {index}, view {statement.view}: {_shown(other)} and {_shown(statement)}",
                )

    def _check_durable(self, index: int, statement: Statement, disk: Disk) -> None:
        where = f"validator {index}, view {statement.view}: {_shown(statement)} leaves"
        if not disk.logged(encode_statement(statement)):
            raise Broken("durable_before_send", f"{where} and is not in the synced log")
        if not disk.guarded(self._sign_bytes(statement)):
            raise Broken("durable_before_send", f"{where} and is not in the synced guard")
        if statement.kind is not Kind.NULLIFY and not disk.has_body(statement.digest):
            raise Broken("durable_before_send", f"{where} and the body is not on disk")

    def _certificate_leaves(self, certificate: Certificate) -> None:
        statement = certificate.statement
        signers = certificate.signers
        where = f"{_shown(statement)} in view {statement.view}"
        if statement.epoch >= len(self._sets):
            raise Broken("certificate_soundness", f"{where} is of epoch {statement.epoch}, which has not begun")
        quorum = self._sets[statement.epoch].quorum
        if len(set(signers)) < quorum or len(signers) != len(certificate.signatures):
            raise Broken("certificate_soundness", f"{where} has {len(signers)} signers, the quorum is {quorum}")
        for signer, signature in zip(signers, certificate.signatures, strict=True):
            self._verify_signature(signer, statement, signature)
        if statement.kind is Kind.NULLIFY:
            self._nullifiers.setdefault((statement.epoch, statement.view), set()).update(signers)
        self.certificates_checked += 1

    def _verify_signature(self, signer: int, statement: Statement, signature: bytes) -> None:
        if not self.is_signed(Vote(statement, ValidatorIndex(signer), signature)):
            raise Broken("certificate_soundness", f"wrong signature of validator {signer}")

    def _sign_bytes(self, statement: Statement) -> bytes:
        numbers = (statement.epoch, statement.kind, statement.view, statement.parent_view)
        epoch, kind, view, parent_view = (
            number.to_bytes(size, "big") for number, size in zip(numbers, (8, 1, 8, 8), strict=True)
        )
        return (
            b"sycee-consensus/1"
            + self._chain_id.to_bytes(8, "big")
            + self._genesis_hash
            + epoch
            + kind
            + view
            + parent_view
            + statement.digest
        )

    def check_evidence(
        self, name: str, heard: Mapping[tuple[int, int, int], set[Statement]], accused: set[str]
    ) -> None:
        """Whoever heard a validator say two things that exclude each other has accused it."""
        for (signer, _, view), statements in heard.items():
            is_guilty = any(exclude_each_other(one, other) for one, other in combinations(statements, 2))
            if is_guilty and f"v{signer}" not in accused:
                raise Broken("evidence_complete", f"{name} heard v{signer} contradict itself in view {view}")

    # What nodes tell their clients

    def told_final(self, index: int, final: FinalBlock, disk: Disk) -> None:
        """A node told its subscribers of a final block."""
        height = int(final.block.header.height)
        if height != self._told_height.get(index, 0) + 1:
            raise Broken(
                "monotone_height", f"validator {index} tells height {height} after {self._told_height.get(index, 0)}"
            )
        self._told_height[index] = height
        told = _final_of(final.block)
        known = self.finals.get(height)
        if known is None:
            self._learn(told, [receipt.succeeded for receipt in final.receipts])
            self._follow_set(final.block, disk)
        elif known != told:
            raise Broken(
                "agreement",
                f"height {height}: 0x{known.block_hash.hex()} is final, validator {index} says "
                f"0x{told.block_hash.hex()}",
            )
        if self._ledger is not None:
            self._ledger.check_state(index, height, disk)

    def restarted(self, index: int, disk: Disk, *, is_damaged: bool = False) -> None:
        """A node is about to start from its disk: what it told before must be there."""
        if index in self._byzantine:
            return
        chain = disk.chain
        try:
            height = int(chain.final_head().height)
        except MissingRecord as error:
            raise Broken("monotone_height", f"validator {index}: {error}") from error
        told = self._told_height.get(index, 0)
        if height < told and not is_damaged:
            raise Broken("monotone_height", f"validator {index} told height {told}, its disk ends at {height}")
        # What was committed and not told before the crash is never told: subscribers live in the process.
        self._told_height[index] = height
        for unknown in range(max(self.finals) + 1, height + 1):
            block, results = chain.block(Height(unknown)), chain.results(Height(unknown))
            assert block is not None and results is not None
            self._learn(_final_of(block), [receipt.succeeded for receipt in results.receipts])
            self._follow_set(block, disk)

    def _learn(self, told: Final, outcomes: Sequence[bool]) -> None:
        self._check_ancestry(told)
        self.finals[told.height] = told
        if self._ledger is not None:
            self._ledger.apply(told.height, told.transactions, outcomes)

    def _check_ancestry(self, told: Final) -> None:
        parent = self.finals.get(told.height - 1)
        if parent is None or parent.block_hash != told.parent_hash:
            raise Broken("ancestry", f"height {told.height} is not the child of height {told.height - 1}")
        parent_view = self._parent_views.get((told.block_hash, told.view))
        if parent_view is None:
            raise Broken("ancestry", f"height {told.height} is final and nobody voted for it in view {told.view}")
        quorum = self._sets[told.epoch].quorum
        for view in range(parent_view + 1, told.view):
            if len(self._nullifiers.get((told.epoch, view), ())) < quorum:
                raise Broken(
                    "ancestry", f"height {told.height} skips view {view}, which no quorum of validators nullified"
                )

    def _follow_set(self, block: Block, disk: Disk) -> None:
        """Take the next epoch's set from a node, if the block commits to one."""
        header = block.header
        if header.requests_hash == NO_REQUESTS_HASH or header.epoch + 1 < len(self._sets) or not header.height:
            return
        record = disk.chain.epoch_record(Epoch(header.epoch + 1))
        if record is None:
            raise Broken(
                "certificate_soundness", f"height {header.height} ends epoch {header.epoch}, and no set follows"
            )
        first_height, payload = record
        # EIP-7685: the hash of the hashes of all requests, here of one with its type before it.
        committed = sha256(sha256(b"\x5c" + payload).digest()).digest()
        if first_height != header.height + 1 or committed != header.requests_hash:
            raise Broken("certificate_soundness", f"the set after height {header.height} is not the one in its header")
        self._sets.append(EpochSet([validator.consensus_key for validator in decode_set_payload(payload)[1]]))

    def block_judged(self, index: int, digest: Hash32, verdict: Verdict) -> None:
        """A node executed a block: its verdict is about the block, so nobody may come to another."""
        if index in self._byzantine or verdict is Verdict.UNKNOWN:
            return
        known = self._verdicts.setdefault(digest, (index, verdict))
        if known[1] is not verdict:
            raise Broken(
                "verdict_agreement",
                f"block 0x{digest.hex()[:8]}: validator {known[0]} says {known[1].value}, "
                f"validator {index} {verdict.value}",
            )

    # Clients

    def answered(self, index: int, height: int, block_hash: Hash32, head: int, disk: Disk) -> None:
        """A client read a height and the head of a node."""
        if head < self._heads_read.get(index, 0) and not disk.is_damaged:
            raise Broken(
                "final_stays_final", f"validator {index} answered from {self._heads_read[index]}, now from {head}"
            )
        self._heads_read[index] = head
        final = self.finals.get(height)
        if final is not None and final.block_hash != block_hash:
            raise Broken(
                "final_stays_final",
                f"height {height}: 0x{final.block_hash.hex()} is final, validator {index} reads 0x{block_hash.hex()}",
            )
        if final is not None and self._ledger is not None:
            self._ledger.check_state(index, height, disk)

    def client_told(self, index: int, raw: bytes, located: tuple[Height, int] | None, disk: Disk) -> None:
        """A client asked a node where its transaction is."""
        assert self._ledger is not None
        included = self._ledger.final_height_of(raw)
        head = disk.chain.final_head().height
        if located is None:
            if included is not None and included <= head:
                raise Broken("final_stays_final", f"validator {index} at {head} misses a payment of {included}")
            return
        height, place = located
        final = self.finals.get(height)
        # A node may serve from disk what its loop has not told yet; then nobody knows better.
        if final is not None and (place >= len(final.transactions) or final.transactions[place] != raw):
            raise Broken("final_stays_final", f"validator {index}: no such payment at {height}/{place}")

    # Disks

    def check_disks(self, found: Iterable[tuple[int, Disk]]) -> None:
        """Compare the disks of all nodes byte by byte, and recompute each state root plainly."""
        disks = list(found)
        check_equal_bytes(disks)
        records: dict[bytes, bytes] = {}
        for index, disk in disks:
            chain = disk.chain
            head = chain.final_head()
            for height in range(1, head.height + 1):
                self._check_stored_height(index, disk, Height(height), records)
                encoded = chain.own_finalization(Height(height))
                if encoded is not None:
                    certificate = decode_certificate(encoded)
                    self._certificate_leaves(certificate)
                    if certificate.statement.digest != self._hash_at(height, chain):
                        raise Broken("certificate_soundness", f"validator {index}: height {height} is not finalized")
            if self._ledger is not None:
                check_state_root(index, disk)

    def _hash_at(self, height: int, chain: ChainStore) -> Hash32:
        rlp_bytes = chain.header_rlp(Height(height))
        assert rlp_bytes is not None
        return keccak256(rlp_bytes)

    def _check_stored_height(self, index: int, disk: Disk, height: Height, records: dict[bytes, bytes]) -> None:
        for key in (header_key(height), body_key(height), results_key(height)):
            value = disk.store.get(key)
            if value is None or records.setdefault(key, value) != value:
                raise Broken("equal_bytes_on_disk", f"validator {index}, height {height}: record 0x{key.hex()}")
        final = self.finals.get(height)
        if final is not None and final.block_hash != self._hash_at(height, disk.chain):
            raise Broken("agreement", f"validator {index}: height {height} on disk is not the final block")


def exclude_each_other(one: Statement, other: Statement) -> bool:
    """Tell whether two statements of one validator in one view prove it faulty."""
    if one.epoch != other.epoch:
        return False
    if one.kind is other.kind:
        return one != other
    return {one.kind, other.kind} == {Kind.NULLIFY, Kind.FINALIZE}


def _final_of(block: Block) -> Final:
    header = block.header
    return Final(
        int(header.height),
        block.block_hash,
        header.parent_hash,
        int(header.epoch),
        int(header.view),
        tuple(block.transactions),
    )


def _shown(statement: Statement) -> str:
    return f"{statement.kind.name.lower()} 0x{statement.digest.hex()[:8]}"

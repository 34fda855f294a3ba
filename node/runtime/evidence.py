"""Evidence from the moment it is found: on disk first, then to every peer once, then to the registry by a transaction.

Whoever was offline when it was gossiped learns of it from the chain. Nothing is taken from anybody here: the registry
suspends, people decide. Source: consensus.md §10; docs/adr/0013-evidence-is-an-ordinary-transaction.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.chain.transaction import make_keyless_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Epoch, Hash32, Height
from consensus.simplex.evidence import (
    ConflictingVotes,
    Evidence,
    InvalidEvidence,
    accusations,
    decode_accusation,
    encode_accusation,
    verify_accusation,
)
from consensus.simplex.messages import SigningDomain, encode_vote
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.declarations import encode_call
from contracts.native.dispatch import find_function
from contracts.native.validator_evidence import evidence_known_slot
from contracts.native.validators import VALIDATOR_REGISTRY as REGISTRY
from node.chain.store import ChainStore
from node.peers.wire import MalformedMessage
from node.runtime.epochs import Epochs
from node.runtime.ports import Lane, Workers
from node.state.reader import StateReader
from node.storage.kv import WriteBatch
from node.storage.schema import evidence_key

EVIDENCE_EPOCHS_MAX = 2
"""Epochs back from the running one in which the registry still takes evidence: older sets are not on record there."""

RECORDS_PER_VALIDATOR_MAX = 64
"""Contradictions of one validator in one epoch that are kept: one suspends it, sixty-four show a habit; a thousand
would only fill disks."""

REPORT_GAS = 200_000
"""Gas limit of a report: twice what the registry and the calldata take; part of the transaction that all derive."""

REPORTS_PER_TICK_MAX = 4
"""Reports handed to the mempool at once, so that an attack does not crowd out payments."""

_REPORT = find_function(REGISTRY, "reportEvidence")
_Key = tuple[Epoch, int, int]


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One contradiction as people and clients see it."""

    accusation: ConflictingVotes
    consensus_key: bytes
    """Whose votes they are; empty if that epoch's set is not on record."""
    transaction_hash: Hash32
    """Of the report that every holder of this evidence derives."""
    height: Height | None
    """Where that report is final; None while it is not."""


@dataclass(frozen=True, slots=True)
class EvidenceParts:
    """What the desk reads and speaks through."""

    chain: ChainStore
    epochs: Epochs
    domain: SigningDomain
    workers: Workers
    final_state: Callable[[], StateReader]
    broadcast: Callable[[bytes], None]
    submit: Callable[[bytes], None]
    """Hand a transaction to the mempool, as a client would."""
    is_pending: Callable[[Hash32], bool]
    accused: Callable[[ConflictingVotes], None]
    """Called once in each life of the node for every contradiction it knows of."""
    failed: Callable[[BaseException], None]


class EvidenceDesk:
    """Owned by the loop thread; records are written on the store thread."""

    def __init__(self, parts: EvidenceParts) -> None:
        self._parts = parts
        self._known: dict[_Key, ConflictingVotes] = {}
        self._to_report: dict[_Key, bytes] = {}
        for accusation in parts.chain.evidence():
            self._remember(accusation)

    @property
    def count(self) -> int:
        """How many contradictions are on this node's disk."""
        return len(self._known)

    def start(self) -> None:
        """Say again, after a restart, whom the evidence on disk accuses in the epochs that still count."""
        for key, accusation in self._known.items():
            if self._is_current(key[0]):
                self._parts.accused(accusation)

    def found(self, evidence: Evidence) -> None:
        """Take what the own machine noticed."""
        for accusation in accusations(evidence):
            self._take(accusation)

    def received(self, _peer: bytes, payload: bytes) -> None:
        """Take what a peer says that somebody signed.

        Raises: MalformedMessage if it proves nothing: no honest peer passes that on.
        """
        try:
            accusation = decode_accusation(payload)
            epoch = accusation.first.statement.epoch
            if _key_of(accusation) in self._known or not self._is_current(epoch):
                return
            validators = self._parts.epochs.set_of(epoch)
            if validators is None:
                return
            verify_accusation(self._parts.domain, validators, accusation)
        except InvalidEvidence as error:
            raise MalformedMessage(str(error)) from error
        self._take(accusation)

    def tick(self) -> None:
        """Report what the registry does not know yet; called about once a second."""
        reported = 0
        for key, raw in list(self._to_report.items()):
            if self._is_settled(key, raw):
                del self._to_report[key]
            elif reported < REPORTS_PER_TICK_MAX and not self._parts.is_pending(keccak256(raw)):
                reported += 1
                self._parts.submit(raw)

    def _take(self, accusation: ConflictingVotes) -> None:
        epoch, signer, _ = key = _key_of(accusation)
        of_signer = sum(1 for known in self._known if known[:2] == (epoch, signer))
        if key in self._known or of_signer >= RECORDS_PER_VALIDATOR_MAX:
            return
        self._remember(accusation)
        self._parts.accused(accusation)
        encoded = encode_accusation(accusation)
        batch = WriteBatch()
        batch.put(evidence_key(*key), encoded)
        self._parts.workers.submit(
            Lane.STORE,
            lambda: self._parts.chain.store.write(batch, sync=True),
            lambda _: self._parts.broadcast(encoded),
            self._parts.failed,
        )

    def _remember(self, accusation: ConflictingVotes) -> None:
        key = _key_of(accusation)
        self._known[key] = accusation
        if self._is_current(key[0]):
            self._to_report[key] = report_transaction(self._parts.domain.chain_id, accusation)

    def _is_current(self, epoch: Epoch) -> bool:
        running = self._parts.epochs.epoch
        return running - EVIDENCE_EPOCHS_MAX <= epoch <= running

    def _is_settled(self, key: _Key, raw: bytes) -> bool:
        """Tell whether the registry knows it, by whomever, or will never take it."""
        epoch, signer, view = key
        validators = self._parts.epochs.set_of(epoch)
        if validators is None or not self._is_current(epoch):
            return True
        slot = evidence_known_slot(validators.validators[signer].consensus_key, epoch, view)
        is_known = self._parts.final_state().storage(VALIDATOR_REGISTRY, slot) != 0
        return is_known or self._parts.chain.locate(keccak256(raw)) is not None


def report_transaction(chain_id: int, accusation: ConflictingVotes) -> bytes:
    """Return the raw transaction that reports a contradiction; the same for everybody who holds it."""
    data = encode_call(_REPORT, encode_vote(accusation.first), encode_vote(accusation.second))
    return make_keyless_transaction(chain_id=chain_id, gas_limit=REPORT_GAS, to=VALIDATOR_REGISTRY, data=data)


def evidence_records(chain: ChainStore, epochs: Epochs, chain_id: int) -> list[EvidenceRecord]:
    """Return everything on disk, oldest first, with what became of each report."""
    records = []
    for accusation in chain.evidence():
        transaction_hash = keccak256(report_transaction(chain_id, accusation))
        place = chain.locate(transaction_hash)
        first = accusation.first
        validators = epochs.set_of(first.statement.epoch)
        key = b"" if validators is None else validators.validators[first.signer].consensus_key
        records.append(EvidenceRecord(accusation, key, transaction_hash, None if place is None else place[0]))
    return records


def _key_of(accusation: ConflictingVotes) -> _Key:
    statement = accusation.first.statement
    return statement.epoch, accusation.first.signer, statement.view

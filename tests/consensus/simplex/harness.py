"""An in-memory network of machines whose hosts keep the contract of consensus.md §6, on a simulated clock.

Everything random comes from one seeded generator. Checkers look at what leaves a host, not at what it believes.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from consensus.primitives.scalars import Hash32, ValidatorIndex, View
from consensus.simplex.admission import Admission
from consensus.simplex.certificates import verify_certificate
from consensus.simplex.effects import (
    Broadcast,
    BuildBlock,
    Certify,
    Effect,
    FetchBlock,
    FetchCertificates,
    Finalize,
    Persist,
    ReportEvidence,
    Send,
    SetTimer,
    SignAndSend,
    StopReason,
    StopVoting,
)
from consensus.simplex.events import (
    BlockBuilt,
    BlockCertified,
    BodyAvailable,
    CertificateReceived,
    ChainAdvanced,
    EpochReady,
    Event,
    HeaderFacts,
    HeaderFetched,
    PeerStatus,
    PendingChanged,
    Persisted,
    ProposalReceived,
    Recovered,
    SyncChanged,
    TimerFired,
    TimerKind,
    Verdict,
    ViewZero,
    VoteReceived,
)
from consensus.simplex.evidence import Evidence
from consensus.simplex.machine import Machine
from consensus.simplex.messages import (
    Certificate,
    Kind,
    Proposal,
    Statement,
    encode_certificate,
    encode_proposal,
    encode_vote,
)
from consensus.simplex.parameters import Parameters
from consensus.simplex.records import CertificateRecord, HeaderRecord, OwnVoteRecord, Record
from consensus.simplex.validators import ValidatorSet
from tests.consensus.simplex.blocks import GENESIS_HEAD, START_MS, Block, make_block, read_header
from tests.consensus.simplex.faults import Faults
from tests.consensus.simplex.keys import DOMAIN, validator_set, vote

EVENTS_PER_INSTANT_MAX = 5_000
"""More events than this at one instant mean a loop that time cannot end."""
STATUS_EVERY_MS = 2_000
FETCH_RETRY_MS = 300

Message = tuple[str, bytes]
"""Kind of message and its bytes, as a link carries them."""


class Broken(AssertionError):
    """A property that must hold does not."""


@dataclass(slots=True)
class Disk:
    """What survives a crash."""

    head: ViewZero = GENESIS_HEAD
    chain: list[Hash32] = field(default_factory=lambda: [GENESIS_HEAD.facts.digest])
    records: list[Record] = field(default_factory=list)
    synced: int = 0
    """How many records are surely on disk."""
    blocks: dict[Hash32, Block] = field(default_factory=dict)
    """Blocks whose bodies are on disk."""
    guard: dict[tuple[int, int], list[Statement]] = field(default_factory=dict)
    validators: ValidatorSet | None = None


class Host:
    """One validator: a machine, its disk, its links."""

    def __init__(self, network: "Network", index: int) -> None:
        self.network = network
        self.index = ValidatorIndex(index)
        self.disk = Disk()
        self.incarnation = 0
        self.is_up = False
        self.evidence: list[Evidence] = []
        self.stopped: list[StopReason] = []
        self.armed: list[tuple[int, SetTimer]] = []
        self.fired: list[TimerKind] = []
        self.pool: set[int] = set()
        self.is_deaf_to_gossip = False

    # Life

    def start(self) -> None:
        self.incarnation += 1
        self.is_up = True
        self.machine = Machine()
        self.admission = Admission(DOMAIN, self.machine, read_header)
        self.waiting: deque[Event] = deque()
        self.is_syncing_disk = False
        self.timers: dict[TimerKind, tuple[View, int]] = {}
        self.executing: set[Hash32] = set()
        self.fetching: set[Hash32] = set()
        self.was_pending = False
        self.is_replayed = False
        disk = self.disk
        if disk.validators is None:
            disk.validators = validator_set(self.network.count)
        headers = tuple(read_header(record.header) for record in disk.records if isinstance(record, HeaderRecord))
        self.take(
            Recovered(
                head=disk.head,
                validators=disk.validators,
                parameters=self.network.parameters,
                own_index=self.index,
                records=tuple(disk.records),
                headers=headers,
                bodies=tuple(disk.blocks),
                resume_view=View(0),
            )
        )
        for other in self.network.hosts:
            if other is not self and other.is_up:
                self.take(PeerStatus(other.index, True))
                other.take(PeerStatus(self.index, True))
        if self.network.has_status:
            self.network.after(self.network.random.randrange(STATUS_EVERY_MS), self, self.tell_status)

    def crash(self) -> None:
        """Lose memory, and of the records not yet synced a random tail."""
        self.is_up = False
        self.incarnation += 1
        disk = self.disk
        kept = self.network.random.randint(disk.synced, len(disk.records))
        del disk.records[kept:]
        disk.synced = kept
        for other in self.network.hosts:
            if other is not self and other.is_up:
                other.take(PeerStatus(self.index, False))

    # Turns

    def take(self, event: Event) -> None:
        """Queue an event; step now unless a sync is under way."""
        if not self.is_up:
            return
        self.waiting.append(event)
        if not self.is_syncing_disk:
            self.is_syncing_disk = True
            self.network.after(0, self, self.turn)

    def turn(self) -> None:
        effects: list[Effect] = []
        sequences: list[int] = []
        must_sync = False
        while self.waiting:
            for effect in self.machine.step(self.waiting.popleft(), self.network.now_ms):
                if isinstance(effect, Persist):
                    self.disk.records.extend(effect.records)
                    must_sync |= effect.must_sync
                    sequences.append(effect.sequence)
                else:
                    effects.append(effect)
        self.is_replayed = True
        count = len(self.disk.records)
        if must_sync:
            delay_ms = self.network.random.randint(*self.network.faults.sync_ms)
            self.network.after(delay_ms, self, lambda: self.synced(count, sequences, effects))
        else:
            self.is_syncing_disk = False
            self.perform(effects)

    def synced(self, count: int, sequences: list[int], effects: list[Effect]) -> None:
        self.disk.synced = max(self.disk.synced, min(count, len(self.disk.records)))
        self.is_syncing_disk = False
        for sequence in sequences:
            self.take(Persisted(sequence))
        self.perform(effects)

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case SignAndSend():
                    self.sign_and_send(effect)
                case Send(to, certificates):
                    for certificate in certificates:
                        self.network.send(self, to, ("certificate", encode_certificate(certificate)))
                case Broadcast(certificate):
                    self.network.send_all(self, ("certificate", encode_certificate(certificate)))
                case BuildBlock():
                    self.later_execute(lambda asked=effect: self.build(asked))  # type: ignore[misc]
                case Certify(digest):
                    if digest not in self.executing:
                        self.executing.add(digest)
                        self.later_execute(lambda asked=digest: self.execute(asked))  # type: ignore[misc]
                case FetchBlock(digest, _):
                    if digest not in self.fetching:
                        self.fetching.add(digest)
                        self.network.after(30, self, lambda asked=digest: self.fetch(asked))  # type: ignore[misc]
                case FetchCertificates(first, last):
                    asked = first.to_bytes(8, "big") + last.to_bytes(8, "big")
                    self.network.send(self, self.network.any_peer(self), ("certificates?", asked))
                case SetTimer():
                    self.set_timer(effect)
                case Finalize(digests, finalization):
                    self.finalize(digests, finalization)
                case ReportEvidence(evidence):
                    self.evidence.append(evidence)
                case StopVoting(reason):
                    self.stopped.append(reason)
                case Persist():
                    raise AssertionError("appended in the turn")
        self.refresh_pending()

    def refresh_pending(self) -> None:
        if not self.is_replayed:
            return
        is_pending = bool(self.pool - self.transactions_in_chain(self.machine.tip_digest))
        if is_pending != self.was_pending:
            self.was_pending = is_pending
            self.take(PendingChanged(is_pending))

    # Effects

    def sign_and_send(self, effect: SignAndSend) -> None:
        statement = effect.statement
        assert self.disk.validators is not None
        if statement.epoch != self.disk.validators.epoch:
            return
        if statement.view <= self.disk.head.view:
            # The guard refuses views at or below the floor; to have asked is harmless only if F came meanwhile.
            return
        durable = self.disk.records[: self.disk.synced]
        is_durable = any(isinstance(record, OwnVoteRecord) and record.statement == statement for record in durable)
        if not is_durable and statement not in self.disk.guard.get((statement.epoch, statement.view), ()):
            raise Broken(f"{self.index} sends {statement} before it is on disk")
        said = self.disk.guard.setdefault((statement.epoch, statement.view), [])
        if statement not in said:
            said.append(statement)
        self.network.check_signed(self, statement, said)
        signed = vote(self.network.count, self.index, statement)
        unsigned = effect.proposal
        if unsigned is None:
            self.network.send_all(self, ("vote", encode_vote(signed)))
        else:
            body = self.disk.blocks[statement.digest].body
            proposal = Proposal(
                signed, unsigned.header, unsigned.body_bytes, unsigned.parent_certificate, unsigned.nullifications
            )
            self.send_proposal(proposal, body)
        self.take(VoteReceived(self.admission.admit_own_vote(signed)))

    def send_proposal(self, proposal: Proposal, body: bytes) -> None:
        self.network.send_all(self, ("proposal", encode_proposal(proposal)))
        self.network.send_all(self, ("block", proposal.header + body))

    def later_execute(self, action: Callable[[], None]) -> None:
        self.network.after(self.network.random.randint(*self.network.faults.execute_ms), self, action)

    def build(self, asked: BuildBlock) -> None:
        parent = self.facts(asked.parent)
        assert self.disk.validators is not None
        fresh = sorted(self.pool - self.transactions_in_chain(asked.parent))
        block = make_block(
            parent,
            epoch=self.disk.validators.epoch,
            view=asked.view,
            timestamp_ms=asked.timestamp_ms,
            transactions=tuple(fresh),
        )
        self.disk.blocks[block.facts.digest] = block
        self.take(BlockBuilt(asked.view, block.facts, block.header, len(block.body), self.is_last(block)))

    def execute(self, digest: Hash32) -> None:
        self.executing.discard(digest)
        block = self.disk.blocks.get(digest)
        if block is None:
            raise Broken(f"{self.index} executes a block whose body is not here")
        if self.network.random.randrange(100) < self.network.faults.unknown_verdict_percent:
            self.take(BlockCertified(digest, Verdict.UNKNOWN, False))
        else:
            verdict = Verdict.INVALID if 666 in block.transactions else Verdict.VALID
            self.take(BlockCertified(digest, verdict, self.is_last(block)))

    def is_last(self, block: Block) -> bool:
        return block.facts.height % self.network.epoch_blocks == 0

    def fetch(self, digest: Hash32) -> None:
        """Ask one peer after the other; what is on disk already is reported like an answer."""
        if digest not in self.fetching:
            return
        block = self.disk.blocks.get(digest)
        if block is not None:
            self.receive_block(block.header + block.body)
            return
        self.network.send(self, self.network.any_peer(self), ("block?", digest))
        self.network.after(FETCH_RETRY_MS, self, lambda: self.fetch(digest))

    def set_timer(self, effect: SetTimer) -> None:
        self.armed.append((self.network.now_ms, effect))
        if effect.at_ms is None:
            self.timers.pop(effect.kind, None)
            return
        wanted = (effect.view, effect.at_ms)
        self.timers[effect.kind] = wanted

        def fire() -> None:
            if self.timers.get(effect.kind) == wanted:
                del self.timers[effect.kind]
                self.fired.append(effect.kind)
                self.take(TimerFired(effect.kind, effect.view))

        self.network.after(max(0, effect.at_ms - self.network.now_ms), self, fire)

    def finalize(self, digests: tuple[Hash32, ...], finalization: Certificate) -> None:
        """Commit what is not committed yet: catching up and the machine may both bring the same height."""
        disk = self.disk
        last = disk.blocks[digests[-1]]
        if last.facts.height <= disk.head.facts.height:
            return
        head = ViewZero(last.facts, finalization.statement.view, finalization)
        assert disk.validators is not None
        verify_certificate(DOMAIN, disk.validators, finalization)
        if finalization.statement.digest != digests[-1]:
            raise Broken(f"{self.index}: the finalization is of another block")
        self.network.finalizations[digests[-1]] = finalization
        for digest in digests:
            block = disk.blocks[digest]
            if block.facts.height <= disk.head.facts.height:
                continue
            if block.facts.parent_digest != disk.chain[-1]:
                raise Broken(f"{self.index}: height {block.facts.height} does not extend the chain")
            disk.chain.append(digest)
            self.network.check_agreement(self, block)
        disk.head = head
        kept = [record for record in disk.records if _is_above(record, head.view)]
        disk.synced = len(kept)
        disk.records = kept
        if self.is_last(last):
            self.network.after(self.network.random.randint(1, 5), self, lambda: self.begin_epoch(last))

    def begin_epoch(self, last: Block) -> None:
        disk = self.disk
        if disk.head.facts.digest != last.facts.digest or disk.head.view == 0:
            return
        disk.head = ViewZero(last.facts, View(0), None)
        disk.records.clear()
        disk.synced = 0
        disk.validators = validator_set(self.network.count, epoch=last.facts.epoch + 1, view_zero=last.facts.digest)
        self.take(EpochReady(disk.head, disk.validators, self.network.parameters, self.index))

    # Messages

    def receive(self, sender: "Host", message: Message) -> None:
        if not self.is_replayed:
            return
        kind, data = message
        match kind:
            case "vote":
                admitted = self.admission.admit_vote(data)
                if admitted is not None:
                    self.take(VoteReceived(admitted))
            case "certificate":
                certificate = self.admission.admit_certificate(data)
                if certificate is not None:
                    self.take(CertificateReceived(certificate))
            case "proposal":
                proposal = self.admission.admit_proposal(data)
                if proposal is not None:
                    self.take(ProposalReceived(*proposal))
            case "block":
                self.receive_block(data)
            case "block?":
                block = self.disk.blocks.get(Hash32(data))
                if block is not None:
                    self.network.send(self, sender.index, ("block", block.header + block.body))
            case "certificates?":
                first, last = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")
                for found in self.machine.certificates_in(View(first), View(last), 32):
                    self.network.send(self, sender.index, ("certificate", encode_certificate(found)))
            case "status":
                self.receive_status(sender, data)
            case _:
                self.pool.add(int(kind))
                self.refresh_pending()

    def receive_block(self, data: bytes) -> None:
        facts = read_header(data[:96])
        block = Block(facts, data[:96], data[96:])
        if facts.digest not in self.disk.blocks:
            self.disk.blocks[facts.digest] = block
        if facts.digest in self.fetching:
            self.fetching.discard(facts.digest)
            self.take(HeaderFetched(facts, block.header))
        self.take(BodyAvailable(facts.digest))

    def tell_status(self) -> None:
        state = self.machine.state
        told = self.disk.head.facts.height.to_bytes(8, "big") + state.validators.epoch.to_bytes(8, "big")
        self.network.send_all(self, ("status", told + state.view.to_bytes(8, "big")))
        self.network.after(STATUS_EVERY_MS, self, self.tell_status)

    def receive_status(self, sender: "Host", data: bytes) -> None:
        """Answer who is behind; catch up from who is ahead."""
        height, epoch, view = (int.from_bytes(data[at : at + 8], "big") for at in range(0, 24, 8))
        state = self.machine.state
        if epoch == state.validators.epoch and view < state.view:
            for certificate in (state.entry, state.floor_certificate):
                if certificate is not None:
                    self.network.send(self, sender.index, ("certificate", encode_certificate(certificate)))
        if height > self.disk.head.facts.height + 1 or epoch > state.validators.epoch:
            self.catch_up(sender)

    def catch_up(self, peer: "Host") -> None:
        """Take a peer's final chain, at most to the end of this epoch; its finalization is verified."""
        if not peer.is_up or peer.disk.head.facts.height <= self.disk.head.facts.height:
            return
        assert self.disk.validators is not None
        epoch = self.disk.validators.epoch
        digests = [
            digest
            for digest in peer.disk.chain[len(self.disk.chain) :]
            if peer.disk.blocks[digest].facts.epoch == epoch
        ]
        finalization = self.network.finalizations.get(digests[-1]) if digests else None
        if finalization is None:
            return
        for digest in digests:
            self.disk.blocks.setdefault(digest, peer.disk.blocks[digest])
        self.take(SyncChanged(True))
        self.finalize(tuple(digests), finalization)
        last = self.disk.blocks[digests[-1]].facts
        self.take(ChainAdvanced(ViewZero(last, finalization.statement.view, finalization)))
        self.take(SyncChanged(False))

    # Looking

    def facts(self, digest: Hash32) -> HeaderFacts:
        return self.disk.blocks[digest].facts if digest in self.disk.blocks else GENESIS_HEAD.facts

    def transactions_in_chain(self, digest: Hash32) -> set[int]:
        found: set[int] = set()
        while digest in self.disk.blocks:
            found |= self.disk.blocks[digest].transactions
            digest = self.disk.blocks[digest].facts.parent_digest
        return found


def _is_above(record: Record, view: View) -> bool:
    match record:
        case OwnVoteRecord(statement):
            return statement.view > view
        case CertificateRecord(certificate):
            return certificate.statement.view > view
        case _:
            return True


class Network:
    """All hosts, the links between them and the clock."""

    def __init__(
        self,
        count: int,
        *,
        seed: int = 0,
        faults: Faults | None = None,
        parameters: Parameters | None = None,
        epoch_blocks: int = 1_000_000,
        has_status: bool = True,
    ) -> None:
        self.count = count
        self.random = random.Random(seed)
        self.faults = faults or Faults()
        self.parameters = parameters or Parameters()
        self.epoch_blocks = epoch_blocks
        self.has_status = has_status
        self.now_ms = START_MS
        self.sent: list[tuple[int, int, str]] = []
        """Instant, sender, kind of every message but statuses."""
        self.final: dict[int, Hash32] = {}
        self.finalizations: dict[Hash32, Certificate] = {}
        self.byzantine: set[int] = set()
        self.cut: Callable[[int, int, str], bool] = lambda _sender, _receiver, _kind: False
        self._queue: list[tuple[int, int, Host, int, Callable[[], None]]] = []
        self._number = 0
        self._at_this_instant = 0
        self.hosts: list[Host] = []
        self.hosts.extend(Host(self, index) for index in range(count))

    def start(self, *indices: int) -> None:
        for index in indices or range(self.count):
            self.hosts[index].start()

    def after(self, delay_ms: int, host: Host, action: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (self.now_ms + delay_ms, self._number, host, host.incarnation, action))

    def run(self, duration_ms: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Run for a while, or until a condition holds; return whether it does."""
        end_ms = self.now_ms + duration_ms
        while self._queue and self._queue[0][0] <= end_ms:
            at_ms, _, host, incarnation, action = heapq.heappop(self._queue)
            self._at_this_instant = self._at_this_instant + 1 if at_ms == self.now_ms else 0
            if self._at_this_instant > EVENTS_PER_INSTANT_MAX:
                raise Broken(f"{host.index} works without end at one instant")
            self.now_ms = at_ms
            if host.is_up and host.incarnation == incarnation:
                action()
                if until():
                    return True
        self.now_ms = end_ms
        return until()

    def send(self, sender: Host, to: int, message: Message) -> None:
        receiver = self.hosts[to]
        if message[0] != "status":
            self.sent.append((self.now_ms, sender.index, message[0]))
        if receiver is sender or not receiver.is_up or self.cut(sender.index, to, message[0]):
            return
        if self.random.randrange(100) < self.faults.loss_percent:
            return
        self.after(self.random.randint(*self.faults.latency_ms), receiver, lambda: receiver.receive(sender, message))

    def send_all(self, sender: Host, message: Message) -> None:
        for receiver in self.hosts:
            if receiver is not sender:
                self.send(sender, receiver.index, message)

    def any_peer(self, host: Host) -> int:
        others = [other.index for other in self.hosts if other is not host and other.is_up]
        return self.random.choice(others) if others else host.index

    def submit(self, number: int, *to: int) -> None:
        """Put a transaction into the pools of some hosts, or of all."""
        for index in to or range(self.count):
            host = self.hosts[index]
            host.pool.add(number)
            if host.is_up:
                host.refresh_pending()

    # Checkers

    def check_signed(self, host: Host, statement: Statement, said: list[Statement]) -> None:
        """No double sign: stated here once more, from the paper, not from the code under test."""
        if host.index in self.byzantine:
            return
        notarized = {other.digest for other in said if other.kind is Kind.NOTARIZE}
        finalized = {other.digest for other in said if other.kind is Kind.FINALIZE}
        is_nullified = any(other.kind is Kind.NULLIFY for other in said)
        if len(notarized) > 1 or len(finalized) > 1 or (is_nullified and finalized):
            raise Broken(f"{host.index} signs {statement.kind.name} in view {statement.view} beside {said}")

    def check_agreement(self, host: Host, block: Block) -> None:
        if host.index in self.byzantine:
            return
        known = self.final.setdefault(block.facts.height, block.facts.digest)
        if known != block.facts.digest:
            raise Broken(f"two blocks are final at height {block.facts.height}")
        if 666 in block.transactions:
            raise Broken("an invalid block is final")

    def is_final_everywhere(self, number: int) -> bool:
        """Tell whether every correct running host has the transaction in its final chain."""
        return all(
            number in host.transactions_in_chain(host.disk.head.facts.digest)
            for host in self.hosts
            if host.is_up and host.index not in self.byzantine
        )

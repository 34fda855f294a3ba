"""One node put together around its driver: everything that is neither a socket nor a file.

The real process and the simulated one build it from the same ports.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from consensus.primitives.scalars import Address, Hash32, Height, ValidatorIndex, View
from consensus.simplex.admission import Admission as ConsensusAdmission
from consensus.simplex.effects import StopReason
from consensus.simplex.events import (
    BlockBuilt,
    BlockCertified,
    ChainAdvanced,
    EpochReady,
    PeerStatus,
    PendingChanged,
    Recovered,
    SyncChanged,
    Verdict,
    ViewZero,
)
from consensus.simplex.evidence import ConflictingCertificates, ConflictingVotes, Evidence
from consensus.simplex.machine import Machine
from consensus.simplex.messages import Certificate, SigningDomain, Status, encode_status, status_statement
from consensus.simplex.parameters import STATUS_EVERY_MS
from contracts.addresses import VALIDATOR_REGISTRY
from network.transport import Transport
from node.chain.block_tree import BlockTree, TreeBlock
from node.chain.feed import Feed
from node.chain.header_facts import facts_of, read_header
from node.chain.indexes import IndexWriter
from node.chain.store import ChainStore
from node.execution.errors import InvalidBlock
from node.execution.permissions import find_refusal
from node.execution.shares import read_quota
from node.execution.transition import ExecutedBlock
from node.mempool.admission import Admission, SenderState
from node.mempool.pending import PendingWork
from node.mempool.pool import Pool, PooledTransaction, PoolLimits
from node.mempool.waiters import Waiters
from node.observe.logs import EventLog
from node.peers.block_fetch import BlockFetch
from node.peers.bodies import BodyAssembler
from node.peers.gossip import TransactionGossip
from node.peers.mesh import ValidatorMesh
from node.peers.peer_status import PeerStatuses
from node.peers.requests import Requester
from node.peers.sync import BlockSync, VerifiedRange
from node.peers.wire import NONCE_BYTES, encode_chunks
from node.runtime.catch_up import CatchUp
from node.runtime.committer import Committer
from node.runtime.driver import Driver
from node.runtime.durability import LogPosition, WalAndGuard
from node.runtime.effects import EffectPerformer
from node.runtime.epochs import Epochs
from node.runtime.evidence import EvidenceDesk, EvidenceParts
from node.runtime.execution_host import ExecutionHost
from node.runtime.inbound import Inbound, InboundParts
from node.runtime.ports import Clock, Timers, Workers
from node.runtime.recovery import RecoveredNode
from node.runtime.resume import REASONS, Resumption, ResumptionParts, reason_to_resume
from node.storage.guard_file import ResumeReason
from node.storage.kv import KeyValueStore
from node.storage.wal import Wal
from node.validator.signer import GuardedSigner

POOL_TICK_MS = 1_000
"""How often held nonce gaps are looked through."""

ROOM_SHARE = 2
"""A final block that used less than one part in this many of its gas had room for more."""


@dataclass(frozen=True, slots=True)
class NodePorts:
    """The world as the node meets it."""

    store: KeyValueStore
    wal: Wal
    signer: GuardedSigner
    transport: Transport
    clock: Clock
    timers: Timers
    workers: Workers
    log: EventLog
    failed: Callable[[BaseException], None]
    is_store_repaired: bool = False
    """Whether the ledger went through a repair: then this node reads from it and never votes."""
    indexes: IndexWriter | None = None
    """What keeps the indexes of the store; None for a node that keeps none."""


class ValidatorNode:
    """Owned by the loop thread."""

    def __init__(
        self,
        *,
        genesis_hash: Hash32,
        chain_id: int,
        epochs: Epochs,
        own_tls_key: bytes,
        head: ViewZero,
        pool_limits: PoolLimits,
        ports: NodePorts,
    ) -> None:
        self._ports = ports
        self._own_tls_key = own_tls_key
        self._is_pending = False
        self._was_behind = False
        self._committed_to = LogPosition(epochs.epoch, head.view)
        """Epoch and view of the newest block that is committed."""
        self._epoch_running = epochs.epoch
        """The epoch the machine is in; it follows the ledger's by a turn."""
        self.evidence_against: Callable[[str, str], None] = lambda _validator, _kind: None
        """Called with a validator's name and the kind of its second vote; set by whoever counts them."""
        self.committed_with: Callable[[ExecutedBlock, Certificate], None] = lambda _executed, _finalization: None
        """Called for every committed block before the feed; set by whoever counts signatures."""
        self.epoch_began: Callable[[], None] = lambda: None
        """Called when an epoch has begun; set by whoever looks after this node's keys."""
        self.admitted_told: Callable[[Sequence[PooledTransaction]], None] = lambda _transactions: None
        """Called with transactions that became pending; set by whoever tells clients."""
        self.epochs = epochs
        self.domain = SigningDomain(chain_id, genesis_hash)
        self.machine = Machine()
        self.chain = ChainStore(ports.store)
        self.tree = BlockTree(head.facts.digest, head.facts.height)
        self.pool = Pool(pool_limits)
        self.waiters = Waiters()
        self.feed = Feed()
        self.statuses = PeerStatuses()
        self.mesh = ValidatorMesh(ports.transport, epochs.validators)
        self._pending_work = PendingWork(self.pool, passed_over_max=epochs.validators.count)
        self._requester = Requester(self.mesh, ports.clock, ports.timers)
        self.durability = WalAndGuard(ports.wal, ports.signer, self._position_highest)
        self._consensus_admission = ConsensusAdmission(self.domain, self.machine, read_header)
        self._build_mempool()
        self._build_blocks()
        self.evidence = EvidenceDesk(
            EvidenceParts(
                chain=self.chain,
                epochs=epochs,
                domain=self.domain,
                workers=ports.workers,
                final_state=lambda: self._committer.final_state,
                broadcast=self.mesh.broadcast_evidence,
                submit=lambda raw: self.admission.submit(raw, lambda _verdict: None),
                is_pending=lambda digest: digest in self.pool,
                accused=self._accused,
                failed=ports.failed,
            )
        )
        self._build_driver()

    # Construction

    def _build_mempool(self) -> None:
        ports = self._ports
        self.admission = Admission(
            pool=self.pool,
            ledger=self,
            workers=ports.workers,
            clock=ports.clock,
            timers=ports.timers,
            chain_id=self.domain.chain_id,
            block_gas_limit=lambda: self.epochs.rules.limits.block_gas_max,
            admitted=self._admitted,
            failed=ports.failed,
        )
        self._gossip = TransactionGossip(
            mesh=self.mesh,
            pool=self.pool,
            requester=self._requester,
            receive=self.admission.receive,
            is_known=lambda digest: digest in self.pool or self.chain.locate(digest) is not None,
            clock=ports.clock,
            timers=ports.timers,
        )

    def _build_blocks(self) -> None:
        ports = self._ports
        self._execution = ExecutionHost(
            tree=self.tree,
            pool=self.pool,
            rules=lambda: self.epochs.rules,
            final_state=lambda: self._committer.final_state,
            workers=ports.workers,
            clock=ports.clock,
            built=self._built,
            certified=self._certified,
            failed=ports.failed,
        )
        self._committer = Committer(
            store=ports.store,
            tree=self.tree,
            pool=self.pool,
            waiters=self.waiters,
            feed=self.feed,
            validator_count=lambda: self.epochs.validators.count,
            workers=ports.workers,
            clock=ports.clock,
            committed=self._committed,
            epoch_ended=self._begin_epoch,
            failed=ports.failed,
            indexes=ports.indexes,
        )
        self._catch_up = CatchUp(
            tree=self.tree,
            committer=self._committer,
            rules=lambda: self.epochs.rules,
            final_state=lambda: self._committer.final_state,
            workers=ports.workers,
            advanced=self._caught_up,
            failed=ports.failed,
        )
        self.sync = BlockSync(
            requester=self._requester,
            domain=self.domain,
            validators=lambda: self.epochs.validators,
            final_head=lambda: (self.tree.final_height, self.tree.final_hash),
            take=self._take_range,
            misbehaved=self.mesh.misbehaved,
        )
        self._block_fetch = BlockFetch(
            requester=self._requester,
            tree=self.tree,
            body_bytes_max=lambda: self.epochs.rules.limits.body_bytes_max,
            clock=ports.clock,
            timers=ports.timers,
            fetched=self._fetched,
            misbehaved=self.mesh.misbehaved,
        )

    def _build_driver(self) -> None:
        ports = self._ports
        performer = self._performer = EffectPerformer(
            epochs=self.epochs,
            signer=ports.signer,
            admission=self._consensus_admission,
            mesh=self.mesh,
            tree=self.tree,
            execution=self._execution,
            committer=self._committer,
            requester=self._requester,
            block_fetch=self._block_fetch,
            timers=ports.timers,
            alarms=self,
            post=lambda event: self.driver.post(event),
        )
        self.driver = Driver(
            machine=self.machine,
            durability=self.durability,
            perform=performer.perform,
            turn_ended=self._turn_ended,
            clock=ports.clock,
            timers=ports.timers,
            workers=ports.workers,
            failed=ports.failed,
        )
        self.inbound = Inbound(
            InboundParts(
                machine=self.machine,
                admission=self._consensus_admission,
                domain=self.domain,
                mesh=self.mesh,
                tree=self.tree,
                store=self.chain,
                epochs=self.epochs,
                bodies=BodyAssembler(lambda: self.epochs.rules.limits.body_bytes_max),
                gossip=self._gossip,
                evidence=self.evidence,
                requester=self._requester,
                statuses=self.statuses,
                sync=self.sync,
                durability=self.durability,
                clock=ports.clock,
                log=ports.log,
                post=self.driver.post,
                greet=lambda _peer: self._send_status(),
                make_status=self._make_status,
            )
        )
        self.resumption = Resumption(
            ResumptionParts(
                machine=self.machine,
                signer=ports.signer,
                domain=self.domain,
                requester=self._requester,
                name_of=self._name_of,
                misbehaved=self.mesh.misbehaved,
                post=self.driver.post,
                clock=ports.clock,
                timers=ports.timers,
                log=ports.log,
                is_store_repaired=ports.is_store_repaired,
            )
        )

    def start(self, recovered: RecoveredNode) -> None:
        """Give the machine its past and begin."""
        ports, signer, epoch = self._ports, self._ports.signer, self.epochs.epoch
        if signer.has_guard:
            reason = reason_to_resume(recovered, signer, epoch=epoch, is_store_repaired=ports.is_store_repaired)
            if reason is not ResumeReason.NONE:
                signer.require_resume(reason)
                detail = {"detail": recovered.guard.difference} if recovered.guard.difference else {}
                ports.log.warn("may_have_forgotten_votes", reason=REASONS[reason], **detail)
        signer.set_floor(epoch, recovered.head.view)
        self.durability.complete_guard(recovered.guard.completion)
        self.durability.recovered(LogPosition(epoch, recovered.view_highest))
        ports.transport.update_peers(self.epochs.peers(self._own_tls_key))
        self.driver.begin(
            Recovered(
                head=recovered.head,
                validators=self.epochs.validators,
                parameters=self.epochs.current.parameters,
                own_index=self.epochs.own_index,
                records=recovered.records,
                headers=recovered.headers,
                bodies=recovered.bodies,
                resume_view=signer.resume_view(epoch),
                stopped=signer.stop_reason,
            )
        )
        self.resumption.begin()
        self._gossip.start()
        self.evidence.start()
        now_ms = ports.clock.now_ms()
        ports.timers.call_at(now_ms + STATUS_EVERY_MS, self._status_tick)
        ports.timers.call_at(now_ms + POOL_TICK_MS, self._pool_tick)

    def _position_highest(self) -> LogPosition:
        """Return epoch and highest view of anything a log record can be about."""
        state = self.machine.state
        return LogPosition(state.validators.epoch, max(state.view, self.tree.view_highest()))

    def _name_of(self, index: ValidatorIndex) -> str:
        """Return the name of a validator of the machine's epoch, which for a turn lags behind the ledger's."""
        is_same = self.machine.validators.epoch == self.epochs.epoch
        return self.epochs.name_of(index) if is_same else f"validator {index}"

    # What admission asks of the ledger

    def sender_state(self, sender: Address) -> SenderState:
        """Return nonce, native balance, permissions and quota in the final state."""
        state = self._committer.final_state
        account = state.account(sender)
        nonce, balance = (0, 0) if account is None else (account.nonce, account.balance)
        return SenderState(
            nonce,
            balance,
            send_refusal=find_refusal(state.storage, sender, is_creation=False),
            deploy_refusal=find_refusal(state.storage, sender, is_creation=True),
            quota=read_quota(state.storage, sender),
        )

    def is_syncing(self) -> bool:
        """Tell whether this node is more than one final block behind."""
        return self.sync.is_behind()

    # Alarms

    def evidence_found(self, evidence: Evidence) -> None:
        """Keep, pass on and report who signed twice."""
        if isinstance(evidence, ConflictingCertificates):
            self._ports.log.error(
                "conflicting_certificates",
                page="docs/operators/troubleshoot.md",
                view=evidence.first.statement.view,
            )
        self.evidence.found(evidence)

    def _accused(self, accusation: ConflictingVotes) -> None:
        """Name who signed twice."""
        first, second = accusation.first.statement, accusation.second.statement
        name = self.epochs.name_in(first.epoch, accusation.first.signer)
        self.evidence_against(name, second.kind.name.lower())
        self._ports.log.warn(
            "evidence",
            validator=name,
            epoch=first.epoch,
            view=first.view,
            first=first.kind.name.lower(),
            second=second.kind.name.lower(),
        )

    def voting_stopped(self, reason: StopReason) -> None:
        """Say that this validator signs nothing any more, and why."""
        self._ports.log.error("voting_stopped", page="docs/operators/troubleshoot.md", reason=reason.explanation)

    # From the mempool

    def _admitted(self, transactions: list[PooledTransaction]) -> None:
        self._gossip.admitted(transactions)
        self.admitted_told(transactions)
        self._update_pending()

    def _update_pending(self) -> None:
        """Tell the machine when D1's predicate changes: an executable transaction is not in the tip's chain."""
        path = self.tree.path_from_final(self.machine.tip_digest) or []
        included = (
            pair
            for block in path
            if block.executed is not None
            for pair in zip(block.executed.senders, block.executed.nonces, strict=True)
        )
        is_pending = self._pending_work.is_pending(included)
        if is_pending != self._is_pending:
            self._is_pending = is_pending
            self.driver.post(PendingChanged(is_pending))

    def _pool_tick(self) -> None:
        now_ms = self._ports.clock.now_ms()
        if self.pool.drop_expired_gaps(now_ms):
            self._update_pending()
        self.evidence.tick()
        self._ports.timers.call_at(now_ms + POOL_TICK_MS, self._pool_tick)

    # From the execute thread

    def _built(self, view: View, block: TreeBlock) -> None:
        assert block.body is not None and block.executed is not None
        self.durability.append_body(block.block_hash, block.body)
        if self.machine.state.view == view:
            # A body is no vote: it may leave while the vote is still being synced.
            self.mesh.broadcast_chunks(encode_chunks(block.block_hash, block.body), view)
        self.driver.post(
            BlockBuilt(
                view=view,
                facts=facts_of(block.header, block.block_hash),
                header=block.header_rlp,
                body_bytes=len(block.body),
                last_of_epoch=block.executed.last_of_epoch,
            )
        )

    def _certified(self, block_hash: Hash32, invalid: InvalidBlock | None) -> None:
        block = self.tree.get(block_hash)
        if invalid is not None:
            self._ports.log.warn("invalid_block", block=block_hash, reason=str(invalid))
        verdict = Verdict.VALID if invalid is None else Verdict.INVALID
        last_of_epoch = block is not None and block.executed is not None and block.executed.last_of_epoch
        self.driver.post(BlockCertified(block_hash, verdict, last_of_epoch))

    # From peers

    def _fetched(self, block: TreeBlock) -> None:
        self.inbound.block_whole(block)

    def _take_range(self, verified: VerifiedRange) -> None:
        self._ports.log.info(
            "catching_up",
            from_height=verified.blocks[0].header.height,
            to_height=verified.blocks[-1].header.height,
            target_height=self.sync.height_target,
        )
        self._catch_up.take(verified)

    def _caught_up(self, head: ViewZero) -> None:
        # The last block of an epoch ends the machine's world: EpochReady was posted instead.
        if head.facts.epoch == self.epochs.epoch:
            self.driver.post(ChainAdvanced(head))
        self.sync.taken()

    # After a commit

    def _committed(self, executed: ExecutedBlock, finalization: Certificate) -> None:
        header = executed.block.header
        had_room = header.gas_used * ROOM_SHARE < header.gas_limit
        self._pending_work.block_final(header.timestamp_ms, had_room=had_room, filled_banks=executed.filled_banks)
        if not executed.last_of_epoch:
            if any(log.address == VALIDATOR_REGISTRY for receipt in executed.receipts for log in receipt.logs):
                self._update_observers()
            self._catch_up.committed(header.height)
        self._committed_to = LogPosition(header.epoch, header.view)
        self.durability.prune(self._committed_to)
        self._block_fetch.cancel_unless(lambda digest: digest in self.machine.state.fetching)
        self.committed_with(executed, finalization)
        self._update_pending()

    def _begin_epoch(self, executed: ExecutedBlock) -> None:
        """The last block of an epoch is committed: everything that follows goes by what it wrote."""
        ports, last = self._ports, executed.block
        self.epochs.begin(self._committer.final_state, last.block_hash)
        epochs = self.epochs
        self.mesh.set_validators(epochs.validators)
        ports.transport.update_peers(epochs.peers(self._own_tls_key))
        self._pending_work.passed_over_max = epochs.validators.count
        ports.signer.enter_epoch(epochs.epoch)
        index = epochs.own_index
        ports.log.info(
            "epoch",
            epoch=epochs.epoch,
            from_height=epochs.current.first_height,
            validators=epochs.validators.count,
            quorum=epochs.validators.quorum,
            own_index="none" if index is None else index,
        )
        head = ViewZero(facts_of(last.header, last.block_hash), View(0), None)
        self.driver.post(EpochReady(head, epochs.validators, epochs.current.parameters, index))
        for peer in self.mesh.peers():
            # A new member's link has been up since it was a candidate.
            linked = self.mesh.index_of(peer)
            if linked is not None:
                self.driver.post(PeerStatus(linked, is_up=True))
        self._catch_up.committed(last.header.height)
        self.epoch_began()

    def _update_observers(self) -> None:
        """The registry changed: whoever was approved or suspended may open links from now on."""
        if self.epochs.note_state(self._committer.final_state):
            self._ports.transport.update_peers(self.epochs.peers(self._own_tls_key))

    def _turn_ended(self) -> None:
        # Only now: while a turn's sync runs, its votes wait, and what is final may already be above them. Only what is
        # final on disk: a guard that forgot more than the ledger knows would look like a stranger's after a crash. And
        # only what the machine has heard of: until then it sends older votes again, as it should.
        state = self.machine.state
        heard = LogPosition(state.validators.epoch, state.head.view)
        self._ports.signer.set_floor(*min(self._committed_to, heard))
        if state.validators.epoch != self._epoch_running:
            self._epoch_running = state.validators.epoch
            self._performer.epoch_began()
            self.inbound.epoch_began()
        self._update_pending()
        is_behind = self.sync.is_behind()
        if is_behind != self._was_behind:
            self._was_behind = is_behind
            self.driver.post(SyncChanged(is_behind))

    # Status

    def _status_tick(self) -> None:
        self._send_status()
        now_ms = self._ports.clock.now_ms()
        self._ports.timers.call_at(now_ms + STATUS_EVERY_MS, self._status_tick)

    def _send_status(self) -> None:
        """Tell every peer where this validator is."""
        content = self._make_status(bytes(NONCE_BYTES))
        if content:
            self.mesh.broadcast_status(content, self.machine.state.view)

    def _make_status(self, nonce: bytes) -> bytes:
        """Return where this validator is, signed, for whoever drew `nonce`; empty for a node that is no validator."""
        index, state = self.epochs.own_index, self.machine.state
        if index is None or state.validators.epoch != self.epochs.epoch:
            # Not in the set, or between two epochs: the index would be another validator's.
            return b""
        unsigned = Status(
            is_resuming=state.view < state.resume_view,
            is_syncing=state.is_syncing,
            final_epoch=state.validators.epoch,
            final_view=state.head.view,
            final_height=self.tree.final_height,
            final_hash=self.tree.final_hash,
            height_oldest=Height(0),
            nonce=nonce,
            view=state.view,
            signer=index,
            signature=b"",
            entry=state.entry,
        )
        signature = self._ports.signer.sign_unguarded(status_statement(unsigned, state.validators.epoch))
        return encode_status(replace(unsigned, signature=signature))

"""The composition root: the only place that builds concrete classes and opens files and sockets of a node."""

import asyncio
import gc
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consensus.chain.genesis import GenesisDocument, decode_genesis
from consensus.light.attestation import AttestationDomain
from consensus.primitives.scalars import Height, ValidatorIndex, View
from consensus.simplex.messages import Certificate, SigningDomain
from contracts.addresses import OFFLINE_LOCKS
from network.channels import Channel, channel_table
from network.errors import LinkError
from network.hello import Hello, Role
from network.links import Mesh
from network.session import LinkTimings, LocalNode, Progress
from network.tls import tls_identity
from network.transport import Address, PeerIdentity, TransportListener
from node.chain.commit import commit_genesis
from node.chain.feed import FinalBlock
from node.chain.indexes import IndexWriter, open_indexes
from node.chain.store import ChainStore
from node.config import NodeConfig
from node.execution.engine import load_engine
from node.execution.genesis_state import Genesis, build_genesis
from node.execution.transition import ExecutedBlock
from node.home import KeyPlace, NodeHome
from node.mempool.pool import PoolLimits
from node.observe.build_info import build_facts
from node.observe.chain_report import ChainReport
from node.observe.logs import EventLog, FinalReporter, StartFacts, log_start
from node.observe.logs import FinalBlock as FinalLine
from node.observe.metrics import Metrics
from node.observe.ops_server import OpsServer
from node.peers.link_proofs import LinkProofs
from node.rpc.encoding import JsonObject
from node.rpc.key_file import InvalidKeyFile
from node.rpc.node_backend import BackendParts, NodeBackend
from node.rpc.server import RpcAddressUnavailable
from node.rpc.sycee_api import evidence_object
from node.rpc.tls import TlsUnusable
from node.rpc_service import RpcService
from node.runtime.catch_up import Divergence
from node.runtime.chain_verifier import ChainVerifier
from node.runtime.clock import MonotonicWallClock
from node.runtime.epochs import Epochs
from node.runtime.evidence import evidence_records
from node.runtime.inbound import Inbound
from node.runtime.loop import LoopTimers, run_loop
from node.runtime.node_facts import FactCollector, FactSources
from node.runtime.ports import Lane
from node.runtime.recovery import recover_head, recover_node
from node.runtime.validator_node import NodePorts, ValidatorNode
from node.runtime.workers import ThreadWorkers
from node.state.reader import FinalState
from node.storage.errors import StorageError, UnsafeData
from node.storage.guard_file import GuardFile
from node.storage.leveldb import LevelDbStore
from node.storage.memory import MemoryStore
from node.storage.wal import RecoveredLog, Wal
from node.validator.attestor import Attestor
from node.validator.committees import CommitteeBook
from node.validator.keys import KeyPurpose, NodeKey, key_path, load_key, load_public_key, read_passphrase
from node.validator.signer import GuardedSigner, SignRefused

LEDGER_FOLDER = "ledger.ldb"
LOOP_PROBE_S = 0.5
"""How often the loop proves that it runs; health calls it dead after four missed probes."""

SLOW_SYNC_US = 250_000
"""A sync of the log this long delays every vote by as much; a healthy disk takes 1 to 10 ms."""

SLOW_LOOP_MS = 250.0
"""A turn of the loop this long delays everything; none should pass 5 ms."""


@dataclass(frozen=True, slots=True)
class _OpenedNode:
    """Everything on disk, opened and checked."""

    document: GenesisDocument
    genesis: Genesis
    store: LevelDbStore
    wal: Wal
    log_found: RecoveredLog
    signer: GuardedSigner
    tls_seed: bytes
    epochs: Epochs
    keys: KeyPlace
    """The set of keys that `signer` and `tls_seed` are of."""
    indexes: IndexWriter
    attestation_key: NodeKey | None
    """None on a node that only follows."""


def run_node(config: NodeConfig, home: Path) -> int:
    """Run a node until it is told to stop; return the exit code.

    When a rotation comes into force the node begins again with the new keys: signer, guard and links all change.

    Raises: StorageError, InvalidGenesis, before anything is listened on.
    """
    while True:
        opened = open_node(config, NodeHome(home))
        process = _Process(config, NodeHome(home), opened)
        try:
            exit_code = run_loop(process.run)
        finally:
            opened.wal.close()
            opened.signer.close()
            opened.store.close()
        if not process.has_new_keys:
            return exit_code


def load_genesis(home: NodeHome) -> tuple[GenesisDocument, Genesis]:
    """Return the home's genesis document and block 0. Raises: InvalidGenesis."""
    document = decode_genesis(home.genesis_file.read_bytes())
    return document, build_genesis(document, FinalState(MemoryStore()))


def open_node(config: NodeConfig, home: NodeHome) -> _OpenedNode:
    """Open and check keys, ledger, log and guard; write block 0 into an empty ledger."""
    document, genesis = load_genesis(home)
    genesis_hash = genesis.executed.block.block_hash
    # A lost disk is replaced by an empty one.
    home.create_folders()
    store = LevelDbStore.open(home.data_folder / LEDGER_FOLDER, create=True)
    chain = ChainStore(store)
    if chain.is_empty():
        commit_genesis(store, genesis.executed, genesis.validator_payload)
    chain.validate_identity(genesis_hash)
    indexes = open_indexes(store, document, config.storage.indexes)
    epochs = Epochs(chain, chain_id=document.chain_id)
    place = choose_keys(home, epochs)
    passphrase = read_passphrase(home.root / config.signer.passphrase_file)
    consensus_key = load_key(place.folder, KeyPurpose.CONSENSUS, passphrase)
    node_key = load_key(place.folder, KeyPurpose.NODE, passphrase)
    home.wal_folder.mkdir(mode=0o700, exist_ok=True)
    wal, log_found = Wal.open(home.wal_folder, chain_id=document.chain_id, genesis_hash=genesis_hash)
    domain = SigningDomain(document.chain_id, genesis_hash)
    guard: GuardFile | None = None
    signed: list[bytes] = []
    attestation_key: NodeKey | None = None
    is_validator = config.node.role == "validator"
    if is_validator:
        attestation_key = load_key(place.folder, KeyPurpose.ATTESTATION, passphrase)
        epochs.vote_as(consensus_key.public_key)
        guard, signed = GuardFile.open(place.guard_file, consensus_key.public_key)
    signer = GuardedSigner(consensus_key.private_key, domain, guard, signed)
    tls_seed = node_key.private_key
    return _OpenedNode(
        document, genesis, store, wal, log_found, signer, tls_seed, epochs, place, indexes, attestation_key
    )


def choose_keys(home: NodeHome, epochs: Epochs) -> KeyPlace:
    """Return the set of keys that is in force; of keys nobody knows yet, those made last.

    Raises: UnreadableKey.
    """
    places = home.key_places()
    public_keys = [load_public_key(key_path(place.folder, KeyPurpose.CONSENSUS)) for place in places]
    registered = epochs.registered_key(public_keys)
    return places[-1 if registered is None else registered]


class _Process:
    """One running node: sockets and threads around a `ValidatorNode`."""

    def __init__(self, config: NodeConfig, home: NodeHome, opened: _OpenedNode) -> None:
        self._config = config
        self._home = home
        self._opened = opened
        self._clock = MonotonicWallClock()
        self._log_file = (home.root / config.log.file).open("a") if config.log.file else None
        streams = (sys.stdout,) if self._log_file is None else (sys.stdout, self._log_file)
        self._log = EventLog(streams, level=config.log.level, format=config.log.format, now_ms=self._clock.now_ms)
        self._metrics = Metrics()
        self._exit_code = 0
        self.has_new_keys = False
        """Whether the process ended in order to begin again with other keys."""
        self._view_reported = 0
        self._to_judge: tuple[Height, View] | None = None
        """Height and view of the newest final block, whose late votes are still awaited."""
        self._counted: dict[str, int] = {}
        self._counted_by_bank: dict[int, int] = {}
        """What of the admission's and the signer's own counts has reached the metrics."""

    async def run(self) -> int:
        """Start everything, wait for a signal or a failure, stop everything; return the exit code."""
        loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        for wanted in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(wanted, self._stop.set)
        timers = LoopTimers(loop, self._clock, self._fail)
        self._workers = ThreadWorkers(timers.post, recover_threads=os.cpu_count() or 1)
        self._listener = _LateListener()
        self._mesh = self._make_mesh(self._listener)
        self._node = self._make_node(timers)
        self._listener.target = self._node.inbound
        self._facts = self._make_facts()
        # Takes a second: no block and no client shall wait for it.
        self._workers.submit(Lane.CALLS, load_engine, lambda _engine: _keep_what_is_loaded(), self._fail)
        rpc, ops = self._make_rpc(), self._make_ops()
        try:
            await rpc.start()
            await ops.start()
            # Before any link: what peers send must find the machine with its past.
            self._recover()
            await self._mesh.start()
        except (OSError, RpcAddressUnavailable, InvalidKeyFile, TlsUnusable) as error:
            self._log.error("cannot_listen", page="docs/operators/start.md", reason=str(error))
            self._exit_code = 1
            self._stop.set()
        except (StorageError, SignRefused) as error:
            self._fail(error)
        else:
            self._report_start()
            self._probe_loop(loop)
        await self._stop.wait()
        await rpc.stop()
        await ops.stop()
        await self._mesh.close()
        await asyncio.to_thread(self._workers.close)
        self._log.info("stopped", final_height=self._node.tree.final_height, exit_code=self._exit_code)
        if self._log_file is not None:
            self._log_file.close()
        return self._exit_code

    def _fail(self, error: BaseException) -> None:
        """End the process: a failed write, a refused signature or a bug leaves nothing that could be trusted."""
        if self._exit_code == 0:
            self._exit_code = 3 if isinstance(error, SignRefused | Divergence | UnsafeData) else 1
            self._log.error(
                "failed", page="docs/operators/troubleshoot.md", kind=type(error).__name__, reason=str(error)
            )
            traceback.print_exception(error, file=sys.stderr)
        self._stop.set()

    def _make_mesh(self, listener: TransportListener) -> Mesh:
        opened, config = self._opened, self._config
        tls, epochs = tls_identity(opened.tls_seed), opened.epochs
        is_validator = config.node.role == "validator"
        own = PeerIdentity(tls.key, config.node.name, Role.VALIDATOR if is_validator else Role.FOLLOWER)
        proofs = LinkProofs(opened.signer, self._domain(), epochs.registered)
        local = LocalNode(
            identity=own,
            chain_id=opened.document.chain_id,
            genesis_hash=opened.genesis.executed.block.block_hash,
            software_version=f"sycee/{build_facts().version}",
            progress=lambda: Progress(epochs.epoch, self._node.tree.final_height),
            make_nonce=lambda: os.urandom(32),
            sign_proof=proofs.sign if is_validator else None,
            verify_proof=proofs.verify,
            table=channel_table(block_bytes_max=epochs.rules.limits.body_bytes_max),
            timings=LinkTimings(),
        )
        listen = Address(config.p2p.addr, config.p2p.port)
        return Mesh(local, tls, epochs.peers(tls.key), listener, listen=listen, random=random.SystemRandom())

    def _domain(self) -> SigningDomain:
        return SigningDomain(self._opened.document.chain_id, self._opened.genesis.executed.block.block_hash)

    def _make_node(self, timers: LoopTimers) -> ValidatorNode:
        opened, mempool = self._opened, self._config.mempool
        node = ValidatorNode(
            genesis_hash=opened.genesis.executed.block.block_hash,
            chain_id=opened.document.chain_id,
            epochs=opened.epochs,
            own_tls_key=self._mesh.node.identity.key,
            head=recover_head(ChainStore(opened.store)),
            pool_limits=PoolLimits(
                transactions_max=mempool.transactions_max,
                bytes_max=mempool.bytes_max,
                per_sender_max=mempool.per_sender_max,
                per_sender_gas_max=mempool.per_sender_gas_max,
                gap_wait_ms=mempool.gap_wait_ms,
            ),
            ports=NodePorts(
                store=opened.store,
                wal=opened.wal,
                signer=opened.signer,
                transport=self._mesh,
                clock=self._clock,
                timers=timers,
                workers=self._workers,
                log=self._log,
                failed=self._fail,
                is_store_repaired=opened.store.is_repaired,
                indexes=opened.indexes,
            ),
        )
        node.committed_with = self._committed
        node.evidence_against = lambda validator, kind: self._metrics.count_evidence(validator=validator, kind=kind)
        node.epoch_began = self._epoch_began
        node.feed.subscribe(self._report_final)
        self._reporter = FinalReporter(self._log, self._clock.now_ms)
        return node

    def _recover(self) -> None:
        opened, node = self._opened, self._node
        head = recover_head(node.chain)
        recovered = recover_node(
            head, opened.epochs.epoch, node.tree, opened.log_found, opened.signer.signed_statements()
        )
        if opened.log_found.cut_bytes:
            self._log.warn("log_cut", bytes=opened.log_found.cut_bytes, reason="a turn was cut off by a crash")
        self._view_reported = head.view
        node.start(recovered)

    def _make_facts(self) -> FactCollector:
        opened, node = self._opened, self._node
        return FactCollector(
            FactSources(
                document=opened.document,
                epochs=opened.epochs,
                role=self._config.node.role,
                name=self._config.node.name,
                machine=node.machine,
                chain=node.chain,
                pool=node.pool,
                transport=lambda: self._mesh,
                height_best=lambda: node.statuses.height_best(node.tree.final_height),
                is_syncing=node.is_syncing,
                evidence_count=lambda: node.evidence.count,
                sync_durations_us=node.durability.sync_durations_us,
                clock=self._clock,
                data_folder=self._home.data_folder,
                resume=node.resumption.facts,
            )
        )

    def _make_attestor(self) -> Attestor:
        opened, chain = self._opened, self._node.chain
        committees = CommitteeBook(chain, opened.epochs.set_of)
        domain = AttestationDomain(opened.document.chain_id, OFFLINE_LOCKS)
        return Attestor(chain, committees.at, domain, opened.attestation_key)

    def _make_rpc(self) -> RpcService:
        opened, node, config = self._opened, self._node, self._config
        backend = NodeBackend(
            BackendParts(
                chain=node.chain,
                pool=node.pool,
                admission=node.admission,
                waiters=node.waiters,
                workers=self._workers,
                clock=self._clock,
                chain_id=opened.document.chain_id,
                epochs=opened.epochs,
                attestor=self._make_attestor(),
                version=build_facts().version,
                proof_window_blocks=config.storage.proof_window_blocks,
                call_timeout_ms=config.rpc.call_timeout_ms,
                link_count=lambda: len(node.mesh.peers()),
                height_best=lambda: node.statuses.height_best(node.tree.final_height),
                is_syncing=node.is_syncing,
                limits=self._limits,
            )
        )
        rpc = RpcService(backend, config.rpc, self._home.root, self._metrics, self._log)
        node.feed.subscribe(lambda _final: rpc.block_final())
        node.admitted_told = rpc.admitted
        return rpc

    def _limits(self) -> dict[str, int]:
        """Return every limit of ledger and mempool a client can meet now."""
        config, limits = self._config, self._opened.epochs.rules.limits
        return {
            "blockGasMax": limits.block_gas_max,
            "blockWorkMax": limits.block_work_max,
            "transactionWorkMax": limits.transaction_work_max,
            "mempoolTransactionsMax": config.mempool.transactions_max,
            "perSenderMax": config.mempool.per_sender_max,
            "perSenderGasMax": config.mempool.per_sender_gas_max,
            "gapWaitMs": config.mempool.gap_wait_ms,
            "proofWindowBlocks": config.storage.proof_window_blocks,
        }

    def _make_ops(self) -> OpsServer:
        return OpsServer(self._facts.collect, self._metrics, addr=self._config.ops.addr, port=self._config.ops.port)

    def _committed(self, executed: ExecutedBlock, finalization: Certificate) -> None:
        header, view = executed.block.header, finalization.statement.view
        self._facts.block_final(header, view, self._view_reported)
        if self._to_judge is not None:
            self._judge_view(*self._to_judge)
        self._to_judge = (header.height, view)

    def _judge_view(self, height: Height, view: View) -> None:
        """Count who voted in the final view before this one: a certificate holds no more votes than it needs."""
        epochs = self._opened.epochs
        book = self._node.machine.state.book
        indexes = [ValidatorIndex(index) for index in range(epochs.validators.count)]
        voters = tuple(index for index in indexes if book.has_voted(view, index))
        if not voters:
            # The view was over before this node looked at votes: it caught up from blocks.
            return
        self._facts.view_judged(height, voters)
        for index in indexes:
            if index not in voters:
                self._metrics.count_missed_signature(epochs.name_of(index))

    def _epoch_began(self) -> None:
        """Views begin at 1 again, and indexes belong to other validators."""
        self._view_reported = 0
        self._to_judge = None
        self._facts.epoch_began()
        if choose_keys(self._home, self._opened.epochs) != self._opened.keys:
            self._log.info("keys_rotated", epoch=self._opened.epochs.epoch, next="the node begins again with them")
            self.has_new_keys = True
            self._stop.set()

    def _report_final(self, final: FinalBlock) -> None:
        """Print the line of a height and feed the metrics."""
        header = final.block.header
        now_ms = self._clock.now_ms()
        epochs = self._opened.epochs
        validators = epochs.validators
        nullified = max(0, header.view - self._view_reported - 1)
        for view in range(self._view_reported + 1, header.view):
            given_up = epochs.name_of(validators.leader(View(view)))
            self._metrics.count_nullified(given_up)
            self._log.warn("nullified", view=view, leader=given_up)
        self._view_reported = max(self._view_reported, final.finalization_view)
        self._metrics.observe_commit(final.commit_ms)
        for waited_ms in final.submit_to_final_ms:
            self._metrics.observe_submit_to_final(waited_ms)
        if final.build_ms:
            self._metrics.observe_build(final.build_ms)
        elif final.certify_ms:
            self._metrics.observe_certify(final.certify_ms)
        age_ms = now_ms - header.timestamp_ms
        transaction_count = len(final.block.transactions)
        self._metrics.observe_final(
            transactions=transaction_count, gas=header.gas_used, work=final.work_used, age_ms=age_ms
        )
        leader = epochs.name_of(validators.leader(header.view))
        self._reporter.report(
            FinalLine(
                height=header.height,
                epoch=header.epoch,
                view=header.view,
                nullified=nullified,
                transaction_count=transaction_count,
                gas=header.gas_used,
                work=final.work_used,
                signed=final.signer_count,
                validator_count=final.validator_count,
                leader=leader,
                block_hash=final.block.block_hash,
                build_ms=final.build_ms or None,
                certify_ms=final.certify_ms or None,
                commit_ms=final.commit_ms,
                age_ms=age_ms,
            )
        )

    def _report_start(self) -> None:
        opened, config = self._opened, self._config
        document, validators = opened.document, opened.epochs.validators
        secure = "s" if config.rpc.tls_cert else ""
        warnings = []
        if opened.epochs.own_index is None and config.node.role == "validator":
            warnings.append("this node's consensus key is not in the validator set: it follows and does not vote")
        log_start(
            self._log,
            StartFacts(
                build=build_facts(),
                chain_id=document.chain_id,
                network_name=document.name,
                genesis_hash=opened.genesis.executed.block.block_hash,
                role=config.node.role,
                name=config.node.name,
                epoch=validators.epoch,
                validator_index=opened.epochs.own_index,
                validator_count=validators.count,
                quorum=validators.quorum,
                data_folder=str(self._home.data_folder),
                proof_window_blocks=config.storage.proof_window_blocks,
                height_final=self._node.tree.final_height,
                endpoints=(
                    ("rpc", f"http{secure}://{config.rpc.addr}:{config.rpc.port}"),
                    ("ops", f"http://{config.ops.addr}:{config.ops.port}"),
                    ("mesh", f"{config.p2p.addr}:{config.p2p.port}"),
                ),
                warnings=tuple(warnings),
            ),
        )

    def _probe_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure how late a timer fires, again and again."""
        wanted = loop.time() + LOOP_PROBE_S

        def probe() -> None:
            self._facts.loop_ran_ms = self._clock.now_ms()
            lag_ms = max(0.0, (loop.time() - wanted) * 1000)
            self._metrics.observe_loop_lag(lag_ms)
            if lag_ms >= SLOW_LOOP_MS:
                self._log.warn("slow_loop", lag_ms=int(lag_ms))
            for duration_us in self._node.durability.take_new_durations_us():
                self._metrics.observe_wal_fsync(duration_us / 1000)
                if duration_us >= SLOW_SYNC_US:
                    self._log.warn("slow_fsync", took_ms=duration_us // 1000, file="write-ahead log")
            self._count_refusals()
            self._probe_loop(loop)

        loop.call_at(wanted, probe)

    def _count_refusals(self) -> None:
        """Bring the refusals since the last probe into the metrics."""
        sources = (
            (self._node.admission.rejected_counts, self._metrics.count_rejected),
            (self._opened.signer.refused_counts, self._metrics.count_sign_refused),
        )
        for counts, count in sources:
            for reason, total in counts.items():
                fresh = total - self._counted.get(reason, 0)
                if fresh:
                    self._counted[reason] = total
                    count(reason, fresh)
        for bank_id, total in self._node.admission.quotas.refused_counts.items():
            fresh = total - self._counted_by_bank.get(bank_id, 0)
            if fresh:
                self._counted_by_bank[bank_id] = total
                self._metrics.count_quota_refused(bank_id, fresh)


def _keep_what_is_loaded() -> None:
    """Take libraries out of what the collector walks: a full walk of them is 0.1 s in which no vote is counted."""
    gc.collect()
    gc.freeze()


class _LateListener:
    """Passes what the mesh reports to the node, which is built after the mesh."""

    target: Inbound

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        self.target.link_up(peer, hello)

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        self.target.link_down(peer, reason)

    def link_refused(self, place: str, reason: LinkError) -> None:
        self.target.link_refused(place, reason)

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        self.target.frame_received(peer, channel, payload)


@contextmanager
def opened_ledger(home: Path) -> Iterator[tuple[LevelDbStore, GenesisDocument]]:
    """Open a stopped node's ledger beside its genesis document. Raises: StorageError, InvalidGenesis."""
    node_home = NodeHome(home)
    document, genesis = load_genesis(node_home)
    store = LevelDbStore.open(node_home.data_folder / LEDGER_FOLDER, create=False)
    try:
        ChainStore(store).validate_identity(genesis.executed.block.block_hash)
        yield store, document
    finally:
        store.close()


def verify_chain(config: NodeConfig, home: Path, *, on_progress: Callable[[int, int], None]) -> ChainReport:
    """Re-execute a stopped node's chain from genesis and compare everything with what is stored.

    Raises: StorageError, InvalidGenesis when there is nothing that could be verified.
    """
    node_home = NodeHome(home)
    document, genesis = load_genesis(node_home)
    store = LevelDbStore.open(node_home.data_folder / LEDGER_FOLDER, create=False)
    try:
        return ChainVerifier(ChainStore(store), document, genesis).verify(on_progress)
    finally:
        store.close()


def read_evidence(home: Path) -> list[JsonObject]:
    """Return what a stopped node has on disk against validators. Raises: StorageError, InvalidGenesis."""
    with opened_ledger(home) as (store, document):
        chain = ChainStore(store)
        epochs = Epochs(chain, chain_id=document.chain_id)
        return [evidence_object(found) for found in evidence_records(chain, epochs, document.chain_id)]

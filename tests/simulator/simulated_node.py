"""One validator: its disk for ever, its process for a life, and the places where checkers listen to it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nacl.signing import SigningKey

from consensus.primitives.scalars import Height
from consensus.simplex.effects import Effect
from consensus.simplex.events import BlockCertified, Event
from consensus.simplex.messages import MalformedConsensusMessage, SigningDomain, Statement, decode_vote
from network.channels import Channel, channel_table, with_queues_divided
from network.errors import LinkError
from network.hello import Hello
from network.session import LinkTimings, LocalNode, Progress
from network.transport import PeerEntry, PeerIdentity, PeerKey, Transport
from node.chain.commit import commit_genesis
from node.chain.feed import FinalBlock
from node.chain.store import ChainStore
from node.mempool.pool import PoolLimits
from node.observe.logs import EventLog
from node.peers.link_proofs import LinkProofs
from node.runtime.epochs import Epochs
from node.runtime.ports import Lane
from node.runtime.recovery import recover_head, recover_node
from node.runtime.validator_node import NodePorts, ValidatorNode
from node.storage.errors import StorageError, WriteFailed
from node.storage.guard_file import GuardFile, create_guard
from node.storage.record_batches import SALT_BYTES
from node.storage.wal import Wal
from node.validator.signer import GuardedSigner
from tests.simulator.disk import GUARD_FILE, SEGMENT_BYTES, WAL_FOLDER, Disk
from tests.simulator.taps import Alter, Listener, LogTap, TappedTransport
from tests.simulator.world import START_US, Broken, NodeTime, NodeWorkers

if TYPE_CHECKING:
    from tests.simulator.cluster import Cluster

CHAIN_ID = 7_001

VOTES_HEARD_AHEAD = 5
VOTES_HEARD_BEHIND = 128

BYZANTINE_REST_US = 1_000_000
"""After which an actor comes back whose own node ended because of what it sent."""


class SimulatedNode:
    """One validator: its disk for ever, its process for a life."""

    def __init__(self, cluster: "Cluster", index: int, *, name: str = "") -> None:
        self.cluster = cluster
        self.index = index
        self.name = name or f"v{index}"
        """Name in traces."""
        self.disk = Disk()
        self.life = 0
        self.node: ValidatorNode | None = None
        self.transport: TappedTransport | None = None
        self.skew_us = 0
        self.drift_ppm = 0
        """Microseconds that the node's wall clock gains in a second."""
        self.delay_us: Callable[[Lane], int] = lambda _lane: 500
        self.down_us: Callable[[], int] = lambda: 0
        self.alter: Alter | None = None
        self.heard: dict[tuple[int, int, int], set[Statement]] = {}
        """Votes of actors that arrived in this life, by node, epoch and view."""
        self.accused: set[str] = set()
        """Names of validators that this life has shown to have signed twice."""
        self.steps: list[tuple[Event, int, tuple[Effect, ...]]] = []
        """Every step of the machine in this life."""
        self.started: Callable[[], None] = lambda: None
        """Called at the end of every start; an actor begins its own life there."""
        self.arrived: Callable[[PeerKey, Channel, bytes], bool] = lambda _peer, _channel, _payload: False
        """Called with every frame that arrives, before the node sees it; true if the node shall not."""
        self.deeds: dict[str, int] = {}
        """How often each behaviour of an actor in this place did what it is there for."""
        self.second: SimulatedNode | None = None
        """Another instance with the same key, which serves some of the peers."""
        self.refusal: StorageError | None = None
        """Why it does not start from its disk, which a fault has damaged: it stays down."""
        self._is_recovered = False
        self._time: NodeTime | None = None
        self._crashes = cluster.world.generator(f"disk/{index}")
        salts = cluster.world.generator(f"salt/{index}")
        self._salt = lambda: salts.randbytes(SALT_BYTES)

    @property
    def peer(self) -> PeerIdentity:
        """Identity in the mesh."""
        return self.cluster.peers[self.index]

    @property
    def has_recovered(self) -> bool:
        """Whether its machine has taken its past back."""
        return self._is_recovered

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self.node is not None

    @property
    def chain(self) -> ChainStore:
        """The chain on its disk."""
        return self.disk.chain

    @property
    def height(self) -> Height:
        """Final height on disk."""
        return self.chain.final_head().height

    @property
    def view(self) -> int:
        """The view it is in; 0 while it is down."""
        return self.node.machine.state.view if self.node is not None and self._is_recovered else 0

    def prepare(self) -> None:
        """Make the home that `init` makes: block 0, an empty guard, a folder for the log."""
        self.commit_genesis()
        self._create_guard()

    def commit_genesis(self) -> None:
        """Write block 0 into an empty ledger, as somebody does who sets a new machine up with an old key."""
        genesis = self.cluster.genesis
        commit_genesis(self.disk.store, genesis.executed, genesis.validator_payload)

    def start(self) -> None:
        """Begin a life from what is on disk; a disk that was damaged may refuse, and then the node stays down.

        Raises: StorageError if nothing has damaged the disk.
        """
        try:
            self._start()
        except StorageError as error:
            if self.transport is not None:
                self.cluster.hub.stop(self.peer.key)
                self.stop_process()
            if isinstance(error, WriteFailed) and self.disk.is_faulty:
                self._come_back_later()
            elif self.disk.is_damaged:
                self.refusal = error
                self._note("refuses", type(error).__name__, str(error))
            else:
                raise

    def _start(self) -> None:
        cluster, world, genesis = self.cluster, self.cluster.world, self.cluster.genesis
        genesis_hash = genesis.executed.block.block_hash
        cluster.checkers.restarted(self.index, self.disk, is_damaged=self.disk.is_damaged)
        files = self.disk.files
        wal, found = Wal.open(
            WAL_FOLDER,
            chain_id=CHAIN_ID,
            genesis_hash=genesis_hash,
            segment_bytes=SEGMENT_BYTES,
            files=files,
            salt=self._salt,
        )
        seed = cluster.consensus_seeds[self.index]
        guard, signed = GuardFile.open(GUARD_FILE, bytes(SigningKey(seed).verify_key), files=files, salt=self._salt)
        signer = GuardedSigner(seed, SigningDomain(CHAIN_ID, genesis_hash), guard, signed)
        self.life += 1
        self._is_recovered = False
        self.heard, self.accused, self.steps = {}, set(), []
        time = self._time = NodeTime(world, self.index, self.wall_us, self.failed, self.power_cut)
        epochs = Epochs(self.chain, chain_id=CHAIN_ID)
        epochs.vote_as(signer.public_key)
        transport = self.transport = TappedTransport(
            self._join(signer, epochs), [peer.key for peer in cluster.peers if peer != self.peer]
        )
        transport.tap = self._frame_leaves
        transport.alter = self.alter
        head = recover_head(self.chain)
        node = ValidatorNode(
            genesis_hash=genesis_hash,
            chain_id=CHAIN_ID,
            epochs=epochs,
            own_tls_key=self.peer.key,
            head=head,
            pool_limits=PoolLimits(),
            ports=NodePorts(
                store=self.disk.store,
                wal=wal,
                signer=signer,
                transport=transport,
                clock=time,
                timers=time,
                workers=NodeWorkers(time, lambda lane: self.delay_us(lane)),
                log=EventLog((LogTap(self),), level="warn", format="text", now_ms=time.now_ms),  # type: ignore[arg-type]
                failed=self.failed,
            ),
        )
        self._tap_driver(node)
        node.feed.subscribe(self._told)
        self.node = node
        self._note("start", f"life {self.life}", f"height {head.facts.height}, cut {found.cut_bytes}")
        node.start(recover_node(head, epochs.epoch, node.tree, found, signer.signed_statements()))
        self.started()

    def _create_guard(self) -> None:
        key = self.cluster.genesis.validators.validators[self.index].consensus_key
        create_guard(GUARD_FILE, key, files=self.disk.files, salt=self._salt)

    def crash(self) -> None:
        """Lose power."""
        if self.second is not None:
            self.second.crash()
        self.cluster.hub.stop(self.peer.key)
        self.stop_process()
        self.disk.crash(self._crashes)

    def stop_process(self) -> None:
        """End the present life at once, whatever it was doing."""
        assert self._time is not None
        self._time.is_dead = True
        self._note("crash", f"life {self.life}")
        self.node = self.transport = None

    def forget_votes(self) -> None:
        """Put an empty log and an empty guard in the place of those on the disk."""
        self.disk.forget_files()
        self._create_guard()

    def power_cut(self) -> None:
        """The power went in the middle of a write; the machine comes back by itself."""
        self.crash()
        self._come_back_later()

    def _come_back_later(self) -> None:
        self.cluster.world.schedule(self.cluster.world.now_us + self.down_us(), self.start_again)

    def start_again(self) -> None:
        """Begin another life unless somebody else has begun it, or its disk refuses."""
        if not self.is_up and self.refusal is None:
            self.start()

    def failed(self, error: BaseException) -> None:
        """A node that ends itself has found a bug: nothing simulated here is a reason, unless it betrays itself."""
        if self.index in self.cluster.byzantine:
            self.crash()
            self.cluster.world.schedule(self.cluster.world.now_us + BYZANTINE_REST_US, self.start_again)
            return
        if isinstance(error, WriteFailed) and self.disk.is_faulty:
            # What a disk refuses ends the process, as it must.
            self._note("fault", "WriteFailed", str(error))
            self.power_cut()
            return
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = "" if trace is None else f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        raise Broken("node_failed", f"{self.name}: {type(error).__name__}: {error}{place}") from error

    def printed(self, line: str) -> None:
        """Judge a line of the node's log."""
        self._note("log", line.strip())
        words = line.split()
        if self.index in self.cluster.byzantine:
            return
        if "ERROR" in words:
            raise Broken("no_error_line", f"{self.name}: {line.strip()}")
        guilty = [word for index in self.cluster.byzantine for word in (f"peer=v{index}", f"validator=v{index}")]
        if "evidence" in words:
            accused = [word.removeprefix("validator=") for word in words if word.startswith("validator=")]
            self.accused.update(accused)
            self.cluster.accused.update(dict.fromkeys(accused))
        is_blame = "misbehaviour" in words or "evidence" in words
        is_strange = "invalid_block" in words and not guilty
        if is_strange or (is_blame and not any(word in words for word in guilty)):
            raise Broken("blame_exact", f"{self.name}: {line.strip()}")

    # Time

    def wall_us(self) -> int:
        """Return what this machine's wall clock shows, in microseconds."""
        now_us = self.cluster.world.now_us
        # A drift of a millionth is a microsecond a second; the remainder is less than one.
        return now_us + self.skew_us + (now_us - START_US) * self.drift_ppm // 1_000_000

    @property
    def is_paused(self) -> bool:
        """Whether its machine stands still."""
        return self._time is not None and self._time.is_paused

    def pause(self, duration_us: int) -> None:
        """Let its machine stand still: no timer, no job and no frame is noticed before it goes on."""
        assert self._time is not None
        self._time.pause(duration_us)
        self._note("fault", "pause", str(duration_us))

    def resume(self) -> None:
        """Let its machine go on."""
        if self._time is not None:
            self._time.resume()

    def when_resumed(self, callback: Callable[[], None]) -> None:
        """Run something when the machine goes on, unless this life ends before."""
        assert self._time is not None
        self._time.when_resumed(callback)

    def submit(self, raw: bytes, decided: Callable[[str], None]) -> None:
        """Give it a client's transaction."""
        assert self.node is not None
        self.node.admission.submit(raw, lambda verdict: decided(type(verdict).__name__))

    # What the mesh reports

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        """A link is there."""
        node = self._host_for(peer.key).node
        if node is not None:
            node.inbound.link_up(peer, hello)

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        """A link is gone."""
        node = self._host_for(peer.key).node
        if node is not None:
            node.inbound.link_down(peer, reason)

    def link_refused(self, place: str, reason: LinkError) -> None:
        """A link did not come up."""
        if self.node is not None:
            self.node.inbound.link_refused(place, reason)

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        """A frame is there."""
        host = self._host_for(peer.key)
        if host is not self:
            host.frame_received(peer, channel, payload)
            return
        if self.node is None or self.arrived(peer.key, channel, payload):
            return
        if channel is Channel.VOTES and self._is_recovered:
            self._remember_vote(payload)
        self.node.inbound.frame_received(peer, channel, payload)

    def serves(self, peer: PeerKey) -> bool:
        """Tell whether this instance is the one a peer talks to."""
        return self.second is None or not self.second.serves(peer)

    def _host_for(self, peer: PeerKey) -> "SimulatedNode":
        return self if self.second is None or self.serves(peer) else self.second

    def _remember_vote(self, payload: bytes) -> None:
        """Remember an actor's vote that this node will keep."""
        assert self.node is not None
        try:
            vote = decode_vote(payload)
        except MalformedConsensusMessage:
            return
        ahead = vote.statement.view - self.node.machine.state.view
        # Half of the window in which votes are kept, so that nothing hangs on its edges.
        is_kept = -VOTES_HEARD_BEHIND <= ahead <= VOTES_HEARD_AHEAD
        statement, checkers = vote.statement, self.cluster.checkers
        signer = checkers.signer_of(vote)
        is_kept = is_kept and statement.epoch == self.node.machine.state.validators.epoch
        if is_kept and signer is not None and signer in self.cluster.byzantine and checkers.is_signed(vote):
            self.heard.setdefault((signer, statement.epoch, statement.view), set()).add(statement)

    def _frame_leaves(self, channel: Channel, payload: bytes) -> None:
        self._note("send", channel.name.lower(), str(len(payload)), payload)
        self.cluster.checkers.frame_leaves(self.index, channel, payload, self.disk)

    def _told(self, final: FinalBlock) -> None:
        header = final.block.header
        self._note("final", str(header.height), f"{len(final.block.transactions)} transactions", final.block.block_hash)
        self.cluster.final_told(self, final)

    def _note(self, kind: str, what: str, detail: str = "", content: bytes = b"") -> None:
        world, node = self.cluster.world, self.node
        where = "\t\t"
        if node is not None and self._is_recovered:
            state = node.machine.state
            where = f"{state.validators.epoch}\t{state.view}\t{node.tree.final_height}"
        world.trace.note(world.now_us, self.name, kind, what, detail, content, where)

    def _tap_driver(self, node: ValidatorNode) -> None:
        step, note, durability = node.machine.step, self._note, node.durability
        synced = durability.synced

        def traced_step(event: Event, now_ms: int) -> tuple[Effect, ...]:
            effects = step(event, now_ms)
            self._is_recovered = True
            self.steps.append((event, now_ms, effects))
            if isinstance(event, BlockCertified):
                self.cluster.checkers.block_judged(self.index, event.digest, event.verdict)
            note("event", type(event).__name__)
            counts = self.cluster.effect_counts
            for effect in effects:
                name = type(effect).__name__
                counts[name] = counts.get(name, 0) + 1
                note("effect", name)
            return effects

        def noted_synced() -> None:
            note("sync", "")
            synced()

        node.machine.step = traced_step  # type: ignore[method-assign]  # a tap: nothing is changed
        durability.synced = noted_synced  # type: ignore[method-assign]  # likewise

    def _join(self, signer: GuardedSigner, epochs: Epochs) -> Transport:
        """Connect a new life to the mesh."""
        cluster = self.cluster
        others = [PeerEntry(peer) for peer in cluster.peers if peer != self.peer]
        dialer = cluster.world.generator(f"dial/{self.index}/{self.life}")
        return cluster.hub.add(self._local_node(signer, epochs), others, Listener(self), random=dialer)

    def _local_node(self, signer: GuardedSigner, epochs: Epochs) -> LocalNode:
        nonces = self.cluster.world.generator(f"nonce/{self.index}/{self.life}")
        domain = SigningDomain(CHAIN_ID, self.cluster.genesis.executed.block.block_hash)
        proofs = LinkProofs(signer, domain, epochs.registered)
        return LocalNode(
            identity=self.peer,
            chain_id=CHAIN_ID,
            genesis_hash=self.cluster.genesis.executed.block.block_hash,
            software_version="sycee/simulated",
            progress=lambda: Progress(epochs.epoch, self.height),
            make_nonce=lambda: nonces.randbytes(32),
            sign_proof=proofs.sign,
            verify_proof=proofs.verify,
            table=with_queues_divided(
                channel_table(block_bytes_max=self.cluster.genesis.limits.body_bytes_max), self.cluster.queue_divisor
            ),
            timings=LinkTimings(),
        )

"""A network of whole validators on simulated wires, and the places where checkers listen."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisCurrency, GenesisDocument, GenesisMinter, GenesisValidator
from consensus.primitives.scalars import Address, Epoch, Height, TimestampMs
from consensus.primitives.signatures import address_of_private_key, is_valid_ed25519
from consensus.simplex.effects import Effect
from consensus.simplex.events import Event
from consensus.simplex.messages import SigningDomain, Statement, decode_vote, hello_statement, sign_bytes
from contracts.addresses import currency_address
from network.channels import Channel, channel_table
from network.errors import LinkError
from network.hello import PROTOCOL_VERSION, Hello, Role, ValidatorProof
from network.session import LinkTimings, LocalNode, Progress
from network.simulated import SimulatedHub, SimulatedTransport
from network.transport import LinkStatus, PeerEntry, PeerIdentity, PeerKey
from node.chain.commit import commit_genesis
from node.chain.feed import FinalBlock
from node.chain.store import ChainStore
from node.execution.genesis_state import Genesis, build_genesis
from node.mempool.pool import PoolLimits
from node.observe.logs import EventLog
from node.runtime.ports import Lane
from node.runtime.recovery import recover_head, recover_node
from node.runtime.validator_node import NodePorts, ValidatorNode
from node.state.reader import FinalState
from node.storage.guard_file import GuardFile, create_guard
from node.storage.memory import MemoryStore
from node.storage.record_batches import SALT_BYTES
from node.storage.wal import Wal
from node.validator.signer import GuardedSigner
from tests.simulator.checkers import Checkers
from tests.simulator.disk import GUARD_FILE, SEGMENT_BYTES, WAL_FOLDER, Disk
from tests.simulator.world import START_US, Broken, NodeTime, NodeWorkers, World

CHAIN_ID = 7_001
CURRENCY = currency_address(1)
OPENING_MINOR = 1_000_000
SENDERS = 4

HEARTBEAT_MS = 6_000

VOTES_HEARD_AHEAD = 5
VOTES_HEARD_BEHIND = 128

BYZANTINE_REST_US = 1_000_000
"""After which an actor comes back whose own node ended because of what it sent."""

WIRES_LANE = -1
"""Lane of the scheduler on which frames travel: they keep the order in which they were sent."""

Alter = Callable[[PeerKey, Channel, bytes], Sequence[tuple[Channel, bytes]]]
"""What a Byzantine validator sends one peer instead of an honest frame: any number of frames."""


def private_key(seed: int, name: str) -> bytes:
    """Return a private key of this seed."""
    return sha256(f"{seed}/key/{name}".encode()).digest()


class TappedTransport:
    """A node's transport, with somebody listening where frames are handed to it."""

    def __init__(self, inner: SimulatedTransport, peers: Sequence[PeerKey]) -> None:
        self._inner = inner
        self._peers = peers
        self.tap: Callable[[Channel, bytes], None] = lambda _channel, _payload: None
        self.alter: Alter | None = None

    def send(self, peer_key: PeerKey, channel: Channel, payload: bytes, urgency: int) -> bool:
        """Queue a frame for one peer."""
        if self.alter is None:
            self.tap(channel, payload)
            return self._inner.send(peer_key, channel, payload, urgency)
        was_queued = True
        for other_channel, altered in self.alter(peer_key, channel, payload):
            self.tap(other_channel, altered)
            was_queued = self._inner.send(peer_key, other_channel, altered, urgency)
        return was_queued

    def broadcast(self, channel: Channel, payload: bytes, urgency: int) -> int:
        """Queue a frame for everybody."""
        if self.alter is None:
            self.tap(channel, payload)
            return self._inner.broadcast(channel, payload, urgency)
        return sum(self.send(peer, channel, payload, urgency) for peer in self._peers)

    def report_misbehaviour(self, peer_key: PeerKey, reason: str) -> None:
        """Ban a peer."""
        self._inner.report_misbehaviour(peer_key, reason)

    def update_peers(self, peers: Sequence[PeerEntry]) -> None:
        """Replace the allow-list."""
        self._inner.update_peers(peers)

    def links(self) -> tuple[LinkStatus, ...]:
        """Return the state of every allowed peer."""
        return self._inner.links()


class _LogTap:
    """Where a node prints to: lines go into the trace, and some of them are verdicts."""

    def __init__(self, node: "SimulatedNode") -> None:
        self._node = node

    def write(self, line: str) -> int:
        """Take a line."""
        self._node.printed(line)
        return len(line)

    def flush(self) -> None:
        """Nothing is held back."""


class _Listener:
    """Passes what the mesh reports to the node, which is built after it."""

    def __init__(self, owner: "SimulatedNode") -> None:
        self._owner = owner
        self.node: ValidatorNode | None = None

    def link_up(self, peer: PeerIdentity, hello: Hello) -> None:
        if self.node is not None:
            self.node.inbound.link_up(peer, hello)

    def link_down(self, peer: PeerIdentity, reason: LinkError) -> None:
        if self.node is not None:
            self.node.inbound.link_down(peer, reason)

    def link_refused(self, place: str, reason: LinkError) -> None:
        if self.node is not None:
            self.node.inbound.link_refused(place, reason)

    def frame_received(self, peer: PeerIdentity, channel: Channel, payload: bytes) -> None:
        if self.node is not None:
            self._owner.frame_arrives(channel, payload)
            self.node.inbound.frame_received(peer, channel, payload)


class SimulatedNode:
    """One validator: its disk for ever, its process for a life."""

    def __init__(self, cluster: "Cluster", index: int) -> None:
        self.cluster = cluster
        self.index = index
        self.disk = Disk()
        self.life = 0
        self.node: ValidatorNode | None = None
        self.transport: TappedTransport | None = None
        self.skew_us = 0
        self.delay_us: Callable[[Lane], int] = lambda _lane: 500
        self.down_us: Callable[[], int] = lambda: 0
        self.alter: Alter | None = None
        self.heard: dict[tuple[int, int], set[Statement]] = {}
        """Votes of actors that arrived in this life, by signer and view."""
        self.accused: set[str] = set()
        """Names of validators that this life has shown to have signed twice."""
        self._is_recovered = False
        self._time: NodeTime | None = None
        self._crashes = cluster.world.generator(f"disk/{index}")
        salts = cluster.world.generator(f"salt/{index}")
        self._salt = lambda: salts.randbytes(SALT_BYTES)

    @property
    def name(self) -> str:
        """Name in traces."""
        return f"v{self.index}"

    @property
    def peer(self) -> PeerIdentity:
        """Identity in the mesh."""
        return self.cluster.peers[self.index]

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

    def prepare(self) -> None:
        """Make the home that `init` makes: block 0, an empty guard, a folder for the log."""
        genesis = self.cluster.genesis
        commit_genesis(self.disk.store, genesis.executed, genesis.validator_payload)
        key = genesis.validators.validators[self.index].consensus_key
        create_guard(GUARD_FILE, key, files=self.disk.files, salt=self._salt)

    def start(self) -> None:
        """Begin a life from what is on disk."""
        cluster, world, genesis = self.cluster, self.cluster.world, self.cluster.genesis
        genesis_hash = genesis.executed.block.block_hash
        cluster.checkers.restarted(self.index, self.disk)
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
        self.heard, self.accused = {}, set()
        time = self._time = NodeTime(world, self.index, self.skew_us, self.failed, self.power_cut)
        listener = _Listener(self)
        others = [PeerEntry(peer) for peer in cluster.peers if peer != self.peer]
        inner = cluster.hub.add(
            self._local_node(signer), others, listener, random=world.generator(f"dial/{self.index}/{self.life}")
        )
        transport = self.transport = TappedTransport(inner, [entry.identity.key for entry in others])
        transport.tap = self._frame_leaves
        transport.alter = self.alter
        head = recover_head(self.chain)
        node = ValidatorNode(
            genesis=genesis,
            chain_id=CHAIN_ID,
            own_index=genesis.validators.index_of(signer.public_key),
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
                log=EventLog((_LogTap(self),), level="warn", format="text", now_ms=time.now_ms),  # type: ignore[arg-type]
                failed=self.failed,
            ),
        )
        self._tap_driver(node)
        node.feed.subscribe(self._told)
        self.node = listener.node = node
        self._note("start", f"life {self.life}", f"height {head.facts.height}, cut {found.cut_bytes}")
        node.start(recover_node(head, node.tree, found, signer.signed_statements()))

    def crash(self) -> None:
        """Lose power."""
        assert self._time is not None
        self._time.is_dead = True
        self.cluster.hub.stop(self.peer.key)
        self.node = self.transport = None
        self.disk.crash(self._crashes)
        self._note("crash", f"life {self.life}")

    def power_cut(self) -> None:
        """The power went in the middle of a write; the machine comes back by itself."""
        self.crash()
        self.cluster.world.schedule(self.cluster.world.now_us + self.down_us(), self.start_again)

    def start_again(self) -> None:
        """Begin another life unless somebody else has begun it."""
        if not self.is_up:
            self.start()

    def failed(self, error: BaseException) -> None:
        """A node that ends itself has found a bug: nothing simulated here is a reason, unless it betrays itself."""
        if self.index in self.cluster.byzantine:
            self.crash()
            self.cluster.world.schedule(self.cluster.world.now_us + BYZANTINE_REST_US, self.start_again)
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
            self.accused.update(word.removeprefix("validator=") for word in words if word.startswith("validator="))
        is_blame = "misbehaviour" in words or "evidence" in words
        is_strange = "invalid_block" in words and not guilty
        if is_strange or (is_blame and not any(word in words for word in guilty)):
            raise Broken("blame_exact", f"{self.name}: {line.strip()}")

    def submit(self, raw: bytes, decided: Callable[[str], None]) -> None:
        """Give it a client's transaction."""
        assert self.node is not None
        self.node.admission.submit(raw, lambda verdict: decided(type(verdict).__name__))

    def frame_arrives(self, channel: Channel, payload: bytes) -> None:
        """Remember an actor's vote that this node will keep."""
        if channel is not Channel.VOTES or self.node is None or not self._is_recovered:
            return
        vote = decode_vote(payload)
        ahead = vote.statement.view - self.node.machine.state.view
        # Half of the window in which votes are kept, so that nothing hangs on its edges.
        if vote.signer in self.cluster.byzantine and -VOTES_HEARD_BEHIND <= ahead <= VOTES_HEARD_AHEAD:
            self.heard.setdefault((vote.signer, vote.statement.view), set()).add(vote.statement)

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
            note("event", type(event).__name__)
            for effect in effects:
                note("effect", type(effect).__name__)
            return effects

        def noted_synced() -> None:
            note("sync", "")
            synced()

        node.machine.step = traced_step  # type: ignore[method-assign]  # a tap: nothing is changed
        durability.synced = noted_synced  # type: ignore[method-assign]  # likewise

    def _local_node(self, signer: GuardedSigner) -> LocalNode:
        nonces = self.cluster.world.generator(f"nonce/{self.index}/{self.life}")
        proofs = _LinkProofs(self.cluster.genesis, signer, self.index)
        return LocalNode(
            identity=self.peer,
            chain_id=CHAIN_ID,
            genesis_hash=self.cluster.genesis.executed.block.block_hash,
            software_version="sycee/simulated",
            progress=lambda: Progress(Epoch(0), self.height),
            make_nonce=lambda: nonces.randbytes(32),
            sign_proof=proofs.sign,
            verify_proof=proofs.verify,
            table=channel_table(block_bytes_max=self.cluster.genesis.limits.body_bytes_max),
            timings=LinkTimings(),
        )


class _LinkProofs:
    """Proofs of links by consensus keys, as the node's process makes them."""

    def __init__(self, genesis: Genesis, signer: GuardedSigner, index: int) -> None:
        self._validators = genesis.validators.validators
        self._domain = SigningDomain(CHAIN_ID, genesis.executed.block.block_hash)
        self._signer = signer
        self._index = index

    def sign(self, *, own_tls_key: bytes, peer_tls_key: bytes, peer_nonce: bytes) -> ValidatorProof:
        statement = self._statement(own_tls_key, peer_tls_key, peer_nonce)
        return ValidatorProof(self._index, self._signer.sign_unguarded(statement))

    def verify(self, proof: ValidatorProof, *, signer_tls_key: bytes, own_tls_key: bytes, own_nonce: bytes) -> bool:
        validator = self._validators[proof.signer]
        statement = self._statement(signer_tls_key, own_tls_key, own_nonce)
        return is_valid_ed25519(validator.consensus_key, sign_bytes(self._domain, statement), proof.signature)

    def _statement(self, signer_key: bytes, peer_key: bytes, nonce: bytes) -> Statement:
        return hello_statement(
            Epoch(0), protocol=PROTOCOL_VERSION, own_tls_key=signer_key, peer_tls_key=peer_key, nonce=nonce
        )


class Cluster:
    """All validators of a seed."""

    def __init__(self, world: World, count: int, *, byzantine: Sequence[int] = ()) -> None:
        self.world = world
        self.byzantine = byzantine
        seeds = [private_key(world.seed, f"consensus/{number}") for number in range(count)]
        # In the order of the set, so that a node's number is its index.
        self.consensus_seeds = sorted(seeds, key=lambda seed: bytes(SigningKey(seed).verify_key))
        self.peers = [
            PeerIdentity(PeerKey(private_key(world.seed, f"tls/{index}")), f"v{index}", Role.VALIDATOR)
            for index in range(count)
        ]
        self.sender_keys = [private_key(world.seed, f"sender/{number}") for number in range(SENDERS)]
        self.senders = [address_of_private_key(key) for key in self.sender_keys]
        self.genesis = build_genesis(self._document(), FinalState(MemoryStore()))
        self.checkers = Checkers(
            self.genesis,
            chain_id=CHAIN_ID,
            currency=CURRENCY,
            opening=dict.fromkeys(self.senders, OPENING_MINOR),
            byzantine=byzantine,
        )
        self.hub = SimulatedHub(
            schedule=lambda at_us, callback: world.schedule(at_us, callback, WIRES_LANE),
            now_us=lambda: world.now_us,
            random=world.generator("links"),
        )
        self.final_times: list[tuple[int, int, int]] = []
        """Instant, node and transactions of every block told."""
        self.nodes = [SimulatedNode(self, index) for index in range(count)]
        for node in self.nodes:
            node.prepare()

    @property
    def honest(self) -> list[SimulatedNode]:
        """Nodes that follow the protocol."""
        return [node for node in self.nodes if node.index not in self.byzantine]

    def running(self) -> list[SimulatedNode]:
        """Nodes that are up."""
        return [node for node in self.nodes if node.is_up]

    def final_told(self, node: SimulatedNode, final: FinalBlock) -> None:
        """A node told its subscribers of a final block."""
        self.final_times.append((self.world.now_us, node.index, len(final.block.transactions)))
        if node.index not in self.byzantine:
            self.checkers.told_final(node.index, final, node.disk)

    def close(self) -> None:
        """Stop everybody."""
        for node in self.running():
            node.crash()

    def _document(self) -> GenesisDocument:
        count = len(self.consensus_seeds)
        governor = Address(b"\x60" * 20)
        return GenesisDocument(
            chain_id=CHAIN_ID,
            name="simulated",
            timestamp_ms=TimestampMs(START_US // 1_000 - 1_000),
            governor=governor,
            parameters=(("empty_block_interval_ms", HEARTBEAT_MS),),
            validators=tuple(
                GenesisValidator(
                    name=f"v{index}",
                    operator=Address(bytes((0xB0 + index,)) * 20),
                    consensus_key=bytes(SigningKey(self.consensus_seeds[index]).verify_key),
                    tls_key=self.peers[index].key,
                    attestation_key=bytes((0xA0 + index,)) * 32,
                    endpoints=(f"127.0.0.1:{26_000 + index}",),
                )
                for index in range(count)
            ),
            currencies=(
                GenesisCurrency(
                    code="EUR",
                    name="Euro",
                    decimals=2,
                    admin=governor,
                    supply_cap_minor=0,
                    minters=(GenesisMinter(governor, 500),),
                    balances=tuple((sender, OPENING_MINOR) for sender in self.senders),
                ),
            ),
        )

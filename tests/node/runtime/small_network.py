"""Whole nodes in one process: real logs and guards in a folder, ledgers in memory, wires and time by hand."""

import io
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from consensus.chain.genesis import GenesisDocument
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, View
from consensus.simplex.messages import Kind, Proposal, SigningDomain, Statement, Vote
from contracts.layout import balance_slot
from network.channels import channel_table
from network.session import LinkTimings, LocalNode, Progress
from network.simulated import SimulatedHub
from network.transport import PeerEntry, PeerIdentity
from node.chain.commit import commit_genesis
from node.chain.feed import FinalBlock
from node.chain.store import ChainStore
from node.execution.genesis_state import Genesis
from node.mempool.pool import PoolLimits
from node.observe.logs import EventLog
from node.peers.mesh import ValidatorMesh
from node.runtime.epochs import Epochs
from node.runtime.ports import Lane
from node.runtime.recovery import RecoveredNode, recover_head, recover_node
from node.runtime.validator_node import NodePorts, ValidatorNode
from node.storage.guard_file import GuardFile, create_guard
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.wal import Wal
from node.validator.signer import GuardedSigner
from tests.network.support import identity, sign_proof, verify_proof
from tests.node.execution.ledger import CHAIN_ID, EUR, GENESIS_MS, consensus_seed, document, genesis
from tests.node.runtime.manual import ManualTime, ManualTimer

Result = TypeVar("Result")
SEGMENT_BYTES = 16 * 1024
"""Small, so that a test's log rotates and is pruned."""

PARAMETERS = (("block_interval_min_ms", 50), ("empty_block_interval_ms", 6_000))


class NodeTimers:
    """Timers of one node: none of them fires after it crashed."""

    def __init__(self, time: ManualTime) -> None:
        self._time = time
        self.is_dead = False

    def call_at(self, at_ms: int, callback: Callable[[], None]) -> ManualTimer:
        return self._time.call_at(at_ms, lambda: self._fire(callback))

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.call_at(self._time.now_ms(), callback)

    def _fire(self, callback: Callable[[], None]) -> None:
        if not self.is_dead:
            callback()


class SlowWorkers:
    """Runs jobs a moment later and reports them another moment later, each lane in order."""

    commit_ms = 0
    """How long a commit takes beside what is drawn."""

    def __init__(self, timers: NodeTimers, time: ManualTime, drawn: random.Random) -> None:
        self._timers = timers
        self._time = time
        self._drawn = drawn
        self._free_at: dict[Lane, int] = {}

    def submit(
        self,
        lane: Lane,
        job: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        run_at = max(self._time.now_ms(), self._free_at.get(lane, 0)) + self._drawn.randrange(4)
        if lane is Lane.STORE:
            run_at += self.commit_ms
        self._free_at[lane] = run_at + self._drawn.randrange(12)
        report_at = self._free_at[lane]

        def run() -> None:
            result = job()
            self._timers.call_at(report_at, lambda: done(result))

        self._timers.call_at(run_at, run)


class PowerCut(Exception):
    """The moment at which a bank was made to crash."""


def fail(error: BaseException) -> None:
    raise error


def copied(store: MemoryStore) -> MemoryStore:
    """Return a store of its own with the same content."""
    batch = WriteBatch()
    for key, value in store.scan(b"", b"\xff" * 8):
        batch.put(key, value)
    copy = MemoryStore()
    copy.write(batch, sync=True)
    return copy


@dataclass(frozen=True, slots=True)
class Image:
    """A copy of a bank's disk."""

    files: dict[Path, bytes]
    store: MemoryStore


@dataclass(slots=True)
class Bank:
    """A validator that can crash; its folder and its ledger stay."""

    network: "SmallNetwork"
    number: int
    folder: Path
    peer: PeerIdentity
    store: MemoryStore = field(default_factory=MemoryStore)
    finals: list[FinalBlock] = field(default_factory=list)
    """What its clients were told is final, by all its lives together."""
    output: io.StringIO = field(default_factory=io.StringIO)
    node: ValidatorNode | None = None
    is_born: bool = False
    """Whether its key and guard have been made."""
    is_store_repaired: bool = False
    said: list[Statement] = field(default_factory=list)
    """Every vote that left it, in all its lives."""
    recovered: RecoveredNode | None = None
    """What its present life began with."""
    _timers: NodeTimers | None = None
    _wal: Wal | None = None
    _signer: GuardedSigner | None = None

    @property
    def domain(self) -> SigningDomain:
        return SigningDomain(CHAIN_ID, self.network.genesis.executed.block.block_hash)

    @property
    def signer(self) -> GuardedSigner:
        assert self._signer is not None
        return self._signer

    @property
    def height(self) -> Height:
        assert self.node is not None
        return self.node.tree.final_height

    def chain(self) -> ChainStore:
        return ChainStore(self.store)

    def hashes(self) -> list[Hash32]:
        chain = self.chain()
        found = (chain.header_with_hash(Height(height)) for height in range(chain.final_head().height + 1))
        return [item[2] for item in found if item is not None]

    def start(self) -> None:
        network, world = self.network, self.network.world
        block_zero = network.genesis
        genesis_hash = block_zero.executed.block.block_hash
        seed = consensus_seed(self.number)
        domain = SigningDomain(CHAIN_ID, genesis_hash)
        public_key = GuardedSigner(seed, domain, None, []).public_key
        if self.chain().is_empty():
            commit_genesis(self.store, block_zero.executed, block_zero.validator_payload)
            (self.folder / "wal").mkdir(exist_ok=True)
            if not self.is_born:
                create_guard(self.folder / "signguard.log", public_key)
                self.is_born = True
        self._wal, found = Wal.open(
            self.folder / "wal", chain_id=CHAIN_ID, genesis_hash=genesis_hash, segment_bytes=SEGMENT_BYTES
        )
        guard, statements = GuardFile.open(self.folder / "signguard.log", public_key)
        self._signer = GuardedSigner(seed, domain, guard, statements)
        self._timers = NodeTimers(world)
        transport = network.hub.add(
            self._local_node(genesis_hash),
            [PeerEntry(bank.peer) for bank in network.banks if bank is not self],
            _Listener(self),
            random=random.Random(self.number),
        )
        epochs = Epochs(self.chain(), chain_id=CHAIN_ID)
        epochs.vote_as(public_key)
        head = recover_head(self.chain())
        self.node = ValidatorNode(
            genesis_hash=genesis_hash,
            chain_id=CHAIN_ID,
            epochs=epochs,
            own_tls_key=self.peer.key,
            head=head,
            pool_limits=PoolLimits(),
            ports=NodePorts(
                store=self.store,
                wal=self._wal,
                signer=self._signer,
                transport=transport,
                clock=world,
                timers=self._timers,
                workers=SlowWorkers(self._timers, world, network.drawn),
                log=EventLog((self.output,), level="warn", format="text", now_ms=world.now_ms),
                failed=fail,
                is_store_repaired=self.is_store_repaired,
            ),
        )
        self.node.feed.subscribe(self.finals.append)
        self._listen_to_votes(self.node.mesh)
        self.recovered = recover_node(head, epochs.epoch, self.node.tree, found, self._signer.signed_statements())
        self.node.start(self.recovered)

    def crash(self) -> None:
        """End at once: nothing that waits is written or said any more."""
        assert self._timers is not None and self._wal is not None and self._signer is not None
        self._timers.is_dead = True
        self.network.hub.stop(self.peer.key)
        self._wal.close()
        self._signer.close()
        self.node = None

    def lose_disk(self) -> None:
        """Everything but the keys is gone."""
        shutil.rmtree(self.folder / "wal")
        (self.folder / "signguard.log").unlink()
        self.store = MemoryStore()

    def image(self) -> "Image":
        """Copy the disk of a bank that is down."""
        files = {path.relative_to(self.folder): path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        return Image(files, copied(self.store))

    def restore(self, image: "Image", *, but: str) -> None:
        """Bring an older disk back, all but the file or folder whose name begins with `but`."""
        for path in [path for path in self.folder.rglob("*") if path.is_file()]:
            if not str(path.relative_to(self.folder)).startswith(but):
                path.unlink()
        for name, content in image.files.items():
            if not str(name).startswith(but):
                (self.folder / name).write_bytes(content)
        self.store = copied(image.store)

    def submit(self, raw: bytes) -> None:
        assert self.node is not None
        self.node.admission.submit(raw, lambda _verdict: None)

    def balance(self, owner: Address) -> int:
        """Return euros in the ledger on disk, in cents."""
        return self.chain().state_at(self.chain().final_head().height).storage(EUR, balance_slot(owner))

    def lose_power_before_the_guard_is_synced(self) -> None:
        """Crash in the next turn that signs, with its log synced and its guard not; `world` raises PowerCut then."""
        assert self._signer is not None

        def cut(statements: list[bytes]) -> None:
            if statements:
                self.crash()
                raise PowerCut

        self._signer.sync = cut  # type: ignore[method-assign]  # the crash point

    def _listen_to_votes(self, mesh: ValidatorMesh) -> None:
        broadcast_vote, broadcast_proposal = mesh.broadcast_vote, mesh.broadcast_proposal

        def vote_leaves(vote: Vote) -> None:
            self.said.append(vote.statement)
            broadcast_vote(vote)

        def proposal_leaves(proposal: Proposal) -> None:
            self.said.append(proposal.vote.statement)
            broadcast_proposal(proposal)

        mesh.broadcast_vote = vote_leaves  # type: ignore[method-assign]  # a tap: nothing is changed
        mesh.broadcast_proposal = proposal_leaves  # type: ignore[method-assign]  # likewise

    def _local_node(self, genesis_hash: Hash32) -> LocalNode:
        nonces = iter(range(10**9))
        return LocalNode(
            identity=self.peer,
            chain_id=CHAIN_ID,
            genesis_hash=genesis_hash,
            software_version="sycee/test",
            progress=lambda: Progress(Epoch(0), self.height),
            make_nonce=lambda: sha256(self.peer.key + next(nonces).to_bytes(8, "big")).digest(),
            sign_proof=sign_proof,
            verify_proof=verify_proof,
            table=channel_table(),
            timings=LinkTimings(),
        )


class _Listener:
    """Passes what the mesh reports to the node, which is built after its transport."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def __getattr__(self, name: str) -> Callable[..., None]:
        node = self._bank.node
        assert node is not None
        found: Callable[..., None] = getattr(node.inbound, name)
        return found


class SmallNetwork:
    """Validators over ideal wires of 1 ms. `seed` draws how long disks and processors take."""

    def __init__(
        self, folder: Path, *, count: int = 4, seed: int = 1, parameters: tuple[tuple[str, int], ...] = PARAMETERS
    ) -> None:
        self.world = ManualTime(GENESIS_MS + 1_000)
        self.drawn = random.Random(seed)
        self.hub = SimulatedHub(
            schedule=lambda at_us, callback: self._schedule(at_us, callback),
            now_us=lambda: self.world.now_ms() * 1_000,
            random=random.Random(seed),
        )
        peers = [identity(number)[1] for number in range(1, count + 1)]
        self.document: GenesisDocument = document(tls_keys=[peer.key for peer in peers], parameters=parameters)
        self.genesis: Genesis = genesis(self.document)
        self.banks: list[Bank] = []
        for number, peer in enumerate(peers, 1):
            home = folder / peer.name
            home.mkdir()
            self.banks.append(Bank(self, number, home, peer))

    def start(self) -> None:
        for bank in self.banks:
            bank.start()

    def _schedule(self, at_us: int, callback: Callable[[], None]) -> None:
        # Whole milliseconds: the clock of the nodes has no finer ones.
        self.world.call_at(-(-at_us // 1_000), callback)

    def run_until(self, condition: Callable[[], bool], *, within_ms: int) -> None:
        """Let time pass until `condition` holds. Raises: AssertionError when it does not in time."""
        end_ms = self.world.now_ms() + within_ms
        while not condition():
            assert self.world.now_ms() < end_ms, self.describe()
            self.world.advance(5)

    def describe(self) -> str:
        return "\n".join(
            f"{bank.peer.name}: "
            + ("down" if bank.node is None else f"height {bank.height}, view {bank.node.machine.state.view}")
            + "\n"
            + bank.output.getvalue()[-2_000:]
            for bank in self.banks
        )

    def running(self) -> list[Bank]:
        return [bank for bank in self.banks if bank.node is not None]

    def assert_agreement(self) -> None:
        """Every two chains agree as far as both reach, every block told final is in its own teller's chain, and no bank
        has ever signed two things that exclude each other.
        """
        for bank in self.banks:
            notarized: dict[tuple[Epoch, View], set[Hash32]] = {}
            ways: dict[tuple[Epoch, View], set[Kind]] = {}
            for said in bank.said:
                ways.setdefault((said.epoch, said.view), set()).add(said.kind)
                if said.kind is Kind.NOTARIZE:
                    notarized.setdefault((said.epoch, said.view), set()).add(said.digest)
            assert all(len(digests) == 1 for digests in notarized.values()), bank.peer.name
            assert not any({Kind.NULLIFY, Kind.FINALIZE} <= kinds for kinds in ways.values()), bank.peer.name
        chains = [bank.hashes() for bank in self.banks]
        longest = max(chains, key=len)
        for bank, hashes in zip(self.banks, chains, strict=True):
            assert hashes == longest[: len(hashes)]
            for final in bank.finals:
                assert longest[final.block.header.height] == final.block.block_hash

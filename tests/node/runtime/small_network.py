"""Whole nodes in one process: real logs and guards in a folder, ledgers in memory, wires and time by hand."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from consensus.chain.genesis import GenesisDocument
from consensus.primitives.scalars import Address, Epoch, Hash32, Height
from consensus.simplex.messages import SigningDomain
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
from node.runtime.epochs import Epochs
from node.runtime.ports import Lane
from node.runtime.recovery import recover_head, recover_node
from node.runtime.validator_node import NodePorts, ValidatorNode
from node.storage.guard_file import GuardFile, create_guard
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
    _timers: NodeTimers | None = None
    _wal: Wal | None = None
    _signer: GuardedSigner | None = None

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
            create_guard(self.folder / "signguard.log", public_key)
            (self.folder / "wal").mkdir()
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
            ),
        )
        self.node.feed.subscribe(self.finals.append)
        self.node.start(recover_node(head, epochs.epoch, self.node.tree, found, self._signer.signed_statements()))

    def crash(self) -> None:
        """End at once: nothing that waits is written or said any more."""
        assert self._timers is not None and self._wal is not None and self._signer is not None
        self._timers.is_dead = True
        self.network.hub.stop(self.peer.key)
        self._wal.close()
        self._signer.close()
        self.node = None

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
        """Every two chains agree as far as both reach, and every block told final is in its own teller's chain."""
        chains = [bank.hashes() for bank in self.banks]
        longest = max(chains, key=len)
        for bank, hashes in zip(self.banks, chains, strict=True):
            assert hashes == longest[: len(hashes)]
            for final in bank.finals:
                assert longest[final.block.header.height] == final.block.block_hash

"""A network of whole validators on simulated wires."""

from collections.abc import Sequence
from hashlib import sha256

from nacl.signing import SigningKey

from consensus.chain.genesis import GenesisBank, GenesisCurrency, GenesisDocument, GenesisMinter, GenesisValidator
from consensus.primitives.scalars import TimestampMs
from consensus.primitives.signatures import address_of_private_key
from contracts.addresses import currency_address
from network.hello import Role
from network.simulated import SimulatedHub
from network.transport import PeerIdentity, PeerKey
from node.chain.feed import FinalBlock
from node.execution.genesis_state import build_genesis
from node.state.reader import FinalState
from node.storage.memory import MemoryStore
from tests.simulator.checkers import Checkers
from tests.simulator.simulated_node import CHAIN_ID, SimulatedNode
from tests.simulator.world import START_US, World

__all__ = [
    "CHAIN_ID",
    "CURRENCY",
    "FAVOURED_GAS",
    "FAVOURED_QUOTA_GAS",
    "HEARTBEAT_MS",
    "OPENING_MINOR",
    "SENDERS",
    "Cluster",
    "SimulatedNode",
    "favoured_key",
    "private_key",
]

CURRENCY = currency_address(1)
OPENING_MINOR = 1_000_000
SENDERS = 4

HEARTBEAT_MS = 6_000

FAVOURED_GAS = 100_000
"""Gas limit of each transaction of the bank that a hostile leader favours."""
FAVOURED_QUOTA_GAS = 300_000
"""Its quota, and so its share of a block: three of them."""
ORDINARY_QUOTA_GAS = 10**12
"""Quota of every other bank: counted like any, and never reached."""

WIRES_LANE = -1
"""Lane of the scheduler on which frames travel: they keep the order in which they were sent."""


def private_key(seed: int, name: str) -> bytes:
    """Return a private key of this seed."""
    return sha256(f"{seed}/key/{name}".encode()).digest()


def favoured_key(seed: int) -> bytes:
    """Return the private key of the bank that a hostile leader favours."""
    return private_key(seed, "favoured bank")


class Cluster:
    """All validators of a seed."""

    def __init__(
        self,
        world: World,
        count: int,
        *,
        byzantine: Sequence[int] = (),
        scope: str = "node",
        epoch_blocks: int = 0,
        is_registered_only: bool = False,
    ) -> None:
        """Epochs have `epoch_blocks` blocks; 0 for the longest a seed never ends.

        With `is_registered_only` nobody may send but the governor and whom a bank sponsors.
        """
        self.world = world
        self.scope = scope
        self.is_safety = True
        """Whether the phase lasts in which everything may fail."""
        self.is_changing_members = False
        """Whether somebody changes the set of validators in this seed."""
        self.queue_divisor = 1
        """By which the bounds of outbound queues are divided in lives that begin from now on."""
        self.effect_counts: dict[str, int] = {}
        self.accused: dict[str, None] = {}
        """Names of validators that any honest node found evidence against."""
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
        keys = [private_key(world.seed, name) for name in ("governor", *(f"operator/{at}" for at in range(count)))]
        self.office_keys = {address_of_private_key(key): key for key in keys}
        """Keys of the governor and of every validator's operator, by address."""
        self.governor, *self.operators = self.office_keys
        self.document = self._document(epoch_blocks, account_mode=int(is_registered_only))
        self.genesis = build_genesis(self.document, FinalState(MemoryStore()))
        self.checkers = Checkers(
            self.genesis,
            chain_id=CHAIN_ID,
            currency=CURRENCY,
            opening=dict.fromkeys(self.senders, OPENING_MINOR),
            byzantine=byzantine,
            has_ledger=scope == "node",
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

    @property
    def view_highest(self) -> int:
        """The highest view a running node is in."""
        return max((node.view for node in self.nodes), default=0)

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

    def _document(self, epoch_blocks: int, *, account_mode: int) -> GenesisDocument:
        count = len(self.consensus_seeds)
        governor = self.governor
        parameters = {"empty_block_interval_ms": HEARTBEAT_MS}
        if epoch_blocks:
            parameters["epoch_blocks_max"] = epoch_blocks
        if account_mode:
            parameters["account_mode"] = account_mode
        return GenesisDocument(
            chain_id=CHAIN_ID,
            name="simulated",
            timestamp_ms=TimestampMs(START_US // 1_000 - 1_000),
            governor=governor,
            parameters=tuple(sorted(parameters.items())),
            validators=tuple(
                GenesisValidator(
                    name=f"v{index}",
                    operator=self.operators[index],
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
            banks=self._banks(),
        )

    def _banks(self) -> tuple[GenesisBank, ...]:
        """Return a bank for each operator, with a customer of its own, and the one that hostile leaders favour.

        The first also sponsors all senders.
        """
        seed = self.world.seed
        favoured = address_of_private_key(favoured_key(seed))
        customers = [
            address_of_private_key(private_key(seed, f"customer/{index}")) for index in range(len(self.operators))
        ]
        accounts = [[(customer, 0)] for customer in customers]
        accounts[0] += [(sender, 0) for sender in self.senders]
        return (
            *(
                GenesisBank(operator, f"Bank {index}", f"BANKDE{index:02}", ORDINARY_QUOTA_GAS, tuple(accounts[index]))
                for index, operator in enumerate(self.operators)
            ),
            GenesisBank(favoured, "Favoured Bank", "FAVODEFF", FAVOURED_QUOTA_GAS, ()),
        )

"""A network whose governor is a council: its contract runs on the node's own engine, over the test chain's state."""

from collections.abc import Iterator

from consensus.chain.receipt import Receipt
from consensus.chain.transaction import created_address, decode_transaction, recover_sender
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from contracts.abi import encode
from contracts.addresses import PROTOCOL_CONFIG, is_system_address
from contracts.declarations import types_of
from contracts.loader import load
from node.execution.calls import CallRequest, execute_on
from node.execution.limits import BlockLimits
from node.execution.meter import WorkMeter
from node.execution.transition import BlockContext, Outcome
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import Account
from tests.consensus.light.builders import CHAIN_ID
from tests.wallet_cli.admin.world import LedgerNode, call, governed_chain
from tests.wallet_cli.chain import ALICE, BOB, Chain, Storage
from tests.wallet_cli.twin import Refusal

LIMITS = BlockLimits(100_000_000, WorkUnits(20_000_000), WorkUnits(10_000_000), 2_000_000)
CALL_GAS = 20_000_000
NATIVE_CODE = b"\xfe"
DEPLOYER, ERIN = Address(b"\xde" * 20), Address(b"\xee" * 20)
COUNCIL = created_address(DEPLOYER, 0)
DELAY_S = 3_600
CODES: dict[Address, bytes] = {}
"""Code by address; the same in every test, because only the council is ever deployed."""


class ChainState:
    """Storage of the test chain as the node's execution reads it (node.state.reader.StateReader)."""

    def __init__(self, words: Storage, nonces: dict[Address, int]) -> None:
        self.words = words
        self.nonces = nonces

    def account(self, address: Address) -> Account | None:
        code = NATIVE_CODE if is_system_address(address) else CODES.get(address, b"")
        return Account(self.nonces.get(address, 0), 0, keccak256(b"\x80"), keccak256(code))

    def storage(self, address: Address, slot: int) -> int:
        return self.words.get(address, {}).get(slot, 0)

    def used_slots(self, address: Address) -> Iterator[int]:
        yield from self.words.get(address, {})

    def code(self, code_hash: Hash32) -> bytes:
        return {keccak256(code): code for code in (b"", NATIVE_CODE, *CODES.values())}[code_hash]

    def trie_node(self, key: bytes) -> bytes | None:
        return None


def run(
    state: ChainState, caller: Address, to: Address | None, data: bytes, timestamp_s: int
) -> tuple[Outcome, Overlay]:
    """Run a call as a node would, on an overlay of the state."""
    overlay = Overlay(state)
    journal = Journal(overlay)
    context = BlockContext(
        chain_id=CHAIN_ID,
        parent_hash=Hash32(bytes(32)),
        height=Height(1),
        timestamp_ms=TimestampMs(timestamp_s * 1_000),
        leader=Address(bytes(20)),
        epoch=Epoch(0),
        view=View(1),
        limits=LIMITS,
    )
    request = CallRequest(sender=caller, to=to, gas_limit=CALL_GAS, value=0, data=data)
    outcome = execute_on(journal, context, request, WorkMeter(LIMITS.transaction_work_max))
    journal.commit()
    return outcome, overlay


def execute(storage: Storage, nonces: dict[Address, int], raw: bytes, gas: int, timestamp_s: int) -> Receipt:
    """Execute a transaction of the test chain with the node's engine, contracts included."""
    transaction = decode_transaction(raw)
    sender = recover_sender(transaction)
    outcome, overlay = run(ChainState(storage, nonces), sender, transaction.to, transaction.data, timestamp_s)
    nonces[sender] = nonces.get(sender, 0) + 1
    for address, words in overlay.slots.items():
        kept = {**storage.get(address, {}), **words}
        storage[address] = {slot: word for slot, word in kept.items() if word}
    return Receipt(2, outcome.succeeded, gas, outcome.logs)


def council_chain() -> Chain:
    """Return the governed chain with a council of alice, bob and erin, two of whom decide, as its governor."""
    chain = governed_chain()
    artifact = load("Council")
    members = sorted((ALICE, BOB, ERIN))
    data = artifact.init_code + encode(types_of(artifact.interface.constructor), [members, 2, DELAY_S])
    storage = chain.head.storage
    outcome, overlay = run(ChainState(storage, {}), DEPLOYER, None, data, chain.head.header.timestamp_ms // 1_000)
    assert outcome.succeeded, outcome.failure
    created = overlay.account(COUNCIL)
    assert created is not None
    CODES[COUNCIL] = overlay.codes[created.code_hash]
    storage[COUNCIL] = {slot: word for slot, word in overlay.slots[COUNCIL].items() if word}
    call(chain, ALICE, PROTOCOL_CONFIG, "beginGovernorTransfer", COUNCIL)
    call(chain, COUNCIL, PROTOCOL_CONFIG, "acceptGovernorTransfer")
    chain.add_block()
    return chain


class CouncilNode(LedgerNode):
    """A node that runs contracts, too."""

    def _eth_call(self, call: dict[str, str], tag: str) -> str:
        caller = Address(bytes.fromhex(call.get("from", "0x" + "00" * 20)[2:]))
        to, data = Address(bytes.fromhex(call["to"][2:])), bytes.fromhex(call["data"][2:])
        head = self.chain.head
        outcome, _ = run(ChainState(head.storage, head.nonces), caller, to, data, head.header.timestamp_ms // 1_000)
        if not outcome.succeeded:
            raise Refusal(3, "execution reverted", "0x" + outcome.output.hex())
        return "0x" + outcome.output.hex()

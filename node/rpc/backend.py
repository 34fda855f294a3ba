"""What JSON-RPC needs of a node, in plain ledger types: the seam between this folder and everything it serves.

Nothing here knows hex, JSON or HTTP. One implementation stands on the real node, one on memory for tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol, TypeVar

from consensus.chain.block import Block
from consensus.chain.header import Header
from consensus.chain.receipt import Receipt
from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, ValidatorIndex, View, WorkUnits
from node.chain.index_reader import IndexReader
from node.execution.calls import CallOutcome, CallRequest
from node.execution.meter import WorkMeter
from node.execution.replay import ReplaySite
from node.execution.transition import BlockContext
from node.mempool.admission import Verdict
from node.mempool.pool import PooledTransaction
from node.mempool.waiters import FinalCallback
from node.runtime.evidence import EvidenceRecord
from node.state.reader import StateReader
from node.validator.attestor import Attested, RevocationsAt

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeadInfo:
    """The last final block."""

    height: Height
    block_hash: Hash32
    timestamp_ms: TimestampMs


@dataclass(frozen=True, slots=True)
class FinalHeader:
    """A final header with what was already computed from it."""

    header: Header
    header_rlp: bytes
    block_hash: Hash32


@dataclass(frozen=True, slots=True)
class BlockReceipts:
    """What the transactions of one final block did, in their order. Built by `make_block_receipts`."""

    receipts: tuple[Receipt, ...]
    senders: tuple[Address, ...]
    """Recovered when the block was executed, never again."""
    revert_outputs: tuple[bytes, ...]
    """Return data of each transaction that reverted; empty for those that succeeded."""
    log_index_first: tuple[int, ...]
    """For each transaction, how many logs of the block come before its own."""


def make_block_receipts(
    receipts: Sequence[Receipt], senders: Sequence[Address], revert_outputs: Sequence[bytes]
) -> BlockReceipts:
    """Return the receipts of one block with the position of their logs; all three sequences are as long."""
    assert len(receipts) == len(senders) == len(revert_outputs)
    before = accumulate((len(receipt.logs) for receipt in receipts[:-1]), initial=0)
    return BlockReceipts(tuple(receipts), tuple(senders), tuple(revert_outputs), tuple(before) if receipts else ())


class AccountRecord(Protocol):
    """An account in the world state."""

    @property
    def nonce(self) -> int: ...
    @property
    def balance(self) -> int:
        """Native value in wei."""
        ...

    @property
    def code_hash(self) -> Hash32: ...


class StateAt(Protocol):
    """World state after one height; stays readable as long as it is referenced, whatever is committed meanwhile."""

    def account(self, address: Address) -> AccountRecord | None:
        """Return the account, or None if it does not exist."""
        ...

    def storage(self, address: Address, slot: int) -> int:
        """Return the word in a storage slot; 0 if it was never set."""
        ...

    def code(self, code_hash: Hash32) -> bytes:
        """Return the bytecode with this hash."""
        ...


@dataclass(frozen=True, slots=True)
class StorageProof:
    """One slot with the Merkle path below the account's storage root; `value` is 0 for a proof of absence."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account, or its absence, with the Merkle path from the state root (EIP-1186)."""

    address: Address
    nodes: tuple[bytes, ...]
    nonce: int
    balance: int
    code_hash: Hash32
    """keccak-256 of no bytes for an absent account."""
    storage_root: Hash32
    """Root of the empty trie for an absent account."""
    storage: tuple[StorageProof, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Why a height is final, for somebody who trusts only a validator set."""

    height: Height
    block_hash: Hash32
    header_rlp: bytes
    linking_headers: tuple[bytes, ...]
    """RLP of the headers above, in ascending order, up to the one `finalization` signs; empty if it signs this one."""
    finalization: bytes
    """Wire bytes; empty for genesis, which nobody signs."""
    epoch: Epoch
    view: View
    """Epoch and view in which the signed header was proposed; zeros for genesis."""
    signers: tuple[ValidatorIndex, ...]
    """Ascending."""
    validator_count: int


@dataclass(frozen=True, slots=True)
class ValidatorInfo:
    """One member of the epoch's set."""

    index: ValidatorIndex
    name: str
    operator: Address
    """Account of the bank, the header's `miner`."""
    consensus_key: bytes
    """ed25519, signs votes."""
    attestation_key: bytes
    """ed25519, signs attestations for offline wallets."""


@dataclass(frozen=True, slots=True)
class ValidatorSetInfo:
    """Who votes now."""

    epoch: Epoch
    quorum: int
    validators: tuple[ValidatorInfo, ...]
    """By index."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """How an epoch ended: what a light client needs to know the next one's validators."""

    epoch: Epoch
    """The epoch that ended."""
    height: Height
    """Of its last block."""
    block_hash: Hash32
    header_rlp: bytes
    """Its requestsHash commits to `payload`."""
    payload: bytes
    """The validator set of the next epoch, encoded."""
    finalization: bytes
    """Of the last block itself."""


@dataclass(frozen=True, slots=True)
class CurrencyInfo:
    """A native currency."""

    currency_id: int
    address: Address
    code: str
    name: str
    decimals: int
    """Digits of the minor unit."""


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a node that is catching up has come."""

    height_start: Height
    height_current: Height
    height_highest: Height


VIEW_WORK_MAX = WorkUnits(1_000_000_000)
"""Work of a call that is no transaction: its deadline comes first."""


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a call is executed: after a final block, in a block that will never be."""

    state: StateReader
    context: BlockContext
    make_meter: Callable[[WorkUnits], WorkMeter]
    """Makes a meter with a work limit and the deadline of this request."""


class LedgerReads(Protocol):
    """Final blocks and states. Every method may be called on the loop thread and on the calls thread."""

    def head(self) -> HeadInfo:
        """Return the last final block."""
        ...

    def earliest_height(self) -> Height:
        """Return the oldest height whose body is kept."""
        ...

    def height_of(self, block_hash: Hash32) -> Height | None:
        """Return the height of a final block, or None if no final block has this hash."""
        ...

    def header(self, height: Height) -> FinalHeader:
        """Return a header between genesis and head; headers are never pruned."""
        ...

    def block(self, height: Height) -> Block:
        """Return a final block between genesis and head.

        Raises: errors.Pruned if its body is no longer kept.
        """
        ...

    def receipts(self, height: Height) -> BlockReceipts:
        """Return the receipts of a block between genesis and head.

        Clients ask for the receipts of one block one by one, so the recent ones are kept decoded.

        Raises: errors.Pruned.
        """
        ...

    def locate(self, transaction_hash: Hash32) -> tuple[Height, int] | None:
        """Return height and index of a final transaction, or None if none has this hash or it is pruned."""
        ...

    def indexes(self) -> IndexReader:
        """Return the indexes at one moment, not before the head this request saw."""
        ...

    def state_at(self, height: Height) -> StateAt:
        """Return the state after a height between genesis and head.

        Raises: errors.Pruned if the history of that height is no longer kept.
        """
        ...

    def handoff(self, epoch: Epoch) -> Handoff | None:
        """Return how an epoch ended; None while it runs and for those to come."""
        ...

    async def attest(self, kind: AttestedKind, id: Hash32 | None, height: Height) -> Attested | None:
        """Return what this node attests of its state after a height; None if nothing is there.

        `id` is None for revocations alone. Raises: errors.CallsOverloaded, errors.CallTimedOut.
        """
        ...

    async def revocations(self, height: Height) -> RevocationsAt:
        """Return what is revoked after a height. Raises: errors.CallsOverloaded, errors.CallTimedOut."""
        ...

    def evidence(self) -> Sequence[EvidenceRecord]:
        """Return every contradiction this node has kept, by epoch, signer and view."""
        ...

    def certificate(self, height: Height) -> Certificate:
        """Return why a height between genesis and head is final.

        Raises: errors.Pruned.
        """
        ...

    def currencies(self) -> Sequence[CurrencyInfo]:
        """Return the native currencies of the last final state, by id."""
        ...

    def revert_reason(self, output: bytes) -> str | None:
        """Return one line naming the error in revert data and its values, or None if nobody knows it."""
        ...


class Mempool(Protocol):
    """The way in. Loop thread only."""

    def submit(self, raw: bytes, decided: Callable[[Verdict], None], *, hold_gap: bool) -> None:
        """Admit a transaction and call `decided` once on the loop thread, now or later.

        A hash that is already pending is admitted again. With `hold_gap` false a transaction that would wait for a
        missing nonce is refused with NonceTooFar, whose `expected` is the sender's next gapless nonce.
        """
        ...

    def wait_final(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Call `callback` once on the loop thread when the transaction is final and readable.

        Raises: TooManyWaiters.
        """
        ...

    def stop_waiting(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Forget `callback`; harmless if it was called."""
        ...

    def pending(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Return a pending transaction."""
        ...

    def pending_nonce(self, sender: Address) -> int:
        """Return the sender's nonce after its gapless pending transactions."""
        ...

    def pending_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        """Return at most `count_max` executable transactions, in an order in which they could enter a block."""
        ...

    def pool_counts(self) -> tuple[int, int]:
        """Return how many transactions are executable, and how many wait for a nonce before theirs."""
        ...

    def waiting_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        """Return at most `count_max` transactions that wait for a nonce before theirs."""
        ...


class Calls(Protocol):
    """What computes beside the loop, on the calls lane: one job at a time and a bounded queue."""

    async def compute(self, job: Callable[[], T]) -> T:
        """Run `job` on the calls thread and return its value, or raise what it raised.

        Raises: errors.CallsOverloaded if the lane's queue is full.
        """
        ...

    async def execute(self, height: Height, job: Callable[[CallSite], T]) -> T:
        """Run `job` on the calls thread with the state after `height`.

        Raises: errors.CallsOverloaded, errors.CallTimedOut, errors.Pruned, and what `job` raises.
        """
        ...

    async def replay(self, height: Height, job: Callable[[ReplaySite], T], *, only: int | None = None) -> list[T]:
        """Execute a final block above genesis once more and return what `job` makes of each transaction, or of one.

        Raises: as `execute`.
        """
        ...

    async def call(self, request: CallRequest, height: Height) -> CallOutcome:
        """Execute a call on the state after `height`; a failure is an outcome, not an exception.

        Raises: errors.CallsOverloaded, errors.CallTimedOut, errors.Pruned, and what `execute_call` raises.
        """
        ...

    async def estimate_gas(self, request: CallRequest, height: Height) -> tuple[int, CallOutcome]:
        """Return the gas limit a call needs, and its outcome with that limit or with the highest. Raises: as `call`."""
        ...

    async def proof(self, address: Address, slots: Sequence[int], height: Height) -> AccountProof:
        """Prove an account and some of its slots, or their absence, against the state root of `height`.

        Raises: errors.ProofPruned if the trie of that height is no longer kept; errors.CallsOverloaded.
        """
        ...


class NodeFacts(Protocol):
    """What a node says about itself. Loop thread only."""

    @property
    def chain_id(self) -> int: ...
    @property
    def client_version(self) -> str:
        """Such as `Sycee/v0.1.0/linux/python3.11`."""
        ...

    @property
    def proof_window_blocks(self) -> int:
        """How many heights below the head can still be proved."""
        ...

    def peer_count(self) -> int:
        """Return the number of links that are up."""
        ...

    def syncing(self) -> SyncProgress | None:
        """Return None while this node is at most two heights behind."""
        ...

    def validators(self) -> ValidatorSetInfo:
        """Return the current epoch's set."""
        ...

    def limits(self) -> dict[str, int]:
        """Return every limit of ledger and mempool a client can meet, by camelCase name ending in its unit."""
        ...


class Backend(LedgerReads, Mempool, Calls, NodeFacts, Protocol):
    """Everything together."""

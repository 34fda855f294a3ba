"""The real node behind JSON-RPC: final blocks from the store, pending transactions, calls on a thread."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from consensus.chain.block import Block
from consensus.light.attestation import AttestedKind
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.messages import decode_certificate
from contracts.addresses import CURRENCY_REGISTRY, currency_address
from contracts.decoding import revert_reason
from contracts.layout import CurrencyRegistrySlots, CurrencySlots, read_packed, read_text
from node.chain.index_reader import IndexReader
from node.chain.store import ChainStore
from node.execution.calls import CallOutcome, CallRequest
from node.execution.replay import ReplaySite
from node.mempool.admission import Admission, Verdict
from node.mempool.pool import Pool, PooledTransaction
from node.mempool.waiters import FinalCallback, Waiters
from node.rpc.backend import (
    AccountProof,
    BlockReceipts,
    CallSite,
    Certificate,
    CurrencyInfo,
    FinalHeader,
    Handoff,
    HeadInfo,
    StateAt,
    StorageProof,
    SyncProgress,
    ValidatorInfo,
    ValidatorSetInfo,
    make_block_receipts,
)
from node.rpc.call_runner import CallRunner
from node.rpc.errors import ProofPruned
from node.rpc.recent import Recent
from node.runtime.epochs import Epochs
from node.runtime.evidence import EvidenceRecord, evidence_records
from node.runtime.ports import Clock, Workers
from node.state.proof import prove_account
from node.state.reader import StateReader
from node.storage.errors import MissingRecord
from node.validator.attestor import Attested, Attestor, RevocationsAt

T = TypeVar("T")

HEADERS_CACHED_MAX = 256
"""Decoded headers kept: every request reads the last one, and one that waits or follows reads it again. 500 kB."""

RECEIPTS_CACHED_MAX = 64
"""Blocks whose decoded receipts are kept: clients ask for the receipts of one block one by one."""


@dataclass(frozen=True, slots=True)
class BackendParts:
    """Everything the backend reads and hands to."""

    chain: ChainStore
    pool: Pool
    admission: Admission
    waiters: Waiters
    workers: Workers
    clock: Clock
    chain_id: int
    epochs: Epochs
    attestor: Attestor
    version: str
    proof_window_blocks: int
    call_timeout_ms: int
    """How long a client waits for the calls thread at most."""
    link_count: Callable[[], int]
    height_best: Callable[[], Height]
    is_syncing: Callable[[], bool]
    limits: Callable[[], dict[str, int]]


class NodeBackend:
    """`node.rpc.backend.Backend` on a running node."""

    def __init__(self, parts: BackendParts) -> None:
        self._parts = parts
        self._chain = parts.chain
        self._headers: Recent[Height, FinalHeader] = Recent(HEADERS_CACHED_MAX)
        self._receipts: Recent[Height, BlockReceipts] = Recent(RECEIPTS_CACHED_MAX)
        self._calls = CallRunner(
            chain=parts.chain,
            chain_id=parts.chain_id,
            workers=parts.workers,
            clock=parts.clock,
            call_timeout_ms=parts.call_timeout_ms,
        )

    # Final blocks and states

    def head(self) -> HeadInfo:
        """Return the last final block."""
        head = self._chain.final_head()
        return HeadInfo(head.height, head.block_hash, self.header(head.height).header.timestamp_ms)

    def earliest_height(self) -> Height:
        """Return 0: nothing is pruned."""
        return Height(0)

    def height_of(self, block_hash: Hash32) -> Height | None:
        """Return the height of a final block."""
        return self._chain.height_of(block_hash)

    def header(self, height: Height) -> FinalHeader:
        """Return a header between genesis and head."""
        cached = self._headers.get(height)
        if cached is not None:
            return cached
        block_header = self._chain.header_with_hash(height)
        if block_header is None:
            raise MissingRecord(f"header {height}")
        header, header_rlp, block_hash = block_header
        return self._headers.put(height, FinalHeader(header, header_rlp, block_hash))

    def block(self, height: Height) -> Block:
        """Return a final block."""
        block = self._chain.block(height)
        if block is None:
            raise MissingRecord(f"block {height}")
        return block

    def receipts(self, height: Height) -> BlockReceipts:
        """Return the receipts of a final block, decoded once for many questions."""
        cached = self._receipts.get(height)
        if cached is not None:
            return cached
        results = self._chain.results(height)
        if results is None:
            raise MissingRecord(f"results of block {height}")
        made = make_block_receipts(results.receipts, results.senders, results.revert_outputs)
        return self._receipts.put(height, made)

    def locate(self, transaction_hash: Hash32) -> tuple[Height, int] | None:
        """Return height and index of a final transaction."""
        return self._chain.locate(transaction_hash)

    def indexes(self) -> IndexReader:
        """Return the indexes at one moment."""
        return IndexReader(self._chain.store.snapshot())

    def state_at(self, height: Height) -> StateAt:
        """Return the state after a height."""
        return self._chain.state_at(height)

    def certificate(self, height: Height) -> Certificate:
        """Return why a height is final."""
        final = self.header(height)
        epoch_set = self._parts.epochs.set_of(final.header.epoch)
        if epoch_set is None:
            raise MissingRecord(f"validator set of epoch {final.header.epoch}")
        validator_count = epoch_set.count
        covering = self._chain.covering_finalization(height)
        if height == 0:
            return Certificate(
                height, final.block_hash, final.header_rlp, (), b"", Epoch(0), View(0), (), validator_count
            )
        if covering is None:
            raise MissingRecord(f"finalization of block {height}")
        linking, finalization = covering
        decoded = decode_certificate(finalization)
        return Certificate(
            height=height,
            block_hash=final.block_hash,
            header_rlp=final.header_rlp,
            linking_headers=tuple(linking),
            finalization=finalization,
            epoch=decoded.statement.epoch,
            view=decoded.statement.view,
            signers=decoded.signers,
            validator_count=validator_count,
        )

    def handoff(self, epoch: Epoch) -> Handoff | None:
        """Return how an epoch ended; None while it runs."""
        following = self._chain.epoch_record(Epoch(epoch + 1))
        if following is None:
            return None
        first_height, payload = following
        height = Height(first_height - 1)
        finalization = self._chain.own_finalization(height)
        if finalization is None:
            raise MissingRecord(f"finalization of block {height}, the last of epoch {epoch}")
        final = self.header(height)
        return Handoff(epoch, height, final.block_hash, final.header_rlp, payload, finalization)

    async def attest(self, kind: AttestedKind, id: Hash32 | None, height: Height) -> Attested | None:
        """Return what this node attests of its state after a height; None if nothing is there."""
        attestor = self._parts.attestor
        if id is None:
            return await self.compute(lambda: attestor.attest_revocations(height))
        return await self.compute(lambda: attestor.attest(kind, id, height))

    async def revocations(self, height: Height) -> RevocationsAt:
        """Return what is revoked after a height."""
        return await self.compute(lambda: self._parts.attestor.revocations(height))

    def evidence(self) -> Sequence[EvidenceRecord]:
        """Return every contradiction this node has kept."""
        return evidence_records(self._chain, self._parts.epochs, self._parts.chain_id)

    def currencies(self) -> Sequence[CurrencyInfo]:
        """Return the native currencies of the last final state, by id."""
        state = self._chain.state_at(self._chain.final_head().height)
        count = state.storage(CURRENCY_REGISTRY, CurrencyRegistrySlots.COUNT)
        return [read_currency(state, currency_id) for currency_id in range(1, count + 1)]

    def revert_reason(self, output: bytes) -> str | None:
        """Return the named error in revert data."""
        return revert_reason(output)

    # The way in

    def submit(self, raw: bytes, decided: Callable[[Verdict], None], *, hold_gap: bool) -> None:
        """Admit a transaction."""
        self._parts.admission.submit(raw, decided, hold_gap=hold_gap)

    def wait_final(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Call `callback` once the transaction is final and readable."""
        self._parts.waiters.add(transaction_hash, callback)

    def stop_waiting(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        """Forget `callback`."""
        self._parts.waiters.discard(transaction_hash, callback)

    def pending(self, transaction_hash: Hash32) -> PooledTransaction | None:
        """Return a pending transaction."""
        return self._parts.pool.get(transaction_hash)

    def pending_nonce(self, sender: Address) -> int:
        """Return the sender's nonce after its gapless pending transactions."""
        account = self._chain.state_at(self._chain.final_head().height).account(sender)
        return self._parts.pool.next_pending_nonce(sender, 0 if account is None else account.nonce)

    def pending_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        """Return executable transactions, each sender's by ascending nonce."""
        pool = self._parts.pool
        found: list[PooledTransaction] = []
        for lane in pool.by_sender().values():
            for pooled in lane:
                if len(found) >= count_max:
                    return found
                if pool.is_executable(pooled):
                    found.append(pooled)
        return found

    def pool_counts(self) -> tuple[int, int]:
        """Return how many transactions are executable, and how many wait for a nonce before theirs."""
        pool = self._parts.pool
        return pool.executable_count, len(pool) - pool.executable_count

    def waiting_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        """Return transactions with a gap before their nonce, each sender's by ascending nonce."""
        pool = self._parts.pool
        waiting = (entry for lane in pool.by_sender().values() for entry in lane if not pool.is_executable(entry))
        return list(islice(waiting, count_max))

    # Calls

    async def compute(self, job: Callable[[], T]) -> T:
        """Run `job` on the calls thread. Raises: CallsOverloaded, CallTimedOut."""
        return await self._calls.compute(job)

    async def execute(self, height: Height, job: Callable[[CallSite], T]) -> T:
        """Run `job` on the calls thread with the state after `height`."""
        return await self._calls.execute(height, job)

    async def replay(self, height: Height, job: Callable[[ReplaySite], T], *, only: int | None = None) -> list[T]:
        """Execute a final block once more and return what `job` makes of each transaction, or of one."""
        return await self._calls.replay(height, job, only=only)

    async def call(self, request: CallRequest, height: Height) -> CallOutcome:
        """Execute a call on the state after `height`, leaving no trace."""
        return await self._calls.call(request, height)

    async def estimate_gas(self, request: CallRequest, height: Height) -> tuple[int, CallOutcome]:
        """Return the gas limit a call needs, and its outcome with that limit or with the highest."""
        return await self._calls.estimate_gas(request, height)

    async def proof(self, address: Address, slots: Sequence[int], height: Height) -> AccountProof:
        """Prove an account and slots against the state root of `height`. Raises: ProofPruned."""
        oldest = max(0, self._chain.final_head().height - self.proof_window_blocks)
        if height < oldest:
            raise ProofPruned(height=height, oldest=Height(oldest))
        state = self._chain.state_at(height)
        proved = await self.compute(lambda: prove_account(state, address, slots))
        return AccountProof(
            address=address,
            nodes=proved.nodes,
            nonce=proved.account.nonce,
            balance=proved.account.balance,
            code_hash=proved.account.code_hash,
            storage_root=proved.account.storage_root,
            storage=tuple(StorageProof(slot.slot, slot.value, slot.nodes) for slot in proved.slots),
        )

    # What the node says about itself

    @property
    def chain_id(self) -> int:
        """The network."""
        return self._parts.chain_id

    @property
    def client_version(self) -> str:
        """Name, version and platform."""
        python = ".".join(platform.python_version_tuple()[:2])
        return f"Sycee/v{self._parts.version}/{platform.system().lower()}/python{python}"

    @property
    def proof_window_blocks(self) -> int:
        """How many heights below the head can still be proved."""
        return self._parts.proof_window_blocks

    def peer_count(self) -> int:
        """Return the number of links that are up."""
        return self._parts.link_count()

    def syncing(self) -> SyncProgress | None:
        """Return None while this node is in step."""
        if not self._parts.is_syncing():
            return None
        height = self._chain.final_head().height
        return SyncProgress(height, height, self._parts.height_best())

    def validators(self) -> ValidatorSetInfo:
        """Return the current epoch's set."""
        current = self._parts.epochs.current
        validators = current.validators
        return ValidatorSetInfo(
            epoch=validators.epoch,
            quorum=validators.quorum,
            validators=tuple(
                ValidatorInfo(
                    index=ValidatorIndex(index),
                    name=member.name,
                    operator=member.validator.operator,
                    consensus_key=member.validator.consensus_key,
                    attestation_key=member.validator.attestation_key,
                )
                for index, member in enumerate(current.members)
            ),
        )

    def limits(self) -> dict[str, int]:
        """Return every limit of ledger and mempool a client can meet."""
        return self._parts.limits()


def read_currency(state: StateReader, currency_id: int) -> CurrencyInfo:
    """Return what the ledger says of a currency that exists."""
    address = currency_address(currency_id)

    def get_slot(slot: int) -> int:
        return state.storage(address, slot)

    return CurrencyInfo(
        currency_id=currency_id,
        address=address,
        code=read_text(get_slot, CurrencySlots.SYMBOL).decode(),
        name=read_text(get_slot, CurrencySlots.NAME).decode(),
        decimals=read_packed(get_slot(CurrencySlots.FLAGS), offset_bits=0, bits=8),
    )

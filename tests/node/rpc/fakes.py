"""A node in memory: real blocks, receipts and signatures, a real mempool, and a make-believe currency."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from eth_account import Account
from eth_account.signers.local import LocalAccount

from consensus.chain.block import Block, make_block
from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT, ordered_list_root
from consensus.chain.receipt import Log, Receipt, bloom_bytes, bloom_of, encode_receipts
from consensus.chain.transaction import Transaction, decode_transaction, intrinsic_gas
from consensus.light.attestation import Attestation, AttestedKind
from consensus.primitives.hashing import KECCAK_EMPTY, keccak256
from consensus.primitives.scalars import (
    ZERO_HASH,
    Address,
    Epoch,
    Hash32,
    Height,
    TimestampMs,
    ValidatorIndex,
    View,
)
from consensus.simplex.evidence import ConflictingVotes
from consensus.simplex.messages import Kind, Statement, Vote
from node.chain.index_reader import IndexReader
from node.chain.indexes import INDEX_GROUPS, IndexedBlock, IndexWriter
from node.chain.records import FinalHead, encode_final_head
from node.execution.calls import CallNotFunded, CallOutcome, CallRequest
from node.execution.replay import ReplaySite
from node.mempool.admission import Verdict, recover_batch
from node.mempool.errors import (
    ExceedsBlockGas,
    InsufficientFunds,
    NonceTooFar,
    NotReady,
    RejectedTransaction,
)
from node.mempool.pool import Pool, PooledTransaction, PoolLimits
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
    StorageProof,
    SyncProgress,
    ValidatorInfo,
    ValidatorSetInfo,
    make_block_receipts,
)
from node.rpc.errors import ProofPruned, Pruned
from node.runtime.evidence import EvidenceRecord
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore
from node.storage.schema import META_FINAL_HEAD
from node.validator.attestor import Attested, RevocationsAt

T = TypeVar("T")

CHAIN_ID = 23790
GAS_LIMIT = 30_000_000
EUR = Address(bytes.fromhex("5cee1000" + "00" * 12 + "00000001"))
FOREIGN = Address(b"\xf0" * 20)
ALICE: LocalAccount = Account.from_key("0x" + "a1" * 32)
BOB: LocalAccount = Account.from_key("0x" + "b0" * 32)
ALICE_ADDRESS = Address(bytes.fromhex(ALICE.address[2:]))
BOB_ADDRESS = Address(bytes.fromhex(BOB.address[2:]))
TRANSFER_TOPIC = keccak256(b"Transfer(address,address,uint256)")
TRANSFER_SELECTOR = keccak256(b"transfer(address,uint256)")[:4]
TRANSFER_GAS = 9_000
BALANCE_MINOR = 1_000
"""More than this cannot be transferred."""
REVERT_OUTPUT = keccak256(b"ERC20InsufficientBalance(address,uint256,uint256)")[:4] + bytes(96)
REVERT_TEXT = "ERC20InsufficientBalance(sender=0x00, balance=0, needed=0)"
GENESIS_MS = 1_700_000_000_123


def word(value: bytes | int) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")


def transfer_data(to: Address, amount_minor: int) -> bytes:
    return TRANSFER_SELECTOR + word(to) + word(amount_minor)


def sign(account: LocalAccount, nonce: int, **changes: Any) -> bytes:
    """Return a signed transfer of 5 minor units to Bob, with some fields changed."""
    fields: dict[str, Any] = {
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": 100_000,
        "maxFeePerGas": 7,
        "maxPriorityFeePerGas": 3,
        "to": EUR,
        "value": 0,
        "data": transfer_data(BOB_ADDRESS, 5),
    }
    fields.update(changes)
    if "gasPrice" in fields:
        del fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]
    return bytes(account.sign_transaction(fields).raw_transaction)


@dataclass(frozen=True, slots=True)
class FakeAccount:
    nonce: int
    balance: int
    code_hash: Hash32 = KECCAK_EMPTY


@dataclass(frozen=True, slots=True)
class FakeState:
    nonces: dict[Address, int]

    def account(self, address: Address) -> FakeAccount | None:
        if address == EUR:
            return FakeAccount(1, 0, keccak256(b"\xfe"))
        if address in (ALICE_ADDRESS, BOB_ADDRESS):
            return FakeAccount(self.nonces.get(address, 0), 10**18)
        return None

    def storage(self, address: Address, slot: int) -> int:
        return 0x0200 if (address, slot) == (EUR, 0) else 0

    def code(self, code_hash: Hash32) -> bytes:
        return b"\xfe" if code_hash == keccak256(b"\xfe") else b""


@dataclass
class Recorder:
    """An observer that keeps everything."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    incidents: list[tuple[str, str, BaseException]] = field(default_factory=list)
    subscription_count: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def answered(self, method: str, code: int, microseconds: int) -> None:
        assert microseconds >= 0
        self.answers.append((method, code))

    def incident(self, incident: str, method: str, error: BaseException) -> None:
        self.incidents.append((incident, method, error))

    def subscriptions(self, count: int) -> None:
        self.subscription_count = count
        self.changed.set()

    async def until_subscriptions(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.subscription_count != count:
                self.changed.clear()
                await self.changed.wait()


class FakeBackend:
    """Implements `Backend`. Seals by itself after each admission if `seals_itself`."""

    chain_id = CHAIN_ID
    client_version = "Sycee/v0.1.0/test"
    proof_window_blocks = 1_024

    def __init__(self, *, seals_itself: bool = False) -> None:
        self.seals_itself = seals_itself
        self.is_syncing = False
        self.bodies_oldest = Height(0)
        self.proofs_oldest = Height(0)
        self.failure: Exception | None = None
        """Raised by the next reads and calls."""
        self.pool = Pool(PoolLimits())
        self.waiters = Waiters()
        self.blocks: list[Block] = []
        self.states: list[FakeState] = []
        self.block_receipts: list[BlockReceipts] = []
        self.places: dict[Hash32, tuple[Height, int]] = {}
        self.calls: list[tuple[CallRequest, Height]] = []
        self.computing = 0
        self.computing_peak = 0
        self.store = MemoryStore()
        """Holds the indexes only."""
        self.index_writer = IndexWriter(INDEX_GROUPS, Height(0))
        self._append((), (), (), {})

    def head(self) -> HeadInfo:
        self._maybe_fail()
        last = self.blocks[-1]
        return HeadInfo(last.header.height, last.block_hash, last.header.timestamp_ms)

    def earliest_height(self) -> Height:
        return self.bodies_oldest

    def height_of(self, block_hash: Hash32) -> Height | None:
        return next((block.header.height for block in self.blocks if block.block_hash == block_hash), None)

    def header(self, height: Height) -> FinalHeader:
        block = self.blocks[height]
        return FinalHeader(block.header, block.header_rlp, block.block_hash)

    def block(self, height: Height) -> Block:
        self._check_kept(height)
        return self.blocks[height]

    def receipts(self, height: Height) -> BlockReceipts:
        self._check_kept(height)
        return self.block_receipts[height]

    def locate(self, transaction_hash: Hash32) -> tuple[Height, int] | None:
        return self.places.get(transaction_hash)

    def state_at(self, height: Height) -> FakeState:
        self._check_kept(height)
        return self.states[height]

    def indexes(self) -> IndexReader:
        return IndexReader(self.store.snapshot())

    def certificate(self, height: Height) -> Certificate:
        block = self.blocks[height]
        linking = tuple(later.header_rlp for later in self.blocks[height + 1 : height + 2])
        return Certificate(
            height=height,
            block_hash=block.block_hash,
            header_rlp=block.header_rlp,
            linking_headers=linking,
            finalization=b"\x01final" if height else b"",
            epoch=Epoch(0),
            view=View(height),
            signers=(ValidatorIndex(0), ValidatorIndex(2), ValidatorIndex(3)) if height else (),
            validator_count=4,
        )

    async def attest(self, kind: AttestedKind, id: Hash32 | None, height: Height) -> Attested | None:
        if id == Hash32(bytes(32)):
            return None
        name = id or Hash32(b"\x44" * 32)
        attestation = Attestation(kind, name, b"\x55" * 32, 3, height, 1_800_000_000)
        return Attested(attestation, ((2, b"\x66" * 64),))

    async def revocations(self, height: Height) -> RevocationsAt:
        return RevocationsAt(height, 1_800_000_000, (b"\x01" * 8, b"\x02" * 8))

    def evidence(self) -> Sequence[EvidenceRecord]:
        first, second = (
            Vote(
                Statement(Kind.NOTARIZE, Epoch(0), View(7), View(6), Hash32(bytes((number,)) * 32)),
                ValidatorIndex(0),
                bytes(64),
            )
            for number in (1, 2)
        )
        return [EvidenceRecord(ConflictingVotes(first, second), b"\x11" * 32, Hash32(b"\x33" * 32), None)]

    def handoff(self, epoch: Epoch) -> Handoff | None:
        if epoch != 0:
            return None
        last = self.blocks[0]
        return Handoff(epoch, Height(0), last.block_hash, last.header_rlp, b"\x01set", b"\x03final")

    def currencies(self) -> Sequence[CurrencyInfo]:
        return [CurrencyInfo(1, EUR, "EUR", "Euro", 2)]

    def revert_reason(self, output: bytes) -> str | None:
        return REVERT_TEXT if output[:4] == REVERT_OUTPUT[:4] else None

    def submit(self, raw: bytes, decided: Callable[[Verdict], None], *, hold_gap: bool) -> None:
        pending = self.pool.get(keccak256(raw))
        if pending is not None:
            decided(pending)
            return
        asyncio.get_running_loop().call_soon(lambda: decided(self._admit(raw, hold_gap=hold_gap)))

    def wait_final(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        self.waiters.add(transaction_hash, callback)

    def stop_waiting(self, transaction_hash: Hash32, callback: FinalCallback) -> None:
        self.waiters.discard(transaction_hash, callback)

    def pending(self, transaction_hash: Hash32) -> PooledTransaction | None:
        return self.pool.get(transaction_hash)

    def pending_nonce(self, sender: Address) -> int:
        return self.pool.next_pending_nonce(sender, self.states[-1].nonces.get(sender, 0))

    def pending_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        return [
            pooled for lane in self.pool.by_sender().values() for pooled in lane if self.pool.is_executable(pooled)
        ][:count_max]

    def pool_counts(self) -> tuple[int, int]:
        return self.pool.executable_count, len(self.pool) - self.pool.executable_count

    def waiting_transactions(self, count_max: int) -> Sequence[PooledTransaction]:
        lanes = self.pool.by_sender().values()
        return [pooled for lane in lanes for pooled in lane if not self.pool.is_executable(pooled)][:count_max]

    async def compute(self, job: Callable[[], T]) -> T:
        self._maybe_fail()
        return job()

    async def execute(self, height: Height, job: Callable[[CallSite], T]) -> T:
        raise AssertionError("this chain executes nothing: use tests.node.rpc.real_chain")

    async def replay(self, height: Height, job: Callable[[ReplaySite], T], *, only: int | None = None) -> list[T]:
        raise AssertionError("this chain executes nothing: use tests.node.rpc.real_chain")

    async def call(self, request: CallRequest, height: Height) -> CallOutcome:
        self._maybe_fail()
        self.calls.append((request, height))
        self.computing += 1
        self.computing_peak = max(self.computing_peak, self.computing)
        await asyncio.sleep(0)
        self.computing -= 1
        if request.to is None:
            return CallOutcome(False, b"", request.gas_limit, "out of gas")
        if request.value > 10**18:
            raise CallNotFunded(balance=10**18, value=request.value)
        if int.from_bytes(request.data[36:68], "big") > BALANCE_MINOR:
            return CallOutcome(False, REVERT_OUTPUT, 30_000)
        return CallOutcome(True, word(1), 30_432)

    async def estimate_gas(self, request: CallRequest, height: Height) -> tuple[int, CallOutcome]:
        outcome = await self.call(request, height)
        return outcome.gas_used, outcome

    async def proof(self, address: Address, slots: Sequence[int], height: Height) -> AccountProof:
        if height < self.proofs_oldest:
            raise ProofPruned(height=height, oldest=self.proofs_oldest)
        account = self.states[height].account(address) or FakeAccount(0, 0)
        storage = tuple(
            StorageProof(slot, self.states[height].storage(address, slot), (b"\xc2\x01",)) for slot in slots
        )
        return AccountProof(
            address, (b"\xc1\x80",), account.nonce, account.balance, account.code_hash, EMPTY_TRIE_ROOT, storage
        )

    def peer_count(self) -> int:
        return 3

    def syncing(self) -> SyncProgress | None:
        return SyncProgress(Height(0), Height(2), Height(9)) if self.is_syncing else None

    def validators(self) -> ValidatorSetInfo:
        member = ValidatorInfo(ValidatorIndex(0), "alpha", ALICE_ADDRESS, b"\x11" * 32, b"\x22" * 32)
        return ValidatorSetInfo(Epoch(0), 1, (member,))

    def limits(self) -> dict[str, int]:
        return {"blockGasMax": GAS_LIMIT, "transactionBytesMax": 122_880}

    def seal(self) -> None:
        """Make everything executable final."""
        pooled = self.pending_transactions(10_000)
        if not pooled:
            return
        nonces = dict(self.states[-1].nonces)
        receipts: list[Receipt] = []
        outputs: list[bytes] = []
        gas = 0
        for entry in pooled:
            transaction = entry.transaction
            nonces[entry.sender] = transaction.nonce + 1
            succeeded = int.from_bytes(transaction.data[36:68], "big") <= BALANCE_MINOR
            gas += intrinsic_gas(transaction) + TRANSFER_GAS
            logs = (_transfer_log(transaction, entry.sender),) if succeeded else ()
            receipts.append(Receipt(transaction.type, succeeded, gas, logs))
            outputs.append(b"" if succeeded else REVERT_OUTPUT)
        self._append([entry.transaction.raw for entry in pooled], receipts, [e.sender for e in pooled], nonces, outputs)
        self.pool.drop_final((entry.sender, entry.transaction.nonce) for entry in pooled)
        height = self.blocks[-1].header.height
        for index, entry in enumerate(pooled):
            self.places[entry.transaction.hash] = (height, index)
        for index, entry in enumerate(pooled):
            self.waiters.wake(entry.transaction.hash, height, index)

    def _admit(self, raw: bytes, *, hold_gap: bool) -> Verdict:
        outcome = recover_batch([raw], CHAIN_ID)[0]
        if not isinstance(outcome, tuple):
            return outcome
        transaction, sender = outcome
        nonce = self.states[-1].nonces.get(sender, 0)
        try:
            if self.is_syncing:
                raise NotReady()
            if transaction.gas_limit > GAS_LIMIT:
                raise ExceedsBlockGas(gas_limit=transaction.gas_limit, block_gas_limit=GAS_LIMIT)
            if transaction.value > 10**18:
                raise InsufficientFunds(balance=10**18, value=transaction.value)
            expected = self.pool.next_pending_nonce(sender, nonce)
            if not hold_gap and transaction.nonce > expected:
                raise NonceTooFar(found=transaction.nonce, expected=expected, ahead_max=0)
            self.pool.validate_room(transaction, sender, nonce)
        except RejectedTransaction as rejection:
            return rejection
        pooled = PooledTransaction(transaction, sender, TimestampMs(GENESIS_MS), True)
        self.pool.add(pooled, nonce)
        if self.seals_itself:
            asyncio.get_running_loop().call_soon(self.seal)
        return pooled

    def _append(
        self,
        raws: Sequence[bytes],
        receipts: Sequence[Receipt],
        senders: Sequence[Address],
        nonces: dict[Address, int],
        outputs: Sequence[bytes] = (),
    ) -> None:
        height = len(self.blocks)
        logs = [log for receipt in receipts for log in receipt.logs]
        parent = self.blocks[-1].block_hash if self.blocks else ZERO_HASH
        header = Header(
            parent_hash=parent,
            leader=Address(b"\x1e" * 20),
            state_root=keccak256(b"state %d" % height),
            transactions_root=ordered_list_root(raws),
            receipts_root=ordered_list_root(encode_receipts(receipts)),
            logs_bloom=bloom_bytes(bloom_of(logs)),
            height=Height(height),
            gas_limit=GAS_LIMIT,
            gas_used=receipts[-1].cumulative_gas_used if receipts else 0,
            timestamp_ms=TimestampMs(GENESIS_MS + 1_000 * height),
            epoch=Epoch(0),
            view=View(height),
            previous_randao=keccak256(parent),
            requests_hash=NO_REQUESTS_HASH,
        )
        self.blocks.append(make_block(header, raws))
        self.states.append(FakeState(nonces))
        self.block_receipts.append(make_block_receipts(receipts, senders, outputs))
        self._index(Height(height), raws, senders, receipts)

    def _index(
        self, height: Height, raws: Sequence[bytes], senders: Sequence[Address], receipts: Sequence[Receipt]
    ) -> None:
        batch = WriteBatch()
        transactions = [decode_transaction(raw) for raw in raws]
        indexed = IndexedBlock(
            height,
            [transaction.hash for transaction in transactions],
            senders,
            [transaction.nonce for transaction in transactions],
            [transaction.to for transaction in transactions],
            receipts,
        )
        self.index_writer.write_block(batch, self.store, indexed)
        batch.put(META_FINAL_HEAD, encode_final_head(FinalHead(height, ZERO_HASH, Epoch(0), View(0))))
        self.store.write(batch, sync=False)

    def _check_kept(self, height: Height) -> None:
        self._maybe_fail()
        if height < self.bodies_oldest:
            raise Pruned(height=height, oldest=self.bodies_oldest)

    def _maybe_fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def _transfer_log(transaction: Transaction, sender: Address) -> Log:
    assert transaction.to is not None
    to = Hash32(bytes(12) + transaction.data[16:36])
    return Log(transaction.to, (TRANSFER_TOPIC, Hash32(word(sender)), to), transaction.data[36:68])


def admit(backend: FakeBackend, raw: bytes) -> PooledTransaction:
    """Put a valid transaction into the pool at once."""
    verdict = backend._admit(raw, hold_gap=True)
    assert isinstance(verdict, PooledTransaction), verdict
    return verdict


def small_chain() -> FakeBackend:
    """Genesis; height 1 with a transfer of each type; height 2 with a transfer and one that reverted; one pending."""
    backend = FakeBackend()
    admit(backend, sign(ALICE, 0))
    admit(backend, sign(ALICE, 1, gasPrice=9))
    admit(
        backend,
        sign(
            BOB,
            0,
            gasPrice=1,
            type=1,
            accessList=[{"address": "0x" + EUR.hex(), "storageKeys": ["0x" + "00" * 31 + "07"]}],
        ),
    )
    backend.seal()
    admit(backend, sign(ALICE, 2))
    admit(backend, sign(ALICE, 3, data=transfer_data(BOB_ADDRESS, BALANCE_MINOR + 1)))
    backend.seal()
    admit(backend, sign(ALICE, 4))
    return backend

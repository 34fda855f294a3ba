"""May a transaction enter the mempool? Decoding and recovery run on workers, in batches; the rest on the loop thread.

Each thing is done once: a hash that is pending, final or already under way is never decoded again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from consensus.chain.errors import InvalidTransaction
from consensus.chain.transaction import (
    Transaction,
    decode_transaction,
    recover_sender,
    validate_transaction,
)
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from node.execution.permissions import PermissionRefusal
from node.execution.shares import UNMETERED, Quota
from node.mempool.errors import (
    ExceedsBlockGas,
    InsufficientFunds,
    NonceTooFar,
    NotPermitted,
    NotReady,
    PoolFull,
    RejectedTransaction,
)
from node.mempool.pool import Pool, PooledTransaction
from node.mempool.quotas import QuotaBook
from node.runtime.ports import Clock, Lane, Timers, Workers

BATCH_MAX = 64
"""Transactions decoded and recovered in one job: 4 ms of work, so that lanes stay responsive."""

UNDER_WAY_MAX = 20_000
"""Transactions being recovered; beyond it new ones are refused as if the pool were full. A second's work."""

Refusal = InvalidTransaction | RejectedTransaction
Verdict = PooledTransaction | Refusal
"""What a submitter hears: the pending transaction, or why not."""


@dataclass(frozen=True, slots=True)
class SenderState:
    """What the final state says about an account."""

    nonce: int
    balance: int
    send_refusal: PermissionRefusal | None = None
    """Why it may not send any transaction; None if it may."""
    deploy_refusal: PermissionRefusal | None = None
    """Why it may not create a contract; None if it may."""
    quota: Quota = UNMETERED
    """Whose gas a minute its transactions use."""


class LedgerView(Protocol):
    """What admission needs of the final state."""

    def sender_state(self, sender: Address) -> SenderState:
        """Return nonce and native balance; zeros for an account that does not exist."""
        ...

    def is_syncing(self) -> bool:
        """Tell whether this node is too far behind to judge nonces."""
        ...


@dataclass(slots=True)
class _Batch:
    raws: list[bytes]
    hashes: list[Hash32]
    from_client: bool


class Admission:
    """Decides and fills the pool. Owned by the loop thread."""

    def __init__(
        self,
        *,
        pool: Pool,
        ledger: LedgerView,
        workers: Workers,
        clock: Clock,
        timers: Timers,
        chain_id: int,
        block_gas_limit: Callable[[], int],
        admitted: Callable[[list[PooledTransaction]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._pool = pool
        self._ledger = ledger
        self._workers = workers
        self._clock = clock
        self._timers = timers
        self._chain_id = chain_id
        self._block_gas_limit = block_gas_limit
        self._admitted = admitted
        self._failed = failed
        self._under_way: dict[Hash32, list[Callable[[Verdict], None]]] = {}
        self._from_clients: list[tuple[bytes, Hash32]] = []
        self._ready_only: set[Hash32] = set()
        """Hashes under way whose submitter does not want them held behind a nonce gap."""
        self.quotas = QuotaBook()
        self.rejected_counts: dict[str, int] = {}
        """Refusals by reason since start."""

    def submit(self, raw: bytes, decided: Callable[[Verdict], None], *, hold_gap: bool = True) -> None:
        """Admit a client's transaction and call `decided` with the outcome, now or after recovery.

        With `hold_gap` false a transaction that would wait for a missing nonce is refused with NonceTooFar.
        """
        transaction_hash = keccak256(raw)
        pending = self._pool.get(transaction_hash)
        if pending is not None:
            decided(pending)
            return
        waiting = self._under_way.get(transaction_hash)
        if waiting is not None:
            waiting.append(decided)
            return
        if len(self._under_way) >= UNDER_WAY_MAX:
            self._count(PoolFull.reason)
            decided(PoolFull(UNDER_WAY_MAX))
            return
        self._under_way[transaction_hash] = [decided]
        if not hold_gap:
            self._ready_only.add(transaction_hash)
        self._from_clients.append((raw, transaction_hash))
        if len(self._from_clients) == 1:
            self._timers.call_soon(self._start_from_clients)

    def receive(self, raws: Sequence[bytes]) -> None:
        """Admit transactions that a peer sent; refusals are only counted."""
        fresh: list[tuple[bytes, Hash32]] = []
        for raw in raws:
            transaction_hash = keccak256(raw)
            if transaction_hash not in self._pool and transaction_hash not in self._under_way:
                if len(self._under_way) >= UNDER_WAY_MAX:
                    self._count("overloaded")
                    continue
                self._under_way[transaction_hash] = []
                fresh.append((raw, transaction_hash))
        self._start(fresh, from_client=False)

    def _start_from_clients(self) -> None:
        submitted, self._from_clients = self._from_clients, []
        self._start(submitted, from_client=True)

    def _start(self, fresh: list[tuple[bytes, Hash32]], *, from_client: bool) -> None:
        for start in range(0, len(fresh), BATCH_MAX):
            part = fresh[start : start + BATCH_MAX]
            self._recover(_Batch([raw for raw, _ in part], [digest for _, digest in part], from_client))

    def _recover(self, batch: _Batch) -> None:
        chain_id = self._chain_id

        def recovered(outcomes: list[tuple[Transaction, Address] | InvalidTransaction]) -> None:
            self._recovered(batch, outcomes)

        self._workers.submit(Lane.RECOVER, lambda: recover_batch(batch.raws, chain_id), recovered, self._failed)

    def _recovered(self, batch: _Batch, outcomes: list[tuple[Transaction, Address] | InvalidTransaction]) -> None:
        admitted: list[PooledTransaction] = []
        for transaction_hash, outcome in zip(batch.hashes, outcomes, strict=True):
            verdict: Verdict
            if isinstance(outcome, InvalidTransaction):
                verdict = outcome
            else:
                hold_gap = transaction_hash not in self._ready_only
                verdict = self._admit(*outcome, from_client=batch.from_client, hold_gap=hold_gap)
            self._ready_only.discard(transaction_hash)
            if isinstance(verdict, PooledTransaction):
                admitted.append(verdict)
            else:
                self._count(verdict.reason)
            for decided in self._under_way.pop(transaction_hash):
                decided(verdict)
        if admitted:
            self._admitted(admitted)

    def _admit(self, transaction: Transaction, sender: Address, *, from_client: bool, hold_gap: bool) -> Verdict:
        state = self._ledger.sender_state(sender)
        now_ms = self._clock.now_ms()
        try:
            self._validate(transaction, state)
            self._pool.validate_room(transaction, sender, state.nonce)
            next_nonce = self._pool.next_pending_nonce(sender, state.nonce)
            if transaction.nonce > next_nonce and not hold_gap:
                raise NonceTooFar(found=transaction.nonce, expected=next_nonce, ahead_max=0)
            # Last, so that only what enters the pool uses the quota.
            self.quotas.charge(state.quota, transaction.gas_limit, now_ms)
        except RejectedTransaction as rejection:
            return rejection
        pooled = PooledTransaction(transaction, sender, now_ms, from_client, bank_id=state.quota.bank_id)
        self._pool.add(pooled, state.nonce)
        return pooled

    def _validate(self, transaction: Transaction, state: SenderState) -> None:
        if self._ledger.is_syncing():
            raise NotReady()
        refusal = state.deploy_refusal if transaction.to is None else state.send_refusal
        if refusal is not None:
            raise NotPermitted(refusal.rule, refusal.detail)
        block_gas_limit = self._block_gas_limit()
        if transaction.gas_limit > block_gas_limit:
            raise ExceedsBlockGas(gas_limit=transaction.gas_limit, block_gas_limit=block_gas_limit)
        if transaction.value > state.balance:
            raise InsufficientFunds(balance=state.balance, value=transaction.value)

    def _count(self, reason: str) -> None:
        self.rejected_counts[reason] = self.rejected_counts.get(reason, 0) + 1


def recover_batch(raws: Sequence[bytes], chain_id: int) -> list[tuple[Transaction, Address] | InvalidTransaction]:
    """Decode, check and recover each transaction; the outcome is a value, never an exception."""
    outcomes: list[tuple[Transaction, Address] | InvalidTransaction] = []
    for raw in raws:
        try:
            transaction = decode_transaction(raw)
            validate_transaction(transaction, chain_id=chain_id)
            outcomes.append((transaction, recover_sender(transaction)))
        except InvalidTransaction as error:
            outcomes.append(error)
    return outcomes

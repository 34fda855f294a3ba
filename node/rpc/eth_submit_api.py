"""eth_*: sending transactions. A submission is answered when the mempool has decided, or when it is final."""

import asyncio
from collections.abc import Sequence

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32, Height
from node.mempool.admission import Verdict
from node.mempool.errors import NonceTooFar, NotReady, PoolFull
from node.mempool.pool import PooledTransaction
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import FinalityTimedOut, NonceGap, NotAdmitted
from node.rpc.eth_blocks_api import receipt_at
from node.rpc.methods import Context, Method
from node.rpc.parameters import optional, read_count, read_data

SYNC_TIMEOUT_DEFAULT_MS = 2_000
"""Patience of a client that names none: thirty times the usual finality."""

SYNC_TIMEOUT_MAX_MS = 30_000
"""Longest wait: below the idle time-outs of common proxies."""


def send_raw_transaction(context: Context, parameters: Sequence[object]) -> "asyncio.Future[Json]":
    """Admit a transaction and return its hash, also if it is already pending or final: a retry is safe.

    Raises: InvalidParameter; through the returned future InvalidTransaction and RejectedTransaction.
    """
    raw = read_data(parameters[0], "transaction")
    backend = context.backend
    answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    def decided(verdict: Verdict) -> None:
        if answer.done():
            return
        if isinstance(verdict, PooledTransaction):
            answer.set_result(data_hex(verdict.transaction.hash))
            return
        # Looked up only after a refusal: a final transaction's nonce is used, so it never gets past one.
        transaction_hash = keccak256(raw)
        if backend.locate(transaction_hash) is not None:
            answer.set_result(data_hex(transaction_hash))
        else:
            answer.set_exception(verdict)

    backend.submit(raw, decided, hold_gap=True)
    return answer


async def send_raw_transaction_sync(context: Context, parameters: Sequence[object]) -> Json:
    """Admit a transaction and return its receipt when it is final (EIP-7966).

    Raises: FinalityTimedOut, NotAdmitted, NonceGap, InvalidTransaction, RejectedTransaction, TooManyWaiters.
    """
    raw = read_data(parameters[0], "transaction")
    timeout = optional(parameters, 1)
    timeout_ms = SYNC_TIMEOUT_DEFAULT_MS if timeout is None else read_count(timeout, "timeout_ms", SYNC_TIMEOUT_MAX_MS)
    backend = context.backend
    transaction_hash = keccak256(raw)
    final: asyncio.Future[tuple[Height, int]] = asyncio.get_running_loop().create_future()

    def became_final(height: Height, index: int) -> None:
        if not final.done():
            final.set_result((height, index))

    # Registered before admission, so that finality cannot slip in between.
    backend.wait_final(transaction_hash, became_final)
    try:
        refusal = await _admit(context, raw)
        if refusal is not None:
            place = backend.locate(transaction_hash)
            if place is not None:
                return receipt_at(backend, *place)
            raise _sync_refusal(refusal, transaction_hash)
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                height, index = await final
        except TimeoutError as error:
            raise FinalityTimedOut(transaction_hash, timeout_ms) from error
    finally:
        backend.stop_waiting(transaction_hash, became_final)
    return receipt_at(backend, height, index)


async def _admit(context: Context, raw: bytes) -> Exception | None:
    """Return None once the transaction is pending, else why it is not."""
    outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def decided(verdict: Verdict) -> None:
        if not outcome.done():
            outcome.set_result(None if isinstance(verdict, PooledTransaction) else verdict)

    context.backend.submit(raw, decided, hold_gap=False)
    return await outcome


def _sync_refusal(refusal: Exception, transaction_hash: Hash32) -> Exception:
    match refusal:
        case NonceTooFar():
            return NonceGap(expected=refusal.expected)
        case NotReady() | PoolFull():
            return NotAdmitted(transaction_hash, str(refusal))
        case _:
            return refusal


METHODS = {
    "eth_sendRawTransaction": Method(send_raw_transaction, 1, 1, "transaction", "Hash"),
    "eth_sendRawTransactionSync": Method(
        send_raw_transaction_sync, 1, 2, "transaction timeout_ms", "Receipt", is_waiting=True
    ),
}

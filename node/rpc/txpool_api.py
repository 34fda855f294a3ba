"""txpool_*: what waits in the mempool. Served only where an operator says so, for it shows other banks' payments."""

from collections.abc import Iterable, Sequence

from node.mempool.pool import PooledTransaction
from node.rpc.encoding import Json, JsonObject, data_hex, pending_transaction_object
from node.rpc.methods import Answer, Context, Method
from node.rpc.parameters import read_address

CONTENT_TRANSACTIONS_MAX = 5_000
"""Transactions of each kind in one answer: about 4 MB. `txpool_status` counts all of them."""


def status(context: Context, parameters: Sequence[object]) -> Json:
    """Return how many transactions could enter a block, and how many wait for a nonce before theirs."""
    pending, queued = context.backend.pool_counts()
    return {"pending": hex(pending), "queued": hex(queued)}


def content(context: Context, parameters: Sequence[object]) -> Answer:
    """Return the transactions by sender and nonce, at most 5 000 of each kind. Raises: CallsOverloaded."""
    pending, queued = _pooled(context)
    return context.encode_aside(lambda: {"pending": _by_sender(pending), "queued": _by_sender(queued)})


def content_from(context: Context, parameters: Sequence[object]) -> Json:
    """Return the transactions of one sender by nonce. Raises: InvalidParameter."""
    address = read_address(parameters[0], "address")
    pending_count, queued_count = context.backend.pool_counts()
    pending = context.backend.pending_transactions(pending_count)
    queued = context.backend.waiting_transactions(queued_count)
    return {
        "pending": _by_nonce(entry for entry in pending if entry.sender == address),
        "queued": _by_nonce(entry for entry in queued if entry.sender == address),
    }


def inspect(context: Context, parameters: Sequence[object]) -> Answer:
    """Return the transactions by sender and nonce as one line each, for reading. Raises: CallsOverloaded."""
    pending, queued = _pooled(context)
    return context.encode_aside(lambda: {"pending": _lines(pending), "queued": _lines(queued)})


def _pooled(context: Context) -> tuple[Sequence[PooledTransaction], Sequence[PooledTransaction]]:
    backend, count_max = context.backend, CONTENT_TRANSACTIONS_MAX
    return backend.pending_transactions(count_max), backend.waiting_transactions(count_max)


def _by_nonce(entries: Iterable[PooledTransaction]) -> JsonObject:
    return {
        str(entry.transaction.nonce): pending_transaction_object(entry.transaction, entry.sender) for entry in entries
    }


def _by_sender(entries: Iterable[PooledTransaction]) -> JsonObject:
    return {sender: _by_nonce(lane) for sender, lane in _lanes(entries).items()}


def _lines(entries: Iterable[PooledTransaction]) -> JsonObject:
    return {
        sender: {str(entry.transaction.nonce): _line(entry) for entry in lane}
        for sender, lane in _lanes(entries).items()
    }


def _lanes(entries: Iterable[PooledTransaction]) -> dict[str, list[PooledTransaction]]:
    lanes: dict[str, list[PooledTransaction]] = {}
    for entry in entries:
        lanes.setdefault(data_hex(entry.sender), []).append(entry)
    return lanes


def _line(entry: PooledTransaction) -> str:
    """Return the line other nodes write for a transaction, which tools take apart."""
    transaction = entry.transaction
    target = "contract creation" if transaction.to is None else data_hex(transaction.to)
    return f"{target}: {transaction.value} wei + {transaction.gas_limit} gas × {transaction.max_fee_per_gas} wei"


METHODS = {
    "txpool_status": Method(status, 0, 0, "", "PoolStatus"),
    "txpool_content": Method(content, 0, 0, "", "PoolContent"),
    "txpool_contentFrom": Method(content_from, 1, 1, "address", "PoolContentOfSender"),
    "txpool_inspect": Method(inspect, 0, 0, "", "PoolInspection"),
}

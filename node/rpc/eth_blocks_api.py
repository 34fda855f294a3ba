"""eth_*: final blocks, their transactions and receipts. Unknown is null, pruned is an error."""

from collections.abc import Sequence

from consensus.chain.transaction import decode_transaction
from consensus.primitives.scalars import Height
from node.rpc.backend import LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import (
    Json,
    block_object,
    data_hex,
    final_transaction_object,
    pending_block_object,
    pending_transaction_object,
    receipt_object,
    receipt_objects,
)
from node.rpc.errors import BlockNotFound
from node.rpc.methods import Answer, Context, Method
from node.rpc.parameters import read_bool, read_hash, read_quantity

PENDING_BLOCK_TRANSACTIONS_MAX = 1_000
"""Transactions shown in the block tag `pending`: about 0.6 MB."""

TRANSACTIONS_AT_ONCE_MAX = 32
"""Up to so many transactions or receipts are built on the loop thread: under 2 ms. More go to the calls thread."""


def get_block_by_number(context: Context, parameters: Sequence[object]) -> Answer:
    """Return a block by height or tag."""
    is_full = read_bool(parameters[1], "fullTransactions")
    try:
        block = resolve_block(parameters[0], context.backend)
    except BlockNotFound:
        return None
    if not block.is_pending:
        return _block(context, block.height, is_full=is_full)
    head = context.backend.head()
    parent = context.backend.header(head.height)
    pending = context.backend.pending_transactions(PENDING_BLOCK_TRANSACTIONS_MAX)

    def build() -> Json:
        return pending_block_object(head, parent, pending, full=is_full)

    return build() if len(pending) <= TRANSACTIONS_AT_ONCE_MAX else context.encode_aside(build)


def get_block_by_hash(context: Context, parameters: Sequence[object]) -> Answer:
    """Return a block by hash."""
    block_hash = read_hash(parameters[0], "blockHash")
    is_full = read_bool(parameters[1], "fullTransactions")
    height = context.backend.height_of(block_hash)
    return None if height is None else _block(context, height, is_full=is_full)


def get_block_transaction_count_by_number(context: Context, parameters: Sequence[object]) -> Json:
    """Return how many transactions a block has."""
    try:
        block = resolve_block(parameters[0], context.backend)
    except BlockNotFound:
        return None
    if block.is_pending:
        return hex(len(context.backend.pending_transactions(PENDING_BLOCK_TRANSACTIONS_MAX)))
    return hex(len(context.backend.block(block.height).transactions))


def get_block_transaction_count_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return how many transactions a block has."""
    height = context.backend.height_of(read_hash(parameters[0], "blockHash"))
    return None if height is None else hex(len(context.backend.block(height).transactions))


def get_transaction_by_number_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return a transaction by its place."""
    index = read_quantity(parameters[1], "index")
    try:
        block = resolve_block(parameters[0], context.backend)
    except BlockNotFound:
        return None
    if block.is_pending:
        pending = context.backend.pending_transactions(PENDING_BLOCK_TRANSACTIONS_MAX)
        if index >= len(pending):
            return None
        return pending_transaction_object(pending[index].transaction, pending[index].sender)
    return _transaction(context.backend, block.height, index)


def get_transaction_by_hash_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return a transaction by its place."""
    height = context.backend.height_of(read_hash(parameters[0], "blockHash"))
    index = read_quantity(parameters[1], "index")
    return None if height is None else _transaction(context.backend, height, index)


def get_transaction_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return a final or pending transaction; the block fields of a pending one are null."""
    transaction_hash = read_hash(parameters[0], "transactionHash")
    place = context.backend.locate(transaction_hash)
    if place is not None:
        return _transaction(context.backend, *place)
    pending = context.backend.pending(transaction_hash)
    return None if pending is None else pending_transaction_object(pending.transaction, pending.sender)


def get_raw_transaction_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return the bytes of a final or pending transaction."""
    transaction_hash = read_hash(parameters[0], "transactionHash")
    place = context.backend.locate(transaction_hash)
    if place is not None:
        height, index = place
        return data_hex(context.backend.block(height).transactions[index])
    pending = context.backend.pending(transaction_hash)
    return None if pending is None else data_hex(pending.transaction.raw)


def get_transaction_receipt(context: Context, parameters: Sequence[object]) -> Json:
    """Return the receipt of a final transaction, else null."""
    place = context.backend.locate(read_hash(parameters[0], "transactionHash"))
    return None if place is None else receipt_at(context.backend, *place)


def get_block_receipts(context: Context, parameters: Sequence[object]) -> Answer:
    """Return all receipts of a block."""
    try:
        height = resolve_block(parameters[0], context.backend).height
    except BlockNotFound:
        return None
    block = context.backend.block(height)
    if len(block.transactions) <= TRANSACTIONS_AT_ONCE_MAX:
        return receipt_objects(block, context.backend.receipts(height))
    return context.encode_aside(lambda: receipt_objects(block, context.backend.receipts(height)))


def receipt_at(reads: LedgerReads, height: Height, index: int) -> Json:
    """Return the receipt object of a final transaction.

    Raises: Pruned.
    """
    block = reads.block(height)
    transaction = decode_transaction(block.transactions[index])
    return receipt_object(transaction, block.header, block.block_hash, reads.receipts(height), index)


def _block(context: Context, height: Height, *, is_full: bool) -> Answer:
    block = context.backend.block(height)

    def build() -> Json:
        return block_object(block, context.backend.receipts(height).senders if is_full else None)

    # Hashing is a tenth of the work of decoding and writing a transaction.
    cost = len(block.transactions) if is_full else len(block.transactions) // 10
    return build() if cost <= TRANSACTIONS_AT_ONCE_MAX else context.encode_aside(build)


def _transaction(reads: LedgerReads, height: Height, index: int) -> Json:
    block = reads.block(height)
    if index >= len(block.transactions):
        return None
    sender = reads.receipts(height).senders[index]
    transaction = decode_transaction(block.transactions[index])
    return final_transaction_object(transaction, sender, block.header, block.block_hash, index)


METHODS = {
    "eth_getBlockByNumber": Method(get_block_by_number, 2, 2, "block fullTransactions", "AnyBlock?"),
    "eth_getBlockByHash": Method(get_block_by_hash, 2, 2, "blockHash fullTransactions", "Block?"),
    "eth_getBlockTransactionCountByNumber": Method(get_block_transaction_count_by_number, 1, 1, "block", "Uint64?"),
    "eth_getBlockTransactionCountByHash": Method(get_block_transaction_count_by_hash, 1, 1, "blockHash", "Uint64?"),
    "eth_getTransactionByBlockNumberAndIndex": Method(
        get_transaction_by_number_and_index, 2, 2, "block index", "Transaction?"
    ),
    "eth_getTransactionByBlockHashAndIndex": Method(
        get_transaction_by_hash_and_index, 2, 2, "blockHash index", "Transaction?"
    ),
    "eth_getTransactionByHash": Method(get_transaction_by_hash, 1, 1, "transactionHash", "Transaction?"),
    "eth_getRawTransactionByHash": Method(get_raw_transaction_by_hash, 1, 1, "transactionHash", "Data?"),
    "eth_getTransactionReceipt": Method(get_transaction_receipt, 1, 1, "transactionHash", "Receipt?"),
    "eth_getBlockReceipts": Method(get_block_receipts, 1, 1, "block", "Receipt[]?"),
}

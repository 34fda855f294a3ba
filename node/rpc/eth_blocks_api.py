"""eth_*: final blocks, their transactions, receipts and logs. Unknown is null, pruned is an error."""

from collections.abc import Sequence

from consensus.chain.transaction import decode_transaction
from consensus.primitives.scalars import Address, Hash32, Height
from node.rpc.backend import LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import (
    Json,
    block_object,
    data_hex,
    final_transaction_object,
    log_object,
    pending_block_object,
    pending_transaction_object,
    receipt_object,
    receipt_objects,
)
from node.rpc.errors import BlockNotFound, InvalidBlockRange, InvalidParameter, RangeTooLarge
from node.rpc.filters import LogFilter, find_logs
from node.rpc.methods import Answer, Context, Method
from node.rpc.parameters import (
    read_address,
    read_bool,
    read_hash,
    read_object,
    read_quantity,
    read_sequence,
)

PENDING_BLOCK_TRANSACTIONS_MAX = 1_000
"""Transactions shown in the block tag `pending`: about 0.6 MB."""

TRANSACTIONS_AT_ONCE_MAX = 32
"""Up to so many transactions or receipts are built on the loop thread: under 2 ms. More go to the calls thread."""

TOPIC_POSITIONS_MAX = 4

_LOG_FILTER = frozenset({"fromBlock", "toBlock", "address", "topics", "blockHash"})


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


async def get_logs(context: Context, parameters: Sequence[object]) -> Json:
    """Return the logs a filter matches.

    Raises: InvalidParameter, InvalidBlockRange, BlockNotFound, RangeTooLarge, TooManyResults, Pruned, CallsOverloaded.
    """
    wanted = _read_filter(parameters[0], context)

    def build() -> Json:
        found = find_logs(context.backend, wanted, results_max=context.limits.logs_results_max)
        return [
            log_object(
                located.log,
                located.header,
                located.block_hash,
                located.transaction_hash,
                located.transaction_index,
                log_index=located.log_index,
            )
            for located in found
        ]

    return await context.encode_aside(build)


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


def _read_filter(value: object, context: Context) -> LogFilter:
    members = read_object(value, "filter", _LOG_FILTER)
    reads = context.backend
    if "blockHash" in members:
        if "fromBlock" in members or "toBlock" in members:
            raise InvalidParameter("filter", expected="blockHash or fromBlock and toBlock, not both", actual=value)
        first = last = resolve_block({"blockHash": members["blockHash"]}, reads, "filter.blockHash").height
    else:
        first, last = _read_range(members.get("fromBlock"), members.get("toBlock"), context)
    return LogFilter(first, last, _read_addresses(members.get("address")), _read_topics(members.get("topics")))


def _read_range(from_block: object, to_block: object, context: Context) -> tuple[Height, Height]:
    reads = context.backend
    head = reads.head().height
    first = _read_bound(from_block, "filter.fromBlock", reads)
    last = _read_bound(to_block, "filter.toBlock", reads)
    if first > last:
        raise InvalidBlockRange("invalid block range params", from_height=first, to_height=last, head=head)
    if last > head:
        raise InvalidBlockRange(
            "block range extends beyond current head block", from_height=first, to_height=last, head=head
        )
    if last - first >= context.limits.logs_range_blocks_max:
        limit = context.limits.logs_range_blocks_max
        raise RangeTooLarge(limit=limit, resume_from=Height(first + limit))
    return first, last


def _read_bound(value: object, name: str, reads: LedgerReads) -> Height:
    """Return a bound of a range, which unlike other block parameters may lie above the head."""
    if isinstance(value, str) and value.startswith("0x"):
        return Height(read_quantity(value, name))
    return resolve_block(value, reads, name).height


def _read_addresses(value: object) -> frozenset[Address]:
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset({read_address(value, "filter.address")})
    return frozenset(read_address(item, "filter.address") for item in read_sequence(value, "filter.address"))


def _read_topics(value: object) -> tuple[frozenset[Hash32], ...]:
    if value is None:
        return ()
    positions: list[frozenset[Hash32]] = []
    for position in read_sequence(value, "filter.topics", TOPIC_POSITIONS_MAX):
        if position is None:
            positions.append(frozenset())
        elif isinstance(position, str):
            positions.append(frozenset({read_hash(position, "filter.topics")}))
        else:
            options = read_sequence(position, "filter.topics")
            # A null among the options admits everything, as the empty list does.
            hashes = [read_hash(option, "filter.topics") for option in options if option is not None]
            positions.append(frozenset(hashes) if len(hashes) == len(options) else frozenset())
    return tuple(positions)


METHODS = {
    "eth_getBlockByNumber": Method(get_block_by_number, 2, 2, "block fullTransactions"),
    "eth_getBlockByHash": Method(get_block_by_hash, 2, 2, "blockHash fullTransactions"),
    "eth_getBlockTransactionCountByNumber": Method(get_block_transaction_count_by_number, 1, 1, "block"),
    "eth_getBlockTransactionCountByHash": Method(get_block_transaction_count_by_hash, 1, 1, "blockHash"),
    "eth_getTransactionByBlockNumberAndIndex": Method(get_transaction_by_number_and_index, 2, 2, "block index"),
    "eth_getTransactionByBlockHashAndIndex": Method(get_transaction_by_hash_and_index, 2, 2, "blockHash index"),
    "eth_getTransactionByHash": Method(get_transaction_by_hash, 1, 1, "transactionHash"),
    "eth_getRawTransactionByHash": Method(get_raw_transaction_by_hash, 1, 1, "transactionHash"),
    "eth_getTransactionReceipt": Method(get_transaction_receipt, 1, 1, "transactionHash"),
    "eth_getBlockReceipts": Method(get_block_receipts, 1, 1, "block"),
    "eth_getLogs": Method(get_logs, 1, 1, "filter"),
}

"""Blocks, transactions and receipts as the bytes they are hashed from, and the uncles no block has.

What goes out here is what was stored, never encoded again by other rules.
"""

from collections.abc import Sequence

from consensus.chain.receipt import encode_receipts
from consensus.primitives.rlp_codec import encode_bytes, encode_joined
from consensus.primitives.scalars import Height
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import BlockNotFound, TransactionNotFound
from node.rpc.eth_blocks_api import get_raw_transaction_by_hash
from node.rpc.methods import Answer, Context, Method
from node.rpc.parameters import read_hash, read_quantity

_LEGACY_TYPE_MIN = 0xC0
"""A legacy transaction begins as an RLP list does; a typed one with its type, which is smaller."""


def get_raw_header(context: Context, parameters: Sequence[object]) -> Json:
    """Return the RLP of a header, whose keccak-256 is the block hash. Raises: InvalidParameter, BlockNotFound."""
    height = resolve_block(parameters[0], context.backend).height
    return data_hex(context.backend.header(height).header_rlp)


def get_raw_block(context: Context, parameters: Sequence[object]) -> Answer:
    """Return the RLP of a block: header, transactions, no uncles, no withdrawals (EIP-4895).

    Raises: InvalidParameter, BlockNotFound, Pruned, CallsOverloaded.
    """
    block = context.backend.block(resolve_block(parameters[0], context.backend).height)

    def build() -> Json:
        transactions = [raw if raw[0] >= _LEGACY_TYPE_MIN else encode_bytes(raw) for raw in block.transactions]
        no_items = encode_joined(b"")
        joined = block.header_rlp + encode_joined(b"".join(transactions)) + no_items + no_items
        return data_hex(encode_joined(joined))

    return context.encode_aside(build)


def get_raw_receipts(context: Context, parameters: Sequence[object]) -> Answer:
    """Return the encoded receipts of a block, from which its receipts root is made (EIP-2718).

    Raises: InvalidParameter, BlockNotFound, Pruned, CallsOverloaded.
    """
    height = resolve_block(parameters[0], context.backend).height
    reads = context.backend
    return context.encode_aside(lambda: [data_hex(raw) for raw in encode_receipts(reads.receipts(height).receipts)])


def get_raw_transaction(context: Context, parameters: Sequence[object]) -> Json:
    """Return the bytes of a final or pending transaction; unlike in `eth_*` an unknown one is an error.

    Raises: InvalidParameter, TransactionNotFound.
    """
    raw = get_raw_transaction_by_hash(context, parameters)
    if raw is None:
        raise TransactionNotFound(read_hash(parameters[0], "transactionHash"))
    return raw


def get_bad_blocks(context: Context, parameters: Sequence[object]) -> Json:
    """Return no blocks: what does not certify is voted down and never stored."""
    return []


def get_raw_transaction_by_number_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return the bytes of a transaction by its place."""
    index = read_quantity(parameters[1], "index")
    try:
        height = resolve_block(parameters[0], context.backend).height
    except BlockNotFound:
        return None
    return _raw_at(context, height, index)


def get_raw_transaction_by_hash_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return the bytes of a transaction by its place."""
    height = context.backend.height_of(read_hash(parameters[0], "blockHash"))
    index = read_quantity(parameters[1], "index")
    return None if height is None else _raw_at(context, height, index)


def get_uncle_count_by_number(context: Context, parameters: Sequence[object]) -> Json:
    """Return 0 for a block that exists, else null."""
    try:
        resolve_block(parameters[0], context.backend)
    except BlockNotFound:
        return None
    return "0x0"


def get_uncle_count_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return 0 for a block that exists, else null."""
    return None if context.backend.height_of(read_hash(parameters[0], "blockHash")) is None else "0x0"


def get_uncle_by_number_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return null: no block has uncles."""
    read_quantity(parameters[1], "index")
    get_uncle_count_by_number(context, parameters)
    return None


def get_uncle_by_hash_and_index(context: Context, parameters: Sequence[object]) -> Json:
    """Return null: no block has uncles."""
    read_hash(parameters[0], "blockHash")
    read_quantity(parameters[1], "index")
    return None


def _raw_at(context: Context, height: Height, index: int) -> Json:
    transactions = context.backend.block(height).transactions
    return data_hex(transactions[index]) if index < len(transactions) else None


METHODS = {
    "debug_getRawHeader": Method(get_raw_header, 1, 1, "block", "Data"),
    "debug_getRawBlock": Method(get_raw_block, 1, 1, "block", "Data"),
    "debug_getRawReceipts": Method(get_raw_receipts, 1, 1, "block", "Data[]"),
    "debug_getRawTransaction": Method(get_raw_transaction, 1, 1, "transactionHash", "Data"),
    "debug_getBadBlocks": Method(get_bad_blocks, 0, 0, "", "NoBadBlocks"),
    "eth_getRawTransactionByBlockNumberAndIndex": Method(
        get_raw_transaction_by_number_and_index, 2, 2, "block index", "Data?"
    ),
    "eth_getRawTransactionByBlockHashAndIndex": Method(
        get_raw_transaction_by_hash_and_index, 2, 2, "blockHash index", "Data?"
    ),
    "eth_getUncleCountByBlockNumber": Method(get_uncle_count_by_number, 1, 1, "block", "Uint64?"),
    "eth_getUncleCountByBlockHash": Method(get_uncle_count_by_hash, 1, 1, "blockHash", "Uint64?"),
    "eth_getUncleByBlockNumberAndIndex": Method(get_uncle_by_number_and_index, 2, 2, "block index", "Null"),
    "eth_getUncleByBlockHashAndIndex": Method(get_uncle_by_hash_and_index, 2, 2, "blockHash index", "Null"),
}

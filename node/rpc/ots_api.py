"""ots_*: blocks, and searches over the index of accounts, as the Otterscan explorer asks for them.

Source: Otterscan's JSON-RPC documentation. It reads no logs in lists, so those are null there; pages of a block count
from its last transaction, because the newest is shown first.
"""

from collections.abc import Iterable, Sequence

from consensus.chain.block import Block
from consensus.chain.transaction import decode_transaction
from consensus.primitives.hashing import KECCAK_EMPTY
from consensus.primitives.scalars import Height
from node.chain.index_reader import HEIGHT_MAX, HistoryEntry
from node.chain.indexes import ADDRESSES
from node.rpc.backend import LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import (
    Json,
    JsonObject,
    block_object,
    data_hex,
    final_transaction_object,
    receipt_object,
)
from node.rpc.errors import BlockNotFound
from node.rpc.history_api import get_transaction_by_sender_and_nonce, require_index
from node.rpc.methods import Context, Method
from node.rpc.parameters import UINT64_MAX, read_address, read_count, read_hash

API_LEVEL = 8
"""The version of Otterscan's protocol that these methods are."""

PAGE_MAX = 1_000
"""Transactions in one page that a client may ask for: 1 MB, 0.1 s of the calls thread. Explorers ask for 25."""

PAGE_NUMBER_MAX = 1_000_000

SELECTOR_CHARACTERS = 10
"""0x and four bytes: what Otterscan shows of the input in lists."""


def get_api_level(context: Context, parameters: Sequence[object]) -> Json:
    """Return the version of these methods."""
    return API_LEVEL


def has_code(context: Context, parameters: Sequence[object]) -> Json:
    """Tell whether an account has code at a height. Raises: InvalidParameter, BlockNotFound, Pruned."""
    address = read_address(parameters[0], "address")
    height = resolve_block(_as_tag(parameters[1]), context.backend, "blockOrHeight").height
    account = context.backend.state_at(height).account(address)
    return account is not None and account.code_hash != KECCAK_EMPTY


def get_header_by_number(context: Context, parameters: Sequence[object]) -> Json:
    """Return a header, or null above the head. Raises: InvalidParameter."""
    height = _height(context, parameters[0])
    return None if height is None else _header_object(context.backend.block(height))


def get_block_details(context: Context, parameters: Sequence[object]) -> Json:
    """Return a block without its transactions but with their number. Raises: InvalidParameter, Pruned."""
    height = _height(context, parameters[0])
    return None if height is None else _details_object(context.backend.block(height))


def get_block_details_by_hash(context: Context, parameters: Sequence[object]) -> Json:
    """Return a block without its transactions but with their number. Raises: InvalidParameter, Pruned."""
    height = context.backend.height_of(read_hash(parameters[0], "blockHash"))
    return None if height is None else _details_object(context.backend.block(height))


async def get_block_transactions(context: Context, parameters: Sequence[object]) -> Json:
    """Return a page of a block's transactions with their receipts; page 0 is the last one.

    Raises: InvalidParameter, Pruned, CallsOverloaded.
    """
    height = _height(context, parameters[0])
    page_number = read_count(parameters[1], "pageNumber", PAGE_NUMBER_MAX)
    page_size = read_count(parameters[2], "pageSize", PAGE_MAX)
    if height is None:
        return None

    def build() -> Json:
        block = context.backend.block(height)
        stop = max(len(block.transactions) - page_number * page_size, 0)
        places = [(height, index) for index in range(max(stop - page_size, 0), stop)]
        transactions, receipts = _listed(context.backend, places)
        for transaction in transactions:
            transaction["input"] = str(transaction["input"])[:SELECTOR_CHARACTERS]
        full_block = {**_block_members(block), "transactions": list[Json](transactions)}
        return {"fullblock": full_block, "receipts": list[Json](receipts)}

    return await context.encode_aside(build)


async def search_transactions_before(context: Context, parameters: Sequence[object]) -> Json:
    """Return an account's transactions below a height, newest first; height 0 begins at the head.

    The last block of a page is whole, so a page can be longer than asked for.

    Raises: InvalidParameter, IndexMissing, Pruned, CallsOverloaded.
    """
    address = read_address(parameters[0], "address")
    height = read_count(parameters[1], "blockNumber", UINT64_MAX)
    page_size = read_count(parameters[2], "pageSize", PAGE_MAX)
    indexes = require_index(context, ADDRESSES)

    def build() -> Json:
        before = (height or HEIGHT_MAX, 0)
        found, has_more = _whole_blocks(indexes.history_down(address, before=before), page_size)
        return _search_object(context.backend, found, is_first=height == 0, is_last=not has_more)

    return await context.encode_aside(build)


async def search_transactions_after(context: Context, parameters: Sequence[object]) -> Json:
    """Return an account's transactions above a height, newest first; height 0 begins with the first block.

    Raises: InvalidParameter, IndexMissing, Pruned, CallsOverloaded.
    """
    address = read_address(parameters[0], "address")
    height = read_count(parameters[1], "blockNumber", HEIGHT_MAX - 1)
    page_size = read_count(parameters[2], "pageSize", PAGE_MAX)
    indexes = require_index(context, ADDRESSES)

    def build() -> Json:
        found, has_more = _whole_blocks(indexes.history(address, first=(height + 1, 0)), page_size)
        return _search_object(context.backend, found[::-1], is_first=not has_more, is_last=height == 0)

    return await context.encode_aside(build)


def get_contract_creator(context: Context, parameters: Sequence[object]) -> Json:
    """Return who created a contract and in which transaction; null if none did so directly.

    Raises: InvalidParameter, IndexMissing.
    """
    creation = require_index(context, ADDRESSES).creation(read_address(parameters[0], "address"))
    if creation is None:
        return None
    return {"hash": data_hex(creation.transaction_hash), "creator": data_hex(creation.creator)}


def _as_tag(value: object) -> object:
    """Return a block parameter as the standard writes it: Otterscan sends heights as JSON numbers."""
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else value


def _height(context: Context, value: object) -> Height | None:
    try:
        return resolve_block(_as_tag(value), context.backend, "blockOrHeight").height
    except BlockNotFound:
        return None


def _header_object(block: Block) -> JsonObject:
    members = block_object(block, None)
    for name in ("transactions", "uncles", "withdrawals", "size"):
        del members[name]
    return members


def _block_members(block: Block) -> JsonObject:
    """Return a block as lists show it: no transactions but their number, and no bloom."""
    members = block_object(block, None)
    del members["transactions"]
    return {**members, "logsBloom": None, "transactionCount": len(block.transactions)}


def _details_object(block: Block) -> JsonObject:
    return {
        "block": _block_members(block),
        "issuance": {"blockReward": "0x0", "uncleReward": "0x0", "issuance": "0x0"},
        "totalFees": "0x0",
    }


def _whole_blocks(entries: Iterable[HistoryEntry], page_size: int) -> tuple[list[HistoryEntry], bool]:
    """Return the first entries, with all of the last one's block, and whether more follow."""
    found: list[HistoryEntry] = []
    for entry in entries:
        if len(found) >= page_size and (not found or entry.height != found[-1].height):
            return found, True
        found.append(entry)
    return found, False


def _search_object(reads: LedgerReads, found: Sequence[HistoryEntry], *, is_first: bool, is_last: bool) -> JsonObject:
    transactions, receipts = _listed(reads, [(entry.height, entry.index) for entry in found])
    return {
        "txs": list[Json](transactions),
        "receipts": list[Json](receipts),
        "firstPage": is_first,
        "lastPage": is_last,
    }


def _listed(reads: LedgerReads, places: Sequence[tuple[Height, int]]) -> tuple[list[JsonObject], list[JsonObject]]:
    """Return transactions and receipts as lists show them: no logs, and the time, a number of seconds."""
    transactions: list[JsonObject] = []
    receipts: list[JsonObject] = []
    for height, index in places:
        block, results = reads.block(height), reads.receipts(height)
        transaction = decode_transaction(block.transactions[index])
        header, block_hash = block.header, block.block_hash
        transactions.append(final_transaction_object(transaction, results.senders[index], header, block_hash, index))
        receipt = receipt_object(transaction, header, block_hash, results, index)
        # Milliseconds are dropped: the standard counts seconds.
        receipts.append({**receipt, "logs": None, "logsBloom": None, "timestamp": header.timestamp_ms // 1000})
    return transactions, receipts


METHODS = {
    "ots_getApiLevel": Method(get_api_level, 0, 0, "", "Number"),
    "ots_hasCode": Method(has_code, 2, 2, "address blockOrHeight", "Boolean"),
    "ots_getHeaderByNumber": Method(get_header_by_number, 1, 1, "blockOrHeight", "Header?"),
    "ots_getBlockDetails": Method(get_block_details, 1, 1, "blockOrHeight", "OtsBlockDetails?"),
    "ots_getBlockDetailsByHash": Method(get_block_details_by_hash, 1, 1, "blockHash", "OtsBlockDetails?"),
    "ots_getBlockTransactions": Method(
        get_block_transactions, 3, 3, "blockOrHeight pageNumber pageSize", "OtsBlockTransactions?"
    ),
    "ots_searchTransactionsBefore": Method(
        search_transactions_before, 3, 3, "address blockNumber pageSize", "OtsTransactionPage"
    ),
    "ots_searchTransactionsAfter": Method(
        search_transactions_after, 3, 3, "address blockNumber pageSize", "OtsTransactionPage"
    ),
    "ots_getTransactionBySenderAndNonce": Method(get_transaction_by_sender_and_nonce, 2, 2, "sender nonce", "Hash?"),
    "ots_getContractCreator": Method(get_contract_creator, 1, 1, "address", "OtsCreation?"),
}

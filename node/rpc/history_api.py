"""What accounts did and hold: history, statements, holders, supply. One request reads one height.

Amounts are integer strings of the currency's minor unit, with `decimals` beside them; heights are JSON numbers.
"""

from collections.abc import Sequence

from consensus.chain.transaction import decode_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Height
from contracts.layout import CurrencySlots, balance_slot
from contracts.movements import LedgerMovement, read_movements
from node.chain.index_reader import HistoryEntry, IndexReader
from node.chain.indexes import ADDRESSES, HOLDERS, Role
from node.rpc.backend import CurrencyInfo, LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.currencies import currency_object, read_currency
from node.rpc.cursors import place_cursor, read_limit, read_place_cursor
from node.rpc.encoding import Json, JsonObject, data_hex
from node.rpc.errors import IndexMissing, InvalidBlockRange
from node.rpc.methods import Context, Method
from node.rpc.parameters import UINT64_MAX, optional, read_address, read_count

HISTORY_ENTRIES_MAX = 500
"""Transactions in one answer: at worst as many blocks are read, 0.1 to 1 s of the calls thread."""

STATEMENT_TRANSACTIONS_MAX = 500
"""Transactions read for one page of a statement, whether they move the asked currency or another."""

HOLDERS_MAX = 1_000
"""Holders looked at for one answer: 10 ms of reading balances."""


def require_index(context: Context, group: str) -> IndexReader:
    """Return the indexes, which hold everything final of `group`.

    Raises: IndexMissing.
    """
    indexes = context.backend.indexes()
    if not indexes.is_complete(group):
        raise IndexMissing(group)
    return indexes


async def get_address_history(context: Context, parameters: Sequence[object]) -> Json:
    """Return an account's transactions, newest first, with what it had to do with each.

    Raises: InvalidParameter, IndexMissing, Pruned, CallsOverloaded.
    """
    address = read_address(parameters[0], "address")
    head = context.backend.head().height
    cursor = optional(parameters, 1)
    before = (head + 1, 0) if cursor is None else read_place_cursor(cursor)
    limit = read_limit(optional(parameters, 2), HISTORY_ENTRIES_MAX)
    indexes = require_index(context, ADDRESSES)

    def build() -> Json:
        found: list[HistoryEntry] = []
        next_cursor: str | None = None
        for entry in indexes.history_down(address, before=min(before, (head + 1, 0))):
            if len(found) == limit:
                next_cursor = place_cursor(found[-1].height, found[-1].index)
                break
            found.append(entry)
        entries: list[Json] = [_entry_object(context.backend, entry) for entry in found]
        return {"transactions": entries, "nextCursor": next_cursor, "height": head}

    return await context.encode_aside(build)


async def get_statement(context: Context, parameters: Sequence[object]) -> Json:
    """Return what moved an account's money in a currency, oldest first: its kind, memo, and the balance after it.

    Of a hold or redemption `reference` is the id; its payment out of the held or parked amount changes no balance.

    `opening` is the balance before the first movement of this page, `closing` after the last one.

    Raises: InvalidParameter, InvalidBlockRange, IndexMissing, Pruned, CallsOverloaded.
    """
    currency = read_currency(parameters[0], context.backend)
    account = read_address(parameters[1], "account")
    head = context.backend.head().height
    from_height = optional(parameters, 2)
    first = 0 if from_height is None else read_count(from_height, "fromHeight", UINT64_MAX)
    to_height = optional(parameters, 3)
    last = head if to_height is None else read_count(to_height, "toHeight", UINT64_MAX)
    if not first <= last <= head:
        raise InvalidBlockRange("invalid block range params", from_height=first, to_height=last, head=head)
    cursor = optional(parameters, 4)
    start = (first, 0) if cursor is None else max((first, 0), read_place_cursor(cursor))
    indexes = require_index(context, ADDRESSES)

    def build() -> Json:
        page = _statement_page(context.backend, indexes, currency, account, start, Height(last))
        return {
            "currency": currency_object(currency),
            "account": data_hex(account),
            "fromHeight": first,
            "toHeight": last,
            **page,
        }

    return await context.encode_aside(build)


async def get_holders(context: Context, parameters: Sequence[object]) -> Json:
    """Return who holds a currency now, by address; a page may be short although more follow.

    Raises: InvalidParameter, IndexMissing, CallsOverloaded.
    """
    currency = read_currency(parameters[0], context.backend)
    cursor = optional(parameters, 1)
    after = None if cursor is None else read_address(cursor, "cursor")
    limit = read_limit(optional(parameters, 2), HOLDERS_MAX)
    head = context.backend.head().height
    state = context.backend.state_at(head)
    indexes = require_index(context, HOLDERS)

    def build() -> Json:
        holders: list[Json] = []
        last: Address | None = None
        next_cursor: str | None = None
        for looked_at, holder in enumerate(indexes.holders(currency.address, after=after)):
            if looked_at == limit:
                next_cursor = None if last is None else data_hex(last)
                break
            last = holder.address
            balance = state.storage(currency.address, balance_slot(holder.address))
            if balance and holder.first_height <= head:
                holders.append(
                    {
                        "address": data_hex(holder.address),
                        "balance": str(balance),
                        "firstHeight": holder.first_height,
                    }
                )
        return {
            "currency": currency_object(currency),
            "holders": holders,
            "nextCursor": next_cursor,
            "height": head,
        }

    return await context.encode_aside(build)


def get_supply(context: Context, parameters: Sequence[object]) -> Json:
    """Return how much of a currency exists after a block. Raises: InvalidParameter, BlockNotFound, Pruned."""
    currency = read_currency(parameters[0], context.backend)
    height = resolve_block(optional(parameters, 1), context.backend).height
    supply = context.backend.state_at(height).storage(currency.address, CurrencySlots.TOTAL_SUPPLY)
    return {"currency": currency_object(currency), "supply": str(supply), "height": height}


def get_transaction_by_sender_and_nonce(context: Context, parameters: Sequence[object]) -> Json:
    """Return the hash of the final transaction that used up a nonce, else null.

    Raises: InvalidParameter, IndexMissing.
    """
    sender = read_address(parameters[0], "sender")
    nonce = read_count(parameters[1], "nonce", UINT64_MAX)
    found = require_index(context, ADDRESSES).transaction_by_nonce(sender, nonce)
    return None if found is None else data_hex(found)


def _entry_object(reads: LedgerReads, entry: HistoryEntry) -> JsonObject:
    block, receipts = reads.block(entry.height), reads.receipts(entry.height)
    transaction = decode_transaction(block.transactions[entry.index])
    return {
        "transactionHash": data_hex(transaction.hash),
        "height": entry.height,
        "transactionIndex": entry.index,
        "timestampMs": block.header.timestamp_ms,
        "from": data_hex(receipts.senders[entry.index]),
        "to": None if transaction.to is None else data_hex(transaction.to),
        "succeeded": receipts.receipts[entry.index].succeeded,
        "roles": [str(role.name).lower() for role in Role if entry.roles & role],
    }


def _statement_page(
    reads: LedgerReads,
    indexes: IndexReader,
    currency: CurrencyInfo,
    account: Address,
    start: tuple[int, int],
    last: Height,
) -> JsonObject:
    """Return movements from `start` (height, log index) on, with the balance carried from one to the next."""
    before = reads.state_at(Height(min(max(start[0] - 1, 0), last)))
    balance = opening = before.storage(currency.address, balance_slot(account))
    rows: list[Json] = []
    next_cursor: str | None = None
    transactions_read = 0
    for entry in indexes.history(account, first=(start[0], 0), before=(last + 1, 0)):
        if not entry.roles & Role.PARTY:
            continue
        place = (entry.height, reads.receipts(entry.height).log_index_first[entry.index])
        if transactions_read == STATEMENT_TRANSACTIONS_MAX:
            next_cursor = place_cursor(*place)
            break
        transactions_read += place >= start
        for movement in _movements(reads, entry, currency.address, account):
            log_index = place[1] + movement.position
            change = movement.change_of(account)
            balance += change
            if (entry.height, log_index) < start:
                # Told on an earlier page, but after the state this page began with.
                opening = balance
                continue
            rows.append(_movement_object(reads, entry, log_index, movement, change, balance))
    return {
        "opening": str(opening),
        "movements": rows,
        "closing": str(balance),
        "nextCursor": next_cursor,
    }


def _movements(reads: LedgerReads, entry: HistoryEntry, currency: Address, account: Address) -> list[LedgerMovement]:
    logs = reads.receipts(entry.height).receipts[entry.index].logs
    return [movement for movement in read_movements(logs, currency) if movement.concerns(account)]


def _movement_object(
    reads: LedgerReads, entry: HistoryEntry, log_index: int, movement: LedgerMovement, change: int, balance: int
) -> JsonObject:
    block = reads.block(entry.height)
    return {
        "transactionHash": data_hex(keccak256(block.transactions[entry.index])),
        "height": entry.height,
        "logIndex": log_index,
        "timestampMs": block.header.timestamp_ms,
        "kind": str(movement.kind),
        "from": data_hex(movement.payer),
        "to": data_hex(movement.payee),
        "amount": str(movement.amount),
        "change": str(change),
        "balance": str(balance),
        "memo": None if movement.memo is None else data_hex(movement.memo),
        "reference": None if movement.reference is None else data_hex(movement.reference),
    }


METHODS = {
    "sycee_getAddressHistory": Method(get_address_history, 1, 3, "address cursor limit", "AddressHistory"),
    "sycee_getStatement": Method(get_statement, 2, 5, "currency account fromHeight toHeight cursor", "Statement"),
    "sycee_getHolders": Method(get_holders, 1, 3, "currency cursor limit", "Holders"),
    "sycee_getSupply": Method(get_supply, 1, 2, "currency block", "Supply"),
    "sycee_getTransactionBySenderAndNonce": Method(get_transaction_by_sender_and_nonce, 2, 2, "sender nonce", "Hash?"),
}

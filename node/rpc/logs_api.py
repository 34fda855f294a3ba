"""eth_getLogs and sycee_getLogs: what contracts and currencies said, in chain order."""

from collections.abc import Sequence

from consensus.primitives.scalars import Address, Hash32, Height
from node.rpc.backend import LedgerReads
from node.rpc.block_tags import resolve_block
from node.rpc.cursors import place_cursor, read_limit, read_place_cursor
from node.rpc.encoding import Json, JsonObject, log_object
from node.rpc.errors import InvalidBlockRange, InvalidParameter, RangeTooLarge
from node.rpc.filters import LocatedLog, LogFilter, find_logs, matching_blocks
from node.rpc.methods import Context, Method
from node.rpc.parameters import (
    optional,
    read_address,
    read_hash,
    read_object,
    read_quantity,
    read_sequence,
)

TOPIC_POSITIONS_MAX = 4

LOG_FILTER_MEMBERS = frozenset({"fromBlock", "toBlock", "address", "topics", "blockHash"})

OPEN_ENDS = ("latest", "pending", "safe", "finalized")
"""Bounds of a filter that move with the head."""


async def get_logs(context: Context, parameters: Sequence[object]) -> Json:
    """Return the logs a filter matches.

    Raises: InvalidParameter, InvalidBlockRange, BlockNotFound, RangeTooLarge, TooManyResults, Pruned, CallsOverloaded.
    """
    wanted = read_log_filter(parameters[0], context)

    def build() -> Json:
        return located_objects(find_logs(context.backend, wanted, results_max=context.limits.logs_results_max))

    return await context.encode_aside(build)


async def get_log_page(context: Context, parameters: Sequence[object]) -> Json:
    """Return the first matching logs of a range of any length, and a cursor while there may be more.

    `height` is the last one this page speaks for. A cursor takes the place of fromBlock. Without toBlock the range ends
    at the head and there is always a cursor: a client that hands each one back sees every log once, for ever.

    Raises: InvalidParameter, InvalidBlockRange, BlockNotFound, Pruned, CallsOverloaded.
    """
    cursor = optional(parameters, 1)
    resumed = None if cursor is None else read_place_cursor(cursor)
    wanted = read_conditions(parameters[0], context, resumed_at=None if resumed is None else resumed[0])
    is_open = isinstance(parameters[0], dict) and parameters[0].keys().isdisjoint({"toBlock", "blockHash"})
    start = (int(wanted.height_first), 0) if resumed is None else resumed
    limit = read_limit(optional(parameters, 2), context.limits.logs_results_max)
    return await context.encode_aside(lambda: _page_object(context, wanted, start, limit, is_open=is_open))


def _page_object(
    context: Context, wanted: LogFilter, start: tuple[int, int], limit: int, *, is_open: bool
) -> JsonObject:
    # One call of the thread reads so many heights at most; an index makes them cheap, a bloom scan does not.
    first = start[0]
    last = min(wanted.height_last, first + context.limits.logs_range_blocks_max - 1)
    found: list[LocatedLog] = []
    for in_block in matching_blocks(
        context.backend, LogFilter(Height(first), Height(last), wanted.addresses, wanted.topics)
    ):
        for located in in_block:
            place = (int(located.header.height), located.log_index)
            if place < start:
                continue
            if len(found) == limit:
                return _page(found, place_cursor(*place), place[0])
            found.append(located)
    has_more = is_open or last < wanted.height_last
    return _page(found, place_cursor(max(last + 1, start[0]), 0) if has_more else None, last)


def _page(found: list[LocatedLog], cursor: str | None, height: int) -> JsonObject:
    return {"logs": located_objects(found), "nextCursor": cursor, "height": height}


def located_objects(found: Sequence[LocatedLog]) -> list[Json]:
    """Return logs as the standard writes them."""
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


def read_log_filter(value: object, context: Context) -> LogFilter:
    """Return the filter of one answer: a block, or a range of existing heights that is not too long.

    Raises: InvalidParameter, InvalidBlockRange, BlockNotFound, RangeTooLarge.
    """
    wanted = read_conditions(value, context)
    limit = context.limits.logs_range_blocks_max
    if wanted.height_last - wanted.height_first >= limit:
        raise RangeTooLarge(limit=limit, resume_from=Height(wanted.height_first + limit))
    return wanted


def read_conditions(value: object, context: Context, *, resumed_at: int | None = None) -> LogFilter:
    """Return a filter over a range of existing heights of any length; `resumed_at` takes the place of fromBlock.

    Raises: InvalidParameter, InvalidBlockRange, BlockNotFound.
    """
    members = read_object(value, "filter", LOG_FILTER_MEMBERS)
    reads = context.backend
    if "blockHash" in members:
        if "fromBlock" in members or "toBlock" in members:
            raise InvalidParameter("filter", expected="blockHash or fromBlock and toBlock, not both", actual=value)
        first = last = resolve_block({"blockHash": members["blockHash"]}, reads, "filter.blockHash").height
    elif resumed_at is None:
        first, last = _read_range(members.get("fromBlock"), members.get("toBlock"), reads)
    else:
        first, last = _read_range(members.get("toBlock"), members.get("toBlock"), reads)
        first = Height(min(resumed_at, last))
    return LogFilter(first, last, read_addresses(members.get("address")), read_topics(members.get("topics")))


def _read_range(from_block: object, to_block: object, reads: LedgerReads) -> tuple[Height, Height]:
    head = reads.head().height
    first = _read_bound(from_block, "filter.fromBlock", reads)
    last = _read_bound(to_block, "filter.toBlock", reads)
    if first > last:
        raise InvalidBlockRange("invalid block range params", from_height=first, to_height=last, head=head)
    if last > head:
        raise InvalidBlockRange(
            "block range extends beyond current head block", from_height=first, to_height=last, head=head
        )
    return first, last


def _read_bound(value: object, name: str, reads: LedgerReads) -> Height:
    """Return a bound of a range, which unlike other block parameters may lie above the head."""
    if isinstance(value, str) and value.startswith("0x"):
        return Height(read_quantity(value, name))
    return resolve_block(value, reads, name).height


def read_addresses(value: object) -> frozenset[Address]:
    """Return the addresses of a filter: none, one, or a list. Raises: InvalidParameter."""
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset({read_address(value, "filter.address")})
    return frozenset(read_address(item, "filter.address") for item in read_sequence(value, "filter.address"))


def read_topics(value: object) -> tuple[frozenset[Hash32], ...]:
    """Return the topics of a filter, by place. Raises: InvalidParameter."""
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
    "eth_getLogs": Method(get_logs, 1, 1, "filter", "Log[]"),
    "sycee_getLogs": Method(get_log_page, 1, 3, "filter cursor limit", "LogPage"),
}

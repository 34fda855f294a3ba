"""eth_* filters: a client opens one and asks again and again what is new. What they tell is final and never removed."""

from collections.abc import Sequence

import orjson

from consensus.primitives.scalars import Height
from node.rpc.block_tags import resolve_block
from node.rpc.encoding import Json, data_hex
from node.rpc.errors import FilterNotFound, InvalidParameter, PendingHidden, RangeTooLarge
from node.rpc.filter_book import BlocksFilter, LogsFilter, PendingFilter
from node.rpc.filters import LocatedLog, LogFilter, find_logs, matching_blocks
from node.rpc.logs_api import LOG_FILTER_MEMBERS, OPEN_ENDS, located_objects, read_addresses, read_topics
from node.rpc.methods import Context, Method
from node.rpc.parameters import read_object, read_quantity

FILTER_ID_BITS = 256
PENDING_SHOWN_MAX = 1_000
"""Pending transactions a filter tells apart: as many as the block tag `pending` shows."""

BLOCKS_AT_ONCE_MAX = 10_000
"""Block hashes in one answer: 0.2 s of the calls thread. What is left comes with the next."""

_MEMBERS = LOG_FILTER_MEMBERS - {"blockHash"}


def new_filter(context: Context, parameters: Sequence[object]) -> Json:
    """Open a filter of logs: changes begin with the next block, or at fromBlock if that is still to come.

    Raises: InvalidParameter, BlockNotFound, TooManyFilters.
    """
    members = read_object(parameters[0], "filter", _MEMBERS)
    head = context.backend.head().height
    first = _read_height(context, members.get("fromBlock"), "filter.fromBlock")
    last = _read_height(context, members.get("toBlock"), "filter.toBlock")
    if last is not None and last < (head if first is None else first):
        raise InvalidParameter("filter.toBlock", expected="not below fromBlock", actual=hex(last))
    made = LogsFilter(
        addresses=read_addresses(members.get("address")),
        topics=read_topics(members.get("topics")),
        height_first=head if first is None else first,
        height_last=last,
        height_next=Height(max(head + 1, 0 if first is None else first)),
    )
    return context.filters.add(made, context.client.name)


def new_block_filter(context: Context, parameters: Sequence[object]) -> Json:
    """Open a filter of blocks, beginning with the next. Raises: TooManyFilters."""
    return context.filters.add(BlocksFilter(Height(context.backend.head().height + 1)), context.client.name)


def new_pending_transaction_filter(context: Context, parameters: Sequence[object]) -> Json:
    """Open a filter of transactions that become pending. Raises: PendingHidden, TooManyFilters."""
    if "txpool" not in context.limits.namespaces:
        raise PendingHidden()
    told = frozenset(pooled.transaction.hash for pooled in context.backend.pending_transactions(PENDING_SHOWN_MAX))
    return context.filters.add(PendingFilter(told), context.client.name)


def uninstall_filter(context: Context, parameters: Sequence[object]) -> Json:
    """Close a filter and tell whether it was open."""
    return context.filters.remove(_read_id(parameters[0]))


async def get_filter_changes(context: Context, parameters: Sequence[object]) -> Json:
    """Return what is new since the last call. Very much is told in parts: the next call goes on.

    Raises: InvalidParameter, FilterNotFound, Pruned, CallsOverloaded.
    """
    match context.filters.read(_read_id(parameters[0])):
        case LogsFilter() as logs:
            return await _new_logs(context, logs)
        case BlocksFilter() as blocks:
            return await _new_blocks(context, blocks)
        case PendingFilter() as pending:
            shown = [pooled.transaction.hash for pooled in context.backend.pending_transactions(PENDING_SHOWN_MAX)]
            new = [data_hex(found) for found in shown if found not in pending.told]
            pending.told = frozenset(shown)
            return new


async def get_filter_logs(context: Context, parameters: Sequence[object]) -> Json:
    """Return every log a filter means so far, told or not.

    Raises: InvalidParameter, FilterNotFound, RangeTooLarge, TooManyResults, Pruned, CallsOverloaded.
    """
    filter_id = _read_id(parameters[0])
    found = context.filters.read(filter_id)
    if not isinstance(found, LogsFilter):
        raise FilterNotFound(filter_id)
    wanted = _range(found, found.height_first, context.backend.head().height)
    limit = context.limits.logs_range_blocks_max
    if wanted.height_last - wanted.height_first >= limit:
        raise RangeTooLarge(limit=limit, resume_from=Height(wanted.height_first + limit))
    return await context.encode_aside(
        lambda: located_objects(find_logs(context.backend, wanted, results_max=context.limits.logs_results_max))
    )


async def _new_logs(context: Context, logs: LogsFilter) -> Json:
    limits = context.limits
    last = min(context.backend.head().height, logs.height_next + limits.logs_range_blocks_max - 1)
    wanted = _range(logs, logs.height_next, Height(last))

    def search() -> tuple[bytes, int]:
        found: list[LocatedLog] = []
        for in_block in matching_blocks(context.backend, wanted):
            if found and len(found) + len(in_block) > limits.logs_results_max:
                return orjson.dumps(located_objects(found)), in_block[0].header.height
            found += in_block
        return orjson.dumps(located_objects(found)), last + 1

    answer, height_next = await context.backend.compute(search)
    # Only now, so that an answer that failed is told again; two at once may both tell the same.
    logs.height_next = Height(max(logs.height_next, height_next))
    return orjson.Fragment(answer)


async def _new_blocks(context: Context, blocks: BlocksFilter) -> Json:
    first = blocks.height_next
    stop = min(context.backend.head().height + 1, first + BLOCKS_AT_ONCE_MAX)
    if first >= stop:
        return []
    answer = await context.encode_aside(
        lambda: [data_hex(context.backend.header(Height(height)).block_hash) for height in range(first, stop)]
    )
    blocks.height_next = Height(max(blocks.height_next, stop))
    return answer


def _range(logs: LogsFilter, first: Height, last: Height) -> LogFilter:
    """Return the search for a filter's logs from `first` to `last`, or to its own end if that is lower."""
    end = last if logs.height_last is None else min(last, logs.height_last)
    return LogFilter(first, Height(end), logs.addresses, logs.topics)


def _read_height(context: Context, value: object, name: str) -> Height | None:
    """Return a bound of a filter, which may be still to come; None for one that moves with the head."""
    if value is None or (isinstance(value, str) and value in OPEN_ENDS):
        return None
    if isinstance(value, str) and value.startswith("0x"):
        return Height(read_quantity(value, name))
    return resolve_block(value, context.backend, name).height


def _read_id(value: object) -> str:
    """Return a filter's id as it was given out."""
    return hex(read_quantity(value, "filterId", 2**FILTER_ID_BITS - 1))


METHODS = {
    "eth_newFilter": Method(new_filter, 1, 1, "filter", "Uint256"),
    "eth_newBlockFilter": Method(new_block_filter, 0, 0, "", "Uint256"),
    "eth_newPendingTransactionFilter": Method(new_pending_transaction_filter, 0, 0, "", "Uint256"),
    "eth_uninstallFilter": Method(uninstall_filter, 1, 1, "filterId", "Boolean"),
    "eth_getFilterChanges": Method(get_filter_changes, 1, 1, "filterId", "FilterChanges"),
    "eth_getFilterLogs": Method(get_filter_logs, 1, 1, "filterId", "Log[]"),
}

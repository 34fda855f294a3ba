"""Which logs a filter means, and the search for them.

A filter with an address or topic goes to the index and costs as much as it finds. Without the index, or when anything
is wanted, header blooms are read first and receipts only where the bloom may match. Both find the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from consensus.chain.header import Header
from consensus.chain.receipt import Log, bloom_mask
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32, Height
from node.chain.indexes import LOGS
from node.rpc.backend import LedgerReads
from node.rpc.errors import TooManyResults


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A range of existing heights and what a log in it must have."""

    height_first: Height
    height_last: Height
    """Included."""
    addresses: frozenset[Address]
    """Any of these; empty admits all."""
    topics: tuple[frozenset[Hash32], ...]
    """For each position any of these; an empty set admits all, but there must be a topic."""


@dataclass(frozen=True, slots=True)
class LocatedLog:
    """A log with its place in the chain."""

    log: Log
    header: Header
    block_hash: Hash32
    transaction_hash: Hash32
    transaction_index: int
    log_index: int


def log_matches(log: Log, wanted: LogFilter) -> bool:
    """Tell whether a log is what the filter asks for."""
    if wanted.addresses and log.address not in wanted.addresses:
        return False
    if len(wanted.topics) > len(log.topics):
        return False
    return all(not options or topic in options for options, topic in zip(wanted.topics, log.topics, strict=False))


def find_logs(reads: LedgerReads, wanted: LogFilter, *, results_max: int) -> list[LocatedLog]:
    """Return the matching logs in chain order. Runs on the calls thread.

    Raises: TooManyResults, naming a height such that a range that ends before it fits; Pruned.
    """
    found: list[LocatedLog] = []
    for in_block in matching_blocks(reads, wanted):
        found_before = len(found)
        found += in_block
        # A block that alone holds too many is answered whole: no smaller range exists to resume from.
        if len(found) > results_max and found_before:
            raise TooManyResults(limit=results_max, resume_from=in_block[0].header.height)
    return found


def matching_blocks(reads: LedgerReads, wanted: LogFilter) -> Iterator[list[LocatedLog]]:
    """Yield the matching logs of each block that has any, in chain order. Runs on the calls thread.

    Raises: Pruned.
    """
    for height in _candidate_heights(reads, wanted):
        found = list(_logs_of_block(reads, height, wanted))
        if found:
            yield found


def _candidate_heights(reads: LedgerReads, wanted: LogFilter) -> Iterator[Height]:
    """Yield, upwards, every height that has a match, and some that only may."""
    indexes = reads.indexes()
    if (wanted.addresses or any(wanted.topics)) and indexes.is_complete(LOGS):
        positions = indexes.log_positions(
            sorted(wanted.addresses),
            [sorted(options) for options in wanted.topics],
            first=wanted.height_first,
            last=wanted.height_last,
        )
        for height, _ in positions:
            yield height
        return
    masks = _bloom_masks(wanted)
    for number in range(wanted.height_first, wanted.height_last + 1):
        height = Height(number)
        bloom = int.from_bytes(reads.header(height).header.logs_bloom, "big")
        if bloom and all(any(bloom & mask == mask for mask in options) for options in masks):
            yield height


def _bloom_masks(wanted: LogFilter) -> list[list[int]]:
    sets = [options for options in (wanted.addresses, *wanted.topics) if options]
    return [[bloom_mask(value) for value in sorted(options)] for options in sets]


def _logs_of_block(reads: LedgerReads, height: Height, wanted: LogFilter) -> Iterator[LocatedLog]:
    block = reads.block(height)
    receipts = reads.receipts(height)
    for index, receipt in enumerate(receipts.receipts):
        matching = [offset for offset, log in enumerate(receipt.logs) if log_matches(log, wanted)]
        if not matching:
            continue
        transaction_hash = keccak256(block.transactions[index])
        for offset in matching:
            yield LocatedLog(
                receipt.logs[offset],
                block.header,
                block.block_hash,
                transaction_hash,
                index,
                receipts.log_index_first[index] + offset,
            )

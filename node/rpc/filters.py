"""Which logs a filter means, and the search for them: header blooms first, receipts only where the bloom may match."""

from collections.abc import Iterator
from dataclasses import dataclass

from consensus.chain.header import Header
from consensus.chain.receipt import Log, bloom_mask
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32, Height
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
    masks = _bloom_masks(wanted)
    found: list[LocatedLog] = []
    for height in range(wanted.height_first, wanted.height_last + 1):
        bloom = int.from_bytes(reads.header(Height(height)).header.logs_bloom, "big")
        if bloom and all(any(bloom & mask == mask for mask in options) for options in masks):
            found_before = len(found)
            found.extend(_logs_of_block(reads, Height(height), wanted))
            # A block that alone holds too many is answered whole: no smaller range exists to resume from.
            if len(found) > results_max and found_before:
                raise TooManyResults(limit=results_max, resume_from=Height(height))
    return found


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

"""What clients did and saw, and whether one ledger can explain it. Facts in, differences out: asks nobody.

Payments of one minor unit go to one account, the register; its balance is read on every node. A history is
linearizable when every operation can be placed at one moment between its invocation and its return such that each read
returns the number of payments before it. Source: Herlihy and Wing, Linearizability, 1990.
"""

import heapq
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf


@dataclass(slots=True)
class PaymentRecord:
    """One payment of a client: the same bytes however often they were sent."""

    hash: str
    client: str
    nonce: int
    invoked_us: int
    """Before the bytes left for the first time."""
    returned_us: int | None = None
    """When a node called it final to this client; None while nobody has."""
    height: int | None = None
    block_hash: str = ""
    node: str = ""
    """Which node said so."""
    sent: int = 0
    """How often the bytes were sent."""
    refused: str = ""
    """What a node said that will never take it."""


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One read of the register."""

    node: str
    height: int
    value: int
    invoked_us: int
    returned_us: int


def counter_anomaly(payments: Sequence[PaymentRecord], reads: Sequence[ReadRecord], *, opening: int = 0) -> str:
    """Return why no order of the operations explains every read; empty when one does.

    The k-th payment counts after every read that saw fewer than k was invoked, and before any read that saw k or more
    returned. These windows only move forward with k, so each payment fits a run of places, and giving every place to
    the fitting payment whose run ends first finds an order when there is one.
    """
    lowest = min((read.value for read in reads), default=opening)
    if lowest < opening:
        return f"a read returned {lowest}, less than the opening balance {opening}"
    top = max((read.value - opening for read in reads), default=0)
    starts = sorted(payments, key=lambda payment: payment.invoked_us)
    if top > len(starts):
        return f"a read returned {top} payments, only {len(starts)} were ever sent"
    earliest, latest = _windows(reads, opening, count=len(starts))
    runs_end = [
        len(starts) if entry.returned_us is None else bisect_right(earliest, entry.returned_us) - 1 for entry in starts
    ]
    waiting: list[tuple[int, int]] = []
    position = 0
    for place in range(top):
        if earliest[place] > latest[place]:
            return f"a read that saw {place + 1} payments or more had returned before one that saw fewer began"
        while position < len(starts) and starts[position].invoked_us <= latest[place]:
            heapq.heappush(waiting, (runs_end[position], position))
            position += 1
        if not waiting:
            return (
                f"a read returned {place + 1} or more payments at {latest[place]} us, {place} can have counted by then"
            )
        last, chosen = heapq.heappop(waiting)
        if last < place:
            return f"payment {starts[chosen].hash} was final and a later read did not see it"
    left = [*(chosen for _, chosen in waiting), *range(position, len(starts))]
    unseen = [starts[chosen].hash for chosen in left if runs_end[chosen] < top]
    return f"payment {unseen[0]} was final and a later read did not see it" if unseen else ""


def _windows(reads: Sequence[ReadRecord], opening: int, *, count: int) -> tuple[list[float], list[float]]:
    """Return the first and last moment at which each of `count` payments may begin to count, the first one first."""
    earliest: list[float] = [0.0] * (count + 1)
    latest: list[float] = [inf] * (count + 1)
    for read in reads:
        value = read.value - opening
        earliest[value] = max(earliest[value], read.invoked_us)
        latest[value] = min(latest[value], read.returned_us)
    # Place k, counted from 0, is open once reads that saw k or fewer have begun, until one that saw more has returned.
    return list(accumulate(earliest, max)), list(accumulate(reversed(latest[1:]), min))[::-1]


def height_anomalies(payments: Sequence[PaymentRecord], reads: Sequence[ReadRecord], *, opening: int = 0) -> list[str]:
    """Return the reads that differ from the payments final up to their height, where every one of these is known."""
    if any(payment.returned_us is None for payment in payments):
        return _unequal_reads(reads)
    heights = sorted(payment.height for payment in payments if payment.height is not None)
    anomalies = _unequal_reads(reads)
    position = 0
    for read in sorted(reads, key=lambda entry: entry.height):
        while position < len(heights) and heights[position] <= read.height:
            position += 1
        if read.value != opening + position:
            anomalies.append(
                f"{read.node} said {read.value} at height {read.height}, payments up to there make {opening + position}"
            )
    return anomalies


def _unequal_reads(reads: Sequence[ReadRecord]) -> list[str]:
    seen: dict[int, ReadRecord] = {}
    anomalies: list[str] = []
    for read in reads:
        first = seen.setdefault(read.height, read)
        if first.value != read.value:
            anomalies.append(f"at height {read.height} {first.node} said {first.value} and {read.node} {read.value}")
    return anomalies


def backward_reads(reads: Sequence[ReadRecord]) -> list[str]:
    """Return the reads that were answered at a lower height than an earlier one on the same node."""
    anomalies: list[str] = []
    finished: dict[str, list[ReadRecord]] = {}
    for read in reads:
        finished.setdefault(read.node, []).append(read)
    for node, own in finished.items():
        by_return = sorted(own, key=lambda read: read.returned_us)
        position, highest = 0, -1
        for read in sorted(own, key=lambda entry: entry.invoked_us):
            while position < len(by_return) and by_return[position].returned_us < read.invoked_us:
                highest = max(highest, by_return[position].height)
                position += 1
            if read.height < highest:
                anomalies.append(f"{node} answered at height {read.height} after {highest}")
    return anomalies


def unordered_payments(payments: Sequence[PaymentRecord]) -> list[str]:
    """Return the payments that became final below one that was already final when they were first sent."""
    done = sorted((entry for entry in payments if entry.height is not None), key=lambda entry: entry.returned_us or 0)
    anomalies: list[str] = []
    position, highest = 0, -1
    for payment in sorted(
        (entry for entry in payments if entry.height is not None), key=lambda entry: entry.invoked_us
    ):
        while position < len(done) and (done[position].returned_us or 0) < payment.invoked_us:
            highest = max(highest, done[position].height or 0)
            position += 1
        if (payment.height or 0) <= highest:
            anomalies.append(f"{payment.hash} is at height {payment.height}, sent after height {highest} was final")
    return anomalies


def missing_payments(payments: Sequence[PaymentRecord], ledgers: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return what `ledgers` (node to transaction hash to height) lack of what was called final, or hold elsewhere."""
    anomalies: list[str] = []
    for payment in payments:
        if payment.height is None:
            continue
        for node, ledger in ledgers.items():
            found = ledger.get(payment.hash)
            if found is None:
                anomalies.append(f"{node} lacks {payment.hash}, final at height {payment.height} on {payment.node}")
            elif found != payment.height:
                anomalies.append(f"{node} has {payment.hash} at height {found}, {payment.node} said {payment.height}")
    return anomalies

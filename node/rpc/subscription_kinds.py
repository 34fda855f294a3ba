"""What subscriptions tell: which notices follow from final blocks, read again at any time.

A notice is a function of the chain, so nothing has to be kept for a reader that is slow or comes late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from consensus.chain.header import Header
from consensus.primitives.scalars import Address, Hash32, Height
from node.rpc.backend import CurrencyInfo, LedgerReads
from node.rpc.encoding import Json, certificate_object, header_object, log_object
from node.rpc.filters import LogFilter, matching_blocks
from node.rpc.positions import position_object

HEIGHTS_PER_STEP: Final = 256
"""Heights read in one job of the calls thread: 10 ms where nothing matches."""

STEP_BYTES: Final = 1_000_000
"""After so much a step ends with the block it is in; a block may be 6 MB of logs."""

SHORT_GAS_MAX: Final = 2_000_000
"""A block of so little gas, about a hundred payments, is read on the loop at once: 2 ms."""


class ByHeight(Protocol):
    """A kind of subscription whose notices follow from final blocks."""

    def notices(self, reads: LedgerReads, first: Height, last: Height) -> Iterator[tuple[Height, Json]]:
        """Yield the notices of these heights, upwards. Raises: Pruned."""
        ...

    def is_short(self, header: Header) -> bool:
        """Tell whether a block with this header is read in so little time that the loop may do it."""
        ...


@dataclass(frozen=True, slots=True)
class NewHeads:
    """The header of every block."""

    def notices(self, reads: LedgerReads, first: Height, last: Height) -> Iterator[tuple[Height, Json]]:
        """Yield headers."""
        for number in range(first, last + 1):
            final = reads.header(Height(number))
            yield Height(number), header_object(final.header, final.header_rlp, final.block_hash)

    def is_short(self, header: Header) -> bool:
        """Return true: a header is short."""
        return True


@dataclass(frozen=True, slots=True)
class Finalizations:
    """Why each height is final: for a client that believes nobody and stays up to date."""

    def notices(self, reads: LedgerReads, first: Height, last: Height) -> Iterator[tuple[Height, Json]]:
        """Yield certificates."""
        for number in range(first, last + 1):
            yield Height(number), certificate_object(reads.certificate(Height(number)))

    def is_short(self, header: Header) -> bool:
        """Return true: a certificate is a header and some signatures."""
        return True


@dataclass(frozen=True, slots=True)
class NewLogs:
    """Every log that a filter matches."""

    addresses: frozenset[Address]
    topics: tuple[frozenset[Hash32], ...]

    def notices(self, reads: LedgerReads, first: Height, last: Height) -> Iterator[tuple[Height, Json]]:
        """Yield logs in chain order."""
        for in_block in matching_blocks(reads, LogFilter(first, last, self.addresses, self.topics)):
            for found in in_block:
                yield (
                    found.header.height,
                    log_object(
                        found.log,
                        found.header,
                        found.block_hash,
                        found.transaction_hash,
                        found.transaction_index,
                        log_index=found.log_index,
                    ),
                )

    def is_short(self, header: Header) -> bool:
        """Tell by the gas of a block, which bounds its logs."""
        return header.gas_used <= SHORT_GAS_MAX


@dataclass(frozen=True, slots=True)
class Positions:
    """What an account has in a currency: at the first height, and after every block that says something about it."""

    currency: CurrencyInfo
    account: Address
    height_first: Height

    def notices(self, reads: LedgerReads, first: Height, last: Height) -> Iterator[tuple[Height, Json]]:
        """Yield positions. A block in which the currency's logs name the account is told even if they cancel out."""
        for number in range(first, last + 1):
            height = Height(number)
            if number == self.height_first or self._is_named(reads, height):
                yield height, position_object(reads, self.currency, self.account, height)

    def is_short(self, header: Header) -> bool:
        """Tell by the gas of a block, which bounds its logs."""
        return header.gas_used <= SHORT_GAS_MAX

    def _is_named(self, reads: LedgerReads, height: Height) -> bool:
        wanted = LogFilter(height, height, frozenset({self.currency.address}), ())
        word = bytes(12) + self.account
        return any(
            word in found.log.topics or word in found.log.data
            for in_block in matching_blocks(reads, wanted)
            for found in in_block
        )


def read_step(kind: ByHeight, reads: LedgerReads, first: Height, last: Height) -> tuple[list[bytes], Height]:
    """Return encoded notices from `first` on, and the height to go on at: after `last`, or earlier if they are many.

    Raises: Pruned.
    """
    encoded: list[bytes] = []
    size = 0
    height_before = first
    for height, notice in kind.notices(reads, first, last):
        if height != height_before and size > STEP_BYTES:
            return encoded, height
        height_before = height
        payload = orjson.dumps(notice)
        encoded.append(payload)
        size += len(payload)
    return encoded, Height(last + 1)

"""Blocks of the tests: a fixed-width header, and a body that is a list of transaction numbers."""

from dataclasses import dataclass

from consensus.primitives.hashing import keccak256, sha256
from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, TimestampMs, View
from consensus.simplex.events import HeaderFacts, ViewZero
from tests.consensus.simplex.keys import GENESIS_HASH

START_MS = 1_700_000_000_000
HEADER_BYTES = 96


@dataclass(frozen=True, slots=True)
class Block:
    """A header, its facts and its body."""

    facts: HeaderFacts
    header: bytes
    body: bytes

    @property
    def transactions(self) -> frozenset[int]:
        return frozenset(int.from_bytes(self.body[at : at + 4], "big") for at in range(0, len(self.body), 4))


def read_header(header: bytes) -> HeaderFacts:
    """Return the facts of a header. Raises: ValueError on another length."""
    if len(header) != HEADER_BYTES:
        raise ValueError(f"header of {len(header)} bytes")
    numbers = [int.from_bytes(header[at : at + 8], "big") for at in range(32, 64, 8)]
    return HeaderFacts(
        digest=keccak256(header),
        parent_digest=Hash32(header[:32]),
        height=Height(numbers[0]),
        epoch=Epoch(numbers[1]),
        view=View(numbers[2]),
        timestamp_ms=TimestampMs(numbers[3]),
    )


def make_block(
    parent: HeaderFacts, *, epoch: int, view: int, timestamp_ms: int, transactions: tuple[int, ...]
) -> Block:
    body = b"".join(number.to_bytes(4, "big") for number in transactions)
    header = (
        parent.digest
        + (parent.height + 1).to_bytes(8, "big")
        + epoch.to_bytes(8, "big")
        + view.to_bytes(8, "big")
        + timestamp_ms.to_bytes(8, "big")
        + sha256(body)
    )
    return Block(read_header(header), header, body)


GENESIS = HeaderFacts(GENESIS_HASH, ZERO_HASH, Height(0), Epoch(0), View(0), TimestampMs(START_MS - 60_000))
GENESIS_HEAD = ViewZero(GENESIS, View(0), None)

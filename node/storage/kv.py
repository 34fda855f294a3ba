"""The key-value store behind the ledger: ordered byte keys, atomic synced batches, snapshots.

The seam between the ledger and LevelDB: `leveldb.py` and `memory.py` keep this contract and run the same tests.
Nothing here knows what a key means, and nothing may write except in a batch.
"""

from collections.abc import Iterator
from typing import Protocol


class WriteBatch:
    """Puts and deletes that take effect together or not at all. A later operation on a key wins."""

    __slots__ = ("operations",)

    def __init__(self) -> None:
        self.operations: list[tuple[bytes, bytes | None]] = []

    def put(self, key: bytes, value: bytes) -> None:
        """Set `key`."""
        self.operations.append((key, value))

    def delete(self, key: bytes) -> None:
        """Remove `key` if it is there."""
        self.operations.append((key, None))


class ReadableStore(Protocol):
    """Reads of one moment (a snapshot) or of now (the store)."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key`; None if there is none.

        Raises: UnreadableStore, StoreClosed.
        """
        ...

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs with start ≤ key < stop in key order, or in the opposite order.

        They are those of the moment of the call, whatever is written while they are read. A range that ends before it
        begins is empty. Beginning a scan is one seek, so it also finds the next key after or before a given one.

        Raises: UnreadableStore, StoreClosed; while yielding, too.
        """
        ...


class Snapshot(ReadableStore, Protocol):
    """A store frozen at one moment; readable on any thread. One that nobody refers to any more closes itself."""

    def close(self) -> None:
        """Release what the snapshot holds back from compaction. Closing twice is harmless."""
        ...


class KeyValueStore(ReadableStore, Protocol):
    """One writer, any number of readers."""

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        """Apply the batch atomically; with `sync` it and every batch before it are on disk when this returns.

        Raises: WriteFailed, which ends the process; StoreClosed.
        """
        ...

    def snapshot(self) -> Snapshot:
        """Return the store as it is now. Raises: StoreClosed."""
        ...

    def close(self) -> None:
        """Release the store, its lock and its snapshots. Closing twice is harmless."""
        ...


def prefix_end(prefix: bytes) -> bytes:
    """Return the first key after all keys that begin with `prefix`, which must not be all 0xff."""
    trimmed = prefix.rstrip(b"\xff")
    assert trimmed, "a prefix of only 0xff bytes has no end"
    return trimmed[:-1] + bytes((trimmed[-1] + 1,))

"""LevelDB, and the one door to plyvel."""

from collections.abc import Iterator
from pathlib import Path

import plyvel

from node.storage.errors import DataDirectoryInUse, UnreadableStore, WriteFailed
from node.storage.kv import WriteBatch

BLOCK_CACHE_BYTES = 64 * 1024 * 1024
"""Uncompressed blocks kept in memory: holds the upper trie levels of a million accounts."""

WRITE_BUFFER_BYTES = 32 * 1024 * 1024
"""Memory table before it becomes a file: some hundred full blocks, so that compaction stays rare."""

BLOOM_BITS = 10
"""Bits per key of the filter that answers "not here" without reading a file: 1 % false answers."""


class LevelDbSnapshot:
    """One moment of a LevelDB."""

    def __init__(self, snapshot: "plyvel._plyvel.Snapshot") -> None:
        self._snapshot = snapshot

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._snapshot.get(key)
        return value

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        with self._snapshot.iterator(start=start, stop=stop, reverse=reverse) as iterator:
            yield from iterator

    def close(self) -> None:
        self._snapshot.close()


class LevelDbStore:
    """`KeyValueStore` on disk."""

    def __init__(self, database: "plyvel.DB") -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path, *, create: bool) -> "LevelDbStore":
        """Open the database in folder `path`.

        Raises: DataDirectoryInUse, UnreadableStore.
        """
        try:
            database = plyvel.DB(
                str(path),
                create_if_missing=create,
                paranoid_checks=True,
                lru_cache_size=BLOCK_CACHE_BYTES,
                write_buffer_size=WRITE_BUFFER_BYTES,
                bloom_filter_bits=BLOOM_BITS,
            )
        except plyvel.IOError as error:
            # LevelDB names no reason code; its lock error is the only one that speaks of LOCK.
            if "LOCK" in str(error) or "lock" in str(error):
                raise DataDirectoryInUse(str(path)) from error
            raise UnreadableStore(str(path), str(error)) from error
        except plyvel.Error as error:
            raise UnreadableStore(str(path), str(error)) from error
        return cls(database)

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._database.get(key)
        return value

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        with self._database.iterator(start=start, stop=stop, reverse=reverse) as iterator:
            yield from iterator

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        try:
            with self._database.write_batch(sync=sync) as writes:
                for key, value in batch.operations:
                    if value is None:
                        writes.delete(key)
                    else:
                        writes.put(key, value)
        except plyvel.Error as error:
            raise WriteFailed("ledger batch", str(error)) from error

    def snapshot(self) -> LevelDbSnapshot:
        return LevelDbSnapshot(self._database.snapshot())

    def approximate_bytes(self) -> int:
        """Return about how much disk the database takes."""
        sizes: list[int] = self._database.approximate_sizes((b"\x00", b"\xff"))
        return sum(sizes) if isinstance(sizes, list) else int(sizes)

    def close(self) -> None:
        self._database.close()

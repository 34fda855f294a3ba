"""LevelDB, and the one door to plyvel.

Every failure of the library leaves here as a `StorageError`. Checksums are verified on every read: a block is checked
once, when it enters the cache. A write is never retried: after one that failed nobody
knows what is on disk.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plyvel

from node.storage.errors import DataDirectoryInUse, StorageError, StoreClosed, UnreadableStore, WriteFailed
from node.storage.kv import WriteBatch

BLOCK_CACHE_BYTES = 64 * 1024 * 1024
"""Uncompressed blocks kept in memory: holds the upper trie levels of a million accounts."""

WRITE_BUFFER_BYTES = 32 * 1024 * 1024
"""Memory table before it becomes a file: some hundred full blocks, so that compaction stays rare."""

BLOOM_BITS = 10
"""Bits per key of the filter that answers "not here" without reading a file: 1 % false answers."""

OPEN_FILES_MAX = 512
"""Table files kept open, 2 MB each: a database of 1 GB never reopens one, and half of the usual limit of 1 024
descriptors is left to links and requests."""

REPAIR_FOLDER = "lost"
"""Where LevelDB's repair puts old logs and manifests, of which there is always one."""

_LOCK_HELD = ("Resource temporarily unavailable", "already held by process")
"""How LevelDB words a lock that another process, or this one, holds. It gives no reason code."""


class LevelDbSnapshot:
    """One moment of a LevelDB: a sequence number, not a copy."""

    __slots__ = ("_get", "_path", "_snapshot")

    # Any: plyvel has no types.
    def __init__(self, snapshot: Any, path: str) -> None:
        self._snapshot = snapshot
        self._get = snapshot.get
        self._path = path

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._get(key, verify_checksums=True)
        except (plyvel.Error, RuntimeError) as error:
            raise _read_error(self._path, error) from error
        return value

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return _scan(self._snapshot, self._path, start, stop, reverse)

    def close(self) -> None:
        self._snapshot.close()


class LevelDbStore:
    """`KeyValueStore` on disk."""

    __slots__ = ("_database", "_get", "_path")

    # Any: plyvel has no types.
    def __init__(self, database: Any, path: str) -> None:
        self._database = database
        self._get = database.get
        self._path = path

    @classmethod
    def open(cls, path: Path, *, create: bool) -> "LevelDbStore":
        """Open the database in folder `path`; with `create`, make it if it is absent (its parent must exist).

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
                max_open_files=OPEN_FILES_MAX,
            )
        except plyvel.Error as error:
            detail = _words(error)
            if any(held in detail for held in _LOCK_HELD):
                raise DataDirectoryInUse(str(path)) from error
            raise UnreadableStore(str(path), detail) from error
        return cls(database, str(path))

    @property
    def is_repaired(self) -> bool:
        """Whether LevelDB's repair went over it: it leaves a folder with what it could not use, and may have kept wrong
        values (google/leveldb issue 251).
        """
        return (Path(self._path) / REPAIR_FOLDER).exists()

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._get(key, verify_checksums=True)
        except (plyvel.Error, RuntimeError) as error:
            raise _read_error(self._path, error) from error
        return value

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return _scan(self._database, self._path, start, stop, reverse)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        if self._database.closed:
            raise StoreClosed()
        try:
            writes = self._database.write_batch(sync=sync)
            put, delete = writes.put, writes.delete
            for key, value in batch.operations:
                if value is None:
                    delete(key)
                else:
                    put(key, value)
            writes.write()
        except (plyvel.Error, RuntimeError) as error:
            raise WriteFailed(f"batch of {len(batch.operations)} records", _words(error)) from error

    def snapshot(self) -> LevelDbSnapshot:
        try:
            return LevelDbSnapshot(self._database.snapshot(), self._path)
        except RuntimeError as error:
            raise StoreClosed() from error

    def close(self) -> None:
        self._database.close()


def _scan(source: Any, path: str, start: bytes, stop: bytes, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
    try:
        iterator = source.iterator(start=start, stop=stop, reverse=reverse, verify_checksums=True)
    except (plyvel.Error, RuntimeError) as error:
        raise _read_error(path, error) from error
    return _records(iterator, path)


def _records(iterator: Any, path: str) -> Iterator[tuple[bytes, bytes]]:
    with iterator:
        try:
            yield from iterator
        except (plyvel.Error, RuntimeError) as error:
            raise _read_error(path, error) from error


def _read_error(path: str, error: Exception) -> StorageError:
    # plyvel raises RuntimeError for one reason only: the database, snapshot or iterator is closed.
    return StoreClosed() if isinstance(error, RuntimeError) else UnreadableStore(path, _words(error))


def _words(error: Exception) -> str:
    """Return the library's message, which it gives as bytes."""
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)

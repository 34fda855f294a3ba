"""The store in memory, with the crashes of a disk: same contract as LevelDB, for tests and simulation.

A batch is *written* when `write` returns and *synced* once this or a later write asked for it. A crash keeps every
synced batch and, of those written since, the first few: a log is cut at some byte, so batches are lost from its end,
and the torn one is lost whole.
"""

import random
from bisect import bisect_left, insort
from collections.abc import Iterator
from weakref import WeakSet

from node.storage.errors import StoreClosed
from node.storage.kv import WriteBatch
from node.storage.memory_files import Keep

_Undo = list[tuple[bytes, bytes | None]]
"""What one batch replaced, in the order of the batch; None for what was not there."""


class MemorySnapshot:
    """One moment of a memory store: the store, except where a later batch replaced a value."""

    __slots__ = ("__weakref__", "_is_closed", "_replaced", "_store")

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._replaced: dict[bytes, bytes | None] = {}
        self._is_closed = False

    def get(self, key: bytes) -> bytes | None:
        self._check_open()
        return self._replaced[key] if key in self._replaced else self._store.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        self._check_open()
        merged: dict[bytes, bytes | None] = dict(self._store.scan(start, stop))
        merged.update({key: value for key, value in self._replaced.items() if start <= key < stop})
        return iter([(key, value) for key, value in sorted(merged.items(), reverse=reverse) if value is not None])

    def close(self) -> None:
        self._is_closed = True

    def keep(self, undo: _Undo) -> None:
        """Remember what a batch written after this moment replaced."""
        for key, value in undo:
            self._replaced.setdefault(key, value)

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed()


class MemoryStore:
    """`KeyValueStore` in a dictionary, as one process holds it. `reopen` and `crash` give the next process its own."""

    __slots__ = ("_content", "_is_closed", "_keys", "_snapshots", "_unsynced")

    def __init__(self) -> None:
        self._content: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []
        self._unsynced: list[_Undo] = []
        self._snapshots: WeakSet[MemorySnapshot] = WeakSet()
        self._is_closed = False

    @property
    def unsynced_count(self) -> int:
        """How many batches a crash may take away."""
        return len(self._unsynced)

    def get(self, key: bytes) -> bytes | None:
        self._check_open()
        return self._content.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        self._check_open()
        keys = self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]
        pairs = [(key, self._content[key]) for key in keys]
        return iter(pairs[::-1] if reverse else pairs)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        self._check_open()
        undo: _Undo = []
        for key, value in batch.operations:
            undo.append((key, self._content.get(key)))
            self._set(key, value)
        for snapshot in self._snapshots:
            snapshot.keep(undo)
        if sync:
            self._unsynced.clear()
        else:
            self._unsynced.append(undo)

    def snapshot(self) -> MemorySnapshot:
        self._check_open()
        snapshot = MemorySnapshot(self)
        self._snapshots.add(snapshot)
        return snapshot

    def close(self) -> None:
        self._is_closed = True

    def reopen(self) -> "MemoryStore":
        """Close this store and return what the next process finds: everything written, synced or not."""
        self.close()
        store = MemoryStore()
        store._content, store._keys, store._unsynced = self._content, self._keys, self._unsynced
        return store

    def crash(self, generator: random.Random, keep: Keep = Keep.ANY_PART) -> "MemoryStore":
        """Lose power: close this store and return what the disk holds, synced batches and the first few others."""
        store = self.reopen()
        unsynced, store._unsynced = store._unsynced, []
        match keep:
            case Keep.NOTHING:
                kept_count = 0
            case Keep.EVERYTHING:
                kept_count = len(unsynced)
            case Keep.ANY_PART:
                kept_count = generator.randint(0, len(unsynced))
        for undo in reversed(unsynced[kept_count:]):
            for key, value in reversed(undo):
                store._set(key, value)
        return store

    def _set(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            if self._content.pop(key, None) is not None:
                del self._keys[bisect_left(self._keys, key)]
            return
        if key not in self._content:
            insort(self._keys, key)
        self._content[key] = value

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed()

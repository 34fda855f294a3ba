"""The store in memory, with the crashes of a disk: same contract as LevelDB, for tests and simulation."""

import bisect
import random
from collections.abc import Iterator

from node.storage.kv import WriteBatch


class MemorySnapshot:
    """One moment of a memory store."""

    def __init__(self, content: dict[bytes, bytes]) -> None:
        self._content = content
        self._keys = sorted(content)

    def get(self, key: bytes) -> bytes | None:
        return self._content.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        keys = self._keys[bisect.bisect_left(self._keys, start) : bisect.bisect_left(self._keys, stop)]
        for key in reversed(keys) if reverse else keys:
            yield key, self._content[key]

    def close(self) -> None:
        self._content = {}
        self._keys = []


class MemoryStore:
    """`KeyValueStore` in a dictionary. What was not synced may be lost in a crash, batch by batch."""

    def __init__(self) -> None:
        self._content: dict[bytes, bytes] = {}
        self._synced: dict[bytes, bytes] = {}
        self._unsynced: list[WriteBatch] = []

    def get(self, key: bytes) -> bytes | None:
        return self._content.get(key)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self.snapshot().scan(start, stop, reverse=reverse)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        _apply(self._content, batch)
        self._unsynced.append(batch)
        if sync:
            self._synced = dict(self._content)
            self._unsynced = []

    def snapshot(self) -> MemorySnapshot:
        return MemorySnapshot(dict(self._content))

    def close(self) -> None:
        self.write(WriteBatch(), sync=True)

    def crash(self, generator: random.Random) -> None:
        """Lose power: synced batches stay, of the others a drawn subset does, each whole or not at all."""
        survived = [batch for batch in self._unsynced if generator.random() < 0.5]
        self._content = dict(self._synced)
        for batch in survived:
            _apply(self._content, batch)
        self._synced = dict(self._content)
        self._unsynced = []


def _apply(content: dict[bytes, bytes], batch: WriteBatch) -> None:
    for key, value in batch.operations:
        if value is None:
            content.pop(key, None)
        else:
            content[key] = value

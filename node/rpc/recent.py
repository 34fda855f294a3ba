"""A few values kept because they are asked for again: final facts, so that nothing ever has to be taken out."""

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The values put in last. Any thread."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._values: dict[K, V] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return a value that is still kept."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> V:
        """Keep `value`, forget what was put in first, and return `value`."""
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._count_max:
                del self._values[next(iter(self._values))]
        return value

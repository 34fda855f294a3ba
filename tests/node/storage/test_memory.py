"""Crashes of the store in memory."""

import random

import pytest

from node.storage.errors import StoreClosed
from node.storage.kv import WriteBatch
from node.storage.memory import MemoryStore


def write_numbered(store: MemoryStore, number: int, *, sync: bool) -> None:
    """Write a batch that overwrites, adds and deletes: everything must come and go together."""
    batch = WriteBatch()
    batch.put(b"last", b"%d" % number)
    batch.put(b"own %d" % number, b"")
    batch.delete(b"own %d" % (number - 1))
    store.write(batch, sync=sync)


def content_after(number: int) -> list[tuple[bytes, bytes]]:
    return [(b"last", b"%d" % number), (b"own %d" % number, b"")]


def test_a_crash_keeps_synced_batches_and_a_prefix_of_the_others_each_whole() -> None:
    survivors = set()
    for seed in range(40):
        store = MemoryStore()
        for number in range(6):
            write_numbered(store, number, sync=number == 2)
        assert store.unsynced_count == 3
        after = store.crash(random.Random(seed))
        content = list(after.scan(b"", b"\xff"))
        number = int(content[0][1])
        assert content == content_after(number)
        survivors.add(number)
    assert survivors == {2, 3, 4, 5}


def test_a_sync_also_keeps_every_batch_before_it() -> None:
    store = MemoryStore()
    write_numbered(store, 0, sync=False)
    write_numbered(store, 1, sync=True)
    assert list(store.crash(random.Random(0)).scan(b"", b"\xff")) == content_after(1)


def test_what_survived_a_crash_survives_the_next() -> None:
    store = MemoryStore()
    for number in range(8):
        write_numbered(store, number, sync=False)
    once = store.crash(random.Random(5))
    content = list(once.scan(b"", b"\xff"))
    assert content
    assert list(once.crash(random.Random(1)).scan(b"", b"\xff")) == content


def test_the_process_that_crashed_can_neither_read_nor_write_any_more() -> None:
    store = MemoryStore()
    snapshot = store.snapshot()
    after = store.crash(random.Random(0))
    with pytest.raises(StoreClosed):
        write_numbered(store, 0, sync=True)
    with pytest.raises(StoreClosed):
        snapshot.get(b"last")
    assert after.get(b"last") is None


def test_reopening_without_loss_of_power_keeps_unsynced_batches_unsynced() -> None:
    store = MemoryStore()
    write_numbered(store, 0, sync=False)
    after = store.reopen()
    assert list(after.scan(b"", b"\xff")) == content_after(0)
    assert after.unsynced_count == 1
    with pytest.raises(StoreClosed):
        store.get(b"last")

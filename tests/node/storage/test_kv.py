"""The contract of `KeyValueStore`, held against LevelDB and against the store in memory."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.storage.errors import StoreClosed
from node.storage.kv import KeyValueStore, WriteBatch, prefix_end
from node.storage.leveldb import LevelDbStore
from node.storage.memory import MemoryStore


@pytest.fixture(params=["leveldb", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    opened: KeyValueStore = MemoryStore()
    if request.param == "leveldb":
        opened = LevelDbStore.open(tmp_path / "ledger.ldb", create=True)
    yield opened
    opened.close()


def put_all(store: KeyValueStore, pairs: dict[bytes, bytes | None], *, sync: bool = False) -> None:
    batch = WriteBatch()
    for key, value in pairs.items():
        if value is None:
            batch.delete(key)
        else:
            batch.put(key, value)
    store.write(batch, sync=sync)


def test_what_a_batch_puts_is_read_and_what_it_deletes_is_absent(store: KeyValueStore) -> None:
    put_all(store, {b"a": b"1", b"b": b"2"}, sync=True)
    put_all(store, {b"a": None, b"absent": None, b"c": b""})
    assert [store.get(key) for key in (b"a", b"b", b"c", b"absent")] == [None, b"2", b"", None]


def test_the_last_operation_on_a_key_in_a_batch_wins(store: KeyValueStore) -> None:
    batch = WriteBatch()
    batch.put(b"put last", b"old")
    batch.delete(b"put last")
    batch.put(b"put last", b"new")
    batch.put(b"deleted last", b"old")
    batch.delete(b"deleted last")
    store.write(batch, sync=False)
    assert list(store.scan(b"", b"\xff")) == [(b"put last", b"new")]


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (b"", b"\xff", [b"a", b"aa", b"b", b"c\x00"]),
        (b"a", b"b", [b"a", b"aa"]),
        (b"a\x00", b"c\x00", [b"aa", b"b"]),
        (b"b", b"b", []),
        (b"c", b"a", []),
        (b"d", b"e", []),
    ],
)
def test_a_scan_holds_its_start_and_not_its_stop(
    store: KeyValueStore, start: bytes, stop: bytes, expected: list[bytes]
) -> None:
    put_all(store, {key: key for key in (b"c\x00", b"b", b"aa", b"a")})
    assert list(store.scan(start, stop)) == [(key, key) for key in expected]
    assert list(store.scan(start, stop, reverse=True)) == [(key, key) for key in reversed(expected)]
    assert list(store.snapshot().scan(start, stop)) == [(key, key) for key in expected]
    assert list(store.snapshot().scan(start, stop, reverse=True)) == [(key, key) for key in reversed(expected)]


def test_a_scan_is_of_the_moment_of_its_call(store: KeyValueStore) -> None:
    put_all(store, {b"a": b"1", b"b": b"1"})
    scan = store.scan(b"a", b"z")
    put_all(store, {b"a": b"2", b"b": None, b"c": b"2"})
    assert list(scan) == [(b"a", b"1"), (b"b", b"1")]


def test_a_snapshot_does_not_see_later_batches_and_the_store_does(store: KeyValueStore) -> None:
    put_all(store, {b"a": b"1", b"b": b"1"})
    snapshot = store.snapshot()
    put_all(store, {b"a": b"2", b"b": None, b"c": b"2"})
    put_all(store, {b"a": b"3"})
    assert [snapshot.get(key) for key in (b"a", b"b", b"c")] == [b"1", b"1", None]
    assert list(snapshot.scan(b"a", b"z")) == [(b"a", b"1"), (b"b", b"1")]
    assert [store.get(key) for key in (b"a", b"b", b"c")] == [b"3", None, b"2"]


def test_a_closed_snapshot_answers_nothing_and_leaves_the_store_open(store: KeyValueStore) -> None:
    put_all(store, {b"a": b"1"})
    snapshot = store.snapshot()
    snapshot.close()
    snapshot.close()
    with pytest.raises(StoreClosed):
        snapshot.get(b"a")
    with pytest.raises(StoreClosed):
        list(snapshot.scan(b"a", b"z"))
    assert store.get(b"a") == b"1"


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.get(b"a"),
        lambda store: list(store.scan(b"a", b"z")),
        lambda store: store.write(WriteBatch(), sync=True),
        lambda store: store.snapshot(),
    ],
    ids=["get", "scan", "write", "snapshot"],
)
def test_a_closed_store_refuses_every_use(store: KeyValueStore, use: Callable[[KeyValueStore], object]) -> None:
    snapshot = store.snapshot()
    store.close()
    store.close()
    with pytest.raises(StoreClosed):
        use(store)
    with pytest.raises(StoreClosed):
        snapshot.get(b"a")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_random_batches_and_scans_agree_with_a_dictionary(store: KeyValueStore, seed: int) -> None:
    generator = random.Random(seed)
    model = dict(store.scan(b"", b"\xff"))
    for _ in range(10):
        keys = [generator.randbytes(generator.choice([1, 2, 3])) for _ in range(6)]
        batch: dict[bytes, bytes | None] = {
            key: None if generator.random() < 0.4 else generator.randbytes(3) for key in keys if key[0] < 0xFF
        }
        moment, frozen = store.snapshot(), sorted(model.items())
        put_all(store, batch)
        for key, value in batch.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        start, stop = sorted((generator.randbytes(2), generator.randbytes(2)))
        expected = [(key, value) for key, value in sorted(model.items()) if start <= key < stop]
        assert list(store.scan(start, stop)) == expected
        assert list(store.scan(start, stop, reverse=True)) == expected[::-1]
        assert list(moment.scan(b"", b"\xff")) == frozen
        moment.close()


@pytest.mark.parametrize(
    ("prefix", "end"), [(b"a", b"b"), (b"a\xff", b"b"), (b"\x00\xff\xff", b"\x01"), (b"a\x00", b"a\x01")]
)
def test_prefix_end_is_the_first_key_after_the_prefix(prefix: bytes, end: bytes) -> None:
    assert prefix_end(prefix) == end
    assert prefix + b"\xff" * 40 < end

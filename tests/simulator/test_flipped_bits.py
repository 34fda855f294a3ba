"""One bit of a real ledger changed, in every kind of record: `verify` must say so, and never fall over it."""

from collections.abc import Iterator
from random import Random

import pytest

from consensus.primitives.scalars import Height
from node.chain.store import ChainStore
from node.observe.chain_report import ChainReport
from node.runtime.chain_verifier import ChainVerifier
from node.storage.kv import WriteBatch
from tests.simulator.crash_script import Script, small_world

KINDS = (
    *(b"a", b"b", b"c", b"e", b"f", b"h", b"mgenesis", b"mhead", b"mschema"),
    *(b"n", b"p", b"qs", b"qt", b"r", b"s", b"t", b"u", b"x"),
)
"""Prefixes of every kind of record there is in the script's ledger, a second time."""

HEIGHTS = 6


@pytest.fixture(scope="module")
def script() -> Iterator[Script]:
    with small_world():
        played = Script(0)
        played.stage.start()
        while played.victim.height < HEIGHTS:
            played.stage.settle(played.stage.pay(*played.stage.others()), 10_000)
        played.stage.cluster.close()
    yield played


def verified(script: Script) -> ChainReport:
    cluster, store = script.stage.cluster, script.stage.nodes[1].disk.store
    return ChainVerifier(ChainStore(store), cluster.document, cluster.genesis).verify(lambda _height, _last: None)


def test_ledger_as_it_was_written_agrees(script: Script) -> None:
    report = verified(script)
    assert report.faults == ()
    assert report.height_last >= Height(HEIGHTS)


def test_script_has_records_of_no_other_kind(script: Script) -> None:
    store = script.stage.nodes[1].disk.store
    assert [key for key, _ in store.scan(b"", b"\xff") if not key.startswith((*KINDS, b"m"))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bit_in_any_kind_of_record_is_a_fault(script: Script, kind: bytes) -> None:
    store, drawn = script.stage.nodes[1].disk.store, Random(kind)
    keys = [key for key, value in store.scan(kind, kind + b"\xff" * 9) if value]
    key = drawn.choice(keys)
    value = store.get(key)
    assert value
    flipped = bytearray(value)
    flipped[drawn.randrange(len(flipped))] ^= 1 << drawn.randrange(8)
    _put(script, key, bytes(flipped))
    try:
        assert verified(script).faults != ()
    finally:
        _put(script, key, value)


def _put(script: Script, key: bytes, value: bytes) -> None:
    batch = WriteBatch()
    batch.put(key, value)
    script.stage.nodes[1].disk.store.write(batch, sync=True)

"""`db reindex` and the start of a node build the same indexes; `verify` compares them."""

from pathlib import Path

import pytest

from node.app import LEDGER_FOLDER, open_node
from node.chain.indexes import INDEX_GROUPS, index_height
from node.cli import run
from node.cli.homes import load_home
from node.config import SETTINGS
from node.home import NodeHome
from node.storage.kv import WriteBatch, prefix_end
from node.storage.leveldb import LevelDbStore
from node.storage.schema import HOLDER, META_INDEX

Records = list[tuple[bytes, bytes]]


@pytest.fixture
def home(tmp_path: Path) -> NodeHome:
    """The home of a validator that has started once: its ledger is genesis."""
    assert run(["testnet", "--validators", "4", "--output", str(tmp_path / "homes")]) == 0
    home = NodeHome(tmp_path / "homes" / "alpha")
    open_and_close(home)
    return home


def open_and_close(home: NodeHome, **flags: str) -> None:
    named = {f"storage.{name}": value for name, value in flags.items()}
    opened = open_node(load_home(home.root, flags=named).config, home)
    for part in (opened.wal, opened.signer, opened.store):
        part.close()


def records(home: NodeHome, change: WriteBatch | None = None) -> Records:
    """Return all records of indexes, after `change`."""
    store = LevelDbStore.open(home.data_folder / LEDGER_FOLDER, create=False)
    try:
        if change is not None:
            store.write(change, sync=True)
        return [pair for prefix in (HOLDER, META_INDEX) for pair in store.scan(prefix, prefix_end(prefix))]
    finally:
        store.close()


def without(home: NodeHome) -> WriteBatch:
    batch = WriteBatch()
    for key, _ in records(home):
        batch.delete(key)
    return batch


def test_reindex_writes_what_the_start_wrote(home: NodeHome, capsys: pytest.CaptureFixture[str]) -> None:
    written = records(home)
    assert len(written) > len(INDEX_GROUPS)
    assert records(home, without(home)) == []
    assert run(["db", "reindex", "--home", str(home.root)]) == 0
    assert "built logs, addresses, holders" in capsys.readouterr().out
    assert records(home) == written


def test_reindex_builds_one_index_only_where_one_is_named(home: NodeHome) -> None:
    records(home, without(home))
    assert run(["db", "reindex", "--home", str(home.root), "--index", "logs"]) == 0
    assert [key for key, _ in records(home)] == [META_INDEX + b"logs"]


def test_index_that_was_off_is_built_by_the_start_that_switches_it_on(home: NodeHome) -> None:
    written = records(home)
    records(home, without(home))
    open_and_close(home, indexes="")
    assert records(home) == []
    open_and_close(home, indexes="holders")
    store = LevelDbStore.open(home.data_folder / LEDGER_FOLDER, create=False)
    assert [index_height(store, group) for group in INDEX_GROUPS] == [0, 0, 1]
    store.close()
    open_and_close(home)
    assert records(home) == written


def test_reindex_of_what_is_no_home_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["db", "reindex", "--home", str(tmp_path)]) == 1
    assert "is not a node's home" in capsys.readouterr().err


def test_verify_compares_the_indexes(home: NodeHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--home", str(home.root)]) == 0
    key, value = next(pair for pair in records(home) if pair[0].startswith(HOLDER))
    change = WriteBatch()
    change.put(key, (7).to_bytes(len(value), "big"))
    records(home, change)
    assert run(["verify", "--home", str(home.root)]) == 1
    assert f"record 0x{key.hex()}" in capsys.readouterr().out


def test_configuration_knows_every_group() -> None:
    assert SETTINGS["storage.indexes"].default == SETTINGS["storage.indexes"].choices == INDEX_GROUPS

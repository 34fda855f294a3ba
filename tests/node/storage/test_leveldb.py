"""What LevelDB adds to the contract: a lock, files that last, and failures with names."""

import subprocess
import sys
from pathlib import Path

import plyvel
import pytest

from node.storage.errors import DataDirectoryInUse, UnreadableStore, WriteFailed
from node.storage.kv import WriteBatch, prefix_end
from node.storage.leveldb import LevelDbStore

OPEN_AND_REPORT = """
import sys
from pathlib import Path
from node.storage.leveldb import LevelDbStore
try:
    LevelDbStore.open(Path(sys.argv[1]), create=False)
except Exception as error:
    print(type(error).__name__, error)
else:
    print("opened")
"""


def open_in_another_process(path: Path) -> str:
    command = [sys.executable, "-c", OPEN_AND_REPORT, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def filled(path: Path) -> LevelDbStore:
    store = LevelDbStore.open(path, create=True)
    batch = WriteBatch()
    for number in range(500):
        batch.put(b"key %03d" % number, b"value" * 20)
    store.write(batch, sync=True)
    return store


def test_another_process_is_told_that_the_directory_is_in_use_until_it_is_closed(tmp_path: Path) -> None:
    store = filled(tmp_path / "ledger.ldb")
    report = open_in_another_process(tmp_path / "ledger.ldb")
    assert report.startswith("DataDirectoryInUse")
    assert "in use by another process" in report
    store.close()
    assert open_in_another_process(tmp_path / "ledger.ldb") == "opened"


def test_opening_twice_in_one_process_is_refused_too(tmp_path: Path) -> None:
    store = filled(tmp_path / "ledger.ldb")
    with pytest.raises(DataDirectoryInUse):
        LevelDbStore.open(tmp_path / "ledger.ldb", create=False)
    store.close()


def test_an_absent_database_is_unreadable_and_not_in_use(tmp_path: Path) -> None:
    with pytest.raises(UnreadableStore, match="does not exist"):
        LevelDbStore.open(tmp_path / "ledger.ldb", create=False)
    with pytest.raises(UnreadableStore, match="LOCK"):
        LevelDbStore.open(tmp_path / "no such folder" / "ledger.ldb", create=True)


def test_closing_and_opening_again_keeps_everything(tmp_path: Path) -> None:
    filled(tmp_path / "ledger.ldb").close()
    store = LevelDbStore.open(tmp_path / "ledger.ldb", create=False)
    assert len(list(store.scan(b"key", b"kez"))) == 500
    store.close()


WRITE_AND_REPORT = """
import sys
from pathlib import Path
from node.storage.kv import WriteBatch
from node.storage.leveldb import LevelDbStore
store = LevelDbStore.open(Path(sys.argv[1]), create=True)
number = 0
while True:
    batch = WriteBatch()
    for half in (b"a", b"b"):
        batch.put(half + number.to_bytes(4, "big"), half * 500)
    store.write(batch, sync=True)
    print(number, flush=True)
    number += 1
"""


def test_synced_batch_survives(tmp_path: Path) -> None:
    """Killed at any moment, a store holds every batch whose write had returned, and each batch whole."""
    for round_number in range(3):
        path = tmp_path / f"{round_number}.ldb"
        command = [sys.executable, "-c", WRITE_AND_REPORT, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(20 + 7 * round_number)][-1]
            writer.kill()
            told = max([told, *(int(line) for line in writer.stdout)])
        store = LevelDbStore.open(path, create=False)
        first, second = (
            {key[1:] for key, value in store.scan(half, prefix_end(half)) if value == half * 500}
            for half in (b"a", b"b")
        )
        store.close()
        assert first == second
        assert {number.to_bytes(4, "big") for number in range(told + 1)} <= first


def test_repair_leaves_its_mark_and_nothing_else_does(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ldb"
    store = filled(path)
    assert not store.is_repaired
    store.close()
    plyvel.repair_db(str(path))
    for _ in range(2):
        store = LevelDbStore.open(path, create=False)
        assert store.is_repaired
        store.close()


def test_a_flipped_byte_in_a_table_is_reported_and_never_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ldb"
    filled(path).close()
    # Opening replays the log into a table.
    LevelDbStore.open(path, create=False).close()
    table = next(path.glob("*.ldb"))
    damaged = bytearray(table.read_bytes())
    damaged[100] ^= 0x01
    table.write_bytes(bytes(damaged))
    store = LevelDbStore.open(path, create=False)
    with pytest.raises(UnreadableStore, match="checksum"):
        list(store.scan(b"key", b"kez"))
    with pytest.raises(UnreadableStore):
        store.get(b"key 001")
    store.close()


class FullDisk:
    """A plyvel database whose disk is full."""

    closed = False

    def get(self, key: bytes) -> bytes | None:
        return None

    def write_batch(self, *, sync: bool) -> "FullDisk":
        return self

    def put(self, key: bytes, value: bytes) -> None:
        pass

    def delete(self, key: bytes) -> None:
        pass

    def write(self) -> None:
        raise plyvel.IOError(b"IO error: 000003.log: No space left on device")


def test_a_failed_write_says_why() -> None:
    batch = WriteBatch()
    batch.put(b"key", b"value")
    with pytest.raises(WriteFailed, match=r"batch of 1 records failed: IO error: .*No space left on device"):
        LevelDbStore(FullDisk(), "ledger.ldb").write(batch, sync=True)

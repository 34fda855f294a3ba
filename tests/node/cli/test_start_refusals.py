"""Data from which a validator must not start: exit 3, the file and the offset, and nothing is changed."""

import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from consensus.simplex.records import RecordType
from node.app import LEDGER_FOLDER, load_genesis, open_node
from node.cli import run
from node.cli.homes import load_home
from node.home import NodeHome
from node.storage.guard_file import ResumeReason
from node.storage.kv import WriteBatch
from node.storage.leveldb import LevelDbStore
from node.storage.schema import META_GENESIS_HASH, META_SCHEMA, SCHEMA_VERSION
from node.storage.wal import SEGMENT_HEAD_BYTES, LogRecord, Wal


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The homes of four validators, the first of which has started once."""
    homes = tmp_path_factory.mktemp("rehearsal") / "homes"
    assert run(["testnet", "--validators", "4", "--output", str(homes)]) == 0
    open_and_close(NodeHome(homes / "alpha"))
    return homes


@pytest.fixture
def home(homes: Path, tmp_path: Path) -> NodeHome:
    """A copy of them, for a test to harm the first."""
    copy = tmp_path / "homes"
    shutil.copytree(homes, copy)
    config = copy / "alpha" / "config" / "node.toml"
    config.write_text(config.read_text().replace(str(homes), str(copy)))
    return NodeHome(copy / "alpha")


def open_and_close(home: NodeHome) -> ResumeReason:
    """Open everything a start opens, and return why the key would have to ask others."""
    opened = open_node(load_home(home.root, flags={}).config, home)
    for part in (opened.wal, opened.signer, opened.store):
        part.close()
    return opened.signer.resume_reason


def start(home: NodeHome) -> int:
    """Run `start` on ports that are free."""
    ports = []
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    for listening in sockets:
        ports.append(str(listening.getsockname()[1]))
        listening.close()
    rpc, ops, mesh = ports
    arguments = ["start", "--home", str(home.root), "--rpc.port", rpc, "--ops.port", ops, "--p2p.port", mesh]
    return run(arguments)


def append(home: NodeHome, *records: LogRecord) -> None:
    """Write one batch into the log."""
    document, genesis = load_genesis(home)
    genesis_hash = genesis.executed.block.block_hash
    wal, _ = Wal.open(home.wal_folder, chain_id=document.chain_id, genesis_hash=genesis_hash)
    wal.append_batch(records, tag=0)
    wal.close()


BODY = LogRecord(RecordType.BODY, bytes(100))


def damage_earlier_batch(home: NodeHome) -> str:
    append(home, BODY)
    append(home, BODY)
    segment = home.wal_folder / "00000001.log"
    content = bytearray(segment.read_bytes())
    content[SEGMENT_HEAD_BYTES + 50] ^= 1
    segment.write_bytes(bytes(content))
    return f"{segment} at byte {SEGMENT_HEAD_BYTES}: a record is damaged"


def lose_segment(home: NodeHome) -> str:
    segment = home.wal_folder / "00000001.log"
    segment.rename(home.wal_folder / "00000002.log")
    (home.wal_folder / "00000004.log").write_bytes((home.wal_folder / "00000002.log").read_bytes())
    return "00000003.log at byte 0: segment is missing"


def take_log_of_another_network(home: NodeHome) -> str:
    for segment in home.wal_folder.iterdir():
        segment.unlink()
    _, genesis = load_genesis(home)
    wal, _ = Wal.open(home.wal_folder, chain_id=1, genesis_hash=genesis.executed.block.block_hash)
    wal.close()
    return "00000001.log at byte 10: belongs to another network"


def take_guard_of_another_key(home: NodeHome) -> str:
    home.first_keys.guard_file.write_bytes(NodeHome(home.root.parent / "beta").first_keys.guard_file.read_bytes())
    return "signguard.log: it belongs to another key"


def write_meta(home: NodeHome, key: bytes, value: bytes) -> None:
    store = LevelDbStore.open(home.data_folder / LEDGER_FOLDER, create=False)
    batch = WriteBatch()
    batch.put(key, value)
    store.write(batch, sync=True)
    store.close()


def take_ledger_of_another_genesis(home: NodeHome) -> str:
    write_meta(home, META_GENESIS_HASH, b"\x77" * 32)
    return "the ledger's genesis is 0x7777"


def take_ledger_of_a_newer_version(home: NodeHome) -> str:
    write_meta(home, META_SCHEMA, (SCHEMA_VERSION + 1).to_bytes(2, "big"))
    return f"the ledger's schema is {SCHEMA_VERSION + 1}, this node needs {SCHEMA_VERSION}"


def write_record_of_a_version_to_come(home: NodeHome) -> str:
    append(home, LogRecord(200, b"something"))
    return "write-ahead log, batch 1, record of type 200: its type is unknown"


@pytest.mark.parametrize(
    "harm",
    [
        damage_earlier_batch,
        lose_segment,
        take_log_of_another_network,
        take_guard_of_another_key,
        take_ledger_of_another_genesis,
        take_ledger_of_a_newer_version,
        write_record_of_a_version_to_come,
    ],
    ids=lambda function: function.__name__,
)
def test_start_refuses_data_it_could_contradict(
    home: NodeHome, harm: Callable[[NodeHome], str], capfd: pytest.CaptureFixture[str]
) -> None:
    said = harm(home)
    assert start(home) == 3
    captured = capfd.readouterr()
    assert said in captured.out + captured.err


@pytest.mark.parametrize("is_missing", [False, True])
def test_home_without_its_guard_starts_and_waits(home: NodeHome, is_missing: bool) -> None:
    if is_missing:
        home.first_keys.guard_file.unlink()
    assert open_and_close(home) is (ResumeReason.GUARD_MISSING if is_missing else ResumeReason.NONE)


def test_home_without_its_data_starts_and_waits(home: NodeHome) -> None:
    for path in sorted(home.data_folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    home.data_folder.rmdir()
    assert open_and_close(home) is ResumeReason.GUARD_MISSING
    assert home.data_folder.stat().st_mode & 0o777 == 0o700


# The log as people read it


def test_dump_tells_every_record_of_the_log(home: NodeHome, capfd: pytest.CaptureFixture[str]) -> None:
    append(home, BODY, LogRecord(RecordType.RESUME_VIEW, (3).to_bytes(8, "big") + (77).to_bytes(8, "big")))
    append(home, LogRecord(200, b"something"))
    before = (home.wal_folder / "00000001.log").read_bytes()
    capfd.readouterr()
    assert run(["wal", "dump", "--home", str(home.root)]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out == [
        "00000001.log  2 batches from 1",
        f"       1  body           0x{'00' * 32} 68 bytes",
        "       1  resume_view    epoch 3 view 77",
        "       2  type 200       unreadable: 200 is not a valid RecordType",
    ]
    assert run(["wal", "dump", "--home", str(home.root), "--json"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 3
    assert (home.wal_folder / "00000001.log").read_bytes() == before, "nothing is changed"


def test_dump_of_a_damaged_log_names_file_and_offset(home: NodeHome, capfd: pytest.CaptureFixture[str]) -> None:
    said = damage_earlier_batch(home)
    assert run(["wal", "dump", "--home", str(home.root)]) == 3
    assert said in capfd.readouterr().err

"""What hostile bytes have broken, one named test each. Findings in codecs with tests of their own stand there."""

import json
import sqlite3
from pathlib import Path

import pytest

from node.cli.devnet_folder import FACTS_NAME, require_no_leftovers
from node.cli.identities import NoKeys, load_public_identity
from node.cli.json_rpc import EndpointDown, decode_answers
from node.cli.payments_file import UnreadablePayments, load_banks
from node.config import UnreadableConfig, load_config
from node.home import NodeHome
from node.storage.guard_file import HEAD_BYTES, DamagedGuard, GuardFile, create_guard
from node.storage.memory_files import MemoryFiles
from node.storage.record_batches import LogRecord, encode_batch, seal_head
from node.validator.keys import KdfCost, KeyPurpose, UnreadableKey, load_key, load_public_key, make_key, save_key
from tests.fuzz.file_targets import ADDRESS, HASH
from tests.fuzz.registry import TARGETS
from wallet_cli.contacts import load_contacts
from wallet_cli.errors import UsageRefused
from wallet_cli.home import Home, load_preferences
from wallet_cli.keystore import load_accounts
from wallet_cli.outbox import Outbox
from wallet_cli.trust_store import TrustStore

DEEP = b"[" * 100_000


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_nested_settings_are_an_unreadable_file(tmp_path: Path) -> None:
    path = written(tmp_path / "node.toml", b"a = " + DEEP[:60_000])
    with pytest.raises(UnreadableConfig):
        load_config(path, environment={}, flags={})


def test_nested_wallet_files_are_refused_by_name(tmp_path: Path) -> None:
    home = Home(config=tmp_path, data=tmp_path, state=tmp_path / "state")
    written(home.config_file, b"a = " + DEEP[:60_000])
    with pytest.raises(UsageRefused, match="cannot be used"):
        load_preferences(home)
    with pytest.raises(UsageRefused, match="cannot be read"):
        load_contacts(written(tmp_path / "contacts.json", DEEP))
    with pytest.raises(UsageRefused, match="no key file"):
        load_accounts(written(tmp_path / "keys" / "alice.json", DEEP).parent)


def test_nested_node_files_are_refused_by_name(tmp_path: Path) -> None:
    home = NodeHome(tmp_path)
    written(home.first_keys.public_file, DEEP)
    with pytest.raises(NoKeys, match="damaged"):
        load_public_identity(home.first_keys)
    with pytest.raises(UnreadableKey, match="is not a key file"):
        load_public_key(written(tmp_path / "node.key", DEEP))


@pytest.mark.parametrize("facts", [DEEP, b'{"validators": [{"pid": 1e400}]}'], ids=["nested", "infinite process id"])
def test_facts_of_a_devnet_that_cannot_be_read_name_no_leftovers(tmp_path: Path, facts: bytes) -> None:
    written(tmp_path / FACTS_NAME, facts)
    require_no_leftovers(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("operations", 2**40), ("operations", -1), ("operations", 2**70), ("memoryBytes", -1), ("memoryBytes", 2**70)],
)
def test_key_file_cannot_ask_for_endless_or_impossible_work(tmp_path: Path, field: str, value: int) -> None:
    path = save_key(tmp_path, make_key(KeyPurpose.NODE), b"open", KdfCost.DEVELOPMENT)
    content = json.loads(path.read_bytes())
    content["kdf"][field] = value
    path.write_bytes(json.dumps(content).encode())
    with pytest.raises(UnreadableKey):
        load_key(tmp_path, KeyPurpose.NODE, b"open")


def test_cell_longer_than_csv_reads_is_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePayments, match="not a CSV file"):
        load_banks(written(tmp_path / "banks.csv", b"bic\n" + b"A" * 140_000))


def test_answer_with_a_list_for_an_id_is_no_answer() -> None:
    with pytest.raises(EndpointDown, match="answered 0 of 1"):
        decode_answers("http://node", b'[{"id": [0], "result": 1}]', 1)


GUARD_RECORDS = {
    "a type this version never writes": LogRecord(7, bytes(114)),
    "a statement one byte short": LogRecord(1, bytes(113)),
    "a floor one byte long": LogRecord(2, bytes(17)),
}


@pytest.mark.parametrize("record", GUARD_RECORDS.values(), ids=GUARD_RECORDS)
def test_guard_with_a_record_nobody_writes_is_refused(record: LogRecord) -> None:
    files, path = MemoryFiles(), Path("guard") / "signguard.log"
    create_guard(path, b"\x01" * 32, files=files, salt=lambda: bytes(8))
    head, seed = seal_head(files.read(path)[: HEAD_BYTES - 4])
    stream = files.open(path)
    stream.write_at(head + encode_batch([record], sequence=1, seed=seed), 0)
    with pytest.raises(DamagedGuard, match=f"type {record.type}"):
        GuardFile.open(path, b"\x01" * 32, files=files, salt=lambda: bytes(8))


def damaged_rows(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    "statement",
    ["UPDATE transactions SET data = 'much'", "UPDATE transactions SET raw = 5", "UPDATE transactions SET nonce = 'x'"],
)
def test_outbox_with_a_value_of_the_wrong_type_is_refused(tmp_path: Path, statement: str) -> None:
    (content,) = TARGETS["outbox"].seeds()
    damaged_rows(written(tmp_path / "wallet.db", content), statement)
    outbox = Outbox(tmp_path)
    with pytest.raises(UsageRefused, match="cannot be read"):
        outbox.load_open(ADDRESS)
    outbox.close()


@pytest.mark.parametrize(
    "statement", ["UPDATE anchor SET height = 'x'", "UPDATE anchor SET hash = 1", "UPDATE anchor SET epoch = 0.5"]
)
def test_trust_store_with_a_value_of_the_wrong_type_is_refused(tmp_path: Path, statement: str) -> None:
    (content,) = TARGETS["trust-store"].seeds()
    damaged_rows(written(tmp_path / "trust.db", content), statement)
    store = TrustStore(tmp_path)
    with pytest.raises(UsageRefused, match="cannot be read"):
        store.load_anchor()
    store.close()


def test_trust_store_with_a_broken_page_is_refused(tmp_path: Path) -> None:
    (content,) = TARGETS["trust-store"].seeds()
    at = content.index(HASH)
    page = at - at % 4096
    written(tmp_path / "trust.db", content[:page] + b"\xff" * 4096 + content[page + 4096 :])
    with pytest.raises(UsageRefused, match="cannot be read"):
        TrustStore(tmp_path).load_anchor()

"""Keys and state values on disk are the golden ones, and their order is the order they are scanned in."""

import json
from pathlib import Path

import pytest

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Height
from node.state import reader
from node.storage import schema
from node.storage.errors import DamagedValue

VECTORS: dict[str, str] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "state" / "records.json").read_text(encoding="utf-8")
)
ADDRESS = Address(bytes.fromhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"))
ACCOUNT = reader.Account(3, 10**18, keccak256(b"storage root"), keccak256(b"code"))
HEIGHT = Height(1204)
NODE_KEY = schema.account_nodes(b"\x0f\x00\x0a")

BUILT = {
    "header key": schema.header_key(HEIGHT),
    "height of block key": schema.height_of_block_key(keccak256(b"block")),
    "body key": schema.body_key(HEIGHT),
    "results key": schema.results_key(HEIGHT),
    "finalization key": schema.finalization_key(HEIGHT),
    "epoch key": schema.epoch_key(Epoch(5)),
    "transaction key": schema.transaction_key(keccak256(b"tx")),
    "code key": schema.code_key(keccak256(b"code")),
    "account key": schema.account_key(ADDRESS),
    "storage key": schema.storage_key(ADDRESS, 7),
    "account root node key": schema.account_nodes(b""),
    "account node key": NODE_KEY,
    "storage node key": schema.storage_nodes(keccak256(ADDRESS), b"\x01\x0e"),
    "account undo key": schema.previous_key(schema.account_key(ADDRESS), HEIGHT),
    "node undo key": schema.previous_key(NODE_KEY, HEIGHT),
    "changed state key": schema.changed_keys_key(schema.CHANGED_STATE, HEIGHT),
    "changed trie key": schema.changed_keys_key(schema.CHANGED_TRIE, HEIGHT),
    "schema key": schema.META_SCHEMA,
    "genesis key": schema.META_GENESIS_HASH,
    "head key": schema.META_FINAL_HEAD,
    "state floor key": schema.META_STATE_FLOOR,
    "trie floor key": schema.META_TRIE_FLOOR,
    "account record": reader.encode_account_record(ADDRESS, ACCOUNT),
    "account leaf": reader.encode_account(ACCOUNT),
    "storage record": reader.encode_storage_record(7, 0x0100),
    "storage record of one byte": reader.encode_storage_record(7, 0x7F),
    "storage leaf": reader.encode_storage_value(0x0100),
    "storage leaf of one byte": reader.encode_storage_value(0x7F),
}


def test_the_vectors_cover_exactly_what_is_built() -> None:
    assert sorted(VECTORS) == sorted(BUILT)


@pytest.mark.parametrize("name", sorted(BUILT))
def test_bytes_on_disk_are_the_golden_ones(name: str) -> None:
    assert "0x" + BUILT[name].hex() == VECTORS[name]


def test_state_records_give_back_what_went_in() -> None:
    record = reader.encode_account_record(ADDRESS, ACCOUNT)
    assert (reader.decode_account_record(record), reader.address_of_record(record)) == (ACCOUNT, ADDRESS)
    for word in (1, 127, 128, 2**256 - 1):
        record = reader.encode_storage_record(2**256 - 1, word)
        assert (reader.decode_slot(record), reader.decode_storage_record(record)) == (2**256 - 1, word)


@pytest.mark.parametrize("cut", [1, 20, 123])
def test_a_cut_account_record_is_refused(cut: int) -> None:
    with pytest.raises(DamagedValue):
        reader.decode_account_record(reader.encode_account_record(ADDRESS, ACCOUNT)[:-cut])


def test_a_storage_record_without_a_word_is_refused() -> None:
    with pytest.raises(DamagedValue):
        reader.decode_storage_record((7).to_bytes(32, "big"))


def test_keys_of_later_heights_sort_later() -> None:
    heights = [Height(0), Height(1), Height(255), Height(256), Height(2**40)]
    for keys in (
        [schema.header_key(height) for height in heights],
        [schema.previous_key(NODE_KEY, height) for height in heights],
        [schema.changed_keys_key(schema.CHANGED_TRIE, height) for height in heights],
    ):
        assert keys == sorted(keys)

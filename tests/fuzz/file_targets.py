"""Files that people write, copy or restore: settings, keys, payments, and what the wallet keeps."""

import json
import random
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs
from node.cli.devnet_folder import FACTS_NAME, LeftoverNodes, require_no_leftovers
from node.cli.errors import CommandError
from node.cli.identities import load_public_identity
from node.cli.json_rpc import EndpointDown, decode_answers
from node.cli.payments_file import COLUMNS, load_banks, load_payments
from node.config import ConfigError, Value, load_config, render_toml
from node.home import NodeHome
from node.storage.errors import StorageError
from node.validator.keys import KdfCost, KeyPurpose, load_key, make_key, save_key
from tests.fuzz.mutators import mutate_bytes, mutate_json, mutate_lines
from tests.fuzz.promise import Bound, Target
from wallet_cli.amounts import Currency
from wallet_cli.contacts import load_contacts, save_contact
from wallet_cli.errors import UserError
from wallet_cli.home import Home, Network, Preferences, load_network, load_preferences, save_network, save_preferences
from wallet_cli.keystore import load_accounts, load_keystore, save_keystore
from wallet_cli.outbox import SIGNED, Entry, Intent, Outbox
from wallet_cli.trust_store import StoredAnchor, TrustStore

_SCRATCH = TemporaryDirectory(prefix="sycee-fuzz-")
"""Where inputs become files; gone with the process."""

PASSPHRASE = b"open"
ADDRESS = Address(b"\x0a" * 20)
HASH = Hash32(b"\x0b" * 32)

TEXT_STEPS = Bound(40_000, 200)
"""The readers of TOML and of CSV lines are Python: some calls for each character."""

TEXT_ALLOCATION = Bound(1024 * 1024, 120)


def scratch(name: str) -> Path:
    """Return an empty place for one kind of file."""
    folder = Path(_SCRATCH.name) / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def at(path: Path, read: Callable[[], object]) -> Callable[[bytes], None]:
    """Return a decoder that writes its input to `path`, for its owner only, and has it read."""

    def decode(data: bytes) -> None:
        path.write_bytes(data)
        path.chmod(0o600)
        read()

    return decode


def _configs() -> list[bytes]:
    plain: dict[str, Value] = {"node.name": "alpha", "rpc.port": 8545, "rpc.api": ("eth", "net")}
    return [render_toml(plain).encode(), b"", b"[node]\nrole = 'follower'\n[rpc]\nport = 1_000\n"]


def _config() -> object:
    return load_config(scratch("config") / "node.toml", environment={}, flags={})


@cache
def _key_files() -> list[bytes]:
    folder = scratch("keys-made")
    path = save_key(folder, make_key(KeyPurpose.NODE), PASSPHRASE, KdfCost.DEVELOPMENT)
    return [path.read_bytes()]


def _identities() -> list[bytes]:
    keys = dict.fromkeys(("consensusKey", "tlsKey", "attestationKey"), "0x" + "ab" * 32)
    return [json.dumps(keys, indent=2).encode() + b"\n"]


def _identity() -> object:
    return load_public_identity(NodeHome(scratch("identity")).first_keys)


def _identity_path() -> Path:
    home = NodeHome(scratch("identity"))
    home.keys_folder.mkdir(exist_ok=True)
    return home.first_keys.public_file


def _payments() -> list[bytes]:
    heading = ",".join(COLUMNS)
    return [
        f"{heading}\nINV-1,AAAADEFF,BBBBFRPP,100\nINV-2,BBBBFRPP,AAAADEFF,5\n".encode(),
        b"\xef\xbb\xbf" + f'{heading}\r\n"a ""quoted"" one",AAAADEFF,BBBBFRPP,1\r\n'.encode(),
    ]


def _facts() -> list[bytes]:
    return [json.dumps({"chainId": 1, "validators": [{"pid": None, "rpc": "x"}, {"pid": 2**31 - 1}]}).encode()]


def _answers() -> list[bytes]:
    good = [{"jsonrpc": "2.0", "id": place, "result": "0x1"} for place in range(2)]
    bad = {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no", "data": {"reason": "busy"}}}
    return [json.dumps(good).encode(), json.dumps([good[0], bad]).encode()]


def _decode_answers(data: bytes) -> None:
    assert len(decode_answers("http://node", data, 2)) == 2


def _contact_files() -> list[bytes]:
    path = scratch("contacts-made") / "contacts.json"
    path.unlink(missing_ok=True)
    save_contact(path, "bob", ADDRESS)
    return [path.read_bytes()]


@cache
def _keystores() -> list[bytes]:
    folder = scratch("keystore-made")
    crypto = {"cipher": "aes-128-ctr", "ciphertext": "00", "kdf": "scrypt", "mac": "00"}
    keystore: dict[str, object] = {"address": ADDRESS.hex(), "version": 3, "crypto": crypto}
    return [save_keystore(folder, "alice", keystore, is_development=True).path.read_bytes()]


def _read_keystore() -> object:
    return [load_keystore(account) for account in load_accounts(scratch("keystore"))]


def _home(name: str) -> Home:
    root = scratch(name)
    (root / "networks").mkdir(mode=0o700, exist_ok=True)
    return Home(config=root, data=root, state=root / "state")


def _networks() -> list[bytes]:
    home = _home("network-made")
    save_network(home, Network("test", 7, HASH, b"\x00" * 10, ("http://localhost:8545",), 1))
    return [home.network_file("test").read_bytes()]


def _preferences() -> list[bytes]:
    home = _home("preferences-made")
    save_preferences(home, Preferences())
    return [home.config_file.read_bytes(), b'network = "test"\n']


@cache
def _trust_stores() -> list[bytes]:
    folder = scratch("trust-made")
    store = TrustStore(folder)
    anchor = StoredAnchor(b"\xc0" * 500, Epoch(0), Height(3), HASH, TimestampMs(5))
    store.save_header(anchor, height=Height(3), block_hash=HASH, evidence="{}")
    store.save_conflict(Height(2), [(HASH, "a"), (Hash32(bytes(32)), "b")])
    store.save_currencies([Currency(1, ADDRESS, "EUR", "Euro", 2)])
    store.close()
    return [(folder / "trust.db").read_bytes()]


def _read_trust() -> None:
    store = TrustStore(scratch("trust"))
    try:
        anchor = store.load_anchor()
        if anchor is not None:
            assert isinstance(anchor.genesis_header, bytes) and isinstance(anchor.hash, bytes)
            assert all(isinstance(number, int) for number in (anchor.epoch, anchor.height, anchor.refreshed_ms))
        store.load_header(Height(3))
        store.load_conflicts()
        for currency in store.load_currencies():
            assert isinstance(currency.address, bytes) and isinstance(currency.decimals, int)
    finally:
        store.close()


@cache
def _outboxes() -> list[bytes]:
    folder = scratch("outbox-made")
    outbox = Outbox(folder)
    for nonce in range(3):
        intent = Intent(ADDRESS, ADDRESS if nonce else None, b"\x01\x02")
        outbox.save(Entry(Hash32(keccak256(bytes((nonce,)))), nonce, b"\x02raw", intent, SIGNED))
    outbox.close()
    return [(folder / "wallet.db").read_bytes()]


def _read_outbox() -> None:
    outbox = Outbox(scratch("outbox"))
    try:
        outbox.load(Hash32(keccak256(b"\x00")))
        for entry in outbox.load_open(ADDRESS):
            assert isinstance(entry.raw, bytes) and isinstance(entry.nonce, int)
    finally:
        outbox.close()


def mutate_database(table: str, columns: Sequence[str], name: str) -> Callable[[random.Random, Sequence[bytes]], bytes]:
    """Return a mutator of SQLite files: sound ones with values of the wrong type, or broken pages."""

    def mutate(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
        data = drawn.choice(seeds)
        if drawn.random() < 0.6:
            return mutate_bytes(drawn, seeds)
        path = scratch(name) / "changed.db"
        path.write_bytes(data)
        database = sqlite3.connect(path)
        value = drawn.choice((0, -1, 2**63 - 1, 1.5, "", "x" * 70, "5", b"", b"\x00" * 32, b"\xff\xfe"))
        with database:
            database.execute(f"UPDATE {table} SET {drawn.choice(columns)} = ?", (value,))
        database.close()
        return path.read_bytes()

    return mutate


WALLET_ALLOCATION = Bound(3 * 1024 * 1024, 120)
"""The wallet reads a small file with a buffer of its longest length, 1 MiB."""

DATABASE_STEPS = Bound(2_000, 40)

TARGETS = (
    Target(
        "node-config",
        "node.config:load_config",
        _configs,
        mutate_lines,
        at(scratch("config") / "node.toml", _config),
        (ConfigError,),
        steps=TEXT_STEPS,
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "key-file",
        "node.validator.keys:load_key",
        _key_files,
        mutate_json,
        at(scratch("keys") / "node.key", lambda: load_key(scratch("keys"), KeyPurpose.NODE, PASSPHRASE)),
        (StorageError,),
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "public-identity",
        "node.cli.identities:load_public_identity",
        _identities,
        mutate_json,
        at(_identity_path(), _identity),
        (CommandError,),
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "payments",
        "node.cli.payments_file:load_payments",
        _payments,
        mutate_lines,
        at(scratch("payments") / "payments.csv", lambda: load_payments(scratch("payments") / "payments.csv")),
        (CommandError,),
        steps=TEXT_STEPS,
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "banks",
        "node.cli.payments_file:load_banks",
        lambda: [b"bic\nAAAADEFF\nBBBBFRPP\n"],
        mutate_lines,
        at(scratch("banks") / "banks.csv", lambda: load_banks(scratch("banks") / "banks.csv")),
        (CommandError,),
        steps=TEXT_STEPS,
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "devnet-facts",
        "node.cli.devnet_folder:require_no_leftovers",
        _facts,
        mutate_json,
        at(scratch("devnet") / FACTS_NAME, lambda: require_no_leftovers(scratch("devnet"))),
        (LeftoverNodes,),
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "node-answers",
        "node.cli.json_rpc:decode_answers",
        _answers,
        mutate_json,
        _decode_answers,
        (EndpointDown,),
        allocation=TEXT_ALLOCATION,
    ),
    Target(
        "contacts",
        "wallet_cli.contacts:load_contacts",
        _contact_files,
        mutate_json,
        at(scratch("contacts") / "contacts.json", lambda: load_contacts(scratch("contacts") / "contacts.json")),
        (UserError,),
        allocation=WALLET_ALLOCATION,
    ),
    Target(
        "keystore",
        "wallet_cli.keystore:load_accounts",
        _keystores,
        mutate_json,
        at(scratch("keystore") / "alice.json", _read_keystore),
        (UserError,),
        allocation=WALLET_ALLOCATION,
    ),
    Target(
        "wallet-network",
        "wallet_cli.home:load_network",
        _networks,
        mutate_lines,
        at(_home("network").network_file("test"), lambda: load_network(_home("network"), "test")),
        (UserError,),
        steps=TEXT_STEPS,
        allocation=WALLET_ALLOCATION,
    ),
    Target(
        "wallet-preferences",
        "wallet_cli.home:load_preferences",
        _preferences,
        mutate_lines,
        at(_home("preferences").config_file, lambda: load_preferences(_home("preferences"))),
        (UserError,),
        steps=TEXT_STEPS,
        allocation=WALLET_ALLOCATION,
    ),
    Target(
        "trust-store",
        "wallet_cli.trust_store:TrustStore",
        _trust_stores,
        mutate_database("anchor", ("genesis_header", "epoch", "height", "hash", "refreshed_ms"), "trust-changed"),
        at(scratch("trust") / "trust.db", _read_trust),
        (UserError,),
        steps=DATABASE_STEPS,
        allocation=WALLET_ALLOCATION,
    ),
    Target(
        "outbox",
        "wallet_cli.outbox:Outbox",
        _outboxes,
        mutate_database("transactions", ("nonce", "target", "data", "raw"), "outbox-changed"),
        at(scratch("outbox") / "wallet.db", _read_outbox),
        (UserError,),
        steps=DATABASE_STEPS,
        allocation=WALLET_ALLOCATION,
    ),
)

"""Key files: what was saved comes back with the right passphrase, and with nothing else."""

import json
from pathlib import Path

import nacl.exceptions
import pytest
from nacl.pwhash import argon2id

from node.storage.files import LoosePermissions
from node.validator.keys import (
    KdfCost,
    KeyPurpose,
    NodeKey,
    UnreadableKey,
    UnreadablePassphrase,
    WrongPassphrase,
    key_path,
    load_key,
    load_public_key,
    make_key,
    read_passphrase,
    save_key,
)

PASSPHRASE = b"correct horse"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    return keys


def saved(folder: Path, purpose: KeyPurpose = KeyPurpose.CONSENSUS) -> NodeKey:
    key = make_key(purpose)
    save_key(folder, key, PASSPHRASE, KdfCost.DEVELOPMENT)
    return key


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("purpose", list(KeyPurpose))
def test_saved_key_comes_back(folder: Path, purpose: KeyPurpose) -> None:
    key = saved(folder, purpose)
    assert load_key(folder, purpose, PASSPHRASE) == key
    assert load_public_key(key_path(folder, purpose)) == key.public_key


def test_two_keys_are_never_equal() -> None:
    assert make_key(KeyPurpose.NODE) != make_key(KeyPurpose.NODE)


def test_private_key_is_not_in_the_file(folder: Path) -> None:
    key = saved(folder)
    content = key_path(folder, key.purpose).read_bytes()
    assert key.private_key not in content
    assert key.private_key.hex().encode() not in content


@pytest.mark.parametrize("passphrase", [b"", b"correct hors", b"correct horse "])
def test_wrong_passphrase_is_said_to_be_wrong(folder: Path, passphrase: bytes) -> None:
    saved(folder)
    with pytest.raises(WrongPassphrase, match=r"consensus\.key: wrong passphrase"):
        load_key(folder, KeyPurpose.CONSENSUS, passphrase)


def test_key_that_others_may_read_is_refused_even_with_its_passphrase(folder: Path) -> None:
    saved(folder)
    key_path(folder, KeyPurpose.CONSENSUS).chmod(0o644)
    with pytest.raises(LoosePermissions):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)
    key_path(folder, KeyPurpose.CONSENSUS).chmod(0o600)
    folder.chmod(0o755)
    with pytest.raises(LoosePermissions):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_missing_key_names_the_command_that_makes_one(folder: Path) -> None:
    with pytest.raises(UnreadableKey, match="sycee-node init"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_file_with_the_public_key_of_another_pair_is_refused(folder: Path) -> None:
    saved(folder)
    edit(key_path(folder, KeyPurpose.CONSENSUS), publicKey="0x" + "ab" * 32)
    with pytest.raises(UnreadableKey, match="do not belong together"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_key_file_of_another_purpose_is_refused(folder: Path) -> None:
    saved(folder, KeyPurpose.NODE)
    key_path(folder, KeyPurpose.NODE).rename(key_path(folder, KeyPurpose.CONSENSUS))
    with pytest.raises(UnreadableKey, match="node key, not a consensus key"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


@pytest.mark.parametrize(
    "changes",
    [{"schema": "sycee-node-key/2"}, {"publicKey": "0xzz"}, {"kdf": None}, {"sealed": "00"}, {"sealed": 7}],
    ids=lambda changes: next(iter(changes)),
)
def test_file_that_is_no_key_file_is_refused_by_name(folder: Path, changes: dict[str, object]) -> None:
    saved(folder)
    path = key_path(folder, KeyPurpose.CONSENSUS)
    edit(path, **changes)
    with pytest.raises((UnreadableKey, WrongPassphrase), match=r"consensus\.key"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


@pytest.mark.parametrize(
    ("name", "value"), [("memoryBytes", 2**31), ("memoryBytes", 1), ("operations", 0), ("operations", None)]
)
def test_impossible_key_derivation_is_not_taken_for_a_wrong_passphrase(folder: Path, name: str, value: object) -> None:
    saved(folder)
    path = key_path(folder, KeyPurpose.CONSENSUS)
    edit(path, kdf=json.loads(path.read_text())["kdf"] | {name: value})
    with pytest.raises(UnreadableKey):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_machine_with_too_little_memory_is_told_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(folder)

    def refuse(*_: object, **__: object) -> bytes:
        raise nacl.exceptions.RuntimeError("Key derivation failed.")

    monkeypatch.setattr(argon2id, "kdf", refuse)
    with pytest.raises(UnreadableKey, match="MiB of memory"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_file_that_is_not_json_is_refused(folder: Path) -> None:
    path = key_path(folder, KeyPurpose.CONSENSUS)
    path.write_bytes(b"ssh-ed25519 AAAA")
    with pytest.raises(UnreadableKey, match="not a key file"):
        load_key(folder, KeyPurpose.CONSENSUS, PASSPHRASE)


def test_passphrase_is_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(b"correct horse\nnot this\n")
    assert read_passphrase(path) == b"correct horse"


def test_missing_or_empty_passphrase_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    with pytest.raises(UnreadablePassphrase, match="No such file"):
        read_passphrase(path)
    path.write_bytes(b"\nsecond line")
    with pytest.raises(UnreadablePassphrase, match="first line is empty"):
        read_passphrase(path)

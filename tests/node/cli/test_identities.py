"""Keys are made once; showing them afterwards needs no passphrase and tells no secret."""

import json
from pathlib import Path

import pytest

from node.cli import identities, run
from node.cli.identities import NoKeys, create_identity, load_public_identity
from node.home import NodeHome
from node.validator.keys import KdfCost, NodeKey, UnreadablePassphrase, save_key


def make_home(folder: Path, passphrase: bytes = b"correct horse\n") -> tuple[NodeHome, Path]:
    home = NodeHome(folder / "home")
    home.create_folders()
    passphrase_file = folder / "passphrase"
    passphrase_file.write_bytes(passphrase)
    return home, passphrase_file


def test_keys_are_created_once_and_found_the_second_time(tmp_path: Path) -> None:
    home, passphrase_file = make_home(tmp_path)

    made, said = create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)
    again, said_again = create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)

    assert again == made == load_public_identity(home.first_keys)
    assert (said.split()[0], said_again.split()[0]) == ("created", "found")
    assert len({made.consensus_key, made.tls_key, made.attestation_key}) == 3


def test_a_creation_cut_off_before_the_public_file_gives_the_same_keys(tmp_path: Path) -> None:
    home, passphrase_file = make_home(tmp_path)
    made, _ = create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)
    (home.keys_folder / "public.json").unlink()

    assert create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)[0] == made


@pytest.mark.parametrize("passphrase", [b"", b"\nsecond line"])
def test_an_empty_passphrase_is_refused(tmp_path: Path, passphrase: bytes) -> None:
    home, passphrase_file = make_home(tmp_path, passphrase)

    with pytest.raises(UnreadablePassphrase):
        create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)


def test_shown_keys_are_those_of_the_genesis_entry(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, passphrase_file = make_home(tmp_path)
    made, _ = create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)

    assert run(["keys", "show", "--home", str(home.root), "--json"]) == 0

    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {"consensusKey", "tlsKey", "attestationKey"}
    assert shown["consensusKey"] == "0x" + made.consensus_key.hex()


@pytest.mark.parametrize("content", [None, "", "[]", '{"consensusKey": 7}', '{"consensusKey": "0xzz"}'])
def test_a_home_without_usable_public_keys_says_what_to_do(tmp_path: Path, content: str | None) -> None:
    home, _ = make_home(tmp_path)
    if content is not None:
        (home.keys_folder / "public.json").write_text(content)

    with pytest.raises(NoKeys, match="sycee-node init"):
        load_public_identity(home.first_keys)


def test_init_twice_creates_and_then_finds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[KdfCost] = []

    def save_quickly(folder: Path, key: NodeKey, passphrase: bytes, cost: KdfCost) -> Path:
        costs.append(cost)
        return save_key(folder, key, passphrase, KdfCost.DEVELOPMENT)

    monkeypatch.setattr(identities, "save_key", save_quickly)
    _, passphrase_file = make_home(tmp_path)
    arguments = [
        "init",
        "--home",
        str(tmp_path / "new"),
        "--name",
        "bank-a-1",
        "--passphrase-file",
        str(passphrase_file),
    ]

    assert run(arguments) == 0
    first = capsys.readouterr().out
    assert run(arguments) == 0
    second = capsys.readouterr().out

    assert first.count("created ") == 2
    assert second.count("found ") == 2
    assert costs == [KdfCost.SENSITIVE] * 3


def test_keys_that_others_may_read_are_refused_for_safety(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, passphrase_file = make_home(tmp_path)
    create_identity(home.first_keys, passphrase_file=passphrase_file, is_development=True)
    (home.keys_folder / "public.json").unlink()
    (home.keys_folder / "consensus.key").chmod(0o644)

    code = run(["init", "--home", str(home.root), "--name", "x", "--passphrase-file", str(passphrase_file)])

    assert code == 3
    assert "consensus.key" in capsys.readouterr().err

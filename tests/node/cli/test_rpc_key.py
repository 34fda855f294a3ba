"""`sycee-node rpc-key`: a key is shown once, listed without its secret, and gone when it is revoked."""

import json
from pathlib import Path

import pytest

from node.cli import run
from node.rpc.key_file import digest_of, read_keys


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "node.toml").write_text('[node]\nname = "alpha"\n')
    (tmp_path / "config" / "genesis.json").write_text("{}")
    return tmp_path


def test_new_key_is_printed_once_and_kept_as_its_digest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rpc-key", "new", "--home", str(home), "--name", "till-7", "--requests-per-s", "50"]) == 0
    secret = capsys.readouterr().out.strip()
    path = home / "config" / "rpc-keys.toml"
    [key] = read_keys(path)
    assert (key.name, key.digest, key.requests_per_s, key.burst) == ("till-7", digest_of(secret), 50, 100)
    assert path.stat().st_mode & 0o077 == 0

    assert run(["rpc-key", "list", "--home", str(home), "--json"]) == 0
    listed = capsys.readouterr().out
    assert json.loads(listed) == [{"name": "till-7", "requestsPerS": 50, "burst": 100, "namespaces": []}]
    assert secret not in listed


def test_second_key_stays_when_the_first_is_revoked(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("first", "second"):
        assert run(["rpc-key", "new", "--home", str(home), "--name", name, "--namespaces", "eth, net", "--json"]) == 0
    made = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["namespaces"] for entry in made] == [["eth", "net"]] * 2
    assert run(["rpc-key", "revoke", "--home", str(home), "--name", "first"]) == 0
    [left] = read_keys(home / "config" / "rpc-keys.toml")
    assert left.digest == digest_of(made[1]["key"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["new", "--name", "Till 7"], 2, "name is 'Till 7'"),
        (["new", "--name", "till", "--requests-per-s", "-1"], 2, "requests_per_s is -1"),
        (["new", "--name", "till", "--burst", "0"], 2, "burst is 0"),
        (["new", "--name", "till", "--namespaces", "eht"], 2, "no namespace eht"),
        (["new", "--name", "taken"], 1, "there is a key taken already"),
        (["revoke", "--name", "none"], 1, "there is no key none; keys are taken"),
    ],
)
def test_wrong_key_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert run(["rpc-key", "new", "--home", str(home), "--name", "taken"]) == 0
    before = (home / "config" / "rpc-keys.toml").read_text()
    assert run(["rpc-key", arguments[0], "--home", str(home), *arguments[1:]]) == code
    assert said in capsys.readouterr().err
    assert (home / "config" / "rpc-keys.toml").read_text() == before


def test_file_that_cannot_be_read_is_not_overwritten(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = home / "config" / "rpc-keys.toml"
    path.write_text("[[key]]\n")
    assert run(["rpc-key", "new", "--home", str(home), "--name", "till"]) == 1
    assert "cannot use API keys" in capsys.readouterr().err
    assert path.read_text() == "[[key]]\n"

"""The command line: exit codes, flags that reach the node, files that are found again."""

import json
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from node.cli import COMMANDS, group, run
from node.config import SETTINGS, NodeConfig


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "node.toml").write_text('[node]\nname = "alpha"\n[rpc]\nport = 1001\n')
    (tmp_path / "config" / "genesis.json").write_text("{}")
    return tmp_path


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[NodeConfig, Path]]:
    """Stand in for the node itself and record what it is started with; it ends with exit code 3."""
    calls: list[tuple[NodeConfig, Path]] = []

    def run_node(config: NodeConfig, home: Path) -> int:
        calls.append((config, home))
        return 3

    module = ModuleType("node.app")
    module.run_node = run_node  # type: ignore[attr-defined]  # a stand-in module has no declarations
    monkeypatch.setitem(sys.modules, "node.app", module)
    return calls


def test_every_command_can_be_loaded_and_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert f"sycee-node {name}" in capsys.readouterr().out


def test_start_hands_file_and_flags_to_the_node_and_returns_its_exit_code(
    home: Path, started: list[tuple[NodeConfig, Path]]
) -> None:
    code = run(["start", "--home", str(home), "--rpc.call-gas-max", "30_000", "--log.format", "json"])

    assert code == 3
    [(config, where)] = started
    assert where == home
    assert (config.node.name, config.rpc.port, config.rpc.call_gas_max) == ("alpha", 1001, 30_000)
    assert config.log.format == "json"


def test_an_instance_moves_every_port_by_ten(home: Path, started: list[tuple[NodeConfig, Path]]) -> None:
    run(["start", "--home", str(home), "--instance", "2"])

    [(config, _)] = started
    assert (config.rpc.port, config.ops.port, config.p2p.port) == (1021, 9565, 25565)


def test_an_instance_beyond_the_last_port_is_refused(home: Path, started: list[tuple[NodeConfig, Path]]) -> None:
    assert run(["start", "--home", str(home), "--instance", "1000", "--p2p.port", "60000"]) == 2
    assert started == []


def test_print_config_starts_nothing(
    home: Path, started: list[tuple[NodeConfig, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["start", "--home", str(home), "--print-config"]) == 0

    assert started == []
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SETTINGS)
    assert any(line.startswith("rpc.port = 1001 ") and line.endswith("# file") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["start"], 2, "Missing option '--home'"),
        (["start", "--home", "/nowhere"], 1, "is not a node's home"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["devnet", "--validators", "25"], 2, "is not between 1 and 24"),
        (["devnet", "--rpc-port", "80"], 2, "is not between 1024 and"),
        (["demo", "--payments", "/nowhere.csv"], 1, "cannot use payments file /nowhere.csv"),
        (["demo", "--currency", "XYZ"], 2, "XYZ"),
        (["status", "--ops", "http://127.0.0.1:1"], 1, "no node answers"),
        (["status", "--ops", "file:///etc/hostname"], 1, "must begin with http://"),
        (["init", "--home", "x", "--name", "x"], 2, "--passphrase-file FILE"),
    ],
)
def test_errors_are_said_on_stderr_with_the_right_exit_code(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run(arguments) == code

    captured = capsys.readouterr()
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_config_check_names_an_unknown_key(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--home", str(home)]) == 0
    (home / "config" / "node.toml").write_text("[rpc]\nprot = 1\n")

    assert run(["config", "check", "--home", str(home)]) == 2
    assert "unknown key rpc.prot" in capsys.readouterr().err


def test_version_is_one_line_or_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version"]) == 0
    assert capsys.readouterr().out.startswith("Sycee ")
    assert run(["version", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version", "commit"}


def test_commands_are_listed_in_alphabetical_order() -> None:
    with click.Context(group) as context:
        assert group.list_commands(context) == sorted(COMMANDS)

"""A devnet's folder is made once, found again, and never at the cost of somebody else's files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consensus.chain.genesis import decode_genesis
from node.cli.devnet_folder import (
    DevnetOptions,
    DevnetRunning,
    FixedAtGenesis,
    LeftoverNodes,
    NotADevnet,
    lock_folder,
    open_devnet,
    require_no_leftovers,
)
from node.cli.network_plan import validator_names
from node.config import load_config
from node.dev_accounts import ISSUER, PEOPLE


def options(folder: Path, **changes: int) -> DevnetOptions:
    return DevnetOptions(
        folder=folder,
        validators=changes.get("validators"),
        rpc_port=changes.get("rpc_port"),
        block_interval_min_ms=changes.get("block_interval_min_ms"),
    )


def test_a_new_devnet_has_one_home_each_and_one_genesis(tmp_path: Path) -> None:
    made = open_devnet(options(tmp_path, validators=2, rpc_port=9000, block_interval_min_ms=20))

    assert [entry.name for entry in made.validators] == ["alpha", "beta"]
    text = (tmp_path / "genesis.json").read_bytes()
    genesis = decode_genesis(text)
    assert genesis.chain_id == 23790
    assert dict(genesis.parameters) == {"block_interval_min_ms": 20, "unsponsored_gas_per_minute": 10_000_000_000_000}
    assert [(bank.name, bank.bic) for bank in genesis.banks] == [("Bank Alpha", "ALPHZZX0"), ("Bank Beta", "BETAZZX0")]
    assert [bank.address for bank in genesis.banks] == [entry.operator for entry in genesis.validators]
    first, second = genesis.banks
    assert dict(first.accounts) == {account.address: 0 for account in (*PEOPLE, ISSUER)}
    assert second.accounts == ()
    assert [entry.endpoints for entry in genesis.validators] == [("127.0.0.1:26000",), ("127.0.0.1:26001",)]
    assert [(currency.code, currency.decimals) for currency in genesis.currencies] == [
        ("CNY", 2),
        ("EUR", 2),
        ("JPY", 0),
    ]
    for place, entry in enumerate(made.validators):
        assert entry.home.genesis_file.read_bytes() == text
        config = load_config(entry.home.config_file, environment={}, flags={}).config
        assert (config.rpc.port, config.ops.port, config.p2p.port) == (9000 + place, 10000 + place, 26000 + place)
        assert config.p2p.addr == "127.0.0.1"
        assert (entry.home.root / config.signer.passphrase_file).stat().st_mode & 0o777 == 0o600
        assert entry.home.keys_folder.stat().st_mode & 0o777 == 0o700


def test_a_second_look_finds_the_same_network(tmp_path: Path) -> None:
    made = open_devnet(options(tmp_path, validators=2))

    assert open_devnet(options(tmp_path)) == made
    assert open_devnet(options(tmp_path, validators=2)) == made


def test_what_genesis_fixes_cannot_be_changed_later(tmp_path: Path) -> None:
    open_devnet(options(tmp_path, validators=1, block_interval_min_ms=20))

    with pytest.raises(FixedAtGenesis, match="--validators 2"):
        open_devnet(options(tmp_path, validators=2))
    with pytest.raises(FixedAtGenesis, match="--block-interval-min-ms 30"):
        open_devnet(options(tmp_path, block_interval_min_ms=30))


def test_rpc_and_status_ports_move_and_the_mesh_port_of_genesis_stays(tmp_path: Path) -> None:
    open_devnet(options(tmp_path, validators=2, rpc_port=9000))

    moved = open_devnet(options(tmp_path, rpc_port=9500))

    assert [(entry.ports.rpc, entry.ports.ops, entry.ports.mesh) for entry in moved.validators] == [
        (9500, 10500, 26000),
        (9501, 10501, 26001),
    ]
    assert open_devnet(options(tmp_path)) == moved


def test_fresh_makes_another_network_and_leaves_other_files_alone(tmp_path: Path) -> None:
    first = open_devnet(options(tmp_path, validators=2))
    (tmp_path / "notes.txt").write_text("mine")

    fresh = open_devnet(DevnetOptions(tmp_path, validators=1, is_fresh=True))

    assert fresh.genesis.validators[0].consensus_key != first.genesis.validators[0].consensus_key
    assert not (tmp_path / "beta").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_creation_that_was_interrupted_is_continued(tmp_path: Path) -> None:
    lock_folder(tmp_path).close()
    first = open_devnet(options(tmp_path, validators=2))
    (tmp_path / "genesis.json").unlink()
    (tmp_path / "beta" / "config" / "genesis.json").unlink()

    lock_folder(tmp_path).close()
    again = open_devnet(options(tmp_path, validators=2))

    assert again.genesis.validators == first.genesis.validators


def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter 1")

    with pytest.raises(NotADevnet):
        lock_folder(tmp_path)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_supervisors_cannot_have_one_folder(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(DevnetRunning):
        lock_folder(tmp_path)
    lock_folder(tmp_path).close()


def test_a_node_of_the_folder_that_still_runs_is_named_and_other_processes_are_not(tmp_path: Path) -> None:
    program = "import sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        facts_file = tmp_path / "devnet.json"

        facts_file.write_text(json.dumps({"validators": [{"pid": os.getpid()}, {"pid": None}]}))
        require_no_leftovers(tmp_path)

        facts_file.write_text(json.dumps({"validators": [{"pid": os.getpid()}, {"pid": child.pid}]}))
        with pytest.raises(LeftoverNodes) as caught:
            require_no_leftovers(tmp_path)
        assert caught.value.process_ids == (child.pid,)
    require_no_leftovers(tmp_path)


def test_names_run_out_after_omega() -> None:
    assert validator_names(24)[-1] == "omega"

"""What a person sees of a running devnet, of a demonstration and of a verified chain."""

import socket
from pathlib import Path

import pytest

from consensus.primitives.scalars import Hash32, Height
from node.cli.demo import result_json
from node.cli.demo_run import DemoResult
from node.cli.devnet_network import describe_path, shown_line
from node.cli.payments_file import parse_payments
from node.cli.ports import (
    EPHEMERAL_PORT_FIRST,
    MESH_PORT_DISTANCE,
    MESH_PORT_DISTANCE_HIGH,
    PortOutOfRange,
    PortTaken,
    assign_ports,
    require_free,
)
from node.cli.reconciliation import Finding
from node.cli.verify import render_report, report_json
from node.config import PORT_MAX
from node.observe.chain_report import ChainReport
from node.observe.facts import SupplyFacts

TIME = "2026-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("line", "is_voice", "shown"),
    [
        (f"{TIME} INFO  final height=7 epoch=0", True, "final height=7 epoch=0"),
        (f"{TIME} INFO  final height=7 epoch=0", False, ""),
        (f"{TIME} INFO  heartbeats count=6", True, "heartbeats count=6"),
        (f"{TIME} INFO  started version=1", True, ""),
        (f"{TIME} WARN  link_down peer=beta", True, ""),
        (f"{TIME} ERROR wal_failed page=x", False, "gamma: wal_failed page=x"),
        ("", True, ""),
        ("Traceback (most recent call last):", True, ""),
    ],
)
def test_of_all_logs_only_heights_of_one_and_errors_of_all_are_shown(line: str, is_voice: bool, shown: str) -> None:
    assert shown_line("gamma", line, is_voice=is_voice) == shown


def test_paths_are_shown_as_they_would_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert describe_path(Path("devnet")) == "./devnet"
    assert describe_path(tmp_path / "devnet" / "wallet") == "./devnet/wallet"
    assert describe_path(tmp_path.parent / "other") == str(tmp_path.parent / "other")


def report(*faults: str) -> ChainReport:
    return ChainReport(
        height_last=Height(12),
        state_root=Hash32(b"\xab" * 32),
        transactions=5_000,
        certificates=12,
        supplies=(SupplyFacts("EUR", 2, 300_000_000),),
        faults=faults,
    )


def test_a_verified_chain_says_so_and_a_fault_is_said_instead() -> None:
    assert render_report(report()).endswith("supply        3,000,000.00 EUR\nEverything agrees.\n")
    assert "do not use it" in render_report(report("state root differs at height 12"))
    assert report_json(report("x"))["agrees"] is False


def test_the_result_of_a_demonstration_for_programs() -> None:
    file = parse_payments("reference,payer_bic,payee_bic,amount_minor\nR1,ZYECHKH0,ZYETSGS0,100\nbad\n", path=Path("x"))
    result = DemoResult(
        findings=(Finding("references", True, "all"), Finding("balances", False, "one", ("ZYECHKH0: …",))),
        payments_final=1,
        duration_s=0.5,
        latency_p50_s=0.1,
        latency_p99_s=0.2,
        heights=1,
        resent=0,
    )

    content = result_json(file, result)

    assert content["agrees"] is False
    assert content["payments_per_s"] == 2.0
    assert content["latency_p99_ms"] == 200
    assert content["bad_rows"] == [{"line": 3, "reason": "short line: 1 fields, expected 4"}]


def test_a_taken_port_is_named_with_the_flag_that_moves_it() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            require_free([(port, "RPC of alpha", "--rpc-port")])
    assert str(caught.value) == f"port {port} (RPC of alpha) is taken on 127.0.0.1; --rpc-port moves it"
    require_free([(port, "RPC of alpha", "--rpc-port")])


def test_the_highest_first_port_leaves_room_for_the_mesh() -> None:
    highest = PORT_MAX - MESH_PORT_DISTANCE_HIGH - 3

    assert assign_ports(highest, 4)[-1].mesh == PORT_MAX
    with pytest.raises(PortOutOfRange):
        assign_ports(highest + 1, 4)
    with pytest.raises(PortOutOfRange):
        assign_ports(1_023, 4)


def test_mesh_ports_stay_below_those_that_kernels_hand_out() -> None:
    highest_low = EPHEMERAL_PORT_FIRST - MESH_PORT_DISTANCE - 4

    assert assign_ports(8_545, 4)[0].mesh == 25_545
    assert assign_ports(highest_low, 4)[-1].mesh == EPHEMERAL_PORT_FIRST - 1
    assert assign_ports(highest_low + 1, 4)[0].mesh == highest_low + 1 + MESH_PORT_DISTANCE_HIGH

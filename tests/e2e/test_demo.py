"""The demonstration from start to exit code, with a small file that has good and bad rows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from node.cli.supervisor import child_environment, module_arguments
from tests.e2e.cluster import PATIENCE_S

pytestmark = pytest.mark.e2e

ROWS = """\
reference,payer_bic,payee_bic,amount_minor
A1,ZYECHKH0,ZYETSGS0,500
A2,ZYETSGS0,ZYEUSGS0,700
A2,ZYETSGS0,ZYEUSGS0,700
A3,ZYEUSGS0,ZYEUSGS0,1
A4,NOBANK,ZYETSGS0,5
A5,ZYECHKH0,ZYETSGS0,-5
A6,ZYECHKH0,ZYETSGS0,0.5
A7,ZYECHKH0
A8,ZYECHKH0,ZYEUSGS0,0
"""


def run_demo(folder: Path, rpc_port: int, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = module_arguments("node", "demo", "--json", "--rpc-port", str(rpc_port), *options)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=child_environment(),
        timeout=2 * PATIENCE_S,
        check=False,
    )


def test_good_rows_settle_once_and_bad_rows_are_listed(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(ROWS)

    done = run_demo(tmp_path, 11_160, "--payments", "payments.csv")

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["agrees"] is True
    assert (report["payments"], report["payments_final"], report["turnover_minor"]) == (4, 4, "1201")
    assert [row["line"] for row in report["bad_rows"]] == [4, 6, 7, 8, 9]
    assert all(f"line {line}: " in done.stderr for line in (4, 6, 7, 8, 9))
    assert "final at height" in done.stderr


def test_the_same_file_twice_on_one_network_agrees_twice(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(ROWS)

    for _ in range(2):
        done = run_demo(tmp_path, 11_180, "--payments", "payments.csv", "--dir", "network")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["payments_final"] == 4

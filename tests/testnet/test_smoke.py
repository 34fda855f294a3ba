"""The smallest manifest, with real processes."""

import json
from pathlib import Path

import pytest

from tests.testnet.__main__ import main

pytestmark = pytest.mark.e2e

MANIFEST = Path(__file__).parent / "manifests" / "smoke.toml"
RPC_PORT = 20_400


def test_smoke_manifest_passes_every_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"

    code = main([str(MANIFEST), "--rpc-port", str(RPC_PORT), "--dir", str(tmp_path / "run"), "--report", str(report)])

    output = capsys.readouterr().out
    assert code == 0, output
    assert output.splitlines()[-1] == f"{len(json.loads(report.read_text())['checks'])} passed, 0 failed"


def test_manifest_that_cannot_be_run_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('name = "wrong"\n')

    assert main([str(wrong)]) == 2
    assert "duration_s is missing" in capsys.readouterr().err

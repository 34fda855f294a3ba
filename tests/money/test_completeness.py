"""What the tests of the system contracts leave out: nothing. Recorded while they run, held against the declarations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.native.directory import native_contracts
from tests.money.recorder import RECORD_VARIABLE

pytestmark = pytest.mark.slow

JUDGED = ("tests/contracts/native", "tests/node/execution/test_two_doors.py")
RAISED_BY_THE_ENGINE = {"DelegatedCall"}
"""Before a contract runs: test_two_doors.py holds it."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, str]]:
    """Return (contract, function, `ok` or error) of every call that those tests made."""
    record = tmp_path_factory.mktemp("record") / "outcomes.json"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.money.recorder", "-p", "no:cacheprovider", *JUDGED],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, RECORD_VARIABLE: str(record)},
        check=True,
        capture_output=True,
    )
    return {(contract, function, outcome) for contract, function, outcome in json.loads(record.read_text())}


def test_every_function_of_every_contract_has_a_test_that_it_succeeds(outcomes: set[tuple[str, str, str]]) -> None:
    functions = {
        (contract.name, row.declaration.name) for contract in native_contracts() for row in contract.functions.values()
    }
    assert functions - {(contract, name) for contract, name, outcome in outcomes if outcome == "ok"} == set()


def test_every_function_that_writes_has_a_test_that_it_is_refused(outcomes: set[tuple[str, str, str]]) -> None:
    functions = {
        (contract.name, row.declaration.name)
        for contract in native_contracts()
        for row in contract.functions.values()
        if row.mutates
    }
    refused = {(contract, name) for contract, name, outcome in outcomes if outcome != "ok"}
    assert functions - refused == set()


def test_every_declared_error_is_raised_by_a_test(outcomes: set[tuple[str, str, str]]) -> None:
    declared = {error.name for contract in native_contracts() for error in contract.errors}
    assert declared - {outcome for _, _, outcome in outcomes} - RAISED_BY_THE_ENGINE == set()

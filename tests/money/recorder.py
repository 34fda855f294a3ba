"""A pytest plugin: which function of which system contract succeeded or was refused, and with what, while tests ran.

`python -m pytest -p tests.money.recorder FOLDER` writes it to the file that SYCEE_RECORD names.
"""

import json
import os
from pathlib import Path

import pytest

from consensus.primitives.scalars import Address
from contracts.decoding import decode_revert
from contracts.native import batch, directory
from contracts.native.context import CallContext
from contracts.native.dispatch import NativeContract, NativeResult, refuse_absent_contract, run_contract

RECORD_VARIABLE = "SYCEE_RECORD"

_OUTCOMES: set[tuple[str, str, str]] = set()
"""Contract, function, `ok` or the error."""


def _run_recorded(contract: NativeContract, context: CallContext, calldata: bytes, gas: int) -> NativeResult:
    result = run_contract(contract, context, calldata, gas)
    row = contract.functions.get(calldata[:4])
    name = "" if row is None else row.declaration.name
    error = None if result.success else decode_revert(result.output)
    _OUTCOMES.add((contract.name, name, "ok" if error is None else error.name))
    if error is not None and "reason" in error.arguments:
        reason = error.arguments["reason"]
        assert isinstance(reason, bytes)
        inner = decode_revert(reason)
        if inner is not None:
            _OUTCOMES.add((contract.name, "", inner.name))
    return result


def _refuse_recorded(address: Address, gas: int) -> NativeResult:
    _OUTCOMES.add(("", "", "NoContractHere"))
    return refuse_absent_contract(address, gas)


def pytest_configure(config: pytest.Config) -> None:
    """Put the recorder in front of every entry to the dispatcher."""
    vars(directory)["run_contract"] = _run_recorded
    vars(directory)["refuse_absent_contract"] = _refuse_recorded
    vars(batch)["run_contract"] = _run_recorded


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what was seen."""
    Path(os.environ[RECORD_VARIABLE]).write_text(json.dumps(sorted(_OUTCOMES)))

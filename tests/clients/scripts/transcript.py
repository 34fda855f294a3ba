"""What every Python client script starts from: the node it is pointed at, compiled contracts, the transcript it prints.

A transcript must be equal on every Ethereum node: only what the protocol decides is said, never a hash, a height, a
time or a price.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

KEYS = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)
"""Of the public development mnemonic, at m/44'/60'/0'/0/0 to 2. Scripts run one after the other, so they may share."""

_failed_parts: list[str] = []


def node_url() -> str:
    """Return the HTTP address of the node under test."""
    return os.environ["NODE_URL"]


def node_socket_url() -> str:
    """Return the WebSocket address of the node under test."""
    return os.environ["NODE_SOCKET_URL"]


def load_artifacts() -> dict[str, Any]:
    """Return {contract: {abi, bytecode, runtime}}, as `compile.cjs` wrote it."""
    artifacts: dict[str, Any] = json.loads(Path(os.environ["ARTIFACTS"]).read_text())
    return artifacts


def say(label: str, *values: object) -> None:
    """Print one line of the transcript."""
    print(f"{label}: {' '.join(str(value) for value in values)}", flush=True)


def run_part(name: str, run: Callable[[], None]) -> None:
    """Run one part of a script; a part that fails says so, and the next ones run all the same."""
    print(f"== {name}", flush=True)
    try:
        run()
    except Exception as problem:  # A script of strangers' calls may raise anything, and the transcript must show it.
        print(f"FAILED: {type(problem).__name__}: {problem}", flush=True)
        traceback.print_exc()
        _failed_parts.append(name)


def finish() -> None:
    """End the script: successfully when no part failed."""
    sys.exit(1 if _failed_parts else 0)


def rejection(call: Callable[[], object]) -> Exception:
    """Return what `call` raises.

    Raises: AssertionError when it raises nothing.
    """
    try:
        value = call()
    except Exception as problem:
        return problem
    raise AssertionError(f"was not refused: {value}")

"""Developer tool: `python -m contracts.rebuild` writes the artifacts.

`--check` only compares them with the dispatch tables and exits 1 on a difference.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from contracts.native.directory import native_contracts
from contracts.native.dispatch import NativeContract, contract_json

ARTIFACTS = Path(__file__).parent / "artifacts"


def artifact_text(contract: NativeContract) -> str:
    """Return the artifact file of a native contract."""
    return json.dumps({"contractName": contract.name, "abi": contract_json(contract)}, indent=1) + "\n"


def write_artifacts(folder: Path) -> None:
    """Write every artifact to `folder` and remove files that no contract stands behind."""
    expected = {f"{contract.name}.json": artifact_text(contract) for contract in native_contracts()}
    folder.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.json")):
        if path.name not in expected:
            path.unlink()
    for name, text in expected.items():
        (folder / name).write_text(text, "utf-8")


def differing_artifacts(folder: Path) -> list[str]:
    """Return the names of files in `folder` that are missing, stale or surplus, sorted."""
    expected = {f"{contract.name}.json": artifact_text(contract) for contract in native_contracts()}
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))


def main(arguments: Sequence[str]) -> int:
    """Run the tool and return its exit code: 0, or 1 if `--check` found a difference."""
    parser = argparse.ArgumentParser(prog="python -m contracts.rebuild", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    if not parser.parse_args(arguments).check:
        write_artifacts(ARTIFACTS)
        return 0
    differing = differing_artifacts(ARTIFACTS)
    for name in differing:
        print(f"contracts/artifacts/{name} differs from the dispatch tables: run python -m contracts.rebuild")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

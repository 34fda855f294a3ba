"""Developer tool: `python -m contracts.rebuild` writes the artifacts.

Those of system contracts follow from the dispatch tables, all others from `contracts/src`, which the pinned Vyper
compiles. `--check` only compares them, byte for byte, and exits 1 on a difference.

Vyper has no declarations of errors and no texts for events. So a source declares errors in comments,
`# error Name(type name)`, with their meaning on the indented lines below, and says what an event means in a comment at
its head. Both become part of the artifact. An error never raised or never declared, and anything unexplained, is
refused here.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import vyper  # type: ignore[import-untyped]  # ships no types
from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]

from contracts.abi_json import read_interface
from contracts.declarations import ErrorDeclaration, Json, declare_error, error_json
from contracts.native.directory import native_contracts
from contracts.native.dispatch import NativeContract, contract_json

ARTIFACTS: Final = Path(__file__).parent / "artifacts"
SOURCES: Final = Path(__file__).parent / "src"

_EVM_VERSION: Final = "prague"
_ERROR_LINE: Final = re.compile(r"^# error (.+)\n((?:#   .+\n)*)", re.MULTILINE)
_EVENT_HEAD: Final = re.compile(r"^event (\w+):\n((?:    # .+\n)*)", re.MULTILINE)
_RAISED: Final = re.compile(r'raw_revert\([^"]*?method_id\(\s*"([^"]+)"', re.DOTALL)
_IMPORT: Final = re.compile(r"^import (\w+)$", re.MULTILINE)
_PRAGMAS: Final = (f"# pragma version {vyper.__version__}", f"# pragma evm-version {_EVM_VERSION}")


class InvalidSource(ValueError):
    """A source that breaks a rule which the compiler does not know."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        super().__init__(f"{path.name}: {reason}")


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """An error as a source declares it."""

    declaration: ErrorDeclaration
    notice: str
    """What it means and what to do."""


def artifact_text(contract: NativeContract) -> str:
    """Return the artifact file of a native contract."""
    return json.dumps({"contractName": contract.name, "abi": contract_json(contract)}, indent=1) + "\n"


def source_files(folder: Path = SOURCES) -> list[Path]:
    """Return the sources of contracts, sorted. A lower-case name is a module, which only contracts import."""
    return sorted(path for path in folder.glob("*.vy") if path.name[0].isupper())


@cache
def compile_artifact(path: Path) -> str:
    """Return the artifact file of a contract in Vyper. Kept, because compiling takes a second.

    Raises: InvalidSource, and what the compiler raises.
    """
    text = path.read_text("utf-8")
    if tuple(text.splitlines()[:2]) != _PRAGMAS:
        raise InvalidSource(path, f"does not begin with the lines {' and '.join(map(repr, _PRAGMAS))}")
    sources = [*imported_modules(path), path]
    declared = declared_errors(sources)
    output = _compile(path, ("abi", "bytecode", "bytecode_runtime", "userdoc", "devdoc"))
    for kind in ("userdoc", "devdoc"):
        output[kind].setdefault("methods", {})
    output["userdoc"]["events"] = _event_notices(sources, output["abi"])
    output["userdoc"]["errors"] = {error.declaration.signature: [{"notice": error.notice}] for error in declared}
    _add_lent_functions(sources[:-1], output)
    _require_explained(path, output)
    document: dict[str, Json] = {
        "contractName": path.stem,
        "compiler": {"name": "vyper", "version": vyper.__version__, "evmVersion": _EVM_VERSION},
        "abi": [*output["abi"], *(error_json(error.declaration) for error in declared)],
        "userdoc": output["userdoc"],
        "devdoc": output["devdoc"],
        "bytecode": output["bytecode"],
        "deployedBytecode": output["bytecode_runtime"],
    }
    return json.dumps(document, indent=1) + "\n"


def _event_notices(paths: Sequence[Path], abi: list[Json]) -> dict[str, Json]:
    heads = {name: head for path in paths for name, head in _EVENT_HEAD.findall(path.read_text("utf-8"))}
    return {event.signature: {"notice": _plain(heads[event.name])} for event in read_interface(abi).events}


def _add_lent_functions(modules: Sequence[Path], output: dict[str, Any]) -> None:
    """Functions that a module lends to the contract are explained in the module."""
    functions = {function.signature for function in read_interface(output["abi"]).functions}
    for module in modules:
        lent = _compile(module, ("userdoc", "devdoc"))
        for kind in ("userdoc", "devdoc"):
            methods = {key: entry for key, entry in lent[kind].get("methods", {}).items() if key in functions}
            output[kind]["methods"] = {**methods, **output[kind]["methods"]}


def _require_explained(path: Path, output: dict[str, Any]) -> None:
    documented = output["userdoc"]
    for function in read_interface(output["abi"]).functions:
        if "notice" not in documented["methods"].get(function.signature, {}):
            raise InvalidSource(path, f"the function {function.signature} has no @notice")
        named = output["devdoc"]["methods"].get(function.signature, {}).get("params", {})
        if list(named) != [parameter.name for parameter in function.parameters]:
            raise InvalidSource(path, f"the function {function.signature} has not one @param for each argument")
    for signature, entry in documented["events"].items():
        if not entry["notice"]:
            raise InvalidSource(path, f"the event {signature} does not say what it means")


def _plain(comment: str) -> str:
    return " ".join(line.strip().removeprefix("#").strip() for line in comment.splitlines())


# Any: the compiler's outputs have a type for each of their names.
def _compile(path: Path, formats: tuple[str, ...]) -> dict[str, Any]:
    bundle = FilesystemInputBundle([path.parent, SOURCES])
    # Without metadata a comment does not change the code.
    compiled = compile_from_file_input(
        bundle.load_file(Path(path.name)), input_bundle=bundle, output_formats=formats, no_bytecode_metadata=True
    )
    return dict(compiled)


def imported_modules(path: Path) -> list[Path]:
    """Return the modules that a source imports, and those they import, sorted and each once."""
    found: dict[Path, None] = {}
    waiting = [path]
    while waiting:
        for name in _IMPORT.findall(waiting.pop().read_text("utf-8")):
            module = SOURCES / f"{name}.vy"
            if module not in found:
                found[module] = None
                waiting.append(module)
    return sorted(found)


def declared_errors(paths: Sequence[Path]) -> list[DeclaredError]:
    """Return the errors that sources declare, sorted by signature.

    Raises: InvalidSource if a source raises one that it does not declare, or declares one that it does not raise.
    """
    errors: dict[str, DeclaredError] = {}
    for path in paths:
        text = path.read_text("utf-8")
        here = {}
        for line, notice in _ERROR_LINE.findall(text):
            words = _plain(notice)
            declaration = declare_error(line)
            if not words:
                raise InvalidSource(path, f"the error {declaration.signature} does not say what it means")
            here[declaration.signature] = DeclaredError(declaration, words)
        raised = set(_RAISED.findall(text))
        if raised != set(here):
            names = ", ".join(sorted(raised ^ set(here)))
            raise InvalidSource(path, f"declared and raised errors differ in {names}")
        errors |= here
    return [errors[signature] for signature in sorted(errors)]


def expected_artifacts() -> dict[str, str]:
    """Return what every artifact file should hold, by file name."""
    native = {f"{contract.name}.json": artifact_text(contract) for contract in native_contracts()}
    return native | {f"{path.stem}.json": compile_artifact(path) for path in source_files()}


def write_artifacts(folder: Path) -> None:
    """Write every artifact to `folder` and remove files that no contract stands behind."""
    expected = expected_artifacts()
    folder.mkdir(exist_ok=True)
    for path in sorted(folder.glob("*.json")):
        if path.name not in expected:
            path.unlink()
    for name, text in expected.items():
        (folder / name).write_text(text, "utf-8")


def differing_artifacts(folder: Path) -> list[str]:
    """Return the names of files in `folder` that are missing, stale or surplus, sorted."""
    expected = expected_artifacts()
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
        print(f"contracts/artifacts/{name} differs from what its source gives: run python -m contracts.rebuild")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

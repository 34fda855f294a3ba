"""Contracts as files: those this network ships, and what vyper, solc, forge and hardhat write."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.abi import UnknownAbiType
from contracts.abi_json import ContractInterface, InvalidAbiJson, read_interface
from contracts.loader import UnknownArtifact, artifact_names, load
from wallet_cli.errors import UsageRefused

FILE_BYTES_MAX = 32 * 1024 * 1024
"""Longest artifact read: a compiler's output with its metadata is a few megabytes."""


@dataclass(frozen=True, slots=True)
class ContractFile:
    """What is needed to deploy a contract and to call it."""

    name: str
    abi: list[Any]
    interface: ContractInterface
    init_code: bytes
    """Empty where the file has none: such a contract can be called and not deployed."""


def open_contract(text: str) -> ContractFile:
    """Return the shipped contract called `text`, or the one in the JSON file there. Raises: UsageRefused."""
    path = Path(text)
    if text.endswith(".json") or path.is_file():
        return _read_file(path)
    try:
        artifact = load(text)
    except UnknownArtifact as error:
        raise UsageRefused(
            f"there is no contract {text!r}, and no file of this name",
            why=f"shipped are: {', '.join(artifact_names())}",
            next_step="name one of these, or a JSON file with abi and bytecode",
            code="CONTRACT_UNKNOWN",
        ) from error
    return ContractFile(artifact.name, list(artifact.abi), artifact.interface, artifact.init_code)


def _read_file(path: Path) -> ContractFile:
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise ValueError(f"longer than {FILE_BYTES_MAX} bytes")
        document = json.loads(content)
        abi = document if isinstance(document, list) else document["abi"]
        return ContractFile(path.stem, abi, read_interface(abi), _bytecode(document))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, RecursionError, InvalidAbiJson, UnknownAbiType) as error:
        detail = "it has no abi" if isinstance(error, KeyError) else str(error)
        raise _unusable(path, detail) from error


def _bytecode(document: Any) -> bytes:
    """Return the creation code: vyper and hardhat write it as text, forge and solc inside an object."""
    if isinstance(document, list):
        return b""
    found = document.get("bytecode") or document.get("evm", {}).get("bytecode") or ""
    text = found["object"] if isinstance(found, dict) else found
    if "_" in text:
        raise ValueError("its bytecode has places for libraries that were not linked")
    return bytes.fromhex(text.removeprefix("0x"))


def _unusable(path: Path, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{path} cannot be used: {detail}",
        why="a contract's file is JSON with abi and, to deploy it, bytecode",
        next_step="compile it with vyper -f abi,bytecode, solc --combined-json, forge build or hardhat compile",
        code="CONTRACT_FILE_INVALID",
    )

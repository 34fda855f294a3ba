"""Reads the committed artifacts: what a tool needs to know of a contract to deploy it and to call it."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

from contracts.abi_json import ContractInterface, read_interface
from contracts.declarations import Json


class UnknownArtifact(LookupError):
    """No artifact of that name is shipped."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no contract {name!r}; known are {', '.join(known)}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One contract as tools see it."""

    name: str
    """Contract name, which is the file's name."""
    abi: list[Json]
    """ABI JSON: functions, events and errors."""
    init_code: bytes = b""
    """What a creation carries, before the constructor's arguments; empty for system contracts, which nobody deploys."""
    code: bytes = b""
    """What stands at the address afterwards, immutable values still zero; empty for system contracts."""

    @property
    def interface(self) -> ContractInterface:
        """Return the ABI as declarations."""
        return read_interface(self.abi)


def artifact_names() -> tuple[str, ...]:
    """Return the names of all artifacts, sorted."""
    entries = (resources.files("contracts") / "artifacts").iterdir()
    return tuple(sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")))


@cache
def load(name: str) -> Artifact:
    """Return the artifact called `name`, such as `Currency`. Kept once read: there are a few dozen, and they are small.

    Raises: UnknownArtifact.
    """
    known = artifact_names()
    if name not in known:
        raise UnknownArtifact(name, known)
    document = json.loads((resources.files("contracts") / "artifacts" / f"{name}.json").read_text("utf-8"))
    return Artifact(
        name=document["contractName"],
        abi=document["abi"],
        init_code=bytes.fromhex(document.get("bytecode", "0x")[2:]),
        code=bytes.fromhex(document.get("deployedBytecode", "0x")[2:]),
    )

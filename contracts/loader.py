"""Reads the committed artifacts: what a tool needs to know of a contract to call it."""

import json
from dataclasses import dataclass
from importlib import resources

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


def artifact_names() -> tuple[str, ...]:
    """Return the names of all artifacts, sorted."""
    entries = (resources.files("contracts") / "artifacts").iterdir()
    return tuple(sorted(entry.name.removesuffix(".json") for entry in entries if entry.name.endswith(".json")))


def load(name: str) -> Artifact:
    """Return the artifact called `name`, such as `Currency`.

    Raises: UnknownArtifact.
    """
    known = artifact_names()
    if name not in known:
        raise UnknownArtifact(name, known)
    document = json.loads((resources.files("contracts") / "artifacts" / f"{name}.json").read_text("utf-8"))
    return Artifact(name=document["contractName"], abi=document["abi"])

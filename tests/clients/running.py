"""The client scripts as a table, and how one is run against a node.

A script is a program of its own: it reads its node from the environment and prints a transcript of lines that do not
depend on the node. Two nodes agree when the transcripts are equal; nothing is normalised in between.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType

from tests.clients.tools import NodeAddress, Tools, script_environment

SCRIPT_PATIENCE_S = 240.0
"""Longest run of one script: ten times what the longest takes on two busy cores."""
HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
PART_MARK = "== "
"""How a transcript begins a part."""


@dataclass(frozen=True, slots=True)
class Script:
    """One client's script."""

    name: str
    """`viem`: what the table says and what its transcript file is called."""
    command: tuple[str, ...]
    """What is run, from the root of the repository."""


SCRIPTS = (
    Script("web3.py", (sys.executable, "-m", "tests.clients.scripts.web3_client")),
    Script("cast", ("bash", str(HERE / "scripts" / "cast.sh"))),
    Script("forge", ("bash", str(HERE / "scripts" / "forge.sh"))),
    Script("ethers", ("node", str(HERE / "scripts" / "ethers.cjs"))),
    Script("viem", ("node", str(HERE / "scripts" / "viem.cjs"))),
    Script("hardhat", ("bash", str(HERE / "scripts" / "hardhat.sh"))),
    Script("token", ("node", str(HERE / "scripts" / "token.cjs"))),
    Script("openzeppelin", ("node", str(HERE / "scripts" / "openzeppelin.cjs"))),
)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a script printed."""

    lines: tuple[str, ...]
    complaints: str
    """Its standard error: for people, never compared."""

    @property
    def parts(self) -> dict[str, tuple[str, ...]]:
        """The lines by part, in the order printed; what comes before the first part is named by the empty string."""
        parts: dict[str, list[str]] = {"": []}
        name = ""
        for line in self.lines:
            if line.startswith(PART_MARK):
                name = line.removeprefix(PART_MARK)
                parts.setdefault(name, [])
            else:
                parts[name].append(line)
        return {name: tuple(lines) for name, lines in parts.items() if name or lines}


def run_script(
    script: Script, node: NodeAddress, tools: Tools, variables: Mapping[str, str] = NO_VARIABLES
) -> Transcript:
    """Run `script` against `node`, with `variables` beside those of its tools; return what it printed, complete or not.

    Raises: subprocess.TimeoutExpired after SCRIPT_PATIENCE_S.
    """
    done = subprocess.run(
        script.command,
        cwd=REPOSITORY,
        env={**script_environment(tools, node), **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SCRIPT_PATIENCE_S,
        check=False,
    )
    return Transcript(tuple(done.stdout.splitlines()), done.stderr)


def transcript_file(script: Script) -> Path:
    """Return where the transcript that every node must print is committed."""
    return HERE / "transcripts" / f"{script.name}.txt"


def load_transcript(script: Script) -> Transcript:
    """Return the committed transcript."""
    return Transcript(tuple(transcript_file(script).read_text().splitlines()), "")


def differing_parts(first: Transcript, second: Transcript) -> list[str]:
    """Return the names of the parts that the transcripts do not share, in the order of the first."""
    left, right = first.parts, second.parts
    return [name for name in {**left, **right} if left.get(name) != right.get(name)]


def describe_difference(first: Transcript, second: Transcript, part: str) -> list[str]:
    """Return the lines of one part that differ: `-` the first transcript's, `+` the second's."""
    absent = ("(no such part)",)
    lines = []
    for left, right in zip_longest(first.parts.get(part, absent), second.parts.get(part, absent)):
        if left != right:
            lines += [f"- {left}"] if left is not None else []
            lines += [f"+ {right}"] if right is not None else []
    return lines

"""Reads recorded conversations: `// why`, `>> request`, `<< answer`, as execution-apis writes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "rpc"


@dataclass(frozen=True)
class Exchange:
    request: bytes
    answer: Any


def read_conversation(path: Path) -> list[Exchange]:
    """Return the exchanges of a file, which must say why it exists."""
    lines = path.read_text().splitlines()
    assert lines[0].startswith("// "), f"{path} does not say what it shows"
    spoken = [line for line in lines if line and not line.startswith("//")]
    assert len(spoken) % 2 == 0, f"{path} has a request without an answer"
    exchanges = []
    for request, answer in zip(spoken[::2], spoken[1::2], strict=True):
        assert request.startswith(">> ") and answer.startswith("<< "), f"{path}: {request[:40]}"
        exchanges.append(Exchange(request[3:].encode(), json.loads(answer[3:])))
    return exchanges

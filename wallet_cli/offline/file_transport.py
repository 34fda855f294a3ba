"""Offline messages as files: exactly the message's bytes, whole or not there. Source: offline.md §11."""

from pathlib import Path
from typing import Final

from consensus.primitives.hashing import keccak256
from wallet_cli.errors import UsageRefused
from wallet_cli.files import write_private
from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX

SUFFIX: Final = ".sycee"


def file_name(kind: str, content: bytes) -> str:
    """Return how a message's file is called: `invoice-5f3a9c01.sycee`, by the first 8 digits of its hash."""
    return f"{kind}-{keccak256(content).hex()[:8]}{SUFFIX}"


def write_message_file(path: Path, content: bytes) -> None:
    """Write a message, on disk before this returns, readable by its owner only. Raises: UsageRefused."""
    try:
        write_private(path, content)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be written: {error.strerror}",
            why="a message leaves only whole",
            next_step="name another place with --out",
            code="FILE_NOT_WRITTEN",
        ) from error


def read_message_file(path: Path) -> bytes:
    """Return a message's bytes. Raises: UsageRefused if there is no such file or it is longer than any message."""
    try:
        with path.open("rb") as stream:
            content = stream.read(INPUT_BYTES_MAX + 1)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be read: {error.strerror}",
            why="a message is expected there",
            next_step="name the file that the other side wrote",
            code="FILE_NOT_READ",
        ) from error
    if len(content) > INPUT_BYTES_MAX:
        raise UsageRefused(
            f"{path} is longer than {INPUT_BYTES_MAX} bytes",
            why="no offline message is so long",
            next_step=f"name a {SUFFIX} file",
            code="FILE_TOO_LONG",
        )
    return content

"""How a transaction file travels without a cable: as QR frames on a screen, read from pictures or pasted as text.

The bytes are those of the file. Source: wallet.md §9; offline.md §11 for the frames.
"""

import sys
from pathlib import Path

from wallet_cli.errors import UsageRefused
from wallet_cli.files import read_small
from wallet_cli.frame_carriers import FRAME_START, TEXT_CHARACTERS_MAX, texts_of, unreadable
from wallet_cli.offline.frames import FRAMES_MAX, Collector, FrameError, FrameType, split


def transaction_frames(content: bytes) -> list[str]:
    """Return the frames of a transaction file. Raises: UsageRefused if a person could not scan so many."""
    try:
        return split(content, FrameType.JSON)
    except FrameError as error:
        raise UsageRefused(
            f"this transaction cannot be shown: {error.detail}",
            why=f"a person holds still for at most {FRAMES_MAX} frames",
            next_step="carry it as a file: --out FILE",
            code="FRAMES_TOO_MANY",
        ) from error


def read_transaction(source: str) -> bytes:
    """Return the transaction file that `source` is or shows: a file, a picture or a folder of them, `B$2J` text, `-`.

    Raises: UsageRefused.
    """
    if source == "-":
        text = sys.stdin.read(TEXT_CHARACTERS_MAX)
        return join_frames(text.split(), source) if text.startswith(FRAME_START) else text.encode()
    texts = texts_of(source)
    if texts is not None:
        return join_frames(texts, source)
    try:
        return read_small(Path(source))
    except OSError as error:
        raise unreadable(source, error) from error


def join_frames(texts: list[str], source: str) -> bytes:
    """Return the transaction file in frames of any order. Raises: UsageRefused if one is missing or none of ours."""
    collector = Collector()
    for text in texts:
        try:
            found = collector.take(text)
        except FrameError as error:
            raise _no_transaction(source, error.detail) from error
        if found is not None:
            kind, content = found
            if kind is not FrameType.JSON:
                raise _no_transaction(source, "its frames carry an offline message")
            return content
    here, total = collector.progress
    raise _no_transaction(source, f"{here} of {total} frames are here" if total else "it shows no frame")


def _no_transaction(source: str, detail: str) -> UsageRefused:
    shown = source if len(source) <= 60 else f"{source[:60]}…"
    return UsageRefused(
        f"{shown} carries no transaction: {detail}",
        why="what is signed or sent must be here completely",
        next_step="take all pictures again, or carry it as a file: --out FILE",
        code="TRANSACTION_FILE_INVALID",
    )

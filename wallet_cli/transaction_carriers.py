"""How a transaction file travels without a cable: as QR frames on a screen, read from pictures or pasted as text.

The bytes are those of the file. Source: wallet.md §9; offline.md §11 for the frames.
"""

import sys
from pathlib import Path
from typing import Final

from wallet_cli.errors import UsageRefused
from wallet_cli.files import read_small
from wallet_cli.offline.frames import FRAME_BYTES_MAX, FRAMES_MAX, Collector, FrameError, FrameType, split

FRAME_START: Final = "B$"
PICTURES: Final = (".png", ".jpg", ".jpeg")

_TEXT_CHARACTERS_MAX: Final = 4 * FRAMES_MAX * FRAME_BYTES_MAX
"""Longest text read: all frames of a file, twice."""


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


def frames_screen(frames: list[str]) -> str:
    """Return the frames as QR codes, all of one size, each with its place."""
    from wallet_cli.qr_codes import make_qr, qr_terminal

    version = make_qr(frames[0]).version
    assert isinstance(version, int), "no micro code is made"
    return "\n\n".join(
        f"{qr_terminal(make_qr(frame, version=version))}\n  frame {place} of {len(frames)}"
        for place, frame in enumerate(frames, start=1)
    )


def read_transaction(source: str) -> bytes:
    """Return the transaction file that `source` is or shows: a file, a picture or a folder of them, `B$2J` text, `-`.

    Raises: UsageRefused.
    """
    if source == "-":
        text = sys.stdin.read(_TEXT_CHARACTERS_MAX)
        return join_frames(text.split(), source) if text.startswith(FRAME_START) else text.encode()
    texts = texts_of(source)
    if texts is not None:
        return join_frames(texts, source)
    try:
        return read_small(Path(source))
    except OSError as error:
        raise _unreadable(source, error) from error


def texts_of(source: str) -> list[str] | None:
    """Return the texts that a word of the command line shows or is; None if it names a file of another kind.

    Raises: UsageRefused.
    """
    if source.startswith(FRAME_START):
        return source.split()
    path = Path(source)
    try:
        if path.is_dir():
            return [text for picture in sorted(path.iterdir()) if _is_picture(picture) for text in _read_qr(picture)]
        return _read_qr(path) if _is_picture(path) else None
    except OSError as error:
        raise _unreadable(source, error) from error


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


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def _read_qr(path: Path) -> list[str]:
    from wallet_cli.qr_codes import read_qr

    return read_qr(path)


def _unreadable(source: str, error: OSError) -> UsageRefused:
    return UsageRefused(
        f"{source} cannot be read: {error.strerror}",
        why="a file, a picture of its QR codes, or text that begins with B$2 is expected",
        next_step=f"ls -l {source}",
        code="FILE_UNREADABLE",
    )


def _no_transaction(source: str, detail: str) -> UsageRefused:
    shown = source if len(source) <= 60 else f"{source[:60]}…"
    return UsageRefused(
        f"{shown} carries no transaction: {detail}",
        why="what is signed or sent must be here completely",
        next_step="take all pictures again, or carry it as a file: --out FILE",
        code="TRANSACTION_FILE_INVALID",
    )

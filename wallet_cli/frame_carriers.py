"""Frames as people carry them: drawn on a screen, read from pictures or pasted. What they carry is others' business.

Source: offline.md §11.
"""

from pathlib import Path
from typing import Final

from wallet_cli.errors import UsageRefused
from wallet_cli.offline.frames import FRAME_BYTES_MAX, FRAMES_MAX

FRAME_START: Final = "B$"
PICTURES: Final = (".png", ".jpg", ".jpeg")

TEXT_CHARACTERS_MAX: Final = 4 * FRAMES_MAX * FRAME_BYTES_MAX
"""Longest text read: all frames of a message, twice."""


def frames_screen(frames: list[str], label: str = "", *, is_inverted: bool = False) -> str:
    """Return the frames as QR codes with an empty line between, all of one size so that nothing jumps."""
    from wallet_cli.qr_codes import make_qr, qr_terminal

    version = make_qr(frames[0]).version
    assert isinstance(version, int), "no micro code is made"
    return "\n\n".join(
        f"{qr_terminal(make_qr(frame, version=version), is_inverted=is_inverted)}\n"
        + f"  frame {place}/{len(frames)}  {label}".rstrip()
        for place, frame in enumerate(frames, start=1)
    )


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
        raise unreadable(source, error) from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def _read_qr(path: Path) -> list[str]:
    from wallet_cli.qr_codes import read_qr

    return read_qr(path)


def unreadable(source: str, error: OSError) -> UsageRefused:
    """Return the error for a file that cannot be read."""
    return UsageRefused(
        f"{source} cannot be read: {error.strerror}",
        why="a file, a picture of its QR codes, or text that begins with B$2 is expected",
        next_step=f"ls -l {source}",
        code="FILE_UNREADABLE",
    )

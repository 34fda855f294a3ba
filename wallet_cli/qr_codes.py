"""QR codes: any text as a matrix, drawn on a terminal or as a PNG, and read back from picture files.

segno makes the matrix, zxing-cpp reads; nothing else of the project knows either. Pictures are somebody else's bytes:
their size is bounded before they are decoded.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import segno

from wallet_cli.errors import UsageRefused

QR_BORDER_TERMINAL: Final = 2
"""Light modules around a code on a terminal; half of the standard's, which every reader tried accepts."""

QR_BORDER_PNG: Final = 4
QR_SCALE_PNG: Final = 4
"""Pixels a module has in a picture."""

PICTURE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Largest picture read: a photograph of a telephone."""

PICTURE_PIXELS_MAX: Final = 64_000_000
"""Pixels decoded at most: a bomb of a few bytes could otherwise fill the memory."""

_HALF_BLOCKS: Final = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def make_qr(text: str, *, version: int | None = None) -> segno.QRCode:
    """Return the code of a text, at error correction level L; the smallest that holds it unless a version is given.

    Raises: UsageRefused if no QR code holds so much.
    """
    try:
        return segno.make_qr(text, error="l", version=version, boost_error=False)
    except segno.DataOverflowError as error:
        raise UsageRefused(
            f"{len(text)} characters do not fit a QR code" + (f" of version {version}" if version else ""),
            why=str(error),
            next_step="use a file instead: --via file",
            code="QR_TOO_LONG",
        ) from error


def qr_terminal(code: segno.QRCode, *, is_inverted: bool = False) -> str:
    """Return a code in half blocks, two rows of modules a line.

    Light modules are drawn, as most terminals are dark; `is_inverted` draws the dark ones, for light terminals.
    """
    rows = [[bool(module) == is_inverted for module in row] for row in code.matrix_iter(border=QR_BORDER_TERMINAL)]
    if len(rows) % 2:
        # Below the last row is the terminal itself.
        rows.append([False] * len(rows[0]))
    return "\n".join(
        "".join(_HALF_BLOCKS[upper, lower] for upper, lower in zip(rows[at], rows[at + 1]))
        for at in range(0, len(rows), 2)
    )


def qr_png(code: segno.QRCode) -> bytes:
    """Return a code as a PNG file."""
    stream = io.BytesIO()
    code.save(stream, kind="png", scale=QR_SCALE_PNG, border=QR_BORDER_PNG)
    return stream.getvalue()


def read_qr(path: Path) -> list[str]:
    """Return the texts of all QR codes in a picture, from top to bottom.

    Raises: UsageRefused if it is no picture, too large, or shows no code; FileNotFoundError.
    """
    if path.stat().st_size > PICTURE_BYTES_MAX:
        raise _refused(path, f"it has more than {PICTURE_BYTES_MAX} bytes")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > PICTURE_PIXELS_MAX:
                raise _refused(path, f"it has {picture.width} × {picture.height} pixels")
            grey = picture.convert("L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise _refused(path, str(error)) from error
    texts = _texts_in(grey)
    if not texts:
        raise _refused(path, "it shows no QR code")
    return texts


def _texts_in(grey: object) -> list[str]:
    import zxingcpp

    found: Sequence[zxingcpp.Barcode] = zxingcpp.read_barcodes(
        grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    )
    ordered = sorted(found, key=lambda code: (code.position.top_left.y, code.position.top_left.x))
    return [code.text for code in ordered if code.valid]


def _refused(path: Path, detail: str) -> UsageRefused:
    return UsageRefused(
        f"{path} cannot be read as a QR code: {detail}",
        why="a picture must show whole codes, sharp and not cut off",
        next_step="take the picture again, or ask for a file: --via file",
        code="QR_UNREADABLE",
    )

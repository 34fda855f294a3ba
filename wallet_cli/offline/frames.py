"""Messages in QR frames: the BBQr split, and the collector that puts frames together again in any order.

Sans-I/O. A frame is `B$`, the encoding (only base32), the type, how many frames there are, which one this is, and its
part; all of it fits the alphanumeric mode of QR codes. Nothing partial ever leaves the collector. Source: offline.md
§11; the BBQr format.
"""

import base64
import binascii
from enum import StrEnum
from typing import Final

from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX

FRAME_BYTES_DEFAULT: Final = 240
"""Bytes of a message in one frame: a QR code of version 10, which a telephone reads from a terminal at arm's length."""

FRAME_BYTES_MIN: Final = 30
FRAME_BYTES_MAX: Final = 1_850
"""A frame of version 31; larger ones are read badly from a screen."""

FRAMES_MAX: Final = 16
"""Frames of one message: three seconds of a loop. A message that needs more is a file."""

_MAGIC: Final = "B$"
_BASE32: Final = "2"
_HEADER_CHARACTERS: Final = 8
_GROUP_BYTES: Final = 5
"""What eight characters of base32 hold: every frame but the last is whole groups."""

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class FrameType(StrEnum):
    """What the frames carry together."""

    CBOR = "C"
    """An offline message."""
    JSON = "J"
    """A transaction on its way to a key without a network."""


class FrameError(ValueError):
    """Text that is no frame of ours."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(f"no frame of a message: {detail}")


def split(content: bytes, kind: FrameType, *, frame_bytes: int = FRAME_BYTES_DEFAULT) -> list[str]:
    """Return the frames of a message. Raises: FrameError if it needs more than FRAMES_MAX of them."""
    # The remainder is what a group does not fill.
    part_bytes = max(FRAME_BYTES_MIN, min(frame_bytes, FRAME_BYTES_MAX)) // _GROUP_BYTES * _GROUP_BYTES
    parts = [content[start : start + part_bytes] for start in range(0, len(content), part_bytes)] or [b""]
    if len(parts) > FRAMES_MAX:
        raise FrameError(
            f"{len(content)} bytes need {len(parts)} frames of {part_bytes}, at most {FRAMES_MAX} are shown"
        )
    total = _number(len(parts))
    return [
        f"{_MAGIC}{_BASE32}{kind}{total}{_number(place)}{base64.b32encode(part).decode('ascii').rstrip('=')}"
        for place, part in enumerate(parts)
    ]


class Collector:
    """Takes frames in any order, again and again, until a message is whole."""

    def __init__(self) -> None:
        self._head = ""
        self._parts: dict[int, bytes] = {}
        """By index; of one message only, at most FRAMES_MAX."""

    @property
    def progress(self) -> tuple[int, int]:
        """Return how many frames of how many are there; (0, 0) before the first."""
        return (len(self._parts), _value(self._head[4:6])) if self._head else (0, 0)

    def take(self, text: str) -> tuple[FrameType, bytes] | None:
        """Add a frame and return the message if it is whole now; the collector is then empty again.

        An equal frame changes nothing; one that differs, or is of another message, begins anew. Raises: FrameError,
        and then nothing has changed.
        """
        head, index, part = _parse(text)
        if head != self._head or self._parts.get(index, part) != part:
            self._head, self._parts = head, {}
        self._parts[index] = part
        total = _value(head[4:6])
        if len(self._parts) < total:
            return None
        content = b"".join(self._parts[place] for place in range(total))
        self._head, self._parts = "", {}
        return FrameType(head[3]), content


def _parse(text: str) -> tuple[str, int, bytes]:
    """Return the six characters that all frames of a message share, the index, and the part."""
    if not text.startswith(_MAGIC) or len(text) < _HEADER_CHARACTERS:
        raise FrameError(f"it does not begin with {_MAGIC}")
    if text[2] != _BASE32 or text[3] not in tuple(FrameType):
        raise FrameError(f"encoding {text[2]!r} and type {text[3]!r} are not among those this wallet reads")
    total, index = _value(text[4:6]), _value(text[6:8])
    if not 1 <= total <= FRAMES_MAX or not 0 <= index < total:
        raise FrameError(f"it says to be number {index} of {total}, of at most {FRAMES_MAX}")
    encoded = text[_HEADER_CHARACTERS:]
    if len(encoded) > 2 * FRAME_BYTES_MAX:
        raise FrameError(f"{len(encoded)} characters are more than any frame has")
    try:
        part = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except binascii.Error as error:
        raise FrameError(f"its part is no base32: {error}") from error
    if base64.b32encode(part).decode("ascii").rstrip("=") != encoded:
        raise FrameError("its part is another spelling of the same bytes")
    if index < total - 1 and len(part) % _GROUP_BYTES:
        raise FrameError("a frame that is not the last must be whole groups")
    if total * len(part) > FRAMES_MAX * INPUT_BYTES_MAX:
        raise FrameError("the message would be longer than any")
    return text[:6], index, part


def _number(value: int) -> str:
    return _DIGITS[value // 36] + _DIGITS[value % 36]


def _value(text: str) -> int:
    if any(character not in _DIGITS for character in text):
        raise FrameError(f"{text!r} is no number")
    return int(text, 36)

"""How a message leaves and arrives: QR codes on a screen or as pictures, files, lines of text. The bytes are the same.

Nothing here reads what a message says. Source: offline.md §11; wallet.md §2.
"""

import select
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import click

from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder
from wallet_cli.frame_carriers import FRAME_START, PICTURES, TEXT_CHARACTERS_MAX, frames_screen, texts_of
from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX
from wallet_cli.offline.file_transport import SUFFIX, file_name, read_message_file, write_message_file
from wallet_cli.offline.frames import (
    FRAME_BYTES_DEFAULT,
    FRAME_BYTES_MAX,
    FRAME_BYTES_MIN,
    FRAMES_MAX,
    Collector,
    FrameError,
    FrameType,
    split,
)
from wallet_cli.output import has_terminal
from wallet_cli.qr_codes import make_qr, qr_png
from wallet_cli.session import Session

FRAME_MS: Final = 200
"""Milliseconds a frame stands on a screen: five a second, which a telephone's camera follows."""

LOOPS_MAX: Final = 3_000
"""Frames shown at most before the command goes on by itself: ten minutes."""


class Carrier(StrEnum):
    """Where a message goes."""

    QR = "qr"
    PNG = "png"
    FILE = "file"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Way:
    """How the user wants messages to leave."""

    carrier: Carrier
    out: Path | None = None
    """Where files go; None: the wallet's own folder for files to carry."""
    frame_bytes: int = FRAME_BYTES_DEFAULT
    is_inverted: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """A message that is on its way."""

    text: str
    """What a person sees."""
    record: dict[str, object]
    """What a script gets: bytes, frames, files."""


def carrier_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how a message leaves; they arrive as `via`, `out`, `frame_bytes` and `invert`."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.option("--via", type=click.Choice([carrier.value for carrier in Carrier]),
                     help="How it leaves (default: qr on a terminal, else file)."),
        click.option("--out", type=click.Path(path_type=Path), metavar="PATH", help="File or folder to write to."),
        click.option("--frame-bytes", type=click.IntRange(FRAME_BYTES_MIN, FRAME_BYTES_MAX),
                     default=FRAME_BYTES_DEFAULT, metavar="N", help="Bytes of one QR code."),
        click.option("--invert", is_flag=True, help="Draw QR codes for a light terminal."),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def way_of(session: Session, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> Way:
    """Return what the options of `carrier_options` say; without `--via` what suits where stdout goes."""
    is_screen = sys.stdout.isatty() and not session.settings.is_json and out is None
    default = Carrier.QR if is_screen else Carrier.FILE
    return Way(Carrier(via) if via else default, out, frame_bytes, invert)


def carry(session: Session, way: Way, name: str, content: bytes) -> Carried:
    """Let a message leave as the user wants; `name` is its kind, such as `invoice`. Raises: UsageRefused."""
    try:
        frames = split(content, FrameType.CBOR, frame_bytes=way.frame_bytes)
    except FrameError as error:
        raise UsageRefused(
            f"this {name} cannot be shown: {error.detail}",
            why=f"a person holds still for at most {FRAMES_MAX} frames",
            next_step="use a file: --via file, or larger frames: --frame-bytes 1000",
            code="FRAMES_TOO_MANY",
        ) from error
    record: dict[str, object] = {"kind": name, "bytes": len(content), "frames": frames}
    match way.carrier:
        case Carrier.TEXT:
            return Carried("\n".join(frames), record)
        case Carrier.QR:
            label = file_name("", content).removesuffix(SUFFIX).removeprefix("-")
            return Carried(frames_screen(frames, label, is_inverted=way.is_inverted), record)
        case Carrier.PNG:
            paths = _write_pictures(_place(session, way), name, content, frames)
        case Carrier.FILE:
            target = _place(session, way)
            paths = [target / file_name(name, content) if target.is_dir() else target]
            write_message_file(paths[0], content)
    return Carried("\n".join(str(path) for path in paths), {**record, "files": [str(path) for path in paths]})


def show_frames(carried: Carried, way: Way) -> None:
    """Show the frames of a message one after the other until somebody presses Enter; on a terminal only."""
    frames = carried.record["frames"]
    assert isinstance(frames, list)
    if way.carrier is not Carrier.QR or len(frames) < 2 or not (has_terminal() and sys.stdout.isatty()):
        return
    screens = carried.text.split("\n\n")
    click.echo("the frames follow each other; Enter goes on", err=True)
    click.pause("", err=True)
    keys = select.poll()
    keys.register(sys.stdin, select.POLLIN)
    for place in range(LOOPS_MAX):
        click.clear()
        click.echo(screens[place % len(screens)])
        if keys.poll(FRAME_MS):
            sys.stdin.readline()
            break
    click.clear()


def read_message(sources: Iterable[str]) -> bytes:
    """Return the one message in `*.sycee` files, pictures, folders of pictures, `B$2…` text, or `-` for stdin.

    Raises: UsageRefused if a frame is missing, or the sources hold no message or several.
    """
    whole: list[bytes] = []
    collector = Collector()
    for source in sources:
        for part in _parts_of(source):
            if isinstance(part, bytes):
                whole.append(part)
                continue
            try:
                found = collector.take(part)
            except FrameError as error:
                raise _not_a_message(source, error.detail) from error
            if found is not None:
                kind, content = found
                if kind is not FrameType.CBOR:
                    raise _not_a_message(source, "its frames carry a transaction, not a message")
                whole.append(content)
    here, total = collector.progress
    if here:
        raise UsageRefused(
            f"{here} of {total} frames are here",
            why="a message is read whole or not at all",
            next_step="give all its pictures or lines in one command",
            code="FRAMES_MISSING",
        )
    if len(set(whole)) != 1:
        raise UsageRefused(
            f"there are {len(set(whole))} messages, one is expected",
            why="each step of a payment is one message",
            next_step=f"name one {SUFFIX} file, its pictures, or its lines of text",
            code="MESSAGES_SEVERAL" if whole else "MESSAGE_MISSING",
        )
    return whole[0]


def looks_like_message(text: str) -> bool:
    """Tell whether a word of a command line names a message rather than a person."""
    return text.startswith(FRAME_START) or text.lower().endswith((SUFFIX, *PICTURES))


def _place(session: Session, way: Way) -> Path:
    if way.out is not None:
        return way.out
    folder = session.home.network_data(session.network.name) / "outbox"
    make_private_folder(folder)
    return folder


def _write_pictures(target: Path, name: str, content: bytes, frames: list[str]) -> list[Path]:
    if target.suffix.lower() == ".png":
        # Several pictures stand beside each other under the name that was typed.
        places = [f"-{place}of{len(frames)}" if len(frames) > 1 else "" for place in range(1, len(frames) + 1)]
        paths = [target.with_name(f"{target.stem}{place}.png") for place in places]
    else:
        stem = file_name(name, content).removesuffix(SUFFIX)
        try:
            make_private_folder(target)
        except OSError as error:
            raise UsageRefused(
                f"{target} cannot hold {len(frames)} pictures: {error.strerror}",
                why="several frames are several pictures, in one folder",
                next_step="name a folder with --out",
                code="FILE_NOT_WRITTEN",
            ) from error
        paths = [target / f"{stem}-{place}of{len(frames)}.png" for place in range(1, len(frames) + 1)]
    for path, frame in zip(paths, frames, strict=True):
        write_message_file(path, qr_png(make_qr(frame)))
    return paths


def _parts_of(source: str) -> list[str | bytes]:
    """Return what a source holds: frames as text, a whole message as bytes."""
    if source == "-":
        return _parts_in(sys.stdin.buffer.read(TEXT_CHARACTERS_MAX + 1), source)
    texts = texts_of(source)
    return _parts_in(read_message_file(Path(source)), source) if texts is None else list(texts)


def _parts_in(content: bytes, source: str) -> list[str | bytes]:
    if content.startswith(FRAME_START.encode()):
        try:
            return list(content.decode("ascii").split())
        except UnicodeDecodeError as error:
            raise _not_a_message(source, "its text has other characters than frames have") from error
    if len(content) > INPUT_BYTES_MAX:
        raise _not_a_message(source, f"it is longer than {INPUT_BYTES_MAX} bytes")
    return [content]


def _not_a_message(source: str, detail: str) -> UsageRefused:
    shown = source if len(source) <= 60 else f"{source[:60]}…"
    return UsageRefused(
        f"{shown} is no message: {detail}",
        why="offline payments are read from files, pictures and lines that begin with B$2C",
        next_step="ask the other side to show it again",
        code="MESSAGE_INVALID",
    )

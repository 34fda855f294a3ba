"""QR codes are read back from what people see: PNG files and the terminal's half blocks."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wallet_cli.errors import UsageRefused
from wallet_cli.qr_codes import PICTURE_BYTES_MAX, make_qr, qr_png, qr_terminal, read_qr

LINK = "sycee:0x70997970C51812dc3A010C7d01b50e0d17dc79C8@23790?currency=EUR&amount=12.34"


def picture_of(text: str, *, light: str, dark: str) -> Image.Image:
    """Draw half blocks as a terminal does, eight pixels a module."""
    lines = text.split("\n")
    picture = Image.new("L", (len(lines[0]) + 8, 2 * len(lines) + 8), dark)
    drawn = Image.new("L", (1, 1), light)
    for row, line in enumerate(lines):
        for column, block in enumerate(line):
            for half in range(2):
                if block == "█" or block == "▀▄"[half]:
                    picture.paste(drawn, (column + 4, 2 * row + half + 4))
    return picture.resize((picture.width * 8, picture.height * 8), Image.Resampling.NEAREST)


def test_a_png_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "code.png"
    path.write_bytes(qr_png(make_qr(LINK)))
    assert read_qr(path) == [LINK]


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567$", min_size=1, max_size=395))
def test_any_text_of_a_frame_is_read_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("qr") / "code.png"
    path.write_bytes(qr_png(make_qr(text, version=10)))
    assert read_qr(path) == [text]


@pytest.mark.parametrize(("is_inverted", "light", "dark"), [(False, "white", "black"), (True, "black", "white")])
def test_what_a_terminal_shows_is_read_back(tmp_path: Path, is_inverted: bool, light: str, dark: str) -> None:
    shown = qr_terminal(make_qr("B$2C0100" + "A" * 384, version=10), is_inverted=is_inverted)
    assert (len(shown.split("\n")), len(shown.split("\n")[0])) == (31, 61)
    picture_of(shown, light=light, dark=dark).save(tmp_path / "terminal.png")
    assert read_qr(tmp_path / "terminal.png") == ["B$2C0100" + "A" * 384]


def test_several_codes_in_one_picture_are_read_from_top_to_bottom(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(qr_png(make_qr(name.upper(), version=5)))
    first, second = (Image.open(tmp_path / name).convert("L") for name in ("first", "second"))
    both = Image.new("L", (first.width, 2 * first.height), "white")
    both.paste(first, (0, 0))
    both.paste(second, (0, first.height))
    both.save(tmp_path / "both.png")
    assert read_qr(tmp_path / "both.png") == ["FIRST", "SECOND"]


def test_what_is_no_picture_of_a_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "thing"
    path.write_bytes(b"no picture")
    with pytest.raises(UsageRefused, match="cannot be read as a QR code"):
        read_qr(path)
    Image.new("L", (50, 50), "white").save(tmp_path / "empty.png")
    with pytest.raises(UsageRefused, match="shows no QR code"):
        read_qr(tmp_path / "empty.png")
    whole = qr_png(make_qr(LINK))
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageRefused):
        read_qr(path)


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    Image.new("1", (9_000, 9_000)).save(tmp_path / "bomb.png")
    with pytest.raises(UsageRefused, match="9000 × 9000 pixels"):
        read_qr(tmp_path / "bomb.png")
    with (tmp_path / "long.png").open("wb") as stream:
        stream.truncate(PICTURE_BYTES_MAX + 1)
    with pytest.raises(UsageRefused, match="bytes"):
        read_qr(tmp_path / "long.png")


def test_a_text_that_no_code_holds_is_refused() -> None:
    with pytest.raises(UsageRefused, match="do not fit a QR code"):
        make_qr("A" * 5_000)
    with pytest.raises(UsageRefused, match="of version 10"):
        make_qr("A" * 396, version=10)

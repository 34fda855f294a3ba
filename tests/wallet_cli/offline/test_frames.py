"""Frames: whole messages or nothing, in any order, whatever is shown between them."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wallet_cli.offline.sizes import Size, rows
from wallet_cli.errors import UsageRefused
from wallet_cli.offline.canonical_cbor import INPUT_BYTES_MAX
from wallet_cli.offline.file_transport import file_name, read_message_file, write_message_file
from wallet_cli.offline.frames import FRAMES_MAX, Collector, FrameError, FrameType, split
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.qr_codes import make_qr, qr_png, read_qr

MESSAGE = bytes(range(256)) * 3
contents = st.binary(max_size=INPUT_BYTES_MAX)


def collect(frames: list[str], collector: Collector | None = None) -> tuple[FrameType, bytes] | None:
    collector = collector or Collector()
    whole = None
    for frame in frames:
        whole = collector.take(frame) or whole
    return whole


@settings(max_examples=50, deadline=None)
@given(contents, st.sampled_from(FrameType), st.integers(240, 1_850), st.randoms(use_true_random=False))
def test_any_order_with_any_repetition_gives_the_message(
    content: bytes, kind: FrameType, frame_bytes: int, order: random.Random
) -> None:
    frames = split(content, kind, frame_bytes=frame_bytes)
    shown = frames + [order.choice(frames) for _ in range(5)]
    order.shuffle(shown)
    assert collect(shown) == (kind, content)


@settings(max_examples=50, deadline=None)
@given(contents, st.data())
def test_nothing_partial_leaves_the_collector(content: bytes, data: st.DataObject) -> None:
    frames = split(content, FrameType.CBOR)
    missing = data.draw(st.integers(0, len(frames) - 1))
    rest = [frame for place, frame in enumerate(frames) if place != missing]
    collector = Collector()
    assert collect(rest * 2, collector) is None
    assert collect([frames[missing]], collector) == (FrameType.CBOR, content)
    assert collector.progress == (0, 0)


def test_another_message_between_two_frames_begins_anew() -> None:
    first, second = split(MESSAGE, FrameType.CBOR), split(MESSAGE[::-1], FrameType.CBOR)
    collector = Collector()
    collector.take(first[0])
    collector.take(first[1])
    assert collector.take(second[0]) is None
    assert collector.progress == (1, len(second))
    assert collect(second[1:], collector) == (FrameType.CBOR, MESSAGE[::-1])


def test_an_equal_frame_changes_nothing() -> None:
    frames = split(MESSAGE, FrameType.CBOR)
    collector = Collector()
    for _ in range(3):
        assert collector.take(frames[0]) is None
    assert collector.progress == (1, len(frames))


def test_frames_are_those_of_the_format() -> None:
    frames = split(bytes(241), FrameType.CBOR)
    assert [len(frame) for frame in frames] == [392, 10]
    assert frames[0].startswith("B$2C0200")
    assert frames[1] == "B$2C0201AA"
    assert split(b"{}", FrameType.JSON) == ["B$2J0100PN6Q"]


def test_a_message_that_needs_too_many_frames_is_refused() -> None:
    assert len(split(bytes(FRAMES_MAX * 240), FrameType.CBOR)) == FRAMES_MAX
    with pytest.raises(FrameError, match="17 frames"):
        split(bytes(FRAMES_MAX * 240 + 1), FrameType.CBOR)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "A$2C0100AA",
        "B$ZC0100AA",
        "B$2X0100AA",
        "B$2C0000AA",
        "B$2C0H00AA",
        "B$2C0101AA",
        "B$2C01-1AA",
        "B$2C0100A",
        "B$2C0100aa",
        "B$2C0100AB",
        "B$2C0100A1",
        "B$2C0200AA",
        "B$2C0100" + "A" * 4_000,
    ],
)
def test_what_is_no_frame_is_refused_and_changes_nothing(text: str) -> None:
    frames = split(MESSAGE, FrameType.CBOR)
    collector = Collector()
    collector.take(frames[0])
    with pytest.raises(FrameError):
        collector.take(text)
    assert collect(frames[1:], collector) == (FrameType.CBOR, MESSAGE)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=500))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    collector = Collector()
    try:
        collector.take("B$2C" + text)
    except FrameError:
        assert collector.progress == (0, 0)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_every_kind_of_message_goes_through_pictures_and_files_unchanged(row: Size, tmp_path: Path) -> None:
    content = encode_message(row.message)
    texts = []
    for place, frame in enumerate(split(content, FrameType.CBOR)):
        path = tmp_path / f"{place}.png"
        path.write_bytes(qr_png(make_qr(frame, version=10)))
        texts += read_qr(path)
    assert collect(texts) == (FrameType.CBOR, content)
    path = tmp_path / file_name("payment", content)
    write_message_file(path, content)
    assert read_message_file(path) == content
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_that_are_no_messages_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageRefused, match="cannot be read"):
        read_message_file(tmp_path / "nothing.sycee")
    (tmp_path / "long.sycee").write_bytes(bytes(INPUT_BYTES_MAX + 1))
    with pytest.raises(UsageRefused, match="longer than"):
        read_message_file(tmp_path / "long.sycee")
    with pytest.raises(UsageRefused, match="cannot be written"):
        write_message_file(tmp_path / "no" / "such" / "folder.sycee", b"")


def test_a_file_is_named_by_kind_and_content() -> None:
    assert file_name("invoice", b"abc") == "invoice-4e03657a.sycee"

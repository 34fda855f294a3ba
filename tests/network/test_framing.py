"""Frames: any split gives the same frames, and a bad head is found before its payload."""

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.channels import Channel, channel_table
from network.errors import FrameTooLong, UnknownChannel
from network.framing import HEAD_BYTES, FrameReader, encode_frame

TABLE = channel_table()
FRAMES = st.lists(st.tuples(st.sampled_from(Channel), st.binary(max_size=300)), max_size=8)
VECTORS = Path(__file__).parent.parent / "vectors" / "network"


@settings(max_examples=50)
@given(frames=FRAMES, cuts=st.lists(st.integers(min_value=0, max_value=2_500), max_size=10))
def test_frames_survive_any_way_of_cutting_the_stream(frames: list[tuple[Channel, bytes]], cuts: list[int]) -> None:
    stream = b"".join(encode_frame(channel, payload) for channel, payload in frames)
    reader = FrameReader(TABLE)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    received = [frame for start, end in itertools.pairwise(edges) for frame in reader.feed(stream[start:end])]
    assert received == frames
    assert reader.pending_bytes == 0


def test_frames_survive_a_cut_at_every_byte_and_single_bytes() -> None:
    frames = [(Channel.VOTES, b"abc"), (Channel.STATUS, b""), (Channel.CHUNKS, bytes(40))]
    stream = b"".join(encode_frame(*frame) for frame in frames)
    for cut in range(len(stream) + 1):
        reader = FrameReader(TABLE)
        assert reader.feed(stream[:cut]) + reader.feed(stream[cut:]) == frames
    reader = FrameReader(TABLE)
    assert [frame for byte in stream for frame in reader.feed(bytes([byte]))] == frames


@pytest.mark.parametrize("channel", list(Channel))
def test_a_payload_of_exactly_the_cap_passes_and_one_byte_more_is_refused_at_its_head(channel: Channel) -> None:
    cap = TABLE[channel].payload_bytes_max
    assert FrameReader(TABLE).feed(encode_frame(channel, bytes(cap))) == [(channel, bytes(cap))]
    with pytest.raises(FrameTooLong) as caught:
        FrameReader(TABLE).feed(encode_frame(channel, bytes(cap + 1))[:HEAD_BYTES])
    assert (caught.value.payload_bytes, caught.value.payload_bytes_max) == (cap + 1, cap)


def test_the_last_channel_is_known_and_the_next_is_not() -> None:
    assert FrameReader(TABLE).feed(b"\x00\x00\x00\x00\x0a") == [(Channel.EVIDENCE, b"")]
    with pytest.raises(UnknownChannel):
        FrameReader(TABLE).feed(b"\x00\x00\x00\x00\x0b")


def test_a_reader_keeps_no_more_than_the_incomplete_frame() -> None:
    reader = FrameReader(TABLE)
    whole = encode_frame(Channel.VOTES, bytes(100))
    assert len(reader.feed(whole * 10 + whole[:50])) == 10
    assert reader.pending_bytes == 50


def test_frame_bytes_are_golden() -> None:
    for vector in json.loads((VECTORS / "frames.json").read_text()):
        frame = encode_frame(Channel(vector["channel"]), bytes.fromhex(vector["payload"]))
        assert frame.hex() == vector["frame"]

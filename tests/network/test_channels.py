"""The table of channels, the token bucket, and what full queues do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from network.channels import Channel, ChannelTable, Quota, TokenBucket, Unit, channel_table, with_queues_divided
from network.outbox import Outbox

TABLE = channel_table()


def test_the_table_is_indexed_by_channel_and_lets_every_full_frame_through() -> None:
    assert [spec.channel for spec in TABLE] == list(Channel)
    for spec in TABLE:
        assert spec.quota.unit is Unit.FRAMES or spec.quota.burst >= spec.payload_bytes_max
        assert spec.queue.unit is Unit.FRAMES or spec.queue.limit >= spec.payload_bytes_max


def test_followers_reach_no_consensus_channel() -> None:
    closed = [spec.channel for spec in TABLE if not spec.is_open_to_followers]
    assert closed == [Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS, Channel.CHUNKS, Channel.STATUS]


def test_the_queue_of_chunks_holds_a_whole_body() -> None:
    assert channel_table(block_bytes_max=5_000_000)[Channel.CHUNKS].queue.limit == 5_000_000 + 1024 * 1024


def test_a_bucket_gives_its_burst_then_its_rate_and_not_one_more() -> None:
    bucket = TokenBucket(Quota(Unit.FRAMES, per_second=4, burst=3), now_ms=1_000)
    assert [bucket.is_within(1, 1_000) for _ in range(4)] == [True, True, True, False]
    assert not bucket.is_within(1, 1_249)
    assert bucket.is_within(1, 1_250)
    assert not bucket.is_within(1, 1_250)
    assert [bucket.is_within(1, 99_000) for _ in range(4)] == [True, True, True, False]


@settings(max_examples=50)
@given(steps=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=60))
def test_a_bucket_never_admits_more_than_burst_and_rate(steps: list[tuple[int, int]]) -> None:
    bucket = TokenBucket(Quota(Unit.BYTES, per_second=7, burst=5), now_ms=0)
    now_ms = admitted = 0
    for pause_ms, units in steps:
        now_ms += pause_ms
        if bucket.is_within(units, now_ms):
            admitted += units
    assert admitted * 1_000 <= 5_000 + 7 * now_ms


def drain(outbox: Outbox) -> list[bytes]:
    frames = []
    while outbox.queued_frames:
        frames.append(outbox.take(1))
    return frames


def small(divisor: int) -> ChannelTable:
    return with_queues_divided(TABLE, divisor)


def test_older_views_make_room_and_newer_ones_stay() -> None:
    outbox = Outbox(TABLE)  # four proposals
    for view in (5, 3, 6, 3):
        assert outbox.push(Channel.PROPOSALS, b"%d" % view, view)
    assert outbox.push(Channel.PROPOSALS, b"7", 7)
    assert not outbox.push(Channel.PROPOSALS, b"late 3", 3)
    assert outbox.dropped_by_channel() == {Channel.PROPOSALS: 2}
    assert drain(outbox) == [b"5", b"6", b"3", b"7"]


def test_large_chunks_push_out_as_many_older_ones_as_they_need() -> None:
    outbox = Outbox(small(1024))  # 3 KiB of chunks
    for view in range(6):
        assert outbox.push(Channel.CHUNKS, bytes([view]) * 512, view)
    assert outbox.push(Channel.CHUNKS, bytes([9]) * 1024, 9)
    assert [frame[0] for frame in drain(outbox)] == [2, 3, 4, 5, 9]
    assert outbox.queued_frames == 0


def test_the_newest_status_stays() -> None:
    outbox = Outbox(TABLE)
    assert all(outbox.push(Channel.STATUS, status, 0) for status in (b"1", b"2", b"3"))
    assert outbox.dropped_by_channel() == {Channel.STATUS: 2}
    assert drain(outbox) == [b"3"]


@pytest.mark.parametrize("channel", [Channel.REQUESTS, Channel.ATTESTATION, Channel.EVIDENCE, Channel.CONTROL])
def test_other_full_queues_refuse_the_new_frame(channel: Channel) -> None:
    outbox = Outbox(TABLE)
    limit = TABLE[channel].queue.limit
    assert all(outbox.push(channel, b"%d" % number, 0) for number in range(limit))
    assert not outbox.push(channel, b"one more", 99)
    assert outbox.queued_by_channel() == {channel: limit}
    assert drain(outbox)[-1] == b"%d" % (limit - 1)


def test_an_empty_queue_takes_a_frame_larger_than_its_bound() -> None:
    outbox = Outbox(small(10_000_000))
    assert outbox.push(Channel.REPLIES, bytes(100), 0)
    assert not outbox.push(Channel.REPLIES, b"", 0)


def test_frames_leave_by_priority_then_age() -> None:
    outbox = Outbox(TABLE)
    for channel in reversed(Channel):
        outbox.push(channel, b"%d " % channel, 0)
    outbox.push(Channel.VOTES, b"1' ", 0)
    assert outbox.take(1_000_000) == b"0 1 1' 2 3 5 4 7 8 9 10 6 "
    assert outbox.take(1_000_000) == b""


@settings(max_examples=50)
@given(
    pushes=st.lists(st.tuples(st.sampled_from(list(Channel)), st.integers(0, 5), st.integers(0, 2_000)), max_size=80),
    bytes_max=st.integers(1, 5_000),
)
def test_an_outbox_counts_what_it_holds(pushes: list[tuple[Channel, int, int]], bytes_max: int) -> None:
    table = small(2048)
    outbox = Outbox(table)
    for channel, urgency, frame_bytes in pushes:
        outbox.push(channel, bytes(frame_bytes), urgency)
        assert outbox.queued_frames == sum(outbox.queued_by_channel().values())
    queued = outbox.queued_frames
    assert queued + sum(outbox.dropped_by_channel().values()) == len(pushes)
    for _ in range(queued):
        assert len(outbox.take(bytes_max)) < bytes_max + 2_000
    assert outbox.queued_frames == 0

"""One link without sockets: what may arrive when, and what time does to it."""

import pytest

from network.channels import Channel
from network.errors import (
    ForbiddenChannel,
    HandshakeTimeout,
    LinkError,
    MalformedControl,
    PeerSilent,
    PeerStuck,
    UnexpectedFrame,
)
from network.framing import encode_frame
from network.hello import Role
from network.session import LinkSession, LinkTimings, is_dialer
from tests.network.support import identity, local_node

ALICE, BOB, FOLLOWER = identity(1)[1], identity(2)[1], identity(3, Role.FOLLOWER)[1]
TIMINGS = LinkTimings()


def pair(peer_role: Role = Role.VALIDATOR) -> tuple[LinkSession, LinkSession]:
    peer = BOB if peer_role is Role.VALIDATOR else FOLLOWER
    return (
        LinkSession(local_node(ALICE, timings=TIMINGS), peer, now_ms=0),
        LinkSession(local_node(peer, timings=TIMINGS), ALICE, now_ms=0),
    )


def exchange(first: LinkSession, second: LinkSession, now_ms: int) -> None:
    while first.outbox.queued_frames or second.outbox.queued_frames:
        second.receive(first.outbox.take(10_000), now_ms)
        first.receive(second.outbox.take(10_000), now_ms)


def up(peer_role: Role = Role.VALIDATOR) -> tuple[LinkSession, LinkSession]:
    first, second = pair(peer_role)
    exchange(first, second, 3)
    assert first.up_since_ms == second.up_since_ms == 3
    return first, second


def control(payload: bytes) -> bytes:
    return encode_frame(Channel.CONTROL, payload)


def test_nothing_but_control_may_come_before_the_link_is_up() -> None:
    first, _ = pair()
    with pytest.raises(UnexpectedFrame, match="votes"):
        first.receive(encode_frame(Channel.VOTES, b""), 0)
    first, _ = up()
    first.receive(encode_frame(Channel.VOTES, b"vote"), 4)
    assert first.take_inbound() == (Channel.VOTES, b"vote")
    assert first.take_inbound() is None
    assert first.inbound_bytes == 0


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", MalformedControl),
        (b"\x05" + bytes(8), MalformedControl),
        (b"\x03" + bytes(7), MalformedControl),
        (b"\x03" + bytes(9), MalformedControl),
        (b"\x01" + bytes(8), UnexpectedFrame),
        (b"\x02", UnexpectedFrame),
    ],
)
def test_only_pings_and_pongs_are_control_once_up(payload: bytes, error: type[LinkError]) -> None:
    first, _ = up()
    with pytest.raises(error):
        first.receive(control(payload), 4)


@pytest.mark.parametrize("channel", [channel for channel in Channel if channel is not Channel.CONTROL])
def test_followers_are_kept_off_consensus_channels(channel: Channel) -> None:
    first, _ = up(Role.FOLLOWER)
    frame = encode_frame(channel, b"")
    if channel in (Channel.VOTES, Channel.CERTIFICATES, Channel.PROPOSALS, Channel.CHUNKS, Channel.STATUS):
        with pytest.raises(ForbiddenChannel):
            first.receive(frame, 4)
    else:
        first.receive(frame, 4)
        assert first.has_inbound


def test_a_handshake_ends_in_time_or_not_at_all() -> None:
    first, _ = pair()
    first.tick(TIMINGS.handshake_ms - 1)
    with pytest.raises(HandshakeTimeout):
        first.tick(TIMINGS.handshake_ms)


def test_pings_measure_the_round_trip() -> None:
    first, second = up()
    first.tick(3 + TIMINGS.ping_every_ms - 1)
    assert not first.outbox.queued_frames
    now_ms = 3 + TIMINGS.ping_every_ms
    first.tick(now_ms)
    second.receive(first.outbox.take(1), now_ms + 20)
    first.receive(second.outbox.take(1), now_ms + 40)
    assert first.round_trip_ms == 40


def test_an_answer_to_a_ping_never_sent_measures_nothing() -> None:
    first, second = pair()
    exchange(first, second, 3)
    assert first.round_trip_ms == 0
    first.receive(control(b"\x04" + bytes(8)), 900)
    assert first.round_trip_ms == 0


def test_silence_ends_a_link_at_its_limit_and_any_byte_breaks_it() -> None:
    first, _ = up()
    first.tick(3 + TIMINGS.silence_max_ms - 1)
    first.receive(b"\x00", 3 + TIMINGS.silence_max_ms - 1)
    first.tick(3 + TIMINGS.silence_max_ms)
    with pytest.raises(PeerSilent):
        first.tick(2 + 2 * TIMINGS.silence_max_ms)


def test_a_peer_that_takes_no_control_frames_is_given_up() -> None:
    first, _ = up()
    now_ms = 3
    with pytest.raises(PeerStuck):
        for _ in range(10):
            now_ms += TIMINGS.ping_every_ms
            first.receive(encode_frame(Channel.VOTES, b"it still sends"), now_ms)
            first.tick(now_ms)


def test_exactly_one_of_two_dials_and_followers_always_do() -> None:
    assert is_dialer(ALICE, BOB) == (ALICE.key < BOB.key)
    assert is_dialer(ALICE, BOB) != is_dialer(BOB, ALICE)
    assert is_dialer(FOLLOWER, ALICE)
    assert not is_dialer(ALICE, FOLLOWER)

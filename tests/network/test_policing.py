"""Bans, quotas over time, and the listener's door."""

import pytest

from network.channels import Channel, channel_table
from network.errors import NotAllowed, PeerBanned, QuotaExceeded, TooManyHandshakes
from network.policing import (
    ADDRESSES_REMEMBERED_MAX,
    BAN_FIRST_MS,
    BAN_FORGOTTEN_MS,
    BAN_MAX_MS,
    HANDSHAKE_FAILURES_MAX,
    HANDSHAKE_WINDOW_MS,
    HANDSHAKES_IN_FLIGHT_MAX,
    QUOTA_EXCESS_MAX_MS,
    InboundPolice,
    ListenerDoor,
    PeerBook,
)
from network.transport import PeerEntry
from tests.network.support import identity

ALICE, BOB = (PeerEntry(identity(number)[1]) for number in (1, 2))
TABLE = channel_table()


def test_only_listed_peers_are_allowed() -> None:
    book = PeerBook([ALICE])
    assert book.validate_allowed(ALICE.identity.key, 0) == ALICE
    with pytest.raises(NotAllowed):
        book.validate_allowed(BOB.identity.key, 0)
    assert book.ban(BOB.identity.key, 0) == 0


def test_bans_end_double_and_have_a_longest() -> None:
    book, key, now_ms = PeerBook([ALICE]), ALICE.identity.key, 0
    lengths = []
    for _ in range(7):
        length_ms = book.ban(key, now_ms)
        lengths.append(length_ms // 60_000)
        assert book.ban(key, now_ms + 1) == length_ms - 1
        with pytest.raises(PeerBanned):
            book.validate_allowed(key, now_ms + length_ms - 1)
        now_ms += length_ms
        assert book.validate_allowed(key, now_ms) == ALICE
    assert lengths == [10, 20, 40, 80, 160, 240, 240]
    assert BAN_MAX_MS == 240 * 60_000
    assert book.ban(key, now_ms + BAN_FORGOTTEN_MS + 1) == BAN_FIRST_MS


def test_a_ban_outlives_a_change_of_the_list() -> None:
    book = PeerBook([ALICE, BOB])
    book.ban(ALICE.identity.key, 0)
    book.replace([BOB])
    book.replace([ALICE, BOB])
    assert book.banned_for_ms(ALICE.identity.key, 1) == BAN_FIRST_MS - 1


def flood(police: InboundPolice, *, from_ms: int, until_ms: int) -> int:
    """Send two requests per millisecond; return how many passed."""
    return sum(
        police.is_within_quota(Channel.REQUESTS, 10, now_ms) for now_ms in range(from_ms, until_ms) for _ in range(2)
    )


def test_excess_is_dropped_and_becomes_misbehaviour_after_ten_seconds() -> None:
    police = InboundPolice(TABLE, now_ms=0)
    assert flood(police, from_ms=0, until_ms=QUOTA_EXCESS_MAX_MS) == 64 + 64 * 10 - 1
    assert police.over_quota_frames[Channel.REQUESTS] == 20_000 - 703
    with pytest.raises(QuotaExceeded):
        flood(police, from_ms=QUOTA_EXCESS_MAX_MS, until_ms=QUOTA_EXCESS_MAX_MS + 100)


def test_excess_with_a_calm_moment_is_not_misbehaviour() -> None:
    police = InboundPolice(TABLE, now_ms=0)
    flood(police, from_ms=0, until_ms=9_000)
    flood(police, from_ms=10_500, until_ms=20_000)


def test_empty_frames_are_not_free_where_bytes_count() -> None:
    police = InboundPolice(TABLE, now_ms=0)
    passed = sum(police.is_within_quota(Channel.TRANSACTIONS, 0, 0) for _ in range(40_000))
    assert passed == 8 * 1024 * 1024 // 256


def test_the_door_admits_so_many_at_a_time() -> None:
    door = ListenerDoor()
    for number in range(HANDSHAKES_IN_FLIGHT_MAX):
        door.enter(f"address {number}", 0)
    with pytest.raises(TooManyHandshakes):
        door.enter("another", 0)
    door.leave("address 0", 0, has_failed=False)
    door.enter("another", 0)


def test_an_address_that_fails_repeatedly_waits() -> None:
    door = ListenerDoor()
    for _ in range(HANDSHAKE_FAILURES_MAX):
        door.enter("bad", 100)
        door.leave("bad", 100, has_failed=True)
    with pytest.raises(TooManyHandshakes):
        door.enter("bad", 99 + HANDSHAKE_WINDOW_MS)
    door.enter("good", 100)
    door.enter("bad", 100 + HANDSHAKE_WINDOW_MS)


def test_the_door_remembers_a_bounded_number_of_addresses() -> None:
    door = ListenerDoor()
    for number in range(2 * ADDRESSES_REMEMBERED_MAX):
        door.enter(str(number), 0)
        door.leave(str(number), 0, has_failed=True)
    assert len(door._failures) == ADDRESSES_REMEMBERED_MAX

"""Who may talk to us, and how much. Pure: time is passed in.

For: the allow-list with its bans, the inbound quotas of one link, and the door of the listener.
Misbehaviour is what an honest peer cannot do; being slow or gone never is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from network.channels import Channel, ChannelTable, TokenBucket, Unit
from network.errors import NotAllowed, PeerBanned, QuotaExceeded, TooManyHandshakes
from network.transport import PeerEntry, PeerKey

FRAME_COST_BYTES_MIN = 256
"""Bytes a quota of bytes charges at least for a frame: empty frames cost processor time, not bandwidth."""

BAN_FIRST_MS = 10 * 60 * 1_000
"""Milliseconds of a first ban: long enough to stop a flood, short enough for a bank that fixed its node."""

BAN_MAX_MS = 4 * 60 * 60 * 1_000
"""Milliseconds of the longest ban: within a working day everybody gets another chance."""

BAN_FORGOTTEN_MS = 24 * 60 * 60 * 1_000
"""Milliseconds of good conduct after a ban's end until the next one is a first one again."""

QUOTA_EXCESS_MAX_MS = 10_000
"""Milliseconds over quota that make misbehaviour: a burst after a pause passes, a flood does not."""

QUOTA_CALM_MS = 1_000
"""Milliseconds without a dropped frame that end a stretch of excess; quotas are per second."""

HANDSHAKES_IN_FLIGHT_MAX = 16
"""Inbound handshakes at one time: each costs about 5 ms of processor and up to 5 s of memory."""

HANDSHAKE_FAILURES_MAX = 4
"""Failed handshakes of one address within the window: several banks may share an address behind a gateway."""

HANDSHAKE_WINDOW_MS = 5_000
"""Milliseconds for which failures of an address are remembered."""

ADDRESSES_REMEMBERED_MAX = 1_024
"""Addresses with failures kept at one time; beyond it the oldest is forgotten, so memory stays bounded."""


@dataclass(frozen=True, slots=True)
class _Ban:
    until_ms: int
    length_ms: int


class PeerBook:
    """The allow-list and the bans on it. A ban outlives a change of the list."""

    __slots__ = ("_bans", "_entries")

    def __init__(self, peers: Sequence[PeerEntry]) -> None:
        self._bans: dict[PeerKey, _Ban] = {}
        self._entries: dict[PeerKey, PeerEntry] = {}
        self.replace(peers)

    def replace(self, peers: Sequence[PeerEntry]) -> None:
        """Allow exactly `peers` from now on."""
        self._entries = {entry.identity.key: entry for entry in sorted(peers, key=lambda entry: entry.identity.key)}
        assert len(self._entries) == len(peers), "a TLS key is listed twice"

    def entries(self) -> tuple[PeerEntry, ...]:
        """Return the allowed peers in ascending order of their keys."""
        return tuple(self._entries.values())

    def keys(self) -> tuple[PeerKey, ...]:
        """Return the allowed keys in ascending order."""
        return tuple(self._entries)

    def get(self, key: PeerKey) -> PeerEntry | None:
        """Return the entry of an allowed peer, None for any other key."""
        return self._entries.get(key)

    def validate_allowed(self, key: PeerKey, now_ms: int) -> PeerEntry:
        """Return the entry of a peer that may have a link now.

        Raises: NotAllowed, PeerBanned.
        """
        entry = self._entries.get(key)
        if entry is None:
            raise NotAllowed(key)
        left_ms = self.banned_for_ms(key, now_ms)
        if left_ms > 0:
            raise PeerBanned(left_ms=left_ms)
        return entry

    def banned_for_ms(self, key: PeerKey, now_ms: int) -> int:
        """Return for how many milliseconds `key` is still refused; 0 if it is not."""
        ban = self._bans.get(key)
        return max(0, ban.until_ms - now_ms) if ban is not None else 0

    def ban(self, key: PeerKey, now_ms: int) -> int:
        """Refuse an allowed peer from now on and return for how many milliseconds.

        Each ban is twice as long as the one before, until a long time of good conduct.
        """
        if key not in self._entries:
            return 0
        last = self._bans.get(key)
        if last is None or now_ms - last.until_ms > BAN_FORGOTTEN_MS:
            length_ms = BAN_FIRST_MS
        elif now_ms < last.until_ms:
            return last.until_ms - now_ms
        else:
            length_ms = min(2 * last.length_ms, BAN_MAX_MS)
        self._bans[key] = _Ban(now_ms + length_ms, length_ms)
        return length_ms


class InboundPolice:
    """The quotas of one link."""

    __slots__ = ("_buckets", "_counts_bytes", "_excess_last_ms", "_excess_since_ms", "over_quota_frames")

    def __init__(self, table: ChannelTable, *, now_ms: int) -> None:
        self._buckets = tuple(TokenBucket(spec.quota, now_ms=now_ms) for spec in table)
        self._counts_bytes = tuple(spec.quota.unit is Unit.BYTES for spec in table)
        self._excess_since_ms: dict[Channel, int] = {}
        self._excess_last_ms: dict[Channel, int] = {}
        self.over_quota_frames: dict[Channel, int] = {}
        """Frames dropped so far, by channel."""

    def is_within_quota(self, channel: Channel, payload_bytes: int, now_ms: int) -> bool:
        """Tell whether a frame may pass; one that may not is counted and must be dropped.

        Raises: QuotaExceeded when the channel has been over its quota for `QUOTA_EXCESS_MAX_MS`.
        """
        cost = max(payload_bytes, FRAME_COST_BYTES_MIN) if self._counts_bytes[channel] else 1
        if self._buckets[channel].is_within(cost, now_ms):
            return True
        self.over_quota_frames[channel] = self.over_quota_frames.get(channel, 0) + 1
        last_ms = self._excess_last_ms.get(channel)
        self._excess_last_ms[channel] = now_ms
        if last_ms is None or now_ms - last_ms > QUOTA_CALM_MS:
            self._excess_since_ms[channel] = now_ms
            return False
        lasted_ms = now_ms - self._excess_since_ms[channel]
        if lasted_ms >= QUOTA_EXCESS_MAX_MS:
            raise QuotaExceeded(channel=channel.name.lower(), lasted_ms=lasted_ms)
        return False


class ListenerDoor:
    """Decides which inbound connections get a handshake at all."""

    __slots__ = ("_failures", "_in_flight")

    def __init__(self) -> None:
        self._in_flight = 0
        self._failures: dict[str, tuple[int, int]] = {}  # address -> (first failure in ms, failures)

    def enter(self, address: str, now_ms: int) -> None:
        """Begin a handshake with `address`; `leave` must follow.

        Raises: TooManyHandshakes if too many run, or if the address failed too often a moment ago.
        """
        if self._in_flight >= HANDSHAKES_IN_FLIGHT_MAX:
            raise TooManyHandshakes(f"{self._in_flight} handshakes are in flight")
        since_ms, failures = self._failures.get(address, (now_ms, 0))
        if now_ms - since_ms >= HANDSHAKE_WINDOW_MS:
            self._failures.pop(address, None)
        elif failures >= HANDSHAKE_FAILURES_MAX:
            raise TooManyHandshakes(f"{failures} handshakes failed within {HANDSHAKE_WINDOW_MS} ms")
        self._in_flight += 1

    def leave(self, address: str, now_ms: int, *, has_failed: bool) -> None:
        """End a handshake."""
        assert self._in_flight > 0
        self._in_flight -= 1
        if not has_failed:
            return
        if address not in self._failures and len(self._failures) >= ADDRESSES_REMEMBERED_MAX:
            del self._failures[next(iter(self._failures))]
        since_ms, failures = self._failures.get(address, (now_ms, 0))
        self._failures[address] = (since_ms, failures + 1)

"""The channels of the mesh as one table, and the bounds each of them keeps.

For: what may travel on a link, how large, how often, and what happens when a queue is full. Pure: time is passed in.
Never knows what a payload means; the only hint a sender gives is an urgency (for consensus frames: the view).
"""

from dataclasses import dataclass, replace
from enum import Enum, IntEnum, auto

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024

BLOCK_BYTES_MAX_DEFAULT = 2 * MEBIBYTE
"""Bytes of the largest block body a network without its own setting carries; sizes the queue of chunks."""

REPLY_HEADROOM_BYTES = 64 * KIBIBYTE
"""What a reply holds beside the largest body: a header and a finalization by a hundred validators, 10 KiB together."""


class Channel(IntEnum):
    """A channel's id as it stands in every frame."""

    CONTROL = 0
    """Hello, acknowledgement, ping. Used by the network itself; nobody else may send on it."""
    VOTES = 1
    CERTIFICATES = 2
    PROPOSALS = 3
    CHUNKS = 4
    STATUS = 5
    TRANSACTIONS = 6
    """Transactions and announcements of waiting ones."""
    REQUESTS = 7
    """Asks for bodies, certificates, blocks, snapshots."""
    REPLIES = 8
    ATTESTATION = 9
    EVIDENCE = 10


class Unit(Enum):
    """What a bound counts."""

    FRAMES = auto()
    BYTES = auto()


class WhenFull(Enum):
    """What an outbound queue does with a frame for which there is no room."""

    CLOSE_LINK = auto()
    """The peer does not even take control frames: give the link up."""
    OLDER_MAKE_ROOM = auto()
    """Drop queued frames of lower urgency, lowest first; if there are none, drop the new one."""
    NEWEST_STAYS = auto()
    """Each frame replaces what waits: only the latest is worth sending."""
    REFUSE_NEW = auto()
    """Keep what waits, drop the new frame and tell the sender so."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one peer may send us on one channel."""

    unit: Unit
    """What is counted. Bytes count the payload alone."""
    per_second: int
    """Units that come back every second."""
    burst: int
    """Units that may come at once after a pause; at least one full frame."""


@dataclass(frozen=True, slots=True)
class QueueBound:
    """How much may wait for one peer on one channel."""

    unit: Unit
    """What is counted. Bytes count whole frames."""
    limit: int
    """Units that may wait; a single frame is always taken by an empty queue."""
    when_full: WhenFull
    """What gives way."""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One line of the table."""

    channel: Channel
    """The id in the frame."""
    payload_bytes_max: int
    """Cap of one payload. A longer announced length is misbehaviour, found before the payload is read."""
    quota: Quota
    """Inbound, per peer."""
    queue: QueueBound
    """Outbound, per peer."""
    priority: int
    """Lower numbers leave first."""
    is_open_to_followers: bool
    """Whether a follower may send on it. Consensus channels are for validators."""


ChannelTable = tuple[ChannelSpec, ...]
"""All channels, indexed by their id."""


def _frames(limit: int, when_full: WhenFull) -> QueueBound:
    return QueueBound(Unit.FRAMES, limit, when_full)


def _bytes(limit: int, when_full: WhenFull) -> QueueBound:
    return QueueBound(Unit.BYTES, limit, when_full)


def _per_second(frames: int, burst: int) -> Quota:
    return Quota(Unit.FRAMES, frames, burst)


def channel_table(*, block_bytes_max: int = BLOCK_BYTES_MAX_DEFAULT) -> ChannelTable:
    """Return the table for a network whose block bodies have at most `block_bytes_max` bytes.

    The figures are those of the mesh's design: twice as much lets one peer hold twice the memory or processor time,
    half as much drops frames that an honest validator sends in a busy second.
    """
    older, refuse = WhenFull.OLDER_MAKE_ROOM, WhenFull.REFUSE_NEW
    # A range of blocks holds at least one block, however large.
    reply_bytes_max = max(MEBIBYTE, block_bytes_max + REPLY_HEADROOM_BYTES)
    return (
        ChannelSpec(
            Channel.CONTROL, KIBIBYTE, _per_second(2, 8), _frames(8, WhenFull.CLOSE_LINK), 0, is_open_to_followers=True
        ),
        ChannelSpec(Channel.VOTES, 512, _per_second(256, 512), _frames(1_024, older), 0, is_open_to_followers=False),
        ChannelSpec(
            Channel.CERTIFICATES,
            8 * KIBIBYTE,
            _per_second(256, 512),
            _frames(256, older),
            0,
            is_open_to_followers=False,
        ),
        ChannelSpec(
            Channel.PROPOSALS, 64 * KIBIBYTE, _per_second(16, 32), _frames(4, older), 1, is_open_to_followers=False
        ),
        ChannelSpec(
            Channel.CHUNKS,
            66 * KIBIBYTE,
            _per_second(512, 512),
            _bytes(block_bytes_max + MEBIBYTE, older),
            2,
            is_open_to_followers=False,
        ),
        ChannelSpec(
            Channel.STATUS,
            8 * KIBIBYTE,
            _per_second(2, 4),
            _frames(1, WhenFull.NEWEST_STAYS),
            1,
            is_open_to_followers=False,
        ),
        ChannelSpec(
            Channel.TRANSACTIONS,
            128 * KIBIBYTE,
            Quota(Unit.BYTES, 8 * MEBIBYTE, 8 * MEBIBYTE),
            _bytes(4 * MEBIBYTE, refuse),
            4,
            is_open_to_followers=True,
        ),
        ChannelSpec(
            Channel.REQUESTS, 8 * KIBIBYTE, _per_second(64, 64), _frames(64, refuse), 2, is_open_to_followers=True
        ),
        # Replies answer own requests, so their quota mirrors that of requests; whoever asks checks the request's id.
        ChannelSpec(
            Channel.REPLIES,
            reply_bytes_max,
            _per_second(64, 64),
            _bytes(max(4 * MEBIBYTE, 2 * reply_bytes_max), refuse),
            3,
            is_open_to_followers=True,
        ),
        ChannelSpec(
            Channel.ATTESTATION, 8 * KIBIBYTE, _per_second(16, 16), _frames(64, refuse), 3, is_open_to_followers=True
        ),
        ChannelSpec(
            Channel.EVIDENCE, 17 * KIBIBYTE, _per_second(4, 8), _frames(64, refuse), 3, is_open_to_followers=True
        ),
    )


def with_queues_divided(table: ChannelTable, divisor: int) -> ChannelTable:
    """Return the table with every outbound bound but that of control divided by `divisor`, at least one unit.

    Small queues find what large ones hide. The remainder of the division is dropped: the bound only gets tighter.
    """
    return tuple(
        spec
        if spec.channel is Channel.CONTROL
        else replace(spec, queue=replace(spec.queue, limit=max(1, spec.queue.limit // divisor)))
        for spec in table
    )


class TokenBucket:
    """Admit so many units a second and a burst after a pause. Integer arithmetic, no drift."""

    __slots__ = ("_burst_milli", "_filled_ms", "_per_ms_milli", "_tokens_milli")

    def __init__(self, quota: Quota, *, now_ms: int) -> None:
        # A thousandth of a unit per millisecond is one unit per second: no division, so no remainder is lost.
        self._per_ms_milli = quota.per_second
        self._burst_milli = quota.burst * 1_000
        self._tokens_milli = self._burst_milli
        self._filled_ms = now_ms

    def is_within(self, units: int, now_ms: int) -> bool:
        """Take `units` if they are there and tell whether they were; `now_ms` must not go back."""
        tokens_milli = self._tokens_milli
        elapsed_ms = now_ms - self._filled_ms
        if elapsed_ms > 0:
            self._filled_ms = now_ms
            tokens_milli += elapsed_ms * self._per_ms_milli
            if tokens_milli > self._burst_milli:
                tokens_milli = self._burst_milli
        cost_milli = units * 1_000
        if cost_milli > tokens_milli:
            self._tokens_milli = tokens_milli
            return False
        self._tokens_milli = tokens_milli - cost_milli
        return True

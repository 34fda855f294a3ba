"""Length-prefixed frames, without any I/O: `u32 payload length ‖ u8 channel ‖ payload`, big-endian.

For: cutting a byte stream into payloads and back. The announced length is compared with the channel's cap as soon as
the five bytes of a head are there, so a peer can never make a reader keep more than one cap and one read of bytes.
Never looks into a payload.
"""

from struct import Struct

from network.channels import Channel, ChannelTable
from network.errors import FrameTooLong, UnknownChannel

_HEAD = Struct(">IB")

HEAD_BYTES = _HEAD.size
"""Bytes before the payload of every frame."""

_CHANNELS = tuple(Channel)
"""Members by id: an index is several times faster than calling the enumeration."""

Frame = tuple[Channel, bytes]
"""A channel and a payload."""


def encode_frame(channel: Channel, payload: bytes) -> bytes:
    """Return the bytes of one frame. The caller keeps to the cap of the channel."""
    return _HEAD.pack(len(payload), channel) + payload


class FrameReader:
    """Cuts what arrives on one link into frames.

    Source: the frame of the mesh. After an error the link is over; the reader must not be fed again.
    """

    __slots__ = ("_caps", "_pending", "_wanted_bytes")

    def __init__(self, table: ChannelTable) -> None:
        self._caps = tuple(spec.payload_bytes_max for spec in table)
        self._pending = bytearray()
        # Until the pending bytes reach this number no further frame can be complete, so large frames that
        # arrive in small pieces are gathered in linear time.
        self._wanted_bytes = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._pending)

    def feed(self, data: bytes) -> list[Frame]:
        """Take the next bytes of the stream and return every frame they complete, in order.

        Raises: UnknownChannel, FrameTooLong. Frames before the bad one are lost with the link.
        """
        if self._pending:
            self._pending += data
            if len(self._pending) < self._wanted_bytes:
                return []
            data = bytes(self._pending)
            self._pending.clear()
        frames: list[Frame] = []
        caps, channels, unpack_from = self._caps, _CHANNELS, _HEAD.unpack_from
        start, available = 0, len(data)
        while available - start >= HEAD_BYTES:
            payload_bytes, channel_id = unpack_from(data, start)
            if channel_id >= len(caps):
                raise UnknownChannel(channel_id)
            if payload_bytes > caps[channel_id]:
                raise FrameTooLong(
                    channel=channels[channel_id].name.lower(),
                    payload_bytes=payload_bytes,
                    payload_bytes_max=caps[channel_id],
                )
            payload_start = start + HEAD_BYTES
            end = payload_start + payload_bytes
            if end > available:
                self._wanted_bytes = end - start
                self._pending += data[start:]
                return frames
            frames.append((channels[channel_id], data[payload_start:end]))
            start = end
        if start < available:
            self._wanted_bytes = HEAD_BYTES
            self._pending += data[start:]
        return frames

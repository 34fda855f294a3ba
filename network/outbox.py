"""What waits to leave on one link: a bounded queue per channel, emptied by priority. Pure.

Never waits and never raises for a full queue: it says whether a frame was queued and counts those that were dropped.
"""

from collections import deque

from network.channels import Channel, ChannelSpec, ChannelTable, Unit, WhenFull


class _Queue:
    """Frames of one channel, oldest first."""

    __slots__ = ("_counts_bytes", "_frames", "_limit", "_urgencies", "_when_full", "dropped_frames", "queued_bytes")

    def __init__(self, spec: ChannelSpec) -> None:
        self._frames: deque[bytes] = deque()
        # Beside the frames, not in pairs: the least of a thousand bare integers is found five times faster.
        self._urgencies: deque[int] = deque()
        self._counts_bytes = spec.queue.unit is Unit.BYTES
        self._limit = spec.queue.limit
        self._when_full = spec.queue.when_full
        self.queued_bytes = 0
        self.dropped_frames = 0

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, frame: bytes, urgency: int) -> bool:
        """Queue a frame, if the policy finds room, and tell whether it did."""
        if self._when_full is WhenFull.NEWEST_STAYS:
            while len(self._frames) >= self._limit:
                self._drop(0)
        elif self._when_full is WhenFull.OLDER_MAKE_ROOM:
            while not self._has_room(frame) and self._drop_less_urgent_than(urgency):
                pass
        if not self._has_room(frame):
            self.dropped_frames += 1
            return False
        self._frames.append(frame)
        self._urgencies.append(urgency)
        self.queued_bytes += len(frame)
        return True

    def pop(self) -> bytes:
        """Return the frame that waited longest. The queue must not be empty."""
        self._urgencies.popleft()
        frame = self._frames.popleft()
        self.queued_bytes -= len(frame)
        return frame

    def _has_room(self, frame: bytes) -> bool:
        if not self._frames:
            return True
        if self._counts_bytes:
            return self.queued_bytes + len(frame) <= self._limit
        return len(self._frames) < self._limit

    def _drop_less_urgent_than(self, urgency: int) -> bool:
        """Drop the oldest of the least urgent frames if it is less urgent than `urgency`; tell whether one was."""
        least = min(self._urgencies)
        if least >= urgency:
            return False
        self._drop(self._urgencies.index(least))
        return True

    def _drop(self, position: int) -> None:
        self.queued_bytes -= len(self._frames[position])
        del self._frames[position]
        del self._urgencies[position]
        self.dropped_frames += 1


class Outbox:
    """Everything that waits for one peer."""

    __slots__ = ("_by_priority", "_queues", "queued_frames")

    def __init__(self, table: ChannelTable) -> None:
        self._queues = tuple(_Queue(spec) for spec in table)
        # Equal priorities keep the order of the table: control before votes before certificates.
        self._by_priority = tuple(self._queues[spec.channel] for spec in sorted(table, key=lambda spec: spec.priority))
        self.queued_frames = 0
        """Frames that wait, over all channels."""

    def push(self, channel: Channel, frame: bytes, urgency: int) -> bool:
        """Queue the bytes of a whole frame and tell whether there was room."""
        queue = self._queues[channel]
        before = len(queue)
        was_queued = queue.push(frame, urgency)
        self.queued_frames += len(queue) - before
        return was_queued

    def take(self, bytes_max: int) -> bytes:
        """Remove and return whole frames joined into one write: at least one, up to about `bytes_max` bytes.

        Empty when nothing waits. The best priority leaves first; within a channel the oldest.
        """
        batch: list[bytes] = []
        batch_bytes = 0
        for queue in self._by_priority:
            while queue:
                if batch_bytes >= bytes_max:
                    self.queued_frames -= len(batch)
                    return b"".join(batch)
                frame = queue.pop()
                batch.append(frame)
                batch_bytes += len(frame)
        self.queued_frames = 0
        return batch[0] if len(batch) == 1 else b"".join(batch)

    def queued_by_channel(self) -> dict[Channel, int]:
        """Return how many frames wait, without the channels where none does."""
        return {channel: len(queue) for channel, queue in zip(Channel, self._queues, strict=True) if queue}

    def dropped_by_channel(self) -> dict[Channel, int]:
        """Return how many frames found no room so far, without the channels where none was dropped."""
        return {
            channel: queue.dropped_frames
            for channel, queue in zip(Channel, self._queues, strict=True)
            if queue.dropped_frames
        }

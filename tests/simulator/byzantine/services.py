"""Actors that abuse what nodes do for each other: bodies, statuses, answers, evidence."""

from dataclasses import replace

from consensus.primitives.scalars import Hash32, Height, View
from consensus.simplex.messages import decode_status, encode_certificate, encode_status, status_statement
from network.channels import Channel
from network.transport import PeerKey
from node.peers.wire import (
    CHUNK_BYTES,
    BlockRange,
    Reply,
    RequestKind,
    decode_block_range,
    decode_reply,
    decode_request,
    encode_block_range,
    encode_certificates,
    encode_chunks,
    encode_reply,
)
from tests.simulator.byzantine.actor import Actor
from tests.simulator.taps import Frames

FLOOD_EVERY_US = 100_000
"""Mean time between two made-up bodies: more would only exercise the quota, which closes the link."""

OPEN_REQUESTS_REMEMBERED = 256


class ChunkFlooder(Actor):
    """Sends bodies that are oversized, endless, duplicated, false or of blocks nobody proposed."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same three as every actor
        self._seen: bytes | None = None

    def started(self) -> None:
        self.every(FLOOD_EVERY_US, self._flood)

    def takes(self, peer: PeerKey, channel: Channel, payload: bytes) -> bool:
        if channel is Channel.CHUNKS:
            self._seen = payload
        return False

    def _flood(self) -> None:
        self.deed()
        way = self.drawn.randrange(40)
        digest = Hash32(self.drawn.randbytes(32))
        if way == 0:
            # Shorter than it says: costs the link.
            self.send_all(Channel.CHUNKS, digest + (500).to_bytes(4, "big") + (0).to_bytes(2, "big") + b"short")
        elif way < 4:
            # The first chunk of a body that never ends.
            endless = digest + (2**32 - 1).to_bytes(4, "big") + (0).to_bytes(2, "big") + bytes(CHUNK_BYTES)
            self.send(self.drawn.choice(self.peers), Channel.CHUNKS, endless)
        elif way < 10 and self._seen is not None:
            self.send_all(Channel.CHUNKS, self._seen)
        elif way < 12 and self._seen is not None:
            # Another body in the place of a real one: costs the link when it is whole.
            for chunk in encode_chunks(Hash32(self._seen[:32]), self.drawn.randbytes(300)):
                self.send_all(Channel.CHUNKS, chunk)
        else:
            for chunk in encode_chunks(digest, self.drawn.randbytes(300)):
                self.send_all(Channel.CHUNKS, chunk)


class StatusLiar(Actor):
    """Claims huge heights, or an old floor, in statuses that it signs."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.STATUS:
            return ((channel, payload),)
        self.deed()
        status = decode_status(payload)
        if self.drawn.randrange(2):
            ahead = self.drawn.choice((2, 1_000, 2**62))
            lie = replace(
                status, final_height=Height(status.final_height + ahead), final_hash=Hash32(self.drawn.randbytes(32))
            )
        else:
            lie = replace(status, final_height=Height(0), final_view=View(0))
        signature = self.signature(status_statement(lie, self.epoch))
        return ((channel, encode_status(replace(lie, signature=signature))),)


class _Server(Actor):
    """Knows what each reply answers."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same three as every actor
        self._asked: dict[tuple[PeerKey, int], RequestKind] = {}

    def takes(self, peer: PeerKey, channel: Channel, payload: bytes) -> bool:
        if channel is Channel.REQUESTS:
            request = decode_request(payload)
            self._asked[peer, request.request_id] = request.kind
            while len(self._asked) > OPEN_REQUESTS_REMEMBERED:
                del self._asked[next(iter(self._asked))]
        return False

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        if channel is not Channel.REPLIES:
            return ((channel, payload),)
        reply = decode_reply(payload)
        kind = self._asked.pop((peer, reply.request_id), None)
        answer = None if kind is None else self.answer(peer, kind, reply.payload)
        if answer is None:
            return ((channel, payload),)
        self.deed()
        return ((channel, encode_reply(Reply(reply.request_id, answer))),)

    def answer(self, peer: PeerKey, kind: RequestKind, honest: bytes) -> bytes | None:
        """Return what is answered; None for the honest answer."""
        raise NotImplementedError


class BadSyncServer(_Server):
    """Answers with bodies that don't match, truncated ranges, valid data for another request, or a trickle."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self._earlier: dict[RequestKind, bytes] = {}

    def answer(self, peer: PeerKey, kind: RequestKind, honest: bytes) -> bytes | None:
        earlier = self._earlier.setdefault(kind, honest)
        way = self.drawn.randrange(6)
        if way == 0:
            return earlier
        if way == 1 and kind is RequestKind.BLOCKS and honest:
            blocks = decode_block_range(honest)
            return encode_block_range(
                BlockRange(blocks.blocks[:-1] or blocks.blocks, blocks.linking_headers, blocks.finalization)
            )
        if way == 2 and kind is RequestKind.BODY and len(honest) > 1:
            # A trickle: one byte of the body at a time.
            head = 2 + int.from_bytes(honest[:2], "big") + 4
            return honest[: head + 1]
        if way == 3 and honest:
            return honest[:-1] + bytes((honest[-1] ^ 1,))
        return b"" if way == 4 else None


class HighCertificateReplayer(_Server):
    """Answers every question for certificates, and every lagging vote, with one valid certificate far ahead."""

    def frames(self, peer: PeerKey, channel: Channel, payload: bytes) -> Frames:
        highest = self._highest()
        if channel is not Channel.CERTIFICATES or highest is None:
            return super().frames(peer, channel, payload)
        self.deed()
        return ((channel, highest),)

    def answer(self, peer: PeerKey, kind: RequestKind, honest: bytes) -> bytes | None:
        highest = self._highest()
        return encode_certificates([highest]) if kind is RequestKind.CERTIFICATES and highest is not None else None

    def _highest(self) -> bytes | None:
        assert self.node.node is not None
        state = self.node.node.machine.state
        certificate = state.floor_certificate if state.entry is None else state.entry
        return None if certificate is None else encode_certificate(certificate)


class EvidenceSpammer(Actor):
    """Sends evidence that is none."""

    def started(self) -> None:
        self.every(FLOOD_EVERY_US * 5, self._speak)

    def _speak(self) -> None:
        self.deed()
        self.send_all(Channel.EVIDENCE, self.drawn.randbytes(self.drawn.randrange(1, 600)))

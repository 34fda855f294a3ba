"""What arrives on a link: frames, the handshake, certificates of TLS, and the messages between peers."""

import random
import ssl
from collections.abc import Sequence
from dataclasses import replace

from consensus.primitives.scalars import Hash32, ValidatorIndex
from consensus.simplex.messages import MalformedConsensusMessage, decode_status, encode_status, status_statement
from network.channels import Channel, channel_table
from network.errors import LinkError, Misbehaviour, NotAllowed
from network.framing import FrameReader, encode_frame
from network.hello import (
    Handshake,
    Hello,
    Role,
    ValidatorProof,
    decode_acknowledgement,
    decode_hello,
    encode_acknowledgement,
    encode_hello,
)
from network.tls import peer_key_of_certificate, tls_identity
from node.peers import wire
from node.peers.peer_status import read_status
from node.peers.wire import MalformedMessage
from tests.consensus.simplex.keys import DOMAIN, signature
from tests.fuzz import samples
from tests.fuzz.mutators import fields_mutator, mutate_bytes, mutate_rlp
from tests.fuzz.promise import Bound, Target
from tests.network.support import identity, sign_proof, verify_proof

_TABLE = channel_table()
_OWN, _PEER = identity(1)[1], identity(2)[1]


def _frames(data: bytes) -> bytes:
    """Feed the stream in pieces, whose lengths its first byte says, and write the frames again."""
    reader = FrameReader(_TABLE)
    width = 1 + (data[0] if data else 0) % 97
    frames = [frame for at in range(0, len(data), width) for frame in reader.feed(data[at : at + width])]
    written = b"".join([encode_frame(channel, payload) for channel, payload in frames])
    # What is not complete yet is kept, and nothing more.
    assert len(written) + reader.pending_bytes == len(data)
    return written + data[len(written) :]


def _frame_seeds() -> list[bytes]:
    frames = [encode_frame(channel, bytes(range(width))) for channel in Channel for width in (0, 1, 200)]
    return [b"".join(frames), *frames[:9]]


def _hello(nonce: bytes, role: Role = Role.VALIDATOR) -> Hello:
    return Hello(
        protocol=1,
        chain_id=7,
        genesis_hash=b"\x0a" * 32,
        role=role,
        epoch=0,
        final_height=12,
        nonce=nonce,
        software_version="sycee/0.1.0",
    )


_OWN_HELLO = _hello(b"\x01" * 32)


def _hellos() -> list[bytes]:
    return [encode_hello(_hello(b"\x02" * 32)), encode_hello(_hello(b"\x02" * 32, Role.FOLLOWER))]


def _acknowledgements() -> list[bytes]:
    return [
        encode_acknowledgement(None),
        encode_acknowledgement(ValidatorProof(b"\x33" * 64)),
        encode_acknowledgement(_proof()),
    ]


def _proof() -> ValidatorProof:
    return sign_proof(own_tls_key=_PEER.key, peer_tls_key=_OWN.key, peer_nonce=_OWN_HELLO.nonce)


def _handshakes() -> list[bytes]:
    hello, acknowledgement = _hellos()[0], encode_acknowledgement(_proof())
    return [bytes((len(hello),)) + hello + bytes((len(acknowledgement),)) + acknowledgement]


def _handshake(data: bytes) -> None:
    """Feed payloads, each behind its length, until the handshake is over or refuses."""
    handshake = Handshake(
        _OWN_HELLO,
        own_tls_key=_OWN.key,
        peer_tls_key=_PEER.key,
        peer_role=Role.VALIDATOR,
        sign_proof=sign_proof,
        verify_proof=verify_proof,
    )
    handshake.opening()
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        handshake.feed(data[at + 1 : end])
        at = end


def _certificates() -> list[bytes]:
    """Return node certificates in DER, as a peer shows them in the TLS handshake."""
    identities = [tls_identity(bytes((number,)) * 32) for number in (1, 2)]
    return [ssl.PEM_cert_to_DER_cert(found.certificate_pem.decode()) for found in identities]


def _peer_key(data: bytes) -> None:
    assert len(peer_key_of_certificate(data)) == 32


def _chunk(data: bytes) -> bytes:
    chunk = wire.decode_chunk(data)
    return chunk.digest + chunk.body_bytes.to_bytes(4, "big") + chunk.index.to_bytes(2, "big") + chunk.content


def _chunks() -> list[bytes]:
    body = bytes(range(256)) * 257
    return [*wire.encode_chunks(Hash32(b"\x01" * 32), body), *wire.encode_chunks(Hash32(b"\x02" * 32), b"\xc1\x01")]


def _gossip(data: bytes) -> bytes:
    kind, items = wire.decode_gossip(data)
    if kind is wire.GossipKind.ANNOUNCEMENT:
        return wire.encode_announcement([Hash32(item) for item in items])
    return wire.encode_transactions(items)


def _gossips() -> list[bytes]:
    hashes = [Hash32(bytes((number,)) * 32) for number in range(3)]
    return [
        wire.encode_transactions(samples.transactions()),
        wire.encode_announcement(hashes),
        wire.encode_announcement(hashes * 21),
    ]


def mutate_gossip(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return gossip with a hostile list of transactions, or blind changes."""
    if drawn.random() < 0.5:
        return mutate_bytes(drawn, seeds)
    return b"\x01" + mutate_rlp(drawn, [seeds[0][1:]])


def _ranges() -> list[bytes]:
    finalization = samples.encoded_certificates()[3]
    pairs = [wire.SyncedBlock(header, body) for header, body in zip(samples.headers(), samples.bodies())]
    return [wire.encode_block_range(wire.BlockRange(tuple(pairs[:count]), (), finalization)) for count in (1, 3)]


def _requests() -> list[bytes]:
    return [
        wire.encode_request(wire.Request(7, wire.RequestKind.BODY, wire.encode_body_query(Hash32(bytes(32)), 9))),
        wire.encode_request(wire.Request(2**32 - 1, wire.RequestKind.BLOCKS, wire.encode_range_query(1, 128))),
    ]


def _body_parts() -> list[bytes]:
    return [
        wire.encode_body_part(wire.BodyPart(header, 2**21, body))
        for header, body in zip(samples.headers(), samples.bodies())
    ]


def _signed_statuses() -> list[bytes]:
    """Return the statuses of a validator of the sample network, signed by it."""
    found = []
    for encoded in samples.statuses():
        status = replace(decode_status(encoded), final_epoch=samples.VALIDATORS.epoch, signer=ValidatorIndex(2))
        statement = status_statement(status, samples.VALIDATORS.epoch)
        found.append(encode_status(replace(status, signature=signature(4, 2, statement))))
    return found


_mutate_status = fields_mutator((0, 1), (1, 8), (9, 8), (17, 8), (57, 8), (97, 8), (105, 2))


def mutate_signed_status(drawn: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Return a status with hostile fields, mostly signed for them."""
    data = _mutate_status(drawn, seeds)
    try:
        status = decode_status(data)
    except MalformedConsensusMessage:
        return data
    if status.final_epoch != samples.VALIDATORS.epoch or status.signer >= 4 or drawn.random() < 0.1:
        return data
    statement = status_statement(status, samples.VALIDATORS.epoch)
    return encode_status(replace(status, signature=signature(4, status.signer, statement)))


def _read_status(data: bytes) -> None:
    read_status(data, DOMAIN, lambda epoch: samples.VALIDATORS if epoch == samples.VALIDATORS.epoch else None)


PEER = (MalformedMessage,)

TARGETS = (
    Target(
        "frames",
        "network.framing:FrameReader.feed",
        _frame_seeds,
        fields_mutator((0, 4), (4, 1), (5, 4), (9, 1), (10, 4)),
        _frames,
        (Misbehaviour,),
    ),
    Target(
        "hello",
        "network.hello:decode_hello",
        _hellos,
        fields_mutator((0, 1), (1, 2), (43, 1), (44, 8), (92, 1)),
        lambda data: encode_hello(decode_hello(data)),
        (Misbehaviour,),
    ),
    Target(
        "acknowledgement",
        "network.hello:decode_acknowledgement",
        _acknowledgements,
        fields_mutator((0, 1), (1, 2)),
        lambda data: encode_acknowledgement(decode_acknowledgement(data)),
        (Misbehaviour,),
    ),
    Target("handshake", "network.hello:Handshake.feed", _handshakes, mutate_bytes, _handshake, (LinkError,)),
    Target(
        "peer-certificate",
        "network.tls:peer_key_of_certificate",
        _certificates,
        mutate_bytes,
        _peer_key,
        (NotAllowed,),
    ),
    Target(
        "chunk",
        "node.peers.wire:decode_chunk",
        _chunks,
        fields_mutator((32, 4), (36, 2)),
        _chunk,
        PEER,
    ),
    Target("gossip", "node.peers.wire:decode_gossip", _gossips, mutate_gossip, _gossip, PEER),
    Target(
        "request",
        "node.peers.wire:decode_request",
        _requests,
        fields_mutator((0, 4), (4, 1)),
        lambda data: wire.encode_request(wire.decode_request(data)),
        PEER,
    ),
    Target(
        "reply",
        "node.peers.wire:decode_reply",
        lambda: [wire.encode_reply(wire.Reply(1, b"")), wire.encode_reply(wire.Reply(2**32 - 1, b"answer"))],
        mutate_bytes,
        lambda data: wire.encode_reply(wire.decode_reply(data)),
        PEER,
    ),
    Target(
        "body-query",
        "node.peers.wire:decode_body_query",
        lambda: [_requests()[0][5:]],
        mutate_bytes,
        lambda data: wire.encode_body_query(*wire.decode_body_query(data)),
        PEER,
    ),
    Target(
        "range-query",
        "node.peers.wire:decode_range_query",
        lambda: [_requests()[1][5:]],
        fields_mutator((0, 8), (8, 8)),
        lambda data: wire.encode_range_query(*wire.decode_range_query(data)),
        PEER,
    ),
    Target(
        "body-part",
        "node.peers.wire:decode_body_part",
        _body_parts,
        fields_mutator((0, 2), (-5, 4)),
        lambda data: wire.encode_body_part(wire.decode_body_part(data)),
        PEER,
    ),
    Target(
        "block-range",
        "node.peers.wire:decode_block_range",
        _ranges,
        mutate_rlp,
        lambda data: wire.encode_block_range(wire.decode_block_range(data)),
        PEER,
    ),
    Target(
        "certificates-answer",
        "node.peers.wire:decode_certificates",
        lambda: [wire.encode_certificates(samples.encoded_certificates()), wire.encode_certificates(())],
        mutate_rlp,
        lambda data: wire.encode_certificates(wire.decode_certificates(data)),
        PEER,
    ),
    Target(
        "signed-status",
        "node.peers.peer_status:read_status",
        _signed_statuses,
        mutate_signed_status,
        _read_status,
        PEER,
        steps=Bound(6_000, 40),
    ),
)

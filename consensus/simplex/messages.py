"""Votes, certificates, proposals, statuses: what is signed and how it travels.

One encoding per value; surplus bytes are refused. Nothing here checks a signature. Source: consensus.md §2.
"""

import itertools
from dataclasses import dataclass
from enum import IntEnum

from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import ZERO_HASH, Epoch, Hash32, Height, ValidatorIndex, View
from consensus.simplex.parameters import JUSTIFICATION_NULLIFICATIONS_MAX

SIGN_PREFIX = b"sycee-consensus/1"
SIGN_BYTES = 114
VOTE_BYTES = 123
STATEMENT_BYTES = 57
SIGNATURE_BYTES = 64
BITMAP_BYTES_MAX = 13
"""Bitmap of the largest set, 100 validators."""
HEADER_BYTES_MAX = 2_048


class MalformedConsensusMessage(ValueError):
    """Bytes that no honest validator sends."""


class Kind(IntEnum):
    """What a signature says."""

    NOTARIZE = 1
    """The first acceptable proposal I saw in this view."""
    NULLIFY = 2
    """I give up on this view and will never finalize it."""
    FINALIZE = 3
    """I hold its notarization, executed it, never nullified this view and never will."""
    STATUS = 4
    """Where I am."""
    HELLO = 5
    """This link ends at this validator."""


VOTE_KINDS = (Kind.NOTARIZE, Kind.NULLIFY, Kind.FINALIZE)


@dataclass(frozen=True, slots=True)
class SigningDomain:
    """What keeps a signature of one network from meaning anything in another."""

    chain_id: int
    genesis_hash: Hash32


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed, beside the domain."""

    kind: Kind
    epoch: Epoch
    view: View
    parent_view: View
    """View of the parent block; 0 for nullify."""
    digest: Hash32
    """Block hash; zero for nullify."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A statement with its signer."""

    statement: Statement
    signer: ValidatorIndex
    signature: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A quorum of equal votes: notarization, nullification or finalization, by the kind of its statement."""

    statement: Statement
    bitmap: bytes
    """Bit i of byte i // 8, from the low end: validator i signed."""
    signatures: tuple[bytes, ...]
    """64 bytes each, in index order."""

    @property
    def signers(self) -> tuple[ValidatorIndex, ...]:
        """Indices of the signers, ascending."""
        return tuple(
            ValidatorIndex(index) for index in range(len(self.bitmap) * 8) if self.bitmap[index >> 3] >> (index & 7) & 1
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """A leader's notarize vote with the header it signs, and why it may be proposed."""

    vote: Vote
    header: bytes
    """RLP; its keccak-256 is the vote's digest."""
    body_bytes: int
    """Length of the body that travels in chunks."""
    parent_certificate: Certificate | None
    """Notarization or finalization of the parent view; None only for parent view 0."""
    nullifications: tuple[Certificate, ...]
    """Of the views skipped since, ascending; the newest 32."""


@dataclass(frozen=True, slots=True)
class Status:
    """Where a validator is; answers a nonce, so that it cannot be replayed."""

    is_resuming: bool
    """Lost its votes and signs nothing yet."""
    is_syncing: bool
    final_epoch: Epoch
    final_view: View
    final_height: Height
    final_hash: Hash32
    height_oldest: Height
    """Oldest height it can serve."""
    nonce: bytes
    """32 bytes of whoever asked; zeros when nobody did."""
    view: View
    """The view it is in; proven by `entry`."""
    signer: ValidatorIndex
    signature: bytes
    entry: Certificate | None
    """The certificate that led into `view`; None in view 1."""


def sign_bytes(domain: SigningDomain, statement: Statement) -> bytes:
    """Return the 114 bytes that are signed."""
    return (
        SIGN_PREFIX
        + domain.chain_id.to_bytes(8, "big")
        + domain.genesis_hash
        + statement.epoch.to_bytes(8, "big")
        + bytes((statement.kind,))
        + statement.view.to_bytes(8, "big")
        + statement.parent_view.to_bytes(8, "big")
        + statement.digest
    )


def status_statement(status: Status, epoch: Epoch) -> Statement:
    """Return what a status signs. `epoch` is the signer's epoch in force; the view it is in is proven by `entry`."""
    flags = bytes((status.is_resuming | status.is_syncing << 1,))
    content = (
        flags
        + status.final_height.to_bytes(8, "big")
        + status.final_hash
        + status.height_oldest.to_bytes(8, "big")
        + status.nonce
    )
    return Statement(Kind.STATUS, epoch, status.view, status.final_view, sha256(content))


def hello_statement(*, protocol: int, own_tls_key: bytes, peer_tls_key: bytes, nonce: bytes) -> Statement:
    """Return what a validator signs to prove that a link ends at it: both TLS keys and the peer's nonce.

    The epoch is 0 always: a node that was away verifies those who are epochs ahead, and is verified by them.
    """
    digest = sha256(protocol.to_bytes(2, "big") + own_tls_key + peer_tls_key + nonce)
    return Statement(Kind.HELLO, Epoch(0), View(0), View(0), digest)


def encode_statement(statement: Statement) -> bytes:
    """Return kind u8 ‖ epoch u64 ‖ view u64 ‖ parent_view u64 ‖ digest."""
    return (
        bytes((statement.kind,))
        + statement.epoch.to_bytes(8, "big")
        + statement.view.to_bytes(8, "big")
        + statement.parent_view.to_bytes(8, "big")
        + statement.digest
    )


def decode_statement(data: bytes) -> Statement:
    """Return the statement of a vote or certificate. Raises: MalformedConsensusMessage."""
    if len(data) != STATEMENT_BYTES:
        raise MalformedConsensusMessage(f"statement of {len(data)} bytes, not {STATEMENT_BYTES}")
    if data[0] not in (1, 2, 3):
        raise MalformedConsensusMessage(f"vote of unknown kind {data[0]}")
    statement = Statement(
        kind=Kind(data[0]),
        epoch=Epoch(int.from_bytes(data[1:9], "big")),
        view=View(int.from_bytes(data[9:17], "big")),
        parent_view=View(int.from_bytes(data[17:25], "big")),
        digest=Hash32(data[25:57]),
    )
    if statement.view == 0:
        raise MalformedConsensusMessage("view 0 has no votes")
    if statement.kind is Kind.NULLIFY:
        if statement.parent_view or statement.digest != ZERO_HASH:
            raise MalformedConsensusMessage("nullify names a parent or a digest")
    elif statement.parent_view >= statement.view:
        raise MalformedConsensusMessage(f"parent view {statement.parent_view} is not below view {statement.view}")
    return statement


def encode_vote(vote: Vote) -> bytes:
    """Return the 123 bytes of a vote."""
    return encode_statement(vote.statement) + vote.signer.to_bytes(2, "big") + vote.signature


def decode_vote(data: bytes) -> Vote:
    """Return the vote in `data`. Raises: MalformedConsensusMessage."""
    if len(data) != VOTE_BYTES:
        raise MalformedConsensusMessage(f"vote of {len(data)} bytes, not {VOTE_BYTES}")
    return Vote(decode_statement(data[:57]), ValidatorIndex(int.from_bytes(data[57:59], "big")), data[59:])


def encode_certificate(certificate: Certificate) -> bytes:
    """Return statement ‖ bitmap length u8 ‖ bitmap ‖ signatures."""
    return (
        encode_statement(certificate.statement)
        + bytes((len(certificate.bitmap),))
        + certificate.bitmap
        + b"".join(certificate.signatures)
    )


def decode_certificate(data: bytes) -> Certificate:
    """Return the certificate in `data`, as many signatures as bits. Raises: MalformedConsensusMessage."""
    if len(data) < STATEMENT_BYTES + 1:
        raise MalformedConsensusMessage(f"certificate of {len(data)} bytes")
    statement = decode_statement(data[:STATEMENT_BYTES])
    bitmap_bytes = data[STATEMENT_BYTES]
    start = STATEMENT_BYTES + 1 + bitmap_bytes
    bitmap = data[STATEMENT_BYTES + 1 : start]
    signer_count = sum(byte.bit_count() for byte in bitmap)
    if not 0 < bitmap_bytes <= BITMAP_BYTES_MAX or len(data) != start + SIGNATURE_BYTES * signer_count:
        raise MalformedConsensusMessage(f"certificate of {len(data)} bytes does not hold {signer_count} signatures")
    signatures = tuple(data[at : at + SIGNATURE_BYTES] for at in range(start, len(data), SIGNATURE_BYTES))
    return Certificate(statement, bitmap, signatures)


def encode_proposal(proposal: Proposal) -> bytes:
    """Return vote ‖ u16 header length ‖ header ‖ u32 body bytes ‖ u16 length ‖ parent certificate ‖ u8 count ‖ each.

    Each nullification is preceded by its length, u16.
    """
    parent = b"" if proposal.parent_certificate is None else encode_certificate(proposal.parent_certificate)
    return (
        encode_vote(proposal.vote)
        + _with_length(proposal.header)
        + proposal.body_bytes.to_bytes(4, "big")
        + _with_length(parent)
        + bytes((len(proposal.nullifications),))
        + b"".join([_with_length(encode_certificate(certificate)) for certificate in proposal.nullifications])
    )


def decode_proposal(data: bytes) -> Proposal:
    """Return the proposal in `data`. Raises: MalformedConsensusMessage."""
    vote = decode_vote(data[:VOTE_BYTES])
    header, at = _read_with_length(data, VOTE_BYTES)
    if len(header) > HEADER_BYTES_MAX:
        raise MalformedConsensusMessage(f"header of {len(header)} bytes")
    body_bytes = int.from_bytes(data[at : at + 4], "big")
    parent, at = _read_with_length(data, at + 4)
    if at >= len(data):
        raise MalformedConsensusMessage("proposal is truncated")
    count = data[at]
    if count > JUSTIFICATION_NULLIFICATIONS_MAX:
        raise MalformedConsensusMessage(f"{count} nullifications, at most {JUSTIFICATION_NULLIFICATIONS_MAX}")
    at += 1
    nullifications = []
    for _ in range(count):
        encoded, at = _read_with_length(data, at)
        nullifications.append(decode_certificate(encoded))
    if at != len(data):
        raise MalformedConsensusMessage(f"{len(data) - at} surplus bytes after the proposal")
    views = [certificate.statement.view for certificate in nullifications]
    if any(first >= second for first, second in itertools.pairwise(views)):
        raise MalformedConsensusMessage("nullifications are not ascending")
    if any(certificate.statement.kind is not Kind.NULLIFY for certificate in nullifications):
        raise MalformedConsensusMessage("a nullification is another certificate")
    return Proposal(vote, header, body_bytes, decode_certificate(parent) if parent else None, tuple(nullifications))


def encode_status(status: Status) -> bytes:
    """Return the wire form of a status."""
    return (
        bytes((status.is_resuming | status.is_syncing << 1,))
        + status.final_epoch.to_bytes(8, "big")
        + status.final_view.to_bytes(8, "big")
        + status.final_height.to_bytes(8, "big")
        + status.final_hash
        + status.height_oldest.to_bytes(8, "big")
        + status.nonce
        + status.view.to_bytes(8, "big")
        + status.signer.to_bytes(2, "big")
        + status.signature
        + (b"" if status.entry is None else encode_certificate(status.entry))
    )


def decode_status(data: bytes) -> Status:
    """Return the status in `data`. Raises: MalformedConsensusMessage."""
    if len(data) < 171 or data[0] > 3:
        raise MalformedConsensusMessage(f"status of {len(data)} bytes, or with unknown flags")
    return Status(
        is_resuming=bool(data[0] & 1),
        is_syncing=bool(data[0] & 2),
        final_epoch=Epoch(int.from_bytes(data[1:9], "big")),
        final_view=View(int.from_bytes(data[9:17], "big")),
        final_height=Height(int.from_bytes(data[17:25], "big")),
        final_hash=Hash32(data[25:57]),
        height_oldest=Height(int.from_bytes(data[57:65], "big")),
        nonce=data[65:97],
        view=View(int.from_bytes(data[97:105], "big")),
        signer=ValidatorIndex(int.from_bytes(data[105:107], "big")),
        signature=data[107:171],
        entry=decode_certificate(data[171:]) if len(data) > 171 else None,
    )


def _with_length(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def _read_with_length(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(data[at : at + 2], "big")
    if at + 2 > len(data) or end > len(data):
        raise MalformedConsensusMessage("proposal is truncated")
    return data[at + 2 : end], end

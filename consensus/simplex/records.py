"""What the machine needs back after a restart, as write-ahead log records. Source: consensus.md §7.

Bodies are written by the host, under type 4, before it says that they are here.
"""

from dataclasses import dataclass
from enum import IntEnum

from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.messages import (
    Certificate,
    MalformedConsensusMessage,
    Statement,
    decode_certificate,
    decode_statement,
    encode_certificate,
    encode_statement,
)


class RecordType(IntEnum):
    """Type byte of a log record."""

    OWN_VOTE = 1
    CERTIFICATE = 2
    HEADER = 3
    BODY = 4
    VERDICT = 5
    EPOCH_START = 6
    RESUME_VIEW = 7


@dataclass(frozen=True, slots=True)
class OwnVoteRecord:
    """This validator signs, or has signed, the statement."""

    statement: Statement


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate above the floor."""

    certificate: Certificate


@dataclass(frozen=True, slots=True)
class HeaderRecord:
    """The header of a proposal."""

    digest: Hash32
    header: bytes


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A block was executed and is valid."""

    digest: Hash32
    last_of_epoch: bool


@dataclass(frozen=True, slots=True)
class EpochStartRecord:
    """The epoch in force from here on."""

    epoch: Epoch
    view_zero: Hash32


@dataclass(frozen=True, slots=True)
class ResumeViewRecord:
    """Nothing below this view is ever signed by this disk (lost-disk rule)."""

    view: View


_PAYLOAD_BYTES = {RecordType.VERDICT: 33, RecordType.EPOCH_START: 40, RecordType.RESUME_VIEW: 8}
"""Lengths of the payloads that have only one; statements and certificates know their own."""

Record = OwnVoteRecord | CertificateRecord | HeaderRecord | VerdictRecord | EpochStartRecord | ResumeViewRecord


def encode_record(record: Record) -> tuple[RecordType, bytes]:
    """Return type and payload."""
    match record:
        case OwnVoteRecord(statement):
            return RecordType.OWN_VOTE, encode_statement(statement)
        case CertificateRecord(certificate):
            return RecordType.CERTIFICATE, encode_certificate(certificate)
        case HeaderRecord(digest, header):
            return RecordType.HEADER, digest + header
        case VerdictRecord(digest, last_of_epoch):
            return RecordType.VERDICT, digest + bytes((last_of_epoch,))
        case EpochStartRecord(epoch, view_zero):
            return RecordType.EPOCH_START, epoch.to_bytes(8, "big") + view_zero
        case ResumeViewRecord(view):
            return RecordType.RESUME_VIEW, view.to_bytes(8, "big")


def decode_record(record_type: RecordType, payload: bytes) -> Record:
    """Return the record, which this node wrote; bodies are not among them.

    Raises: MalformedConsensusMessage if the payload is not the one encoding of a record.
    """
    expected = _PAYLOAD_BYTES.get(record_type)
    if expected is not None and len(payload) != expected:
        raise MalformedConsensusMessage(f"{record_type.name} record of {len(payload)} bytes, not {expected}")
    match record_type:
        case RecordType.OWN_VOTE:
            return OwnVoteRecord(decode_statement(payload))
        case RecordType.CERTIFICATE:
            return CertificateRecord(decode_certificate(payload))
        case RecordType.HEADER:
            if len(payload) <= 32:
                raise MalformedConsensusMessage(f"HEADER record of {len(payload)} bytes has no header")
            return HeaderRecord(Hash32(payload[:32]), payload[32:])
        case RecordType.VERDICT:
            if payload[32] > 1:
                raise MalformedConsensusMessage(f"VERDICT record with unknown flags {payload[32]}")
            return VerdictRecord(Hash32(payload[:32]), bool(payload[32]))
        case RecordType.EPOCH_START:
            return EpochStartRecord(Epoch(int.from_bytes(payload[:8], "big")), Hash32(payload[8:40]))
        case RecordType.RESUME_VIEW:
            return ResumeViewRecord(View(int.from_bytes(payload, "big")))
        case RecordType.BODY:
            raise AssertionError("bodies belong to the host")

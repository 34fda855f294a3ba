"""What the machine needs back after a restart, as write-ahead log records. Source: consensus.md §7.

Bodies are written by the host, under type 4, before it says that they are here. Type 8 belongs to the log itself.
"""

from dataclasses import dataclass
from enum import IntEnum

from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.messages import (
    Certificate,
    Statement,
    decode_certificate,
    decode_statement,
    encode_certificate,
    encode_statement,
)
from consensus.simplex.stop_reason import StopReason


class RecordType(IntEnum):
    """Type byte of a log record."""

    OWN_VOTE = 1
    CERTIFICATE = 2
    HEADER = 3
    BODY = 4
    VERDICT = 5
    EPOCH_START = 6
    RESUME_VIEW = 7
    VOTING_STOPPED = 9


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
    """Nothing below this view of the epoch is ever signed by this disk (lost-disk rule)."""

    epoch: Epoch
    view: View


@dataclass(frozen=True, slots=True)
class VotingStoppedRecord:
    """The key signs nothing any more, in no epoch."""

    consensus_key: bytes
    """32 bytes: whoever rotates the key votes with the new one."""
    reason: StopReason


Record = (
    OwnVoteRecord
    | CertificateRecord
    | HeaderRecord
    | VerdictRecord
    | EpochStartRecord
    | ResumeViewRecord
    | VotingStoppedRecord
)


class MalformedRecord(ValueError):
    """A payload that no version of this node writes under its type."""

    def __init__(self, record_type: RecordType, payload_bytes: int, detail: str) -> None:
        self.record_type = record_type
        self.payload_bytes = payload_bytes
        super().__init__(f"{record_type.name.lower()} record of {payload_bytes} bytes: {detail}")


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
        case ResumeViewRecord(epoch, view):
            return RecordType.RESUME_VIEW, epoch.to_bytes(8, "big") + view.to_bytes(8, "big")
        case VotingStoppedRecord(consensus_key, reason):
            return RecordType.VOTING_STOPPED, consensus_key + bytes((reason,))


def decode_record(record_type: RecordType, payload: bytes) -> Record:
    """Return the record in `payload`; bodies are not among them. Raises: MalformedRecord."""
    expected = _PAYLOAD_BYTES.get(record_type)
    if expected is not None and len(payload) != expected:
        raise MalformedRecord(record_type, len(payload), f"expected {expected}")
    try:
        return _decode(record_type, payload)
    except ValueError as error:
        raise MalformedRecord(record_type, len(payload), str(error)) from error


_PAYLOAD_BYTES = {
    RecordType.VERDICT: 33,
    RecordType.EPOCH_START: 40,
    RecordType.RESUME_VIEW: 16,
    RecordType.VOTING_STOPPED: 33,
}
"""Lengths of payloads that are not the encoding of a message."""

_HEADER_BYTES_MIN = 33
"""A digest and at least one byte."""


def _decode(record_type: RecordType, payload: bytes) -> Record:
    match record_type:
        case RecordType.OWN_VOTE:
            return OwnVoteRecord(decode_statement(payload))
        case RecordType.CERTIFICATE:
            return CertificateRecord(decode_certificate(payload))
        case RecordType.HEADER:
            if len(payload) < _HEADER_BYTES_MIN:
                raise ValueError("no header in it")
            return HeaderRecord(Hash32(payload[:32]), payload[32:])
        case RecordType.VERDICT:
            if payload[32] > 1:
                raise ValueError(f"flag {payload[32]}")
            return VerdictRecord(Hash32(payload[:32]), bool(payload[32]))
        case RecordType.EPOCH_START:
            return EpochStartRecord(Epoch(int.from_bytes(payload[:8], "big")), Hash32(payload[8:40]))
        case RecordType.RESUME_VIEW:
            return ResumeViewRecord(Epoch(int.from_bytes(payload[:8], "big")), View(int.from_bytes(payload[8:], "big")))
        case RecordType.VOTING_STOPPED:
            return VotingStoppedRecord(payload[:32], StopReason(payload[32]))
        case RecordType.BODY:
            raise AssertionError("bodies belong to the host")

"""`sycee-node wal`: what a validator's write-ahead log says, for people; nothing is changed."""

import json
from pathlib import Path
from typing import assert_never

import click

from consensus.simplex.messages import Kind, Statement
from consensus.simplex.records import (
    CertificateRecord,
    EpochStartRecord,
    HeaderRecord,
    MalformedRecord,
    OwnVoteRecord,
    RecordType,
    ResumeViewRecord,
    VerdictRecord,
    VotingStoppedRecord,
    decode_record,
)
from node.cli.homes import load_home
from node.home import NodeHome
from node.storage.wal import LogRecord, read_segments

CERTIFICATES = {Kind.NOTARIZE: "notarization", Kind.NULLIFY: "nullification", Kind.FINALIZE: "finalization"}


@click.group("wal")
def command() -> None:
    """Look at the write-ahead log: own votes, certificates, headers and bodies above the final chain."""


@command.command("dump")
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The node's home.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def dump(home: Path, as_json: bool) -> None:
    """Print every record, oldest first. Damage ends the list with its file and offset, and exit code 3.

    A running node may be writing the last batch: then that one may look cut off.
    """
    load_home(home, flags={})
    for segment in read_segments(NodeHome(home).wal_folder):
        if not as_json:
            click.echo(f"{segment.path.name}  {len(segment.batches)} batches from {segment.first_sequence}")
        for number, batch in enumerate(segment.batches, segment.first_sequence):
            for record in batch:
                name, said = describe_record(record)
                if as_json:
                    fields = {"segment": segment.path.name, "batch": number, "type": name, "record": said}
                    click.echo(json.dumps({**fields, "bytes": len(record.payload)}))
                else:
                    click.echo(f"{number:>8}  {name:<14} {said}")
        if segment.cut_bytes and not as_json:
            click.echo(f"          {segment.cut_bytes} bytes of an unfinished batch, which the next start cuts off")


def describe_record(found: LogRecord) -> tuple[str, str]:
    """Return a record's type and content as people read them."""
    try:
        record_type = RecordType(found.type)
        if record_type is RecordType.BODY:
            return "body", f"0x{found.payload[:32].hex()} {len(found.payload) - 32} bytes"
        record = decode_record(record_type, found.payload)
    except (ValueError, MalformedRecord) as error:
        return f"type {found.type}", f"unreadable: {error}"
    name = record_type.name.lower()
    match record:
        case OwnVoteRecord(statement):
            return name, f"{statement.kind.name.lower()} {_where(statement)}"
        case CertificateRecord(certificate):
            signers = ",".join(str(signer) for signer in certificate.signers)
            statement = certificate.statement
            return name, f"{CERTIFICATES[statement.kind]} {_where(statement)} signers {signers}"
        case HeaderRecord(digest, header):
            return name, f"0x{digest.hex()} {len(header)} bytes"
        case VerdictRecord(digest, last_of_epoch):
            return name, f"0x{digest.hex()} valid" + (", last of its epoch" if last_of_epoch else "")
        case EpochStartRecord(epoch, view_zero):
            return name, f"epoch {epoch} on 0x{view_zero.hex()}"
        case ResumeViewRecord(epoch, view):
            return name, f"epoch {epoch} view {view}"
        case VotingStoppedRecord(consensus_key, reason):
            return name, f"key 0x{consensus_key.hex()}: {reason.explanation}"
        case _:
            assert_never(record)


def _where(statement: Statement) -> str:
    place = f"epoch {statement.epoch} view {statement.view}"
    return place if statement.kind is Kind.NULLIFY else f"{place} 0x{statement.digest.hex()}"

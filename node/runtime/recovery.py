"""What a node starts from: the final chain in LevelDB, and above it what the log and the guard remember.

Source: consensus.md §7.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.header import decode_header
from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.events import HeaderFacts, ViewZero
from consensus.simplex.messages import Statement, decode_certificate
from consensus.simplex.records import (
    CertificateRecord,
    HeaderRecord,
    MalformedRecord,
    OwnVoteRecord,
    Record,
    RecordType,
    ResumeViewRecord,
    decode_record,
)
from node.chain.block_tree import BlockTree, WrongBody
from node.chain.header_facts import facts_of
from node.chain.store import ChainStore
from node.storage.errors import MissingRecord, UnsafeData
from node.storage.wal import LogRecord, RecoveredLog

VIEWS_NAMED_MAX = 8
"""Views listed in a message before only the first and the last are named."""


class DamagedRecord(UnsafeData):
    """A record whose checksums are right and whose content this version cannot read."""

    def __init__(self, batch: int, record_type: int, detail: str) -> None:
        self.batch = batch
        self.record_type = record_type
        self.detail = detail
        super().__init__(
            f"write-ahead log, batch {batch}, record of type {record_type}: {detail}. It was written by another "
            "version, or damaged before it was written: start the version that wrote it, or treat the disk as lost "
            "(docs/operators/failover.md)"
        )


@dataclass(frozen=True, slots=True)
class GuardComparison:
    """How far guard and log agree above the final head."""

    completion: tuple[Statement, ...]
    """Own votes of the log's last batch that the crash kept from the guard."""
    difference: str
    """What no crash explains: one of the two was copied, restored or lost. Empty if they belong together."""


@dataclass(frozen=True, slots=True)
class RecoveredNode:
    """What the first event of the machine is made of."""

    head: ViewZero
    records: tuple[Record, ...]
    headers: tuple[HeaderFacts, ...]
    bodies: tuple[Hash32, ...]
    guard: GuardComparison

    @property
    def view_highest(self) -> View:
        """The highest view that any record concerns."""
        views = [self.head.view, *(facts.view for facts in self.headers)]
        for record in self.records:
            if isinstance(record, OwnVoteRecord):
                views.append(record.statement.view)
            elif isinstance(record, CertificateRecord):
                views.append(record.certificate.statement.view)
        return max(views)


def recover_head(chain: ChainStore) -> ViewZero:
    """Return the committed head as the machine needs it. Raises: MissingRecord."""
    head = chain.final_head()
    header = chain.header(head.height)
    if header is None:
        raise MissingRecord(f"header {head.height}")
    if chain.running_epoch()[0] != head.epoch:
        # The last block of an epoch is view 0 of the next one, whose validators never signed it.
        return ViewZero(facts_of(header, head.block_hash), View(0), None)
    finalization = chain.own_finalization(head.height)
    return ViewZero(
        facts=facts_of(header, head.block_hash),
        view=head.view,
        finalization=None if finalization is None else decode_certificate(finalization),
    )


def recover_node(
    head: ViewZero, epoch: Epoch, tree: BlockTree, log: RecoveredLog, signed: list[Statement]
) -> RecoveredNode:
    """Put the log's blocks above the head into the tree and return the rest for the machine.

    `epoch` is the running one; `head` is its view 0 if nothing of it is final yet.

    Raises: DamagedRecord.
    """
    batches: list[list[Record]] = []
    headers: dict[Hash32, HeaderFacts] = {}
    bodies: dict[Hash32, tuple[int, bytes]] = {}
    for number, batch in enumerate(log.batches, log.first_sequence):
        batches.append([])
        for found in batch:
            if found.type == RecordType.BODY:
                bodies[Hash32(found.payload[:32])] = (number, found.payload[32:])
                continue
            record = _decode(number, found)
            batches[-1].append(record)
            if isinstance(record, HeaderRecord):
                headers[record.digest] = _read_header(number, record, tree)
    whole: list[Hash32] = []
    for digest, (number, body) in bodies.items():
        try:
            if tree.add_body(digest, body) is not None:
                whole.append(digest)
        except (WrongBody, MalformedBlock) as error:
            raise DamagedRecord(number, RecordType.BODY, f"body of 0x{digest.hex()}: {error}") from error
    records = tuple(record for batch in batches for record in batch)
    comparison = compare_guard(head, epoch, batches, signed)
    return RecoveredNode(head, records, tuple(headers.values()), tuple(whole), comparison)


def _decode(batch: int, found: LogRecord) -> Record:
    try:
        record_type = RecordType(found.type)
    except ValueError as error:
        raise DamagedRecord(batch, found.type, "its type is unknown") from error
    try:
        return decode_record(record_type, found.payload)
    except MalformedRecord as error:
        raise DamagedRecord(batch, found.type, str(error)) from error


def _read_header(batch: int, record: HeaderRecord, tree: BlockTree) -> HeaderFacts:
    """Put a header into the tree and return its facts."""
    try:
        header = decode_header(record.header)
    except MalformedBlock as error:
        raise DamagedRecord(batch, RecordType.HEADER, str(error)) from error
    tree.add_header(record.digest, header, record.header)
    return facts_of(header, record.digest)


def compare_guard(
    head: ViewZero, epoch: Epoch, batches: Sequence[Sequence[Record]], signed: Sequence[Statement]
) -> GuardComparison:
    """Compare the own votes above `head` in the log's batches with what the guard says was signed; `epoch` is running.

    The log is synced first, so after a crash the guard may lack votes of the log's last batch and nothing else. What
    lies below a resume view is remembered by neither for certain, and binds nobody.
    """
    floor = (epoch, head.view)
    resume = max(
        ((record.epoch, record.view) for batch in batches for record in batch if isinstance(record, ResumeViewRecord)),
        default=floor,
    )

    def binds(statement: Statement) -> bool:
        key = (statement.epoch, statement.view)
        return key > floor and key >= resume

    by_batch = [
        [record.statement for record in batch if isinstance(record, OwnVoteRecord) and binds(record.statement)]
        for batch in batches
    ]
    logged = {statement for batch in by_batch for statement in batch}
    guarded = {statement for statement in signed if binds(statement)}
    last = by_batch[-1] if by_batch else []
    missing = logged - guarded
    difference = ""
    if guarded - logged:
        difference = f"the guard knows votes of views {_views(guarded - logged)} that the log does not"
    elif not missing <= set(last):
        difference = f"the log knows votes of views {_views(missing - set(last))} that the guard does not"
    completion = () if difference else tuple(statement for statement in last if statement in missing)
    return GuardComparison(completion, difference)


def _views(statements: Iterable[Statement]) -> str:
    """Return the views of votes as people read them; of many the first and the last."""
    views = sorted({statement.view for statement in statements})
    if len(views) > VIEWS_NAMED_MAX:
        return f"{views[0]} to {views[-1]}"
    return ", ".join(str(view) for view in views)

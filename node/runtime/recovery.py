"""What a node starts from: the final chain in LevelDB, and above it what the log and the guard remember.

Source: consensus.md §7.
"""

from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.header import Header, decode_header
from consensus.primitives.scalars import Hash32, View
from consensus.simplex.events import HeaderFacts, ViewZero
from consensus.simplex.messages import Statement, decode_certificate
from consensus.simplex.records import CertificateRecord, HeaderRecord, OwnVoteRecord, Record, RecordType, decode_record
from node.chain.block_tree import BlockTree, WrongBody
from node.chain.header_facts import facts_of
from node.chain.store import ChainStore
from node.storage.errors import MissingRecord, StorageError
from node.storage.wal import LogRecord, RecoveredLog


class ForeignGuard(StorageError):
    """Guard and log differ by more than a crash can explain: one of them was copied, restored or lost."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(
            f"sign guard and write-ahead log do not belong together: {detail}. This node may not vote from this disk: "
            "rotate the key, or follow docs/operators/failover.md"
        )


class UnreadableRecord(StorageError):
    """A record of the write-ahead log with a right checksum and a content that no node of this version writes."""

    def __init__(self, record_type: int, detail: str) -> None:
        self.record_type = record_type
        self.detail = detail
        super().__init__(
            f"write-ahead log holds a record of type {record_type} that this version cannot read: {detail}. "
            "Start the version that wrote it, or treat the disk as lost (docs/operators/failover.md)"
        )


@dataclass(frozen=True, slots=True)
class RecoveredNode:
    """What the first event of the machine is made of."""

    head: ViewZero
    records: tuple[Record, ...]
    headers: tuple[HeaderFacts, ...]
    bodies: tuple[Hash32, ...]
    guard_completion: tuple[Statement, ...]
    """Own votes of the log's last batch that the crash kept from the guard."""

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
    finalization = chain.own_finalization(head.height)
    return ViewZero(
        facts=facts_of(header, head.block_hash),
        view=head.view,
        finalization=None if finalization is None else decode_certificate(finalization),
    )


def recover_node(head: ViewZero, tree: BlockTree, log: RecoveredLog, signed: list[Statement]) -> RecoveredNode:
    """Put the log's blocks above the head into the tree and return the rest for the machine.

    Raises: ForeignGuard, UnreadableRecord.
    """
    records: list[Record] = []
    headers: dict[Hash32, HeaderFacts] = {}
    bodies: dict[Hash32, bytes] = {}
    for found in log.records:
        if found.type == RecordType.BODY:
            bodies[Hash32(found.payload[:32])] = found.payload[32:]
            continue
        record = _read_record(found)
        records.append(record)
        if isinstance(record, HeaderRecord):
            header = _read_header(record)
            headers[record.digest] = facts_of(header, record.digest)
            tree.add_header(record.digest, header, record.header)
    whole: list[Hash32] = []
    for digest, body in bodies.items():
        try:
            if tree.add_body(digest, body) is not None:
                whole.append(digest)
        except (WrongBody, MalformedBlock) as error:
            raise StorageError(f"body of 0x{digest.hex()} in the write-ahead log is damaged: {error}") from error
    completion = compare_guard(head, log, signed)
    return RecoveredNode(head, tuple(records), tuple(headers.values()), tuple(whole), completion)


def _read_record(found: LogRecord) -> Record:
    """Return a record of the log that is no body. Raises: UnreadableRecord."""
    try:
        return decode_record(RecordType(found.type), found.payload)
    except ValueError as error:
        raise UnreadableRecord(found.type, str(error)) from error


def _read_header(record: HeaderRecord) -> Header:
    """Return the header in a record. Raises: UnreadableRecord."""
    try:
        return decode_header(record.header)
    except MalformedBlock as error:
        raise UnreadableRecord(RecordType.HEADER, str(error)) from error


def compare_guard(head: ViewZero, log: RecoveredLog, signed: list[Statement]) -> tuple[Statement, ...]:
    """Return the own votes that the guard lacks because of a crash between the two syncs of one turn.

    The log is synced first, so the guard may lack votes of the log's last batch and nothing else.
    Raises: ForeignGuard, UnreadableRecord.
    """
    epoch = head.facts.epoch
    by_batch = [
        [
            record.statement
            for record in (_read_record(found) for found in batch if found.type == RecordType.OWN_VOTE)
            if isinstance(record, OwnVoteRecord)
            and record.statement.epoch >= epoch
            and record.statement.view > head.view
        ]
        for batch in log.batches
    ]
    logged = {statement for batch in by_batch for statement in batch}
    guarded = {statement for statement in signed if statement.epoch >= epoch and statement.view > head.view}
    only_guard = guarded - logged
    if only_guard:
        views = sorted(statement.view for statement in only_guard)
        raise ForeignGuard(f"the guard knows votes of views {views} that the log does not")
    missing = logged - guarded
    last = by_batch[-1] if by_batch else []
    if not missing <= set(last):
        views = sorted(statement.view for statement in missing - set(last))
        raise ForeignGuard(f"the log knows votes of views {views} that the guard does not")
    return tuple(statement for statement in last if statement in missing)

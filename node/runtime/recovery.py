"""What a node starts from: the final chain in LevelDB, and above it what the log and the guard remember.

Source: consensus.md §7.
"""

from dataclasses import dataclass

from consensus.chain.errors import MalformedBlock
from consensus.chain.header import decode_header
from consensus.primitives.scalars import Epoch, Hash32, View
from consensus.simplex.events import HeaderFacts, ViewZero
from consensus.simplex.messages import Statement, decode_certificate
from consensus.simplex.records import CertificateRecord, HeaderRecord, OwnVoteRecord, Record, RecordType, decode_record
from node.chain.block_tree import BlockTree, WrongBody
from node.chain.header_facts import facts_of
from node.chain.store import ChainStore
from node.storage.errors import MissingRecord, StorageError
from node.storage.wal import RecoveredLog


class ForeignGuard(StorageError):
    """Guard and log differ by more than a crash can explain: one of them was copied, restored or lost."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(
            f"sign guard and write-ahead log do not belong together: {detail}. This node may not vote from this disk: "
            "rotate the key, or follow docs/operators/failover.md"
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

    Raises: ForeignGuard.
    """
    records: list[Record] = []
    headers: dict[Hash32, HeaderFacts] = {}
    bodies: dict[Hash32, bytes] = {}
    for found in log.records:
        record_type = RecordType(found.type)
        if record_type is RecordType.BODY:
            bodies[Hash32(found.payload[:32])] = found.payload[32:]
            continue
        record = decode_record(record_type, found.payload)
        records.append(record)
        if isinstance(record, HeaderRecord):
            header = decode_header(record.header)
            headers[record.digest] = facts_of(header, record.digest)
            tree.add_header(record.digest, header, record.header)
    whole: list[Hash32] = []
    for digest, body in bodies.items():
        try:
            if tree.add_body(digest, body) is not None:
                whole.append(digest)
        except (WrongBody, MalformedBlock) as error:
            raise StorageError(f"body of 0x{digest.hex()} in the write-ahead log is damaged: {error}") from error
    completion = compare_guard(head, epoch, log, signed)
    return RecoveredNode(head, tuple(records), tuple(headers.values()), tuple(whole), completion)


def compare_guard(head: ViewZero, epoch: Epoch, log: RecoveredLog, signed: list[Statement]) -> tuple[Statement, ...]:
    """Return the own votes that the guard lacks because of a crash between the two syncs of one turn.

    The log is synced first, so the guard may lack votes of the log's last batch and nothing else.
    Raises: ForeignGuard.
    """
    by_batch = [
        [
            record.statement
            for record in (
                decode_record(RecordType(found.type), found.payload)
                for found in batch
                if found.type == RecordType.OWN_VOTE
            )
            if isinstance(record, OwnVoteRecord)
            and (record.statement.epoch, record.statement.view) > (epoch, head.view)
        ]
        for batch in log.batches
    ]
    logged = {statement for batch in by_batch for statement in batch}
    guarded = {statement for statement in signed if (statement.epoch, statement.view) > (epoch, head.view)}
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

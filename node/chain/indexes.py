"""Indexes over final blocks: where a log, an account's transaction, a contract's creator or a currency's holder is.

Everything here follows from blocks, receipts and the genesis document, so an index can be built at any time and has
the same bytes as one that was written block by block. One record per value and block, not per log: a block of a
thousand payments in one currency writes the currency's address once. Nothing here may ever decide whether a block is
valid, and an index is never read half built: META_INDEX tells how far each group goes.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntFlag

from consensus.chain.genesis import GenesisDocument
from consensus.chain.receipt import Receipt
from consensus.chain.transaction import created_address, decode_transaction
from consensus.primitives.scalars import Address, Hash32, Height
from contracts.addresses import CURRENCY_PREFIX, currency_address
from contracts.movements import PARTY_TOPICS
from contracts.native.money import TRANSFER
from node.chain.reservations import ReservationWriter
from node.chain.store import ChainStore
from node.execution.transition import ExecutedBlock
from node.storage.errors import MissingRecord
from node.storage.kv import KeyValueStore, WriteBatch
from node.storage.schema import (
    CREATOR,
    HISTORY,
    HOLDER,
    LOG_ADDRESS,
    LOG_TOPICS,
    SENDER_NONCE,
    height_bytes,
    index_progress_key,
    index_progress_key_before,
)

LOGS, ADDRESSES, HOLDERS = "logs", "addresses", "holders"
INDEX_GROUPS = (LOGS, ADDRESSES, HOLDERS)
"""What an operator switches on and off: logs by address and topic; history of accounts with their open holds and
redemptions, transactions by sender and nonce, creators of contracts; holders of currencies."""

REBUILD_OPERATIONS_MAX = 50_000
"""Entries in one batch of a rebuild: about 5 MB. One synced write a block would make a rebuild ten times as long; all
in one would need the memory of the whole index."""

KNOWN_HOLDERS_MAX = 65_536
"""Newest holders remembered, so that their record is not read again: 5 MB. More than one batch can hold, because what
is not written yet must be here; half would forget holders of the same batch."""

_NOBODY = bytes(20)


class Role(IntFlag):
    """What an account had to do with a transaction. One byte in the history index."""

    SENDER = 1
    RECIPIENT = 2
    """The transaction called it."""
    CREATED = 4
    """A contract the transaction created."""
    PARTY = 8
    """Paid or was paid in a native currency, or a hold or redemption of its own was made, paid or given back."""


@dataclass(frozen=True, slots=True)
class IndexedBlock:
    """What the indexes take from a block; every sequence has one entry per transaction."""

    height: Height
    transaction_hashes: Sequence[Hash32]
    senders: Sequence[Address]
    nonces: Sequence[int]
    recipients: Sequence[Address | None]
    """None for a creation."""
    receipts: Sequence[Receipt]


def indexed_block(executed: ExecutedBlock) -> IndexedBlock:
    """Return what the indexes take from a block that was just executed."""
    assert len(executed.recipients) == len(executed.receipts), "a block is indexed with its recipients"
    return IndexedBlock(
        executed.block.header.height,
        executed.transaction_hashes,
        executed.senders,
        executed.nonces,
        executed.recipients,
        executed.receipts,
    )


class IndexWriter:
    """Keeps the chosen groups up to the head. Made by `open_indexes` only; used on one thread at a time."""

    def __init__(self, groups: Sequence[str], height_next: Height) -> None:
        self.groups = tuple(group for group in INDEX_GROUPS if group in groups)
        self._height_next = height_next
        self._known_holders: dict[bytes, None] = {}
        self._reservations = ReservationWriter()

    def write_block(self, batch: WriteBatch, store: KeyValueStore, block: IndexedBlock) -> None:
        """Add the entries of the next block to `batch`. Blocks come without gaps."""
        if not self.groups:
            return
        assert block.height == self._height_next, "an index with a gap would hide payments"
        self._height_next = Height(block.height + 1)
        suffix = height_bytes(block.height)
        if LOGS in self.groups:
            _write_logs(batch, block, suffix)
        if ADDRESSES in self.groups:
            _write_history(batch, block, suffix)
            self._reservations.write_block(batch, store, block)
        if HOLDERS in self.groups:
            self._write_holders(batch, store, block, suffix)
        reached = height_bytes(self._height_next)
        for group in self.groups:
            batch.put(index_progress_key(group), reached)

    def write_opening(self, batch: WriteBatch, holders: Iterable[bytes]) -> None:
        """Add genesis: it has no receipts, so the holders of opening balances come from its document."""
        assert self._height_next == 0, "genesis is the first block"
        self._height_next = Height(1)
        if HOLDERS in self.groups:
            for holder in holders:
                self._remember_holder(holder)
                batch.put(HOLDER + holder, height_bytes(0))
        for group in self.groups:
            batch.put(index_progress_key(group), height_bytes(1))

    def _write_holders(self, batch: WriteBatch, store: KeyValueStore, block: IndexedBlock, suffix: bytes) -> None:
        known, transfer, prefix = self._known_holders, TRANSFER.topic, CURRENCY_PREFIX
        for receipt in block.receipts:
            for log in receipt.logs:
                # Whoever pays was paid before.
                if log.topics and log.topics[0] == transfer and log.address.startswith(prefix):
                    holder = log.address + log.topics[2][12:]
                    if holder in known:
                        continue
                    self._remember_holder(holder)
                    key = HOLDER + holder
                    if not holder.endswith(_NOBODY) and store.get(key) is None:
                        batch.put(key, suffix)

    def _remember_holder(self, holder: bytes) -> None:
        known = self._known_holders
        if len(known) >= KNOWN_HOLDERS_MAX:
            # The oldest: its record was written long ago.
            del known[next(iter(known))]
        known[holder] = None


def opening_holders(document: GenesisDocument) -> list[bytes]:
    """Return currency ‖ account of every opening balance, in the order of the document."""
    return [
        currency_address(number) + account
        for number, currency in enumerate(document.currencies, 1)
        for account, _ in currency.balances
    ]


def open_indexes(
    store: KeyValueStore,
    document: GenesisDocument,
    groups: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> IndexWriter:
    """Bring the chosen groups up to the head and return what keeps them there.

    A group that was off goes on where it stopped. Interrupted, the next call goes on after the last batch.
    `on_progress` gets height and last height. Raises: StorageError.
    """
    head = ChainStore(store).final_head().height
    for group in INDEX_GROUPS:
        if group in groups:
            _catch_up(store, document, group, head, on_progress)
    return IndexWriter(groups, Height(head + 1))


def rebuild_indexes(
    store: KeyValueStore,
    document: GenesisDocument,
    groups: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Forget and build the chosen groups again. Interrupted, `open_indexes` finishes it.

    Entries are overwritten, not deleted first: they follow from the chain, so a whole one is never wrong.
    Raises: StorageError.
    """
    batch = WriteBatch()
    for group in groups:
        batch.delete(index_progress_key(group))
    store.write(batch, sync=True)
    open_indexes(store, document, groups, on_progress=on_progress)


def index_height(store: KeyValueStore, group: str) -> Height:
    """Return the first height that a group does not cover yet; 0 if it was never built."""
    value = store.get(index_progress_key(group))
    return Height(0 if value is None else int.from_bytes(value, "big"))


def _catch_up(
    store: KeyValueStore,
    document: GenesisDocument,
    group: str,
    head: Height,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    chain = ChainStore(store)
    first = index_height(store, group)
    writer = IndexWriter((group,), first)
    batch = WriteBatch()
    key_before = index_progress_key_before(group)
    if first == 0 and key_before is not None:
        batch.delete(key_before)
    for height in range(first, head + 1):
        if height == 0:
            writer.write_opening(batch, opening_holders(document))
        else:
            writer.write_block(batch, store, _stored_block(chain, Height(height)))
        if len(batch.operations) >= REBUILD_OPERATIONS_MAX:
            store.write(batch, sync=True)
            batch = WriteBatch()
            if on_progress is not None:
                on_progress(height, head)
    if batch.operations:
        store.write(batch, sync=True)
        if on_progress is not None:
            on_progress(head, head)


def _stored_block(chain: ChainStore, height: Height) -> IndexedBlock:
    block, results = chain.block(height), chain.results(height)
    if block is None or results is None:
        raise MissingRecord(f"block {height} or its results")
    transactions = [decode_transaction(raw) for raw in block.transactions]
    return IndexedBlock(
        height,
        [transaction.hash for transaction in transactions],
        results.senders,
        [transaction.nonce for transaction in transactions],
        [transaction.to for transaction in transactions],
        results.receipts,
    )


def _write_logs(batch: WriteBatch, block: IndexedBlock, suffix: bytes) -> None:
    """Add, for each address and each topic at its place, the indexes of the block's logs that have it."""
    positions: defaultdict[bytes, bytearray] = defaultdict(bytearray)
    log_index = 0
    for receipt in block.receipts:
        for log in receipt.logs:
            at = log_index.to_bytes(4, "big")
            log_index += 1
            positions[LOG_ADDRESS + log.address] += at
            for prefix, topic in zip(LOG_TOPICS, log.topics, strict=False):
                positions[prefix + topic] += at
    batch.operations += [(value + suffix, bytes(found)) for value, found in positions.items()]


def _write_history(batch: WriteBatch, block: IndexedBlock, suffix: bytes) -> None:
    """Add, for each account, its transactions with its roles; by sender and nonce; and creators of contracts."""
    history: defaultdict[bytes, bytearray] = defaultdict(bytearray)
    operations = batch.operations
    parties_at = PARTY_TOPICS
    rows = zip(block.transaction_hashes, block.senders, block.nonces, block.recipients, block.receipts, strict=True)
    for index, (transaction_hash, sender, nonce, recipient, receipt) in enumerate(rows):
        operations.append((SENDER_NONCE + sender + nonce.to_bytes(8, "big"), transaction_hash))
        roles: dict[bytes, int] = {sender: 1}
        if recipient is not None:
            roles[recipient] = roles.get(recipient, 0) | 2
        elif receipt.succeeded:
            contract = created_address(sender, nonce)
            roles[contract] = 4
            operations.append((CREATOR + contract, sender + transaction_hash))
        for log in receipt.logs:
            if log.address.startswith(CURRENCY_PREFIX) and log.topics and log.topics[0] in parties_at:
                for place in parties_at[log.topics[0]]:
                    party = log.topics[place][12:]
                    roles[party] = roles.get(party, 0) | 8
        at = index.to_bytes(4, "big")
        for account, role in roles.items():
            if account != _NOBODY:
                history[account] += at + _ROLE_BYTES[role]
    operations += [(HISTORY + account + suffix, bytes(found)) for account, found in history.items()]


_ROLE_BYTES = tuple(bytes((roles,)) for roles in range(16))
"""The roles of `Role` as they stand in records; the enumeration itself would cost a microsecond a use."""

"""The final chain on disk, as everybody reads it."""

from collections.abc import Iterator

from consensus.chain.block import Block, decode_body
from consensus.chain.header import Header, block_hash_of, decode_header
from consensus.primitives.scalars import Epoch, Hash32, Height
from node.chain.records import (
    BlockResults,
    FinalHead,
    decode_epoch_record,
    decode_final_head,
    decode_location,
    decode_results,
)
from node.state.history import HistoricalState
from node.state.reader import FinalState, StateReader
from node.storage.errors import ForeignStore, MissingRecord
from node.storage.kv import KeyValueStore, ReadableStore
from node.storage.schema import (
    META_FINAL_HEAD,
    META_GENESIS_HASH,
    META_SCHEMA,
    SCHEMA_VERSION,
    body_key,
    epoch_key,
    finalization_key,
    header_key,
    height_of_block_key,
    results_key,
    transaction_key,
)

LINKING_HEADERS_MAX = 256
"""Most headers between a block and the finalization that covers it (consensus.md §10)."""


class ChainStore:
    """Reads of final blocks; every method answers for what is committed now, unless a snapshot is given."""

    def __init__(self, store: KeyValueStore) -> None:
        self.store = store

    def is_empty(self) -> bool:
        """Tell whether genesis has not been written yet."""
        return self.store.get(META_SCHEMA) is None

    def validate_identity(self, genesis_hash: Hash32) -> None:
        """Check that the data is of this schema and this network.

        Raises: ForeignStore.
        """
        schema = self.store.get(META_SCHEMA)
        if schema is None or int.from_bytes(schema, "big") != SCHEMA_VERSION:
            shown = "none" if schema is None else str(int.from_bytes(schema, "big"))
            raise ForeignStore("schema", found=shown, expected=str(SCHEMA_VERSION))
        found = self.store.get(META_GENESIS_HASH)
        if found != genesis_hash:
            shown = "none" if found is None else f"0x{found.hex()}"
            raise ForeignStore("genesis", found=shown, expected=f"0x{genesis_hash.hex()}")

    def genesis_hash(self) -> Hash32:
        """Return the hash of block 0. Raises: MissingRecord."""
        value = self.store.get(META_GENESIS_HASH)
        if value is None:
            raise MissingRecord("genesis hash")
        return Hash32(value)

    def final_head(self, reader: ReadableStore | None = None) -> FinalHead:
        """Return where the final chain ends. Raises: MissingRecord."""
        value = (reader or self.store).get(META_FINAL_HEAD)
        if value is None:
            raise MissingRecord("final head")
        return decode_final_head(value)

    def header_rlp(self, height: Height) -> bytes | None:
        """Return the header's bytes; None above the final head."""
        return self.store.get(header_key(height))

    def header(self, height: Height) -> Header | None:
        """Return the header; None above the final head."""
        rlp = self.header_rlp(height)
        return None if rlp is None else decode_header(rlp)

    def header_with_hash(self, height: Height) -> tuple[Header, bytes, Hash32] | None:
        """Return a header, its bytes and its hash; None above the final head."""
        rlp = self.header_rlp(height)
        return None if rlp is None else (decode_header(rlp), rlp, block_hash_of(rlp))

    def body(self, height: Height) -> bytes | None:
        """Return the encoded transactions; None above the final head."""
        return self.store.get(body_key(height))

    def block(self, height: Height) -> Block | None:
        """Return header and transactions; None above the final head."""
        rlp, body = self.header_rlp(height), self.body(height)
        if rlp is None or body is None:
            return None
        return Block(decode_header(rlp), rlp, block_hash_of(rlp), tuple(decode_body(body)))

    def height_of(self, block_hash: Hash32) -> Height | None:
        """Return the height of a final block."""
        value = self.store.get(height_of_block_key(block_hash))
        return None if value is None else Height(int.from_bytes(value, "big"))

    def results(self, height: Height) -> BlockResults | None:
        """Return receipts, senders and revert outputs; None above the final head."""
        value = self.store.get(results_key(height))
        return None if value is None else decode_results(value)

    def locate(self, transaction_hash: Hash32) -> tuple[Height, int] | None:
        """Return height and index of a final transaction."""
        value = self.store.get(transaction_key(transaction_hash))
        return None if value is None else decode_location(value)

    def epoch_record(self, epoch: Epoch) -> tuple[Height, bytes] | None:
        """Return the height of an epoch's first block and its encoded validator set; None if it is not known yet."""
        value = self.store.get(epoch_key(epoch))
        return None if value is None else decode_epoch_record(value)

    def running_epoch(self) -> tuple[Epoch, Height]:
        """Return the epoch of the block that will follow the final head, and its first height.

        Raises: MissingRecord.
        """
        head = self.final_head()
        for epoch in (Epoch(head.epoch + 1), head.epoch):
            # The record of the next epoch is written with the last block of this one.
            record = self.epoch_record(epoch)
            if record is not None:
                return epoch, record[0]
        raise MissingRecord(f"validator set of epoch {head.epoch}")

    def last_height_of_epoch_at(self, height: Height) -> Height | None:
        """Return the height at which the epoch of a final block ended; None if it runs on or the block is unknown."""
        header = self.header(height)
        following = None if header is None else self.epoch_record(Epoch(header.epoch + 1))
        return None if following is None else Height(following[0] - 1)

    def own_finalization(self, height: Height) -> bytes | None:
        """Return the finalization stored for exactly this height; None if it is final through a descendant."""
        return self.store.get(finalization_key(height))

    def covering_finalization(self, height: Height) -> tuple[list[bytes], bytes] | None:
        """Return the headers above `height` up to the first one with a stored finalization, and that finalization.

        No headers if the block has its own; None above the final head.
        """
        linking: list[bytes] = []
        for above in range(height, height + LINKING_HEADERS_MAX + 1):
            finalization = self.own_finalization(Height(above))
            if finalization is not None:
                return linking, finalization
            header = self.header_rlp(Height(above + 1))
            if header is None:
                return None
            linking.append(header)
        return None

    def state_at(self, height: Height) -> StateReader:
        """Return the state after a final block, at one moment of the store; any kept height costs one seek a value."""
        snapshot = self.store.snapshot()
        if height == self.final_head(snapshot).height:
            return FinalState(snapshot)
        return HistoricalState(snapshot, height)

    def headers_from(self, first: Height, last: Height) -> Iterator[Header]:
        """Yield the headers of a range of heights, upwards, ending early at the final head."""
        for height in range(first, last + 1):
            header = self.header(Height(height))
            if header is None:
                return
            yield header

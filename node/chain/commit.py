"""One synced LevelDB batch per final height: header, body, results, state, trie, indexes, head. Or nothing."""

from consensus.chain.block import encode_body
from consensus.primitives.scalars import Epoch, Hash32, Height, View
from node.chain.indexes import IndexWriter, indexed_block
from node.chain.records import (
    BlockResults,
    FinalHead,
    encode_epoch_record,
    encode_final_head,
    encode_location,
    encode_results,
)
from node.execution.transition import ExecutedBlock
from node.state.persist import write_overlay
from node.storage.kv import KeyValueStore, WriteBatch
from node.storage.schema import (
    META_FINAL_HEAD,
    META_GENESIS_HASH,
    META_SCHEMA,
    SCHEMA_VERSION,
    body_key,
    epoch_key,
    finalization_key,
    header_key,
    height_bytes,
    height_of_block_key,
    results_key,
    transaction_key,
)


def commit_block(
    store: KeyValueStore,
    executed: ExecutedBlock,
    head: FinalHead,
    finalization: bytes | None,
    indexes: IndexWriter | None = None,
) -> None:
    """Write a final block and make it the head, durably, in one batch.

    `finalization` is None for a block that is final through a descendant, `indexes` for a store that keeps none.
    Raises: WriteFailed, which ends the process.
    """
    batch = WriteBatch()
    _write_block(batch, store, executed)
    if indexes is not None:
        indexes.write_block(batch, store, indexed_block(executed))
    if finalization is not None:
        batch.put(finalization_key(head.height), finalization)
    if executed.last_of_epoch:
        first_height = Height(head.height + 1)
        batch.put(epoch_key(Epoch(head.epoch + 1)), encode_epoch_record(first_height, executed.next_set_payload))
    batch.put(META_FINAL_HEAD, encode_final_head(head))
    store.write(batch, sync=True)


def commit_genesis(store: KeyValueStore, genesis: ExecutedBlock, validator_payload: bytes) -> None:
    """Write block 0 and the identity of the network into an empty store.

    Raises: WriteFailed, which ends the process.
    """
    batch = WriteBatch()
    _write_block(batch, store, genesis)
    genesis_hash = genesis.block.block_hash
    batch.put(META_SCHEMA, SCHEMA_VERSION.to_bytes(2, "big"))
    batch.put(META_GENESIS_HASH, genesis_hash)
    batch.put(epoch_key(Epoch(0)), encode_epoch_record(Height(1), validator_payload))
    batch.put(META_FINAL_HEAD, encode_final_head(genesis_head(genesis_hash)))
    store.write(batch, sync=True)


def genesis_head(genesis_hash: Hash32) -> FinalHead:
    """Return the head of a chain that is only genesis: view 0 of epoch 0."""
    return FinalHead(Height(0), genesis_hash, Epoch(0), View(0))


def _write_block(batch: WriteBatch, store: KeyValueStore, executed: ExecutedBlock) -> None:
    block = executed.block
    height = block.header.height
    batch.put(header_key(height), block.header_rlp)
    batch.put(height_of_block_key(block.block_hash), height_bytes(height))
    batch.put(body_key(height), encode_body(block.transactions))
    batch.put(
        results_key(height),
        encode_results(BlockResults(executed.receipts, executed.senders, executed.revert_outputs)),
    )
    for index, transaction_hash in enumerate(executed.transaction_hashes):
        batch.put(transaction_key(transaction_hash), encode_location(height, index))
    write_overlay(batch, executed.overlay, height, store)

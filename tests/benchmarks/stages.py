"""Microseconds per transfer of each stage, from the real code, one process, one thread."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from consensus.chain.block import decode_body, encode_body
from consensus.chain.merkle import ordered_list_root
from consensus.chain.receipt import Receipt, encode_receipts
from consensus.chain.transaction import Transaction, decode_transaction, recover_sender, validate_transaction
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Epoch, Hash32, Height, TimestampMs, View, WorkUnits
from contracts.layout import balance_slot
from node.chain.commit import commit_block
from node.chain.records import FinalHead
from node.cli.network_plan import DEVNET_CHAIN_ID
from node.execution.limits import BlockLimits
from node.execution.transition import BlockContext, BlockExecution, SignedTransaction
from node.mempool.pool import Pool, PooledTransaction, PoolLimits
from node.peers.wire import decode_gossip, encode_transactions
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.persist import write_overlay
from node.state.reader import FinalState
from node.storage.kv import WriteBatch
from node.storage.leveldb import LevelDbStore
from tests.benchmarks.payments import EUR, make_senders, sign_rounds
from tests.benchmarks.report import keep

LIMITS = BlockLimits(10**12, WorkUnits(10**12), WorkUnits(10**9), 1 << 26)


def timed(samples: dict[str, list[float]], stage: str, count: int, work: Callable[[], object]) -> None:
    """Add one measurement of a stage that handles `count` transfers."""
    started = time.perf_counter()
    work()
    samples.setdefault(stage, []).append(1e6 * (time.perf_counter() - started) / count)


def fill(store: LevelDbStore, accounts: int) -> None:
    """Write a state in which `accounts` addresses hold the currency."""
    overlay = Overlay(FinalState(store.snapshot()))
    journal = Journal(overlay)
    journal.set_nonce(EUR, 1)
    journal.set_code(EUR, b"\xfe")
    # Decimals 2, policy 1: what makes a currency exist.
    journal.set_slot(EUR, 0, 2 | 1 << 24)
    for sender in make_senders(SENDERS):
        journal.set_slot(EUR, balance_slot(sender.address), 10**6)
    for index in range(accounts):
        address = Address(keccak256(b"holder %d" % index)[:20])
        journal.set_slot(EUR, balance_slot(address), 1)
        journal.set_nonce(address, 1)
    journal.commit()
    overlay.seal()
    batch = WriteBatch()
    write_overlay(batch, overlay, Height(0), store)
    store.write(batch, sync=True)


SENDERS = 200
ROUNDS = 5


def main(arguments: list[str]) -> None:
    """Measure blocks of 200 transfers on a state of `--accounts` holders."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks stages")
    parser.add_argument("--accounts", type=int, default=1_000)
    options = parser.parse_args(arguments)
    samples: dict[str, list[float]] = {}
    lanes = sign_rounds(make_senders(SENDERS), ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDbStore.open(Path(folder) / "ledger.ldb", create=True)
        fill(store, options.accounts)
        parent_hash = keccak256(b"parent")
        for turn in range(ROUNDS):
            raws = [lane[turn].raw for lane in lanes]
            parent_hash = one_block(samples, store, raws, Height(turn + 1), parent_hash)
        store.close()
    medians = {stage: round(statistics.median(values), 1) for stage, values in samples.items()}
    spreads = {stage: [round(min(values), 1), round(max(values), 1)] for stage, values in samples.items()}
    keep(
        "stages",
        {**vars(options), "transfers_per_block": SENDERS, "blocks": ROUNDS},
        {"us_per_transfer": medians, "min_max": spreads, "sum_us": round(sum(medians.values()), 1)},
    )


def block_context(height: Height, parent_hash: Hash32) -> BlockContext:
    """Return the context of a block without limits."""
    return BlockContext(
        chain_id=DEVNET_CHAIN_ID,
        parent_hash=parent_hash,
        height=height,
        timestamp_ms=TimestampMs(1_700_000_000_000 + height),
        leader=Address(bytes(20)),
        epoch=Epoch(0),
        view=View(height),
        limits=LIMITS,
    )


def one_block(
    samples: dict[str, list[float]], store: LevelDbStore, raws: list[bytes], height: Height, parent_hash: Hash32
) -> Hash32:
    """Run one block through every stage and return its hash."""
    count = len(raws)
    decoded = [decode_transaction(raw) for raw in raws]
    timed(samples, "decode and check", count, lambda: _check_all(raws))
    senders = [recover_sender(transaction) for transaction in decoded]
    timed(samples, "recover sender", count, lambda: [recover_sender(transaction) for transaction in decoded])
    payload = encode_transactions(raws)
    timed(samples, "gossip encode and decode", count, lambda: decode_gossip(encode_transactions(raws)))
    assert len(decode_gossip(payload)[1]) == count
    pool = Pool(PoolLimits(transactions_max=10_000))
    timed(samples, "mempool", count, lambda: _admit(pool, decoded, senders, height - 1))
    context = block_context(height, parent_hash)
    signed = [SignedTransaction(transaction, sender) for transaction, sender in zip(decoded, senders, strict=True)]
    execution = BlockExecution(FinalState(store.snapshot()), context)
    timed(samples, "execute", count, lambda: _execute_all(execution, signed))
    started = time.perf_counter()
    executed = execution.seal()
    samples.setdefault("seal: tries, roots, header", []).append(1e6 * (time.perf_counter() - started) / count)
    timed(samples, "of that: transaction and receipt roots", count, lambda: _roots(raws, executed.receipts))
    timed(samples, "body encode and decode", count, lambda: decode_body(encode_body(raws)))
    head = FinalHead(height, executed.block.block_hash, Epoch(0), View(height))
    timed(samples, "commit batch, synced", count, lambda: commit_block(store, executed, head, b"finalization"))
    return executed.block.block_hash


def _check_all(raws: list[bytes]) -> None:
    for raw in raws:
        validate_transaction(decode_transaction(raw), chain_id=DEVNET_CHAIN_ID)


def _admit(pool: Pool, decoded: list[Transaction], senders: list[Address], final_nonce: int) -> None:
    for transaction, sender in zip(decoded, senders, strict=True):
        pool.validate_room(transaction, sender, final_nonce)
        pool.add(PooledTransaction(transaction, sender, TimestampMs(0), True), final_nonce)


def _execute_all(execution: BlockExecution, signed: list[SignedTransaction]) -> None:
    for one in signed:
        assert execution.apply(one).succeeded


def _roots(raws: list[bytes], receipts: tuple[Receipt, ...]) -> None:
    ordered_list_root(raws)
    ordered_list_root(encode_receipts(receipts))

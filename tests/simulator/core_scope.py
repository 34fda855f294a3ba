"""The small scope: bodies are executed by hashing them, so that consensus alone is what takes time; epochs still end.

Everything else is the production node. Bodies are made up from what the leader knows of the block; they mean nothing
and must never reach a ledger that does.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from consensus.chain.block import encode_body, make_block
from consensus.chain.header import NO_REQUESTS_HASH, Header
from consensus.chain.merkle import EMPTY_TRIE_ROOT, ordered_list_root
from consensus.chain.receipt import bloom_bytes
from consensus.primitives.hashing import sha256
from consensus.primitives.scalars import Hash32, WorkUnits
from consensus.simplex.validators import next_set_requests_hash
from node.execution.errors import WrongHeaderField
from node.execution.system_steps import end_block, start_block
from node.execution.transition import BlockContext, ExecutedBlock, SignedTransaction
from node.runtime import catch_up, execution_host
from node.runtime.evidence import EvidenceDesk
from node.state.journal import Journal
from node.state.overlay import Overlay
from node.state.reader import StateReader
from tests.simulator.patches import Patch, patched_all

TRANSACTIONS_MAX = 3
"""Made-up transactions in one block."""

LARGE_ONE_IN = 16
"""One block in so many has a body of several chunks."""

LARGE_BYTES = 150_000
SMALL_BYTES = 200


@contextmanager
def hashed_execution() -> Iterator[None]:
    """Answer every build and every certification by hashing while the block runs."""
    patches = (
        Patch(execution_host, "build_block", build_hashed),
        Patch(execution_host, "apply_block", apply_hashed),
        Patch(execution_host, "recover_missing", as_they_are),
        Patch(catch_up, "apply_block", apply_hashed),
        Patch(catch_up, "recover_missing", as_they_are),
        # No block holds what a mempool has, so nothing reported would ever be final.
        Patch(EvidenceDesk, "tick", lambda _desk: None),
    )
    with patched_all(patches):
        yield


def build_hashed(
    parent: StateReader,
    context: BlockContext,
    _candidates: Iterable[SignedTransaction],
    *,
    bank_ids: Sequence[int],
) -> tuple[ExecutedBlock, bytes]:
    """Make up a body and return its block."""
    seed = sha256(context.parent_hash + context.view.to_bytes(8, "big") + context.timestamp_ms.to_bytes(8, "big"))
    count = seed[0] % (TRANSACTIONS_MAX + 1)
    longest = LARGE_BYTES if seed[1] % LARGE_ONE_IN == 0 else SMALL_BYTES
    raws = [_made_up(seed, number, longest) for number in range(count)]
    return _executed(parent, context, raws), encode_body(raws)


def apply_hashed(
    parent: StateReader, context: BlockContext, header: Header, transactions: Sequence[bytes]
) -> ExecutedBlock:
    """Compare a header with what its parent and body make it. Raises: InvalidBlock."""
    executed = _executed(parent, context, transactions)
    computed = executed.block.header
    for field in Header.__dataclass_fields__:
        proposed_value, computed_value = getattr(header, field), getattr(computed, field)
        if proposed_value != computed_value:
            raise WrongHeaderField(field, header=proposed_value, computed=computed_value)
    return executed


def as_they_are(resolved: Sequence[bytes], _chain_id: int) -> Sequence[bytes]:
    """Recover no sender: nobody signed these."""
    return resolved


def _made_up(seed: bytes, number: int, longest: int) -> bytes:
    drawn = sha256(seed + bytes((number,)))
    # A type byte no transaction has, then as many bytes as the hash says; the remainder only spreads lengths.
    return b"\x7f" + (drawn * (longest // len(drawn) + 1))[: int.from_bytes(drawn[:4], "big") % longest]


def _executed(parent: StateReader, context: BlockContext, raws: Sequence[bytes]) -> ExecutedBlock:
    overlay = Overlay(parent)
    journal = Journal(overlay)
    start_block(journal, context)
    next_set_payload = end_block(journal, context)
    journal.commit()
    overlay.seal()
    root = ordered_list_root(raws)
    header = Header(
        parent_hash=context.parent_hash,
        leader=context.leader,
        state_root=Hash32(sha256(context.parent_hash + root)),
        transactions_root=root,
        receipts_root=EMPTY_TRIE_ROOT,
        logs_bloom=bloom_bytes(0),
        height=context.height,
        gas_limit=context.limits.block_gas_max,
        gas_used=0,
        timestamp_ms=context.timestamp_ms,
        epoch=context.epoch,
        view=context.view,
        previous_randao=Hash32(sha256(context.parent_hash)),
        requests_hash=next_set_requests_hash(next_set_payload) if next_set_payload else NO_REQUESTS_HASH,
    )
    block = make_block(header, raws)
    return ExecutedBlock(block, overlay, (), (), (), (), (), WorkUnits(0), bool(next_set_payload), next_set_payload)

"""What a block does by itself, before its first transaction and after its last.

No transaction, no gas, no logs: whatever happens here follows from the state and the block's height alone.
"""

from typing import TYPE_CHECKING

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.native.epoch_end import begin_next_epoch, is_last_block, keep_genesis_hash
from node.execution.native import JournalContext
from node.state.journal import Journal

if TYPE_CHECKING:
    from node.execution.transition import BlockContext

HISTORY_ADDRESS = Address(bytes.fromhex("0000f90827f1c53a10cb7a02335b175320002935"))
"""The contract that keeps parent hashes (EIP-2935)."""

HISTORY_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311"
    "604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
"""Its published code; present from genesis so that contracts find it."""

HISTORY_SLOTS = 8_191
"""Length of its ring of slots (EIP-2935)."""


def start_block(journal: Journal, block: "BlockContext") -> None:
    """Keep the parent's hash in the ring, as EIP-2935 says, without running its code; at height 1 it is genesis."""
    journal.set_slot(HISTORY_ADDRESS, (block.height - 1) % HISTORY_SLOTS, int.from_bytes(block.parent_hash, "big"))
    if block.height == 1:
        keep_genesis_hash(_registry(journal, block), block.parent_hash)


def end_block(journal: Journal, block: "BlockContext") -> bytes:
    """Begin the next epoch if this block is the last of its own; return the payload of the next set, else nothing.

    Source: consensus.md §9.
    """
    registry = _registry(journal, block)
    return begin_next_epoch(registry) if is_last_block(registry) else b""


def _registry(journal: Journal, block: "BlockContext") -> JournalContext:
    return JournalContext(journal, block, address=VALIDATOR_REGISTRY, caller=ZERO_ADDRESS, value=0, is_static=False)

"""What a block does by itself: before its first transaction, and after its last."""

from typing import TYPE_CHECKING

from consensus.primitives.scalars import ZERO_ADDRESS, Address, Epoch, Hash32, Height
from consensus.simplex.validators import encode_set_payload
from contracts.addresses import VALIDATOR_REGISTRY
from contracts.layout import ValidatorRegistrySlots
from contracts.native.validator_epochs import end_epoch, is_last_of_epoch
from node.execution.epoch_state import make_validator
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


def start_block(journal: Journal, *, parent_hash: Hash32, height: Height) -> None:
    """Keep the parent's hash in the ring, as EIP-2935 says, without running its code.

    Block 1 also writes down the genesis hash: validators sign it with every vote, and evidence is checked against it.
    """
    journal.set_slot(HISTORY_ADDRESS, (height - 1) % HISTORY_SLOTS, int.from_bytes(parent_hash, "big"))
    if height == 1:
        genesis_hash = int.from_bytes(parent_hash, "big")
        journal.set_slot(VALIDATOR_REGISTRY, ValidatorRegistrySlots.GENESIS_HASH, genesis_hash)


def end_block(journal: Journal, block: "BlockContext") -> bytes:
    """End the epoch if this is its last block, and return the payload of the next set; empty for any other block.

    Source: consensus.md §9.
    """
    context = JournalContext(journal, block, address=VALIDATOR_REGISTRY, caller=ZERO_ADDRESS, value=0, is_static=False)
    if not is_last_of_epoch(context):
        return b""
    validators = [make_validator(record) for record in end_epoch(context)]
    return encode_set_payload(Epoch(block.epoch + 1), validators)

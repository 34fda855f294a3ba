"""What a block does by itself, before its first transaction."""

from consensus.primitives.scalars import Address, Hash32, Height
from node.state.journal import Journal

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
    """Keep the parent's hash in the ring, as EIP-2935 says, without running its code."""
    journal.set_slot(HISTORY_ADDRESS, (height - 1) % HISTORY_SLOTS, int.from_bytes(parent_hash, "big"))

"""The journal and the block as py-evm's opcodes ask for them.

py-evm calls this object `state`. There is nothing of py-evm's own state, database or trie behind it.
"""

from typing import TYPE_CHECKING, Final

from consensus.primitives.scalars import Address, Hash32
from node.execution.meter import WorkMeter
from node.execution.py_evm.precompiles import precompiles_of
from node.execution.system_steps import HISTORY_ADDRESS, HISTORY_SLOTS
from node.state.journal import Checkpoint, Journal

if TYPE_CHECKING:
    from node.execution.engine import CallTracer
    from node.execution.transition import BlockContext

BLOCK_HASHES_SEEN: Final = 256
"""Ancestors whose hash BLOCKHASH returns (Yellow Paper H.2)."""


class LedgerState:
    """One transaction's view. Owned by whoever owns the journal."""

    def __init__(
        self, journal: Journal, context: "BlockContext", meter: WorkMeter, tracer: "CallTracer | None"
    ) -> None:
        self.journal = journal
        self.context = context
        self.meter = meter
        self.tracer = tracer
        self.precompiles = precompiles_of(context.rules)
        # Bound once: each is asked for by several opcodes of every transaction.
        self.get_balance = journal.get_balance
        self.set_balance = journal.set_balance
        self.get_nonce = journal.get_nonce
        self.set_nonce = journal.set_nonce
        self.get_code = journal.get_code
        self.set_code = journal.set_code
        self.get_code_hash = journal.get_code_hash
        self.set_storage = journal.set_slot
        self.delete_storage = journal.clear_storage
        self.account_exists = journal.account_exists
        self.account_is_empty = journal.is_empty
        self.touch_account = journal.touch
        self.is_storage_warm = journal.is_warm_slot
        self.mark_storage_warm = journal.warm_slot
        self.mark_address_warm = journal.warm_address
        self.snapshot = journal.snapshot
        self.revert = journal.revert

    # What opcodes ask of the block

    @property
    def execution_context(self) -> "LedgerState":
        """Where CHAINID looks."""
        return self

    @property
    def chain_id(self) -> int:
        return self.context.chain_id

    @property
    def coinbase(self) -> Address:
        return self.context.leader

    @property
    def timestamp(self) -> int:
        # Whole seconds, as contracts see them; the header keeps the milliseconds.
        return self.context.timestamp_ms // 1000

    @property
    def block_number(self) -> int:
        return self.context.height

    @property
    def mix_hash(self) -> Hash32:
        return self.context.previous_randao

    @property
    def gas_limit(self) -> int:
        return self.context.limits.block_gas_max

    @property
    def base_fee(self) -> int:
        return self.context.fees.base_fee

    @property
    def blob_base_fee(self) -> int:
        return self.context.fees.blob_base_fee

    def get_ancestor_hash(self, height: int) -> bytes:
        """Return the hash of one of the last blocks; zeros for any other height."""
        ours = self.context.height
        if not ours - BLOCK_HASHES_SEEN <= height < ours or height < 0:
            return b""
        known = self.context.ancestor_hash
        if known is not None:
            return known(height)
        if height == ours - 1:
            # A call that is in no block finds it in no slot yet.
            return self.context.parent_hash
        return self.journal.get_slot(HISTORY_ADDRESS, height % HISTORY_SLOTS).to_bytes(32, "big")

    # What opcodes ask of the state beyond the journal's own answers

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """Return the word in a slot, or the one that was in it before the transaction."""
        return self.journal.get_slot(address, slot) if from_journal else self.journal.get_original_slot(address, slot)

    def delta_balance(self, address: Address, delta: int) -> None:
        """Add to a balance."""
        self.journal.set_balance(address, self.journal.get_balance(address) + delta)

    def increment_nonce(self, address: Address) -> None:
        """Count one more creation."""
        self.journal.set_nonce(address, self.journal.get_nonce(address) + 1)

    def has_code_or_nonce(self, address: Address) -> bool:
        """Tell whether a contract cannot be created here. Source: EIP-684, EIP-7610."""
        journal = self.journal
        return bool(journal.get_nonce(address) or journal.get_code(address) or journal.has_storage(address))

    def is_address_warm(self, address: Address) -> bool:
        """Tell whether the account costs no cold access any more. Source: EIP-2929."""
        return self.journal.is_warm_address(address) or address in self.precompiles

    def commit(self, checkpoint: Checkpoint) -> None:
        """Keep what was written since a checkpoint: it is kept unless reverted."""

"""System contracts on the node's journal: the context they see, and the door a transaction enters through."""

from typing import TYPE_CHECKING, cast

from consensus.chain.receipt import Log
from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address, Hash32
from contracts.native.directory import run_native
from contracts.native.dispatch import NativeResult
from node.state.journal import Journal

if TYPE_CHECKING:
    from node.execution.transition import BlockContext

SYSTEM_CODE = b"\xfe"
"""Code of every system address: tools that look for code before calling find some, and it cannot run."""

SYSTEM_CODE_HASH = keccak256(SYSTEM_CODE)


class JournalContext:
    """`contracts.native.context.CallContext` over the journal."""

    __slots__ = ("_block", "_journal", "address", "caller", "is_static", "value")

    def __init__(
        self,
        journal: Journal,
        block: "BlockContext",
        *,
        address: Address,
        caller: Address,
        value: int,
        is_static: bool,
    ) -> None:
        self._journal = journal
        self._block = block
        self.address = address
        self.caller = caller
        self.value = value
        self.is_static = is_static

    @property
    def block_timestamp_s(self) -> int:
        # Whole seconds, as contracts see them; the header keeps the milliseconds.
        return self._block.timestamp_ms // 1000

    @property
    def block_number(self) -> int:
        return self._block.height

    @property
    def chain_id(self) -> int:
        return self._block.chain_id

    def get_slot(self, slot: int) -> int:
        return self._journal.get_slot(self.address, slot)

    def set_slot(self, slot: int, value: int) -> None:
        self._journal.set_slot(self.address, slot, value)

    def emit(self, topics: tuple[bytes, ...], data: bytes) -> None:
        # A cast instead of a tuple of casts: this runs for every payment.
        self._journal.add_log(Log(self.address, cast("tuple[Hash32, ...]", topics), data))

    def make_contract(self) -> None:
        write_system_contract(self._journal, self.address)

    def at(self, address: Address) -> "JournalContext":
        return JournalContext(
            self._journal,
            self._block,
            address=address,
            caller=self.caller,
            value=self.value,
            is_static=self.is_static,
        )


def write_system_contract(journal: Journal, address: Address) -> None:
    """Make `address` a contract: it begins with nonce 1 (EIP-161), and has the code of system addresses."""
    journal.set_nonce(address, 1)
    journal.set_code(address, SYSTEM_CODE)


def call_system_contract(
    journal: Journal,
    block: "BlockContext",
    *,
    address: Address,
    caller: Address,
    value: int,
    data: bytes,
    gas: int,
    is_static: bool = False,
) -> NativeResult:
    """Run the native contract at `address` on the journal. The caller reverts the journal if it did not succeed."""
    context = JournalContext(journal, block, address=address, caller=caller, value=value, is_static=is_static)
    return run_native(context, data, gas)

"""All that a native contract can touch: storage words, logs, and the facts of its call.

The node implements this over its journal, tests over a dictionary. A native contract never
learns which, and never reaches past it.
"""

from typing import Protocol

from consensus.primitives.scalars import Address


class NativeRevert(Exception):
    """A native contract refuses the call; `data` is the ABI-encoded named error.

    The dispatcher catches it. No native contract raises anything else on account of its input.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(f"reverted with 0x{data.hex()}")


class CallContext(Protocol):
    """One call to one native contract.

    Implementations need not undo writes when the call reverts: whoever made the context takes a
    snapshot of its journal before `run_native` and restores it when the result is not a success.
    """

    @property
    def caller(self) -> Address:
        """Who calls: the transaction's sender, or the contract that made the call (`msg.sender`)."""

    @property
    def address(self) -> Address:
        """The contract being run: whose slots `get_slot` reads and whose logs `emit` writes."""

    @property
    def value(self) -> int:
        """Wei sent along. Native contracts accept none."""

    @property
    def is_static(self) -> bool:
        """True inside a STATICCALL or a read-only RPC call that must not write."""

    @property
    def block_timestamp_s(self) -> int:
        """Time of the block, seconds since the Unix epoch."""

    @property
    def block_number(self) -> int:
        """Height of the block the call is in."""

    @property
    def chain_id(self) -> int:
        """The network's chain id (EIP-155)."""

    def get_slot(self, slot: int) -> int:
        """Return the word in `slot` of this contract, 0 if never written; both are 0 to 2^256 - 1."""

    def set_slot(self, slot: int, value: int) -> None:
        """Write the word in `slot` of this contract. Writing 0 erases it."""

    def emit(self, topics: tuple[bytes, ...], data: bytes) -> None:
        """Append a log of this contract: one to four topics of 32 bytes, and data."""

    def make_contract(self) -> None:
        """Put code at this address, so that tools and contracts that look for some before they call find it."""

    def at(self, address: Address) -> "CallContext":
        """Return the same call as seen by the native contract at `address`.

        Caller, value, block facts and journal are the same; slots and logs are those of `address`.
        It is how the registry sets up a currency, and how a currency reads what another contract decides.
        """

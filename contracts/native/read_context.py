"""A call context that only reads: system contracts' own functions over words that somebody else provides.

A node reads its state with it, a wallet words it has proven. It never writes.
"""

from collections.abc import Callable

from consensus.primitives.scalars import ZERO_ADDRESS, Address


class ReadContext:
    """`contracts.native.context.CallContext` of a read by nobody, at one moment."""

    __slots__ = ("_read_slot", "address", "block_number", "block_timestamp_s", "chain_id")

    caller = ZERO_ADDRESS
    value = 0
    is_static = True

    def __init__(
        self,
        read_slot: Callable[[Address, int], int],
        address: Address,
        *,
        height: int,
        timestamp_s: int,
        chain_id: int,
    ) -> None:
        self._read_slot = read_slot
        self.address = address
        self.block_number = height
        self.block_timestamp_s = timestamp_s
        self.chain_id = chain_id

    def get_slot(self, slot: int) -> int:
        """Return a word of the contract."""
        return self._read_slot(self.address, slot)

    def set_slot(self, slot: int, value: int) -> None:
        """Never called: a read that writes is a bug."""
        raise AssertionError("a read wrote")

    def emit(self, topics: tuple[bytes, ...], data: bytes) -> None:
        """Never called: a read that logs is a bug."""
        raise AssertionError("a read logged")

    def make_contract(self) -> None:
        """Never called: a read that makes a contract is a bug."""
        raise AssertionError("a read made a contract")

    def at(self, address: Address) -> "ReadContext":
        """Return the same moment of another contract."""
        return ReadContext(
            self._read_slot,
            address,
            height=self.block_number,
            timestamp_s=self.block_timestamp_s,
            chain_id=self.chain_id,
        )

"""Final blocks in order, for everybody who follows the chain inside this process."""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.chain.block import Block
from consensus.chain.receipt import Receipt
from consensus.primitives.scalars import Address


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """A block that is final and on disk."""

    block: Block
    receipts: tuple[Receipt, ...]
    senders: tuple[Address, ...]
    transaction_hashes: tuple[bytes, ...]
    finalization_view: int
    """View of the finalization that covers it."""
    signer_count: int
    """Validators whose votes are in the stored finalization."""
    validator_count: int
    build_ms: int
    """Time this node took to build it; 0 if it did not."""
    certify_ms: int
    """Time this node took to execute it; 0 if it built it."""
    commit_ms: int
    submit_to_final_ms: tuple[int, ...]
    """Of each transaction that a client gave to this node: from admission to on disk."""
    work_used: int


class Feed:
    """Calls subscribers on the loop thread, in the order they subscribed, once per height."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[FinalBlock], None]] = []

    def subscribe(self, subscriber: Callable[[FinalBlock], None]) -> None:
        """Call `subscriber` for every block from now on."""
        self._subscribers.append(subscriber)

    def publish(self, final: FinalBlock) -> None:
        """Tell all subscribers of a block whose batch is synced."""
        for subscriber in self._subscribers:
            subscriber(final)

"""What re-executing a chain found: the answer of `sycee-node verify`. Plain values; the work is done by the node."""

from dataclasses import dataclass

from consensus.primitives.scalars import Hash32, Height
from node.observe.facts import SupplyFacts


@dataclass(frozen=True, slots=True)
class ChainReport:
    """A chain as far as it was verified."""

    height_last: Height
    """Last height in the store."""
    state_root: Hash32
    """Computed by this run after the last height that agrees."""
    transactions: int
    """Executed again."""
    certificates: int
    """Finalizations whose signatures were checked."""
    supplies: tuple[SupplyFacts, ...]
    """Of each currency at the last height that agrees; the sum of its balances unless a fault says otherwise."""
    faults: tuple[str, ...]
    """What does not agree, each naming height and both values; empty when all is well."""

    @property
    def agrees(self) -> bool:
        return not self.faults

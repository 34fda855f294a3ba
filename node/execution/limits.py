"""How much a block and a transaction may compute, and what the fixed parts of a transaction cost in work.

Gas is not time: a million gas of pairings takes ten times as long as a million of additions. So every transaction
also uses work, in units of about a microsecond on the reference machine, and both limits are block validity.
"""

from dataclasses import dataclass

from consensus.chain.transaction import Transaction
from consensus.primitives.scalars import WorkUnits

WORK_TRANSACTION = 100
"""Work of any transaction: decode 15, recover 45, journal, receipt and roots 40 (measured, µs)."""

WORK_CALLDATA_WORD = 1
"""Work per started word of call data: hashing it three times costs 0.3 µs, storing and sending it the rest."""


@dataclass(frozen=True, slots=True)
class BlockLimits:
    """The on-chain limits in force for one epoch."""

    block_gas_max: int
    """Header field gasLimit."""
    block_work_max: WorkUnits
    """Work of all transactions of a block."""
    transaction_work_max: WorkUnits
    """Work of one transaction; exceeding it ends the transaction like running out of gas."""
    body_bytes_max: int
    """Length of the encoded list of transactions."""


def intrinsic_work(transaction: Transaction) -> WorkUnits:
    """Return the work a transaction uses before anything is executed."""
    # Started words: the remainder counts as a whole word.
    return WorkUnits(WORK_TRANSACTION + WORK_CALLDATA_WORD * ((len(transaction.data) + 31) // 32))

"""Who pays for gas. On this network nobody does; the rules of Ethereum are here for its public tests.

Source: EIP-1559, EIP-3651, EIP-4844.
"""

from dataclasses import dataclass
from typing import Final

from consensus.chain.transaction import Transaction
from consensus.primitives.scalars import Address, Hash32
from node.execution.errors import TransactionNotAllowed
from node.state.journal import Journal

GAS_PER_BLOB: Final = 131_072


@dataclass(frozen=True, slots=True)
class FeeRules:
    """What gas costs in one block."""

    is_charged: bool = False
    base_fee: int = 0
    """Wei per gas that is burned, and what BASEFEE answers."""
    blob_base_fee: int = 0
    """Wei per blob gas that is burned, and what BLOBBASEFEE answers."""
    blob_hashes: tuple[Hash32, ...] = ()
    """Of the one transaction of a public test that carries blobs."""
    max_fee_per_blob_gas: int = 0


NO_FEES: Final = FeeRules()
"""Sycee's."""


def price_of(fees: FeeRules, transaction: Transaction) -> int:
    """Return what a gas costs the sender of a transaction, in wei."""
    if not fees.is_charged:
        return 0
    return min(transaction.max_fee_per_gas, fees.base_fee + transaction.max_priority_fee_per_gas)


def validate_fees(journal: Journal, fees: FeeRules, transaction: Transaction, sender: Address) -> None:
    """Check that the sender offers enough and has it. Raises: TransactionNotAllowed."""
    if transaction.max_fee_per_gas < fees.base_fee:
        raise TransactionNotAllowed("fee_cap", f"offers {transaction.max_fee_per_gas}, the base fee is {fees.base_fee}")
    if fees.blob_hashes and fees.max_fee_per_blob_gas < fees.blob_base_fee:
        raise TransactionNotAllowed("blob_fee_cap", f"offers {fees.max_fee_per_blob_gas} for a blob gas")
    blob_fee = fees.max_fee_per_blob_gas * GAS_PER_BLOB * len(fees.blob_hashes)
    needed = transaction.value + transaction.gas_limit * transaction.max_fee_per_gas + blob_fee
    if needed > journal.get_balance(sender):
        raise TransactionNotAllowed("insufficient_funds", f"value and gas of {needed} wei are above the balance")


def buy_gas(journal: Journal, fees: FeeRules, transaction: Transaction, sender: Address) -> None:
    """Take the price of the whole gas limit and of the blobs from the sender."""
    blob_fee = fees.blob_base_fee * GAS_PER_BLOB * len(fees.blob_hashes)
    cost = transaction.gas_limit * price_of(fees, transaction) + blob_fee
    journal.set_balance(sender, journal.get_balance(sender) - cost)


def settle_gas(
    journal: Journal, fees: FeeRules, transaction: Transaction, sender: Address, leader: Address, *, gas_used: int
) -> None:
    """Give the sender back what was not used, and the leader its tip."""
    price = price_of(fees, transaction)
    journal.set_balance(sender, journal.get_balance(sender) + (transaction.gas_limit - gas_used) * price)
    journal.set_balance(leader, journal.get_balance(leader) + gas_used * (price - fees.base_fee))

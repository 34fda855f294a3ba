"""Payments: what they are before they are signed, and in the receipts that prove them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address, AmountMinor
from contracts.declarations import declare_function, encode_call
from contracts.movements import MovementKind, read_movements
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, format_amount
from wallet_cli.errors import ProofInvalid
from wallet_cli.memos import EMPTY_MEMO
from wallet_cli.outbox import Intent
from wallet_cli.verified import FinalTransaction

GAS_LIMIT_MAX: Final = 1_000_000
"""Highest gas limit signed for one payment, ten times what it uses: an estimate comes from a node nobody believes."""

_TRANSFER: Final = declare_function("transfer(address to, uint256 amount)", returns="bool", mutates=True)
_TRANSFER_WITH_MEMO: Final = declare_function(
    "transferWithMemo(address to, uint256 amount, bytes32 memo)", returns="bool", mutates=True
)


@dataclass(frozen=True, slots=True)
class Payment:
    """One movement of money, read from a proven receipt."""

    kind: MovementKind
    sender: Address
    """Zero where money was issued."""
    recipient: Address
    """Zero where money was destroyed or is to be redeemed."""
    amount: Amount
    memo: bytes
    """32 bytes; zero if there is none."""


def payment_intent(sender: Address, recipient: Address, money: Amount, memo: bytes) -> Intent:
    """Return the call of a currency that pays `money`; `memo` has 32 bytes, zeros for none."""
    if memo == EMPTY_MEMO:
        data = encode_call(_TRANSFER, recipient, money.units)
    else:
        data = encode_call(_TRANSFER_WITH_MEMO, recipient, money.units, memo)
    return Intent(sender, money.currency.address, data)


def payments_in(found: FinalTransaction, currencies: list[Currency]) -> list[Payment]:
    """Return the movements of money in a proven receipt, in the order of its logs."""
    logs = found.receipt.logs
    placed = [
        (
            told.position,
            Payment(told.kind, told.payer, told.payee, _amount(told.amount, currency), told.memo or EMPTY_MEMO),
        )
        for currency in currencies
        for told in read_movements(logs, currency.address)
    ]
    return [payment for _, payment in sorted(placed, key=lambda entry: entry[0])]


def _amount(units: int, currency: Currency) -> Amount:
    return Amount(AmountMinor(units), currency)


def validate_moved(found: FinalTransaction, payments: Sequence[Payment], expected: Payment) -> None:
    """Check that a proven receipt shows what was signed for. Raises: ProofInvalid."""
    if expected not in payments:
        name = "0x" + found.transaction.hash.hex()
        raise ProofInvalid(
            f"{name} is final and its receipt shows no {expected.kind} of {format_amount(expected.amount)} to "
            f"{checksum_address(expected.recipient)}",
            why="the receipt is proven, so the currency did something else than it should",
            next_step=f"sycee tx show {name}",
            code="RECEIPT_UNEXPECTED",
        )

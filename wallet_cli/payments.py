"""Payments: what they are before they are signed, and in the receipts that prove them."""

from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address, AmountMinor, Hash32
from contracts.abi import AbiDecodeError
from contracts.declarations import EventDeclaration, declare_event, declare_function, decode_event, encode_call
from wallet_cli.amounts import Amount, Currency
from wallet_cli.memos import EMPTY_MEMO
from wallet_cli.outbox import Intent
from wallet_cli.verified import FinalTransaction

GAS_LIMIT_MAX: Final = 1_000_000
"""Highest gas limit signed for one payment, ten times what it uses: an estimate comes from a node nobody believes."""

_TRANSFER: Final = declare_function("transfer(address to, uint256 amount)", returns="bool", mutates=True)
_TRANSFER_WITH_MEMO: Final = declare_function(
    "transferWithMemo(address to, uint256 amount, bytes32 memo)", returns="bool", mutates=True
)
TRANSFER_EVENT: Final = declare_event("Transfer(address indexed from, address indexed to, uint256 value)")
MEMO_EVENT: Final = declare_event("Memo(address indexed from, address indexed to, bytes32 indexed memo)")


@dataclass(frozen=True, slots=True)
class Payment:
    """One movement of money, read from a proven receipt."""

    sender: Address
    recipient: Address
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
    """Return the movements of money in a proven receipt; the memo of a movement is the log that follows it."""
    by_address = {currency.address: currency for currency in currencies}
    payments: list[Payment] = []
    for log in found.receipt.logs:
        currency = by_address.get(log.address)
        if currency is None:
            continue
        values = _event_values(TRANSFER_EVENT, log.topics, log.data)
        if values is not None:
            sender, recipient, units = values["from"], values["to"], values["value"]
            assert isinstance(sender, bytes) and isinstance(recipient, bytes) and isinstance(units, int)
            amount = Amount(AmountMinor(units), currency)
            payments.append(Payment(Address(sender), Address(recipient), amount, EMPTY_MEMO))
        memo = _event_values(MEMO_EVENT, log.topics, log.data)
        if memo is not None and payments and payments[-1].amount.currency is currency:
            last = payments[-1]
            assert isinstance(memo["memo"], bytes)
            payments[-1] = Payment(last.sender, last.recipient, last.amount, memo["memo"])
    return payments


def _event_values(event: EventDeclaration, topics: tuple[Hash32, ...], data: bytes) -> dict[str, object] | None:
    if not topics or topics[0] != event.topic:
        return None
    try:
        return dict(decode_event(event, topics, data))
    except AbiDecodeError:
        return None

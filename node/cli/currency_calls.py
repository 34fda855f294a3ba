"""The calls and events of a currency that the demo uses, as bytes. The rules stand in `contracts`."""

from consensus.primitives.scalars import Address
from contracts.declarations import encode_call
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import find_function

_EVENT_TOPICS = {event.name: "0x" + event.topic.hex() for event in CURRENCY.events}

TRANSFER_TOPIC = _EVENT_TOPICS["Transfer"]
MEMO_TOPIC = _EVENT_TOPICS["Memo"]

GAS_LIMIT = 100_000
"""Gas allowed to one payment: 21 000 for the transaction, about 1 700 for its bytes and 9 000 or 12 000 for what the
currency does, with room to spare; unused gas costs nothing."""

_TRANSFER_WITH_MEMO = find_function(CURRENCY, "transferWithMemo")
_MINT = find_function(CURRENCY, "mint")
_BALANCE_OF = find_function(CURRENCY, "balanceOf")


def encode_transfer(to: Address, amount_minor: int, memo: bytes) -> bytes:
    """Return the calldata that pays `amount_minor` to `to` with a 32-byte `memo`."""
    return encode_call(_TRANSFER_WITH_MEMO, to, amount_minor, memo)


def encode_mint(to: Address, amount_minor: int, memo: bytes) -> bytes:
    """Return the calldata by which an issuer creates `amount_minor` for `to`."""
    return encode_call(_MINT, to, amount_minor, memo)


def encode_balance_of(account: Address) -> bytes:
    """Return the calldata that reads the balance of `account`."""
    return encode_call(_BALANCE_OF, account)

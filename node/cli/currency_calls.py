"""The calls and events of a currency that the demo uses, as bytes. The rules stand in `contracts`."""

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Address
from contracts.abi import AbiType, encode, parse_type

TRANSFER_TOPIC = "0x" + keccak256(b"Transfer(address,address,uint256)").hex()
MEMO_TOPIC = "0x" + keccak256(b"Memo(address,address,bytes32)").hex()

GAS_LIMIT = 100_000
"""Gas allowed to one payment: 21 000 for the transaction, about 1 700 for its bytes and 9 000 or 12 000 for what the
currency does, with room to spare; unused gas costs nothing."""


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


def _types(*names: str) -> tuple[AbiType, ...]:
    return tuple(parse_type(name) for name in names)


_PAYMENT_TYPES = _types("address", "uint256", "bytes32")
_TRANSFER_WITH_MEMO = _selector("transferWithMemo(address,uint256,bytes32)")
_MINT = _selector("mint(address,uint256,bytes32)")
_BALANCE_OF = _selector("balanceOf(address)")


def encode_transfer(to: Address, amount_minor: int, memo: bytes) -> bytes:
    """Return the calldata that pays `amount_minor` to `to` with a 32-byte `memo`."""
    return _TRANSFER_WITH_MEMO + encode(_PAYMENT_TYPES, (to, amount_minor, memo))


def encode_mint(to: Address, amount_minor: int, memo: bytes) -> bytes:
    """Return the calldata by which an issuer creates `amount_minor` for `to`."""
    return _MINT + encode(_PAYMENT_TYPES, (to, amount_minor, memo))


def encode_balance_of(account: Address) -> bytes:
    """Return the calldata that reads the balance of `account`."""
    return _BALANCE_OF + encode(_types("address"), (account,))

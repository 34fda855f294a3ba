"""Signatures of orders, from the standards: EIP-712, ERC-2612, ERC-3009."""

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import Hash32
from consensus.primitives.signatures import sign_secp256k1
from tests.money.world import CHAIN_ID

_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_FIELDS = "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
TYPES = {
    "permit": "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    "transferWithAuthorization": f"TransferWithAuthorization{_FIELDS}",
    "receiveWithAuthorization": f"ReceiveWithAuthorization{_FIELDS}",
    "cancelAuthorization": "CancelAuthorization(address authorizer,bytes32 nonce)",
}


def sign_order(
    private_key: bytes, kind: str, values: tuple[int | bytes, ...], *, currency: bytes, currency_name: str
) -> tuple[int, bytes, bytes]:
    """Return v, r, s of an order of `kind` with its typed `values`, in the order of their fields."""
    domain = _hash(_DOMAIN) + _hash(currency_name) + _hash("1") + _word(CHAIN_ID) + _word(currency)
    order = _hash(TYPES[kind]) + b"".join(_word(value) for value in values)
    digest = keccak256(b"\x19\x01" + keccak256(domain) + keccak256(order))
    r, s, y_parity = sign_secp256k1(private_key, Hash32(digest))
    return 27 + y_parity, r.to_bytes(32, "big"), s.to_bytes(32, "big")


def _hash(text: str) -> bytes:
    return bytes(keccak256(text.encode()))


def _word(value: int | bytes) -> bytes:
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")

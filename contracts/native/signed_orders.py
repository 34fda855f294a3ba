"""Orders that their owner only signs and anybody submits: permits and transfers with authorization.

A permit carries the owner's next number, so permits are used in order; an authorization carries a random number of its
own, so they are used in any. Source: ERC-2612, ERC-3009, ERC-5267, EIP-712.
"""

from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address, Hash32
from consensus.primitives.signatures import InvalidSignature, recover_address
from contracts.declarations import EventDeclaration, declare_event, encode_event
from contracts.layout import CurrencySlots, authorization_slot, permit_nonce_slot, read_text
from contracts.native import errors
from contracts.native.compliance import require_not_paused
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, GAS_SIGNED, WORK_APPROVE, WORK_SIGNED, FunctionTable
from contracts.native.errors import revert
from contracts.native.money import move, set_allowance

DOMAIN_VERSION: Final = "1"

DOMAIN_FIELDS: Final = b"\x0f"
"""Which fields the domain has: name, version, chain id and contract (ERC-5267)."""

AUTHORIZATION_USED: Final = declare_event("AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)")
AUTHORIZATION_CANCELED: Final = declare_event(
    "AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)"
)

SIGNED_ORDER_EVENTS: Final = (AUTHORIZATION_USED, AUTHORIZATION_CANCELED)

_DOMAIN_TYPE: Final = keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_PERMIT_TYPE: Final = keccak256(b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")
_TRANSFER_FIELDS: Final = (
    b"(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
_TRANSFER_TYPE: Final = keccak256(b"TransferWithAuthorization" + _TRANSFER_FIELDS)
_RECEIVE_TYPE: Final = keccak256(b"ReceiveWithAuthorization" + _TRANSFER_FIELDS)
_CANCEL_TYPE: Final = keccak256(b"CancelAuthorization(address authorizer,bytes32 nonce)")

_VERSION_HASH: Final = keccak256(DOMAIN_VERSION.encode())
_V_FIRST: Final = 27
"""What v is for an even y; 28 for an odd one."""

SIGNED_ORDERS: Final = FunctionTable()


@SIGNED_ORDERS.function("DOMAIN_SEPARATOR()", returns="bytes32")
def domain_separator(context: CallContext) -> bytes:
    """Return the hash of what ties signatures to this currency on this network."""
    return keccak256(
        _DOMAIN_TYPE
        + keccak256(read_text(context.get_slot, CurrencySlots.NAME))
        + _VERSION_HASH
        + _word(context.chain_id)
        + _word(context.address)
    )


@SIGNED_ORDERS.function(
    "eip712Domain()",
    returns="bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, "
    "uint256[] extensions",
)
def eip712_domain(context: CallContext) -> tuple[bytes, str, str, int, Address, bytes, tuple[int, ...]]:
    """Return the domain field by field (ERC-5267)."""
    name = read_text(context.get_slot, CurrencySlots.NAME).decode("utf-8")
    return DOMAIN_FIELDS, name, DOMAIN_VERSION, context.chain_id, context.address, bytes(32), ()


@SIGNED_ORDERS.function("nonces(address owner)", returns="uint256")
def nonces(context: CallContext, owner: Address) -> int:
    """Return the number that the owner's next permit must carry."""
    return context.get_slot(permit_nonce_slot(owner))


@SIGNED_ORDERS.function("authorizationState(address authorizer, bytes32 nonce)", returns="bool")
def authorization_state(context: CallContext, authorizer: Address, nonce: bytes) -> bool:
    """Tell whether an authorization was used or cancelled."""
    return context.get_slot(authorization_slot(authorizer, nonce)) != 0


@SIGNED_ORDERS.function(
    "permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
    gas=GAS_SIGNED,
    work=WORK_SIGNED,
    mutates=True,
)
def permit(
    context: CallContext, owner: Address, spender: Address, value: int, deadline: int, v: int, r: bytes, s: bytes
) -> None:
    """Approve for whoever signed it, up to and including `deadline` (seconds since the epoch)."""
    if context.block_timestamp_s > deadline:
        raise revert(errors.EXPIRED_PERMIT, deadline)
    slot = permit_nonce_slot(owner)
    nonce = context.get_slot(slot)
    order = _PERMIT_TYPE + _words(owner, spender, value, nonce, deadline)
    signer = _signer_of(context, order, v, r, s)
    if signer == ZERO_ADDRESS or signer != owner:
        raise revert(errors.INVALID_PERMIT_SIGNER, signer, owner)
    set_allowance(context, owner, spender, value)
    context.set_slot(slot, nonce + 1)


@SIGNED_ORDERS.function(
    "transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, "
    "bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    gas=GAS_SIGNED,
    work=WORK_SIGNED,
    mutates=True,
)
def transfer_with_authorization(
    context: CallContext,
    sender: Address,
    to: Address,
    value: int,
    valid_after: int,
    valid_before: int,
    nonce: bytes,
    v: int,
    r: bytes,
    s: bytes,
) -> None:
    """Transfer for whoever signed it, strictly between two times (seconds since the epoch)."""
    order = _TRANSFER_TYPE + _words(sender, to, value, valid_after, valid_before, nonce)
    _require_authorization(context, order, sender, valid_after, valid_before, nonce, (v, r, s))
    move(context, sender, to, value, spender=None)
    _mark(context, AUTHORIZATION_USED, sender, nonce)


@SIGNED_ORDERS.function(
    "receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, "
    "bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    gas=GAS_SIGNED,
    work=WORK_SIGNED,
    mutates=True,
)
def receive_with_authorization(
    context: CallContext,
    sender: Address,
    to: Address,
    value: int,
    valid_after: int,
    valid_before: int,
    nonce: bytes,
    v: int,
    r: bytes,
    s: bytes,
) -> None:
    """Do the same where only the payee may submit it, so that nobody pays a contract behind its back."""
    if context.caller != to:
        raise revert(errors.CALLER_IS_NOT_PAYEE, context.caller, to)
    order = _RECEIVE_TYPE + _words(sender, to, value, valid_after, valid_before, nonce)
    _require_authorization(context, order, sender, valid_after, valid_before, nonce, (v, r, s))
    move(context, sender, to, value, spender=None)
    _mark(context, AUTHORIZATION_USED, sender, nonce)


@SIGNED_ORDERS.function(
    "cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
    gas=GAS_ROLE,
    work=WORK_SIGNED - WORK_APPROVE,
    mutates=True,
)
def cancel_authorization(context: CallContext, authorizer: Address, nonce: bytes, v: int, r: bytes, s: bytes) -> None:
    """Make sure that an authorization is never used. Moves nothing, so a pause does not stop it."""
    _require_unused(context, authorizer, nonce)
    _require_signer(context, _CANCEL_TYPE + _word(authorizer) + nonce, authorizer, (v, r, s))
    _mark(context, AUTHORIZATION_CANCELED, authorizer, nonce)


def _require_authorization(
    context: CallContext,
    order: bytes,
    authorizer: Address,
    valid_after: int,
    valid_before: int,
    nonce: bytes,
    signature: tuple[int, bytes, bytes],
) -> None:
    require_not_paused(context)
    now = context.block_timestamp_s
    if now <= valid_after:
        raise revert(errors.AUTHORIZATION_NOT_YET_VALID, valid_after, now)
    if now >= valid_before:
        raise revert(errors.AUTHORIZATION_EXPIRED, valid_before, now)
    _require_unused(context, authorizer, nonce)
    _require_signer(context, order, authorizer, signature)


def _mark(context: CallContext, event: EventDeclaration, authorizer: Address, nonce: bytes) -> None:
    context.set_slot(authorization_slot(authorizer, nonce), 1)
    context.emit(*encode_event(event, authorizer, nonce))


def _require_unused(context: CallContext, authorizer: Address, nonce: bytes) -> None:
    if authorization_state(context, authorizer, nonce):
        raise revert(errors.AUTHORIZATION_ALREADY_USED, authorizer, nonce)


def _require_signer(
    context: CallContext, order: bytes, authorizer: Address, signature: tuple[int, bytes, bytes]
) -> None:
    signer = _signer_of(context, order, *signature)
    if signer == ZERO_ADDRESS or signer != authorizer:
        raise revert(errors.INVALID_AUTHORIZATION_SIGNER, signer, authorizer)


def _signer_of(context: CallContext, order: bytes, v: int, r: bytes, s: bytes) -> Address:
    """Return who signed an order (EIP-712); the zero address if nobody can have."""
    digest = keccak256(b"\x19\x01" + domain_separator(context) + keccak256(order))
    try:
        return recover_address(
            Hash32(digest), r=int.from_bytes(r, "big"), s=int.from_bytes(s, "big"), y_parity=v - _V_FIRST
        )
    except InvalidSignature:
        return ZERO_ADDRESS


def _words(*values: int | bytes) -> bytes:
    return b"".join([_word(value) for value in values])


def _word(value: int | bytes) -> bytes:
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")

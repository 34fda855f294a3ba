"""Accounts that let a contract's code run for them. Source: EIP-7702."""

from collections.abc import Sequence
from typing import Final

from consensus.chain.transaction import GAS_AUTHORIZATION, NONCE_MAX, Authorization
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from consensus.primitives.signatures import InvalidSignature, recover_address
from node.state.journal import Journal

DELEGATION_PREFIX: Final = bytes.fromhex("ef0100")
"""What the code of a delegated account begins with; the address follows."""

GAS_AUTHORIZATION_KNOWN: Final = 12_500
"""What an authorization costs in the end if its account exists already."""

_DELEGATION_BYTES: Final = len(DELEGATION_PREFIX) + 20


def delegate_of(code: bytes) -> Address | None:
    """Return whose code an account with `code` runs; None if its own."""
    if len(code) == _DELEGATION_BYTES and code.startswith(DELEGATION_PREFIX):
        return Address(code[len(DELEGATION_PREFIX) :])
    return None


def apply_authorizations(journal: Journal, authorizations: Sequence[Authorization], *, chain_id: int) -> int:
    """Delegate every account whose authorization holds, skip the others, return the gas to refund."""
    return sum(_apply(journal, authorization, chain_id) for authorization in authorizations)


def _apply(journal: Journal, authorization: Authorization, chain_id: int) -> int:
    if authorization.chain_id not in (0, chain_id) or authorization.nonce > NONCE_MAX:
        return 0
    try:
        authority = recover_address(
            authorization.signing_hash, r=authorization.r, s=authorization.s, y_parity=authorization.y_parity
        )
    except InvalidSignature:
        return 0
    journal.warm_address(authority)
    code = journal.get_code(authority)
    if (code and delegate_of(code) is None) or journal.get_nonce(authority) != authorization.nonce:
        return 0
    refund = GAS_AUTHORIZATION - GAS_AUTHORIZATION_KNOWN if not journal.is_empty(authority) else 0
    target = authorization.address
    journal.set_code(authority, b"" if target == ZERO_ADDRESS else DELEGATION_PREFIX + target)
    journal.set_nonce(authority, authorization.nonce + 1)
    return refund

"""Who may send and deploy on this network: part of block validity, read from the state before each transaction.

In mode `open` everybody may. In mode `registered` the governor may, so that nobody can lock the network out of its own
administration, and otherwise accounts of the AccountRegistry that are active and have the permission.
Source: ledger.md §5.
"""

from collections.abc import Callable
from dataclasses import dataclass

from consensus.primitives.scalars import Address
from contracts.addresses import ACCOUNT_REGISTRY, PROTOCOL_CONFIG
from contracts.layout import (
    ACCOUNT_PERMISSIONS_BITS,
    ACCOUNT_PERMISSIONS_OFFSET_BITS,
    ACCOUNT_STATUS_OFFSET_BITS,
    ProtocolConfigSlots,
    account_slot,
    read_packed,
)
from contracts.native.accounts import MAY_DEPLOY, MAY_SEND, AccountStatus


@dataclass(frozen=True, slots=True)
class PermissionRefusal:
    """Why a sender's transaction must not be in a block."""

    rule: str
    """One of not_registered, suspended, may_not_send, may_not_deploy: what RPC clients see."""
    detail: str
    """The same for a person, with the sender and what to do."""


def find_refusal(
    get_slot: Callable[[Address, int], int], sender: Address, *, is_creation: bool
) -> PermissionRefusal | None:
    """Return why `sender` may not send a transaction on the state that `get_slot` reads, or None if it may.

    `is_creation` is true for a transaction without recipient.
    """
    if not get_slot(PROTOCOL_CONFIG, ProtocolConfigSlots.ACCOUNT_MODE):
        return None
    if get_slot(PROTOCOL_CONFIG, ProtocolConfigSlots.GOVERNOR) == int.from_bytes(sender, "big"):
        return None
    who = f"0x{sender.hex()}"
    word = get_slot(ACCOUNT_REGISTRY, account_slot(sender))
    if not word:
        return PermissionRefusal("not_registered", f"{who} is not registered: ask a bank of the network to sponsor it")
    status = read_packed(word, offset_bits=ACCOUNT_STATUS_OFFSET_BITS, bits=8)
    if status != AccountStatus.ACTIVE:
        by = "the governor" if status == AccountStatus.SUSPENDED_BY_GOVERNOR else "its bank"
        return PermissionRefusal("suspended", f"{who} is suspended by {by}: ask there to be reinstated")
    permissions = read_packed(word, offset_bits=ACCOUNT_PERMISSIONS_OFFSET_BITS, bits=ACCOUNT_PERMISSIONS_BITS)
    if not permissions & MAY_SEND:
        return PermissionRefusal("may_not_send", f"{who} has not the permission MAY_SEND: ask its bank for it")
    if is_creation and not permissions & MAY_DEPLOY:
        return PermissionRefusal("may_not_deploy", f"{who} has not the permission MAY_DEPLOY: ask its bank for it")
    return None

"""Roles of a currency: who may do what with it. Surface, events and errors of OpenZeppelin's AccessControl.

Every role is granted and revoked by holders of DEFAULT_ADMIN_ROLE. Beyond AccessControl the last of them can neither
be revoked nor renounce, and hands over in two steps, so that a currency never loses its administration by accident.
"""

from typing import Final

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import is_system_address
from contracts.declarations import declare_event, encode_event
from contracts.layout import CurrencySlots, role_slot
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, WORK_HANDOVER, WORK_ROLE, FunctionTable
from contracts.native.errors import revert

DEFAULT_ADMIN_ROLE: Final = bytes(32)
ISSUER_ROLE: Final = bytes(keccak256(b"ISSUER_ROLE"))
"""Mints within its allowance, burns its own balance."""
MINT_CONTROLLER_ROLE: Final = bytes(keccak256(b"MINT_CONTROLLER_ROLE"))
"""Sets minter allowances."""
PAUSER_ROLE: Final = bytes(keccak256(b"PAUSER_ROLE"))
UNPAUSER_ROLE: Final = bytes(keccak256(b"UNPAUSER_ROLE"))
POLICY_ROLE: Final = bytes(keccak256(b"POLICY_ROLE"))
"""Chooses the transfer policy."""
LIMIT_ROLE: Final = bytes(keccak256(b"LIMIT_ROLE"))
"""Sets the tiers' limits and turns them on and off."""
FREEZER_ROLE: Final = bytes(keccak256(b"FREEZER_ROLE"))
"""Freezes amounts in accounts."""
ENFORCER_ROLE: Final = bytes(keccak256(b"ENFORCER_ROLE"))
"""Moves money without its owner."""
ATTESTOR_ROLE: Final = bytes(keccak256(b"ATTESTOR_ROLE"))
"""Attests what reserves stand behind the currency."""

ROLE_NAMES: Final = {
    "DEFAULT_ADMIN_ROLE": DEFAULT_ADMIN_ROLE,
    "ISSUER_ROLE": ISSUER_ROLE,
    "MINT_CONTROLLER_ROLE": MINT_CONTROLLER_ROLE,
    "PAUSER_ROLE": PAUSER_ROLE,
    "UNPAUSER_ROLE": UNPAUSER_ROLE,
    "POLICY_ROLE": POLICY_ROLE,
    "LIMIT_ROLE": LIMIT_ROLE,
    "FREEZER_ROLE": FREEZER_ROLE,
    "ENFORCER_ROLE": ENFORCER_ROLE,
    "ATTESTOR_ROLE": ATTESTOR_ROLE,
}
"""Every role with a function that asks for it, by name."""

ROLE_GRANTED: Final = declare_event(
    "RoleGranted(bytes32 indexed role, address indexed account, address indexed sender)"
)
ROLE_REVOKED: Final = declare_event(
    "RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender)"
)
ADMIN_TRANSFER_BEGUN: Final = declare_event(
    "AdminTransferBegun(address indexed currentAdmin, address indexed newAdmin)"
)
ROLE_EVENTS: Final = (ROLE_GRANTED, ROLE_REVOKED, ADMIN_TRANSFER_BEGUN)

ROLES: Final = FunctionTable()


@ROLES.function("hasRole(bytes32 role, address account)", returns="bool")
def has_role(context: CallContext, role: bytes, account: Address) -> bool:
    """Tell whether `account` has `role`."""
    return context.get_slot(role_slot(role, account)) != 0


@ROLES.function("getRoleAdmin(bytes32 role)", returns="bytes32")
def get_role_admin(context: CallContext, role: bytes) -> bytes:
    """Return the role whose holders grant and revoke `role`: always DEFAULT_ADMIN_ROLE."""
    return DEFAULT_ADMIN_ROLE


@ROLES.function("adminCount()", returns="uint256")
def admin_count(context: CallContext) -> int:
    """Return how many accounts have DEFAULT_ADMIN_ROLE; at least 1."""
    return context.get_slot(CurrencySlots.ADMIN_COUNT)


@ROLES.function("DEFAULT_ADMIN_ROLE()", returns="bytes32")
def default_admin_role(context: CallContext) -> bytes:
    """Return the role that grants all roles: 32 zero bytes."""
    return DEFAULT_ADMIN_ROLE


@ROLES.function("ISSUER_ROLE()", returns="bytes32")
def issuer_role(context: CallContext) -> bytes:
    """Return the role that mints and burns."""
    return ISSUER_ROLE


@ROLES.function("MINT_CONTROLLER_ROLE()", returns="bytes32")
def mint_controller_role(context: CallContext) -> bytes:
    """Return the role that sets minter allowances."""
    return MINT_CONTROLLER_ROLE


@ROLES.function("PAUSER_ROLE()", returns="bytes32")
def pauser_role(context: CallContext) -> bytes:
    """Return the role that pauses."""
    return PAUSER_ROLE


@ROLES.function("UNPAUSER_ROLE()", returns="bytes32")
def unpauser_role(context: CallContext) -> bytes:
    """Return the role that ends a pause."""
    return UNPAUSER_ROLE


@ROLES.function("POLICY_ROLE()", returns="bytes32")
def policy_role(context: CallContext) -> bytes:
    """Return the role that chooses the transfer policy."""
    return POLICY_ROLE


@ROLES.function("LIMIT_ROLE()", returns="bytes32")
def limit_role(context: CallContext) -> bytes:
    """Return the role that sets limits."""
    return LIMIT_ROLE


@ROLES.function("FREEZER_ROLE()", returns="bytes32")
def freezer_role(context: CallContext) -> bytes:
    """Return the role that freezes amounts."""
    return FREEZER_ROLE


@ROLES.function("ENFORCER_ROLE()", returns="bytes32")
def enforcer_role(context: CallContext) -> bytes:
    """Return the role that forces transfers."""
    return ENFORCER_ROLE


@ROLES.function("ATTESTOR_ROLE()", returns="bytes32")
def attestor_role(context: CallContext) -> bytes:
    """Return the role that attests reserves."""
    return ATTESTOR_ROLE


@ROLES.function("grantRole(bytes32 role, address account)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def grant_role(context: CallContext, role: bytes, account: Address) -> None:
    """Give `account` a role; an admin's call. Granting it again changes and emits nothing."""
    require_role(context, DEFAULT_ADMIN_ROLE)
    validate_role_account(account)
    set_role(context, role, account)


@ROLES.function("revokeRole(bytes32 role, address account)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def revoke_role(context: CallContext, role: bytes, account: Address) -> None:
    """Take a role from `account`; an admin's call. Taking what it has not changes and emits nothing."""
    require_role(context, DEFAULT_ADMIN_ROLE)
    _clear_role(context, role, account)


@ROLES.function("renounceRole(bytes32 role, address callerConfirmation)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def renounce_role(context: CallContext, role: bytes, caller_confirmation: Address) -> None:
    """Give up one's own role; the caller names itself so that nobody does it by mistake."""
    if caller_confirmation != context.caller:
        raise revert(errors.BAD_CONFIRMATION)
    _clear_role(context, role, caller_confirmation)


@ROLES.function("beginAdminTransfer(address newAdmin)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def begin_admin_transfer(context: CallContext, new_admin: Address) -> None:
    """Offer one's own DEFAULT_ADMIN_ROLE to `new_admin`; replaces an offer under way, the zero address withdraws it."""
    require_role(context, DEFAULT_ADMIN_ROLE)
    caller = context.caller
    is_withdrawal = new_admin == ZERO_ADDRESS
    if not is_withdrawal:
        validate_role_account(new_admin)
        if new_admin == caller:
            raise revert(errors.INVALID_ROLE_ACCOUNT, new_admin)
    context.set_slot(CurrencySlots.ADMIN_TRANSFER_FROM, 0 if is_withdrawal else int.from_bytes(caller, "big"))
    context.set_slot(CurrencySlots.ADMIN_TRANSFER_TO, int.from_bytes(new_admin, "big"))
    context.emit(*encode_event(ADMIN_TRANSFER_BEGUN, caller, new_admin))


@ROLES.function("acceptAdminTransfer()", gas=GAS_ROLE, work=WORK_HANDOVER, mutates=True)
def accept_admin_transfer(context: CallContext) -> None:
    """Take over the role offered to the caller; fails if who offered it is no admin any more."""
    current_admin, new_admin = pending_admin_transfer(context)
    if new_admin == ZERO_ADDRESS or new_admin != context.caller:
        raise revert(errors.NO_ADMIN_TRANSFER, context.caller)
    if not has_role(context, DEFAULT_ADMIN_ROLE, current_admin):
        raise revert(errors.UNAUTHORIZED_ACCOUNT, current_admin, DEFAULT_ADMIN_ROLE)
    context.set_slot(CurrencySlots.ADMIN_TRANSFER_FROM, 0)
    context.set_slot(CurrencySlots.ADMIN_TRANSFER_TO, 0)
    # Grant first: at no instant is there no admin.
    set_role(context, DEFAULT_ADMIN_ROLE, new_admin)
    _clear_role(context, DEFAULT_ADMIN_ROLE, current_admin)


@ROLES.function("pendingAdminTransfer()", returns="address currentAdmin, address newAdmin")
def pending_admin_transfer(context: CallContext) -> tuple[Address, Address]:
    """Return who offered the admin role to whom; zero addresses if no handover is under way."""
    current_admin = context.get_slot(CurrencySlots.ADMIN_TRANSFER_FROM)
    new_admin = context.get_slot(CurrencySlots.ADMIN_TRANSFER_TO)
    return Address(current_admin.to_bytes(20, "big")), Address(new_admin.to_bytes(20, "big"))


def require_role(context: CallContext, role: bytes) -> None:
    """Revert with AccessControlUnauthorizedAccount unless the caller has `role`."""
    caller = context.caller
    if not has_role(context, role, caller):
        raise revert(errors.UNAUTHORIZED_ACCOUNT, caller, role)


def validate_role_account(account: Address) -> None:
    """Revert with InvalidRoleAccount for an address that can never call: zero, or a system address."""
    if account == ZERO_ADDRESS or is_system_address(account):
        raise revert(errors.INVALID_ROLE_ACCOUNT, account)


def set_role(context: CallContext, role: bytes, account: Address) -> None:
    """Write that `account` has `role` and emit RoleGranted; nothing if it has it already. Asks nobody's permission."""
    slot = role_slot(role, account)
    if context.get_slot(slot):
        return
    context.set_slot(slot, 1)
    if role == DEFAULT_ADMIN_ROLE:
        context.set_slot(CurrencySlots.ADMIN_COUNT, context.get_slot(CurrencySlots.ADMIN_COUNT) + 1)
    context.emit(*encode_event(ROLE_GRANTED, role, account, context.caller))


def _clear_role(context: CallContext, role: bytes, account: Address) -> None:
    slot = role_slot(role, account)
    if not context.get_slot(slot):
        return
    if role == DEFAULT_ADMIN_ROLE:
        count = context.get_slot(CurrencySlots.ADMIN_COUNT)
        if count == 1:
            raise revert(errors.LAST_ADMIN, account)
        context.set_slot(CurrencySlots.ADMIN_COUNT, count - 1)
    context.set_slot(slot, 0)
    context.emit(*encode_event(ROLE_REVOKED, role, account, context.caller))

"""Who may do what with a currency. Source: ledger.md §4, OpenZeppelin's AccessControl."""

from consensus.primitives.hashing import keccak256
from tests.money.model.state import NOBODY, Call, Money, Refused, is_system

ADMIN = bytes(32)
ROLES = {
    name: bytes(keccak256(name.encode()))
    for name in (
        "ISSUER_ROLE",
        "MINT_CONTROLLER_ROLE",
        "PAUSER_ROLE",
        "UNPAUSER_ROLE",
        "FREEZER_ROLE",
        "ENFORCER_ROLE",
        "POLICY_ROLE",
        "LIMIT_ROLE",
        "ATTESTOR_ROLE",
    )
} | {"DEFAULT_ADMIN_ROLE": ADMIN}


def need(call: Call, name: str) -> None:
    """Refuse callers that lack a role."""
    role = ROLES[name]
    if (role, call.caller) not in call.money.roles:
        raise Refused("AccessControlUnauthorizedAccount", call.caller, role)


def need_ordinary(account: bytes) -> None:
    """Refuse addresses that can never call."""
    if account == NOBODY or is_system(account):
        raise Refused("InvalidRoleAccount", account)


def admins(money: Money) -> list[bytes]:
    """Return the accounts that administer a currency."""
    return [account for role, account in money.roles if role == ADMIN]


def grant_role(call: Call, role: bytes, account: bytes) -> None:
    need(call, "DEFAULT_ADMIN_ROLE")
    need_ordinary(account)
    _give(call, role, account)


def revoke_role(call: Call, role: bytes, account: bytes) -> None:
    need(call, "DEFAULT_ADMIN_ROLE")
    _take(call, role, account)


def renounce_role(call: Call, role: bytes, confirmation: bytes) -> None:
    if confirmation != call.caller:
        raise Refused("AccessControlBadConfirmation")
    _take(call, role, call.caller)


def begin_admin_transfer(call: Call, new_admin: bytes) -> None:
    need(call, "DEFAULT_ADMIN_ROLE")
    if new_admin == NOBODY:
        call.money.admin_offer = (NOBODY, NOBODY)
    else:
        need_ordinary(new_admin)
        if new_admin == call.caller:
            raise Refused("InvalidRoleAccount", new_admin)
        call.money.admin_offer = (call.caller, new_admin)
    call.log("AdminTransferBegun", call.caller, new_admin)


def accept_admin_transfer(call: Call) -> None:
    current, offered_to = call.money.admin_offer
    if offered_to != call.caller or offered_to == NOBODY:
        raise Refused("NoAdminTransfer", call.caller)
    if current not in admins(call.money):
        raise Refused("AccessControlUnauthorizedAccount", current, ADMIN)
    call.money.admin_offer = (NOBODY, NOBODY)
    _give(call, ADMIN, offered_to)
    _take(call, ADMIN, current)


def _give(call: Call, role: bytes, account: bytes) -> None:
    if (role, account) not in call.money.roles:
        call.money.roles[role, account] = True
        call.log("RoleGranted", role, account, call.caller)


def _take(call: Call, role: bytes, account: bytes) -> None:
    if (role, account) not in call.money.roles:
        return
    if role == ADMIN and len(admins(call.money)) == 1:
        raise Refused("LastAdmin", account)
    del call.money.roles[role, account]
    call.log("RoleRevoked", role, account, call.caller)

"""The PolicyRegistry: lists of accounts that any number of currencies share.

Id 0 rejects everybody, 1 admits everybody. Anybody may create a policy; only its admin changes its list, with effect
from the next transaction on. Source: ledger.md §5.
"""

from collections.abc import Sequence
from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    POLICY_ADMIN_OFFSET_BITS,
    POLICY_ID_BITS,
    PolicyRegistrySlots,
    policy_admin_offered_slot,
    policy_listed_slot,
    policy_slot,
    read_packed,
)
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.dispatch import (
    GAS_LISTED_ACCOUNT,
    GAS_ROLE,
    WORK_HANDOVER,
    WORK_LISTED_ACCOUNT,
    WORK_REGISTER,
    WORK_ROLE,
    Charge,
    FunctionTable,
    build_contract,
)
from contracts.native.errors import revert
from contracts.native.policy_rules import BUILT_IN_COUNT, PolicyKind, Side, admits, kind_of
from contracts.native.roles import validate_role_account

MODIFY_ACCOUNTS_MAX: Final = 500
"""Accounts of one change: 12 500 work units, a fraction of a block. Twice would crowd payments out of it."""

POLICY_CREATED: Final = declare_event("PolicyCreated(uint64 indexed policyId, uint8 kind, address indexed admin)")
COMPOUND_POLICY_CREATED: Final = declare_event(
    "CompoundPolicyCreated(uint64 indexed policyId, uint64 senderPolicyId, uint64 recipientPolicyId,"
    " uint64 mintRecipientPolicyId)"
)
POLICY_LISTED: Final = declare_event("PolicyListed(uint64 indexed policyId, address indexed account, bool listed)")
POLICY_ADMIN_TRANSFER_BEGUN: Final = declare_event(
    "PolicyAdminTransferBegun(uint64 indexed policyId, address indexed currentAdmin, address indexed newAdmin)"
)
POLICY_ADMIN_TRANSFERRED: Final = declare_event(
    "PolicyAdminTransferred(uint64 indexed policyId, address indexed previousAdmin, address indexed newAdmin)"
)

FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("policyCount()", returns="uint256")
def policy_count(context: CallContext) -> int:
    """Return how many policies there are, the two built in among them: ids run from 0 to one less."""
    return context.get_slot(PolicyRegistrySlots.COUNT) + BUILT_IN_COUNT


@FUNCTIONS.function("policyOf(uint64 policyId)", returns="uint8 kind, address admin, address adminOffered")
def policy_of(context: CallContext, policy_id: int) -> tuple[int, Address, Address]:
    """Return a policy's kind, its admin and the admin-to-be; zero where there is none. Reverts with UnknownPolicy."""
    kind = require_policy(context, policy_id)
    if policy_id < BUILT_IN_COUNT or kind == PolicyKind.COMPOUND:
        return kind, ZERO_ADDRESS, ZERO_ADDRESS
    offered = context.get_slot(policy_admin_offered_slot(policy_id))
    return kind, _admin(context.get_slot(policy_slot(policy_id))), Address(offered.to_bytes(20, "big"))


@FUNCTIONS.function(
    "compoundPolicyOf(uint64 policyId)",
    returns="uint64 senderPolicyId, uint64 recipientPolicyId, uint64 mintRecipientPolicyId",
)
def compound_policy_of(context: CallContext, policy_id: int) -> tuple[int, int, int]:
    """Return the three policies of a compound. Reverts with UnknownPolicy, InvalidPolicyKind."""
    kind = require_policy(context, policy_id)
    if kind != PolicyKind.COMPOUND:
        raise revert(errors.INVALID_POLICY_KIND, kind)
    word = context.get_slot(policy_slot(policy_id))
    sender, recipient, mint_recipient = (
        read_packed(word, offset_bits=side, bits=POLICY_ID_BITS)
        for side in (Side.SENDER, Side.RECIPIENT, Side.MINT_RECIPIENT)
    )
    return sender, recipient, mint_recipient


@FUNCTIONS.function("isAuthorized(uint64 policyId, address account)", returns="bool")
def is_authorized(context: CallContext, policy_id: int, account: Address) -> bool:
    """Tell whether a policy lets `account` both pay and be paid. Reverts with UnknownPolicy."""
    require_policy(context, policy_id)
    return admits(context, policy_id, account, Side.SENDER) and admits(context, policy_id, account, Side.RECIPIENT)


@FUNCTIONS.function("isAuthorizedSender(uint64 policyId, address account)", returns="bool")
def is_authorized_sender(context: CallContext, policy_id: int, account: Address) -> bool:
    """Tell whether a policy lets `account` pay. Reverts with UnknownPolicy."""
    require_policy(context, policy_id)
    return admits(context, policy_id, account, Side.SENDER)


@FUNCTIONS.function("isAuthorizedRecipient(uint64 policyId, address account)", returns="bool")
def is_authorized_recipient(context: CallContext, policy_id: int, account: Address) -> bool:
    """Tell whether a policy lets `account` be paid. Reverts with UnknownPolicy."""
    require_policy(context, policy_id)
    return admits(context, policy_id, account, Side.RECIPIENT)


@FUNCTIONS.function("isAuthorizedMintRecipient(uint64 policyId, address account)", returns="bool")
def is_authorized_mint_recipient(context: CallContext, policy_id: int, account: Address) -> bool:
    """Tell whether a policy lets `account` receive new money. Reverts with UnknownPolicy."""
    require_policy(context, policy_id)
    return admits(context, policy_id, account, Side.MINT_RECIPIENT)


@FUNCTIONS.function(
    "createPolicy(uint8 kind, address admin)", returns="uint64 policyId", gas=GAS_ROLE, work=WORK_REGISTER, mutates=True
)
def create_policy(context: CallContext, kind: int, admin: Address) -> int:
    """Create an allow-list (1) or deny-list (2) with nobody on it and return its id."""
    if kind not in (PolicyKind.ALLOW_LIST, PolicyKind.DENY_LIST):
        raise revert(errors.INVALID_POLICY_KIND, kind)
    validate_role_account(admin)
    policy_id = _add(context, int.from_bytes(admin, "big") << POLICY_ADMIN_OFFSET_BITS | kind)
    context.emit(*encode_event(POLICY_CREATED, policy_id, kind, admin))
    return policy_id


@FUNCTIONS.function(
    "createCompoundPolicy(uint64 senderPolicyId, uint64 recipientPolicyId, uint64 mintRecipientPolicyId)",
    returns="uint64 policyId",
    gas=GAS_ROLE,
    work=WORK_REGISTER,
    mutates=True,
)
def create_compound_policy(context: CallContext, sender: int, recipient: int, mint_recipient: int) -> int:
    """Create a policy that asks one policy for each side, and return its id. It never changes; the three may.

    Reverts with UnknownPolicy, or with NestedCompound if one of the three is a compound.
    """
    word = PolicyKind.COMPOUND
    for side, policy_id in ((Side.SENDER, sender), (Side.RECIPIENT, recipient), (Side.MINT_RECIPIENT, mint_recipient)):
        if require_policy(context, policy_id) == PolicyKind.COMPOUND:
            raise revert(errors.NESTED_COMPOUND, policy_id)
        word |= policy_id << side
    created = _add(context, word)
    context.emit(*encode_event(COMPOUND_POLICY_CREATED, created, sender, recipient, mint_recipient))
    return created


@FUNCTIONS.function(
    "modify(uint64 policyId, address[] accounts, bool listed)",
    gas=GAS_ROLE,
    work=WORK_ROLE,
    mutates=True,
    is_metered=True,
)
def modify(context: CallContext, charge: Charge, policy_id: int, accounts: Sequence[Address], listed: bool) -> None:
    """Put accounts on a policy's list or take them off; its admin's call.

    Whoever is there already, or off already, stays and is not logged. Reverts with UnknownPolicy, ImmutablePolicy,
    PolicyAdminOnly, TooManyAccounts.
    """
    _require_admin(context, policy_id)
    if len(accounts) > MODIFY_ACCOUNTS_MAX:
        raise revert(errors.TOO_MANY_ACCOUNTS, len(accounts), MODIFY_ACCOUNTS_MAX)
    charge.spend(gas=GAS_LISTED_ACCOUNT * len(accounts), work=WORK_LISTED_ACCOUNT * len(accounts))
    for account in accounts:
        slot = policy_listed_slot(policy_id, account)
        if context.get_slot(slot) != listed:
            context.set_slot(slot, int(listed))
            context.emit(*encode_event(POLICY_LISTED, policy_id, account, listed))


@FUNCTIONS.function(
    "beginPolicyAdminTransfer(uint64 policyId, address newAdmin)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True
)
def begin_policy_admin_transfer(context: CallContext, policy_id: int, new_admin: Address) -> None:
    """Offer a policy's administration; replaces an offer under way, the zero address withdraws it. Its admin's call."""
    _require_admin(context, policy_id)
    if new_admin != ZERO_ADDRESS:
        validate_role_account(new_admin)
        if new_admin == context.caller:
            raise revert(errors.INVALID_ROLE_ACCOUNT, new_admin)
    context.set_slot(policy_admin_offered_slot(policy_id), int.from_bytes(new_admin, "big"))
    context.emit(*encode_event(POLICY_ADMIN_TRANSFER_BEGUN, policy_id, context.caller, new_admin))


@FUNCTIONS.function("acceptPolicyAdminTransfer(uint64 policyId)", gas=GAS_ROLE, work=WORK_HANDOVER, mutates=True)
def accept_policy_admin_transfer(context: CallContext, policy_id: int) -> None:
    """Take the administration that was offered to the caller. Reverts with UnknownPolicy, NoPolicyAdminTransfer."""
    kind = require_policy(context, policy_id)
    caller = context.caller
    caller_word = int.from_bytes(caller, "big")
    offered_slot = policy_admin_offered_slot(policy_id)
    if caller == ZERO_ADDRESS or context.get_slot(offered_slot) != caller_word:
        raise revert(errors.NO_POLICY_ADMIN_TRANSFER, policy_id, caller)
    slot = policy_slot(policy_id)
    previous = _admin(context.get_slot(slot))
    context.set_slot(slot, caller_word << POLICY_ADMIN_OFFSET_BITS | kind)
    context.set_slot(offered_slot, 0)
    context.emit(*encode_event(POLICY_ADMIN_TRANSFERRED, policy_id, previous, caller))


def require_policy(registry: CallContext, policy_id: int) -> int:
    """Return the kind of a policy that exists. Reverts with UnknownPolicy."""
    kind = kind_of(registry, policy_id)
    if not kind:
        raise revert(errors.UNKNOWN_POLICY, policy_id)
    return kind


def _require_admin(context: CallContext, policy_id: int) -> None:
    kind = require_policy(context, policy_id)
    if policy_id < BUILT_IN_COUNT or kind == PolicyKind.COMPOUND:
        raise revert(errors.IMMUTABLE_POLICY, policy_id)
    admin = _admin(context.get_slot(policy_slot(policy_id)))
    if context.caller != admin:
        raise revert(errors.POLICY_ADMIN_ONLY, policy_id, context.caller, admin)


def _admin(word: int) -> Address:
    return Address((word >> POLICY_ADMIN_OFFSET_BITS).to_bytes(20, "big"))


def _add(context: CallContext, word: int) -> int:
    count = context.get_slot(PolicyRegistrySlots.COUNT)
    policy_id = count + BUILT_IN_COUNT
    context.set_slot(PolicyRegistrySlots.COUNT, count + 1)
    context.set_slot(policy_slot(policy_id), word)
    return policy_id


POLICY_REGISTRY: Final = build_contract(
    "PolicyRegistry",
    tables=(FUNCTIONS,),
    events=(
        POLICY_CREATED,
        COMPOUND_POLICY_CREATED,
        POLICY_LISTED,
        POLICY_ADMIN_TRANSFER_BEGUN,
        POLICY_ADMIN_TRANSFERRED,
    ),
    errors_declared=errors.POLICY_ERRORS,
)

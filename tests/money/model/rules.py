"""Policies, accounts and limits: who may pay whom, and how much. Source: ledger.md §4, §5."""

import re
from dataclasses import replace

from tests.money.model.roles import need, need_ordinary
from tests.money.model.state import NOBODY, Account, Bank, Call, Policy, Refused, is_system

SENDER, RECIPIENT, MINT_RECIPIENT = range(3)
DAY_S = 24 * 60 * 60
LIMIT_HIGHEST = 2**112 - 1
LISTED_AT_ONCE = 500
NOT_SPONSORED = 255
"""Tier of an account that no bank sponsors."""


# What is asked before money moves.


def admits(call: Call, policy_id: int, account: bytes, side: int) -> bool:
    """Tell whether a policy lets an account take one side of a payment."""
    policy = call.state.policies[policy_id]
    if policy.kind == 3:
        policy = call.state.policies[policy.sides[side]]
    return (account in policy.listed) == (policy.kind == 1)


def need_running(call: Call) -> None:
    if call.money.is_paused:
        raise Refused("EnforcedPause")


def need_receiver(to: bytes) -> None:
    if to == NOBODY or is_system(to):
        raise Refused("ERC20InvalidReceiver", to)


def need_ends(call: Call, sender: bytes, to: bytes) -> None:
    """Pause, sender, recipient, policy of both: what every payment and every new hold is asked first."""
    need_running(call)
    if sender == NOBODY:
        raise Refused("ERC20InvalidSender", sender)
    need_receiver(to)
    if not admits(call, call.money.policy_id, sender, SENDER):
        raise Refused("PolicyRefusesSender", call.money.policy_id, sender)
    need_admitted(call, to, RECIPIENT)


def need_admitted(call: Call, to: bytes, side: int) -> None:
    if not admits(call, call.money.policy_id, to, side):
        raise Refused("PolicyRefusesRecipient", call.money.policy_id, to)


def tier_of(call: Call, account: bytes) -> int:
    found = call.state.accounts.get(account)
    return NOT_SPONSORED if found is None else found.tier


def is_suspended(call: Call, account: bytes) -> bool:
    found = call.state.accounts.get(account)
    return found is not None and found.status > 1


def used_today(call: Call, account: bytes) -> tuple[int, int]:
    """Return what went out and came in on this UTC day and was counted."""
    day, out, incoming = call.money.used.get(account, (0, 0, 0))
    return (out, incoming) if day == call.now_s // DAY_S else (0, 0)


def count_out(call: Call, account: bytes, amount: int, *, moves: bool) -> tuple[int, int] | None:
    """Refuse what is above a payer's limits; return the new (out, in) of its day, None if nothing is counted."""
    if not call.money.has_limits:
        return None
    if is_suspended(call, account):
        raise Refused("AccountSuspended", account, call.state.accounts[account].status)
    tier = tier_of(call, account)
    if tier == 0:
        return None
    single, daily, _, _ = call.money.tier_limits.get(tier, (0, 0, 0, 0))
    if single and amount > single:
        raise Refused("TransferLimitExceeded", account, tier, single, amount)
    if not daily or not moves:
        return None
    out, incoming = used_today(call, account)
    if out + amount > daily:
        raise Refused("DailyOutLimitExceeded", account, tier, daily, out, amount)
    return out + amount, incoming


def count_in(call: Call, account: bytes, amount: int) -> tuple[int, int] | None:
    """Refuse what is above a payee's limits; return the new (out, in) of its day, None if nothing is counted."""
    tier = tier_of(call, account)
    if not call.money.has_limits or tier == 0:
        return None
    _, _, daily, highest = call.money.tier_limits.get(tier, (0, 0, 0, 0))
    out, incoming = used_today(call, account)
    if daily and incoming + amount > daily:
        raise Refused("DailyInLimitExceeded", account, tier, daily, incoming, amount)
    balance = call.money.balances.get(account, 0)
    if highest and balance + amount > highest:
        raise Refused("BalanceLimitExceeded", account, tier, highest, balance, amount)
    return (out, incoming + amount) if daily else None


def keep_use(call: Call, account: bytes, use: tuple[int, int] | None) -> None:
    if use is not None:
        call.money.used[account] = (call.now_s // DAY_S, *use)


def may_send(call: Call, account: bytes) -> bool:
    is_admitted = admits(call, call.money.policy_id, account, SENDER)
    return is_admitted and not (call.money.has_limits and is_suspended(call, account))


# A currency's choice of rules.


def set_transfer_policy_id(call: Call, policy_id: int) -> None:
    need(call, "POLICY_ROLE")
    need_policy(call, policy_id)
    call.log("TransferPolicySet", call.money.policy_id, policy_id)
    call.money.policy_id = policy_id


def set_limits_enabled(call: Call, enabled: int) -> None:
    need(call, "LIMIT_ROLE")
    call.money.has_limits = bool(enabled)
    call.log("LimitsEnabledSet", enabled)


def set_tier_limits(call: Call, tier: int, single: int, out: int, incoming: int, balance: int) -> None:
    need(call, "LIMIT_ROLE")
    if tier == 0:
        raise Refused("UnlimitedTier", tier)
    for limit in (single, out, incoming, balance):
        if limit > LIMIT_HIGHEST:
            raise Refused("LimitTooHigh", limit, LIMIT_HIGHEST)
    call.money.tier_limits[tier] = (single, out, incoming, balance)
    call.log("TierLimitsSet", tier, single, out, incoming, balance)


# The registry of policies.


def need_policy(call: Call, policy_id: int) -> Policy:
    policy = call.state.policies.get(policy_id)
    if policy is None:
        raise Refused("UnknownPolicy", policy_id)
    return policy


def create_policy(call: Call, kind: int, admin: bytes) -> int:
    if kind not in (1, 2):
        raise Refused("InvalidPolicyKind", kind)
    need_ordinary(admin)
    policy_id = len(call.state.policies)
    call.state.policies[policy_id] = Policy(kind, admin)
    call.log("PolicyCreated", policy_id, kind, admin)
    return policy_id


def create_compound_policy(call: Call, sender: int, recipient: int, mint_recipient: int) -> int:
    for part in (sender, recipient, mint_recipient):
        if need_policy(call, part).kind == 3:
            raise Refused("NestedCompound", part)
    policy_id = len(call.state.policies)
    call.state.policies[policy_id] = Policy(3, sides=(sender, recipient, mint_recipient))
    call.log("CompoundPolicyCreated", policy_id, sender, recipient, mint_recipient)
    return policy_id


def modify(call: Call, policy_id: int, accounts: tuple[bytes, ...], listed: int) -> None:
    _need_policy_admin(call, policy_id)
    if len(accounts) > LISTED_AT_ONCE:
        raise Refused("TooManyAccounts", len(accounts), LISTED_AT_ONCE)
    for account in accounts:
        policy = call.state.policies[policy_id]
        if (account in policy.listed) != bool(listed):
            changed = policy.listed ^ {account}
            call.state.policies[policy_id] = replace(policy, listed=changed)
            call.log("PolicyListed", policy_id, account, listed)


def begin_policy_admin_transfer(call: Call, policy_id: int, new_admin: bytes) -> None:
    policy = _need_policy_admin(call, policy_id)
    if new_admin != NOBODY:
        need_ordinary(new_admin)
        if new_admin == call.caller:
            raise Refused("InvalidRoleAccount", new_admin)
    call.state.policies[policy_id] = replace(policy, offered_to=new_admin)
    call.log("PolicyAdminTransferBegun", policy_id, call.caller, new_admin)


def accept_policy_admin_transfer(call: Call, policy_id: int) -> None:
    policy = need_policy(call, policy_id)
    if call.caller == NOBODY or policy.offered_to != call.caller:
        raise Refused("NoPolicyAdminTransfer", policy_id, call.caller)
    call.state.policies[policy_id] = replace(policy, admin=call.caller, offered_to=NOBODY)
    call.log("PolicyAdminTransferred", policy_id, policy.admin, call.caller)


def _need_policy_admin(call: Call, policy_id: int) -> Policy:
    policy = need_policy(call, policy_id)
    if policy_id < 2 or policy.kind == 3:
        raise Refused("ImmutablePolicy", policy_id)
    if call.caller != policy.admin:
        raise Refused("PolicyAdminOnly", policy_id, call.caller, policy.admin)
    return policy


# The registry of banks and accounts.


def register_bank(call: Call, bank: bytes, name: str, bic: str, quota: int) -> int:
    _need_governor(call)
    _need_bank_facts(name, bic)
    _need_new(call, bank)
    call.state.banks.append(Bank(bank, name, bic, quota))
    bank_id = len(call.state.banks)
    call.log("BankRegistered", bank, bank_id, name, bic, quota)
    _register(call, bank, Account(bank_id, 0, 1, 3, call.now_s))
    return bank_id


def update_bank(call: Call, bank: bytes, name: str, bic: str, quota: int) -> None:
    _need_governor(call)
    _need_bank_facts(name, bic)
    bank_id = call.state.bank_id(bank)
    if not bank_id:
        raise Refused("UnknownBank", bank)
    call.state.banks[bank_id - 1] = Bank(bank, name, bic, quota)
    call.log("BankUpdated", bank, bank_id, name, bic, quota)


def register_account(call: Call, account: bytes, tier: int) -> None:
    bank_id = call.state.bank_id(call.caller)
    if not bank_id:
        raise Refused("BankOnly", call.caller)
    _need_active(call, call.caller)
    _need_tier(tier)
    _need_new(call, account)
    _register(call, account, Account(bank_id, tier, 1, 1, call.now_s))


def set_tier(call: Call, account: bytes, tier: int) -> None:
    found = _need_registered(call, account)
    _need_sponsor_or_governor(call, account, found)
    _need_tier(tier)
    call.state.accounts[account] = replace(found, tier=tier)
    call.log("TierSet", account, found.tier, tier)


def set_permissions(call: Call, account: bytes, permissions: int) -> None:
    found = _need_registered(call, account)
    is_governor = _need_sponsor_or_governor(call, account, found)
    highest = 3 if is_governor else call.state.accounts[call.caller].permissions
    if permissions | highest != highest:
        raise Refused("PermissionsNotHeld", permissions, highest)
    call.state.accounts[account] = replace(found, permissions=permissions)
    call.log("PermissionsSet", account, found.permissions, permissions)


def suspend(call: Call, account: bytes, reason: bytes) -> None:
    found = _need_registered(call, account)
    status = 3 if _need_sponsor_or_governor(call, account, found) else 2
    if found.status >= status:
        raise Refused("SuspendedAlready", account, found.status)
    call.state.accounts[account] = replace(found, status=status)
    call.log("Suspended", account, call.caller, reason)


def reinstate(call: Call, account: bytes) -> None:
    found = _need_registered(call, account)
    is_governor = _need_sponsor_or_governor(call, account, found)
    if found.status == 1:
        raise Refused("AccountNotSuspended", account)
    if found.status == 3 and not is_governor:
        raise Refused("SuspendedByGovernor", account)
    call.state.accounts[account] = replace(found, status=1)
    call.log("Reinstated", account, call.caller)


def _register(call: Call, address: bytes, account: Account) -> None:
    call.state.accounts[address] = account
    call.log("AccountRegistered", address, account.sponsor_id, account.tier, account.permissions)


def _need_governor(call: Call) -> None:
    if call.caller != call.state.governor:
        raise Refused("GovernorOnly", call.caller, call.state.governor)


def _need_bank_facts(name: str, bic: str) -> None:
    if not 1 <= len(name.encode()) <= 31 or not name.isprintable():
        raise Refused("InvalidBankName", name)
    if not re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", bic):
        raise Refused("InvalidBic", bic)


def _need_new(call: Call, account: bytes) -> None:
    need_ordinary(account)
    found = call.state.accounts.get(account)
    if found is not None:
        raise Refused("AccountRegisteredAlready", account, found.sponsor_id)


def _need_registered(call: Call, account: bytes) -> Account:
    found = call.state.accounts.get(account)
    if found is None:
        raise Refused("AccountNotRegistered", account)
    return found


def _need_active(call: Call, bank: bytes) -> None:
    status = call.state.accounts[bank].status
    if status != 1:
        raise Refused("AccountSuspended", bank, status)


def _need_tier(tier: int) -> None:
    if tier > 254:
        raise Refused("InvalidTier", tier, 254)


def _need_sponsor_or_governor(call: Call, account: bytes, found: Account) -> bool:
    if call.caller == call.state.governor:
        return True
    if call.state.bank_id(call.caller) != found.sponsor_id or call.caller == account:
        raise Refused("SponsorOnly", call.caller, account, found.sponsor_id)
    _need_active(call, call.caller)
    return False

"""A currency's choice of policy and limits, and what an account has left of them today. Source: ledger.md §4, §5."""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.addresses import POLICY_REGISTRY
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    LIMIT_BITS,
    LIMITS_ENABLED_OFFSET_BITS,
    POLICY_ID_BITS,
    POLICY_ID_OFFSET_BITS,
    TIER_LIMIT_FIELD_BITS,
    CurrencySlots,
    read_packed,
    tier_limits_slot,
    write_packed,
)
from contracts.native import errors
from contracts.native.compliance import TIER_UNLIMITED, limits_of_tier, tier_of, used_today
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, WORK_ROLE, FunctionTable
from contracts.native.errors import revert
from contracts.native.policies import require_policy
from contracts.native.roles import LIMIT_ROLE, POLICY_ROLE, require_role

LIMIT_MAX: Final = 2**LIMIT_BITS - 1
"""Highest limit in minor units: what a day's counter can hold. Higher supplies are moved without limit, by tier 0."""

TRANSFER_POLICY_SET: Final = declare_event("TransferPolicySet(uint64 previousPolicyId, uint64 policyId)")
LIMITS_ENABLED_SET: Final = declare_event("LimitsEnabledSet(bool enabled)")
TIER_LIMITS_SET: Final = declare_event(
    "TierLimitsSet(uint8 indexed tier, uint256 perTransferMax, uint256 dailyOutMax, uint256 dailyInMax,"
    " uint256 balanceMax)"
)
TRANSFER_RULE_EVENTS: Final = (TRANSFER_POLICY_SET, LIMITS_ENABLED_SET, TIER_LIMITS_SET)

TRANSFER_RULES: Final = FunctionTable()


@TRANSFER_RULES.function("transferPolicyId()", returns="uint64")
def transfer_policy_id(context: CallContext) -> int:
    """Return the policy that every payment is checked against."""
    return read_packed(context.get_slot(CurrencySlots.FLAGS), offset_bits=POLICY_ID_OFFSET_BITS, bits=POLICY_ID_BITS)


@TRANSFER_RULES.function("setTransferPolicyId(uint64 policyId)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_transfer_policy_id(context: CallContext, policy_id: int) -> None:
    """Choose the policy that every payment is checked against from now on. Reverts with UnknownPolicy."""
    require_role(context, POLICY_ROLE)
    require_policy(context.at(POLICY_REGISTRY), policy_id)
    flags = context.get_slot(CurrencySlots.FLAGS)
    previous = read_packed(flags, offset_bits=POLICY_ID_OFFSET_BITS, bits=POLICY_ID_BITS)
    changed = write_packed(flags, policy_id, offset_bits=POLICY_ID_OFFSET_BITS, bits=POLICY_ID_BITS)
    context.set_slot(CurrencySlots.FLAGS, changed)
    context.emit(*encode_event(TRANSFER_POLICY_SET, previous, policy_id))


@TRANSFER_RULES.function("limitsEnabled()", returns="bool")
def limits_enabled(context: CallContext) -> bool:
    """Tell whether the tiers' limits, and suspensions, are asked for."""
    return context.get_slot(CurrencySlots.FLAGS) >> LIMITS_ENABLED_OFFSET_BITS & 1 == 1


@TRANSFER_RULES.function("setLimitsEnabled(bool enabled)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_limits_enabled(context: CallContext, enabled: bool) -> None:
    """Turn the tiers' limits on or off, and with them the question whether a payer is suspended."""
    require_role(context, LIMIT_ROLE)
    flags = context.get_slot(CurrencySlots.FLAGS)
    changed = write_packed(flags, int(enabled), offset_bits=LIMITS_ENABLED_OFFSET_BITS, bits=8)
    context.set_slot(CurrencySlots.FLAGS, changed)
    context.emit(*encode_event(LIMITS_ENABLED_SET, enabled))


@TRANSFER_RULES.function(
    "setTierLimits(uint8 tier, uint256 perTransferMax, uint256 dailyOutMax, uint256 dailyInMax, uint256 balanceMax)",
    gas=GAS_ROLE,
    work=WORK_ROLE,
    mutates=True,
)
def set_tier_limits(
    context: CallContext, tier: int, transfer_max: int, daily_out_max: int, daily_in_max: int, balance_max: int
) -> None:
    """Set a tier's limits in minor units; 0 is no limit. Tier 255 is whoever no bank sponsors.

    A day's counter counts only while its limit is set. Reverts with UnlimitedTier for tier 0, and LimitTooHigh.
    """
    require_role(context, LIMIT_ROLE)
    if tier == TIER_UNLIMITED:
        raise revert(errors.UNLIMITED_TIER, tier)
    for limit in (transfer_max, daily_out_max, daily_in_max, balance_max):
        if limit > LIMIT_MAX:
            raise revert(errors.LIMIT_TOO_HIGH, limit, LIMIT_MAX)
    slot = tier_limits_slot(tier)
    context.set_slot(slot, balance_max << TIER_LIMIT_FIELD_BITS | transfer_max)
    context.set_slot(slot + 1, daily_in_max << TIER_LIMIT_FIELD_BITS | daily_out_max)
    context.emit(*encode_event(TIER_LIMITS_SET, tier, transfer_max, daily_out_max, daily_in_max, balance_max))


@TRANSFER_RULES.function(
    "tierLimitsOf(uint8 tier)",
    returns="uint256 perTransferMax, uint256 dailyOutMax, uint256 dailyInMax, uint256 balanceMax",
)
def tier_limits_of(context: CallContext, tier: int) -> tuple[int, int, int, int]:
    """Return a tier's limits in minor units; 0 is no limit."""
    return limits_of_tier(context, tier)


@TRANSFER_RULES.function(
    "limitsOf(address account)",
    returns="uint8 tier, uint256 perTransferMax, uint256 balanceMax, uint256 dailyOutMax, uint256 outToday,"
    " uint256 outLeft, uint256 dailyInMax, uint256 inToday, uint256 inLeft",
)
def limits_of(context: CallContext, account: Address) -> tuple[int, ...]:
    """Return an account's tier and limits, what it used of them on this UTC day and what is left, in minor units.

    A limit of 0 is none: nothing is counted against it, and nothing said to be left. All of it holds only with
    `limitsEnabled`.
    """
    tier = tier_of(context, account)
    transfer_max, out_max, in_max, balance_max = limits_of_tier(context, tier)
    out, incoming = used_today(context, account)
    out_left, in_left = max(out_max - out, 0), max(in_max - incoming, 0)
    return tier, transfer_max, balance_max, out_max, out, out_left, in_max, incoming, in_left

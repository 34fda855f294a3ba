"""Who may pay whom, and how much: the checks before any movement of money, in their one order.

Pause, sender, recipient, transfer policy of the sender, then of the recipient, limits. The first that fails names
itself. What comes after them, allowance and balance, is asked by whoever moves. Nothing here writes but `record`,
which runs among the writes of the movement. A currency whose policy admits everybody and whose limits are off
reads one word for all of it. Source: ledger.md §4, §5, §6.
"""

from typing import Final, TypeAlias

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.addresses import ACCOUNT_REGISTRY, POLICY_REGISTRY, is_system_address
from contracts.layout import (
    ACCOUNT_STATUS_OFFSET_BITS,
    ACCOUNT_TIER_OFFSET_BITS,
    FROZEN_ACCOUNTS_OFFSET_BITS,
    LIMIT_BITS,
    LIMITS_ENABLED_OFFSET_BITS,
    PAUSED_OFFSET_BITS,
    POLICY_ID_BITS,
    POLICY_ID_OFFSET_BITS,
    TIER_LIMIT_FIELD_BITS,
    USE_DAY_BITS,
    USE_IN_OFFSET_BITS,
    USE_OUT_OFFSET_BITS,
    CurrencySlots,
    account_slot,
    balance_slot,
    daily_use_slot,
    tier_limits_slot,
)
from contracts.native import errors
from contracts.native.context import CallContext
from contracts.native.errors import revert
from contracts.native.policy_rules import POLICY_ADMIT_EVERYBODY, Side, admits, admits_by_record, policy_record

DAY_S: Final = 86_400
"""A UTC day, seconds: the network has no leap seconds, as Unix time has none."""

TIER_UNLIMITED: Final = 0
"""Institutions: no limit applies and nothing is counted."""

TIER_UNREGISTERED: Final = 255
"""Tier of an account that no bank sponsors, so that leaving the registry never means having no limit."""

STATUS_ACTIVE: Final = 1
"""Status of an account that is registered and not suspended; higher ones are suspended."""

LimitUse: TypeAlias = dict[int, int]
"""Words of day counters that a movement will write, by slot."""

LimitWords: TypeAlias = tuple[int, int]
"""A tier's limits as stored: of one payment and the balance, of a day."""

_OPEN_FLAGS: Final = POLICY_ADMIT_EVERYBODY << POLICY_ID_OFFSET_BITS
_RULES_MASK: Final = (1 << FROZEN_ACCOUNTS_OFFSET_BITS) - 1 & ~0xFF
"""Everything in the first word but the decimals, and what is frozen, which is asked with the balance."""
_LIMIT_MASK: Final = (1 << LIMIT_BITS) - 1
_FIELD_MASK: Final = (1 << TIER_LIMIT_FIELD_BITS) - 1
_DAY_MASK: Final = (1 << USE_DAY_BITS) - 1
_POLICY_MASK: Final = (1 << POLICY_ID_BITS) - 1


def check_transfer(
    context: CallContext, flags: int, sender: Address, to: Address, amount: int, use: LimitUse, *, arriving: int = 0
) -> None:
    """Run the checks of a payment and add what it counts to `use`; `flags` is the currency's first word.

    Of many payments in one call, `use` has what the ones before it count, and `arriving` is what they bring to `to`, in
    minor units. Reverts with the error of the first check that fails.
    """
    _require_ends(flags, sender, to)
    # Not paused, no limits, everybody admitted.
    if flags & _RULES_MASK == _OPEN_FLAGS:
        return
    _require_policy(context, flags, sender, to)
    if not flags >> LIMITS_ENABLED_OFFSET_BITS & 1:
        return
    accounts = context.at(ACCOUNT_REGISTRY)
    sender_word = accounts.get_slot(account_slot(sender))
    limits = _limit_words(context, _tier(sender_word))
    # What one pays to oneself moves nothing, so that it uses up no day's limit and fills no wallet.
    _count_out(context, sender, sender_word, limits, amount, use, is_counted=sender != to)
    if sender == to:
        return
    to_word = accounts.get_slot(account_slot(to))
    # Most payments stay within a tier, whose limits were just read.
    if _tier(to_word) != _tier(sender_word):
        limits = _limit_words(context, _tier(to_word))
    _count_in(context, to, to_word, limits, amount, use, arriving)


def check_out(context: CallContext, sender: Address, to: Address, amount: int) -> LimitUse:
    """Run the checks of a hold's creation and return what it counts: the sender's side of the limits."""
    flags = context.get_slot(CurrencySlots.FLAGS)
    _require_ends(flags, sender, to)
    if flags & _RULES_MASK == _OPEN_FLAGS:
        return {}
    _require_policy(context, flags, sender, to)
    if not flags >> LIMITS_ENABLED_OFFSET_BITS & 1:
        return {}
    use: LimitUse = {}
    word = _account_word(context, sender)
    _count_out(context, sender, word, _limit_words(context, _tier(word)), amount, use, is_counted=True)
    return use


def check_sender(context: CallContext, sender: Address, amount: int) -> LimitUse:
    """Run the checks of money that is set aside for nobody in particular yet, and return what it counts."""
    flags = context.get_slot(CurrencySlots.FLAGS)
    _require_open(flags, sender)
    if flags & _RULES_MASK == _OPEN_FLAGS:
        return {}
    policy_id = flags >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    if not admits(context.at(POLICY_REGISTRY), policy_id, sender, Side.SENDER):
        raise revert(errors.POLICY_REFUSES_SENDER, policy_id, sender)
    if not flags >> LIMITS_ENABLED_OFFSET_BITS & 1:
        return {}
    use: LimitUse = {}
    word = _account_word(context, sender)
    _count_out(context, sender, word, _limit_words(context, _tier(word)), amount, use, is_counted=True)
    return use


def check_payout(context: CallContext, payer: Address, to: Address, amount: int) -> LimitUse:
    """Run the checks of what was promised offline and return what it counts: as a hold's, and the recipient's status.

    A suspended recipient waits, because nobody is asked again before it could pay the money on.
    """
    use = check_in(context, payer, to, amount)
    if context.get_slot(CurrencySlots.FLAGS) >> LIMITS_ENABLED_OFFSET_BITS & 1:
        status = _status(_account_word(context, to))
        if status > STATUS_ACTIVE:
            raise revert(errors.ACCOUNT_SUSPENDED, to, status)
    return use


def check_in(context: CallContext, payer: Address, to: Address, amount: int) -> LimitUse:
    """Run the checks of a hold's execution and return what it counts: the recipient's policy and limits.

    Neither a pause nor what became of the payer stops it: what was promised is paid to a payee that may have it. A
    payer that gets its own money back passes no limit.
    """
    flags = context.get_slot(CurrencySlots.FLAGS)
    policy_id = flags >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    if policy_id != POLICY_ADMIT_EVERYBODY:
        _require_recipient(context, policy_id, to, Side.RECIPIENT)
    if payer == to or not flags >> LIMITS_ENABLED_OFFSET_BITS & 1:
        return {}
    use: LimitUse = {}
    word = _account_word(context, to)
    _count_in(context, to, word, _limit_words(context, _tier(word)), amount, use, 0)
    return use


def check_mint(context: CallContext, to: Address, amount: int) -> LimitUse:
    """Run the checks of who receives new money and return what it counts.

    A pause is asked for before the issuer's role, so not here.
    """
    require_receiver(to)
    flags = context.get_slot(CurrencySlots.FLAGS)
    policy_id = flags >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    if policy_id != POLICY_ADMIT_EVERYBODY:
        _require_recipient(context, policy_id, to, Side.MINT_RECIPIENT)
    if not flags >> LIMITS_ENABLED_OFFSET_BITS & 1:
        return {}
    use: LimitUse = {}
    word = _account_word(context, to)
    _count_in(context, to, word, _limit_words(context, _tier(word)), amount, use, 0)
    return use


def record(context: CallContext, use: LimitUse) -> None:
    """Write what a movement counts; call it among the movement's writes."""
    for slot, word in use.items():
        context.set_slot(slot, word)


def may_send(context: CallContext, account: Address) -> bool:
    """Tell whether policy and, with limits on, the account's status let it pay. Balance and limits are not asked."""
    flags = context.get_slot(CurrencySlots.FLAGS)
    policy_id = flags >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    if not admits(context.at(POLICY_REGISTRY), policy_id, account, Side.SENDER):
        return False
    return not flags >> LIMITS_ENABLED_OFFSET_BITS & 1 or _status(_account_word(context, account)) <= STATUS_ACTIVE


def may_receive(context: CallContext, account: Address) -> bool:
    """Tell whether the policy lets an account be paid. Limits are not asked."""
    policy_id = context.get_slot(CurrencySlots.FLAGS) >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    return admits(context.at(POLICY_REGISTRY), policy_id, account, Side.RECIPIENT)


def require_not_paused(context: CallContext) -> None:
    """Revert with EnforcedPause if the currency is stopped."""
    if context.get_slot(CurrencySlots.FLAGS) >> PAUSED_OFFSET_BITS & 1:
        raise revert(errors.ENFORCED_PAUSE)


def require_receiver(to: Address) -> None:
    """Revert with ERC20InvalidReceiver for the zero address and for system addresses, which nobody could spend from."""
    if to == ZERO_ADDRESS or is_system_address(to):
        raise revert(errors.INVALID_RECEIVER, to)


def tier_of(context: CallContext, account: Address) -> int:
    """Return the tier whose limits apply to `account` in every currency."""
    return _tier(_account_word(context, account))


def limits_of_tier(context: CallContext, tier: int) -> tuple[int, int, int, int]:
    """Return (perTransferMax, dailyOutMax, dailyInMax, balanceMax) of a tier in minor units; 0 means no limit."""
    single, daily = _limit_words(context, tier)
    return (
        single & _FIELD_MASK,
        daily & _FIELD_MASK,
        daily >> TIER_LIMIT_FIELD_BITS,
        single >> TIER_LIMIT_FIELD_BITS,
    )


def used_today(context: CallContext, account: Address) -> tuple[int, int]:
    """Return (out, in): what counted towards the daily limits of `account` on the block's UTC day, in minor units."""
    word = _use_of_today(context, daily_use_slot(account), {})
    return word >> USE_OUT_OFFSET_BITS & _LIMIT_MASK, word >> USE_IN_OFFSET_BITS


def _require_open(flags: int, sender: Address) -> None:
    if flags >> PAUSED_OFFSET_BITS & 1:
        raise revert(errors.ENFORCED_PAUSE)
    if sender == ZERO_ADDRESS:
        raise revert(errors.INVALID_SENDER, sender)


def _require_ends(flags: int, sender: Address, to: Address) -> None:
    _require_open(flags, sender)
    if to == ZERO_ADDRESS or is_system_address(to):
        raise revert(errors.INVALID_RECEIVER, to)


def _require_policy(context: CallContext, flags: int, sender: Address, to: Address) -> None:
    policy_id = flags >> POLICY_ID_OFFSET_BITS & _POLICY_MASK
    if policy_id == POLICY_ADMIT_EVERYBODY:
        return
    policies = context.at(POLICY_REGISTRY)
    policy = policy_record(policies, policy_id)
    if not admits_by_record(policies, policy_id, policy, sender, Side.SENDER):
        raise revert(errors.POLICY_REFUSES_SENDER, policy_id, sender)
    if not admits_by_record(policies, policy_id, policy, to, Side.RECIPIENT):
        raise revert(errors.POLICY_REFUSES_RECIPIENT, policy_id, to)


def _require_recipient(context: CallContext, policy_id: int, to: Address, side: int) -> None:
    if not admits(context.at(POLICY_REGISTRY), policy_id, to, side):
        raise revert(errors.POLICY_REFUSES_RECIPIENT, policy_id, to)


def _count_out(
    context: CallContext,
    account: Address,
    account_word: int,
    limits: LimitWords,
    amount: int,
    use: LimitUse,
    *,
    is_counted: bool,
) -> None:
    status = _status(account_word)
    if status > STATUS_ACTIVE:
        raise revert(errors.ACCOUNT_SUSPENDED, account, status)
    tier = _tier(account_word)
    if tier == TIER_UNLIMITED:
        return
    transfer_max = limits[0] & _FIELD_MASK
    if transfer_max and amount > transfer_max:
        raise revert(errors.TRANSFER_LIMIT_EXCEEDED, account, tier, transfer_max, amount)
    daily_max = limits[1] & _FIELD_MASK
    if not daily_max or not is_counted:
        return
    use_slot = daily_use_slot(account)
    word = _use_of_today(context, use_slot, use)
    out = word >> USE_OUT_OFFSET_BITS & _LIMIT_MASK
    if out + amount > daily_max:
        raise revert(errors.DAILY_OUT_LIMIT_EXCEEDED, account, tier, daily_max, out, amount)
    # No limit is above 112 bits and no counter above its limit, so that neither runs into its neighbour.
    use[use_slot] = word + (amount << USE_OUT_OFFSET_BITS)


def _count_in(
    context: CallContext,
    account: Address,
    account_word: int,
    limits: LimitWords,
    amount: int,
    use: LimitUse,
    arriving: int,
) -> None:
    tier = _tier(account_word)
    if tier == TIER_UNLIMITED:
        return
    daily_max = limits[1] >> TIER_LIMIT_FIELD_BITS
    if daily_max:
        use_slot = daily_use_slot(account)
        word = _use_of_today(context, use_slot, use)
        incoming = word >> USE_IN_OFFSET_BITS
        if incoming + amount > daily_max:
            raise revert(errors.DAILY_IN_LIMIT_EXCEEDED, account, tier, daily_max, incoming, amount)
        use[use_slot] = word + (amount << USE_IN_OFFSET_BITS)
    balance_max = limits[0] >> TIER_LIMIT_FIELD_BITS
    if balance_max:
        balance = context.get_slot(balance_slot(account)) + arriving
        if balance + amount > balance_max:
            raise revert(errors.BALANCE_LIMIT_EXCEEDED, account, tier, balance_max, balance, amount)


def _limit_words(context: CallContext, tier: int) -> LimitWords:
    if tier == TIER_UNLIMITED:
        return 0, 0
    slot = tier_limits_slot(tier)
    return context.get_slot(slot), context.get_slot(slot + 1)


def _account_word(context: CallContext, account: Address) -> int:
    return context.at(ACCOUNT_REGISTRY).get_slot(account_slot(account))


def _status(account_word: int) -> int:
    return account_word >> ACCOUNT_STATUS_OFFSET_BITS & 0xFF


def _tier(account_word: int) -> int:
    return account_word >> ACCOUNT_TIER_OFFSET_BITS & 0xFF if account_word else TIER_UNREGISTERED


def _use_of_today(context: CallContext, slot: int, use: LimitUse) -> int:
    """Return an account's counters as of now: of this call, or as stored, or fresh ones on a new day."""
    word = use.get(slot)
    if word is None:
        word = context.get_slot(slot)
    today = _today(context)
    return word if word & _DAY_MASK == today else today


def _today(context: CallContext) -> int:
    # The remainder is the time of day.
    return context.block_timestamp_s // DAY_S

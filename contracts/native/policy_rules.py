"""What a policy says of an account: reading only, shared by the registry's views and by every currency.

Source: ledger.md §5.
"""

from typing import Final

from consensus.primitives.scalars import Address
from contracts.layout import (
    POLICY_ID_BITS,
    POLICY_KIND_BITS,
    POLICY_MINT_RECIPIENT_OFFSET_BITS,
    POLICY_RECIPIENT_OFFSET_BITS,
    POLICY_SENDER_OFFSET_BITS,
    policy_listed_slot,
    policy_slot,
)
from contracts.native.context import CallContext

POLICY_REJECT_EVERYBODY: Final = 0
"""Built-in policy: an allow-list that stays empty."""

POLICY_ADMIT_EVERYBODY: Final = 1
"""Built-in policy: a deny-list that stays empty. Transfer policy of a new currency."""

BUILT_IN_COUNT: Final = 2
"""Policies that exist without having been created; the first created one has this id."""


class PolicyKind:
    """What a policy is, as its record and the ABI say; 0 is none."""

    ALLOW_LIST: Final = 1
    """Admits whoever is listed."""
    DENY_LIST: Final = 2
    """Admits whoever is not listed."""
    COMPOUND: Final = 3
    """Names one policy for each side of a payment; never changes."""


class Side:
    """Which side of a payment is asked about: the place of its policy in a compound's record."""

    SENDER: Final = POLICY_SENDER_OFFSET_BITS
    RECIPIENT: Final = POLICY_RECIPIENT_OFFSET_BITS
    MINT_RECIPIENT: Final = POLICY_MINT_RECIPIENT_OFFSET_BITS


_KIND_MASK: Final = (1 << POLICY_KIND_BITS) - 1
_ID_MASK: Final = (1 << POLICY_ID_BITS) - 1


def admits(registry: CallContext, policy_id: int, account: Address, side: int) -> bool:
    """Tell whether a policy admits `account` on one `side`; `registry` is the context at the PolicyRegistry.

    A policy that does not exist admits nobody.
    """
    return admits_by_record(registry, policy_id, policy_record(registry, policy_id), account, side)


def policy_record(registry: CallContext, policy_id: int) -> int:
    """Return the word that says what a policy is, for whoever asks it about several accounts; 0 for a built-in one."""
    return 0 if policy_id < BUILT_IN_COUNT else registry.get_slot(policy_slot(policy_id))


def admits_by_record(registry: CallContext, policy_id: int, record: int, account: Address, side: int) -> bool:
    """Tell the same as `admits` of a policy whose record was read."""
    if policy_id < BUILT_IN_COUNT:
        return policy_id == POLICY_ADMIT_EVERYBODY
    kind = record & _KIND_MASK
    if kind == PolicyKind.COMPOUND:
        # A compound names no compound, so that this is one step.
        policy_id = record >> side & _ID_MASK
        if policy_id < BUILT_IN_COUNT:
            return policy_id == POLICY_ADMIT_EVERYBODY
        kind = registry.get_slot(policy_slot(policy_id)) & _KIND_MASK
    is_listed = registry.get_slot(policy_listed_slot(policy_id, account)) != 0
    return is_listed if kind == PolicyKind.ALLOW_LIST else kind == PolicyKind.DENY_LIST and not is_listed


def kind_of(registry: CallContext, policy_id: int) -> int:
    """Return the kind of a policy, 0 if it does not exist."""
    if policy_id < BUILT_IN_COUNT:
        return PolicyKind.ALLOW_LIST if policy_id == POLICY_REJECT_EVERYBODY else PolicyKind.DENY_LIST
    return registry.get_slot(policy_slot(policy_id)) & _KIND_MASK

"""What OfflineLocks keeps besides money: words, numbers, flags, classes, and the log of what is revoked.

Reads and writes slots, judges nothing. Source: offline.md §5; the layout is contracts/offline/slots.py's.
"""

from typing import Final

from consensus.primitives.scalars import Address, Hash32
from contracts.addresses import PROTOCOL_CONFIG
from contracts.layout import PROTOCOL_PARAMETER_SLOTS
from contracts.native.context import CallContext
from contracts.native.errors import revert
from contracts.native.offline.errors import ACCOUNT_BLACKLISTED, LOCK_NOT_FOUND, PURSE_NOT_FOUND, WRONG_OPEN_NONCE
from contracts.offline.lock_rules import LIFE_S_MAX, OfflineWord, decode_word, encode_word, validate_times
from contracts.offline.slots import (
    OfflineLocksSlots,
    blacklisted_since_slot,
    class_member_slot,
    lock_word_slot,
    open_nonce_slot,
    purse_flags_slot,
    purse_word_slot,
    revocation_slot,
)
from contracts.offline.typed_data import domain_separator

LAYOUT_VERSION: Final = 1
"""Word of slot 0: how everything else lies."""

FLAGGED_BY_OWNER: Final = 1
"""Bit of a purse's flags: its owner lost the device. Advice to payees, never a reason to refuse a claim."""

FLAGGED_AS_EQUIVOCATED: Final = 2
"""Bit of a purse's flags: it was spent twice."""

REVOKED_PURSE: Final = 1
"""Kind of a revocation whose prefix is of a purse's id."""

REVOKED_OWNER: Final = 2
"""Kind of a revocation whose prefix is of an owner's address."""

REVOCATION_PREFIX_BYTES: Final = 8
"""Bytes of an id or address in the log: what a list that fits QR codes can carry."""

REVOCATION_EXPIRES_OFFSET_BITS: Final = 64
REVOCATION_KIND_OFFSET_BITS: Final = 96


def separator_of(context: CallContext) -> Hash32:
    """Return what ties signatures to this contract on this network."""
    return domain_separator(context.chain_id, context.address)


def read_lock(context: CallContext, lock: Hash32) -> OfflineWord:
    """Return a lock's word, zeros if there is none."""
    return _read(context, lock_word_slot(lock))


def read_purse(context: CallContext, purse: Hash32) -> OfflineWord:
    """Return a purse's word; zeros if there never was one, amounts 0 if it is closed."""
    return _read(context, purse_word_slot(purse))


def require_lock(context: CallContext, lock: Hash32) -> OfflineWord:
    """Return the word of a live lock. Reverts with LockNotFound."""
    word = read_lock(context, lock)
    if not word.deposit:
        raise revert(LOCK_NOT_FOUND, lock)
    return word


def require_purse(context: CallContext, purse: Hash32) -> OfflineWord:
    """Return the word of a live purse. Reverts with PurseNotFound."""
    word = read_purse(context, purse)
    if not word.deposit:
        raise revert(PURSE_NOT_FOUND, purse)
    return word


def write_lock(context: CallContext, lock: Hash32, word: OfflineWord) -> None:
    """Write a lock's word."""
    context.set_slot(lock_word_slot(lock), int.from_bytes(encode_word(word), "big"))


def delete_lock(context: CallContext, lock: Hash32) -> None:
    """Erase a lock that is no more: its terms name a number that no other lock will have."""
    context.set_slot(lock_word_slot(lock), 0)


def write_purse(context: CallContext, purse: Hash32, word: OfflineWord) -> None:
    """Write a purse's word."""
    context.set_slot(purse_word_slot(purse), int.from_bytes(encode_word(word), "big"))


def require_open_nonce(context: CallContext, account: Address, given: int) -> None:
    """Revert with WrongOpenNonce unless terms carry the number of the account's next lock or purse."""
    expected = context.get_slot(open_nonce_slot(account))
    if given != expected:
        raise revert(WRONG_OPEN_NONCE, expected, given)


def use_open_nonce(context: CallContext, account: Address) -> None:
    """Count one more lock or purse of the account."""
    slot = open_nonce_slot(account)
    context.set_slot(slot, context.get_slot(slot) + 1)


def check_times(context: CallContext, *, spend_until_s: int, claim_until_s: int) -> None:
    """Check the times of something opened now against the network's parameters.

    Raises: SpendUntilPassed, GraceTooShort, LifeTooLong.
    """
    grace_min_s, life_max_s = time_bounds(context)
    validate_times(
        spend_until_s=spend_until_s,
        claim_until_s=claim_until_s,
        now_s=context.block_timestamp_s,
        grace_min_s=grace_min_s,
        life_max_s=life_max_s,
    )


def time_bounds(context: CallContext) -> tuple[int, int]:
    """Return the shortest grace and the longest life in force, seconds."""
    config = context.at(PROTOCOL_CONFIG)
    return (
        config.get_slot(PROTOCOL_PARAMETER_SLOTS["offline_grace_min_s"]),
        config.get_slot(PROTOCOL_PARAMETER_SLOTS["offline_life_max_s"]),
    )


def flags_of(context: CallContext, purse: Hash32) -> int:
    """Return a purse's flags."""
    return context.get_slot(purse_flags_slot(purse))


def flag_purse(context: CallContext, purse: Hash32, flag: int, *, expires_s: int) -> None:
    """Set a flag of a purse, and put the purse on the revocation log the first time any is set."""
    flags = flags_of(context, purse)
    context.set_slot(purse_flags_slot(purse), flags | flag)
    if not flags:
        _revoke(context, REVOKED_PURSE, purse, expires_s)


def is_member(context: CallContext, class_id: Hash32, account: Address) -> bool:
    """Tell whether a class pays an account."""
    return context.get_slot(class_member_slot(class_id, account)) != 0


def is_blacklisted(context: CallContext, account: Address) -> bool:
    """Tell whether an account spent a purse twice and was not cleared."""
    return context.get_slot(blacklisted_since_slot(account)) != 0


def require_not_blacklisted(context: CallContext, account: Address) -> None:
    """Revert with AccountBlacklisted."""
    if is_blacklisted(context, account):
        raise revert(ACCOUNT_BLACKLISTED, account)


def blacklist(context: CallContext, account: Address) -> None:
    """Keep an account from opening purses, and put it on the revocation log for as long as one of its purses can live.

    One that is blacklisted already stays as it is.
    """
    if is_blacklisted(context, account):
        return
    now_s = context.block_timestamp_s
    context.set_slot(blacklisted_since_slot(account), now_s)
    _revoke(context, REVOKED_OWNER, account, now_s + LIFE_S_MAX)


def _read(context: CallContext, slot: int) -> OfflineWord:
    return decode_word(context.get_slot(slot).to_bytes(32, "big"))


def _revoke(context: CallContext, kind: int, name: bytes, expires_s: int) -> None:
    count = context.get_slot(OfflineLocksSlots.REVOCATIONS)
    prefix = int.from_bytes(name[:REVOCATION_PREFIX_BYTES], "big")
    word = kind << REVOCATION_KIND_OFFSET_BITS | expires_s << REVOCATION_EXPIRES_OFFSET_BITS | prefix
    context.set_slot(revocation_slot(count), word)
    context.set_slot(OfflineLocksSlots.REVOCATIONS, count + 1)

"""The AccountRegistry: banks, the accounts they sponsor, and what each account may do on the network.

The governor registers banks, a bank its customers. A sponsor suspends its own, the governor anybody; what the governor
suspended only the governor reinstates. Source: ledger.md §5.
"""

import re
from typing import Final

from consensus.primitives.scalars import Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    ACCOUNT_PERMISSIONS_BITS,
    ACCOUNT_PERMISSIONS_OFFSET_BITS,
    ACCOUNT_REGISTERED_AT_OFFSET_BITS,
    ACCOUNT_SPONSOR_BITS,
    ACCOUNT_STATUS_OFFSET_BITS,
    ACCOUNT_TIER_OFFSET_BITS,
    BANK_QUOTA_OFFSET_BITS,
    AccountRegistrySlots,
    BankWords,
    account_slot,
    bank_id_slot,
    bank_slot,
    encode_text,
    read_packed,
    read_text,
    write_packed,
)
from contracts.native import errors
from contracts.native.compliance import STATUS_ACTIVE, TIER_UNLIMITED, TIER_UNREGISTERED
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_ROLE, WORK_REGISTER, WORK_ROLE, FunctionTable, build_contract
from contracts.native.errors import revert
from contracts.native.protocol_config import is_governor, require_governor
from contracts.native.roles import validate_role_account


class AccountStatus:
    """Where an account stands, as its record and the ABI say; 0 is not registered."""

    ACTIVE: Final = STATUS_ACTIVE
    SUSPENDED_BY_SPONSOR: Final = 2
    SUSPENDED_BY_GOVERNOR: Final = 3


MAY_SEND: Final = 1
"""Permission to send transactions."""
MAY_DEPLOY: Final = 2
"""Permission to create contracts by a transaction without recipient."""
PERMISSIONS_ALL: Final = MAY_SEND | MAY_DEPLOY

TIER_MAX: Final = TIER_UNREGISTERED - 1
"""Highest tier a bank can give."""

BANK_NAME_BYTES_MAX: Final = 31
"""Longest name of a bank in UTF-8 bytes: one word."""

_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
"""ISO 9362: party, country, suffix, optional branch."""

BANK_REGISTERED: Final = declare_event(
    "BankRegistered(address indexed bank, uint32 indexed bankId, string name, string bic, uint64 quotaGasPerMinute)"
)
BANK_UPDATED: Final = declare_event(
    "BankUpdated(address indexed bank, uint32 indexed bankId, string name, string bic, uint64 quotaGasPerMinute)"
)
ACCOUNT_REGISTERED: Final = declare_event(
    "AccountRegistered(address indexed account, uint32 indexed sponsorId, uint8 tier, uint16 permissions)"
)
TIER_SET: Final = declare_event("TierSet(address indexed account, uint8 previousTier, uint8 tier)")
PERMISSIONS_SET: Final = declare_event(
    "PermissionsSet(address indexed account, uint16 previousPermissions, uint16 permissions)"
)
SUSPENDED: Final = declare_event("Suspended(address indexed account, address indexed by, bytes32 reason)")
REINSTATED: Final = declare_event("Reinstated(address indexed account, address indexed by)")

FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function(
    "recordOf(address account)",
    returns="uint32 sponsorId, uint8 tier, uint8 status, uint16 permissions, uint64 registeredAt",
)
def record_of(context: CallContext, account: Address) -> tuple[int, int, int, int, int]:
    """Return an account's record; zeros if it is not registered. Seconds since the Unix epoch."""
    word = context.get_slot(account_slot(account))
    return (
        _sponsor(word),
        word >> ACCOUNT_TIER_OFFSET_BITS & 0xFF,
        _status(word),
        _permissions(word),
        word >> ACCOUNT_REGISTERED_AT_OFFSET_BITS,
    )


@FUNCTIONS.function("sponsorOf(address account)", returns="address bank")
def sponsor_of(context: CallContext, account: Address) -> Address:
    """Return the bank that sponsors an account. Reverts with AccountNotRegistered."""
    return _bank_address(context, _sponsor(_require_registered(context, account)))


@FUNCTIONS.function("bankCount()", returns="uint256")
def bank_count(context: CallContext) -> int:
    """Return how many banks there are."""
    return context.get_slot(AccountRegistrySlots.BANK_COUNT)


@FUNCTIONS.function("bankAt(uint256 index)", returns="address bank")
def bank_at(context: CallContext, index: int) -> Address:
    """Return the bank at `index`, from 0 in order of registration; reverts with IndexOutOfRange."""
    count = context.get_slot(AccountRegistrySlots.BANK_COUNT)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    return _bank_address(context, index + 1)


@FUNCTIONS.function("bankOf(address bank)", returns="uint32 bankId, string name, string bic, uint64 quotaGasPerMinute")
def bank_of(context: CallContext, bank: Address) -> tuple[int, str, str, int]:
    """Return a bank's number, name, BIC and quota. Reverts with UnknownBank."""
    bank_id = _require_bank_id(context, bank)
    slot = bank_slot(bank_id)
    return (
        bank_id,
        read_text(context.get_slot, slot + BankWords.NAME).decode("utf-8"),
        read_text(context.get_slot, slot + BankWords.BIC).decode("ascii"),
        context.get_slot(slot) >> BANK_QUOTA_OFFSET_BITS,
    )


@FUNCTIONS.function(
    "registerBank(address bank, string name, string bic, uint64 quotaGasPerMinute)",
    returns="uint32 bankId",
    gas=GAS_ROLE,
    work=WORK_REGISTER,
    mutates=True,
)
def register_bank(context: CallContext, bank: Address, name: str, bic: str, quota: int) -> int:
    """Register a bank and its own account, in tier 0 with every permission, and return its number.

    The governor's call.
    """
    require_governor(context)
    _validate_bank(name, bic)
    _require_new(context, bank)
    bank_id = context.get_slot(AccountRegistrySlots.BANK_COUNT) + 1
    context.set_slot(AccountRegistrySlots.BANK_COUNT, bank_id)
    context.set_slot(bank_id_slot(bank), bank_id)
    _write_bank(context, bank_id, bank, name, bic, quota)
    context.emit(*encode_event(BANK_REGISTERED, bank, bank_id, name, bic, quota))
    _add_account(context, bank, sponsor_id=bank_id, tier=TIER_UNLIMITED, permissions=PERMISSIONS_ALL)
    return bank_id


@FUNCTIONS.function(
    "updateBank(address bank, string name, string bic, uint64 quotaGasPerMinute)",
    gas=GAS_ROLE,
    work=WORK_REGISTER,
    mutates=True,
)
def update_bank(context: CallContext, bank: Address, name: str, bic: str, quota: int) -> None:
    """Replace what is said of a bank; the governor's call."""
    require_governor(context)
    _validate_bank(name, bic)
    bank_id = _require_bank_id(context, bank)
    _write_bank(context, bank_id, bank, name, bic, quota)
    context.emit(*encode_event(BANK_UPDATED, bank, bank_id, name, bic, quota))


@FUNCTIONS.function("registerAccount(address account, uint8 tier)", gas=GAS_ROLE, work=WORK_REGISTER, mutates=True)
def register_account(context: CallContext, account: Address, tier: int) -> None:
    """Sponsor an account: it may send, within the limits of `tier`; a bank's call."""
    bank_id = context.get_slot(bank_id_slot(context.caller))
    if not bank_id:
        raise revert(errors.BANK_ONLY, context.caller)
    _require_bank_active(context, context.caller)
    _validate_tier(tier)
    _require_new(context, account)
    _add_account(context, account, sponsor_id=bank_id, tier=tier, permissions=MAY_SEND)


@FUNCTIONS.function("setTier(address account, uint8 tier)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_tier(context: CallContext, account: Address, tier: int) -> None:
    """Move an account to another tier; its sponsor's or the governor's call."""
    word = _require_registered(context, account)
    _require_sponsor_or_governor(context, account, word)
    _validate_tier(tier)
    previous = read_packed(word, offset_bits=ACCOUNT_TIER_OFFSET_BITS, bits=8)
    context.set_slot(account_slot(account), write_packed(word, tier, offset_bits=ACCOUNT_TIER_OFFSET_BITS, bits=8))
    context.emit(*encode_event(TIER_SET, account, previous, tier))


@FUNCTIONS.function("setPermissions(address account, uint16 permissions)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def set_permissions(context: CallContext, account: Address, permissions: int) -> None:
    """Replace an account's permissions: MAY_SEND 1, MAY_DEPLOY 2; its sponsor's or the governor's call.

    A bank gives no permission that it has not itself. Reverts with PermissionsNotHeld.
    """
    word = _require_registered(context, account)
    is_by_governor = _require_sponsor_or_governor(context, account, word)
    highest = PERMISSIONS_ALL
    if not is_by_governor:
        highest = _permissions(context.get_slot(account_slot(context.caller)))
    if permissions & ~highest:
        raise revert(errors.PERMISSIONS_NOT_HELD, permissions, highest)
    changed = write_packed(
        word, permissions, offset_bits=ACCOUNT_PERMISSIONS_OFFSET_BITS, bits=ACCOUNT_PERMISSIONS_BITS
    )
    context.set_slot(account_slot(account), changed)
    context.emit(*encode_event(PERMISSIONS_SET, account, _permissions(word), permissions))


@FUNCTIONS.function("suspend(address account, bytes32 reason)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def suspend(context: CallContext, account: Address, reason: bytes) -> None:
    """Stop an account from sending; its sponsor's or the governor's call. The governor's replaces its sponsor's."""
    word = _require_registered(context, account)
    is_by_governor = _require_sponsor_or_governor(context, account, word)
    status = AccountStatus.SUSPENDED_BY_GOVERNOR if is_by_governor else AccountStatus.SUSPENDED_BY_SPONSOR
    if _status(word) >= status:
        raise revert(errors.SUSPENDED_ALREADY, account, _status(word))
    _write_status(context, account, word, status)
    context.emit(*encode_event(SUSPENDED, account, context.caller, reason))


@FUNCTIONS.function("reinstate(address account)", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def reinstate(context: CallContext, account: Address) -> None:
    """Let a suspended account send again; the governor's call, or its sponsor's if that suspended it."""
    word = _require_registered(context, account)
    is_by_governor = _require_sponsor_or_governor(context, account, word)
    if _status(word) == AccountStatus.ACTIVE:
        raise revert(errors.ACCOUNT_NOT_SUSPENDED, account)
    if _status(word) == AccountStatus.SUSPENDED_BY_GOVERNOR and not is_by_governor:
        raise revert(errors.SUSPENDED_BY_GOVERNOR, account)
    _write_status(context, account, word, AccountStatus.ACTIVE)
    context.emit(*encode_event(REINSTATED, account, context.caller))


def _require_registered(context: CallContext, account: Address) -> int:
    word = context.get_slot(account_slot(account))
    if not word:
        raise revert(errors.ACCOUNT_NOT_REGISTERED, account)
    return word


def _require_new(context: CallContext, account: Address) -> None:
    validate_role_account(account)
    word = context.get_slot(account_slot(account))
    if word:
        raise revert(errors.ACCOUNT_REGISTERED_ALREADY, account, _sponsor(word))


def _require_bank_id(context: CallContext, bank: Address) -> int:
    bank_id = context.get_slot(bank_id_slot(bank))
    if not bank_id:
        raise revert(errors.UNKNOWN_BANK, bank)
    return bank_id


def _require_bank_active(context: CallContext, bank: Address) -> None:
    status = _status(context.get_slot(account_slot(bank)))
    if status != AccountStatus.ACTIVE:
        raise revert(errors.ACCOUNT_SUSPENDED, bank, status)


def _require_sponsor_or_governor(context: CallContext, account: Address, word: int) -> bool:
    """Return True if the governor calls, False if the account's sponsor does; a bank does not decide on itself."""
    if is_governor(context):
        return True
    caller = context.caller
    if context.get_slot(bank_id_slot(caller)) != _sponsor(word) or caller == account:
        raise revert(errors.SPONSOR_ONLY, caller, account, _sponsor(word))
    _require_bank_active(context, caller)
    return False


def _validate_bank(name: str, bic: str) -> None:
    name_bytes = name.encode("utf-8")
    # Control characters would let a name rewrite the line it is shown on.
    if not 1 <= len(name_bytes) <= BANK_NAME_BYTES_MAX or any(byte < 0x20 or byte == 0x7F for byte in name_bytes):
        raise revert(errors.INVALID_BANK_NAME, name)
    if not _BIC.fullmatch(bic):
        raise revert(errors.INVALID_BIC, bic)


def _validate_tier(tier: int) -> None:
    if tier > TIER_MAX:
        raise revert(errors.INVALID_TIER, tier, TIER_MAX)


def _write_bank(context: CallContext, bank_id: int, bank: Address, name: str, bic: str, quota: int) -> None:
    slot = bank_slot(bank_id)
    context.set_slot(slot, quota << BANK_QUOTA_OFFSET_BITS | int.from_bytes(bank, "big"))
    for text, offset in ((name, BankWords.NAME), (bic, BankWords.BIC)):
        ((text_slot, word),) = encode_text(text.encode("utf-8"), slot + offset).items()
        context.set_slot(text_slot, word)


def _add_account(context: CallContext, account: Address, *, sponsor_id: int, tier: int, permissions: int) -> None:
    word = (
        context.block_timestamp_s << ACCOUNT_REGISTERED_AT_OFFSET_BITS
        | permissions << ACCOUNT_PERMISSIONS_OFFSET_BITS
        | AccountStatus.ACTIVE << ACCOUNT_STATUS_OFFSET_BITS
        | tier << ACCOUNT_TIER_OFFSET_BITS
        | sponsor_id
    )
    context.set_slot(account_slot(account), word)
    context.emit(*encode_event(ACCOUNT_REGISTERED, account, sponsor_id, tier, permissions))


def _write_status(context: CallContext, account: Address, word: int, status: int) -> None:
    changed = write_packed(word, status, offset_bits=ACCOUNT_STATUS_OFFSET_BITS, bits=8)
    context.set_slot(account_slot(account), changed)


def _bank_address(context: CallContext, bank_id: int) -> Address:
    word = context.get_slot(bank_slot(bank_id))
    return Address(read_packed(word, offset_bits=0, bits=BANK_QUOTA_OFFSET_BITS).to_bytes(20, "big"))


def _sponsor(word: int) -> int:
    return read_packed(word, offset_bits=0, bits=ACCOUNT_SPONSOR_BITS)


def _status(word: int) -> int:
    return read_packed(word, offset_bits=ACCOUNT_STATUS_OFFSET_BITS, bits=8)


def _permissions(word: int) -> int:
    return read_packed(word, offset_bits=ACCOUNT_PERMISSIONS_OFFSET_BITS, bits=ACCOUNT_PERMISSIONS_BITS)


ACCOUNT_REGISTRY: Final = build_contract(
    "AccountRegistry",
    tables=(FUNCTIONS,),
    events=(
        BANK_REGISTERED,
        BANK_UPDATED,
        ACCOUNT_REGISTERED,
        TIER_SET,
        PERMISSIONS_SET,
        SUSPENDED,
        REINSTATED,
    ),
    errors_declared=errors.ACCOUNT_ERRORS,
)

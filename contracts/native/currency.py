"""A currency: ERC-20 with memos, bounded issuing, pause and roles. One implementation serves every currency.

Whatever a function asks of its caller's role is asked after the pause and before the checks of `money.py`.
Source: ledger.md §4, ERC-20, ERC-165, ERC-6093.
"""

from typing import Final

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.declarations import declare_event, encode_event
from contracts.layout import (
    DECIMALS_OFFSET_BITS,
    PAUSED_OFFSET_BITS,
    POLICY_ID_BITS,
    POLICY_ID_OFFSET_BITS,
    CurrencySlots,
    allowance_slot,
    balance_slot,
    encode_text,
    frozen_slot,
    held_slot,
    minter_allowance_slot,
    parked_slot,
    read_packed,
    read_text,
    write_packed,
)
from contracts.native import errors
from contracts.native.compliance import check_mint, record, require_not_paused
from contracts.native.context import CallContext
from contracts.native.dispatch import (
    GAS_ISSUE,
    GAS_ROLE,
    GAS_TRANSFER,
    WORK_APPROVE,
    WORK_ISSUE,
    WORK_ROLE,
    WORK_TRANSFER,
    FunctionTable,
    build_contract,
)
from contracts.native.enforcement import ENFORCEMENT, ENFORCEMENT_EVENTS
from contracts.native.errors import revert
from contracts.native.holds import HOLD_EVENTS, HOLDS
from contracts.native.money import (
    APPROVAL,
    MEMO,
    TRANSFER,
    emit_memo,
    emit_transfer,
    move,
    require_spendable,
    set_allowance,
)
from contracts.native.policy_rules import POLICY_ADMIT_EVERYBODY
from contracts.native.redemptions import REDEMPTION_EVENTS, REDEMPTIONS
from contracts.native.reserves import RESERVE_EVENTS, RESERVES, require_reserves
from contracts.native.roles import (
    DEFAULT_ADMIN_ROLE,
    ISSUER_ROLE,
    MINT_CONTROLLER_ROLE,
    PAUSER_ROLE,
    ROLE_EVENTS,
    ROLES,
    UNPAUSER_ROLE,
    require_role,
    set_role,
)
from contracts.native.signed_orders import SIGNED_ORDER_EVENTS, SIGNED_ORDERS
from contracts.native.transfer_batch import TRANSFER_BATCH
from contracts.native.transfer_rules import TRANSFER_RULE_EVENTS, TRANSFER_RULES

SUPPLY_MAX: Final = 2**128 - 1
"""Highest supply cap, in minor units. No sum of two balances can then leave a word, whatever is added later."""

MINTER_ALLOWANCE_SET: Final = declare_event("MinterAllowanceSet(address indexed minter, uint256 allowance)")
SUPPLY_CAP_SET: Final = declare_event("SupplyCapSet(uint256 cap)")
PAUSED: Final = declare_event("Paused(address account)")
UNPAUSED: Final = declare_event("Unpaused(address account)")

_SUPPORTED_INTERFACES: Final = (
    bytes.fromhex("01ffc9a7"),  # ERC-165
    bytes.fromhex("36372b07"),  # ERC-20
    bytes.fromhex("a219a025"),  # ERC-20 metadata: name, symbol, decimals
    bytes.fromhex("7965db0b"),  # OpenZeppelin IAccessControl
    bytes.fromhex("9d8ff7da"),  # ERC-2612
    bytes.fromhex("84b0196e"),  # ERC-5267
    bytes.fromhex("3edbb4c4"),  # ERC-7943, fungible
)

FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("name()", returns="string")
def name(context: CallContext) -> str:
    """Return the currency's name, such as `Euro`."""
    return read_text(context.get_slot, CurrencySlots.NAME).decode("utf-8")


@FUNCTIONS.function("symbol()", returns="string")
def symbol(context: CallContext) -> str:
    """Return the currency's code, such as `EUR`."""
    return read_text(context.get_slot, CurrencySlots.SYMBOL).decode("ascii")


@FUNCTIONS.function("decimals()", returns="uint8")
def decimals(context: CallContext) -> int:
    """Return how many decimal digits the minor unit stands for; never changes."""
    return read_packed(context.get_slot(CurrencySlots.FLAGS), offset_bits=DECIMALS_OFFSET_BITS, bits=8)


@FUNCTIONS.function("totalSupply()", returns="uint256")
def total_supply(context: CallContext) -> int:
    """Return the amount in existence, in minor units."""
    return context.get_slot(CurrencySlots.TOTAL_SUPPLY)


@FUNCTIONS.function("balanceOf(address account)", returns="uint256")
def balance_of(context: CallContext, account: Address) -> int:
    """Return the balance of `account`, in minor units."""
    return context.get_slot(balance_slot(account))


@FUNCTIONS.function("allowance(address owner, address spender)", returns="uint256")
def allowance(context: CallContext, owner: Address, spender: Address) -> int:
    """Return how much `spender` may still move of `owner`'s balance; 2^256 - 1 is without end."""
    return context.get_slot(allowance_slot(owner, spender))


@FUNCTIONS.function(
    "positionOf(address account)",
    returns="uint256 balance, uint256 held, uint256 frozen, uint256 parkedForRedemption, uint256 spendable",
)
def position_of(context: CallContext, account: Address) -> tuple[int, int, int, int, int]:
    """Return everything `account` has, and what of its balance it may spend: balance less frozen, never below zero."""
    balance = context.get_slot(balance_slot(account))
    held = context.get_slot(held_slot(account))
    frozen = context.get_slot(frozen_slot(account))
    parked = context.get_slot(parked_slot(account))
    return balance, held, frozen, parked, max(balance - frozen, 0)


@FUNCTIONS.function("supplyCap()", returns="uint256")
def supply_cap(context: CallContext) -> int:
    """Return the amount that minting cannot exceed, in minor units."""
    return context.get_slot(CurrencySlots.SUPPLY_CAP)


@FUNCTIONS.function("minterAllowance(address minter)", returns="uint256")
def minter_allowance(context: CallContext, minter: Address) -> int:
    """Return how much `minter` may still mint, in minor units."""
    return context.get_slot(minter_allowance_slot(minter))


@FUNCTIONS.function("paused()", returns="bool")
def paused(context: CallContext) -> bool:
    """Tell whether the currency is stopped."""
    return context.get_slot(CurrencySlots.FLAGS) >> PAUSED_OFFSET_BITS & 1 == 1


@FUNCTIONS.function("supportsInterface(bytes4 interfaceId)", returns="bool")
def supports_interface(context: CallContext, interface_id: bytes) -> bool:
    """Tell whether the interface is one of ERC-165, ERC-20, its metadata, IAccessControl, ERC-2612, -5267, -7943."""
    return interface_id in _SUPPORTED_INTERFACES


@FUNCTIONS.function(
    "transfer(address to, uint256 amount)", returns="bool", gas=GAS_TRANSFER, work=WORK_TRANSFER, mutates=True
)
def transfer(context: CallContext, to: Address, amount: int) -> bool:
    """Move `amount` minor units of the caller's balance to `to`."""
    move(context, context.caller, to, amount, spender=None)
    return True


@FUNCTIONS.function(
    "transferFrom(address from, address to, uint256 amount)",
    returns="bool",
    gas=GAS_TRANSFER,
    work=WORK_TRANSFER,
    mutates=True,
)
def transfer_from(context: CallContext, sender: Address, to: Address, amount: int) -> bool:
    """Move `amount` of `from`'s balance to `to`, out of what `from` allowed the caller."""
    move(context, sender, to, amount, spender=context.caller)
    return True


@FUNCTIONS.function(
    "transferWithMemo(address to, uint256 amount, bytes32 memo)",
    returns="bool",
    gas=GAS_TRANSFER,
    work=WORK_TRANSFER,
    mutates=True,
)
def transfer_with_memo(context: CallContext, to: Address, amount: int, memo: bytes) -> bool:
    """Transfer, and log `memo`: the end-to-end reference by which a bank reconciles."""
    caller = context.caller
    move(context, caller, to, amount, spender=None)
    emit_memo(context, caller, to, memo)
    return True


@FUNCTIONS.function(
    "transferFromWithMemo(address from, address to, uint256 amount, bytes32 memo)",
    returns="bool",
    gas=GAS_TRANSFER,
    work=WORK_TRANSFER,
    mutates=True,
)
def transfer_from_with_memo(context: CallContext, sender: Address, to: Address, amount: int, memo: bytes) -> bool:
    """Do transferFrom, and log `memo`."""
    move(context, sender, to, amount, spender=context.caller)
    emit_memo(context, sender, to, memo)
    return True


@FUNCTIONS.function(
    "approve(address spender, uint256 amount)", returns="bool", gas=GAS_TRANSFER, work=WORK_APPROVE, mutates=True
)
def approve(context: CallContext, spender: Address, amount: int) -> bool:
    """Allow `spender` to move `amount` in all, replacing what was allowed.

    Moves nothing, so a pause does not stop it.
    """
    set_allowance(context, context.caller, spender, amount)
    return True


@FUNCTIONS.function("mint(address to, uint256 amount, bytes32 memo)", gas=GAS_ISSUE, work=WORK_ISSUE, mutates=True)
def mint(context: CallContext, to: Address, amount: int, memo: bytes) -> None:
    """Create `amount` for `to`; an issuer's call, within its minter allowance, reserves and supply cap."""
    require_not_paused(context)
    require_role(context, ISSUER_ROLE)
    use = check_mint(context, to, amount)
    minter = context.caller
    slot = minter_allowance_slot(minter)
    allowed = context.get_slot(slot)
    if amount > allowed:
        raise revert(errors.MINTER_ALLOWANCE_EXCEEDED, minter, allowed, amount)
    require_reserves(context, amount)
    add_supply(context, to, amount)
    context.set_slot(slot, allowed - amount)
    record(context, use)
    emit_transfer(context, ZERO_ADDRESS, to, amount)
    emit_memo(context, ZERO_ADDRESS, to, memo)


@FUNCTIONS.function("burn(uint256 amount, bytes32 memo)", gas=GAS_ISSUE, work=WORK_ISSUE, mutates=True)
def burn(context: CallContext, amount: int, memo: bytes) -> None:
    """Destroy `amount` of the caller's own balance; an issuer's call. Its minter allowance does not grow by it."""
    require_not_paused(context)
    require_role(context, ISSUER_ROLE)
    issuer = context.caller
    balance = require_spendable(context, issuer, amount)
    supply = context.get_slot(CurrencySlots.TOTAL_SUPPLY)
    assert supply >= amount, "supply is the sum of what all accounts have"
    context.set_slot(balance_slot(issuer), balance - amount)
    context.set_slot(CurrencySlots.TOTAL_SUPPLY, supply - amount)
    emit_transfer(context, issuer, ZERO_ADDRESS, amount)
    emit_memo(context, issuer, ZERO_ADDRESS, memo)


@FUNCTIONS.function(
    "setMinterAllowance(address minter, uint256 amount)", gas=GAS_ISSUE, work=WORK_APPROVE, mutates=True
)
def set_minter_allowance(context: CallContext, minter: Address, amount: int) -> None:
    """Set how much `minter` may mint from now on; a mint controller's call. To mint it needs ISSUER_ROLE besides."""
    require_role(context, MINT_CONTROLLER_ROLE)
    context.set_slot(minter_allowance_slot(minter), amount)
    context.emit(*encode_event(MINTER_ALLOWANCE_SET, minter, amount))


@FUNCTIONS.function("setSupplyCap(uint256 cap)", gas=GAS_ISSUE, work=WORK_APPROVE, mutates=True)
def set_supply_cap(context: CallContext, cap: int) -> None:
    """Set the supply cap, between the supply and 2^128 - 1; an admin's call."""
    require_role(context, DEFAULT_ADMIN_ROLE)
    supply = context.get_slot(CurrencySlots.TOTAL_SUPPLY)
    if not supply <= cap <= SUPPLY_MAX:
        raise revert(errors.SUPPLY_CAP_OUT_OF_RANGE, cap, supply, SUPPLY_MAX)
    context.set_slot(CurrencySlots.SUPPLY_CAP, cap)
    context.emit(*encode_event(SUPPLY_CAP_SET, cap))


@FUNCTIONS.function("pause()", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def pause(context: CallContext) -> None:
    """Stop every movement; a pauser's call."""
    require_not_paused(context)
    require_role(context, PAUSER_ROLE)
    _write_paused(context, True)
    context.emit(*encode_event(PAUSED, context.caller))


@FUNCTIONS.function("unpause()", gas=GAS_ROLE, work=WORK_ROLE, mutates=True)
def unpause(context: CallContext) -> None:
    """Let it move again; an unpauser's call."""
    if not paused(context):
        raise revert(errors.EXPECTED_PAUSE)
    require_role(context, UNPAUSER_ROLE)
    _write_paused(context, False)
    context.emit(*encode_event(UNPAUSED, context.caller))


def initialise(context: CallContext, *, code: str, full_name: str, minor_digits: int, admin: Address) -> None:
    """Write a new currency at `context.address`: its facts, an unpaused start, the highest cap, and its first admin.

    The caller has validated all of it; the registry and genesis are the only callers.
    """
    flags = write_packed(0, minor_digits, offset_bits=DECIMALS_OFFSET_BITS, bits=8)
    flags = write_packed(flags, POLICY_ADMIT_EVERYBODY, offset_bits=POLICY_ID_OFFSET_BITS, bits=POLICY_ID_BITS)
    context.set_slot(CurrencySlots.FLAGS, flags)
    context.set_slot(CurrencySlots.SUPPLY_CAP, SUPPLY_MAX)
    for text, slot in ((full_name, CurrencySlots.NAME), (code, CurrencySlots.SYMBOL)):
        for word_slot, word in encode_text(text.encode("utf-8"), slot).items():
            context.set_slot(word_slot, word)
    set_role(context, DEFAULT_ADMIN_ROLE, admin)


def add_supply(context: CallContext, to: Address, amount: int) -> None:
    """Add `amount` to the supply and to the balance of `to`. Reverts with SupplyCapExceeded; asks nothing else."""
    supply = context.get_slot(CurrencySlots.TOTAL_SUPPLY)
    cap = context.get_slot(CurrencySlots.SUPPLY_CAP)
    assert cap <= SUPPLY_MAX
    if supply + amount > cap:
        raise revert(errors.SUPPLY_CAP_EXCEEDED, cap, supply, amount)
    slot = balance_slot(to)
    context.set_slot(CurrencySlots.TOTAL_SUPPLY, supply + amount)
    context.set_slot(slot, context.get_slot(slot) + amount)


def _write_paused(context: CallContext, is_paused: bool) -> None:
    flags = context.get_slot(CurrencySlots.FLAGS)
    context.set_slot(CurrencySlots.FLAGS, write_packed(flags, int(is_paused), offset_bits=PAUSED_OFFSET_BITS, bits=8))


def require_created(context: CallContext) -> None:
    """Revert with UnknownCurrency if no currency was created at this address."""
    # The flags are 0 for a currency without minor unit whose policy rejects everybody; its code is there all the same.
    if not context.get_slot(CurrencySlots.FLAGS) and not context.get_slot(CurrencySlots.SYMBOL):
        raise revert(errors.UNKNOWN_CURRENCY, context.address)


CURRENCY: Final = build_contract(
    "Currency",
    tables=(FUNCTIONS, SIGNED_ORDERS, TRANSFER_BATCH, HOLDS, REDEMPTIONS, RESERVES, ENFORCEMENT, TRANSFER_RULES, ROLES),
    events=(
        TRANSFER,
        APPROVAL,
        MEMO,
        MINTER_ALLOWANCE_SET,
        SUPPLY_CAP_SET,
        PAUSED,
        UNPAUSED,
        *SIGNED_ORDER_EVENTS,
        *HOLD_EVENTS,
        *REDEMPTION_EVENTS,
        *RESERVE_EVENTS,
        *ENFORCEMENT_EVENTS,
        *TRANSFER_RULE_EVENTS,
        *ROLE_EVENTS,
    ),
    errors_declared=(
        *errors.CURRENCY_ERRORS,
        *errors.COMPLIANCE_ERRORS,
        *errors.SIGNED_ORDER_ERRORS,
        *errors.ENFORCEMENT_ERRORS,
        *errors.TRANSFER_BATCH_ERRORS,
        *errors.HOLD_ERRORS,
        *errors.REDEMPTION_ERRORS,
        *errors.RESERVE_ERRORS,
        *errors.ROLE_ERRORS,
    ),
    guard=require_created,
)

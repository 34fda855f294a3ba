"""The list of currencies: creates them, numbers them, finds them by code. Source: ledger.md §3."""

import re
from typing import Final

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.declarations import declare_event, encode_event
from contracts.layout import CurrencyRegistrySlots, currency_id_slot
from contracts.native import currency, errors
from contracts.native.context import CallContext
from contracts.native.dispatch import GAS_CREATE_CURRENCY, WORK_CREATE_CURRENCY, FunctionTable, build_contract
from contracts.native.errors import revert
from contracts.native.protocol_config import require_governor
from contracts.native.roles import validate_role_account

NAME_BYTES_MAX: Final = 64
"""Longest name in UTF-8 bytes: three slots. Enough for a bank's name; bounds what one creation writes."""

DECIMALS_MAX: Final = 18
"""Most decimal digits of a minor unit: Ethereum's own. More would leave too little of 2^128 before the point."""

_CODE: Final = re.compile(r"[A-Z0-9.]{3,12}")

CURRENCY_CREATED: Final = declare_event(
    "CurrencyCreated(address indexed currency, uint256 indexed id, string code, string name, uint8 decimals,"
    " address admin)"
)

FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function(
    "createCurrency(string code, string name, uint8 decimals, address admin)",
    returns="address currency",
    gas=GAS_CREATE_CURRENCY,
    work=WORK_CREATE_CURRENCY,
    mutates=True,
)
def create_currency(context: CallContext, code: str, full_name: str, minor_digits: int, admin: Address) -> Address:
    """Create a currency and return its address; the governor's call."""
    require_governor(context)
    return add_currency(context, code=code, full_name=full_name, minor_digits=minor_digits, admin=admin)


@FUNCTIONS.function("currencyOf(string code)", returns="address currency")
def currency_of(context: CallContext, code: str) -> Address:
    """Return the address of the currency with `code`; reverts with UnknownCurrencyCode if there is none."""
    currency_id = context.get_slot(currency_id_slot(code.encode("utf-8")))
    if currency_id == 0:
        raise revert(errors.UNKNOWN_CURRENCY_CODE, code)
    return addresses.currency_address(currency_id)


@FUNCTIONS.function("currencyCount()", returns="uint256")
def currency_count(context: CallContext) -> int:
    """Return how many currencies there are."""
    return context.get_slot(CurrencyRegistrySlots.COUNT)


@FUNCTIONS.function("currencyAt(uint256 index)", returns="address currency")
def currency_at(context: CallContext, index: int) -> Address:
    """Return the currency at `index`, from 0 in order of creation; reverts with IndexOutOfRange."""
    count = context.get_slot(CurrencyRegistrySlots.COUNT)
    if index >= count:
        raise revert(errors.INDEX_OUT_OF_RANGE, index, count)
    return addresses.currency_address(index + 1)


def add_currency(context: CallContext, *, code: str, full_name: str, minor_digits: int, admin: Address) -> Address:
    """Validate and write the next currency, whoever asks, and return its address.

    Reverts with InvalidCurrencyCode, InvalidCurrencyName, InvalidDecimals, InvalidRoleAccount or CurrencyCodeTaken.
    """
    if not _CODE.fullmatch(code):
        raise revert(errors.INVALID_CURRENCY_CODE, code)
    name_bytes = full_name.encode("utf-8")
    # Control characters would let a name rewrite the line it is shown on.
    if not 1 <= len(name_bytes) <= NAME_BYTES_MAX or any(byte < 0x20 or byte == 0x7F for byte in name_bytes):
        raise revert(errors.INVALID_CURRENCY_NAME, full_name)
    if minor_digits > DECIMALS_MAX:
        raise revert(errors.INVALID_DECIMALS, minor_digits, DECIMALS_MAX)
    validate_role_account(admin)
    code_slot = currency_id_slot(code.encode("ascii"))
    if taken_id := context.get_slot(code_slot):
        raise revert(errors.CURRENCY_CODE_TAKEN, code, addresses.currency_address(taken_id))
    currency_id = context.get_slot(CurrencyRegistrySlots.COUNT) + 1
    address = addresses.currency_address(currency_id)
    context.set_slot(CurrencyRegistrySlots.COUNT, currency_id)
    context.set_slot(code_slot, currency_id)
    context.emit(*encode_event(CURRENCY_CREATED, address, currency_id, code, full_name, minor_digits, admin))
    created = context.at(address)
    created.make_contract()
    currency.initialise(created, code=code, full_name=full_name, minor_digits=minor_digits, admin=admin)
    return address


CURRENCY_REGISTRY: Final = build_contract(
    "CurrencyRegistry",
    tables=(FUNCTIONS,),
    events=(CURRENCY_CREATED,),
    errors_declared=errors.REGISTRY_ERRORS,
)

"""From calldata to a native function and back: which contract stands where, and the named reverts around its functions.

Nothing a caller sends raises past `run_native`: every refusal is a result with a named error.
"""

from typing import Final, NamedTuple

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.abi import AbiDecodeError, DataTooShort, SurplusData
from contracts.declarations import SELECTOR_BYTES, encode_error
from contracts.layout import UINT256_MAX
from contracts.native import errors
from contracts.native.context import CallContext, NativeRevert
from contracts.native.currency import CURRENCY
from contracts.native.currency_registry import CURRENCY_REGISTRY
from contracts.native.protocol_config import PROTOCOL_CONFIG
from contracts.native.table import GAS_READ, WORK_READ, NativeContract
from contracts.native.validators import VALIDATOR_REGISTRY

_BY_ADDRESS: Final = {
    addresses.CURRENCY_REGISTRY: CURRENCY_REGISTRY,
    addresses.VALIDATOR_REGISTRY: VALIDATOR_REGISTRY,
    addresses.PROTOCOL_CONFIG: PROTOCOL_CONFIG,
}


class NativeResult(NamedTuple):
    """What a call came to. A tuple because one is made for every call."""

    success: bool
    """False if reverted; the caller then restores its journal."""
    output: bytes
    """ABI-encoded results, or the ABI-encoded named error."""
    gas_used: int
    """At most what was available; all of it when that was too little."""
    work: int
    """Work units, charged for failures too."""


def native_contracts() -> tuple[NativeContract, ...]:
    """Return every kind of native contract once, the currency first."""
    return (CURRENCY, *_BY_ADDRESS.values())


def lookup(address: Address) -> NativeContract | None:
    """Return the native contract at `address`, or None where none stands.

    Every address in the range of currencies is one; calling a currency not yet created reverts.
    """
    if addresses.is_currency(address):
        return CURRENCY
    return _BY_ADDRESS.get(address)


def run_native(context: CallContext, calldata: bytes, gas_available: int) -> NativeResult:
    """Run `calldata` on the native contract at `context.address`, with at most `gas_available` gas.

    Call it for every address of which `is_system_address` is true; one without a contract reverts. Checks in order:
    contract, value, selector, gas, static call, existence, arguments; then the function. A call too malformed to name
    a function costs a read. Never raises on account of `calldata`. The caller restores its journal when the result
    is not a success. Source: ledger.md §1, §9.
    """
    contract = lookup(context.address)
    if contract is None:
        return _refuse(encode_error(errors.NO_CONTRACT_HERE, context.address), gas_available)
    return _run(contract, context, calldata, gas_available)


def _run(contract: NativeContract, context: CallContext, calldata: bytes, gas_available: int) -> NativeResult:
    value = context.value
    if value:
        return _refuse(encode_error(errors.VALUE_NOT_ACCEPTED, value), gas_available)
    row = contract.functions.get(calldata[:SELECTOR_BYTES])
    if row is None:
        return _refuse(_unknown_function(calldata), gas_available)
    gas = row.gas
    if gas_available < gas:
        return NativeResult(False, encode_error(errors.OUT_OF_GAS, gas_available, gas), gas_available, row.work)
    if row.mutates and context.is_static:
        return NativeResult(False, encode_error(errors.WRITE_IN_STATIC_CALL, calldata[:4]), gas, row.work)
    try:
        if contract.guard is not None:
            contract.guard(context)
        output = row.encode_result(row.handler(context, *row.decode_arguments(calldata, SELECTOR_BYTES)))
    except NativeRevert as reverted:
        return NativeResult(False, reverted.data, gas, row.work)
    except AbiDecodeError as error:
        return NativeResult(False, _malformed(error), gas, row.work)
    return NativeResult(True, output, gas, row.work)


def _refuse(output: bytes, gas_available: int) -> NativeResult:
    if gas_available < GAS_READ:
        output = encode_error(errors.OUT_OF_GAS, gas_available, GAS_READ)
    return NativeResult(False, output, min(GAS_READ, gas_available), WORK_READ)


def _unknown_function(calldata: bytes) -> bytes:
    if len(calldata) < SELECTOR_BYTES:
        return encode_error(errors.CALLDATA_TOO_SHORT, len(calldata), SELECTOR_BYTES)
    return encode_error(errors.UNKNOWN_FUNCTION, calldata[:SELECTOR_BYTES])


def _malformed(error: AbiDecodeError) -> bytes:
    match error:
        case DataTooShort(found=found, needed=needed):
            # A length word near 2^256 asks for more than a word can say.
            return encode_error(errors.CALLDATA_TOO_SHORT, found, min(needed, UINT256_MAX))
        case SurplusData(found=found, expected=expected):
            return encode_error(errors.CALLDATA_TOO_LONG, found, expected)
        case _:
            return encode_error(errors.CALLDATA_NOT_CANONICAL, error.position)

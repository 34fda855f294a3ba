"""Which native contract stands at which address, and the one entry point for running it."""

from typing import Final

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.native.batch import BATCH, TARGETS
from contracts.native.context import CallContext
from contracts.native.currency import CURRENCY
from contracts.native.dispatch import NativeContract, NativeResult, refuse_absent_contract, run_contract

_BY_ADDRESS: Final = {**TARGETS, addresses.BATCH: BATCH}


def native_contracts() -> tuple[NativeContract, ...]:
    """Return every kind of native contract once, the currency first."""
    return (CURRENCY, *_BY_ADDRESS.values())


def system_contract_addresses() -> tuple[Address, ...]:
    """Return where native contracts stand from the first block on, currencies aside, ascending."""
    return tuple(sorted(_BY_ADDRESS))


def lookup(address: Address) -> NativeContract | None:
    """Return the native contract at `address`, or None where none stands.

    Every address in the range of currencies is one; calling a currency not yet created reverts.
    """
    if addresses.is_currency(address):
        return CURRENCY
    return _BY_ADDRESS.get(address)


def run_native(context: CallContext, calldata: bytes, gas_available: int) -> NativeResult:
    """Run `calldata` on the native contract at `context.address`, with at most `gas_available` gas.

    Call it for every address of which `is_system_address` is true; one without a contract reverts. Nothing
    in `calldata` makes it raise: what the contract refuses is a result with a named error. The caller
    restores its journal when the result is not a success. Source: ledger.md §1, §9.
    """
    contract = lookup(context.address)
    if contract is None:
        return refuse_absent_contract(context.address, gas_available)
    return run_contract(contract, context, calldata, gas_available)

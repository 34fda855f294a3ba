"""Batch: many calls to system contracts in one, with the original caller, all or nothing. Source: ledger.md §7.

It has no storage and no rights of its own: a contract that calls it is the caller of every inner call, as a
transaction's sender is. It never calls itself, so that nothing here is recursive.
"""

from collections.abc import Sequence
from typing import Final

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.addresses import is_currency
from contracts.native import errors
from contracts.native.accounts import ACCOUNT_REGISTRY
from contracts.native.context import CallContext
from contracts.native.currency import CURRENCY
from contracts.native.currency_registry import CURRENCY_REGISTRY
from contracts.native.dispatch import GAS_BATCH, Charge, FunctionTable, NativeContract, build_contract, run_contract
from contracts.native.errors import revert
from contracts.native.offline.contract import OFFLINE_LOCKS
from contracts.native.policies import POLICY_REGISTRY
from contracts.native.protocol_config import PROTOCOL_CONFIG
from contracts.native.validators import VALIDATOR_REGISTRY

CALLS_MAX: Final = 100
"""Calls of one batch: that many payments are a fiftieth of a second. More are several transactions."""

TARGETS: Final = {
    addresses.CURRENCY_REGISTRY: CURRENCY_REGISTRY,
    addresses.POLICY_REGISTRY: POLICY_REGISTRY,
    addresses.ACCOUNT_REGISTRY: ACCOUNT_REGISTRY,
    addresses.VALIDATOR_REGISTRY: VALIDATOR_REGISTRY,
    addresses.PROTOCOL_CONFIG: PROTOCOL_CONFIG,
    addresses.OFFLINE_LOCKS: OFFLINE_LOCKS,
}
"""What a batch may call beside currencies; itself is not among them."""

FUNCTIONS: Final = FunctionTable()


@FUNCTIONS.function("execute((address,bytes)[] calls)", returns="bytes[]", gas=GAS_BATCH, mutates=True, is_metered=True)
def execute(context: CallContext, charge: Charge, calls: Sequence[tuple[Address, bytes]]) -> tuple[bytes, ...]:
    """Run every call in order, as its own caller, and return what each returned.

    Costs a little beside what the calls cost. Reverts with TooManyCalls, with BatchTargetRefused for an address that is
    no other system contract, and with BatchCallFailed naming the call, from 0, and its error.
    """
    if len(calls) > CALLS_MAX:
        raise revert(errors.TOO_MANY_CALLS, len(calls), CALLS_MAX)
    for index, (address, _) in enumerate(calls):
        if target_at(address) is None:
            raise revert(errors.BATCH_TARGET_REFUSED, index, address)
    outputs = []
    for index, (address, data) in enumerate(calls):
        contract = target_at(address)
        assert contract is not None
        result = run_contract(contract, context.at(address), data, charge.gas_left)
        charge.spend(gas=result.gas_used, work=result.work)
        if not result.success:
            raise revert(errors.BATCH_CALL_FAILED, index, result.output)
        outputs.append(result.output)
    return tuple(outputs)


def target_at(address: Address) -> NativeContract | None:
    """Return the contract at `address` if a batch may call it."""
    return CURRENCY if is_currency(address) else TARGETS.get(address)


BATCH: Final = build_contract("Batch", tables=(FUNCTIONS,), errors_declared=errors.BATCH_ERRORS)

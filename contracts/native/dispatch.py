"""From calldata to a native function and back: the selector switch, prices, and the named reverts around it.

A contract is a table of `@table.function(…)` rows; the switch, the ABI JSON and the prices come from that one
table. Nothing a caller sends raises past `run_contract`: every refusal is a result with a named error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, TypeVar

from consensus.primitives.scalars import Address
from contracts.abi import AbiDecodeError, AbiValue, DataTooShort, SurplusData, TupleDecoder, encode
from contracts.declarations import (
    SELECTOR_BYTES,
    ErrorDeclaration,
    EventDeclaration,
    FunctionDeclaration,
    Json,
    Parameter,
    declare_function,
    decoder_of,
    encode_error,
    error_json,
    event_json,
    function_json,
    types_of,
)
from contracts.layout import UINT256_MAX
from contracts.native import errors
from contracts.native.context import CallContext, NativeRevert

# Gas per operation, charged beside the transaction's intrinsic gas whether the call succeeds or reverts. Never paid
# for; it bounds a block. Part of the protocol: another number is another state root. Source: ledger.md §1.

GAS_READ: Final = 2_000
GAS_TRANSFER: Final = 9_000
"""A transfer, and an approval."""
GAS_SIGNED: Final = 14_000
"""A permit, and a transfer somebody else submits: as ECRECOVER beside the ordinary one, and its marks."""
GAS_ISSUE: Final = 12_000
"""Mint, burn, minter allowance, supply cap, redemptions, reserve attestations."""
GAS_HOLD: Final = 18_000
"""Two transfers: what is reserved moves twice."""
GAS_ROLE: Final = 15_000
"""Role changes, pause and unpause."""
GAS_CREATE_CURRENCY: Final = 50_000
GAS_BATCH: Final = 3_000
"""A batch, beside its calls."""
GAS_TRANSFER_ROW: Final = 1_500
"""One payment of a batch of transfers, beside the batch."""
GAS_LISTED_ACCOUNT: Final = 1_000
"""One account of a change to a policy's list, beside the change."""

# Work per operation, in units of about a microsecond on the reference machine: the function itself, and 20 for
# every slot it may write, which is what its leaf costs in the state trie. Source: architecture.md §7, performance.md.

WORK_READ: Final = 5
WORK_READ_RULES: Final = 15
"""A read that asks policy and limits, as a payment does."""
WORK_APPROVE: Final = 30
WORK_TRANSFER: Final = 50
WORK_TRANSFER_ROW: Final = 25
"""One payment of a batch of transfers: its recipient's slot and its two events."""
WORK_SIGNED: Final = 150
"""A transfer, the recovery of who signed it (50), the mark that it was used."""
WORK_ISSUE: Final = 75
WORK_REDEMPTION: Final = 140
"""A request writes six slots; closing one fewer, for which it costs the same."""
WORK_HOLD: Final = 180
"""Making a hold writes eight slots: its record, balance, held, allowance. Paying from it writes fewer."""
WORK_ROLE: Final = 50
WORK_HANDOVER: Final = 110
WORK_CREATE_CURRENCY: Final = 300
WORK_REGISTER: Final = 110
"""Four slots of a bank's or an account's registration, and its event."""
WORK_LISTED_ACCOUNT: Final = 25
"""One slot and one event."""

Handler: TypeAlias = Callable[..., "AbiValue | None"]
"""A native function: takes a context and its decoded arguments, returns its result, or a tuple of several."""

ResultEncoder: TypeAlias = Callable[["AbiValue | None"], bytes]

HandlerType = TypeVar("HandlerType", bound=Handler)


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


class Charge:
    """What a metered function spends beyond its fixed price, counted as it learns how much there is to do."""

    __slots__ = ("gas", "gas_left", "work")

    def __init__(self, gas_left: int) -> None:
        self.gas_left = gas_left
        self.gas = 0
        self.work = 0

    def spend(self, *, gas: int, work: int) -> None:
        """Count gas and work units. Reverts with OutOfGas if less gas is left."""
        self.work += work
        if gas > self.gas_left:
            available, self.gas, self.gas_left = self.gas_left, self.gas + self.gas_left, 0
            raise NativeRevert(encode_error(errors.OUT_OF_GAS, available, gas))
        self.gas += gas
        self.gas_left -= gas


@dataclass(frozen=True, slots=True)
class NativeFunction:
    """One row of the switch."""

    declaration: FunctionDeclaration
    """Name, types, selector."""
    gas: int
    """Gas charged."""
    work: int
    """Work units charged."""
    mutates: bool
    """True if it is refused in a static call."""
    is_metered: bool
    """True if the handler takes a Charge behind its context, because its price depends on its arguments."""
    handler: Handler
    """The Python function that runs."""
    decode_arguments: TupleDecoder
    """Decodes the calldata from behind the selector."""
    encode_result: ResultEncoder
    """Encodes what the handler returned."""


class FunctionTable:
    """Collects the rows of one contract, or of a part that several contracts share, in declaration order."""

    def __init__(self) -> None:
        self.functions: list[NativeFunction] = []

    def function(
        self,
        declaration: str,
        *,
        returns: str = "",
        gas: int = GAS_READ,
        work: int = WORK_READ,
        mutates: bool = False,
        is_metered: bool = False,
    ) -> Callable[[HandlerType], HandlerType]:
        """Add the decorated handler as the function declared; a plain read unless said otherwise.

        Raises: InvalidDeclaration, UnknownAbiType if the text declares no function.
        """
        declared = declare_function(declaration, returns=returns, mutates=mutates)

        def add(handler: HandlerType) -> HandlerType:
            self.functions.append(
                NativeFunction(
                    declaration=declared,
                    gas=gas,
                    work=work,
                    mutates=mutates,
                    is_metered=is_metered,
                    handler=handler,
                    decode_arguments=decoder_of(declared.parameters),
                    encode_result=_result_encoder(declared.results),
                )
            )
            return handler

        return add


@dataclass(frozen=True, slots=True, eq=False)
class NativeContract:
    """A kind of system contract."""

    name: str
    """As in its artifact: `Currency`."""
    functions: Mapping[bytes, NativeFunction]
    """Rows by selector, in declaration order."""
    events: tuple[EventDeclaration, ...]
    """Every event it emits."""
    errors: tuple[ErrorDeclaration, ...]
    """Every error it reverts with, the dispatcher's first."""
    guard: Callable[[CallContext], None] | None
    """Runs before every function and may revert; None where the contract always exists."""


def build_contract(
    name: str,
    *,
    tables: Sequence[FunctionTable],
    events: Sequence[EventDeclaration] = (),
    errors_declared: Sequence[ErrorDeclaration] = (),
    guard: Callable[[CallContext], None] | None = None,
) -> NativeContract:
    """Return the contract made of `tables`. Names and selectors in it must be unique."""
    rows = [row for table in tables for row in table.functions]
    functions = {row.declaration.selector: row for row in rows}
    assert len(functions) == len(rows), f"two functions of {name} share a selector"
    assert len({row.declaration.name for row in rows}) == len(rows), f"two functions of {name} share a name"
    return NativeContract(name, functions, tuple(events), (*errors.DISPATCH_ERRORS, *errors_declared), guard)


def run_contract(contract: NativeContract, context: CallContext, calldata: bytes, gas_available: int) -> NativeResult:
    """Run one call of `contract`: check value, selector, gas, static, existence, arguments, then run the function.

    A call too malformed to name a function costs a read. Never raises on account of `calldata`.
    """
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
    if row.is_metered:
        return _run_metered(contract, row, context, calldata, gas_available)
    try:
        if contract.guard is not None:
            contract.guard(context)
        output = row.encode_result(row.handler(context, *row.decode_arguments(calldata, SELECTOR_BYTES)))
    except NativeRevert as reverted:
        return NativeResult(False, reverted.data, gas, row.work)
    except AbiDecodeError as error:
        return NativeResult(False, _malformed(error), gas, row.work)
    return NativeResult(True, output, gas, row.work)


def _run_metered(
    contract: NativeContract, row: NativeFunction, context: CallContext, calldata: bytes, gas_available: int
) -> NativeResult:
    charge = Charge(gas_available - row.gas)
    succeeded = False
    try:
        if contract.guard is not None:
            contract.guard(context)
        arguments = row.decode_arguments(calldata, SELECTOR_BYTES)
        output = row.encode_result(row.handler(context, charge, *arguments))
        succeeded = True
    except NativeRevert as reverted:
        output = reverted.data
    except AbiDecodeError as error:
        output = _malformed(error)
    return NativeResult(succeeded, output, row.gas + charge.gas, row.work + charge.work)


def refuse_absent_contract(address: Address, gas_available: int) -> NativeResult:
    """Return the result of calling a system address at which no contract stands."""
    return _refuse(encode_error(errors.NO_CONTRACT_HERE, address), gas_available)


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


_TRUE_WORD: Final = (1).to_bytes(32, "big")
_FALSE_WORD: Final = bytes(32)


def _encode_nothing(result: AbiValue | None) -> bytes:
    assert result is None
    return b""


def _encode_bool(result: AbiValue | None) -> bytes:
    return _TRUE_WORD if result else _FALSE_WORD


def _encode_uint256(result: AbiValue | None) -> bytes:
    assert isinstance(result, int)
    return result.to_bytes(32, "big")


def _result_encoder(results: tuple[Parameter, ...]) -> ResultEncoder:
    types = types_of(results)
    if not types:
        return _encode_nothing
    if len(types) == 1:
        match types[0].canonical:
            case "bool":
                return _encode_bool
            case "uint256":
                return _encode_uint256

        def encode_one(result: AbiValue | None) -> bytes:
            assert result is not None
            return encode(types, (result,))

        return encode_one

    def encode_many(result: AbiValue | None) -> bytes:
        assert isinstance(result, tuple)
        return encode(types, result)

    return encode_many


def find_function(contract: NativeContract, name: str) -> FunctionDeclaration:
    """Return the declaration of the function called `name`. Raises: KeyError if the contract has none."""
    for row in contract.functions.values():
        if row.declaration.name == name:
            return row.declaration
    raise KeyError(f"{contract.name} has no function {name}")


def contract_json(contract: NativeContract) -> list[Json]:
    """Return the contract's ABI as JSON: functions, events, errors, each in declaration order."""
    return [
        *(function_json(row.declaration) for row in contract.functions.values()),
        *(event_json(event) for event in contract.events),
        *(error_json(error) for error in contract.errors),
    ]

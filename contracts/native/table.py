"""The table a native contract is made of: one row per function, with its prices.

Selector switch, ABI JSON and prices all come from the `@table.function(…)` rows, so they cannot drift.
`dispatch.py` runs them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from contracts.abi import AbiValue, TupleDecoder, encode
from contracts.declarations import (
    ErrorDeclaration,
    EventDeclaration,
    FunctionDeclaration,
    Json,
    Parameter,
    declare_function,
    decoder_of,
    error_json,
    event_json,
    function_json,
    types_of,
)
from contracts.native import errors
from contracts.native.context import CallContext

# Gas per operation, charged beside the transaction's intrinsic gas whether the call succeeds or reverts. Never paid
# for; it bounds a block. Part of the protocol: another number is another state root. Source: ledger.md §1.

GAS_READ: Final = 2_000
GAS_TRANSFER: Final = 9_000
"""A transfer, and an approval."""
GAS_ISSUE: Final = 12_000
"""Mint, burn, minter allowance, supply cap."""
GAS_ROLE: Final = 15_000
"""Role changes, pause and unpause."""
GAS_CREATE_CURRENCY: Final = 50_000

# Work per operation, in units of about a microsecond on the reference machine: the function itself, and 20 for
# every slot it may write, which is what its leaf costs in the state trie. Source: architecture.md §7, performance.md.

WORK_READ: Final = 5
WORK_APPROVE: Final = 30
WORK_TRANSFER: Final = 50
WORK_ISSUE: Final = 75
WORK_ROLE: Final = 50
WORK_HANDOVER: Final = 110
WORK_CREATE_CURRENCY: Final = 300

Handler: TypeAlias = Callable[..., "AbiValue | None"]
"""A native function: takes a context and its decoded arguments, returns its result, or a tuple of several."""

ResultEncoder: TypeAlias = Callable[["AbiValue | None"], bytes]

HandlerType = TypeVar("HandlerType", bound=Handler)


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
        self, declaration: str, *, returns: str = "", gas: int = GAS_READ, work: int = WORK_READ, mutates: bool = False
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

"""contracts.md: the system contracts, function by function."""

import inspect

from consensus.primitives.scalars import Address
from contracts import addresses
from contracts.declarations import ErrorDeclaration, EventDeclaration, FunctionDeclaration, Parameter
from contracts.native.directory import lookup, native_contracts
from contracts.native.dispatch import NativeContract
from contracts.native.errors import DISPATCH_ERRORS
from tests.reference.markdown import STAMP, code, table

SYSTEM_ADDRESSES = tuple(
    Address(value) for value in vars(addresses).values() if isinstance(value, bytes) and len(value) == 20
)


def contracts_page() -> str:
    """Return contracts.md."""
    parts = ["# System contracts\n", STAMP, HEAD]
    for contract in native_contracts():
        parts += [f"## {contract.name}\n", f"{_address(contract)}\n", _functions(contract), "\n**Events**\n"]
        parts.append("\n".join(f"- {code(_event(event))}" for event in contract.events) or "None.")
        own = [error for error in contract.errors if error not in DISPATCH_ERRORS]
        parts.append("\n**Errors**\n")
        parts.append("\n".join(f"- {code(_error(error))}" for error in own) or "None of its own.")
        parts.append("")
    parts += ["## Errors of every contract\n", *(f"- {code(_error(error))}" for error in DISPATCH_ERRORS), ""]
    return "\n".join(parts)


def _address(contract: NativeContract) -> str:
    for address in SYSTEM_ADDRESSES:
        if lookup(address) is contract:
            return f"At {code('0x' + address.hex())}."
    return f"One for each currency, the first at {code('0x' + addresses.currency_address(1).hex())}."


def _functions(contract: NativeContract) -> str:
    rows = []
    for function in contract.functions.values():
        does = " ".join((inspect.getdoc(function.handler) or "").split())
        kind = "" if function.mutates else "view"
        rows.append((code(_function(function.declaration)), kind, f"{function.gas:,}", does))
    return table(("function", "", "gas", "what it does"), rows)


def _function(declared: FunctionDeclaration) -> str:
    results = _parameters(declared.results)
    return f"{declared.name}({_parameters(declared.parameters)})" + (f" → ({results})" if results else "")


def _event(declared: EventDeclaration) -> str:
    return f"{declared.name}({_parameters(declared.parameters)})"


def _error(declared: ErrorDeclaration) -> str:
    return f"{declared.name}({_parameters(declared.parameters)})"


def _parameters(parameters: tuple[Parameter, ...]) -> str:
    return ", ".join(
        " ".join(filter(None, (parameter.type.canonical, "indexed" if parameter.is_indexed else "", parameter.name)))
        for parameter in parameters
    )


HEAD = """Each is called like any contract; ABIs: `sycee contract abi NAME`. Gas comes on top of the intrinsic gas of
the transaction and is never paid for. A function that may change something is refused in a static call.
"""

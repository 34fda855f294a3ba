"""Declarations read back from ABI JSON: what a compiler or an artifact says of a contract, in this package's words.

Reads and refuses; never guesses a type. Source: Solidity ABI specification, "JSON".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from consensus.primitives.hashing import keccak256
from contracts.abi import AbiType, parse_type
from contracts.declarations import (
    SELECTOR_BYTES,
    ErrorDeclaration,
    EventDeclaration,
    FunctionDeclaration,
    Json,
    Parameter,
)

_READ_ONLY: Final = ("view", "pure")


class InvalidAbiJson(ValueError):
    """JSON that is no description of a contract."""

    def __init__(self, subject: str, reason: str) -> None:
        self.subject = subject
        super().__init__(f"ABI JSON, {subject}: {reason}")


@dataclass(frozen=True, slots=True)
class ContractInterface:
    """Everything callers and readers of a contract need."""

    constructor: tuple[Parameter, ...]
    """Arguments that follow the init code at deployment; empty without a constructor."""
    functions: tuple[FunctionDeclaration, ...]
    """In the order of the JSON; overloaded names appear once each."""
    events: tuple[EventDeclaration, ...]
    """In the order of the JSON."""
    errors: tuple[ErrorDeclaration, ...]
    """In the order of the JSON."""

    def function(self, name: str) -> FunctionDeclaration:
        """Return the function called `name`. Raises: InvalidAbiJson if there is none or more than one."""
        found = [function for function in self.functions if function.name == name]
        if len(found) != 1:
            known = ", ".join(function.signature for function in self.functions)
            raise InvalidAbiJson(name, f"names {len(found)} functions; there are {known}")
        return found[0]


def read_interface(entries: Iterable[Json]) -> ContractInterface:
    """Return what ABI JSON declares; `fallback` and `receive` are passed over, since nothing calls them by name.

    Raises: InvalidAbiJson, UnknownAbiType.
    """
    constructor: tuple[Parameter, ...] = ()
    functions: list[FunctionDeclaration] = []
    events: list[EventDeclaration] = []
    errors: list[ErrorDeclaration] = []
    for entry in entries:
        fields = _object(entry, "entry")
        kind = _text(fields, "type")
        if kind == "constructor":
            constructor = _parameters(fields, "inputs")
        elif kind == "function":
            functions.append(_function(fields))
        elif kind == "event":
            name, signature, parameters = _named(fields)
            events.append(EventDeclaration(name, signature, parameters, keccak256(signature.encode())))
        elif kind == "error":
            name, signature, parameters = _named(fields)
            errors.append(ErrorDeclaration(name, signature, parameters, keccak256(signature.encode())[:SELECTOR_BYTES]))
        elif kind not in ("fallback", "receive"):
            raise InvalidAbiJson(kind, "is no kind of entry")
    return ContractInterface(constructor, tuple(functions), tuple(events), tuple(errors))


def _function(fields: dict[str, Json]) -> FunctionDeclaration:
    name, signature, parameters = _named(fields)
    return FunctionDeclaration(
        name=name,
        signature=signature,
        parameters=parameters,
        results=_parameters(fields, "outputs"),
        selector=keccak256(signature.encode())[:SELECTOR_BYTES],
        mutates=_text(fields, "stateMutability") not in _READ_ONLY,
    )


def _named(fields: dict[str, Json]) -> tuple[str, str, tuple[Parameter, ...]]:
    name = _text(fields, "name")
    parameters = _parameters(fields, "inputs")
    return name, f"{name}({','.join(parameter.type.canonical for parameter in parameters)})", parameters


def _parameters(fields: dict[str, Json], key: str) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(_text(entry, "name"), _type(entry), entry.get("indexed") is True)
        for entry in (_object(item, key) for item in _list(fields, key))
    )


def _type(fields: dict[str, Json]) -> AbiType:
    return parse_type(_type_text(fields))


def _type_text(fields: dict[str, Json]) -> str:
    text = _text(fields, "type")
    if not text.startswith("tuple"):
        return text
    members = (_type_text(_object(item, "components")) for item in _list(fields, "components"))
    return f"({','.join(members)}){text.removeprefix('tuple')}"


def _object(value: Json, subject: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise InvalidAbiJson(subject, f"expected an object, found {value!r}")
    return value


def _list(fields: dict[str, Json], key: str) -> list[Json]:
    value = fields.get(key)
    if not isinstance(value, list):
        raise InvalidAbiJson(key, f"expected a list, found {value!r}")
    return value


def _text(fields: dict[str, Json], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str):
        raise InvalidAbiJson(key, f"expected text, found {value!r}")
    return value

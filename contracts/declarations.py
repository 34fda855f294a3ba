"""Functions, events and errors of a contract, declared in one line of text each.

The line is what a reader of Solidity expects, `Transfer(address indexed from, address indexed to, uint256 value)`;
selector, topic, codec and ABI JSON all follow from it, so none of them can drift.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from consensus.primitives.hashing import keccak256
from contracts.abi import (
    WORD_BYTES,
    AbiDecodeError,
    AbiType,
    AbiValue,
    TupleDecoder,
    ValueDoesNotFit,
    compile_decoder,
    encode,
    encode_word,
    parse_type,
    split_top_level,
    word_decoder,
)

SELECTOR_BYTES: Final = 4

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | bool | None
"""What JSON can hold."""


class InvalidDeclaration(ValueError):
    """A line of text that declares nothing."""

    def __init__(self, text: str, reason: str) -> None:
        self.text = text
        super().__init__(f"declaration {text!r}: {reason}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument or result."""

    name: str
    """As in the ABI; empty for an unnamed result."""
    type: AbiType
    """The parsed type."""
    is_indexed: bool
    """True for an event's topic; false everywhere else."""


@dataclass(frozen=True, slots=True)
class ErrorDeclaration:
    """A named revert reason."""

    name: str
    """As in the ABI."""
    signature: str
    """Name and types, `Name(address,uint256)`."""
    parameters: tuple[Parameter, ...]
    """Its values, in order."""
    selector: bytes
    """First 4 bytes of keccak(signature)."""


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """A kind of log."""

    name: str
    """As in the ABI."""
    signature: str
    """Name and types."""
    parameters: tuple[Parameter, ...]
    """Its values in the order declared; indexed ones are one word each."""
    topic: bytes
    """keccak(signature): the first topic, 32 bytes."""


@dataclass(frozen=True, slots=True)
class FunctionDeclaration:
    """A callable function."""

    name: str
    """As in the ABI; unique in its contract."""
    signature: str
    """Name and argument types."""
    parameters: tuple[Parameter, ...]
    """Arguments in order."""
    results: tuple[Parameter, ...]
    """Results in order; empty for none."""
    selector: bytes
    """First 4 bytes of keccak(signature)."""
    mutates: bool
    """True if it may write: state mutability `nonpayable`, otherwise `view`."""


def declare_error(text: str) -> ErrorDeclaration:
    """Return the error declared as `Name(type name, …)`. Raises: InvalidDeclaration, UnknownAbiType."""
    name, signature, parameters = _parse(text)
    return ErrorDeclaration(name, signature, parameters, keccak256(signature.encode())[:SELECTOR_BYTES])


def declare_event(text: str) -> EventDeclaration:
    """Return the event declared as `Name(type [indexed] name, …)`.

    Raises: UnknownAbiType; InvalidDeclaration if more than three values are indexed or one is longer than a word.
    """
    name, signature, parameters = _parse(text)
    indexed = [parameter for parameter in parameters if parameter.is_indexed]
    if len(indexed) > 3:
        raise InvalidDeclaration(text, f"{len(indexed)} indexed values, at most 3 fit beside the signature")
    for parameter in indexed:
        if parameter.type.is_dynamic or parameter.type.members:
            raise InvalidDeclaration(
                text, f"{parameter.name} is indexed and longer than a word: only its hash would be kept"
            )
    return EventDeclaration(name, signature, parameters, keccak256(signature.encode()))


def declare_function(text: str, *, returns: str = "", mutates: bool = False) -> FunctionDeclaration:
    """Return the function declared as `name(type name, …)` with results declared as `type [name], …`.

    Raises: InvalidDeclaration, UnknownAbiType.
    """
    name, signature, parameters = _parse(text)
    results = tuple(_parse_parameter(part) for part in split_top_level(returns))
    return FunctionDeclaration(
        name, signature, parameters, results, keccak256(signature.encode())[:SELECTOR_BYTES], mutates
    )


def _parse(text: str) -> tuple[str, str, tuple[Parameter, ...]]:
    name, opening, rest = text.partition("(")
    if not opening or not rest.endswith(")") or not name.isidentifier():
        raise InvalidDeclaration(text, "expected Name(type name, …)")
    parameters = tuple(_parse_parameter(part) for part in split_top_level(rest[:-1]))
    return name, f"{name}({','.join(parameter.type.canonical for parameter in parameters)})", parameters


def _parse_parameter(text: str) -> Parameter:
    words = text.split(" ")
    is_indexed = "indexed" in words[1:]
    names = [word for word in words[1:] if word != "indexed"]
    if len(names) > 1:
        raise InvalidDeclaration(text, "expected type [indexed] [name]")
    return Parameter(names[0] if names else "", parse_type(words[0]), is_indexed)


def types_of(parameters: Sequence[Parameter]) -> tuple[AbiType, ...]:
    """Return the types of `parameters` in order."""
    return tuple(parameter.type for parameter in parameters)


def decoder_of(parameters: Sequence[Parameter]) -> TupleDecoder:
    """Return a decoder of the tuple of `parameters`."""
    return compile_decoder(types_of(parameters))


def encode_call(function: FunctionDeclaration, *values: AbiValue) -> bytes:
    """Return the calldata of a call: selector and arguments. Raises: ValueDoesNotFit."""
    return function.selector + encode(types_of(function.parameters), values)


def encode_error(error: ErrorDeclaration, *values: AbiValue) -> bytes:
    """Return the revert data of `error`: selector and values. Raises: ValueDoesNotFit."""
    return error.selector + encode(types_of(error.parameters), values)


def encode_event(event: EventDeclaration, *values: AbiValue) -> tuple[tuple[bytes, ...], bytes]:
    """Return (topics, data) of a log; `values` in the order declared. Raises: ValueDoesNotFit."""
    if len(values) != len(event.parameters):
        raise ValueDoesNotFit(event.signature, values)
    topics = [event.topic]
    types: list[AbiType] = []
    plain: list[AbiValue] = []
    for parameter, value in zip(event.parameters, values):
        if parameter.is_indexed:
            topics.append(encode_word(parameter.type, value))
        else:
            types.append(parameter.type)
            plain.append(value)
    return tuple(topics), encode(types, plain)


def decode_event(event: EventDeclaration, topics: Sequence[bytes], data: bytes) -> dict[str, AbiValue]:
    """Return the values of a log by name, in the order declared.

    Raises: AbiDecodeError if the log is not a canonical one of `event`.
    """
    indexed = [parameter for parameter in event.parameters if parameter.is_indexed]
    if len(topics) != len(indexed) + 1 or topics[0] != event.topic or any(len(topic) != WORD_BYTES for topic in topics):
        raise AbiDecodeError(0, f"{len(topics)} topics that are not those of {event.signature}")
    plain = [parameter for parameter in event.parameters if not parameter.is_indexed]
    from_data = iter(decoder_of(plain)(data, 0))
    from_topics = iter([word_decoder(parameter.type)(topic, 0) for parameter, topic in zip(indexed, topics[1:])])
    return {
        parameter.name: next(from_topics) if parameter.is_indexed else next(from_data) for parameter in event.parameters
    }


def function_json(function: FunctionDeclaration) -> Json:
    """Return the ABI JSON entry of a function."""
    return {
        "type": "function",
        "name": function.name,
        "inputs": [_parameter_json(parameter) for parameter in function.parameters],
        "outputs": [_parameter_json(parameter) for parameter in function.results],
        "stateMutability": "nonpayable" if function.mutates else "view",
    }


def event_json(event: EventDeclaration) -> Json:
    """Return the ABI JSON entry of an event."""
    inputs: list[Json] = [
        {"name": parameter.name, "type": parameter.type.canonical, "indexed": parameter.is_indexed}
        for parameter in event.parameters
    ]
    return {"type": "event", "name": event.name, "inputs": inputs, "anonymous": False}


def error_json(error: ErrorDeclaration) -> Json:
    """Return the ABI JSON entry of an error."""
    return {
        "type": "error",
        "name": error.name,
        "inputs": [_parameter_json(parameter) for parameter in error.parameters],
    }


def _parameter_json(parameter: Parameter) -> Json:
    return _type_json(parameter.name, parameter.type)


def _type_json(name: str, item: AbiType) -> dict[str, Json]:
    """Return name and type; a tuple, or an array of them, lists its members, which have no names here."""
    element, suffix = item, ""
    while element.kind == "array":
        suffix = element.canonical[len(element.members[0].canonical) :] + suffix
        element = element.members[0]
    if element.kind != "tuple":
        return {"name": name, "type": item.canonical}
    return {"name": name, "type": f"tuple{suffix}", "components": [_type_json("", part) for part in element.members]}

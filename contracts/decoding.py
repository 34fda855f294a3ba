"""Revert data and logs in words, for wallets, RPC and explorers.

Only reads; nothing that validators must agree on depends on these texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import SELECTOR_BYTES, ErrorDeclaration, declare_error, decode_event, decoder_of
from contracts.loader import artifact_names, load
from contracts.native.directory import lookup, native_contracts

SOLIDITY_WORDS: Final = declare_error("Error(string message)")
SOLIDITY_ERRORS: Final = (SOLIDITY_WORDS, declare_error("Panic(uint256 code)"))
"""What `require(…, "text")` and failed assertions of Solidity and Vyper contracts revert with."""

_DATA_SHOWN_BYTES: Final = 68
"""Bytes of undecodable revert data put in a message: a selector and two words; the whole is in the data field."""


@dataclass(frozen=True, slots=True)
class DecodedError:
    """Named revert data."""

    name: str
    """`ERC20InsufficientBalance`."""
    signature: str
    """`ERC20InsufficientBalance(address,uint256,uint256)`."""
    arguments: dict[str, AbiValue]
    """Values by name, in the order declared."""

    def __str__(self) -> str:
        return _text(self.name, self.arguments)


@dataclass(frozen=True, slots=True)
class DecodedCall:
    """A named call of a native contract."""

    contract: str
    """`Currency`."""
    name: str
    """`transfer`."""
    arguments: dict[str, AbiValue]
    """Values by name, in the order declared."""

    def __str__(self) -> str:
        return f"{self.contract}.{_text(self.name, self.arguments)}"


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """A named log."""

    name: str
    """`Transfer`."""
    signature: str
    """`Transfer(address,address,uint256)`."""
    arguments: dict[str, AbiValue]
    """Values by name, in the order declared."""

    def __str__(self) -> str:
        return _text(self.name, self.arguments)


def known_errors() -> tuple[ErrorDeclaration, ...]:
    """Return every error this module can name: Solidity's two and those of all contracts shipped here, each once."""
    return tuple(_ERRORS_BY_SELECTOR.values())


def decode_revert(data: bytes) -> DecodedError | None:
    """Return the named error in revert data, or None if it is empty, unknown or not canonical."""
    error = _ERRORS_BY_SELECTOR.get(data[:SELECTOR_BYTES])
    if error is None:
        return None
    try:
        values = decoder_of(error.parameters)(data, SELECTOR_BYTES)
    except AbiDecodeError:
        return None
    names = [parameter.name for parameter in error.parameters]
    return DecodedError(error.name, error.signature, dict(zip(names, values)))


def revert_reason(data: bytes) -> str | None:
    """Return what Ethereum's tools expect behind "execution reverted: ": `require`'s own words, or the decoded error.

    The words are a contract's and not escaped: for JSON, never for a terminal. None if nobody knows the error.
    """
    decoded = decode_revert(data)
    if decoded is None:
        return None
    words = decoded.arguments.get("message") if decoded.signature == SOLIDITY_WORDS.signature else None
    return words if isinstance(words, str) else str(decoded)


def describe_revert(data: bytes) -> str:
    """Return one line about revert data: the decoded error, or its first bytes if nobody knows it."""
    decoded = decode_revert(data)
    if decoded is not None:
        return str(decoded)
    if not data:
        return "no reason given"
    ending = "…" if len(data) > _DATA_SHOWN_BYTES else ""
    return f"unknown error 0x{data[:_DATA_SHOWN_BYTES].hex()}{ending}"


def decode_native_call(address: Address, data: bytes) -> DecodedCall | None:
    """Return the call of a native contract in words; None if none stands there or it would not understand."""
    contract = lookup(address)
    row = None if contract is None else contract.functions.get(data[:SELECTOR_BYTES])
    if contract is None or row is None:
        return None
    parameters = row.declaration.parameters
    try:
        values = decoder_of(parameters)(data, SELECTOR_BYTES)
    except AbiDecodeError:
        return None
    return DecodedCall(contract.name, row.declaration.name, dict(zip((item.name for item in parameters), values)))


def decode_log(address: Address, topics: Sequence[bytes], data: bytes) -> DecodedEvent | None:
    """Return the named event in a log of a native contract, or None if the log is another contract's."""
    contract = lookup(address)
    if contract is None or not topics:
        return None
    for event in contract.events:
        if event.topic == topics[0]:
            try:
                return DecodedEvent(event.name, event.signature, decode_event(event, topics, data))
            except AbiDecodeError:
                return None
    return None


def _text(name: str, arguments: dict[str, AbiValue]) -> str:
    return f"{name}({', '.join(f'{key}={_value_text(value)}' for key, value in arguments.items())})"


def _value_text(value: AbiValue) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case bytes():
            return f"0x{value.hex()}"
        case str():
            # Quoted and escaped: the text comes from a contract and must not rewrite the terminal's line.
            return ascii(value)
        case _:
            return f"[{', '.join(_value_text(item) for item in value)}]"


def _deployable_errors() -> tuple[ErrorDeclaration, ...]:
    deployable = (artifact for artifact in map(load, artifact_names()) if artifact.init_code)
    return tuple(error for artifact in deployable for error in artifact.interface.errors)


# Where two contracts declare the same error, the native one names its values. Read at import, so that no call waits for
# files: 20 ms.
_ERRORS_BY_SELECTOR: Final = {
    error.selector: error
    for error in (
        *_deployable_errors(),
        *(error for contract in native_contracts() for error in contract.errors),
        *SOLIDITY_ERRORS,
    )
}

"""Arguments of contract calls as people type them, and values as they read them. The ABI gives the type."""

import json
import re
from collections.abc import Sequence
from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiType, AbiValue
from contracts.declarations import Parameter
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Currency, parse_amount
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import memo_text
from wallet_cli.session import Session

_INTEGER: Final = re.compile(r"-?(?:0x[0-9a-fA-F]+|[0-9][0-9_]*)")
_AMOUNT_HINT: Final = re.compile(r"[0-9.]+ [A-Z][A-Z0-9.]*")


def parse_arguments(
    session: Session, parameters: Sequence[Parameter], texts: Sequence[str], currencies: Sequence[Currency]
) -> list[AbiValue]:
    """Return the values of a call. Raises: UsageRefused naming the parameter and the form to type."""
    if len(parameters) != len(texts):
        wanted = ", ".join(f"{item.type.canonical} {item.name}".strip() for item in parameters) or "none"
        raise UsageRefused(
            f"{len(texts)} arguments were given, {len(parameters)} are wanted",
            why=f"the arguments are: {wanted}",
            next_step="type each as one word; lists and tuples as JSON",
            code="ARGUMENTS_WRONG",
        )
    return [
        _parse(session, item.type, text, currencies, item.name or str(at))
        for at, (item, text) in enumerate(zip(parameters, texts, strict=True))
    ]


def _parse(session: Session, item: AbiType, text: str, currencies: Sequence[Currency], name: str) -> AbiValue:
    match item.kind:
        case "address":
            return session.resolve(text)[1]
        case "uint" | "int":
            if _AMOUNT_HINT.fullmatch(text):
                return int(parse_amount(text, currencies).units)
            if _INTEGER.fullmatch(text):
                return int(text.replace("_", ""), 0) if "0x" in text else int(text.replace("_", ""))
            raise _refused(name, item, text, 'an integer such as 1234 or 0x4d2, or an amount such as "12.34 EUR"')
        case "bool":
            if text in ("true", "false"):
                return text == "true"
            raise _refused(name, item, text, "true or false")
        case "fixed" | "bytes":
            return _parse_bytes(item, text, name)
        case "string":
            return text
        case _:
            return _parse_json(session, item, text, currencies, name)


def _parse_bytes(item: AbiType, text: str, name: str) -> bytes:
    if text.startswith("0x"):
        try:
            value = bytes.fromhex(text[2:])
        except ValueError:
            raise _refused(name, item, text, "0x and an even number of hexadecimal digits") from None
        if item.kind == "fixed" and len(value) != item.size:
            raise _refused(name, item, text, f"{item.size} bytes: 0x and {2 * (item.size or 0)} digits")
        return value
    # References and memos are words: shorter ones are filled up with zero bytes, as everywhere on this network.
    encoded = text.encode()
    if item.kind == "bytes" or item.size is None or len(encoded) > item.size:
        raise _refused(name, item, text, f"0x and hexadecimal digits, or a text of at most {item.size} bytes")
    return encoded.ljust(item.size, b"\x00")


def _parse_json(session: Session, item: AbiType, text: str, currencies: Sequence[Currency], name: str) -> AbiValue:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(name, item, text, 'a JSON list, such as ["0x…", "12.34 EUR"]') from None
    members = item.members if item.kind == "tuple" else item.members * (len(found) if isinstance(found, list) else 0)
    expected = len(item.members) if item.kind == "tuple" else item.size
    if not isinstance(found, list) or (expected is not None and len(found) != expected):
        raise _refused(
            name, item, text, f"a JSON list of {expected if expected is not None else 'any number of'} values"
        )
    return [
        _parse(session, member, value if isinstance(value, str) else json.dumps(value), currencies, f"{name}[{at}]")
        for at, (member, value) in enumerate(zip(members, found, strict=True))
    ]


def value_record(value: AbiValue) -> object:
    """Return a value as `--json` shows it: integers as strings, so that no reader rounds them."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return [value_record(member) for member in value]


def value_text(session: Session, item: AbiType, value: AbiValue) -> str:
    """Return a value on one line, addresses with this wallet's name for them."""
    if item.kind == "address":
        assert isinstance(value, bytes)
        name = session.name_of(value)
        shown = checksum_address(Address(value))
        return f"{name} {shown}" if name else shown
    if item.kind in ("array", "tuple"):
        assert not isinstance(value, int | str | bytes)
        members = item.members if item.kind == "tuple" else item.members * len(value)
        return f"[{', '.join(value_text(session, member, part) for member, part in zip(members, value, strict=True))}]"
    if isinstance(value, bytes):
        return memo_text(value) if item.canonical == "bytes32" and any(value) else f"0x{value.hex()}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _refused(name: str, item: AbiType, text: str, form: str) -> UsageRefused:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return UsageRefused(
        f"argument {name} is {item.canonical}, and {shown!r} is not",
        why="an argument that could be read in two ways is never sent",
        next_step=f"type {form}",
        code="ARGUMENT_INVALID",
    )

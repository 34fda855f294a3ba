"""Transactions as files, carried between a computer with a network and one with a key.

A file holds what is to be signed and nothing that explains it: whoever signs reads the call itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from consensus.chain.transaction import Transaction, decode_transaction, recover_sender
from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import AmountMinor, Hash32
from contracts.abi import AbiDecodeError, AbiValue
from contracts.declarations import SELECTOR_BYTES, FunctionDeclaration, decoder_of
from contracts.native.directory import lookup
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.amounts import Amount, Currency, format_amount
from wallet_cli.answers import read_bytes, read_count
from wallet_cli.contract_aliases import load_aliases
from wallet_cli.contract_arguments import value_text
from wallet_cli.contract_files import open_contract
from wallet_cli.errors import ProofInvalid, UsageRefused
from wallet_cli.files import write_private
from wallet_cli.outbox import SIGNED, Entry, Intent
from wallet_cli.session import Session

UNSIGNED_SCHEMA: Final = "sycee-tx/1"
SIGNED_SCHEMA: Final = "sycee-signed/1"
DATA_SHOWN_BYTES: Final = 32
"""Bytes of an unknown call put on the screen; its length says how much is not shown."""

_UNSIGNED_KEYS: Final = {"schema", "chainId", "from", "nonce", "to", "data", "gas"}
_SIGNED_KEYS: Final = {"schema", "raw", "hash"}
_MONEY_WORDS: Final = ("amount", "value")
"""Names of parameters of a currency that are amounts of it."""


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """Everything a key signs."""

    chain_id: int
    nonce: int
    gas_limit: int
    intent: Intent


@dataclass(frozen=True, slots=True)
class CallMeaning:
    """What a call does, as its bytes say."""

    is_known: bool
    """False if this wallet has no ABI that understands it."""
    lines: tuple[str, ...]
    """For the screen."""


def encode_unsigned(unsigned: UnsignedTransaction) -> bytes:
    """Return the file of a transaction to be signed."""
    intent = unsigned.intent
    content = {
        "schema": UNSIGNED_SCHEMA,
        "chainId": unsigned.chain_id,
        "from": checksum_address(intent.sender),
        "nonce": unsigned.nonce,
        "to": None if intent.to is None else checksum_address(intent.to),
        "data": f"0x{intent.data.hex()}",
        "gas": unsigned.gas_limit,
    }
    return _encode(content)


def decode_unsigned(content: bytes, source: str) -> UnsignedTransaction:
    """Return a transaction to be signed; `source` is where it came from. Raises: UsageRefused."""
    fields = _decode(content, source, UNSIGNED_SCHEMA, _UNSIGNED_KEYS)
    try:
        target = None if fields["to"] is None else parse_address(str(fields["to"]))[0]
        intent = Intent(parse_address(str(fields["from"]))[0], target, _unhex(fields["data"]))
        counts = (_count(fields["chainId"]), _count(fields["nonce"]), _count(fields["gas"]))
        return UnsignedTransaction(*counts, intent)
    except (ValueError, TypeError, UsageRefused) as error:
        raise _broken(source, str(error)) from error


def encode_signed(raw: bytes, transaction_hash: Hash32) -> bytes:
    """Return the file of a signed transaction."""
    return _encode({"schema": SIGNED_SCHEMA, "raw": f"0x{raw.hex()}", "hash": f"0x{transaction_hash.hex()}"})


def decode_signed(content: bytes, source: str, *, chain_id: int) -> Entry:
    """Return a signed transaction of network `chain_id`, its sender recovered from the signature.

    Raises: UsageRefused; ProofInvalid if its hash or signature is wrong, or it is for another network.
    """
    fields = _decode(content, source, SIGNED_SCHEMA, _SIGNED_KEYS)
    try:
        raw, expected = _unhex(fields["raw"]), read_bytes(fields["hash"], 32)
        transaction = decode_transaction(raw)
        sender = recover_sender(transaction)
    except (ValueError, TypeError) as error:
        raise _broken(source, str(error)) from error
    _validate_signed(source, transaction, expected, chain_id)
    return Entry(transaction.hash, transaction.nonce, raw, Intent(sender, transaction.to, transaction.data), SIGNED)


def read_call(session: Session, intent: Intent, currencies: Sequence[Currency]) -> CallMeaning:
    """Return what a call does, decoded from its bytes with ABIs of this wallet alone."""
    if intent.to is None:
        return CallMeaning(False, (f"  creates   a contract from {len(intent.data)} bytes of code",))
    currency = next((entry for entry in currencies if entry.address == intent.to), None)
    declared, name = _declaration(session, intent)
    target = checksum_address(intent.to)
    if declared is None:
        shown = intent.data[:DATA_SHOWN_BYTES].hex()
        ending = "…" if len(intent.data) > DATA_SHOWN_BYTES else ""
        return CallMeaning(False, (f"  contract  {target}", f"  data      {len(intent.data)} bytes 0x{shown}{ending}"))
    values = _arguments(declared, intent.data)
    assert values is not None, "the declaration was chosen because it decodes"
    lines = [f"  contract  {name if currency is None else currency.code} {target}", f"  function  {declared.name}"]
    for parameter, value in zip(declared.parameters, values, strict=True):
        text = value_text(session, parameter.type, value)
        if currency is not None and isinstance(value, int) and parameter.name in _MONEY_WORDS:
            text = format_amount(Amount(AmountMinor(value), currency))
        lines.append(f"  {parameter.name:<9} {text}")
    return CallMeaning(True, tuple(lines))


def _declaration(session: Session, intent: Intent) -> tuple[FunctionDeclaration | None, str]:
    """Return the function that understands a call and its contract's name; None if nothing known does."""
    assert intent.to is not None
    selector = intent.data[:SELECTOR_BYTES]
    native = lookup(intent.to)
    if native is not None:
        row = native.functions.get(selector)
        is_understood = row is not None and _arguments(row.declaration, intent.data) is not None
        return (row.declaration if row is not None and is_understood else None), native.name
    for name, known in load_aliases(session).items():
        if known.address == intent.to:
            for function in open_contract(known.source).interface.functions:
                if function.selector == selector and _arguments(function, intent.data) is not None:
                    return function, name
    return None, ""


def _arguments(declared: FunctionDeclaration, data: bytes) -> Sequence[AbiValue] | None:
    try:
        return decoder_of(declared.parameters)(data, SELECTOR_BYTES)
    except AbiDecodeError:
        return None


def _validate_signed(source: str, transaction: Transaction, expected: bytes, chain_id: int) -> None:
    if transaction.hash != expected:
        detail = f"{source} says its hash is 0x{expected.hex()}, its bytes hash to 0x{transaction.hash.hex()}"
    elif transaction.chain_id != chain_id:
        detail = f"{source} is signed for chain {transaction.chain_id}, this network is chain {chain_id}"
    elif transaction.value or transaction.authorizations or transaction.access_list:
        detail = f"{source} moves native value or grants authorizations, which this wallet never signs"
    else:
        return
    raise ProofInvalid(
        detail,
        why="the file was damaged, changed, or made for another network",
        next_step="build and sign it again: sycee tx build",
        code="SIGNED_FILE_INVALID",
    )


def _encode(content: dict[str, object]) -> bytes:
    return json.dumps(content, indent=2).encode() + b"\n"


def save_transaction(path: Path, content: bytes) -> None:
    """Write a transaction file under a name that is free. Raises: UsageRefused."""
    try:
        write_private(path, content, is_new=True)
    except OSError as error:
        raise UsageRefused(
            f"{path} cannot be written: {error.strerror}",
            why="a file that is there already may be waiting to be signed or sent",
            next_step="name another file with --out",
            code="FILE_EXISTS" if isinstance(error, FileExistsError) else "FILE_UNWRITABLE",
        ) from error


def _decode(content: bytes, source: str, schema: str, keys: set[str]) -> dict[str, Any]:
    try:
        fields = parse_json(content)
        if not isinstance(fields, dict) or fields.get("schema") != schema:
            raise ValueError(f"its schema is not {schema}")
        if fields.keys() != keys:
            raise ValueError(f"its fields are {', '.join(sorted(fields))}; expected {', '.join(sorted(keys))}")
        return fields
    except ValueError as error:
        raise _broken(source, str(error)) from error


def _count(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no integer")
    return read_count(value)


def _unhex(value: object) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError("a value does not begin with 0x")
    return bytes.fromhex(value[2:])


def _broken(source: str, detail: str) -> UsageRefused:
    shown = source if len(source) <= 60 else f"{source[:60]}…"
    return UsageRefused(
        f"{shown} is no transaction file: {detail}",
        why="what is signed or sent must be understood completely",
        next_step="make one with sycee tx build, sign it with sycee tx sign",
        code="TRANSACTION_FILE_INVALID",
    )

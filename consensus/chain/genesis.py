"""The genesis document: what the operators of a new network agree on before there is a block.

One canonical JSON text. Its SHA-256 stands in the genesis header, so the genesis hash pins every byte of it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from consensus.chain.errors import InvalidGenesis
from consensus.primitives.hashing import sha256
from consensus.primitives.json_text import parse_json
from consensus.primitives.rlp_codec import encode as encode_rlp
from consensus.primitives.scalars import Address, Hash32, TimestampMs

GENESIS_SCHEMA = "sycee-genesis/1"
GENESIS_BYTES_MAX = 16 * 1024 * 1024
"""Longest document read; 100 000 funded accounts take about 8 MB."""

JSON_INTEGER_MAX = 2**53 - 1
"""Largest integer that every tool reads exactly: JavaScript numbers are exact up to here."""

CHAIN_ID_MAX = JSON_INTEGER_MAX
"""Largest chain id that every tool can hold."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GenesisValidator:
    """One validator of epoch 0."""

    name: str
    """Short name for screens and logs: lower case, digits, dashes."""
    operator: Address
    """Account of the bank; shown as the block's `miner`."""
    consensus_key: bytes
    """ed25519, signs votes."""
    tls_key: bytes
    """ed25519, authenticates links; peers pin it and derive everything else from it."""
    attestation_key: bytes
    """ed25519, signs attestations for offline wallets."""
    endpoints: tuple[str, ...]
    """host:port of the mesh listener, in the order to be dialed."""


@dataclass(frozen=True, slots=True)
class GenesisMinter:
    """Who may issue how much of a currency."""

    address: Address
    allowance_minor: int


@dataclass(frozen=True, slots=True)
class GenesisCurrency:
    """A currency that exists from the first block."""

    code: str
    """3–12 characters A–Z, 0–9 and the dot."""
    name: str
    decimals: int
    """Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD."""
    admin: Address
    """Holder of DEFAULT_ADMIN_ROLE."""
    supply_cap_minor: int
    """0 means none."""
    minters: tuple[GenesisMinter, ...]
    balances: tuple[tuple[Address, int], ...]
    """Opening balances in minor units; their sum is the opening supply."""


@dataclass(frozen=True, slots=True)
class GenesisBank:
    """A bank that is registered from the first block, with the accounts it sponsors."""

    address: Address
    """Its own account: in tier 0, with every permission."""
    name: str
    """1 to 31 bytes of UTF-8."""
    bic: str
    """ISO 9362: 8 or 11 characters."""
    quota_gas_per_minute: int
    """What it and its customers may send; 0 means that nothing is counted."""
    accounts: tuple[tuple[Address, int], ...]
    """Its customers with their tiers, 0 to 254; they may send."""


@dataclass(frozen=True, slots=True)
class GenesisDocument:
    """Everything a network starts from."""

    chain_id: int
    name: str
    timestamp_ms: TimestampMs
    governor: Address
    """May create currencies and register banks."""
    parameters: tuple[tuple[str, int], ...]
    """ProtocolConfig values by name; a name left out has its default."""
    validators: tuple[GenesisValidator, ...]
    currencies: tuple[GenesisCurrency, ...]
    banks: tuple[GenesisBank, ...] = ()
    """In the order of their numbers, from 1; the text leaves the field out if there is none."""


def endpoints_hash(validator: GenesisValidator) -> Hash32:
    """Return what a validator set says of endpoints: SHA-256 of the RLP list of their texts, in order."""
    return sha256(encode_rlp([endpoint.encode() for endpoint in validator.endpoints]))


def document_hash(text: bytes) -> Hash32:
    """Return what the genesis header says of the document: SHA-256 of its canonical text."""
    return sha256(text)


def encode_genesis(document: GenesisDocument) -> bytes:
    """Return the canonical text: JSON with sorted keys, two blanks of indentation and a final newline."""
    content: dict[str, object] = {
        "schema": GENESIS_SCHEMA,
        "chainId": document.chain_id,
        "name": document.name,
        "timestampMs": document.timestamp_ms,
        "governor": _hex(document.governor),
        "parameters": dict(document.parameters),
        "validators": [
            {
                "name": validator.name,
                "operator": _hex(validator.operator),
                "consensusKey": _hex(validator.consensus_key),
                "tlsKey": _hex(validator.tls_key),
                "attestationKey": _hex(validator.attestation_key),
                "endpoints": list(validator.endpoints),
            }
            for validator in document.validators
        ],
        "currencies": [
            {
                "code": currency.code,
                "name": currency.name,
                "decimals": currency.decimals,
                "admin": _hex(currency.admin),
                "supplyCap": str(currency.supply_cap_minor),
                "minters": {_hex(minter.address): str(minter.allowance_minor) for minter in currency.minters},
                "balances": {_hex(address): str(amount) for address, amount in currency.balances},
            }
            for currency in document.currencies
        ],
    }
    if document.banks:
        content["banks"] = [
            {
                "address": _hex(bank.address),
                "name": bank.name,
                "bic": bank.bic,
                "quotaGasPerMinute": bank.quota_gas_per_minute,
                "accounts": {_hex(address): tier for address, tier in bank.accounts},
            }
            for bank in document.banks
        ]
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def decode_genesis(text: bytes) -> GenesisDocument:
    """Return the document in `text`.

    Raises: InvalidGenesis naming the field, also when the text is not the canonical form of its content.
    """
    if len(text) > GENESIS_BYTES_MAX:
        raise InvalidGenesis("document", f"{len(text)} bytes, at most {GENESIS_BYTES_MAX}")
    try:
        content = parse_json(text)
    except ValueError as error:
        raise InvalidGenesis("document", f"not JSON: {error}") from error
    root = _Fields(content, "document")
    if root.string("schema") != GENESIS_SCHEMA:
        raise InvalidGenesis("schema", f"{root.string('schema')!r} is not {GENESIS_SCHEMA!r}")
    document = GenesisDocument(
        chain_id=root.integer("chainId", minimum=1, maximum=CHAIN_ID_MAX),
        name=root.string("name"),
        timestamp_ms=TimestampMs(root.integer("timestampMs", minimum=0, maximum=2**48)),
        governor=Address(root.hexadecimal("governor", 20)),
        parameters=_decode_parameters(root),
        validators=tuple(root.each("validators", _decode_validator)),
        currencies=tuple(root.each("currencies", _decode_currency)),
        banks=tuple(root.each("banks", _decode_bank)) if root.has("banks") else (),
    )
    _validate(document)
    if encode_genesis(document) != text:
        raise InvalidGenesis("document", "not in canonical form: sorted keys, two blanks of indentation, final newline")
    return document


class _Fields:
    """Reads the fields of one JSON object, naming the path of what is wrong."""

    def __init__(self, content: object, path: str) -> None:
        if not isinstance(content, dict):
            raise InvalidGenesis(path, "must be a JSON object")
        self._content: Mapping[str, object] = content
        self._path = path

    def _get(self, name: str) -> tuple[object, str]:
        path = f"{self._path}.{name}"
        if name not in self._content:
            raise InvalidGenesis(path, "is missing")
        return self._content[name], path

    def has(self, name: str) -> bool:
        """Tell whether the object has a field that may be left out."""
        return name in self._content

    def string(self, name: str) -> str:
        value, path = self._get(name)
        if not isinstance(value, str):
            raise InvalidGenesis(path, f"must be a string, found {value!r}")
        return value

    def integer(self, name: str, *, minimum: int, maximum: int) -> int:
        value, path = self._get(name)
        return _bounded(value, path, minimum=minimum, maximum=maximum)

    def amount(self, name: str) -> int:
        return _amount(*self._get(name))

    def hexadecimal(self, name: str, length: int) -> bytes:
        value, path = self._get(name)
        return _unhex(value, path, length)

    def mapping(self, name: str) -> Mapping[str, object]:
        value, path = self._get(name)
        if not isinstance(value, dict):
            raise InvalidGenesis(path, "must be a JSON object")
        return value

    def each(self, name: str, decode: Callable[["_Fields"], T]) -> list[T]:
        value, path = self._get(name)
        if not isinstance(value, list):
            raise InvalidGenesis(path, "must be a JSON array")
        return [decode(_Fields(item, f"{path}[{index}]")) for index, item in enumerate(value)]

    def strings(self, name: str) -> tuple[str, ...]:
        value, path = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidGenesis(path, "must be an array of strings")
        return tuple(value)


def _decode_parameters(root: _Fields) -> tuple[tuple[str, int], ...]:
    found = root.mapping("parameters")
    return tuple(
        (name, _bounded(value, f"document.parameters.{name}", minimum=0, maximum=2**63))
        for name, value in found.items()
    )


def _decode_validator(fields: _Fields) -> GenesisValidator:
    return GenesisValidator(
        name=fields.string("name"),
        operator=Address(fields.hexadecimal("operator", 20)),
        consensus_key=fields.hexadecimal("consensusKey", 32),
        tls_key=fields.hexadecimal("tlsKey", 32),
        attestation_key=fields.hexadecimal("attestationKey", 32),
        endpoints=fields.strings("endpoints"),
    )


def _decode_currency(fields: _Fields) -> GenesisCurrency:
    return GenesisCurrency(
        code=fields.string("code"),
        name=fields.string("name"),
        decimals=fields.integer("decimals", minimum=0, maximum=18),
        admin=Address(fields.hexadecimal("admin", 20)),
        supply_cap_minor=fields.amount("supplyCap"),
        minters=tuple(
            GenesisMinter(Address(_unhex(address, "minters", 20)), _amount(amount, f"minters.{address}"))
            for address, amount in fields.mapping("minters").items()
        ),
        balances=tuple(
            (Address(_unhex(address, "balances", 20)), _amount(amount, f"balances.{address}"))
            for address, amount in fields.mapping("balances").items()
        ),
    )


def _decode_bank(fields: _Fields) -> GenesisBank:
    return GenesisBank(
        address=Address(fields.hexadecimal("address", 20)),
        name=fields.string("name"),
        bic=fields.string("bic"),
        quota_gas_per_minute=fields.integer("quotaGasPerMinute", minimum=0, maximum=JSON_INTEGER_MAX),
        accounts=tuple(
            (Address(_unhex(address, "accounts", 20)), _bounded(tier, f"accounts.{address}", minimum=0, maximum=255))
            for address, tier in fields.mapping("accounts").items()
        ),
    )


def _validate(document: GenesisDocument) -> None:
    if not document.validators:
        raise InvalidGenesis("document.validators", "a network needs at least one validator")
    for field in ("name", "consensus_key", "tls_key", "attestation_key"):
        values = [getattr(validator, field) for validator in document.validators]
        if len(set(values)) != len(values):
            raise InvalidGenesis("document.validators", f"two validators share a {field}")
    codes = [currency.code for currency in document.currencies]
    if len(set(codes)) != len(codes):
        raise InvalidGenesis("document.currencies", "two currencies share a code")


def _hex(value: bytes) -> str:
    return "0x" + value.hex()


def _unhex(value: object, path: str, length: int) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise InvalidGenesis(path, f"must be a string that begins with 0x, found {value!r}")
    try:
        decoded = bytes.fromhex(value[2:])
    except ValueError as error:
        raise InvalidGenesis(path, f"not hexadecimal: {value!r}") from error
    if len(decoded) != length:
        raise InvalidGenesis(path, f"{len(decoded)} bytes, expected {length}")
    return decoded


def _bounded(value: object, path: str, *, minimum: int, maximum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidGenesis(path, f"must be an integer, found {value!r}")
    if not minimum <= value <= maximum:
        raise InvalidGenesis(path, f"{value} is not between {minimum} and {maximum}")
    return value


def _amount(value: object, path: str) -> int:
    """Read money: a decimal string of minor units, so that no JSON reader rounds it."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        raise InvalidGenesis(path, f"must be a string of digits in minor units, found {value!r}")
    amount = int(value)
    if amount >= 2**128 or str(amount) != value:
        raise InvalidGenesis(path, f"{value} has leading zeros or is not below 2^128")
    return amount

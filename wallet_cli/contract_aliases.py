"""Contracts this wallet knows by name: where each stands and which ABI it has. One file for each network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address
from contracts.native.directory import lookup
from wallet_cli.addresses import checksum_address, looks_like_address, parse_address
from wallet_cli.contract_files import ContractFile, open_contract
from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder, read_small, write_private
from wallet_cli.home import validate_name
from wallet_cli.session import Session

_SCHEMA: Final = "sycee-contracts/1"


@dataclass(frozen=True, slots=True)
class KnownContract:
    """One name."""

    address: Address
    source: str
    """What `open_contract` reads: a shipped contract's name, or the absolute path of a file."""


def load_aliases(session: Session) -> dict[str, KnownContract]:
    """Return all names. Raises: UsageRefused if the file is broken."""
    path = _path(session)
    try:
        content = parse_json(read_small(path))
        if content["schema"] != _SCHEMA:
            raise ValueError(f"schema is {content['schema']!r}")
        return {
            str(name): KnownContract(parse_address(entry["address"])[0], str(entry["source"]))
            for name, entry in content["contracts"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageRefused(
            f"{path} cannot be read: {error}",
            why="a call must never go to a guessed contract",
            next_step=f"correct {path} or remove it",
            code="ALIASES_INVALID",
        ) from error


def save_alias(session: Session, name: str, contract: KnownContract) -> None:
    """Remember a contract. Raises: UsageRefused if the name means another address."""
    aliases = load_aliases(session)
    _add(aliases, validate_name(name, "a contract"), contract)
    _save(session, aliases)


def import_aliases(session: Session, path: Path) -> dict[str, KnownContract]:
    """Remember the contracts that a network's `devnet.json` lists, and return them.

    Raises: UsageRefused if the file has none, or a name means another address here.
    """
    try:
        listed = {
            str(entry["name"]): KnownContract(parse_address(entry["address"])[0], str(entry["abi"]))
            for entry in parse_json(read_small(path))["contracts"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageRefused(
            f"{path} lists no contracts that can be read: {error}",
            why="a list of contracts is JSON with name, address and abi of each",
            next_step="name the devnet.json of a development network",
            code="CONTRACT_LIST_INVALID",
        ) from error
    aliases = load_aliases(session)
    for name, contract in listed.items():
        # Beside the names that people choose, those of the contracts themselves: SettlementEngine.
        validate_name(name.lower(), "a contract")
        open_contract(contract.source)
        _add(aliases, name, contract)
    _save(session, aliases)
    return listed


def _add(aliases: dict[str, KnownContract], name: str, contract: KnownContract) -> None:
    known = aliases.get(name)
    if known is not None and known.address != contract.address:
        raise UsageRefused(
            f"contract {name} is {checksum_address(known.address)}, not {checksum_address(contract.address)}",
            why="a name that silently changes its address is how money gets lost",
            next_step="use another name",
            code="ALIAS_EXISTS",
        )
    aliases[name] = contract


def _save(session: Session, aliases: dict[str, KnownContract]) -> None:
    entries = {
        key: {"address": checksum_address(entry.address), "source": entry.source}
        for key, entry in sorted(aliases.items())
    }
    path = _path(session)
    make_private_folder(path.parent)
    write_private(path, json.dumps({"schema": _SCHEMA, "contracts": entries}, indent=2).encode() + b"\n")


def find_contract(session: Session, text: str, source: str | None) -> tuple[Address, ContractFile]:
    """Return where the contract called `text` stands and what it understands; `source` overrules what is known.

    Raises: UsageRefused.
    """
    if looks_like_address(text):
        address = parse_address(text)[0]
        native = lookup(address)
        known = None if native is None else native.name
    else:
        aliases = load_aliases(session)
        if text not in aliases:
            raise UsageRefused(
                f"this wallet knows no contract {text!r}",
                why=f"it knows: {', '.join(aliases) or 'none'}",
                next_step="type the address, or name it: sycee contract alias NAME ADDRESS --abi FILE",
                code="ALIAS_UNKNOWN",
            )
        address, known = aliases[text].address, aliases[text].source
    chosen = source or known
    if chosen is None:
        raise UsageRefused(
            f"it is not known what {checksum_address(address)} understands",
            why="only contracts of the ledger itself are known by their address",
            next_step="add --abi NAME or --abi FILE.json",
            code="ABI_NEEDED",
        )
    return address, open_contract(chosen)


def source_of(text: str) -> str:
    """Return what to remember of a name or file, good from any folder."""
    path = Path(text)
    return str(path.resolve()) if path.is_file() else text


def _path(session: Session) -> Path:
    return session.home.network_data(session.network.name) / "contracts.json"

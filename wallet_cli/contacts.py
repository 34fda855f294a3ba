"""Names the user gave to addresses of others."""

import json
from pathlib import Path
from typing import Final

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder, read_small, write_private
from wallet_cli.home import validate_name

CONTACTS_SCHEMA: Final = "sycee-contacts/1"
CONTACTS_MAX: Final = 10_000
"""Entries kept; the file stays below a megabyte."""


def load_contacts(path: Path) -> dict[str, Address]:
    """Return all contacts by name, or none if there is no file. Raises: UsageRefused if the file is broken."""
    try:
        content = parse_json(read_small(path))
        if content["schema"] != CONTACTS_SCHEMA:
            raise ValueError(f"schema is {content['schema']!r}")
        return {str(name): parse_address(address)[0] for name, address in content["contacts"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageRefused(
            f"{path} cannot be read: {error}",
            why="a payment must never go to a guessed address",
            next_step=f"correct {path} or restore it from a backup",
            code="CONTACTS_INVALID",
        ) from error


def save_contact(path: Path, name: str, address: Address) -> None:
    """Add a contact, or confirm the same one again. Raises: UsageRefused if the name means another address."""
    contacts = load_contacts(path)
    known = contacts.get(validate_name(name, "a contact"))
    if known == address:
        return
    if known is not None:
        raise UsageRefused(
            f"contact {name} is {checksum_address(known)}, not {checksum_address(address)}",
            why="a name that silently changes its address is how money gets lost",
            next_step=f"sycee contacts add {name}-2 {checksum_address(address)}",
            code="CONTACT_EXISTS",
        )
    if len(contacts) >= CONTACTS_MAX:
        raise UsageRefused(
            f"there are {len(contacts)} contacts already, at most {CONTACTS_MAX} are kept",
            why="the file is read before every payment",
            next_step=f"remove entries from {path}",
            code="CONTACTS_FULL",
        )
    contacts[name] = address
    entries = {key: checksum_address(contacts[key]) for key in sorted(contacts)}
    make_private_folder(path.parent)
    write_private(path, json.dumps({"schema": CONTACTS_SCHEMA, "contacts": entries}, indent=2).encode() + b"\n")

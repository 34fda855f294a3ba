"""Names the user gave to addresses of others, and which of them were compared face to face."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address
from wallet_cli.addresses import checksum_address, parse_address
from wallet_cli.errors import UsageRefused
from wallet_cli.files import SMALL_FILE_BYTES_MAX, make_private_folder, read_small, write_private
from wallet_cli.home import validate_name

CONTACTS_SCHEMA: Final = "sycee-contacts/2"
CONTACTS_SCHEMA_PLAIN: Final = "sycee-contacts/1"
"""Files of wallets that could not pin: an address by name. Still read, never written."""

_KEYS: Final = {"address", "till", "pinned"}


@dataclass(frozen=True, slots=True)
class Contact:
    """What the user said about somebody."""

    address: Address
    """Who is paid."""
    till: Address | None = None
    """Whose signature stands on this payee's invoices offline; None if it was not said."""
    is_pinned: bool = False
    """Address and till were compared with the payee's own screen, face to face."""


def load_contacts(path: Path) -> dict[str, Contact]:
    """Return all contacts by name, or none if there is no file. Raises: UsageRefused if the file is broken."""
    try:
        content = parse_json(read_small(path))
        if content["schema"] == CONTACTS_SCHEMA_PLAIN:
            return {str(name): Contact(parse_address(address)[0]) for name, address in content["contacts"].items()}
        if content["schema"] != CONTACTS_SCHEMA:
            raise ValueError(f"schema is {content['schema']!r}")
        return {str(name): _read_contact(entry) for name, entry in content["contacts"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageRefused(
            f"{path} cannot be read: {error}",
            why="a payment must never go to a guessed address",
            next_step=f"correct {path} or restore it from a backup",
            code="CONTACTS_INVALID",
        ) from error


def find_contact(path: Path, name: str) -> Contact:
    """Return the contact called `name`. Raises: UsageRefused if there is none."""
    contact = load_contacts(path).get(name)
    if contact is None:
        raise UsageRefused(
            f"there is no contact {name!r}",
            why="only names that were added with an address mean somebody",
            next_step="sycee contacts list",
            code="CONTACT_UNKNOWN",
        )
    return contact


def save_contact(path: Path, name: str, address: Address) -> None:
    """Add a contact, or confirm the same one again. Raises: UsageRefused if the name means another address."""
    contacts = load_contacts(path)
    known = contacts.get(validate_name(name, "a contact"))
    if known is not None and known.address == address:
        return
    if known is not None:
        raise UsageRefused(
            f"contact {name} is {checksum_address(known.address)}, not {checksum_address(address)}",
            why="a name that silently changes its address is how money gets lost",
            next_step=f"sycee contacts add {name}-2 {checksum_address(address)}",
            code="CONTACT_EXISTS",
        )
    _save(path, contacts | {name: Contact(address)})


def pin_contact(path: Path, name: str, till: Address | None) -> Contact:
    """Mark a contact as compared face to face, with the till that was compared. Raises: UsageRefused."""
    pinned = replace(find_contact(path, name), till=till, is_pinned=True)
    _save(path, load_contacts(path) | {name: pinned})
    return pinned


def remove_contact(path: Path, name: str) -> None:
    """Forget a contact. Raises: UsageRefused if there is none."""
    find_contact(path, name)
    contacts = load_contacts(path)
    del contacts[name]
    _save(path, contacts)


def contact_record(name: str, contact: Contact) -> dict[str, object]:
    """Return a contact as `--json` shows it."""
    return {
        "name": name,
        "address": checksum_address(contact.address),
        "till": None if contact.till is None else checksum_address(contact.till),
        "pinned": contact.is_pinned,
    }


def _read_contact(entry: Any) -> Contact:
    if not isinstance(entry, dict) or entry.keys() != _KEYS or not isinstance(entry["pinned"], bool):
        raise ValueError(f"an entry has other fields than {', '.join(sorted(_KEYS))}")
    till = None if entry["till"] is None else parse_address(entry["till"])[0]
    return Contact(parse_address(entry["address"])[0], till, entry["pinned"])


def _save(path: Path, contacts: dict[str, Contact]) -> None:
    entries = {name: contact_record(name, contacts[name]) for name in sorted(contacts)}
    for entry in entries.values():
        del entry["name"]
    content = json.dumps({"schema": CONTACTS_SCHEMA, "contacts": entries}, indent=2).encode() + b"\n"
    if len(content) > SMALL_FILE_BYTES_MAX:
        raise UsageRefused(
            f"{len(contacts)} contacts are {len(content)} bytes, at most {SMALL_FILE_BYTES_MAX} are kept",
            why="the file is read before every payment",
            next_step="remove some: sycee contacts rm NAME",
            code="CONTACTS_FULL",
        )
    make_private_folder(path.parent)
    write_private(path, content)

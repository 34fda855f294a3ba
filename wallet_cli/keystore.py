"""Key files: which accounts this wallet holds. Contents stay encrypted here; `signing.py` opens them.

Ethereum keystore version 3, one file per name, 0600 in a folder of 0700.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.primitives.json_text import parse_json
from consensus.primitives.scalars import Address
from wallet_cli.errors import UsageRefused
from wallet_cli.files import (
    PRIVATE_FILE_MODE,
    PRIVATE_FOLDER_MODE,
    make_private_folder,
    read_small,
    validate_private,
    write_private,
)
from wallet_cli.home import validate_name

KDF_WORK_STANDARD: Final = 2**18
"""scrypt cost n with r = 8: about a second and 256 MB, what Ethereum wallets use. Half makes guessing twice as fast."""

KDF_WORK_DEVELOPMENT: Final = 2**12
"""scrypt cost of keys that everybody knows: about 15 ms. Useless against guessing, and labelled so."""


@dataclass(frozen=True, slots=True)
class Account:
    """One key of this wallet, without its secret."""

    name: str
    address: Address
    path: Path
    is_development: bool
    """Encrypted with the cheap key derivation; must never hold anything of value."""


def load_accounts(folder: Path) -> list[Account]:
    """Return all accounts by name, having checked the modes of folder and files.

    Raises: PolicyRefused if others may read a file, UsageRefused if one is broken.
    """
    if not folder.exists():
        return []
    validate_private(folder, PRIVATE_FOLDER_MODE)
    return [_load_account(path) for path in sorted(folder.glob("*.json"))]


def find_account(folder: Path, name: str) -> Account:
    """Return the account called `name`. Raises: UsageRefused naming those there are."""
    accounts = load_accounts(folder)
    for account in accounts:
        if account.name == name:
            return account
    known = ", ".join(account.name for account in accounts) or "none"
    raise UsageRefused(
        f"this wallet has no account {name!r}",
        why=f"its accounts are: {known}",
        next_step=f"sycee keys new {name if name.isalnum() else 'NAME'}",
        code="ACCOUNT_UNKNOWN",
    )


def save_keystore(folder: Path, name: str, keystore: dict[str, object], *, is_development: bool) -> Account:
    """Write an encrypted key under a new name. Raises: UsageRefused if the name is taken."""
    path = folder / f"{validate_name(name, 'an account')}.json"
    make_private_folder(folder)
    validate_private(folder, PRIVATE_FOLDER_MODE)
    try:
        write_private(path, encode_keystore(name, keystore, is_development=is_development), is_new=True)
    except FileExistsError as error:
        raise UsageRefused(
            f"there is an account {name!r} already",
            why=f"{path} exists, and a key is never overwritten",
            next_step=f"choose another name, or look at it: sycee keys show {name}",
            code="ACCOUNT_EXISTS",
        ) from error
    return _load_account(path)


def encode_keystore(name: str, keystore: dict[str, object], *, is_development: bool) -> bytes:
    """Return the content of a key file."""
    content = {**keystore, "name": name, "development": is_development}
    return json.dumps(content, indent=2).encode() + b"\n"


def load_keystore(account: Account) -> dict[str, object]:
    """Return the encrypted content of an account's file."""
    content: dict[str, object] = parse_json(read_small(account.path))
    return content


def _load_account(path: Path) -> Account:
    validate_private(path, PRIVATE_FILE_MODE)
    try:
        content = parse_json(read_small(path))
        address = bytes.fromhex(str(content["address"]).removeprefix("0x"))
        if len(address) != 20 or content["version"] != 3:
            raise ValueError("it is no keystore of version 3")
        is_development = content.get("development") is True
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageRefused(
            f"{path} is no key file: {error}",
            why="key files are Ethereum keystores of version 3",
            next_step=f"restore {path} from a backup, or move it out of the folder",
            code="KEYSTORE_INVALID",
        ) from error
    return Account(path.stem, Address(address), path, is_development)

"""Keys that never leave this device: of purses and tills, and of locks of wallets without a mnemonic.

Random, encrypted as keystores in `vault/`, which no backup takes along: two devices with one purse key would spend the
same units. Source: offline.md §2, §12, R10.
"""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Final

from consensus.primitives.scalars import Address
from consensus.primitives.signatures import SECP256K1_ORDER
from wallet_cli.keystore import Account, load_accounts
from wallet_cli.passwords import PasswordSource

FOLDER: Final = "vault"
"""In a network's folder. Backups leave it out by this name."""

_KEY_BYTES: Final = 32


class VaultKey(Enum):
    """What a key of the vault signs."""

    LOCK = "lock"
    PURSE = "purse"
    TILL = "till"


def make_vault_key(
    network_folder: Path, kind: VaultKey, password: str, *, random: Callable[[int], bytes], is_development: bool
) -> Account:
    """Make a random key, encrypt it in the vault and return its public part."""
    from wallet_cli.signing import store_key

    key = random(_KEY_BYTES)
    # A draw outside the group's order has a chance of 2^-128; it is drawn again, never reduced.
    while not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        key = random(_KEY_BYTES)
    folder = network_folder / FOLDER
    name = f"{kind.value}-{random(4).hex()}"
    return store_key(folder, name, key, password, is_development=is_development)


def load_vault(network_folder: Path) -> dict[Address, Account]:
    """Return the public part of every key of the vault. Raises: PolicyRefused if others may read one."""
    return {account.address: account for account in load_accounts(network_folder / FOLDER)}


def load_vault_kind(network_folder: Path, kind: VaultKey) -> list[Account]:
    """Return the keys of one kind by name."""
    accounts = load_accounts(network_folder / FOLDER)
    return [account for account in accounts if account.name.startswith(f"{kind.value}-")]


def unlock_vault_key(network_folder: Path, signer: Address, source: PasswordSource) -> bytes | None:
    """Return a private key of the vault, or None if it is not there. Raises: PasswordWrong, ProofInvalid."""
    from wallet_cli.signing import unlock

    account = load_vault(network_folder).get(signer)
    return None if account is None else unlock(account, source)

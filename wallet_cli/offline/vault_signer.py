"""The signer of a wallet's own vault: a key is opened when something must be signed with it, and not before."""

import secrets

from consensus.primitives.scalars import Address
from contracts.offline.typed_data import Hop, domain_separator
from wallet_cli.errors import DeviceFailed
from wallet_cli.keystore import Account
from wallet_cli.offline.signer import SoftwareSigner, VoucherFields
from wallet_cli.offline.vault import VaultKey, load_vault, load_vault_kind, make_vault_key, unlock_vault_key
from wallet_cli.passwords import read_password
from wallet_cli.session import Session


class VaultSigner:
    """Signs with device keys of this wallet, for as long as one command lasts."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._separator = domain_separator(session.network.chain_id)
        self._keys: dict[Address, bytes] = {}
        """Opened in this command; as many as it signs with."""

    def sign_voucher(self, key: Address, fields: VoucherFields) -> bytes:
        """Return the signature of a voucher. Raises: DeviceFailed, PasswordWrong."""
        return self._with(key).sign_voucher(key, fields)

    def sign_hop(self, key: Address, hop: Hop, *, value: int) -> bytes:
        """Return the signature of a spend. Raises: DeviceFailed, PasswordWrong."""
        return self._with(key).sign_hop(key, hop, value=value)

    def _with(self, key: Address) -> SoftwareSigner:
        if key not in self._keys:
            self._keys[key] = open_vault_key(self._session, key)
        return SoftwareSigner(self._separator, self._keys)


def open_vault_key(session: Session, key: Address) -> bytes:
    """Return a private key of the vault. Raises: DeviceFailed if it is not on this device, PasswordWrong."""
    folder = session.home.network_data(session.network.name)
    found = unlock_vault_key(folder, key, session.password_source())
    if found is None:
        raise DeviceFailed(
            f"the key of 0x{key.hex()} is not on this device",
            why="keys of locks, purses and tills stay on the device that made them, and are in no backup",
            next_step="use the device that made it; a payer gets the rest back after the claim window",
            code="SIGNER_UNKNOWN_KEY",
        )
    return found


def has_vault_key(session: Session, key: Address) -> bool:
    """Tell whether a key is on this device."""
    return key in load_vault(session.home.network_data(session.network.name))


def spare_key(session: Session, kind: VaultKey, used: set[Address]) -> Account:
    """Return a key of the vault that nothing uses yet, made now if there is none.

    A key made for something that was declined, or not sent before a crash, is taken the next time.
    Raises: Declined, PasswordWrong.
    """
    folder = session.home.network_data(session.network.name)
    for account in load_vault_kind(folder, kind):
        if account.address not in used:
            return account
    is_development = all(account.is_development for account in session.accounts)
    password = read_password(session.password_source(), "Password of this wallet's device keys")
    return make_vault_key(folder, kind, password, random=secrets.token_bytes, is_development=is_development)

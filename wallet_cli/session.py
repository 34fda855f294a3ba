"""What one command works with: options, folders, network, endpoints, trust. Everything is opened when first needed.

So a command without a network opens no connection, and one without a key loads no key library.
"""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Final

from consensus.primitives.scalars import Address
from wallet_cli.addresses import looks_like_address, parse_address
from wallet_cli.contacts import Contact, load_contacts
from wallet_cli.errors import UsageRefused
from wallet_cli.home import Home, Network, Preferences, load_network, load_preferences, open_home, validate_endpoints
from wallet_cli.keystore import Account, find_account, load_accounts
from wallet_cli.output import Output
from wallet_cli.passwords import PasswordSource

if TYPE_CHECKING:
    from wallet_cli.client import Client
    from wallet_cli.offline.database import OfflineDatabase
    from wallet_cli.outbox import Outbox
    from wallet_cli.trust_store import TrustStore
    from wallet_cli.verified import Verifier

TIMEOUT_MS: Final = 10_000
"""How long a command waits for an outcome unless `--timeout` says otherwise: a hundred times a usual payment."""


def _now_ms() -> int:
    # Nanoseconds to milliseconds; the remainder is below what anything here can see.
    return time.time_ns() // 1_000_000


def _pause_ms(duration_ms: int) -> None:
    time.sleep(duration_ms / 1000)


@dataclass(slots=True)
class Settings:
    """The global options as typed, and the clock; filled while the command line is read."""

    home: str = ""
    network: str = ""
    rpc: tuple[str, ...] = ()
    sender: str = ""
    is_json: bool = False
    is_yes: bool = False
    is_dry_run: bool = False
    timeout_ms: int = TIMEOUT_MS
    is_plain: bool = False
    verbosity: int = 0
    password_fd: int | None = None
    password_file: str = ""
    now_ms: Callable[[], int] = field(default=_now_ms)
    pause_ms: Callable[[int], None] = field(default=_pause_ms)

    def output(self) -> Output:
        """Return the streams that these options ask for."""
        is_plain = self.is_plain or "NO_COLOR" in os.environ
        return Output(is_json=self.is_json, is_plain=is_plain, verbosity=self.verbosity)


class Session:
    """One command's wallet; a context manager that closes what was opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.output = settings.output()
        self._opened = ExitStack()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()

    @cached_property
    def home(self) -> Home:
        """The folders. Raises: UsageRefused while a restore into them is not finished."""
        home = open_home(self.settings.home, os.environ)
        if home.restore_mark.exists():
            raise UsageRefused(
                f"a restore into {home.data} is not finished",
                why="half of a wallet could pay twice, or forget what it was paid",
                next_step="repeat it: sycee backup restore FILE",
                code="RESTORE_UNFINISHED",
            )
        return home

    @cached_property
    def preferences(self) -> Preferences:
        """config.toml."""
        return load_preferences(self.home)

    @cached_property
    def network(self) -> Network:
        """The chosen network, with the endpoints of `--rpc` if any were given."""
        name = self.settings.network or self.preferences.network
        if not name:
            raise UsageRefused(
                "this wallet knows no network yet",
                why="a network file holds the trust root and where to ask",
                next_step="sycee init --network NAME --genesis genesis.json --rpc URL",
                code="NETWORK_UNKNOWN",
            )
        network = load_network(self.home, name)
        if not self.settings.rpc:
            return network
        endpoints = validate_endpoints(self.settings.rpc)
        return Network(
            network.name,
            network.chain_id,
            network.document_hash,
            network.validator_set,
            endpoints,
            network.accepted_ms,
        )

    @cached_property
    def client(self) -> "Client":
        """The endpoints."""
        from wallet_cli.client import Client

        return Client(self.network.endpoints, self.settings.timeout_ms)

    @cached_property
    def trust_store(self) -> "TrustStore":
        """What was verified before."""
        from wallet_cli.trust_store import TrustStore

        store = TrustStore(self.home.network_data(self.network.name))
        self._opened.callback(store.close)
        return store

    @cached_property
    def outbox(self) -> "Outbox":
        """Signed transactions."""
        from wallet_cli.outbox import Outbox

        outbox = Outbox(self.home.network_data(self.network.name))
        self._opened.callback(outbox.close)
        return outbox

    @cached_property
    def offline_database(self) -> "OfflineDatabase":
        """What offline money is remembered in; the only process that has it open.

        Raises: WalletLocked, DeviceFailed, RestoredHome.
        """
        from wallet_cli.offline.database import OfflineDatabase

        name = self.network.name
        database = OfflineDatabase(
            self.home.network_data(name), self.home.offline_guard(name), random=secrets.token_bytes
        )
        self._opened.callback(database.close)
        return database

    @cached_property
    def verifier(self) -> "Verifier":
        """Proven reads."""
        from wallet_cli.verified import Verifier

        return Verifier(network=self.network, client=self.client, store=self.trust_store, now_ms=self.settings.now_ms)

    @cached_property
    def accounts(self) -> list[Account]:
        """The keys of this wallet, without their secrets."""
        return load_accounts(self.home.keys)

    @cached_property
    def contact_book(self) -> dict[str, Contact]:
        """Everything known of others, by name."""
        return load_contacts(self.home.contacts_file)

    @cached_property
    def contacts(self) -> dict[str, Address]:
        """Names of others."""
        return {name: contact.address for name, contact in self.contact_book.items()}

    @cached_property
    def _names(self) -> dict[bytes, str]:
        """Names by address: own accounts before contacts, and of several the first."""
        named = [(account.name, account.address) for account in self.accounts]
        return {address: name for name, address in reversed([*named, *self.contacts.items()])}

    def account(self, name: str = "") -> Account:
        """Return the account called `name`, or the default one. Raises: UsageRefused."""
        chosen = name or self.settings.sender or self.preferences.account
        if chosen:
            return find_account(self.home.keys, chosen)
        if len(self.accounts) == 1:
            return self.accounts[0]
        names = ", ".join(account.name for account in self.accounts) or "none"
        raise UsageRefused(
            "it is not said which account is meant",
            why=f"this wallet has: {names}; no default is set",
            next_step="repeat with --from NAME, or set one: sycee keys use NAME"
            if self.accounts
            else "sycee keys new NAME",
            code="ACCOUNT_NEEDED",
        )

    def reader(self) -> Account | None:
        """Return the account that is meant, or None if none or several could be: enough to look at something."""
        try:
            return self.account()
        except UsageRefused:
            return None

    def resolve(self, text: str) -> tuple[str, Address, bool]:
        """Return (name or empty, address, is known or checksummed) of a contact, own account or address.

        Raises: UsageRefused.
        """
        if not looks_like_address(text):
            if text in self.contacts:
                return text, self.contacts[text], True
            for account in self.accounts:
                if account.name == text:
                    return text, account.address, True
        address, has_checksum = parse_address(text)
        name = self.name_of(address)
        return name, address, has_checksum or bool(name)

    def name_of(self, address: bytes) -> str:
        """Return the name this wallet has for an address, or an empty string."""
        return self._names.get(address, "")

    def password_source(self) -> PasswordSource:
        """Return where the password of keys comes from."""
        return PasswordSource(self.settings.password_fd, self.settings.password_file, self.preferences.password_file)

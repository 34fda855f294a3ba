"""What one administrative command knows while it reads words and shows values: wallet, height, currency, signer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consensus.primitives.scalars import Address
from wallet_cli.admin.proven import ProvenLedger
from wallet_cli.amounts import Currency, find_currency
from wallet_cli.contract_aliases import load_aliases
from wallet_cli.currencies import load_currencies
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head


@dataclass(frozen=True, slots=True)
class Scope:
    """Where words get their meaning from."""

    session: Session
    proven: ProvenLedger | None
    """The newest proven state; None for commands that work without a network."""
    currencies: Sequence[Currency]
    currency: Currency | None
    """The currency the command names; None for commands that name none."""
    signer: Address
    """Whose rights the command uses: an account of this wallet, or a council; zero where nothing is signed."""
    contracts: Mapping[str, Address]
    """Contracts this wallet has names for, councils among them."""

    @property
    def ledger(self) -> ProvenLedger:
        """The newest proven state, for commands that have a network."""
        assert self.proven is not None
        return self.proven

    @property
    def own_currency(self) -> Currency:
        """The currency, for what is only asked of commands that name one."""
        assert self.currency is not None
        return self.currency


def open_scope(session: Session, *, code: str | None = None, signer: Address | None = None) -> Scope:
    """Prove the newest height and return the scope of a command about the currency `code`, or about none.

    Raises: ProofInvalid if no endpoint proves anything, UsageRefused for a currency that is not there.
    """
    head = provable_head(session)
    currencies = load_currencies(session, head)
    currency = None if code is None else find_currency(code, currencies)
    signing = signer or Address(bytes(20))
    return Scope(session, ProvenLedger(session, head), currencies, currency, signing, known_contracts(session))


def offline_scope(session: Session) -> Scope:
    """Return the scope of a command that asks nobody; it knows the currencies proven before."""
    currencies = session.trust_store.load_currencies()
    return Scope(session, None, currencies, None, Address(bytes(20)), known_contracts(session))


def known_contracts(session: Session) -> dict[str, Address]:
    """Return the contracts this wallet has names for."""
    return {name: known.address for name, known in load_aliases(session).items()}


def resolve_account(session: Session, contracts: Mapping[str, Address], text: str) -> Address:
    """Return what `text` means: an own account, a contact, an address, or else a contract by its name.

    Raises: UsageRefused.
    """
    is_person = text in session.contacts or any(account.name == text for account in session.accounts)
    return contracts[text] if text in contracts and not is_person else session.resolve(text)[1]

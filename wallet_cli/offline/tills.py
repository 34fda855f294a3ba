"""The till of an account: its card, kept as a file, and the key that signs for it. Source: offline.md §2, §8."""

from pathlib import Path

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.offline.typed_data import card_digest
from wallet_cli.errors import UsageRefused
from wallet_cli.files import make_private_folder, write_private
from wallet_cli.keystore import Account
from wallet_cli.offline.carriers import read_message
from wallet_cli.offline.domain import separator_of
from wallet_cli.offline.file_transport import SUFFIX, read_message_file
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import Card
from wallet_cli.offline.payer import check_card
from wallet_cli.offline.policy import load_policy
from wallet_cli.offline.reading import decode_as
from wallet_cli.offline.signer import sign_digest
from wallet_cli.offline.till_desk import TillDesk
from wallet_cli.offline.vault_signer import open_vault_key
from wallet_cli.offline.words import refusal
from wallet_cli.session import Session
from wallet_cli.unlocking import open_key


def load_own_card(session: Session, payee: Address) -> Card | None:
    """Return the card of an account's till; None if the account itself is its till."""
    path = _path(session, payee)
    if not path.exists():
        return None
    card = decode_message(read_message_file(path))
    assert isinstance(card, Card), "this wallet wrote it"
    return card


def make_card(session: Session, account: Account, *, till: Address, name: str, until_s: int) -> Card:
    """Introduce a till by its payee's account, keep the card, and return it. Raises: PasswordWrong."""
    digest = card_digest(separator_of(session), payee=account.address, till=till, name=name, until_s=until_s)
    signature = sign_digest(open_key(session, account), digest)
    card = Card(session.network.chain_id, account.address, until_s, name, signature, till)
    path = _path(session, account.address)
    make_private_folder(path.parent)
    write_private(path, encode_message(card))
    return card


def read_card(session: Session, source: str) -> Card:
    """Return somebody's card, checked at this device's time. Raises: UsageRefused, ProofInvalid, PolicyRefused."""
    card = decode_as(Card, read_message([source]))
    refused = check_card(
        session.network.chain_id, separator_of(session), card, now_s=session.settings.now_ms() // 1_000
    )
    if refused is not None:
        raise refusal(refused)
    return card


def open_till(session: Session) -> TillDesk:
    """Return the till of the account in use, its key opened for this command. Raises: PasswordWrong, DeviceFailed."""
    account = session.account()
    card = load_own_card(session, account.address)
    till = ZERO_ADDRESS if card is None else card.till
    key = open_vault_key(session, till) if any(till) else open_key(session, account)
    policy = load_policy(session.home)
    currencies = session.trust_store.load_currencies()
    if not currencies:
        raise UsageRefused(
            "this wallet has never proven the network's currencies",
            why="an amount is only as good as the currency it is in",
            next_step="once with a network: sycee offline sync",
            code="NEVER_ONLINE",
        )
    return TillDesk(
        session.offline_database,
        session.network.chain_id,
        account.address,
        till,
        key,
        policy.limits(currencies),
        policy.till_policy(),
    )


def _path(session: Session, payee: Address) -> Path:
    return session.home.network_data(session.network.name) / "cards" / f"{payee.hex()}{SUFFIX}"

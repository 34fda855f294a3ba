"""`sycee send`: pay, and return when the payment is final and proven."""

from dataclasses import dataclass
from pathlib import Path

import click

from consensus.primitives.scalars import Address
from contracts.movements import MovementKind
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, parse_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.keystore import Account
from wallet_cli.memos import encode_memo
from wallet_cli.outbox import Intent
from wallet_cli.payments import GAS_LIMIT_MAX, Payment, payment_intent, payments_in, validate_moved
from wallet_cli.positions import require_spendable
from wallet_cli.recipients import kind_of, validate_recipient, warnings_of
from wallet_cli.screens import Confirmation, confirmation_screen, transaction_record
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head
from wallet_cli.unsigned_transactions import build_unsigned, hand_over_unsigned
from wallet_cli.verified import Head


@wallet_command(
    "send",
    needs=(Need.NETWORK, Need.KEY),
    examples=('sycee send bob "12.34 EUR" --memo INV-2041 --yes', "sycee send bob 12.34 EUR --yes --json"),
)
@click.argument("to")
@click.argument("amount")
@click.argument("currency", required=False, default=None)
@click.option("--memo", default="", metavar="TEXT", help="Reference of at most 32 bytes, public on the ledger.")
@click.option(
    "--unsigned",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Sign nothing: write the payment to FILE, for sycee tx sign.",
)
def send(session: Session, to: str, amount: str, currency: str | None, memo: str, unsigned: Path | None) -> None:
    """Pay AMOUNT to a contact, an own account or an address, and return when it is final and proven.

    The signed payment is on disk before it is sent. After a time-out or a crash the same command sends the same bytes:
    it cannot pay twice.
    """
    pay(session, to, amount, currency, memo, unsigned=unsigned)


def pay(session: Session, to: str, amount: str, currency: str | None, memo: str, *, unsigned: Path | None) -> None:
    """Pay what was typed or read from a link, or write the payment to `unsigned`, and answer.

    Raises: Declined, InsufficientFunds, TransactionRefused, OutcomeUnknown, ProofInvalid, UsageRefused.
    """
    account = session.account()
    name, recipient, has_checksum = session.resolve(to)
    validate_recipient(recipient)
    head = provable_head(session)
    currencies = load_currencies(session, head)
    money = parse_amount(amount, currencies, code=currency)
    order = _Order(recipient, name, has_checksum, money, encode_memo(memo))
    intent = payment_intent(account.address, recipient, money, order.memo)
    if unsigned is not None:
        require_spendable(session, head, account, money)
        built = build_unsigned(session, head, intent, gas_limit_max=GAS_LIMIT_MAX)
        hand_over_unsigned(session, built, unsigned, "file", proof=head.proof)
        return
    found = carry_out(
        session,
        head,
        account,
        lambda: _deed(session, account, intent, order, head),
        is_same=intent.__eq__,
        name="payment",
    )
    if found is None:
        return
    payments = payments_in(found, currencies)
    expected = Payment(MovementKind.PAYMENT, account.address, recipient, money, order.memo)
    validate_moved(found, payments, expected)
    text = f"{final_line(found.proof)}\n0x{found.transaction.hash.hex()}"
    session.output.result(transaction_record(found, payments), text, proof=found.proof)


@dataclass(frozen=True, slots=True)
class _Order:
    """What the payer typed, understood."""

    recipient: Address
    name: str
    """Empty if this wallet has none for the recipient."""
    has_checksum: bool
    """Or is known by name."""
    money: Amount
    memo: bytes


def _deed(session: Session, account: Account, intent: Intent, order: _Order, head: Head) -> Deed:
    """Check the balance and describe the payment. Raises: InsufficientFunds."""
    recipient, money = order.recipient, order.money
    before, after = require_spendable(session, head, account, money)
    if recipient == account.address:
        after = before
    screen = Confirmation(
        network=session.network.name,
        chain_id=session.network.chain_id,
        recipient_name=order.name,
        recipient_kind=kind_of(session, recipient),
        recipient=recipient,
        amount=money,
        sender_name=account.name,
        after=after,
        memo=order.memo,
        proof=head.proof,
        warnings=warnings_of(recipient, order.name, order.has_checksum, head.proof),
    )
    record: dict[str, object] = {"to": checksum_address(recipient), "units": str(money.units)}
    return Deed(intent, confirmation_screen(screen), record)

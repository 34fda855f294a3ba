"""`sycee send`: pay, and return when the payment is final and proven."""

from dataclasses import dataclass

import click

from consensus.primitives.scalars import Address, AmountMinor
from contracts.addresses import is_system_address
from contracts.movements import MovementKind
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, format_amount, parse_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import InsufficientFunds, ProofInvalid, UsageRefused
from wallet_cli.keystore import Account
from wallet_cli.memos import encode_memo
from wallet_cli.outbox import Entry, Intent
from wallet_cli.output import Proof
from wallet_cli.payments import GAS_LIMIT_MAX, payment_intent, payments_in
from wallet_cli.positions import read_position
from wallet_cli.screens import Confirmation, confirmation_screen, transaction_record
from wallet_cli.session import Session
from wallet_cli.transactions import (
    estimate_gas,
    next_nonce,
    open_entry,
    settle,
    sign_and_store,
    validate_succeeded,
)
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
def send(session: Session, to: str, amount: str, currency: str | None, memo: str) -> None:
    """Pay AMOUNT to a contact, an own account or an address, and return when it is final and proven.

    The signed payment is on disk before it is sent. After a time-out or a crash the same command sends the same bytes:
    it cannot pay twice.
    """
    account = session.account()
    name, recipient, has_checksum = session.resolve(to)
    _validate_recipient(recipient)
    head = session.verifier.head()
    if head is None:
        raise ProofInvalid(
            "no endpoint proves what it says, so the payment could not be proven either",
            why="send returns only what it has verified",
            next_step="name a node that serves proofs: --rpc URL",
            code="PROOF_MISSING",
        )
    currencies = load_currencies(session, head)
    money = parse_amount(amount, currencies, code=currency)
    order = _Order(recipient, name, has_checksum, money, encode_memo(memo))
    intent = payment_intent(account.address, recipient, money, order.memo)
    with session.outbox.account_lock(account.address):
        entry = open_entry(session, intent)
        if entry is not None:
            session.output.say(f"resuming the payment signed before: 0x{entry.hash.hex()}")
        else:
            entry = _new_entry(session, account, intent, order, head)
            if entry is None:
                return
        with session.output.progress(f"waiting until 0x{entry.hash.hex()[:8]}… is final"):
            found = settle(session, entry.hash, entry.raw)
    validate_succeeded(session, found)
    payments = payments_in(found, currencies)
    if not any(
        (payment.kind, payment.sender, payment.recipient, payment.amount, payment.memo)
        == (MovementKind.PAYMENT, account.address, recipient, money, order.memo)
        for payment in payments
    ):
        raise ProofInvalid(
            f"0x{entry.hash.hex()} is final and its receipt shows no transfer of {format_amount(money)} to {to}",
            why="the receipt is proven, so the currency did something else than it should",
            next_step=f"sycee tx show 0x{entry.hash.hex()}",
            code="RECEIPT_UNEXPECTED",
        )
    line = f"final at height {found.final.header.height}, signed {found.proof.signed}"
    session.output.result(
        transaction_record(found, payments), f"{line}\n0x{found.transaction.hash.hex()}", proof=found.proof
    )


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


def _new_entry(session: Session, account: Account, intent: Intent, order: _Order, head: Head) -> Entry | None:
    """Check, ask, sign and store; None on a dry run. Raises: InsufficientFunds, Declined, PasswordWrong."""
    recipient, money = order.recipient, order.money
    state, _ = session.verifier.read_account(head, account.address)
    position = read_position(session, head, account.address, money.currency)
    if position.spendable.units < money.units:
        raise InsufficientFunds(
            f"{account.name} can spend {format_amount(position.spendable)}, {format_amount(money)} are to be paid",
            why=f"the balance is {head.proof.label()}; nothing was signed",
            next_step=f"sycee balance {account.name}",
        )
    gas_limit = estimate_gas(session, intent, gas_limit_max=GAS_LIMIT_MAX)
    after = Amount(AmountMinor(position.spendable.units - money.units), money.currency)
    if recipient == account.address:
        after = position.spendable
    screen = Confirmation(
        network=session.network.name,
        chain_id=session.network.chain_id,
        recipient_name=order.name,
        recipient_kind=_kind(session, recipient),
        recipient=recipient,
        amount=money,
        sender_name=account.name,
        after=after,
        memo=order.memo,
        proof=head.proof,
        warnings=_warnings(recipient, order.name, order.has_checksum, head.proof),
    )
    session.output.say(confirmation_screen(screen))
    if session.settings.is_dry_run:
        record = {"dry_run": True, "to": checksum_address(recipient), "units": str(money.units)}
        session.output.result(record, "dry run: nothing was signed", proof=head.proof)
        return None
    session.output.confirm("Send?", is_yes=session.settings.is_yes, next_step="repeat with --yes to send")
    nonce = next_nonce(session, account.address, state.nonce if state is not None else 0)
    return sign_and_store(session, account, intent, nonce=nonce, gas_limit=gas_limit)


def _validate_recipient(recipient: Address) -> None:
    if is_system_address(recipient) or recipient == Address(bytes(20)):
        raise UsageRefused(
            f"{checksum_address(recipient)} is a contract of the ledger itself, or nobody",
            why="money sent there would be refused, or belong to nobody",
            next_step="check the address with the payee",
            code="RECIPIENT_SYSTEM",
        )


def _kind(session: Session, recipient: Address) -> str:
    if recipient in session.contacts.values():
        return "contact"
    if any(account.address == recipient for account in session.accounts):
        return "own account"
    return "address"


def _warnings(recipient: Address, name: str, has_checksum: bool, proof: Proof) -> tuple[str, ...]:
    warnings = []
    if not has_checksum:
        warnings.append(f"the address has no checksum; it reads {checksum_address(recipient)}")
    if not name:
        warnings.append("this wallet has no name for the recipient")
    if proof.level != "verified":
        warnings.append(f"the balance is {proof.label()}")
    return tuple(warnings)

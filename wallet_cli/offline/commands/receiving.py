"""`sycee offline invoice|receive` and `sycee charge`: the payee's side of a payment, with no network."""

import secrets
from pathlib import Path
from typing import Final

import click

from contracts.offline.typed_data import INVOICE_BYTES
from wallet_cli.amounts import format_amount, parse_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.errors import Declined, PolicyRefused
from wallet_cli.moments import instant_text
from wallet_cli.offline import till_tables
from wallet_cli.offline.carriers import Way, carrier_options, carry, read_message, show_frames, way_of
from wallet_cli.offline.message_encoder import encode_message
from wallet_cli.offline.messages import CardProof, Heal, Invoice, Mode, Receipt
from wallet_cli.offline.policy import load_policy
from wallet_cli.offline.till_desk import (
    BestRaised,
    DoubleSpendFound,
    TillAnswer,
    TillDesk,
    make_invoice,
    receive_payment,
)
from wallet_cli.offline.tills import load_own_card, open_till
from wallet_cli.offline.verdicts import Refused
from wallet_cli.offline.words import Names, double_spend, refusal
from wallet_cli.output import has_terminal
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session

_KEY: Final = (Need.KEY,)


@wallet_command(
    "invoice",
    needs=_KEY,
    examples=('sycee offline invoice "12.34 EUR"', 'sycee offline invoice "12.34 EUR" --via png --out invoice.png'),
)
@click.argument("amount")
@carrier_options
def invoice(session: Session, amount: str, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> None:
    """Ask for AMOUNT: an INVOICE signed by this till, good for ten minutes."""
    way = way_of(session, via, out, frame_bytes, invert)
    _show_invoice(session, way, _make(session, open_till(session), amount))


@wallet_command(
    "receive",
    needs=_KEY,
    examples=(
        "sycee offline receive payment-77aa01c9.sycee",
        "sycee offline receive paid/ --via png --out receipt.png",
    ),
)
@click.argument("sources", nargs=-1, required=True, metavar="IN...")
@carrier_options
def receive(
    session: Session, sources: tuple[str, ...], via: str | None, out: Path | None, frame_bytes: int, invert: bool
) -> None:
    """Check a PAYMENT, keep it, and only then say so: the answer is a RECEIPT, or a HEAL to be paid anew."""
    receive_message(session, way_of(session, via, out, frame_bytes, invert), read_message(sources))


@wallet_command("charge", needs=_KEY, examples=('sycee charge "12.34 EUR"', 'sycee charge "12.34 EUR" --via text'))
@click.argument("amount")
@carrier_options
def charge(session: Session, amount: str, via: str | None, out: Path | None, frame_bytes: int, invert: bool) -> None:
    """Ask for AMOUNT, wait for the payment, and answer it, in one go; needs a terminal."""
    if not has_terminal():
        raise Declined(
            "there is no terminal to read the payment on",
            why="charge asks for the next scan itself",
            next_step="in scripts: sycee offline invoice AMOUNT, then sycee offline receive IN",
        )
    way = way_of(session, via, out, frame_bytes, invert)
    desk = open_till(session)
    _show_invoice(session, way, _make(session, desk, amount))
    while True:
        typed = click.prompt("payment (file, picture or text)", err=True)
        found = _decide(session, desk, read_message(typed.split()))
        _answer(session, way, found)
        if isinstance(found, Receipt):
            return


def receive_message(session: Session, way: Way, content: bytes) -> None:
    """Check a PAYMENT, keep it, and show the answer. Raises: as the answer says, PasswordWrong, DeviceFailed."""
    _answer(session, way, _decide(session, open_till(session), content))


def _make(session: Session, desk: TillDesk, amount: str) -> Invoice:
    money = parse_amount(amount, pinned_currencies(session))
    card = load_own_card(session, desk.payee)
    valid_s = load_policy(session.home).duration_s("invoice_valid")
    return make_invoice(
        desk,
        currency=money.currency.address,
        amount_minor=money.units,
        number=secrets.token_bytes(INVOICE_BYTES),
        until_s=session.settings.now_ms() // 1_000 + valid_s,
        modes=Mode.PAIRED | Mode.PURSE,
        name="" if card is None else card.name,
        card=None if card is None or not any(card.till) else CardProof(card.until_s, card.signature),
    )


def _show_invoice(session: Session, way: Way, made: Invoice) -> None:
    names = Names(session, pinned_currencies(session))
    carried = carry(session, way, "invoice", encode_message(made))
    money = names.amount(made.currency, made.amount_minor)
    record = {
        "invoice": made.invoice.hex(),
        "amount": format_amount(money),
        "until_s": made.until_s,
        **carried.record,
    }
    text = f"{carried.text}\n{format_amount(money)}, good until {instant_text(made.until_s)}"
    session.output.result(record, text)
    show_frames(carried, way)


def _decide(session: Session, desk: TillDesk, content: bytes) -> TillAnswer:
    return receive_payment(desk, content, device_s=session.settings.now_ms() // 1_000)


def _answer(session: Session, way: Way, found: TillAnswer) -> None:
    """Show what the payer is answered. Raises: DoubleSpendDetected, PolicyRefused, ProofInvalid, InsufficientFunds."""
    match found:
        case Receipt():
            _show_receipt(session, way, found)
        case Heal():
            carried = carry(session, way, "heal", encode_message(found))
            record = {"accepted": False, "invoice": found.invoice.hex(), "best": str(found.best), **carried.record}
            text = f"{carried.text}\nNOT accepted yet: an earlier payment is unknown here; show this, to be paid anew"
            session.output.result(record, text)
            show_frames(carried, way)
        case BestRaised():
            raise PolicyRefused(
                "an earlier payment that this till had forgotten is back; the open invoice is still unpaid",
                why=f"{found.best} minor units of lock {found.lock_id.hex()[:8]} are accepted now",
                next_step="the payer shows the payment of the open invoice again, then: sycee offline receive IN",
                code="BEST_RAISED",
            )
        case DoubleSpendFound():
            raise double_spend(found.fraud)
        case Refused():
            raise refusal(found)


def _show_receipt(session: Session, way: Way, found: Receipt) -> None:
    names = Names(session, pinned_currencies(session))
    accepted = till_tables.load_invoice(session.offline_database, found.invoice)
    assert accepted is not None
    asked = accepted[0].invoice
    carried = carry(session, way, "receipt", encode_message(found))
    money = names.money(asked.currency, asked.amount_minor)
    until_s = till_tables.load_claim_until_s(session.offline_database, found.invoice)
    record = {
        "accepted": True,
        "invoice": found.invoice.hex(),
        "amount": money,
        "claim_until_s": until_s,
        **carried.record,
    }
    text = f"✓ {money} accepted, guaranteed until {instant_text(until_s)}\n{carried.text}"
    session.output.result(record, text)
    show_frames(carried, way)

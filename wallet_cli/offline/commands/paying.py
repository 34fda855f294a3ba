"""`sycee offline pay|answer`: the payer's side of a payment, with no network. Source: offline.md §9."""

from pathlib import Path
from typing import Final

import click

from wallet_cli.amounts import Amount, format_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.errors import Declined as DeclinedByUser
from wallet_cli.errors import UsageRefused
from wallet_cli.offline import payer_tables
from wallet_cli.offline.carriers import Way, carrier_options, carry, read_message, show_frames, way_of
from wallet_cli.offline.messages import Heal, Invoice, Receipt
from wallet_cli.offline.pairing import Confirm
from wallet_cli.offline.payer import SignVoucher
from wallet_cli.offline.payer_desk import Declined, PayerDesk, answer_heal, pay_invoice, store_receipt
from wallet_cli.offline.policy import load_policy
from wallet_cli.offline.reading import command_of, decode_any, decode_as
from wallet_cli.offline.vault_signer import VaultSigner
from wallet_cli.offline.verdicts import Refused
from wallet_cli.offline.words import Names, payment_screen, refusal
from wallet_cli.output import has_terminal
from wallet_cli.pinned_currencies import pinned_currencies
from wallet_cli.session import Session

_KEY: Final = (Need.KEY,)
_sources: Final = click.argument("sources", nargs=-1, required=True, metavar="IN...")


@wallet_command(
    "pay",
    needs=_KEY,
    examples=(
        "sycee offline pay invoice-5f3a9c01.sycee",
        "sycee offline pay invoice.png --yes --via png --out payment",
    ),
)
@_sources
@carrier_options
def pay(
    session: Session, sources: tuple[str, ...], via: str | None, out: Path | None, frame_bytes: int, invert: bool
) -> None:
    """Pay an INVOICE: check it, ask, sign, and show the PAYMENT. The same invoice again shows the same bytes."""
    way = way_of(session, via, out, frame_bytes, invert)
    pay_message(session, way, decode_as(Invoice, read_message(sources)))


@wallet_command(
    "answer",
    needs=_KEY,
    examples=("sycee offline answer receipt-0b1c22d3.sycee", "sycee offline answer heal.png --via png --out payment"),
)
@_sources
@carrier_options
def answer(
    session: Session, sources: tuple[str, ...], via: str | None, out: Path | None, frame_bytes: int, invert: bool
) -> None:
    """Take the payee's answer: keep a RECEIPT, or pay anew what a HEAL says was never accepted."""
    way = way_of(session, via, out, frame_bytes, invert)
    take_answer(session, open_payer(session), way, read_message(sources))


def pay_message(session: Session, way: Way, invoice: Invoice) -> None:
    """Ask, promise, sign and show; on a terminal also wait for the payee's answer.

    Raises: Declined, InsufficientFunds, PolicyRefused, ProofInvalid, DeviceFailed.
    """
    desk = open_payer(session)
    _show(session, way, pay_invoice(desk, invoice, now_s=session.settings.now_ms() // 1_000), invoice)
    if has_terminal() and not session.settings.is_yes:
        _await_answer(session, desk, way)


def open_payer(session: Session) -> PayerDesk:
    """Return what pays from this wallet's locks and purses; keys are opened when something is signed."""
    currencies = pinned_currencies(session)
    names = Names(session, currencies)
    policy = load_policy(session.home)

    def confirm(asked: Confirm) -> bool:
        money = names.amount(asked.invoice.currency, asked.invoice.amount_minor)
        session.output.say(payment_screen(names, asked, until_s=_claim_until_s(session, asked)))
        if session.settings.is_dry_run:
            return False
        if money.units > policy.amount("confirm_over", money.currency).units:
            _require_typed(session, money)
        else:
            session.output.confirm(
                "Pay?", is_yes=session.settings.is_yes, next_step="repeat with --yes to pay; nothing was promised"
            )
        return True

    return PayerDesk(
        session.offline_database,
        VaultSigner(session),
        session.network.chain_id,
        tuple(currency.address for currency in currencies),
        confirm,
    )


def show_payment(session: Session, way: Way, content: bytes, invoice: Invoice) -> None:
    """Show a PAYMENT, and what it is."""
    carried = carry(session, way, "payment", content)
    names = Names(session, pinned_currencies(session))
    money = names.money(invoice.currency, invoice.amount_minor)
    record = {"invoice": invoice.invoice.hex(), "amount": money, **carried.record}
    session.output.result(
        record, f"{carried.text}\n{money} promised; show this to {names.payee(invoice).split('  ')[0]}"
    )
    show_frames(carried, way)


def _show(session: Session, way: Way, found: bytes | Refused | Declined, invoice: Invoice | None) -> None:
    match found:
        case bytes():
            assert invoice is not None, "something was promised for it"
            show_payment(session, way, found, invoice)
        case Refused():
            raise refusal(found)
        case Declined():
            raise DeclinedByUser(
                "not paid, nothing was promised", why="--dry-run was given", next_step="repeat without --dry-run"
            )


def take_answer(session: Session, desk: PayerDesk, way: Way, content: bytes) -> None:
    """Keep a RECEIPT, or pay anew what a HEAL says was never accepted. Raises: UsageRefused, ProofInvalid, Declined."""
    message = decode_any(content)
    now_s = session.settings.now_ms() // 1_000
    match message:
        case Receipt():
            kept = store_receipt(desk, message)
            if isinstance(kept, Refused):
                raise refusal(kept)
            names = Names(session, pinned_currencies(session))
            money = names.money(kept.request.currency, kept.request.amount_minor)
            record = {"invoice": kept.request.invoice.hex(), "amount": money, "receipt_time_s": message.time_s}
            session.output.result(record, f"receipt kept: {money} accepted by {names.payee(kept.request)}")
        case Heal():
            session.output.say("the payee did not accept it: a scan was lost, or one side was restored; paying anew")
            paid = payer_tables.load_promised(desk.database, message.invoice)
            _show(session, way, answer_heal(desk, message, now_s=now_s), paid)
        case _:
            raise UsageRefused(
                f"a {type(message).__name__} answers nothing",
                why="a payee answers a payment with a RECEIPT or a HEAL",
                next_step=f"{command_of(message)} with the same file",
                code="MESSAGE_OTHER_KIND",
            )


def _await_answer(session: Session, desk: PayerDesk, way: Way) -> None:
    """Ask a person for the payee's answer, until there is a receipt or nothing is typed."""
    while True:
        typed = click.prompt(
            "receipt (file, picture or text; Enter for none)", default="", show_default=False, err=True
        )
        if not typed:
            return
        content = read_message(typed.split())
        take_answer(session, desk, way, content)
        if isinstance(decode_any(content), Receipt):
            return


def _require_typed(session: Session, money: Amount) -> None:
    """Have a large amount typed, so that a slipped point is noticed. Raises: Declined."""
    shown = format_amount(money)
    if session.settings.is_yes:
        return
    if not has_terminal() or click.prompt(f"type {shown} to pay it", err=True).strip() != shown:
        raise DeclinedByUser(
            "not paid, nothing was promised",
            why=f"amounts above this wallet's confirm_over are typed: {shown}",
            next_step="repeat with --yes, or on a terminal",
        )


def _claim_until_s(session: Session, asked: Confirm) -> int:
    database = session.offline_database
    if isinstance(asked.verdict, SignVoucher):
        lock = payer_tables.load_lock(database, asked.verdict.lock_id)
        assert lock is not None
        return lock[1].word.claim_until_s
    purse = payer_tables.load_purse(database, asked.verdict.purse_id)
    assert purse is not None
    return purse[1].word.claim_until_s

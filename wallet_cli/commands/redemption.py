"""`sycee redemption`: have money paid out by its issuer, outside the ledger."""

import click

from consensus.primitives.scalars import ZERO_ADDRESS
from contracts.movements import MovementKind
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.amounts import Currency, amount_record, amount_words, find_currency, format_amount, parse_amount
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, encode_memo, memo_text
from wallet_cli.moments import instant_text
from wallet_cli.outbox import Intent
from wallet_cli.payments import Payment, payments_in, validate_moved
from wallet_cli.positions import require_spendable
from wallet_cli.redemptions import (
    STATUS_WORDS,
    ProvenRedemption,
    open_redemptions,
    redemption_call,
    requested_number,
    require_redemption,
)
from wallet_cli.screens import deed_screen, proof_words, transaction_record
from wallet_cli.session import Session
from wallet_cli.transactions import checksum_or_name, provable_head
from wallet_cli.verified import Head

_BOTH = (Need.NETWORK, Need.KEY)

currency_option = click.option("--currency", "code", metavar="CODE", help="Whose number it is; needed with several.")


@wallet_command(
    "request",
    needs=_BOTH,
    examples=(
        'sycee redemption request "50 EUR" --memo DE89370400440532013000 --yes',
        'sycee redemption request "50 EUR" --dry-run',
    ),
)
@click.argument("amount")
@click.option("--memo", default="", metavar="TEXT", help="What the issuer should know, at most 32 bytes: an IBAN.")
def request(session: Session, amount: str, memo: str) -> None:
    """Park AMOUNT of your balance until its issuer pays it out or gives it back; you may cancel until then."""
    head = provable_head(session)
    currencies = load_currencies(session, head)
    money, reference, account = parse_amount(amount, currencies), encode_memo(memo), session.account()
    data = redemption_call("requestRedemption", money.units, reference)
    intent = Intent(account.address, money.currency.address, data)

    def prepare() -> Deed:
        _, after = require_spendable(session, head, account, money)
        fields = [
            ("amount", f"{format_amount(money):<14} {amount_words(money)}"),
            ("from", f"{account.name:<14} after it {format_amount(after)} spendable"),
            ("to", "the issuer destroys it once it has paid you outside the ledger"),
        ]
        if reference != EMPTY_MEMO:
            fields.append(("memo", memo_text(reference)))
        return Deed(intent, _screen(session, head, "Redeem money", fields), dict(amount_record(money)))

    found = carry_out(session, head, account, prepare, is_same=intent.__eq__, name="request")
    if found is None:
        return
    payments = payments_in(found, currencies)
    expected = Payment(MovementKind.REDEMPTION_REQUESTED, account.address, ZERO_ADDRESS, money, reference)
    validate_moved(found, payments, expected)
    number = requested_number(found.receipt, money.currency)
    record = {**transaction_record(found, payments), "redemption": number}
    text = f"{final_line(found.proof)}\n0x{found.transaction.hash.hex()}\nredemption {number} of {money.currency.code}"
    session.output.result(record, text, proof=found.proof)


@wallet_command(
    "cancel",
    needs=_BOTH,
    examples=("sycee redemption cancel 1 --currency EUR --yes", "sycee redemption cancel 1 --currency EUR --dry-run"),
)
@click.argument("number", type=click.IntRange(1))
@currency_option
def cancel(session: Session, number: int, code: str | None) -> None:
    """Take redemption NUMBER back before its issuer has answered."""
    head = provable_head(session)
    currencies = load_currencies(session, head)
    account = session.account()
    proven = require_redemption(session, head, _currency(code, currencies), number)
    intent = Intent(account.address, proven.currency.address, redemption_call("cancelRedemption", number))
    fields = [
        ("back to", checksum_or_name(session, proven.redemption.owner)),
        ("amount", f"{format_amount(proven.amount):<14} {amount_words(proven.amount)}"),
        ("number", f"{number} of {proven.currency.code}, requested {instant_text(proven.redemption.requested_at)}"),
    ]
    deed = Deed(intent, _screen(session, head, "Cancel a redemption", fields), proven.record())
    found = carry_out(session, head, account, lambda: deed, is_same=intent.__eq__, name="cancellation")
    if found is None:
        return
    payments = payments_in(found, currencies)
    kind = MovementKind.REDEMPTION_CANCELLED
    validate_moved(found, payments, Payment(kind, account.address, ZERO_ADDRESS, proven.amount, EMPTY_MEMO))
    text = f"{final_line(found.proof)}\n0x{found.transaction.hash.hex()}\n{format_amount(proven.amount)} are back"
    session.output.result(transaction_record(found, payments), text, proof=found.proof)


@wallet_command(
    "show",
    needs=(Need.NETWORK,),
    examples=("sycee redemption show 1 --currency EUR", "sycee redemption show 1 --currency EUR --json"),
)
@click.argument("number", type=click.IntRange(1))
@currency_option
def show(session: Session, number: int, code: str | None) -> None:
    """Show redemption NUMBER, open or closed, proven."""
    head = provable_head(session)
    proven = require_redemption(session, head, _currency(code, load_currencies(session, head)), number)
    fields = [
        ("number", f"{number} of {proven.currency.code}"),
        ("status", STATUS_WORDS[proven.redemption.status]),
        ("amount", format_amount(proven.amount)),
        ("owner", checksum_or_name(session, proven.redemption.owner)),
        ("requested", instant_text(proven.redemption.requested_at)),
    ]
    if proven.memo:
        fields.append(("memo", proven.memo))
    lines = [f"  {label:<11}{text}" for label, text in fields]
    text = "\n".join([*lines, f"  {head.proof.label()}"])
    session.output.result(proven.record(), text, proof=head.proof)


@wallet_command(
    "list", needs=(Need.NETWORK,), examples=("sycee redemption list", "sycee redemption list --from bob --json")
)
def list_(session: Session) -> None:
    """List what an account waits to be paid out, each proven. That none is missing is one node's word."""
    head = provable_head(session)
    found = open_redemptions(session, head, session.account().address, load_currencies(session, head))
    lines = [_line(proven) for proven in found] or ["  no open redemptions"]
    text = "\n".join([*lines, f"  {head.proof.label()}; the list is one node's word"])
    session.output.result([proven.record() for proven in found], text, proof=head.proof)


redemption = WalletGroup(
    "redemption",
    table={
        "request": ("wallet_cli.commands.redemption:request", "have money paid out by its issuer"),
        "cancel": ("wallet_cli.commands.redemption:cancel", "take a request back"),
        "show": ("wallet_cli.commands.redemption:show", "show a redemption"),
        "list": ("wallet_cli.commands.redemption:list_", "open redemptions of an account"),
    },
    help="Have money paid out by its issuer, outside the ledger.",
)


def _currency(code: str | None, currencies: list[Currency]) -> Currency:
    if code is not None:
        return find_currency(code, currencies)
    if len(currencies) == 1:
        return currencies[0]
    raise UsageRefused(
        "redemptions are counted in each currency, and this network has several",
        why=f"its currencies are: {', '.join(currency.code for currency in currencies)}",
        next_step="add --currency CODE",
        code="CURRENCY_NEEDED",
    )


def _line(proven: ProvenRedemption) -> str:
    when = instant_text(proven.redemption.requested_at)[:16]
    return f"  {proven.number:>6} {format_amount(proven.amount):>18}  requested {when}  {proven.memo}".rstrip()


def _screen(session: Session, head: Head, title: str, fields: list[tuple[str, str]]) -> str:
    warnings = () if head.proof.level == "verified" else (f"the ledger is {head.proof.label()}",)
    checks = f"ledger {proof_words(head.proof)}; a node tried it without revert"
    return deed_screen(title, (session.network.name, session.network.chain_id), fields, checks, warnings)

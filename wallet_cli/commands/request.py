"""`sycee request` and `sycee address`: being paid, as a link and as a QR code.

Neither asks anybody anything, unless the payment is waited for.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consensus.primitives.scalars import Address, Height
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, amount_record, format_amount, format_units, parse_amount
from wallet_cli.cli import wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import OutcomeUnknown, UsageRefused
from wallet_cli.files import write_private
from wallet_cli.memos import EMPTY_MEMO, encode_memo
from wallet_cli.payment_links import PaymentLink, encode_link
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head

if TYPE_CHECKING:
    from wallet_cli.incoming import Incoming

_PNG: Final = click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the QR code as a picture."
)


@wallet_command(
    "request",
    needs=(),
    examples=(
        'sycee request "12.34 EUR" --memo INV-2041 --qr',
        'sycee request "5 EUR" --from bob --png invoice.png --json',
    ),
)
@click.argument("amount")
@click.option("--memo", default="", metavar="TEXT", help="Reference of at most 32 bytes, public on the ledger.")
@click.option("--qr", "is_qr", is_flag=True, help="Draw the link as a QR code.")
@_PNG
@click.option("--wait", "is_waiting", is_flag=True, help="Wait until it is paid, --timeout at most; needs the network.")
def request(session: Session, amount: str, memo: str, is_qr: bool, png: Path | None, is_waiting: bool) -> None:
    """Make the link that asks for AMOUNT: who opens it is shown the payment, and asked.

    With --wait exit 0 says that exactly this amount came, with this memo if there is one, final and proven; exit 9
    that it did not come in time.
    """
    account = session.account()
    # What is final before the link is shown does not pay it.
    head = provable_head(session) if is_waiting else None
    # Without a network a link is made of the currencies that were proven before and pinned.
    money = parse_amount(amount, load_currencies(session, head))
    wanted = encode_memo(memo)
    digits = format_units(money.units, money.currency.decimals)
    text = encode_link(PaymentLink(account.address, session.network.chain_id, money.currency.code, digits, memo))
    record = {"link": text, "address": checksum_address(account.address), **amount_record(money), "memo": memo}
    title = f"{format_amount(money)} to {account.name}"
    shown = _shown(text, title, is_qr=is_qr, png=png)
    if head is None:
        session.output.result(record, shown)
        return
    session.output.say(shown)
    paid = _wait(session, account.address, Height(head.final.header.height + 1), money, wanted)
    line = f"{format_amount(money)} came in at height {paid.movement.height}, receipt proven"
    session.output.result(record | {"payment": paid.record()}, line, proof=paid.proof)


@wallet_command("address", needs=(), examples=("sycee address", "sycee address --from bob --qr"))
@click.option("--qr", "is_qr", is_flag=True, help="Draw it as a QR code.")
@_PNG
def address(session: Session, is_qr: bool, png: Path | None) -> None:
    """Print the address of the account in use."""
    account = session.account()
    text = checksum_address(account.address)
    session.output.result({"name": account.name, "address": text}, _shown(text, "", is_qr=is_qr, png=png))


def _wait(session: Session, payee: Address, first: Height, money: Amount, memo: bytes) -> "Incoming":
    """Return the payment that was asked for. Raises: OutcomeUnknown when time is up, ProofInvalid."""
    from wallet_cli.incoming import follow_incoming

    deadline_ms = session.settings.now_ms() + session.settings.timeout_ms
    for incoming in follow_incoming(session, payee, first, currency=money.currency):
        if incoming is None:
            if session.settings.now_ms() >= deadline_ms:
                break
        elif incoming.movement.amount == money.units and memo in (EMPTY_MEMO, incoming.movement.memo):
            return incoming
    raise OutcomeUnknown(
        f"{format_amount(money)} did not come within {session.settings.timeout_ms // 1_000} s",  # Given in seconds.
        why="it may still be paid: a link does not expire",
        next_step=f"sycee watch --from-height {first}",
        code="NOT_PAID_YET",
    )


def _shown(text: str, title: str, *, is_qr: bool, png: Path | None) -> str:
    """Return a text with its QR code, where one was asked for, and write the picture. Raises: UsageRefused."""
    from wallet_cli.qr_codes import make_qr, qr_png, qr_terminal

    lines = [title] if title else []
    if is_qr:
        lines.append(qr_terminal(make_qr(text)))
    if png is not None:
        try:
            write_private(png, qr_png(make_qr(text)), is_new=True)
        except OSError as error:
            raise UsageRefused(
                f"{png} cannot be written: {error.strerror}",
                why="a file that is there already is not overwritten",
                next_step="name another file with --png",
                code="FILE_EXISTS" if isinstance(error, FileExistsError) else "FILE_UNWRITABLE",
            ) from error
    return "\n".join([*lines, text])

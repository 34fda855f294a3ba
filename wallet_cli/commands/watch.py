"""`sycee watch`: one line for every payment that comes in, when it is final and proven."""

from datetime import UTC, datetime

import click

from consensus.primitives.scalars import Height
from wallet_cli.addresses import short_address
from wallet_cli.amounts import find_currency, format_amount
from wallet_cli.cli import Need, wallet_command
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import NetworkUnreachable
from wallet_cli.incoming import POLL_MS, Incoming, follow_incoming
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.session import Session
from wallet_cli.transactions import provable_head
from wallet_cli.verified import Head


@wallet_command(
    "watch",
    needs=(Need.NETWORK,),
    examples=("sycee watch", "sycee watch bob --currency EUR --from-height 0 --json"),
)
@click.argument("account", required=False, default="")
@click.option("--currency", "code", metavar="CODE", help="Only payments in this currency.")
@click.option("--from-height", "first", type=click.IntRange(0), metavar="H", help="Begin there, not with what comes.")
def watch(session: Session, account: str, code: str | None, first: int | None) -> None:
    """Print a line for every final payment to ACCOUNT, its receipt proven, until Ctrl-C; exit 0 then.

    With --json every line is one object; its resumeHeight is where --from-height goes on, without a gap.
    """
    address = session.resolve(account)[1] if account else session.account().address
    try:
        head = _first_head(session)
        currency = find_currency(code, load_currencies(session, head)) if code else None
        begin = Height(head.final.header.height + 1 if first is None else first)
        session.output.say(f"watching from height {begin}; Ctrl-C ends it")
        for incoming in follow_incoming(session, address, begin, currency=currency):
            if incoming is not None:
                session.output.result(incoming.record(), _line(session, incoming), proof=incoming.proof)
    except KeyboardInterrupt:
        return


def _first_head(session: Session) -> Head:
    """Return a proven head, however long it takes until an endpoint answers."""
    while True:
        try:
            return provable_head(session)
        except NetworkUnreachable as error:
            session.output.say(f"waiting for an endpoint: {error.message}")
            session.client.forget_silence()
            session.settings.pause_ms(POLL_MS)


def _line(session: Session, incoming: Incoming) -> str:
    movement = incoming.movement
    # Thousandths of a second are in the JSON.
    when = datetime.fromtimestamp(movement.timestamp_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    sender = session.name_of(movement.sender) or short_address(movement.sender)
    memo = "" if movement.memo == EMPTY_MEMO else memo_text(movement.memo)
    amount = format_amount(incoming.amount)
    return f"{when}  {amount:>14}  from {sender:<14} height {movement.height}  {memo}".rstrip()

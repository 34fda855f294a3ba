"""`sycee open`: a link, a signed file or a picture of either goes to the command it belongs to, with its questions."""

from collections.abc import Callable
from enum import Enum
from typing import Final

import click

from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, wallet_command
from wallet_cli.commands.air_gap import submit_signed
from wallet_cli.commands.send import pay
from wallet_cli.errors import UsageRefused
from wallet_cli.frame_carriers import FRAME_START, texts_of
from wallet_cli.offline.file_transport import SUFFIX
from wallet_cli.offline.frames import FrameType
from wallet_cli.payment_links import LINK_START, decode_link
from wallet_cli.session import Session
from wallet_cli.transaction_carriers import read_transaction
from wallet_cli.transaction_files import decode_signed


class Thing(Enum):
    """What can be opened."""

    LINK = "a request for money"
    TRANSACTION = "a signed transaction"
    MESSAGE = "an offline message"


@wallet_command(
    "open",
    needs=(Need.NETWORK, Need.KEY),
    examples=(
        "sycee open invoice.png --yes",
        "sycee open pay.signed.json --yes --json",
    ),
)
@click.argument("thing")
def open_thing(session: Session, thing: str) -> None:
    """Do what THING asks for, after its ordinary question.

    A `sycee:` link is paid, a signed transaction sent, an offline message taken to its step; each may come as a file,
    a picture of QR codes or text.
    """
    kind, text = _recognize(thing)
    _OPENERS[kind](session, text)


def _recognize(thing: str) -> tuple[Thing, str]:
    """Return what a word of the command line is, and the link or where the rest is read. Raises: UsageRefused."""
    if thing.startswith(LINK_START):
        return Thing.LINK, thing
    if thing.lower().endswith(SUFFIX):
        return Thing.MESSAGE, thing
    texts = texts_of(thing)
    if texts is None:
        return Thing.TRANSACTION, thing
    links = [text for text in texts if text.startswith(LINK_START)]
    if links:
        if len(texts) > 1:
            raise UsageRefused(
                f"{thing} shows {len(texts)} QR codes, one of them a request for money",
                why="which of them is meant must not be guessed",
                next_step="take a picture of one code",
                code="CODES_SEVERAL",
            )
        return Thing.LINK, links[0]
    is_message = any(text.startswith(f"{FRAME_START}2{FrameType.CBOR}") for text in texts)
    # The texts themselves go on: pictures are read once.
    return (Thing.MESSAGE if is_message else Thing.TRANSACTION), "\n".join(texts)


def _open_link(session: Session, text: str) -> None:
    link = decode_link(text)
    if link.chain_id != session.network.chain_id:
        raise UsageRefused(
            f"the link is for chain {link.chain_id}, network {session.network.name} is chain "
            f"{session.network.chain_id}",
            why="the payee would wait for money on another network",
            next_step="choose the network with --network NAME",
            code="CHAIN_DIFFERS",
        )
    pay(session, checksum_address(link.address), link.amount, link.currency, link.memo, unsigned=None)


def _open_transaction(session: Session, text: str) -> None:
    submit_signed(session, decode_signed(read_transaction(text), text, chain_id=session.network.chain_id))


def _open_message(session: Session, text: str) -> None:
    from wallet_cli.offline.commands.opening_messages import open_message

    open_message(session, text)


_OPENERS: Final[dict[Thing, Callable[[Session, str], None]]] = {
    Thing.LINK: _open_link,
    Thing.TRANSACTION: _open_transaction,
    Thing.MESSAGE: _open_message,
}
"""To which command each belongs."""

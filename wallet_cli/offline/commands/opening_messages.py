"""Which step of an offline payment a message belongs to: what `sycee open` does with one."""

from wallet_cli.errors import UsageRefused
from wallet_cli.offline.carriers import Carrier, Way, read_message, way_of
from wallet_cli.offline.commands.listing import learn_message
from wallet_cli.offline.commands.paying import open_payer, pay_message, take_answer
from wallet_cli.offline.commands.receiving import receive_message
from wallet_cli.offline.frames import FRAME_BYTES_DEFAULT
from wallet_cli.offline.messages import (
    CommitteeMessage,
    Fraud,
    Heal,
    Invoice,
    PairedPayment,
    PursePayment,
    Receipt,
    Revocations,
)
from wallet_cli.offline.reading import command_of, decode_any
from wallet_cli.session import Session


def open_message(session: Session, text: str) -> None:
    """Do the step that a message is for, with its ordinary question; `text` is a path or frames, line by line.

    Raises: UsageRefused for a message whose command needs more words, and as each step does.
    """
    content = read_message([text])
    way: Way = way_of(session, None, None, FRAME_BYTES_DEFAULT, False)
    assert way.carrier in (Carrier.QR, Carrier.FILE)
    match message := decode_any(content):
        case Invoice():
            pay_message(session, way, message)
        case PairedPayment() | PursePayment():
            receive_message(session, way, content)
        case Receipt() | Heal():
            take_answer(session, open_payer(session), way, content)
        case CommitteeMessage() | Revocations() | Fraud():
            learn_message(session, content)
        case _:
            raise UsageRefused(
                f"this is a {type(message).__name__}, and it is not said what is to be done with it",
                why="its command needs more words",
                next_step=command_of(message),
                code="MESSAGE_NEEDS_WORDS",
            )

"""One message of the kind that a command expects, or a refusal that says which kind it is."""

from typing import TypeVar

from wallet_cli.errors import UsageRefused
from wallet_cli.offline.errors import MessageError
from wallet_cli.offline.message_decoder import decode_message
from wallet_cli.offline.messages import (
    Card,
    CommitteeMessage,
    Fraud,
    Heal,
    Invoice,
    Message,
    PairedPayment,
    PursePayment,
    Receipt,
    Release,
    Revocations,
)

M = TypeVar("M", bound=Message)

_COMMANDS: dict[type[Message], str] = {
    Invoice: "sycee offline pay",
    PairedPayment: "sycee offline receive",
    PursePayment: "sycee offline receive",
    Receipt: "sycee offline answer",
    Heal: "sycee offline answer",
    Card: "sycee offline lock PAYEE AMOUNT --card",
    Release: "sycee offline release ID --signed",
    Fraud: "sycee offline fraud report",
    CommitteeMessage: "sycee offline import",
    Revocations: "sycee offline import",
}


def decode_as(wanted: type[M], data: bytes) -> M:
    """Return a message of one kind. Raises: UsageRefused."""
    found = decode_any(data)
    if isinstance(found, wanted):
        return found
    raise UsageRefused(
        f"this is a {type(found).__name__}, not a {wanted.__name__}",
        why="each step of a payment takes one kind of message",
        next_step=f"{command_of(found)} with the same file",
        code="MESSAGE_OTHER_KIND",
    )


def decode_any(data: bytes) -> Message:
    """Return any message. Raises: UsageRefused."""
    try:
        return decode_message(data)
    except MessageError as error:
        raise UsageRefused(
            f"these bytes are no message: {error}",
            why="they are damaged, or of another version",
            next_step="ask the other side to show it again, or update the older wallet",
            code="MESSAGE_INVALID",
        ) from error


def command_of(message: Message) -> str:
    """Return the command that a message belongs to."""
    return _COMMANDS[type(message)]

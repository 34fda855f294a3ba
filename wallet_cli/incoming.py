"""Payments that come in, as they become final: each with its receipt proven, in the order of the chain, once.

An endpoint that goes away is waited for. That nothing is missing follows from the proven balances at both ends of
every stretch of heights that was looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from consensus.primitives.scalars import Address, AmountMinor, Height
from wallet_cli.addresses import checksum_address
from wallet_cli.amounts import Amount, Currency, amount_record
from wallet_cli.currencies import load_currencies
from wallet_cli.errors import NetworkUnreachable
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.output import Proof
from wallet_cli.session import Session
from wallet_cli.statements import Movement, prove_movements, read_statement
from wallet_cli.transactions import provable_head

POLL_MS: Final = 500
"""Between two questions: a payment is final in a tenth of a second, a till may wait half of one for its tick."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Money that came in."""

    movement: Movement
    currency: Currency
    proof: Proof
    """Of the head under which it was found."""
    height_resume: Height
    """Where to go on after it: its own height if another payment of that height follows."""

    @property
    def amount(self) -> Amount:
        """How much came."""
        return Amount(AmountMinor(self.movement.amount), self.currency)

    def record(self) -> dict[str, object]:
        """Return it as `--json` shows it."""
        movement = self.movement
        return {
            "hash": "0x" + movement.transaction_hash.hex(),
            "height": movement.height,
            "logIndex": movement.log_index,
            "timestampMs": movement.timestamp_ms,
            "from": checksum_address(movement.sender),
            **amount_record(self.amount),
            "memo": "" if movement.memo == EMPTY_MEMO else memo_text(movement.memo),
            "resumeHeight": self.height_resume,
        }


def follow_incoming(
    session: Session, account: Address, first: Height, *, currency: Currency | None = None
) -> Iterator[Incoming | None]:
    """Yield every payment to an account from height `first` on, for ever; None after each look, before the pause.

    Raises: ProofInvalid; an endpoint that is silent or refuses is asked again.
    """
    is_away = False
    while True:
        try:
            found, first = _look(session, account, first, currency)
        except NetworkUnreachable as error:
            if not is_away:
                session.output.say(f"waiting for an endpoint: {error.message}")
            is_away = True
            session.client.forget_silence()
        else:
            if is_away:
                session.output.say("an endpoint answers again")
            is_away = False
            yield from found
        yield None
        session.settings.pause_ms(POLL_MS)


def _look(
    session: Session, account: Address, first: Height, currency: Currency | None
) -> tuple[list[Incoming], Height]:
    """Return what came in from height `first` to the proven head, and the height after it."""
    head = provable_head(session)
    last = head.final.header.height
    if last < first:
        return [], first
    found: list[tuple[Movement, Currency]] = []
    for entry in [currency] if currency else load_currencies(session, head):
        statement = read_statement(session, head, account, entry, first)
        received = tuple(row for row in statement.movements if row.receiver == account and row.change > 0)
        prove_movements(session, head, replace(statement, movements=received))
        found += [(row, entry) for row in received]
    found.sort(key=lambda pair: (pair[0].height, pair[0].log_index))
    following = [row.height for row, _ in found[1:]] + [Height(last + 1)]
    return [
        Incoming(row, entry, head.proof, row.height if row.height == after else Height(row.height + 1))
        for (row, entry), after in zip(found, following)
    ], Height(last + 1)

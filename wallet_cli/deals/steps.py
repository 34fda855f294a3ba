"""One step of a deal: its screen, its transaction, and what it moved, the same for every contract."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.declarations import SELECTOR_BYTES
from wallet_cli.acting import Deed, carry_out, final_line
from wallet_cli.addresses import parse_address, short_address
from wallet_cli.amounts import parse_amount
from wallet_cli.deals.desk import DEAL_GAS_LIMIT_MAX, Desk, Money, carry_out_paid
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import EMPTY_MEMO, memo_text
from wallet_cli.outbox import Intent
from wallet_cli.payments import payments_in
from wallet_cli.screens import payment_line, transaction_record
from wallet_cli.verified import FinalTransaction

Fields = list[tuple[str, str]]
"""Labels and words of a screen, line by line."""

_TOKEN: Final = re.compile(r"([1-9][0-9]{0,38}) (?:[A-Z0-9.]{1,12}@)?(0x[0-9a-fA-F]{40})")
_WORD_BYTES: Final = 32


def parse_money(desk: Desk, text: str) -> Money:
    """Return `100.00 EUR`, or `5 BOND@0x…` in smallest units of a token, because nobody promises its decimals.

    Raises: UsageRefused.
    """
    token = _TOKEN.fullmatch(text.strip())
    if token is not None:
        return desk.money(parse_address(token.group(2))[0], int(token.group(1)))
    money = parse_amount(text, desk.currencies)
    return Money(money.currency.address, money.units, money.currency)


def name_of(desk: Desk, address: Address) -> str:
    """Return somebody's name in this wallet, or a short address."""
    return desk.session.name_of(address) or short_address(address)


def memo_fields(memo: bytes) -> Fields:
    """Return the line of a memo, or none."""
    return [] if memo == EMPTY_MEMO else [("memo", memo_text(memo))]


def direction(desk: Desk, payer: Address, payee: Address) -> str:
    """Return how a movement concerns who acts, as the label of its line."""
    return "you pay" if payer == desk.own else "you get" if payee == desk.own else "moves"


def movement(desk: Desk, money: Money, payer: Address, payee: Address) -> tuple[str, str]:
    """Return the line of a movement."""
    return direction(desk, payer, payee), f"{money}  {name_of(desk, payer)} → {name_of(desk, payee)}"


def same_but(intent: Intent, *places: int) -> Callable[[Intent], bool]:
    """Return what tells whether a stored call is the same but for arguments that differ whenever it is typed.

    `places` count words of the arguments from 0.
    """

    def rest(data: bytes) -> bytes:
        for place in places:
            start = SELECTOR_BYTES + _WORD_BYTES * place
            data = data[:start] + bytes(_WORD_BYTES) + data[start + _WORD_BYTES :]
        return data

    return lambda stored: stored.to == intent.to and rest(stored.data) == rest(intent.data)


def take_step(
    desk: Desk,
    title: str,
    fields: Fields,
    function: str,
    *values: AbiValue,
    record: dict[str, object] | None = None,
    paid: Sequence[Money] = (),
    is_on_top: bool = False,
    moving: Sequence[int] = (),
) -> FinalTransaction | None:
    """Show, ask, allow exactly what the step takes, do it, prove it; None on a dry run.

    With `is_on_top` the allowance is added to what is allowed for other deals; a crash right behind it leaves it, and
    the same command allows as much once more. `moving` are the places of arguments that move on with the clock.
    Raises: as `carry_out`.
    """
    intent = desk.intent(function, *values)
    deed = Deed(intent, desk.screen(title, fields), record or {}, DEAL_GAS_LIMIT_MAX)
    is_same = same_but(intent, *moving) if moving else intent.__eq__
    if paid:
        return carry_out_paid(desk, deed, paid, is_on_top=is_on_top, is_same=is_same)
    return carry_out(desk.session, desk.head, desk.actor, lambda: deed, is_same=is_same)


def answer(desk: Desk, done: FinalTransaction, record: dict[str, object], outcome: str) -> None:
    """Show a step that is done, with the money it moved."""
    payments = payments_in(done, desk.currencies)
    names: dict[bytes, str] = {place: name for name, place in desk.session.contacts.items()}
    names |= {account.address: account.name for account in desk.session.accounts}
    names[desk.address] = desk.contract.name
    moved = [f"  moved     {payment_line(payment, names)}" for payment in payments]
    text = "\n".join([final_line(done.proof), f"0x{done.transaction.hash.hex()}", outcome, *moved])
    desk.session.output.result({**transaction_record(done, payments), **record}, text, proof=done.proof)


def show_deal(desk: Desk, heading: str, fields: Fields, record: dict[str, object]) -> None:
    """Show a deal whose terms are proven and whose state is one node's word."""
    text = "\n".join([heading, *(f"  {label:<10}{words}" for label, words in fields)])
    desk.session.output.result(record, text, proof=desk.head.proof)


def refuse_party(desk: Desk, what: str, entitled: Address, next_step: str) -> UsageRefused:
    """Return the refusal of a step that is another party's."""
    return UsageRefused(
        f"{what} is {name_of(desk, entitled)}'s step, and {desk.actor.name} acts",
        why="the contract refuses it from anybody else",
        next_step=next_step,
        code="OTHER_PARTY",
    )

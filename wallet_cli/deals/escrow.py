"""`sycee escrow`: money set aside for a payee, by milestones, with an arbiter if both want one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import click

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from wallet_cli.addresses import checksum_address
from wallet_cli.cli import Need, WalletGroup, wallet_command
from wallet_cli.deals.desk import Desk, Money, open_desk
from wallet_cli.deals.steps import (
    Fields,
    answer,
    memo_fields,
    movement,
    name_of,
    parse_money,
    refuse_party,
    show_deal,
    take_step,
)
from wallet_cli.errors import UsageRefused
from wallet_cli.memos import encode_memo, memo_text
from wallet_cli.moments import duration_text, instant_text, parse_duration, parse_instant
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session

MILESTONES_MAX: Final = 16
"""Milestones of one escrow, as in the contract."""

OUTCOMES: Final = {"refund": 1, "pay": 2}
"""What becomes of the rest after the deadline, as the contract numbers it."""

STATES: Final = {1: "open", 2: "disputed", 3: "closed"}
"""As the contract numbers them."""

DEADLINE_DEFAULT: Final = "30d"
DECIDE_DEFAULT: Final = "14d"
"""How long an arbiter has at least, unless something else is said."""

_BOTH: Final = (Need.NETWORK, Need.KEY)
_number: Final = click.argument("number", metavar="ID", type=click.IntRange(1, 2**64))


@dataclass(frozen=True, slots=True)
class Escrow:
    """What was agreed, proven."""

    number: int
    payer: Address
    payee: Address
    arbiter: Address
    milestones: tuple[Money, ...]
    deadline_s: int
    arbitration_s: int
    outcome: int
    memo: bytes

    @property
    def total(self) -> Money:
        """Return the sum of the milestones."""
        first = self.milestones[0]
        return Money(first.token, sum(money.units for money in self.milestones), first.currency)


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of it, by one node's word."""

    state: str
    remaining: int
    deadline_s: int
    """In a dispute the arbiter's."""


@wallet_command(
    "create",
    needs=_BOTH,
    examples=('sycee escrow create bob "50.00 EUR" --until 14d --memo ORDER-7 --yes',
              'sycee escrow create bob "30.00 EUR" "20.00 EUR" --arbiter carol --dry-run'),
)  # fmt: skip
@click.argument("payee", metavar="PAYEE")
@click.argument("amounts", nargs=-1, required=True, metavar="AMOUNT...")
@click.option("--until", default=DEADLINE_DEFAULT, metavar="TIME", help="14d or 2026-12-01T12:00 (default 30d).")
@click.option("--then", "outcome", type=click.Choice(tuple(OUTCOMES)), default="refund",
              help="What becomes of the rest then: refund (default) or pay.")  # fmt: skip
@click.option("--arbiter", metavar="WHO", help="Who decides disputes; nobody unless given.")
@click.option("--decide-within", metavar="DURATION", help="How long the arbiter has at least (default 14d).")
@click.option("--memo", default="", metavar="TEXT", help="The order's reference, at most 32 bytes.")
def create(
    session: Session,
    payee: str,
    amounts: tuple[str, ...],
    until: str,
    outcome: str,
    arbiter: str | None,
    decide_within: str | None,
    memo: str,
) -> None:
    """Set money aside for PAYEE, one AMOUNT for each milestone. It goes to PAYEE or comes back, nowhere else."""
    desk = open_desk(session, "Escrow")
    to = session.resolve(payee)[1]
    validate_recipient(to)
    milestones = tuple(parse_money(desk, text) for text in amounts)
    _validate_milestones(milestones)
    judge = ZERO_ADDRESS if arbiter is None else session.resolve(arbiter)[1]
    arbitration_s = _arbitration_s(arbiter, decide_within)
    deadline_s = parse_instant(until, session.settings.now_ms())
    agreed = Escrow(0, desk.actor.address, to, judge, milestones, deadline_s, arbitration_s, OUTCOMES[outcome],
                    encode_memo(memo))  # fmt: skip
    values: Sequence[AbiValue] = (
        milestones[0].token,
        to,
        judge,
        [money.units for money in milestones],
        deadline_s,
        arbitration_s,
        agreed.outcome,
        agreed.memo,
    )
    fields = _fields(desk, agreed)
    done = take_step(desk, "Set money aside", fields, "create", *values, paid=[agreed.total], moving=(4,))
    if done is not None:
        made = _escrow(desk, desk.made(done, "EscrowCreated"))
        told = f"escrow {made.number}; you pay a milestone with: sycee escrow release {made.number}"
        answer(desk, done, _record(made), told)


@wallet_command(
    "release",
    needs=_BOTH,
    examples=("sycee escrow release 1 --milestone 2 --yes", "sycee escrow release 1 --all --dry-run"),
)
@_number
@click.option("--milestone", type=click.IntRange(1, MILESTONES_MAX), help="Which, from 1; the next if not given.")
@click.option("--all", "is_all", is_flag=True, help="Everything that remains, which ends a dispute too.")
def release(session: Session, number: int, milestone: int | None, is_all: bool) -> None:
    """Pay a milestone, or everything that remains; the payer's step."""
    desk, found = _open(session, number)
    if desk.actor.address != found.payer:
        raise refuse_party(desk, "releasing", found.payer, f"sycee escrow show {number}")
    if is_all:
        left = Money(found.total.token, _progress(desk, number).remaining, found.total.currency)
        fields = [movement(desk, left, found.payer, found.payee), *_terms_fields(desk, found)]
        _finish(desk, found, "Pay all of an escrow", fields, "payAll", (number,), "paid whole and closed")
        return
    place = _next_milestone(desk, found) if milestone is None else milestone - 1
    if place >= len(found.milestones):
        raise _no_milestone(number, f"it has {len(found.milestones)} milestones")
    fields = [movement(desk, found.milestones[place], found.payer, found.payee), *_terms_fields(desk, found)]
    _finish(
        desk, found, f"Pay milestone {place + 1}", fields, "release", (number, place), f"milestone {place + 1} paid"
    )


@wallet_command("refund", needs=_BOTH, examples=("sycee escrow refund 1 --yes", "sycee escrow refund 1 --dry-run"))
@_number
def refund(session: Session, number: int) -> None:
    """Give everything that remains back to the payer, which ends a dispute too; the payee's step."""
    desk, found = _open(session, number)
    if desk.actor.address != found.payee:
        raise refuse_party(desk, "refunding", found.payee, f"sycee escrow show {number}")
    left = Money(found.total.token, _progress(desk, number).remaining, found.total.currency)
    fields: Fields = [("returns", f"{left} to {name_of(desk, found.payer)}"), *_terms_fields(desk, found)]
    _finish(desk, found, "Give an escrow back", fields, "refund", (number,), "given back and closed")


@wallet_command("dispute", needs=_BOTH, examples=("sycee escrow dispute 1 --yes", "sycee escrow dispute 1 --dry-run"))
@_number
def dispute(session: Session, number: int) -> None:
    """Call the arbiter; payer's or payee's step, up to the deadline. Both can still end it themselves."""
    desk, found = _open(session, number)
    if found.arbiter == ZERO_ADDRESS:
        raise UsageRefused(
            f"escrow {number} has no arbiter",
            why="payer and payee agreed on none",
            next_step=f"wait for the deadline, or pay: sycee escrow release {number} --all",
            code="NO_ARBITER",
        )
    fields: Fields = [("decides", f"{name_of(desk, found.arbiter)}, within {duration_text(found.arbitration_s)}")]
    fields += _terms_fields(desk, found)
    _finish(desk, found, "Dispute an escrow", fields, "dispute", (number,), "disputed; the arbiter decides")


@wallet_command(
    "resolve",
    needs=_BOTH,
    examples=('sycee escrow resolve 1 "60.00 EUR" --from bob --yes',
              'sycee escrow resolve 1 "60.00 EUR" --from bob --dry-run'),
)  # fmt: skip
@_number
@click.argument("to_payee", metavar="AMOUNT")
def resolve(session: Session, number: int, to_payee: str) -> None:
    """Decide a dispute: AMOUNT goes to the payee, the rest back to the payer; the arbiter's step."""
    desk, found = _open(session, number)
    if desk.actor.address != found.arbiter:
        raise refuse_party(desk, "deciding", found.arbiter, f"sycee escrow show {number}")
    share = Money(found.total.token, 0, found.total.currency)
    if to_payee != "0":
        share = parse_money(desk, to_payee)
    remaining = _progress(desk, number).remaining
    if share.token != found.total.token or share.units > remaining:
        left = Money(found.total.token, remaining, found.total.currency)
        raise UsageRefused(
            f"{share} cannot be divided out of {left}",
            why="the arbiter divides what remains, in its own currency",
            next_step="type an amount up to that; 0 gives everything back",
            code="SPLIT_INVALID",
        )
    rest = Money(share.token, remaining - share.units, share.currency)
    fields: Fields = [movement(desk, share, found.payer, found.payee)]
    fields += [("returns", f"{rest} to {name_of(desk, found.payer)}"), *_terms_fields(desk, found)]
    _finish(desk, found, "Decide a dispute", fields, "resolve", (number, share.units), "decided and closed")


@wallet_command("close", needs=_BOTH, examples=("sycee escrow close 1 --yes", "sycee escrow close 1 --dry-run"))
@_number
def close(session: Session, number: int) -> None:
    """Bring about what was agreed for the time after the deadline; anybody's step."""
    desk, found = _open(session, number)
    fields = [("then", _outcome_words(desk, found)), *_terms_fields(desk, found)]
    _finish(desk, found, "Close an escrow", fields, "close", (number,), "closed as agreed")


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee escrow show 1", "sycee escrow show 1 --json"))
@_number
def show(session: Session, number: int) -> None:
    """Show an escrow: its terms proven; its state and what remains are one node's word."""
    desk, found = _open(session, number, is_reading=True)
    now = _progress(desk, number)
    left = Money(found.total.token, now.remaining, found.total.currency)
    fields = [*_fields(desk, found), ("state", f"{now.state}, {left} remain  UNVERIFIED")]
    if now.state == "disputed":
        fields.append(("decide by", f"{instant_text(now.deadline_s)}  UNVERIFIED"))
    record = {**_record(found), "state": now.state, "remaining": str(left), "remaining_units": str(now.remaining)}
    show_deal(desk, f"escrow {number}", fields, record)


escrow = WalletGroup(
    "escrow",
    table={
        "create": ("wallet_cli.deals.escrow:create", "set money aside for a payee"),
        "release": ("wallet_cli.deals.escrow:release", "pay a milestone, or all"),
        "refund": ("wallet_cli.deals.escrow:refund", "give it back, as payee"),
        "dispute": ("wallet_cli.deals.escrow:dispute", "call the arbiter"),
        "resolve": ("wallet_cli.deals.escrow:resolve", "decide, as arbiter"),
        "close": ("wallet_cli.deals.escrow:close", "after the deadline: what was agreed"),
        "show": ("wallet_cli.deals.escrow:show", "show one"),
    },
    help="Money set aside for a payee, by milestones, with an arbiter if both want one.",
)


def _open(session: Session, number: int, *, is_reading: bool = False) -> tuple[Desk, Escrow]:
    desk = open_desk(session, "Escrow", is_reading=is_reading)
    return desk, _escrow(desk, desk.terms("EscrowCreated", "escrowId", number))


def _escrow(desk: Desk, values: dict[str, AbiValue]) -> Escrow:
    token, amounts = Address(cast(bytes, values["token"])), cast(Sequence[int], values["amounts"])
    payer, payee, arbiter = (Address(cast(bytes, values[name])) for name in ("payer", "payee", "arbiter"))
    number, deadline_s, arbitration_s, outcome = (
        cast(int, values[name]) for name in ("escrowId", "deadline", "arbitrationSeconds", "outcome")
    )
    milestones = tuple(desk.money(token, units) for units in amounts)
    memo = cast(bytes, values["memo"])
    return Escrow(number, payer, payee, arbiter, milestones, deadline_s, arbitration_s, outcome, memo)


def _progress(desk: Desk, number: int) -> Progress:
    agreement = cast(Sequence[int], desk.ask("escrowOf", number)[0])
    return Progress(STATES.get(agreement[9], f"state {agreement[9]}"), agreement[4], agreement[6])


def _next_milestone(desk: Desk, found: Escrow) -> int:
    for place in range(len(found.milestones)):
        if desk.ask("milestoneOf", found.number, place)[0] != 0:
            return place
    raise _no_milestone(found.number, "every milestone was paid, or it is closed")


def _no_milestone(number: int, why: str) -> UsageRefused:
    return UsageRefused(
        f"escrow {number} has no such milestone", why=why, next_step=f"sycee escrow show {number}", code="NO_MILESTONE"
    )


def _finish(
    desk: Desk, found: Escrow, title: str, fields: Fields, function: str, values: Sequence[AbiValue], outcome: str
) -> None:
    done = take_step(desk, title, fields, function, *values, record={"escrow": found.number})
    if done is not None:
        answer(desk, done, _record(found), f"escrow {found.number} {outcome}")


def _validate_milestones(milestones: Sequence[Money]) -> None:
    if len(milestones) > MILESTONES_MAX or len({money.token for money in milestones}) > 1:
        raise UsageRefused(
            f"{len(milestones)} milestones of {len({money.token for money in milestones})} currencies",
            why=f"an escrow has 1 to {MILESTONES_MAX} milestones of one currency",
            next_step="create one escrow for each currency",
            code="MILESTONES_INVALID",
        )


def _arbitration_s(arbiter: str | None, decide_within: str | None) -> int:
    if arbiter is None:
        if decide_within is None:
            return 0
        raise UsageRefused(
            "--decide-within was given without an arbiter",
            why="nobody would decide",
            next_step="add --arbiter WHO, or leave it out",
            code="NO_ARBITER",
        )
    seconds = parse_duration(decide_within or DECIDE_DEFAULT)
    if seconds is None:
        raise UsageRefused(
            f"{decide_within!r} is no duration",
            why="the arbiter has at least so long to decide",
            next_step="type it like 12h, 7d or 2w",
            code="TIME_INVALID",
        )
    return seconds


def _fields(desk: Desk, agreed: Escrow) -> Fields:
    fields: Fields = []
    for place, money in enumerate(agreed.milestones, start=1):
        label, words = movement(desk, money, agreed.payer, agreed.payee)
        fields.append((label, f"{words}  milestone {place}" if len(agreed.milestones) > 1 else words))
    return [*fields, *_terms_fields(desk, agreed)]


def _terms_fields(desk: Desk, agreed: Escrow) -> Fields:
    fields: Fields = [("held for", desk.who(agreed.payee))]
    if agreed.arbiter != ZERO_ADDRESS:
        least = duration_text(agreed.arbitration_s)
        fields.append(("arbiter", f"{desk.who(agreed.arbiter)}; at least {least} to decide"))
    fields.append(("until", f"{instant_text(agreed.deadline_s)}; then {_outcome_words(desk, agreed)}"))
    return [*fields, *memo_fields(agreed.memo)]


def _outcome_words(desk: Desk, agreed: Escrow) -> str:
    whom = agreed.payee if agreed.outcome == OUTCOMES["pay"] else agreed.payer
    return f"the rest goes to {name_of(desk, whom)}"


def _record(agreed: Escrow) -> dict[str, object]:
    return {
        "escrow": agreed.number,
        "payer": checksum_address(agreed.payer),
        "payee": checksum_address(agreed.payee),
        "arbiter": "" if agreed.arbiter == ZERO_ADDRESS else checksum_address(agreed.arbiter),
        "token": checksum_address(agreed.total.token),
        "milestones": [{"units": str(money.units), "amount": str(money)} for money in agreed.milestones],
        "deadline_s": agreed.deadline_s,
        "arbitration_s": agreed.arbitration_s,
        "then": next(name for name, number in OUTCOMES.items() if number == agreed.outcome),
        "memo": memo_text(agreed.memo) if any(agreed.memo) else "",
    }

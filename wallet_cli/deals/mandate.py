"""`sycee mandate`: somebody may collect from an account, within caps, until it is revoked."""

import re
from dataclasses import dataclass
from typing import Final, cast

import click

from consensus.primitives.scalars import Address
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
from wallet_cli.moments import instant_text, parse_instant
from wallet_cli.recipients import validate_recipient
from wallet_cli.session import Session

UNITS: Final = {"day": 1, "month": 2}
"""Units of a period, as the contract numbers them."""

DAY_S: Final = 86_400
MONTH_S_LEAST: Final = 28 * DAY_S
"""Seconds of the shortest calendar month: there are never more periods than by it."""

CATCH_UP_MAX: Final = 12
"""Past periods that can be caught up on, as in the contract."""

_PERIOD: Final = re.compile(r"(?:([1-9][0-9]{0,2}) ?)?(day|month)s?")
_BOTH: Final = (Need.NETWORK, Need.KEY)
_number: Final = click.argument("number", metavar="ID", type=click.IntRange(1, 2**64))


@dataclass(frozen=True, slots=True)
class Mandate:
    """What was granted, proven."""

    number: int
    payer: Address
    collector: Address
    once: Money
    """Cap of one collection."""
    period: Money
    """Cap of one period."""
    unit: int
    length: int
    catch_up: int
    start_s: int
    """0 in what is not granted yet: at once."""
    end_s: int
    memo: bytes

    @property
    def period_words(self) -> str:
        """Return the period as people say it."""
        name = next((name for name, number in UNITS.items() if number == self.unit), "period")
        return name if self.length == 1 else f"{self.length} {name}s"


@wallet_command(
    "grant",
    needs=_BOTH,
    examples=('sycee mandate grant bob "9.99 EUR" --every month --until 2027-11-01 --memo NEWS --yes',
              'sycee mandate grant bob "1.00 EUR" --per-period "2.00 EUR" --every 7days --until 90d --dry-run'),
)  # fmt: skip
@click.argument("collector", metavar="COLLECTOR")
@click.argument("amount", metavar="AMOUNT")
@click.option("--per-period", metavar="AMOUNT", help="Cap of one period; that of one collection if not given.")
@click.option("--every", default="month", metavar="PERIOD", help="month (default), 3months, day, 7days.")
@click.option("--start", metavar="TIME", help="When it begins; at once if not given.")
@click.option("--until", required=True, metavar="TIME", help="Its last second: 90d or 2027-11-01.")
@click.option("--catch-up", type=click.IntRange(0, CATCH_UP_MAX), default=0, help="Past periods to catch up on (0).")
@click.option("--memo", default="", metavar="TEXT", help="The contract's reference, at most 32 bytes.")
def grant(
    session: Session,
    collector: str,
    amount: str,
    per_period: str | None,
    every: str,
    start: str | None,
    until: str,
    catch_up: int,
    memo: str,
) -> None:
    """Let COLLECTOR collect up to AMOUNT at once, and so much a period, until a day. You can revoke it at any time."""
    desk = open_desk(session, "Mandate")
    to = session.resolve(collector)[1]
    validate_recipient(to)
    once = parse_money(desk, amount)
    period = once if per_period is None else parse_money(desk, per_period)
    if period.token != once.token or period.units < once.units:
        raise UsageRefused(
            f"{period} a period and {once} at once do not fit together",
            why="both are of one currency, and a collection is no more than a period",
            next_step="give a larger --per-period, or a smaller AMOUNT",
            code="CAPS_INVALID",
        )
    length, unit = _parse_period(every)
    now_ms = session.settings.now_ms()
    start_s = 0 if start is None else parse_instant(start, now_ms)
    given = Mandate(0, desk.actor.address, to, once, period, unit, length, catch_up, start_s,
                    parse_instant(until, now_ms), encode_memo(memo))  # fmt: skip
    in_all = _in_all(given, max(start_s, now_ms // 1_000))
    terms = (once.units, period.units, unit, length, catch_up, start_s, given.end_s)
    fields: Fields = [*_fields(desk, given), ("at most", f"{in_all} in all")]
    values = (to, once.token, terms, given.memo)
    # The ninth word is the end, which may be so long from now.
    done = take_step(desk, "Grant a mandate", fields, "grant", *values, paid=[in_all], is_on_top=True, moving=(8,))
    if done is not None:
        made = _mandate(desk, desk.made(done, "MandateGranted"))
        answer(desk, done, _record(made), f"mandate {made.number}; it ends with: sycee mandate revoke {made.number}")


@wallet_command(
    "collect",
    needs=_BOTH,
    examples=('sycee mandate collect 1 "9.99 EUR" --memo 2026-12 --from bob --yes',
              'sycee mandate collect 1 "9.99 EUR" --from bob --dry-run'),
)  # fmt: skip
@_number
@click.argument("amount", metavar="AMOUNT")
@click.option("--memo", default="", metavar="TEXT", help="What it is for, at most 32 bytes.")
def collect(session: Session, number: int, amount: str, memo: str) -> None:
    """Collect from the payer of a mandate; the collector's step."""
    desk, found = _open(session, number)
    if desk.actor.address != found.collector:
        raise refuse_party(desk, "collecting", found.collector, f"sycee mandate show {number}")
    money, reference = parse_money(desk, amount), encode_memo(memo)
    if money.token != found.once.token or money.units > found.once.units:
        raise UsageRefused(
            f"{money} cannot be collected at once",
            why=f"the payer allowed {found.once} at once",
            next_step=f"sycee mandate show {number}",
            code="COLLECTION_TOO_LARGE",
        )
    fields: Fields = [movement(desk, money, found.payer, found.collector), *memo_fields(reference)]
    fields.append(("by", f"mandate {number}: {found.once} at once, {found.period} a {found.period_words}"))
    done = take_step(desk, "Collect", fields, "collect", number, money.units, reference, record={"mandate": number})
    if done is not None:
        answer(desk, done, _record(found), f"collected by mandate {number}")


@wallet_command("revoke", needs=_BOTH, examples=("sycee mandate revoke 1 --yes", "sycee mandate revoke 1 --dry-run"))
@_number
def revoke(session: Session, number: int) -> None:
    """End a mandate at once; payer's or collector's step."""
    desk, found = _open(session, number)
    if desk.actor.address not in (found.payer, found.collector):
        raise refuse_party(desk, "revoking", found.payer, f"sycee mandate show {number}")
    done = take_step(desk, "Revoke a mandate", _fields(desk, found), "revoke", number, record={"mandate": number})
    if done is not None:
        answer(desk, done, _record(found), f"mandate {number} revoked; nothing is collected by it any more")


@wallet_command("show", needs=(Need.NETWORK,), examples=("sycee mandate show 1", "sycee mandate show 1 --json"))
@_number
def show(session: Session, number: int) -> None:
    """Show a mandate: its terms proven; whether it ended and what can be collected now are one node's word."""
    desk, found = _open(session, number, is_reading=True)
    is_ended = bool(cast(tuple[AbiValue, ...], desk.ask("mandateOf", number)[0])[4])
    left = Money(found.once.token, cast(int, desk.ask("collectableOf", number)[0]), found.once.currency)
    state = "revoked" if is_ended else f"in force, {left} can be collected now"
    fields = [*_fields(desk, found), ("state", f"{state}  UNVERIFIED")]
    record = {**_record(found), "is_revoked": is_ended, "collectable": str(left), "collectable_units": str(left.units)}
    show_deal(desk, f"mandate {number}", fields, record)


mandate = WalletGroup(
    "mandate",
    table={
        "grant": ("wallet_cli.deals.mandate:grant", "let somebody collect within caps"),
        "collect": ("wallet_cli.deals.mandate:collect", "collect, as collector"),
        "revoke": ("wallet_cli.deals.mandate:revoke", "end it at once"),
        "show": ("wallet_cli.deals.mandate:show", "show one"),
    },
    help="Somebody may collect from an account, within caps, until it is revoked.",
)


def _open(session: Session, number: int, *, is_reading: bool = False) -> tuple[Desk, Mandate]:
    desk = open_desk(session, "Mandate", is_reading=is_reading)
    return desk, _mandate(desk, desk.terms("MandateGranted", "mandateId", number))


def _mandate(desk: Desk, values: dict[str, AbiValue]) -> Mandate:
    payer, collector, token = (Address(cast(bytes, values[name])) for name in ("payer", "collector", "token"))
    once, period, unit, length, catch_up, start_s, end_s = cast(tuple[int, ...], values["terms"])
    return Mandate(
        cast(int, values["mandateId"]),
        payer,
        collector,
        desk.money(token, once),
        desk.money(token, period),
        unit,
        length,
        catch_up,
        start_s,
        end_s,
        cast(bytes, values["memo"]),
    )


def _parse_period(text: str) -> tuple[int, int]:
    written = _PERIOD.fullmatch(text)
    if written is None:
        raise UsageRefused(
            f"{text!r} is no period",
            why="caps begin anew with every period",
            next_step="type it like month, 3months, day or 7days",
            code="PERIOD_INVALID",
        )
    return int(written.group(1) or 1), UNITS[written.group(2)]


def _in_all(given: Mandate, start_s: int) -> Money:
    """Return the most that can ever be collected: every period's cap, from the first to the last."""
    period_s = given.length * (DAY_S if given.unit == UNITS["day"] else MONTH_S_LEAST)
    # The remainder is the begun period, which counts whole.
    periods = max(0, given.end_s - start_s) // period_s + 1
    return Money(given.period.token, given.period.units * periods, given.period.currency)


def _fields(desk: Desk, found: Mandate) -> Fields:
    begins = "now" if found.start_s == 0 else instant_text(found.start_s)
    fields: Fields = [
        ("collects", desk.who(found.collector)),
        ("from", name_of(desk, found.payer)),
        ("caps", f"{found.once} at once, {found.period} a {found.period_words}"),
        ("in force", f"{begins} to {instant_text(found.end_s)}; either can revoke it"),
    ]
    if found.catch_up:
        fields.append(("catch up", f"{found.catch_up} past periods"))
    return [*fields, *memo_fields(found.memo)]


def _record(found: Mandate) -> dict[str, object]:
    return {
        "mandate": found.number,
        "payer": checksum_address(found.payer),
        "collector": checksum_address(found.collector),
        "token": checksum_address(found.once.token),
        "per_collection": str(found.once),
        "per_period": str(found.period),
        "period": found.period_words,
        "catch_up": found.catch_up,
        "start_s": found.start_s,
        "end_s": found.end_s,
        "memo": memo_text(found.memo) if any(found.memo) else "",
    }

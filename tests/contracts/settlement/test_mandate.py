"""Mandate: a collector gets what its payer's mandate says, in the months of the calendar, and not one unit more."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.declarations import encode_call
from contracts.loader import load
from tests.contracts.settlement.stories import (
    STORIES,
    STORY_PEOPLE,
    Book,
    Refused,
    agree,
    heal,
    recent,
    steps_of,
    toggle_pause,
    toggle_suspension,
)
from tests.contracts.settlement.tokens import Mode, approve, deploy_token, pause, wealth
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    EUR,
    MEMO,
    NO_MEMO,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    new_world,
)

DAYS, MONTHS = 1, 2
DAY_S = 86_400
TEN_YEARS_S = 10 * 366 * DAY_S


@dataclass(frozen=True)
class Terms:
    """Twice 500 in a calendar month, for nine years, from now on."""

    per_collection: int = 500
    per_period: int = 1_000
    unit: int = MONTHS
    length: int = 1
    catch_up: int = 0
    start: int = 0
    end: int = 0

    @property
    def values(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    mandate = world.deploy(load("Mandate"))
    token = deploy_token(world)
    approve(world, token, mandate)
    approve(world, world.token(EUR), mandate)
    return world.freeze(), mandate, token


def beginning() -> tuple[World, Contract, Contract]:
    world, mandate, token = _beginning()
    return world.copy(), mandate, token


def go_to(world: World, instant: datetime | int) -> None:
    """Let time pass until an instant."""
    seconds = instant if isinstance(instant, int) else int(instant.timestamp())
    assert seconds >= world.now_s
    world.advance(seconds - world.now_s)


def terms(world: World, **changes: Any) -> Terms:
    return Terms(**({"end": world.now_s + TEN_YEARS_S - 366 * DAY_S} | changes))


def grant(world: World, mandate: Contract, agreed: Terms, *, token: bytes = EUR, collector: Address = BOB) -> Done:
    return world.call(ALICE, mandate, "grant", collector, token, agreed.values, MEMO)


def collect(world: World, mandate: Contract, amount: int, *, who: Address = BOB, mandate_id: int = 1) -> Done:
    return world.call(who, mandate, "collect", mandate_id, amount, NO_MEMO)


def collected(world: World) -> int:
    """Return what Alice has paid; Bob must have received it."""
    alice, bob = wealth(world, world.token(EUR), [ALICE, BOB])
    assert bob - OPENING_MINOR == OPENING_MINOR - alice
    return bob - OPENING_MINOR


def test_a_mandate_moves_nothing_and_says_all_its_terms() -> None:
    world, mandate, _ = beginning()
    agreed = terms(world)
    done = grant(world, mandate, agreed)
    shown = replace(agreed, start=world.now_s).values
    assert done.value == 1
    assert done.named("MandateGranted") == [
        {"mandateId": 1, "payer": ALICE, "collector": BOB, "token": EUR, "terms": shown, "memo": MEMO}
    ]
    assert world.read(mandate, "mandateOf", 1) == (ALICE, BOB, EUR, shown, False)
    assert collected(world) == 0


def test_the_collector_collects_up_to_both_caps() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world))
    assert world.read(mandate, "collectableOf", 1) == 500
    with pytest.raises(Reverted, match=r"CollectionTooLarge\(amount=501, most=500\)"):
        collect(world, mandate, 501)
    assert collect(world, mandate, 500).named("Collected") == [
        {"mandateId": 1, "payer": ALICE, "collector": BOB, "amount": 500, "memo": NO_MEMO}
    ]
    collect(world, mandate, 200)
    assert world.read(mandate, "collectableOf", 1) == 300
    with pytest.raises(Reverted, match=r"CollectionTooLarge\(amount=301, most=300\)"):
        collect(world, mandate, 301)
    collect(world, mandate, 300)
    assert collected(world) == 1_000
    with pytest.raises(Reverted, match=r"CollectionTooLarge\(amount=1, most=0\)"):
        collect(world, mandate, 1)
    with pytest.raises(Reverted, match=r"NothingCollected\(\)"):
        collect(world, mandate, 0)


def test_nobody_but_the_collector_collects() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world))
    for other in (ALICE, CAROL, ERIN):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            collect(world, mandate, 1, who=other)


@pytest.mark.parametrize("party", [ALICE, BOB])
def test_each_party_ends_it_at_once_and_for_ever(party: Address) -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world))
    collect(world, mandate, 100)
    with pytest.raises(Reverted, match=r"CallerNotEntitled\(caller=carol\)"):
        world.call(CAROL, mandate, "revoke", 1)
    assert world.call(party, mandate, "revoke", 1).named("MandateRevoked") == [{"mandateId": 1, "party": party}]
    assert world.read(mandate, "collectableOf", 1) == 0
    for who, name, values in ((BOB, "collect", (1, 1, MEMO)), (party, "revoke", (1,))):
        with pytest.raises(Reverted, match=r"MandateEnded\(mandateId=1\)"):
            world.call(who, mandate, name, *values)
    assert collected(world) == 100


def test_it_is_in_force_from_its_first_to_its_last_second() -> None:
    world, mandate, _ = beginning()
    begin = world.now_s + 100
    grant(world, mandate, terms(world, start=begin, end=begin + 50, unit=DAYS))
    go_to(world, begin - 1)
    with pytest.raises(Reverted, match=rf"MandateNotInForce\(.*start={begin}, end={begin + 50}, now={begin - 1}\)"):
        collect(world, mandate, 1)
    assert world.read(mandate, "collectableOf", 1) == 0
    go_to(world, begin)
    collect(world, mandate, 1)
    go_to(world, begin + 50)
    collect(world, mandate, 1)
    assert world.read(mandate, "collectableOf", 1) == 500
    go_to(world, begin + 51)
    with pytest.raises(Reverted, match="MandateNotInForce"):
        collect(world, mandate, 1)
    assert world.read(mandate, "collectableOf", 1) == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"per_collection": 0}, r"InvalidCaps\(perCollection=0, perPeriod=1000\)"),
        ({"per_collection": 1_001}, r"InvalidCaps\(perCollection=1001, perPeriod=1000\)"),
        ({"unit": 0}, r"InvalidPeriod\(unit=0, length=1\)"),
        ({"unit": 3}, r"InvalidPeriod\(unit=3, length=1\)"),
        ({"length": 0}, r"InvalidPeriod\(unit=2, length=0\)"),
        ({"length": 1_001}, r"InvalidPeriod\(unit=2, length=1001\)"),
        ({"catch_up": 13}, r"InvalidCatchUp\(periods=13, most=12\)"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(changes: dict[str, Any], error: str) -> None:
    world, mandate, _ = beginning()
    with pytest.raises(Reverted, match=error):
        grant(world, mandate, terms(world, **changes))


@pytest.mark.parametrize(
    "changes", [{"per_collection": 1_000}, {"length": 1_000}, {"catch_up": 12}, {"per_period": 2**128 - 1}]
)
def test_terms_at_their_bounds_are_accepted(changes: dict[str, Any]) -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, **changes))
    collect(world, mandate, 500)


@pytest.mark.parametrize(
    ("start", "end", "is_accepted"),
    [
        (-1, 100, False),
        (0, -1, False),
        (0, 0, True),
        (100, 99, False),
        (100, 100, True),
        (0, TEN_YEARS_S, True),
        (0, TEN_YEARS_S + 1, False),
    ],
)
def test_a_mandate_has_its_time_ahead(start: int, end: int, is_accepted: bool) -> None:
    world, mandate, _ = beginning()
    agreed = terms(world, start=world.now_s + start, end=world.now_s + end)
    if is_accepted:
        grant(world, mandate, agreed)
    else:
        with pytest.raises(
            Reverted, match=rf"InvalidTimes\(start={agreed.start}, end={agreed.end}, now={world.now_s}\)"
        ):
            grant(world, mandate, agreed)


@pytest.mark.parametrize("collector", [ALICE, ZERO_ADDRESS, None])
def test_a_collector_is_somebody_else(collector: Address | None) -> None:
    world, mandate, _ = beginning()
    with pytest.raises(Reverted, match="InvalidCollector"):
        grant(world, mandate, terms(world), collector=mandate.address if collector is None else collector)


def test_an_address_without_code_is_no_token() -> None:
    world, mandate, _ = beginning()
    with pytest.raises(Reverted, match=r"NoTokenHere\(token=carol\)"):
        grant(world, mandate, terms(world), token=CAROL)


@pytest.mark.parametrize("name", ["collect", "revoke", "mandateOf", "collectableOf", "periodOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, mandate, _ = beginning()
    values = {"collect": (1, MEMO), "periodOf": (0,)}.get(name, ())
    with pytest.raises(Reverted, match=r"UnknownMandate\(mandateId=7\)"):
        world.call(BOB, mandate, name, 7, *values)


# Months.


def months_later(start: datetime, months: int) -> datetime:
    """Return the instant so many months later, by Python's own calendar."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def bounds(world: World, mandate: Contract, period: int) -> tuple[AbiValue, ...]:
    return world.call(ERIN, mandate, "periodOf", 1, period).values


@given(
    days=st.integers(0, 60_000),
    seconds=st.integers(0, DAY_S - 1),
    length=st.integers(1, 30),
    period=st.integers(0, 200),
)
@settings(max_examples=50, deadline=None)
def test_periods_of_months_begin_where_the_calendar_says(days: int, seconds: int, length: int, period: int) -> None:
    world, mandate, _ = beginning()
    start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=days, seconds=seconds)
    go_to(world, start)
    grant(world, mandate, terms(world, length=length))
    begin, end, _ = bounds(world, mandate, period)
    assert begin == int(months_later(start, period * length).timestamp())
    assert end == int(months_later(start, (period + 1) * length).timestamp())


@pytest.mark.parametrize(
    ("start", "days"),
    [
        ((2024, 1, 31), [(2024, 2, 29), (2024, 3, 31), (2024, 4, 30), (2024, 5, 31)]),
        ((2025, 1, 31), [(2025, 2, 28), (2025, 3, 31)]),
        ((2027, 12, 30), [(2028, 1, 30), (2028, 2, 29), (2028, 3, 30)]),
        ((2099, 12, 31), [(2100, 1, 31), (2100, 2, 28), (2100, 3, 31)]),
        ((2399, 12, 31), [(2400, 1, 31), (2400, 2, 29), (2400, 3, 31)]),
        ((2400, 2, 29), [(2400, 3, 29), (2400, 4, 29)]),
        ((2101, 3, 1), [(2101, 4, 1), (2101, 5, 1)]),
        ((2101, 2, 28), [(2101, 3, 28), (2101, 4, 28)]),
    ],
)
def test_a_month_after_the_last_day_is_the_last_day(
    start: tuple[int, int, int], days: list[tuple[int, int, int]]
) -> None:
    world, mandate, _ = beginning()
    go_to(world, datetime(*start, 9, 30, tzinfo=UTC))
    grant(world, mandate, terms(world))
    for period, day in enumerate(days, 1):
        assert bounds(world, mandate, period)[0] == int(datetime(*day, 9, 30, tzinfo=UTC).timestamp())


def test_what_a_month_allows_begins_in_the_very_second_in_which_it_begins() -> None:
    world, mandate, _ = beginning()
    start = datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
    go_to(world, start)
    grant(world, mandate, terms(world))
    for month in range(1, 15):
        collect(world, mandate, 500)
        collect(world, mandate, 500)
        go_to(world, int(months_later(start, month).timestamp()) - 1)
        assert world.read(mandate, "collectableOf", 1) == 0
        world.advance(1)
        assert world.read(mandate, "collectableOf", 1) == 500
    assert collected(world) == 14_000


def test_days_begin_in_the_second_of_the_start() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, unit=DAYS, length=7))
    start = world.now_s
    assert bounds(world, mandate, 3) == (start + 21 * DAY_S, start + 28 * DAY_S, 0)
    collect(world, mandate, 500)
    world.advance(7 * DAY_S - 1)
    collect(world, mandate, 500)
    assert bounds(world, mandate, 0)[2] == 1_000
    world.advance(1)
    collect(world, mandate, 500)
    assert bounds(world, mandate, 1)[2] == 500


def test_periods_are_shown_up_to_a_bound() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, length=1_000))
    bounds(world, mandate, 4_000)
    with pytest.raises(Reverted, match=r"PeriodOutOfRange\(period=4001, highest=4000\)"):
        bounds(world, mandate, 4_001)


# Catching up.


def test_without_catching_up_a_missed_period_is_gone() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, unit=DAYS, per_collection=1_000))
    world.advance(5 * DAY_S)
    assert world.read(mandate, "collectableOf", 1) == 1_000
    collect(world, mandate, 1_000)
    assert world.read(mandate, "collectableOf", 1) == 0


def test_missed_periods_are_caught_up_on_the_oldest_first() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, unit=DAYS, catch_up=2))
    world.advance(4 * DAY_S)
    for _ in range(6):
        collect(world, mandate, 500)
    with pytest.raises(Reverted, match=r"CollectionTooLarge\(amount=1, most=0\)"):
        collect(world, mandate, 1)
    assert [bounds(world, mandate, period)[2] for period in range(6)] == [0, 0, 1_000, 1_000, 1_000, 0]
    world.advance(2 * DAY_S)
    collect(world, mandate, 400)
    assert [bounds(world, mandate, period)[2] for period in range(4, 7)] == [1_000, 400, 0]


def test_after_a_pause_the_collector_catches_up() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world, unit=DAYS, catch_up=1, per_collection=1_000))
    pause(world, world.token(EUR), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        collect(world, mandate, 1_000)
    world.advance(DAY_S)
    pause(world, world.token(EUR), is_paused=False)
    for _ in range(2):
        collect(world, mandate, 1_000)
    assert collected(world) == 2_000


# What tokens and payers do.


def test_without_an_allowance_or_money_nothing_is_collected_and_nothing_counted() -> None:
    world, mandate, _ = beginning()
    grant(world, mandate, terms(world))
    world.call(ALICE, world.token(EUR), "approve", mandate.address, 99)
    with pytest.raises(Reverted, match="ERC20InsufficientAllowance"):
        collect(world, mandate, 100)
    world.call(ALICE, world.token(EUR), "approve", mandate.address, 2**128)
    world.call(ALICE, world.token(EUR), "transfer", CAROL, OPENING_MINOR - 99)
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        collect(world, mandate, 100)
    assert bounds(world, mandate, 0)[2] == 0
    collect(world, mandate, 99)


@pytest.mark.parametrize("suspended", [ALICE, BOB])
def test_a_suspended_party_neither_pays_nor_collects_and_still_ends_the_mandate(suspended: Address) -> None:
    world, mandate, token = beginning()
    grant(world, mandate, terms(world), token=token.address)
    world.call(DAVE, token, "suspend", suspended, True)
    with pytest.raises(Reverted, match="AccountSuspended"):
        collect(world, mandate, 1)
    world.call(suspended, mandate, "revoke", 1)


@pytest.mark.parametrize("mode", [Mode.LIES, Mode.TAKES_FEE, Mode.ANSWERS_FALSE])
def test_a_token_that_brings_less_is_not_counted(mode: Mode) -> None:
    world, mandate, token = beginning()
    grant(world, mandate, terms(world), token=token.address)
    world.call(DAVE, token, "misbehave", mode)
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        collect(world, mandate, 100)
    assert wealth(world, token, [ALICE, BOB]) == [OPENING_MINOR, OPENING_MINOR]
    assert bounds(world, mandate, 0)[2] == 0


def test_a_token_that_calls_back_does_not_collect_twice() -> None:
    world, mandate, token = beginning()
    grant(world, mandate, terms(world), token=token.address, collector=Address(token.address))
    again = encode_call(mandate.interface.function("collect"), 1, 400, MEMO)
    world.call(DAVE, token, "callBack", mandate.address, again)
    grant(world, mandate, terms(world), token=token.address)
    collect(world, mandate, 400, mandate_id=2)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert wealth(world, token, [ALICE, BOB]) == [OPENING_MINOR - 400, OPENING_MINOR + 400]


# Stories.


@dataclass
class ModelMandate:
    """A mandate as the bookkeeper has it."""

    payer: Address
    collector: Address
    terms: Terms
    start: datetime
    counted: dict[int, int]
    is_ended: bool = False

    def period_at(self, now: datetime) -> int:
        if self.terms.unit == DAYS:
            return (now - self.start).days // self.terms.length
        months = 0
        while months_later(self.start, months + 1) <= now:
            months += 1
        return months // self.terms.length

    def open_periods(self, now: datetime) -> range:
        period = self.period_at(now)
        return range(max(0, period - self.terms.catch_up), period + 1)


class Story:
    """One random story of mandates in one token."""

    def __init__(self) -> None:
        self.world, self.mandate, self.token = beginning()
        self.book = Book()
        self.mandates: list[ModelMandate] = []

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.world.now_s, UTC)

    def grant(self, who: Address, other: Address, number: int) -> None:
        agreed = Terms(
            per_collection=number * 400 + 1,
            per_period=number * 900 + 1,
            unit=number % 2 + 1,
            length=number % 3 + 1,
            catch_up=number % 4,
            end=self.world.now_s + 400 * DAY_S,
        )

        def modelled() -> None:
            if who == other:
                raise Refused("InvalidCollector")
            self.mandates.append(ModelMandate(who, other, agreed, self.now, {}))

        values = (other, self.token.address, agreed.values, MEMO)
        agree(lambda: self.world.call(who, self.mandate, "grant", *values), modelled)

    def collect(self, who: Address, number: int) -> None:
        if not self.mandates:
            return
        index = recent(number, len(self.mandates))
        chosen, amount = self.mandates[index], number * 150

        def modelled() -> None:
            if chosen.is_ended:
                raise Refused("MandateEnded")
            if who != chosen.collector:
                raise Refused("CallerNotEntitled")
            if self.world.now_s > chosen.terms.end:
                raise Refused("MandateNotInForce")
            if not amount:
                raise Refused("NothingCollected")
            periods = chosen.open_periods(self.now)
            rest = {period: chosen.terms.per_period - chosen.counted.get(period, 0) for period in periods}
            if amount > min(chosen.terms.per_collection, sum(rest.values())):
                raise Refused("CollectionTooLarge")
            self.book.move(chosen.payer, chosen.collector, amount)
            left = amount
            for period in periods:
                share = min(left, rest[period])
                chosen.counted[period] = chosen.counted.get(period, 0) + share
                left -= share

        agree(lambda: self.world.call(who, self.mandate, "collect", index + 1, amount, MEMO), modelled)

    def revoke(self, who: Address, number: int) -> None:
        if not self.mandates:
            return
        index = recent(number, len(self.mandates))
        chosen = self.mandates[index]

        def modelled() -> None:
            if chosen.is_ended:
                raise Refused("MandateEnded")
            if who not in (chosen.payer, chosen.collector):
                raise Refused("CallerNotEntitled")
            chosen.is_ended = True

        agree(lambda: self.world.call(who, self.mandate, "revoke", index + 1), modelled)

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        match action:
            case "grant":
                self.grant(who, other, number)
            case "collect":
                self.collect(who, number)
            case "revoke":
                self.revoke(who, number)
            case "heal":
                heal(self.world, self.token, self.book)
            case "pause":
                toggle_pause(self.world, self.token, self.book)
            case "suspend":
                toggle_suspension(self.world, self.token, self.book, other)
            case "wait":
                self.world.advance(number * 60_000)
        holders = [*STORY_PEOPLE, self.mandate.address]
        assert wealth(self.world, self.token, holders) == [*self.book.balances.values(), 0]


STEPS = steps_of(
    ["grant"] * 2 + ["collect"] * 8 + ["revoke", "pause", "suspend", "heal", "heal", "wait"],
    STORY_PEOPLE,
    STORY_PEOPLE,
    range(61),
)


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_more_is_collected_than_mandates_say(steps: Sequence[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    heal(story.world, story.token, story.book)
    for index, chosen in enumerate(story.mandates, 1):
        for period, amount in chosen.counted.items():
            assert amount <= chosen.terms.per_period
            assert story.world.call(ERIN, story.mandate, "periodOf", index, period).values[2] == amount

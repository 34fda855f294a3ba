"""PurposeBound: money reaches a programme's payees or returns to its giver, who cannot take it back early."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings

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
    check,
    heal,
    recent,
    steps_of,
    toggle_pause,
    toggle_suspension,
    withdraw_all,
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

TEN_YEARS_S = 10 * 366 * 86_400
LANDLORD = CAROL


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    purpose = world.deploy(load("PurposeBound"))
    token = deploy_token(world)
    approve(world, token, purpose)
    approve(world, world.token(EUR), purpose)
    return world.freeze(), purpose, token


def beginning() -> tuple[World, Contract, Contract]:
    world, purpose, token = _beginning()
    return world.copy(), purpose, token


def create(world: World, purpose: Contract, **changes: AbiValue) -> Done:
    """Let Alice make a rent subsidy that is spent at Carol's from now on for 100 seconds."""
    arguments: dict[str, AbiValue] = {
        "token": EUR,
        "payees": (LANDLORD,),
        "perPayment": 600,
        "start": world.now_s,
        "end": world.now_s + 100,
        "memo": MEMO,
    }
    return world.call(ALICE, purpose, "createProgramme", *(arguments | changes).values())


def issue(world: World, purpose: Contract, *amounts: int) -> Done:
    """Let Alice give to Bob, and to Erin and Dave after him."""
    return world.call(ALICE, purpose, "issue", 1, (BOB, ERIN, DAVE)[: len(amounts)], amounts)


def spend(world: World, purpose: Contract, amount: int, *, who: Address = BOB, payee: Address = LANDLORD) -> Done:
    return world.call(who, purpose, "spend", 1, payee, amount, NO_MEMO)


def euros(world: World, purpose: Contract) -> list[int]:
    """Return what Alice has spent, what Carol has received, what the contract keeps."""
    alice, carol, kept = wealth(world, world.token(EUR), [ALICE, LANDLORD, purpose.address])
    return [OPENING_MINOR - alice, carol - OPENING_MINOR, kept]


def test_a_programme_moves_nothing_and_says_everything() -> None:
    world, purpose, _ = beginning()
    done = create(world, purpose)
    assert done.value == 1
    (event,) = done.named("ProgrammeCreated")
    assert (event["giver"], event["token"], event["payees"], event["memo"]) == (ALICE, EUR, (CAROL,), MEMO)
    assert world.read(purpose, "programmeOf", 1) == (ALICE, EUR, 600, world.now_s, world.now_s + 100)
    assert [world.read(purpose, "isPayee", 1, who) for who in (CAROL, BOB)] == [True, False]
    assert euros(world, purpose) == [0, 0, 0]


def test_what_is_issued_is_spent_at_the_payee_in_the_plain_currency() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    assert issue(world, purpose, 900, 50).named("Issued") == [
        {"programmeId": 1, "beneficiary": BOB, "amount": 900},
        {"programmeId": 1, "beneficiary": ERIN, "amount": 50},
    ]
    assert euros(world, purpose) == [950, 0, 950]
    assert spend(world, purpose, 600).named("Spent") == [
        {"programmeId": 1, "beneficiary": BOB, "payee": CAROL, "amount": 600, "memo": NO_MEMO}
    ]
    assert euros(world, purpose) == [950, 600, 350]
    assert [world.read(purpose, "balanceOf", 1, who) for who in (BOB, ERIN)] == [300, 50]
    issue(world, purpose, 7)
    assert world.read(purpose, "balanceOf", 1, BOB) == 307


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"token": BOB}, r"NoTokenHere\(token=bob\)"),
        ({"perPayment": 0}, r"InvalidCap\(perPayment=0\)"),
        ({"payees": ()}, r"NoPayees\(\)"),
        ({"payees": (CAROL, ZERO_ADDRESS)}, "InvalidPayee"),
        ({"payees": (CAROL,) * 101}, "unnamed revert"),
    ],
)
def test_a_purpose_that_cannot_be_meant_is_refused(changes: dict[str, AbiValue], error: str) -> None:
    world, purpose, _ = beginning()
    with pytest.raises(Reverted, match=error):
        create(world, purpose, **changes)


@pytest.mark.parametrize(
    ("start", "end", "is_accepted"),
    [
        (0, 0, False),
        (-10, 1, True),
        (5, 4, False),
        (5, 5, True),
        (0, TEN_YEARS_S, True),
        (0, TEN_YEARS_S + 1, False),
    ],
)
def test_a_programme_has_its_end_ahead(start: int, end: int, is_accepted: bool) -> None:
    world, purpose, _ = beginning()
    begin, last = world.now_s + start, world.now_s + end
    if is_accepted:
        create(world, purpose, start=begin, end=last)
    else:
        with pytest.raises(Reverted, match=rf"InvalidTimes\(start={begin}, end={last}, now={world.now_s}\)"):
            create(world, purpose, start=begin, end=last)


@pytest.mark.parametrize(
    ("beneficiaries", "amounts", "error"),
    [
        ((), (), r"NothingToDo\(\)"),
        ((BOB,), (1, 2), r"ListsDiffer\(beneficiaries=1, amounts=2\)"),
        ((BOB, ZERO_ADDRESS), (1, 2), "InvalidBeneficiary"),
        ((BOB, None), (1, 2), "InvalidBeneficiary"),
        ((BOB, ERIN), (1, 0), r"InvalidAmount\(amount=0\)"),
        ((BOB, ERIN), (1, 2**128), "InvalidAmount"),
        ((BOB, ERIN), (OPENING_MINOR, 1), "ERC20InsufficientBalance"),
        ((BOB,) * 101, (1,) * 101, "unnamed revert"),
    ],
)
def test_an_issue_is_all_or_nothing(beneficiaries: Sequence[Any], amounts: Sequence[int], error: str) -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    rows = [purpose.address if each is None else each for each in beneficiaries]
    with pytest.raises(Reverted, match=error):
        world.call(ALICE, purpose, "issue", 1, rows, amounts)
    assert world.read(purpose, "balanceOf", 1, BOB) == 0


def test_a_hundred_beneficiaries_are_served_in_one_call_within_the_limits() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    people = [Address(bytes((1, number)) * 10) for number in range(100)]
    world.call(ALICE, purpose, "issue", 1, people, range(1, 101))
    assert euros(world, purpose) == [5_050, 0, 5_050]
    world.advance(101)
    world.call(ERIN, purpose, "reclaim", 1, people)
    assert euros(world, purpose) == [0, 0, 0]


def test_only_the_giver_issues_and_widens() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    for name, values in (("issue", (1, (BOB,), (5,))), ("addPayees", (1, (BOB,)))):
        with pytest.raises(Reverted, match=r"CallerIsNotGiver\(caller=bob, giver=alice\)"):
            world.call(BOB, purpose, name, *values)


def test_a_widened_purpose_has_more_payees() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    issue(world, purpose, 50)
    with pytest.raises(Reverted, match=r"NotForThisPayee\(programmeId=1, payee=dave\)"):
        spend(world, purpose, 5, payee=DAVE)
    for rows, error in (((), r"NoPayees\(\)"), ((ZERO_ADDRESS,), "InvalidPayee"), ((purpose.address,), "InvalidPayee")):
        with pytest.raises(Reverted, match=error):
            world.call(ALICE, purpose, "addPayees", 1, rows)
    done = world.call(ALICE, purpose, "addPayees", 1, (DAVE,))
    assert done.named("PayeesAdded") == [{"programmeId": 1, "payees": (DAVE,)}]
    spend(world, purpose, 5, payee=DAVE)
    spend(world, purpose, 5)


@pytest.mark.parametrize(("amount", "most"), [(601, 600), (0, None)])
def test_one_payment_is_capped_and_moves_something(amount: int, most: int | None) -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    issue(world, purpose, 1_300)
    error = rf"PaymentTooLarge\(programmeId=1, amount=601, most={most}\)" if most else r"InvalidAmount\(amount=0\)"
    with pytest.raises(Reverted, match=error):
        spend(world, purpose, amount)
    spend(world, purpose, 600)
    spend(world, purpose, 600)
    with pytest.raises(Reverted, match=r"PaymentTooLarge\(programmeId=1, amount=101, most=100\)"):
        spend(world, purpose, 101)


def test_nobody_spends_what_another_was_given() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    issue(world, purpose, 50)
    for other in (ALICE, CAROL, ERIN):
        with pytest.raises(Reverted, match=r"PaymentTooLarge\(programmeId=1, amount=1, most=0\)"):
            spend(world, purpose, 1, who=other)


def test_it_is_spent_from_the_first_second_to_the_last_and_then_returns() -> None:
    world, purpose, _ = beginning()
    create(world, purpose, start=world.now_s + 10)
    issue(world, purpose, 50, 30)
    world.advance(9)
    with pytest.raises(Reverted, match="ProgrammeNotStarted"):
        spend(world, purpose, 1)
    world.advance(1)
    spend(world, purpose, 1)
    world.advance(90)
    spend(world, purpose, 1)
    with pytest.raises(Reverted, match="ProgrammeNotExpired"):
        world.call(ALICE, purpose, "reclaim", 1, (BOB,))
    world.advance(1)
    for name, who, values in (
        ("spend", BOB, (1, CAROL, 1, MEMO)),
        ("issue", ALICE, (1, (BOB,), (5,))),
        ("addPayees", ALICE, (1, (BOB,))),
    ):
        with pytest.raises(Reverted, match=r"ProgrammeExpired\(programmeId=1"):
            world.call(who, purpose, name, *values)
    done = world.call(ERIN, purpose, "reclaim", 1, (BOB, CAROL, BOB, ERIN))
    assert done.named("Returned") == [
        {"programmeId": 1, "beneficiary": BOB, "amount": 48},
        {"programmeId": 1, "beneficiary": ERIN, "amount": 30},
    ]
    assert euros(world, purpose) == [2, 2, 0]
    with pytest.raises(Reverted, match=r"NothingToDo\(\)"):
        world.call(ERIN, purpose, "reclaim", 1, ())


@pytest.mark.parametrize("name", ["addPayees", "issue", "spend", "reclaim", "programmeOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, purpose, _ = beginning()
    values: dict[str, tuple[AbiValue, ...]] = {
        "addPayees": ((BOB,),),
        "issue": ((BOB,), (1,)),
        "spend": (BOB, 1, MEMO),
        "reclaim": ((BOB,),),
    }
    with pytest.raises(Reverted, match=r"UnknownProgramme\(programmeId=7\)"):
        world.call(ALICE, purpose, name, 7, *values.get(name, ()))


def test_a_suspended_beneficiary_spends_nothing_until_admitted_again() -> None:
    world, purpose, token = beginning()
    create(world, purpose, token=token.address)
    issue(world, purpose, 50)
    world.call(DAVE, token, "suspend", BOB, True)
    with pytest.raises(Reverted, match=r"AccountMayNotSend\(account=bob, token=0x\w+\)"):
        spend(world, purpose, 5)
    world.call(DAVE, token, "suspend", BOB, False)
    spend(world, purpose, 5)


def test_a_suspended_payee_is_not_paid_and_the_money_goes_elsewhere() -> None:
    world, purpose, token = beginning()
    create(world, purpose, token=token.address, payees=(CAROL, DAVE))
    issue(world, purpose, 50)
    world.call(DAVE, token, "suspend", CAROL, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=carol\)"):
        spend(world, purpose, 5)
    spend(world, purpose, 5, payee=DAVE)
    assert world.read(purpose, "balanceOf", 1, BOB) == 45


def test_what_returns_to_a_suspended_giver_waits_for_it_alone() -> None:
    world, purpose, token = beginning()
    create(world, purpose, token=token.address)
    issue(world, purpose, 50)
    world.call(DAVE, token, "suspend", ALICE, True)
    world.advance(101)
    world.call(ERIN, purpose, "reclaim", 1, (BOB,))
    assert world.read(purpose, "owedTo", ALICE, token.address) == 50
    world.call(DAVE, token, "suspend", ALICE, False)
    world.call(ERIN, purpose, "withdraw", ALICE, token.address)
    assert wealth(world, token, [ALICE, purpose.address]) == [OPENING_MINOR, 0]


def test_a_pause_only_interrupts() -> None:
    world, purpose, _ = beginning()
    create(world, purpose)
    issue(world, purpose, 50)
    pause(world, world.token(EUR), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        spend(world, purpose, 5)
    pause(world, world.token(EUR), is_paused=False)
    spend(world, purpose, 5)


@pytest.mark.parametrize("mode", [Mode.LIES, Mode.TAKES_FEE, Mode.ANSWERS_FALSE])
def test_a_token_that_brings_less_gives_nobody_anything(mode: Mode) -> None:
    world, purpose, token = beginning()
    create(world, purpose, token=token.address)
    world.call(DAVE, token, "misbehave", mode)
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        issue(world, purpose, 50)
    assert world.read(purpose, "balanceOf", 1, BOB) == 0


def test_a_token_that_calls_back_does_not_spend_twice() -> None:
    world, purpose, token = beginning()
    create(world, purpose, token=token.address)
    world.call(ALICE, purpose, "issue", 1, (BOB, token.address), (50, 50))
    again = encode_call(purpose.interface.function("spend"), 1, CAROL, 5, MEMO)
    world.call(DAVE, token, "callBack", purpose.address, again)
    spend(world, purpose, 5)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert world.balance(token, CAROL) == OPENING_MINOR + 5


# Stories.


@dataclass
class ModelProgramme:
    """A programme as the bookkeeper has it."""

    giver: Address
    payees: set[Address]
    cap: int
    start: int
    end: int
    balances: dict[Address, int]


class Story:
    """One random story of programmes in one token."""

    def __init__(self) -> None:
        self.world, self.purpose, self.token = beginning()
        self.book = Book()
        self.programmes: list[ModelProgramme] = []

    def agree(self, who: Address, name: str, values: Sequence[AbiValue], modelled: Any) -> None:
        """Compare a call with the model, whose books are as before if it refuses."""
        before = deepcopy(self.book)
        if not agree(lambda: self.world.call(who, self.purpose, name, *values), modelled):
            self.book = before

    def create(self, who: Address, other: Address, number: int) -> None:
        number += 1
        cap, start, end = number * 3_000, self.world.now_s + number % 3, self.world.now_s + 3 * number
        self.world.call(
            who, self.purpose, "createProgramme", self.token.address, STORY_PEOPLE[:2], cap, start, end, MEMO
        )
        self.programmes.append(
            ModelProgramme(who, {*STORY_PEOPLE[:2]}, cap, start, end, dict.fromkeys(STORY_PEOPLE, 0))
        )

    def act(self, name: str, who: Address, other: Address, number: int) -> None:
        if not self.programmes:
            return
        index = recent(number, len(self.programmes))
        chosen = self.programmes[index]
        now = self.world.now_s
        if name == "issue" and number % 2:
            who = chosen.giver
        amount = number * 2_000 if name == "issue" else number % 9 * 900

        def issue_modelled() -> None:
            if who != chosen.giver:
                raise Refused("CallerIsNotGiver")
            if now > chosen.end:
                raise Refused("ProgrammeExpired")
            if not amount:
                raise Refused("InvalidAmount")
            self.book.take(who, amount + 3)
            chosen.balances[other] += amount
            chosen.balances[who] += 3

        def spend_modelled() -> None:
            if now < chosen.start:
                raise Refused("ProgrammeNotStarted")
            if now > chosen.end:
                raise Refused("ProgrammeExpired")
            if other not in chosen.payees:
                raise Refused("NotForThisPayee")
            if not amount:
                raise Refused("InvalidAmount")
            if who in self.book.suspended:
                raise Refused("AccountMayNotSend")
            if amount > min(chosen.cap, chosen.balances[who]):
                raise Refused("PaymentTooLarge")
            self.book.pay(other, amount)
            chosen.balances[who] -= amount

        def reclaim_modelled() -> None:
            if now <= chosen.end:
                raise Refused("ProgrammeNotExpired")
            self.book.pay_or_owe(chosen.giver, chosen.balances[other])
            chosen.balances[other] = 0

        programme_id = index + 1
        match name:
            case "issue":
                self.agree(who, name, (programme_id, (other, who), (amount, 3)), issue_modelled)
            case "spend":
                self.agree(who, name, (programme_id, other, amount, MEMO), spend_modelled)
            case "reclaim":
                self.agree(who, name, (programme_id, (other,)), reclaim_modelled)

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        self.world.advance(1)
        match action:
            case "create":
                self.create(who, other, number)
            case "withdraw":
                values = (other, self.token.address)
                self.agree(who, "withdraw", values, lambda: self.book.withdraw(other))
            case "heal":
                heal(self.world, self.token, self.book)
            case "pause":
                toggle_pause(self.world, self.token, self.book)
            case "suspend":
                toggle_suspension(self.world, self.token, self.book, other)
            case "wait":
                self.world.advance(number)
            case _:
                self.act(action, who, other, number)
        self.check()

    def check(self) -> None:
        check(self.world, self.token, self.purpose, self.book)
        given = sum(sum(programme.balances.values()) for programme in self.programmes)
        assert self.book.kept == given + sum(self.book.owed.values())

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        heal(self.world, self.token, self.book)
        self.world.advance(200)
        for programme_id, chosen in enumerate(self.programmes, 1):
            self.world.call(ERIN, self.purpose, "reclaim", programme_id, STORY_PEOPLE)
            self.book.pay(chosen.giver, sum(chosen.balances.values()))
            chosen.balances = dict.fromkeys(STORY_PEOPLE, 0)
        withdraw_all(self.world, self.token, self.purpose, self.book, ERIN)
        self.check()
        assert self.book.kept == 0


STEPS = steps_of(
    ["create"]
    + ["issue"] * 5
    + ["spend"] * 6
    + ["reclaim"] * 2
    + ["withdraw", "pause", "suspend", "heal", "heal", "wait"],
    STORY_PEOPLE,
    STORY_PEOPLE,
    range(61),
)


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: list[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.finish()

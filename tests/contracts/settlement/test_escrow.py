"""Escrow: milestones, disputes, deadlines, and that the money goes to the payee or the payer and nowhere else."""

from dataclasses import dataclass, field
from functools import cache

import pytest
from hypothesis import given, settings

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
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
from tests.contracts.settlement.tokens import approve, deploy_token, held, pause, wealth
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    ERIN,
    EUR,
    MEMO,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    new_world,
)

REFUND, PAY = 1, 2
OPEN, DISPUTED, CLOSED = 1, 2, 3
PAID_BY_PAYER, REFUNDED_BY_PAYEE, DECIDED_BY_ARBITER, DEADLINE_REACHED = 1, 2, 3, 4
DAY_S = 86_400
TEN_YEARS_S = 10 * 366 * DAY_S
AMOUNTS = (100, 200, 300)
TOTAL = sum(AMOUNTS)


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    escrow = world.deploy(load("Escrow"))
    token = deploy_token(world)
    approve(world, token, escrow)
    approve(world, world.token(EUR), escrow)
    return world.freeze(), escrow, token


def beginning() -> tuple[World, Contract, Contract]:
    world, escrow, token = _beginning()
    return world.copy(), escrow, token


def create(world: World, escrow: Contract, **changes: AbiValue) -> Done:
    """Let Alice set 600 euros aside for Bob for 1 000 seconds; Carol is the arbiter, with a day to decide."""
    arguments: dict[str, AbiValue] = {
        "token": EUR,
        "payee": BOB,
        "arbiter": CAROL,
        "amounts": AMOUNTS,
        "deadline": world.now_s + 1_000,
        "arbitrationSeconds": DAY_S,
        "outcome": REFUND,
        "memo": MEMO,
    }
    return world.call(ALICE, escrow, "create", *(arguments | changes).values())


def euros(world: World, escrow: Contract) -> list[int]:
    """Return what Alice has spent or set aside, what Bob has received, what is set aside in Alice's own position."""
    alice, bob, kept = wealth(world, world.token(EUR), [ALICE, BOB, escrow.address])
    set_aside = held(world, EUR, [ALICE])
    assert not (kept and set_aside), "only what is owed lies in the contract, and only once the hold has ended"
    return [OPENING_MINOR - alice, bob - OPENING_MINOR, kept + set_aside]


def test_creating_takes_the_sum_and_says_all_terms() -> None:
    world, escrow, _ = beginning()
    done = create(world, escrow)
    assert done.value == 1
    (event,) = done.named("EscrowCreated")
    assert event["amounts"] == AMOUNTS
    assert (event["payer"], event["payee"], event["arbiter"], event["memo"]) == (ALICE, BOB, CAROL, MEMO)
    terms = (ALICE, BOB, CAROL, EUR, TOTAL, 3, world.now_s + 1_000, DAY_S, REFUND, OPEN)
    agreement = world.read(escrow, "escrowOf", 1)
    assert isinstance(agreement, tuple)
    *agreed, hold_id = agreement
    assert tuple(agreed) == terms
    payer, payee, notary, *amounts, _, _, memo, _ = world.call(ERIN, world.token(EUR), "holdOf", hold_id).values
    assert (payer, payee, notary, memo) == (ALICE, escrow.address, escrow.address, MEMO)
    assert amounts[:2] == [TOTAL, TOTAL]
    assert [world.read(escrow, "milestoneOf", 1, number) for number in range(4)] == [*AMOUNTS, 0]
    assert euros(world, escrow) == [TOTAL, 0, TOTAL]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payee": ZERO_ADDRESS}, "InvalidParty"),
        ({"payee": ALICE}, r"InvalidParty\(party=alice\)"),
        ({"arbiter": ALICE}, r"InvalidParty\(party=alice\)"),
        ({"arbiter": BOB}, r"InvalidParty\(party=bob\)"),
        ({"amounts": ()}, r"NoMilestones\(\)"),
        ({"amounts": (5, 0)}, r"InvalidAmount\(amount=0\)"),
        ({"amounts": (2**128,)}, "InvalidAmount"),
        ({"amounts": (1,) * 17}, "unnamed revert"),
        ({"amounts": (OPENING_MINOR, 1)}, "ERC20InsufficientBalance"),
        ({"arbiter": ZERO_ADDRESS}, "InvalidArbitration"),
        ({"arbitrationSeconds": 0}, "InvalidArbitration"),
        ({"arbitrationSeconds": 366 * DAY_S + 1}, "InvalidArbitration"),
        ({"outcome": 0}, r"InvalidOutcome\(outcome=0\)"),
        ({"outcome": 3}, r"InvalidOutcome\(outcome=3\)"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(changes: dict[str, AbiValue], error: str) -> None:
    world, escrow, _ = beginning()
    with pytest.raises(Reverted, match=error):
        create(world, escrow, **changes)
    assert euros(world, escrow) == [0, 0, 0]


@pytest.mark.parametrize("party", ["payee", "arbiter"])
def test_the_contract_itself_is_no_party(party: str) -> None:
    world, escrow, _ = beginning()
    with pytest.raises(Reverted, match="InvalidParty"):
        create(world, escrow, **{party: escrow.address})


@pytest.mark.parametrize(
    ("seconds", "is_accepted"), [(0, False), (1, True), (TEN_YEARS_S, True), (TEN_YEARS_S + 1, False)]
)
def test_a_deadline_is_in_the_future_and_within_ten_years(seconds: int, is_accepted: bool) -> None:
    world, escrow, _ = beginning()
    if is_accepted:
        create(world, escrow, deadline=world.now_s + seconds)
    else:
        with pytest.raises(
            Reverted, match=rf"InvalidDeadline\(deadline=\d+, now={world.now_s}, latest={world.now_s + TEN_YEARS_S}\)"
        ):
            create(world, escrow, deadline=world.now_s + seconds)


def test_the_largest_amount_is_taken_and_paid() -> None:
    world, escrow, token = beginning()
    world.call(DAVE, token, "give", ALICE, 2**128 - 1 - OPENING_MINOR)
    create(world, escrow, token=token.address, amounts=(2**128 - 1,))
    world.call(BOB, escrow, "dispute", 1)
    world.call(CAROL, escrow, "resolve", 1, 2**128 - 1)
    assert wealth(world, token, [ALICE, BOB]) == [0, 2**128 - 1 + OPENING_MINOR]


def test_sixteen_milestones_are_the_most() -> None:
    world, escrow, _ = beginning()
    create(world, escrow, amounts=tuple(range(1, 17)))
    assert world.read(escrow, "milestoneOf", 1, 15) == 16


def test_milestones_are_released_in_any_order_and_the_last_closes() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    assert world.call(ALICE, escrow, "release", 1, 2).named("MilestoneReleased") == [
        {"escrowId": 1, "milestone": 2, "amount": 300}
    ]
    assert euros(world, escrow) == [TOTAL, 300, 300]
    assert world.call(ALICE, escrow, "release", 1, 0).named("EscrowClosed") == []
    (closed,) = world.call(ALICE, escrow, "release", 1, 1).named("EscrowClosed")
    assert closed == {"escrowId": 1, "toPayee": 0, "toPayer": 0, "reason": PAID_BY_PAYER}
    assert euros(world, escrow) == [TOTAL, TOTAL, 0]
    with pytest.raises(Reverted, match=r"EscrowEnded\(escrowId=1\)"):
        world.call(ALICE, escrow, "release", 1, 1)


def test_a_milestone_is_released_once_and_by_the_payer_only() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    world.call(ALICE, escrow, "release", 1, 0)
    for milestone in (0, 3):
        with pytest.raises(Reverted, match=rf"UnknownMilestone\(escrowId=1, milestone={milestone}\)"):
            world.call(ALICE, escrow, "release", 1, milestone)
    for other in (BOB, CAROL, ERIN):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, escrow, "release", 1, 1)


def test_a_release_to_a_suspended_payee_is_refused_with_the_reason_and_decides_nothing() -> None:
    world, escrow, token = beginning()
    create(world, escrow, token=token.address)
    world.call(DAVE, token, "suspend", BOB, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=bob\)"):
        world.call(ALICE, escrow, "release", 1, 0)
    world.advance(1_001)
    world.call(ERIN, escrow, "close", 1)
    assert world.balance(token, ALICE) == OPENING_MINOR


@pytest.mark.parametrize(
    ("name", "who", "outcome", "reason"),
    [("payAll", ALICE, [TOTAL, TOTAL, 0], PAID_BY_PAYER), ("refund", BOB, [100, 100, 0], REFUNDED_BY_PAYEE)],
)
@pytest.mark.parametrize("is_disputed", [False, True])
def test_each_party_can_give_in_at_any_time(
    name: str, who: Address, outcome: list[int], reason: int, is_disputed: bool
) -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    world.call(ALICE, escrow, "release", 1, 0)
    if is_disputed:
        world.call(BOB, escrow, "dispute", 1)
    for other in {ALICE, BOB, CAROL, ERIN} - {who}:
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, escrow, name, 1)
    (closed,) = world.call(who, escrow, name, 1).named("EscrowClosed")
    assert closed["reason"] == reason
    assert euros(world, escrow) == outcome


def test_in_a_dispute_no_milestone_is_released_and_the_arbiter_divides_the_rest() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    world.call(ALICE, escrow, "release", 1, 0)
    (disputed,) = world.call(BOB, escrow, "dispute", 1).named("Disputed")
    assert disputed == {"escrowId": 1, "caller": BOB, "decideBy": world.now_s + DAY_S}
    for who, name, values in ((ALICE, "release", (1, 1)), (ALICE, "dispute", (1,)), (BOB, "dispute", (1,))):
        with pytest.raises(Reverted, match=r"EscrowDisputed\(escrowId=1\)"):
            world.call(who, escrow, name, *values)
    for other in (ALICE, BOB, ERIN):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, escrow, "resolve", 1, 0)
    with pytest.raises(Reverted, match=r"SplitTooLarge\(escrowId=1, toPayee=501, remaining=500\)"):
        world.call(CAROL, escrow, "resolve", 1, 501)
    (closed,) = world.call(CAROL, escrow, "resolve", 1, 180).named("EscrowClosed")
    assert closed == {"escrowId": 1, "toPayee": 180, "toPayer": 320, "reason": DECIDED_BY_ARBITER}
    assert euros(world, escrow) == [280, 280, 0]


def test_the_arbiter_decides_nothing_without_a_dispute() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    with pytest.raises(Reverted, match="EscrowNotDisputed"):
        world.call(CAROL, escrow, "resolve", 1, 0)


def test_without_an_arbiter_there_is_no_dispute() -> None:
    world, escrow, _ = beginning()
    create(world, escrow, arbiter=ZERO_ADDRESS, arbitrationSeconds=0)
    with pytest.raises(Reverted, match="InvalidArbitration"):
        world.call(ALICE, escrow, "dispute", 1)


def test_the_last_second_is_in_time_for_a_dispute_and_for_the_arbiter() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    world.advance(1_000)
    world.call(ALICE, escrow, "dispute", 1)
    world.advance(DAY_S)
    world.call(CAROL, escrow, "resolve", 1, TOTAL)
    assert euros(world, escrow) == [TOTAL, TOTAL, 0]


def test_only_the_parties_dispute_and_not_after_the_deadline() -> None:
    world, escrow, _ = beginning()
    create(world, escrow)
    for other in (CAROL, ERIN):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, escrow, "dispute", 1)
    world.advance(1_001)
    with pytest.raises(Reverted, match="DeadlinePassed"):
        world.call(ALICE, escrow, "dispute", 1)


@pytest.mark.parametrize(("outcome", "after"), [(REFUND, [0, 0, 0]), (PAY, [TOTAL, TOTAL, 0])])
def test_after_the_deadline_a_stranger_brings_about_what_was_agreed(outcome: int, after: list[int]) -> None:
    world, escrow, _ = beginning()
    create(world, escrow, outcome=outcome)
    world.advance(1_000)
    with pytest.raises(Reverted, match="DeadlineNotPassed"):
        world.call(ERIN, escrow, "close", 1)
    world.advance(1)
    (closed,) = world.call(ERIN, escrow, "close", 1).named("EscrowClosed")
    assert closed["reason"] == DEADLINE_REACHED
    assert euros(world, escrow) == after


def test_an_idle_arbiter_delays_the_agreed_outcome_and_no_more() -> None:
    world, escrow, _ = beginning()
    create(world, escrow, outcome=PAY)
    world.call(ALICE, escrow, "dispute", 1)
    world.advance(DAY_S)
    with pytest.raises(Reverted, match="DeadlineNotPassed"):
        world.call(ERIN, escrow, "close", 1)
    world.advance(1)
    with pytest.raises(Reverted, match="DeadlinePassed"):
        world.call(CAROL, escrow, "resolve", 1, 0)
    world.call(ERIN, escrow, "close", 1)
    assert euros(world, escrow) == [TOTAL, TOTAL, 0]


def test_an_early_dispute_never_shortens_the_deadline() -> None:
    world, escrow, _ = beginning()
    create(world, escrow, deadline=world.now_s + 9 * DAY_S)
    (disputed,) = world.call(BOB, escrow, "dispute", 1).named("Disputed")
    assert disputed["decideBy"] == world.now_s + 9 * DAY_S


@pytest.mark.parametrize("suspended", [ALICE, BOB])
def test_a_suspended_party_does_not_keep_the_other_from_its_share(suspended: Address) -> None:
    world, escrow, token = beginning()
    create(world, escrow, token=token.address)
    world.call(BOB, escrow, "dispute", 1)
    world.call(DAVE, token, "suspend", suspended, True)
    world.call(CAROL, escrow, "resolve", 1, 250)
    shares = {ALICE: 350, BOB: 250}
    assert world.balance(token, escrow.address) == shares[suspended]
    assert world.read(escrow, "owedTo", suspended, token.address) == shares[suspended]
    world.call(DAVE, token, "suspend", suspended, False)
    world.call(ERIN, escrow, "withdraw", suspended, token.address)
    assert wealth(world, token, [ALICE, BOB, escrow.address]) == [OPENING_MINOR - 250, OPENING_MINOR + 250, 0]


def test_an_outcome_during_a_pause_is_paid_afterwards() -> None:
    world, escrow, _ = beginning()
    create(world, escrow, outcome=PAY)
    pause(world, world.token(EUR), is_paused=True)
    world.advance(1_001)
    world.call(ERIN, escrow, "close", 1)
    pause(world, world.token(EUR), is_paused=False)
    world.call(ERIN, escrow, "withdraw", BOB, EUR)
    assert euros(world, escrow) == [TOTAL, TOTAL, 0]


@pytest.mark.parametrize(
    ("name", "values"),
    [("release", (0,)), ("payAll", ()), ("refund", ()), ("dispute", ()), ("resolve", (0,)), ("close", ())],
)
def test_a_number_nobody_gave_out_and_an_ended_escrow_are_refused(name: str, values: tuple[int, ...]) -> None:
    world, escrow, _ = beginning()
    with pytest.raises(Reverted, match=r"UnknownEscrow\(escrowId=1\)"):
        world.call(ALICE, escrow, name, 1, *values)
    create(world, escrow)
    world.call(BOB, escrow, "refund", 1)
    with pytest.raises(Reverted, match=r"EscrowEnded\(escrowId=1\)"):
        world.call(ALICE, escrow, name, 1, *values)
    assert world.read(escrow, "milestoneOf", 1, 0) == 0


@dataclass
class ModelEscrow:
    """An escrow as the bookkeeper has it: Carol, Alice or Bob may be its arbiter."""

    payer: Address
    payee: Address
    arbiter: Address
    milestones: dict[int, int]
    deadline: int
    outcome: int
    is_disputed: bool = False
    is_open: bool = True

    @property
    def rest(self) -> int:
        return sum(self.milestones.values())


@dataclass
class Story:
    """One random story of escrows in one token, with a minute for the arbiter."""

    world: World
    escrow: Contract
    token: Contract
    book: Book = field(default_factory=Book)
    escrows: list[ModelEscrow] = field(default_factory=list)

    def create(self, who: Address, other: Address, number: int) -> None:
        (arbiter,) = {*STORY_PEOPLE} - {who, other} if who != other else {who}
        amounts = (number * 3_000 + 1, number * 5_000 + 2)
        deadline = self.world.now_s + number % 50 + 1
        outcome = number % 2 + 1
        terms = (self.token.address, other, arbiter, amounts, deadline, 60, outcome, MEMO)

        def modelled() -> None:
            if who == other:
                raise Refused("InvalidParty")
            self.book.reserve(who, sum(amounts))
            milestones = dict(enumerate(amounts))
            self.escrows.append(ModelEscrow(who, other, arbiter, milestones, deadline, outcome))

        agree(lambda: self.world.call(who, self.escrow, "create", *terms), modelled)

    def act(self, name: str, who: Address, number: int) -> None:
        if not self.escrows:
            return
        escrow_id = recent(number, len(self.escrows)) + 1
        chosen = self.escrows[escrow_id - 1]
        milestone, to_payee = number % 2, number * 4_000
        values = {"release": [milestone], "resolve": [to_payee]}.get(name, [])

        def modelled() -> None:
            if not chosen.is_open:
                raise Refused("EscrowEnded")
            entitled = {
                "release": {chosen.payer},
                "payAll": {chosen.payer},
                "refund": {chosen.payee},
                "dispute": {chosen.payer, chosen.payee},
                "resolve": {chosen.arbiter},
                "close": {*STORY_PEOPLE},
            }[name]
            if who not in entitled:
                raise Refused("CallerNotEntitled")
            self.decide(name, chosen, milestone, to_payee)

        agree(lambda: self.world.call(who, self.escrow, name, escrow_id, *values), modelled)

    def decide(self, name: str, chosen: ModelEscrow, milestone: int, to_payee: int) -> None:
        is_late = self.world.now_s > chosen.deadline
        match name:
            case "release":
                if chosen.is_disputed:
                    raise Refused("EscrowDisputed")
                if not chosen.milestones[milestone]:
                    raise Refused("UnknownMilestone")
                self.book.require_open(chosen.payee)
                self.book.draw(chosen.payer, chosen.milestones[milestone])
                self.book.pay(chosen.payee, chosen.milestones[milestone])
                chosen.milestones[milestone] = 0
                chosen.is_open = chosen.rest > 0
            case "payAll":
                self.end(chosen, chosen.rest)
            case "refund":
                self.end(chosen, 0)
            case "dispute":
                if chosen.is_disputed:
                    raise Refused("EscrowDisputed")
                if is_late:
                    raise Refused("DeadlinePassed")
                chosen.is_disputed = True
                chosen.deadline = max(chosen.deadline, self.world.now_s + 60)
            case "resolve":
                if not chosen.is_disputed:
                    raise Refused("EscrowNotDisputed")
                if is_late:
                    raise Refused("DeadlinePassed")
                if to_payee > chosen.rest:
                    raise Refused("SplitTooLarge")
                self.end(chosen, to_payee)
            case "close":
                if not is_late:
                    raise Refused("DeadlineNotPassed")
                self.end(chosen, chosen.rest if chosen.outcome == PAY else 0)

    def end(self, chosen: ModelEscrow, to_payee: int) -> None:
        self.book.draw(chosen.payer, to_payee)
        self.book.pay_or_owe(chosen.payee, to_payee)
        self.book.give_back(chosen.payer, chosen.rest - to_payee)
        chosen.is_open = False

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        match action:
            case "create":
                self.create(who, other, number)
            case "withdraw":
                agree(
                    lambda: self.world.call(who, self.escrow, "withdraw", other, self.token.address),
                    lambda: self.book.withdraw(other),
                )
            case "heal":
                heal(self.world, self.token, self.book)
            case "pause":
                toggle_pause(self.world, self.token, self.book)
            case "suspend":
                toggle_suspension(self.world, self.token, self.book, other)
            case "wait":
                self.world.advance(number)
            case _:
                self.act(action, who, number)
        check(self.world, self.token, self.escrow, self.book)

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        heal(self.world, self.token, self.book)
        self.world.advance(200)
        for escrow_id, chosen in enumerate(self.escrows, 1):
            if chosen.is_open:
                self.world.call(ERIN, self.escrow, "close", escrow_id)
                self.end(chosen, chosen.rest if chosen.outcome == PAY else 0)
        withdraw_all(self.world, self.token, self.escrow, self.book, ERIN)
        check(self.world, self.token, self.escrow, self.book)
        assert self.book.kept == 0


ACTIONS = (
    ["create"] * 4
    + ["release", "payAll", "refund", "dispute", "dispute", "resolve", "resolve", "close"]
    + ["withdraw", "pause", "suspend", "heal", "heal", "wait"]
)
STEPS = steps_of(ACTIONS, STORY_PEOPLE, STORY_PEOPLE, range(61))


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: list[tuple[str, Address, Address, int]]) -> None:
    story = Story(*beginning())
    for step in steps:
        story.step(*step)
    story.finish()

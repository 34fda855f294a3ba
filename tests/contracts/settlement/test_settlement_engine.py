"""SettlementEngine: all legs or none, nobody waits for anybody, and a signature says exactly one thing."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
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
from tests.contracts.settlement.tokens import approve, deploy_token, held, pause, wealth
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    CNY,
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

PROPOSED, SETTLED, REJECTED, CANCELLED = 1, 2, 3, 4
YEAR_S = 366 * 86_400
REASON = b"price differs".ljust(32, b"\0")

Leg = tuple[bytes, Address, Address, int]
DVP: tuple[Leg, ...] = ((CNY, ALICE, BOB, 700), (EUR, BOB, ALICE, 90))


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    engine = world.deploy(load("SettlementEngine"))
    token = deploy_token(world)
    for each in (token, world.token(EUR), world.token(CNY)):
        approve(world, each, engine)
    return world.freeze(), engine, token


def beginning() -> tuple[World, Contract, Contract]:
    world, engine, token = _beginning()
    return world.copy(), engine, token


def propose(world: World, engine: Contract, legs: Sequence[Leg] = DVP, seconds: int = 100) -> Done:
    return world.call(ERIN, engine, "propose", legs, world.now_s + seconds, MEMO)


def moved(world: World, engine: Contract, token: bytes) -> list[int]:
    """Return how much more than at the start Alice, Bob and Carol have, and what they have in holds."""
    first, second, third, kept = wealth(world, world.token(Address(token)), [ALICE, BOB, CAROL, engine.address])
    assert kept == 0, "of a native currency the contract keeps nothing"
    set_aside = held(world, Address(token), [ALICE, BOB, CAROL])
    return [first - OPENING_MINOR, second - OPENING_MINOR, third - OPENING_MINOR, set_aside]


def state(world: World, engine: Contract, instruction_id: int = 1) -> tuple[int, int]:
    """Return state and number of legs that wait."""
    instruction, _ = world.call(ERIN, engine, "instructionOf", instruction_id).values
    assert isinstance(instruction, tuple)
    _, found, _, waiting, _ = instruction
    return found, waiting


# Instructions.


def test_a_proposal_moves_nothing_and_says_everything() -> None:
    world, engine, _ = beginning()
    done = propose(world, engine)
    assert done.named("InstructionProposed") == [
        {"instructionId": 1, "proposer": ERIN, "legs": DVP, "expiresAt": world.now_s + 100, "memo": MEMO}
    ]
    assert world.call(ERIN, engine, "instructionOf", 1).values == ((world.now_s + 100, PROPOSED, 2, 2, MEMO), DVP)
    assert moved(world, engine, CNY) == [0, 0, 0, 0]
    assert propose(world, engine).value == 2


def test_the_last_affirmation_settles_all_legs() -> None:
    world, engine, _ = beginning()
    propose(world, engine)
    done = world.call(ALICE, engine, "affirm", 1)
    assert done.named("InstructionAffirmed") == [{"instructionId": 1, "payer": ALICE}]
    assert done.named("InstructionSettled") == []
    assert (moved(world, engine, CNY), state(world, engine)) == ([-700, 0, 0, 700], (PROPOSED, 1))
    done = world.call(BOB, engine, "affirm", 1)
    assert done.named("InstructionSettled") == [{"instructionId": 1}]
    assert moved(world, engine, CNY) == [-700, 700, 0, 0]
    assert moved(world, engine, EUR) == [90, -90, 0, 0]
    assert state(world, engine) == (SETTLED, 0)
    assert [world.read(engine, "hasAffirmed", 1, party) for party in (ALICE, BOB, CAROL)] == [True, True, False]


def test_three_parties_settle_a_ring_of_payments() -> None:
    world, engine, _ = beginning()
    ring = ((EUR, ALICE, BOB, 5), (EUR, BOB, CAROL, 7), (EUR, CAROL, ALICE, 9), (CNY, ALICE, CAROL, 2))
    propose(world, engine, ring)
    for party in (CAROL, ALICE, BOB):
        world.call(party, engine, "affirm", 1)
    assert moved(world, engine, EUR) == [4, -2, -2, 0]
    assert moved(world, engine, CNY) == [-2, 0, 2, 0]


def test_sixteen_legs_settle_in_one_transaction_within_the_limits_and_seventeen_are_refused() -> None:
    world, engine, _ = beginning()
    legs: list[Leg] = [(EUR, ALICE, BOB, number) for number in range(1, 17)]
    propose(world, engine, legs)
    world.call(ALICE, engine, "affirm", 1)
    assert moved(world, engine, EUR) == [-136, 136, 0, 0]
    with pytest.raises(Reverted, match="unnamed revert"):
        propose(world, engine, [*legs, legs[0]])


@pytest.mark.parametrize(
    "leg",
    [
        (EUR, ALICE, ALICE, 5),
        (EUR, ALICE, BOB, 0),
        (EUR, ZERO_ADDRESS, BOB, 5),
        (EUR, ALICE, ZERO_ADDRESS, 5),
        (EUR, ALICE, None, 5),
        (EUR, None, BOB, 5),
    ],
)
def test_a_leg_that_moves_nothing_between_people_is_refused(leg: tuple[Any, ...]) -> None:
    world, engine, _ = beginning()
    legs = [DVP[0], tuple(engine.address if part is None else part for part in leg)]
    with pytest.raises(Reverted, match=r"InvalidLeg\(leg=1\)"):
        world.call(ERIN, engine, "propose", legs, world.now_s + 100, MEMO)
    with pytest.raises(Reverted, match=r"NoLegs\(\)"):
        propose(world, engine, [])


@pytest.mark.parametrize(("seconds", "is_accepted"), [(0, False), (1, True), (YEAR_S, True), (YEAR_S + 1, False)])
def test_an_expiry_is_in_the_future_and_within_a_year(seconds: int, is_accepted: bool) -> None:
    world, engine, _ = beginning()
    if is_accepted:
        propose(world, engine, seconds=seconds)
    else:
        with pytest.raises(Reverted, match=rf"InvalidExpiry\(.*latest={world.now_s + YEAR_S}\)"):
            propose(world, engine, seconds=seconds)


def test_only_payers_affirm_and_each_once() -> None:
    world, engine, _ = beginning()
    propose(world, engine, [(EUR, ALICE, BOB, 5), (EUR, CAROL, BOB, 5)])
    for other in (BOB, ERIN):
        with pytest.raises(Reverted, match=r"NothingToAffirm\(instructionId=1, caller=\w+\)"):
            world.call(other, engine, "affirm", 1)
    world.call(ALICE, engine, "affirm", 1)
    with pytest.raises(Reverted, match=r"NothingToAffirm\(instructionId=1, caller=alice\)"):
        world.call(ALICE, engine, "affirm", 1)
    assert moved(world, engine, EUR) == [-5, 0, 0, 5]


def test_the_last_second_settles_and_the_next_only_cancels() -> None:
    world, engine, _ = beginning()
    propose(world, engine, [DVP[0]])
    propose(world, engine, DVP)
    world.call(BOB, engine, "affirm", 2)
    world.advance(100)
    with pytest.raises(Reverted, match="InstructionNotExpired"):
        world.call(ERIN, engine, "cancel", 2)
    world.call(ALICE, engine, "affirm", 1)
    world.advance(1)
    with pytest.raises(Reverted, match="InstructionExpired"):
        world.call(ALICE, engine, "affirm", 2)
    assert world.call(ERIN, engine, "cancel", 2).named("InstructionCancelled") == [{"instructionId": 2}]
    assert (moved(world, engine, EUR), state(world, engine, 2)) == ([0, 0, 0, 0], (CANCELLED, 1))


@pytest.mark.parametrize("who", [ALICE, BOB])
def test_payer_and_payee_can_reject_and_what_was_reserved_returns(who: Address) -> None:
    world, engine, _ = beginning()
    propose(world, engine, [DVP[0], (EUR, CAROL, ALICE, 4)])
    world.call(ALICE, engine, "affirm", 1)
    for stranger in (DAVE, ERIN):
        with pytest.raises(Reverted, match=r"CallerIsNoParty\(instructionId=1, caller=\w+\)"):
            world.call(stranger, engine, "reject", 1, REASON)
    done = world.call(who, engine, "reject", 1, REASON)
    assert done.named("InstructionRejected") == [{"instructionId": 1, "party": who, "reason": REASON}]
    assert moved(world, engine, CNY) == [0, 0, 0, 0]
    assert state(world, engine) == (REJECTED, 1)


@pytest.mark.parametrize(("ending", "found"), [("affirm", SETTLED), ("reject", REJECTED), ("cancel", CANCELLED)])
def test_an_instruction_ends_once(ending: str, found: int) -> None:
    world, engine, _ = beginning()
    propose(world, engine, [DVP[0]])
    world.advance(101 if ending == "cancel" else 0)
    world.call(ALICE, engine, ending, 1, *([REASON] if ending == "reject" else []))
    for name, values in (("affirm", []), ("reject", [REASON]), ("cancel", [])):
        with pytest.raises(Reverted, match=rf"InstructionEnded\(instructionId=1, state={found}\)"):
            world.call(ALICE, engine, name, 1, *values)


@pytest.mark.parametrize("name", ["affirm", "reject", "cancel", "instructionOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, engine, _ = beginning()
    with pytest.raises(Reverted, match=r"UnknownInstruction\(instructionId=7\)"):
        world.call(ALICE, engine, name, 7, *([REASON] if name == "reject" else []))


def test_a_suspended_payee_stops_the_settlement_but_nobody_s_way_out() -> None:
    world, engine, token = beginning()
    propose(world, engine, [(token.address, ALICE, BOB, 5), (token.address, CAROL, ALICE, 6)])
    world.call(ALICE, engine, "affirm", 1)
    world.call(DAVE, token, "suspend", BOB, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=bob\)"):
        world.call(CAROL, engine, "affirm", 1)
    assert wealth(world, token, [ALICE, CAROL]) == [OPENING_MINOR - 5, OPENING_MINOR]
    world.call(CAROL, engine, "reject", 1, REASON)
    assert wealth(world, token, [ALICE, CAROL, engine.address]) == [OPENING_MINOR, OPENING_MINOR, 0]


def test_a_suspended_payer_does_not_keep_others_from_their_reservations() -> None:
    world, engine, token = beginning()
    legs = [(token.address, ALICE, BOB, 5), (token.address, CAROL, BOB, 6), (EUR, BOB, ALICE, 1)]
    propose(world, engine, legs)
    world.call(ALICE, engine, "affirm", 1)
    world.call(CAROL, engine, "affirm", 1)
    world.call(DAVE, token, "suspend", ALICE, True)
    world.advance(101)
    world.call(ERIN, engine, "cancel", 1)
    assert wealth(world, token, [ALICE, CAROL, engine.address]) == [OPENING_MINOR - 5, OPENING_MINOR, 5]
    world.call(DAVE, token, "suspend", ALICE, False)
    world.call(ERIN, engine, "withdraw", ALICE, token.address)
    assert wealth(world, token, [ALICE, engine.address]) == [OPENING_MINOR, 0]


def test_a_pause_at_the_last_affirmation_changes_nothing() -> None:
    world, engine, _ = beginning()
    propose(world, engine)
    world.call(ALICE, engine, "affirm", 1)
    pause(world, world.token(EUR), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        world.call(BOB, engine, "affirm", 1)
    pause(world, world.token(EUR), is_paused=False)
    world.call(BOB, engine, "affirm", 1)
    assert moved(world, engine, EUR) == [90, -90, 0, 0]


def test_a_reservation_of_several_legs_is_all_or_nothing() -> None:
    world, engine, _ = beginning()
    propose(world, engine, [(EUR, ALICE, BOB, 5), (CNY, ALICE, BOB, OPENING_MINOR + 1), (EUR, CAROL, BOB, 1)])
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        world.call(ALICE, engine, "affirm", 1)
    assert moved(world, engine, EUR) == [0, 0, 0, 0]
    assert state(world, engine) == (PROPOSED, 3)


@pytest.mark.parametrize("name", ["affirm", "reject", "cancel"])
def test_a_token_that_calls_back_in_the_middle_of_a_settlement_achieves_nothing(name: str) -> None:
    world, engine, token = beginning()
    propose(world, engine, [(token.address, ALICE, BOB, 5), (token.address, ALICE, CAROL, 6)])
    data = encode_call(engine.interface.function(name), 1, *([REASON] if name == "reject" else []))
    world.call(DAVE, token, "callBack", engine.address, data)
    world.call(ALICE, engine, "affirm", 1)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert wealth(world, token, [ALICE, BOB, CAROL, engine.address]) == [
        OPENING_MINOR - 11,
        OPENING_MINOR + 5,
        OPENING_MINOR + 6,
        0,
    ]


# Stories.


@dataclass
class ModelInstruction:
    """An instruction as the bookkeeper has it; a leg's token is its number."""

    legs: list[tuple[int, Address, Address, int]]
    expires_at: int
    affirmed: set[Address] = field(default_factory=set)
    state: int = PROPOSED


@cache
def _story_beginning() -> tuple[World, Contract, Contract, Contract]:
    world, engine, first = beginning()
    second = deploy_token(world)
    approve(world, second, engine)
    return world.freeze(), engine, first, second


class Story:
    """One random story of instructions in two tokens."""

    def __init__(self) -> None:
        world, self.engine, *tokens = _story_beginning()
        self.world, self.tokens = world.copy(), tokens
        self.books = [Book(), Book()]
        self.instructions: list[ModelInstruction] = []

    def agree(self, who: Address, name: str, values: Sequence[AbiValue], modelled: Any) -> None:
        """Compare a call with the model, whose books are as before if it refuses."""
        before = deepcopy(self.books)
        if not agree(lambda: self.world.call(who, self.engine, name, *values), modelled):
            self.books = before

    def propose(self, who: Address, other: Address, number: int) -> None:
        (third, *_) = [person for person in STORY_PEOPLE if person not in (who, other)]
        legs = [(0, who, other, number * 7_000 + 1), (1, other, third, number * 9_000 + 1), (0, other, who, 5)]
        chosen = legs[: number % 3 + 1]
        expires_at = self.world.now_s + number + 1

        def modelled() -> None:
            if who == other:
                raise Refused("InvalidLeg")
            self.instructions.append(ModelInstruction(chosen, expires_at))

        real = [(self.tokens[token].address, payer, payee, amount) for token, payer, payee, amount in chosen]
        self.agree(who, "propose", (real, expires_at, MEMO), modelled)

    def end(self, name: str, who: Address, number: int) -> None:
        if not self.instructions:
            return
        instruction_id = recent(number, len(self.instructions)) + 1
        chosen = self.instructions[instruction_id - 1]
        values = (instruction_id, REASON) if name == "reject" else (instruction_id,)

        def modelled() -> None:
            if chosen.state != PROPOSED:
                raise Refused("InstructionEnded")
            has_expired = self.world.now_s > chosen.expires_at
            if name == "affirm":
                if has_expired:
                    raise Refused("InstructionExpired")
                self.affirm(who, chosen)
            elif name == "reject":
                if not any(who in leg[1:3] for leg in chosen.legs):
                    raise Refused("CallerIsNoParty")
                self.give_back(chosen, REJECTED)
            else:
                if not has_expired:
                    raise Refused("InstructionNotExpired")
                self.give_back(chosen, CANCELLED)

        self.agree(who, name, values, modelled)

    def affirm(self, who: Address, chosen: ModelInstruction) -> None:
        payers = {leg[1] for leg in chosen.legs}
        if who not in payers or who in chosen.affirmed:
            raise Refused("NothingToAffirm")
        is_last = payers == chosen.affirmed | {who}
        for token, payer, payee, amount in chosen.legs:
            book = self.books[token]
            if payer == who and is_last:
                book.move(payer, payee, amount)
            elif payer == who:
                book.take(payer, amount)
            elif is_last:
                book.pay(payee, amount)
        chosen.affirmed.add(who)
        if is_last:
            chosen.state = SETTLED

    def give_back(self, chosen: ModelInstruction, ending: int) -> None:
        for token, payer, _, amount in chosen.legs:
            if payer in chosen.affirmed:
                self.books[token].pay_or_owe(payer, amount)
        chosen.state = ending

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        token = self.tokens[number % 2]
        book = self.books[number % 2]
        match action:
            case "propose":
                self.propose(who, other, number)
            case "withdraw":
                self.agree(who, "withdraw", (other, token.address), lambda: book.withdraw(other))
            case "heal":
                self.heal()
            case "pause":
                toggle_pause(self.world, token, book)
            case "suspend":
                toggle_suspension(self.world, token, book, other)
            case "wait":
                self.world.advance(number)
            case _:
                self.end(action, who, number)
        self.check()

    def heal(self) -> None:
        for token, book in zip(self.tokens, self.books):
            heal(self.world, token, book)

    def check(self) -> None:
        for token, book in zip(self.tokens, self.books):
            check(self.world, token, self.engine, book)

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        self.world.advance(200)
        self.heal()
        for instruction_id, chosen in enumerate(self.instructions, 1):
            if chosen.state == PROPOSED:
                self.world.call(ERIN, self.engine, "cancel", instruction_id)
                self.give_back(chosen, CANCELLED)
        for token, book in zip(self.tokens, self.books):
            withdraw_all(self.world, token, self.engine, book, ERIN)
            assert book.kept == 0
        self.check()


ACTIONS = (
    ["propose"] * 3 + ["affirm"] * 7 + ["reject", "cancel", "withdraw", "pause", "suspend", "heal", "heal", "wait"]
)
STEPS = steps_of(ACTIONS, STORY_PEOPLE, STORY_PEOPLE, range(61))


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: list[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.finish()

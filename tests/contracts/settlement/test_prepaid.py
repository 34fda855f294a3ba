"""Prepaid: what customers paid for reaches merchants or returns to them, and the issuer never touches it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache

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

ISSUER, CUSTOMER, MERCHANT, GUARDIAN = ALICE, BOB, CAROL, DAVE
LONGEST_S = 3 * 366 * 86_400


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    prepaid = world.deploy(load("Prepaid"))
    token = deploy_token(world)
    approve(world, token, prepaid)
    approve(world, world.token(EUR), prepaid)
    for each in (EUR, token.address):
        programme_id = world.call(ISSUER, prepaid, "createProgramme", each, GUARDIAN, 15, 100, MEMO).value
        world.call(ISSUER, prepaid, "addMerchants", programme_id, (MERCHANT,))
    return world.freeze(), prepaid, token


def beginning() -> tuple[World, Contract, Contract]:
    """Return programme 1 in euros and 2 in a token that can misbehave: 15 thousandths fee, cards valid 100 seconds."""
    world, prepaid, token = _beginning()
    return world.copy(), prepaid, token


def load_card(
    world: World, prepaid: Contract, amount: int, *, payer: Address = CUSTOMER, programme_id: int = 1
) -> Done:
    return world.call(payer, prepaid, "loadCard", programme_id, CUSTOMER, amount)


def use(
    world: World,
    prepaid: Contract,
    amount: int,
    *,
    who: Address = CUSTOMER,
    merchant: Address = MERCHANT,
    programme_id: int = 1,
) -> Done:
    return world.call(who, prepaid, "pay", programme_id, merchant, amount, NO_MEMO)


def card(world: World, prepaid: Contract, programme_id: int = 1) -> tuple[AbiValue, ...]:
    return world.call(ERIN, prepaid, "cardOf", programme_id, CUSTOMER).values


def euros(world: World, prepaid: Contract) -> list[int]:
    """Return how much more than at the start issuer, customer and merchant have, and what the contract keeps."""
    *people, kept = wealth(world, world.token(EUR), [ISSUER, CUSTOMER, MERCHANT, prepaid.address])
    return [*(amount - OPENING_MINOR for amount in people), kept]


def test_a_programme_says_what_it_offers() -> None:
    world, prepaid, _ = beginning()
    done = world.call(ISSUER, prepaid, "createProgramme", EUR, GUARDIAN, 100, LONGEST_S, MEMO)
    assert done.named("ProgrammeCreated") == [
        {
            "programmeId": 3,
            "issuer": ISSUER,
            "guardian": GUARDIAN,
            "token": EUR,
            "feePerMille": 100,
            "validitySeconds": LONGEST_S,
            "memo": MEMO,
        }
    ]
    assert world.read(prepaid, "programmeOf", 3) == (ISSUER, GUARDIAN, EUR, 100, LONGEST_S, False)
    done = world.call(ISSUER, prepaid, "addMerchants", 3, (ERIN, BOB))
    assert done.named("MerchantsAdded") == [{"programmeId": 3, "merchants": (ERIN, BOB)}]
    assert [world.read(prepaid, "isMerchant", 3, who) for who in (ERIN, BOB, CAROL)] == [True, True, False]


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((BOB, GUARDIAN, 0, 1), r"NoTokenHere\(token=bob\)"),
        ((EUR, ISSUER, 0, 1), r"InvalidGuardian\(guardian=alice\)"),
        ((EUR, ZERO_ADDRESS, 0, 1), "InvalidGuardian"),
        ((EUR, GUARDIAN, 101, 1), r"InvalidFee\(feePerMille=101, highest=100\)"),
        ((EUR, GUARDIAN, 0, 0), r"InvalidValidity\(validitySeconds=0"),
        ((EUR, GUARDIAN, 0, LONGEST_S + 1), rf"InvalidValidity\(.*longest={LONGEST_S}\)"),
    ],
)
def test_an_offer_that_cannot_be_meant_is_refused(values: tuple[AbiValue, ...], error: str) -> None:
    world, prepaid, _ = beginning()
    with pytest.raises(Reverted, match=error):
        world.call(ISSUER, prepaid, "createProgramme", *values, MEMO)


def test_the_contract_itself_is_no_party() -> None:
    world, prepaid, _ = beginning()
    for name, values, error in (
        ("createProgramme", (EUR, prepaid.address, 0, 1, MEMO), "InvalidGuardian"),
        ("addMerchants", (1, (prepaid.address,)), "InvalidMerchant"),
        ("loadCard", (1, prepaid.address, 5), "InvalidCustomer"),
    ):
        with pytest.raises(Reverted, match=error):
            world.call(ISSUER, prepaid, name, *values)


def test_only_the_issuer_adds_merchants_and_is_none_itself() -> None:
    world, prepaid, _ = beginning()
    for other in (GUARDIAN, CUSTOMER, MERCHANT):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, prepaid, "addMerchants", 1, (ERIN,))
    for rows, error in (
        ((), r"NoMerchants\(\)"),
        ((ISSUER,), r"InvalidMerchant\(merchant=alice\)"),
        ((ZERO_ADDRESS,), "InvalidMerchant"),
    ):
        with pytest.raises(Reverted, match=error):
            world.call(ISSUER, prepaid, "addMerchants", 1, rows)


@pytest.mark.parametrize("payer", [CUSTOMER, ISSUER])
def test_whoever_pays_the_card_is_the_customer_s(payer: Address) -> None:
    world, prepaid, _ = beginning()
    done = load_card(world, prepaid, 500, payer=payer)
    assert done.named("CardLoaded") == [
        {"programmeId": 1, "customer": CUSTOMER, "payer": payer, "amount": 500, "expiresAt": world.now_s + 100}
    ]
    assert card(world, prepaid) == (500, world.now_s + 100)
    assert euros(world, prepaid)[3] == 500


@pytest.mark.parametrize(
    ("customer", "amount", "error"),
    [
        (ZERO_ADDRESS, 5, "InvalidCustomer"),
        (CUSTOMER, 0, r"InvalidAmount\(amount=0\)"),
        (CUSTOMER, 2**128, "InvalidAmount"),
        (CUSTOMER, OPENING_MINOR + 1, "ERC20InsufficientBalance"),
    ],
)
def test_a_load_that_cannot_be_is_refused(customer: Address, amount: int, error: str) -> None:
    world, prepaid, _ = beginning()
    with pytest.raises(Reverted, match=error):
        world.call(CUSTOMER, prepaid, "loadCard", 1, customer, amount)
    assert card(world, prepaid) == (0, 0)


def test_a_merchant_is_paid_at_once_less_the_fee_rounded_down() -> None:
    world, prepaid, _ = beginning()
    load_card(world, prepaid, 5_000)
    done = use(world, prepaid, 1_999)
    assert done.named("CardUsed") == [
        {"programmeId": 1, "customer": CUSTOMER, "merchant": MERCHANT, "amount": 1_999, "fee": 29, "memo": NO_MEMO}
    ]
    assert euros(world, prepaid) == [29, -5_000, 1_970, 3_001]
    use(world, prepaid, 66)
    assert euros(world, prepaid)[0] == 29
    use(world, prepaid, 2_935)
    assert euros(world, prepaid)[3] == 0


def test_nobody_pays_with_another_s_card_or_more_than_it_holds() -> None:
    world, prepaid, _ = beginning()
    load_card(world, prepaid, 500)
    for other in (ISSUER, MERCHANT, GUARDIAN, ERIN):
        with pytest.raises(Reverted, match=r"CardTooLow\(programmeId=1, amount=1, balance=0\)"):
            use(world, prepaid, 1, who=other)
    with pytest.raises(Reverted, match=r"CardTooLow\(programmeId=1, amount=501, balance=500\)"):
        use(world, prepaid, 501)
    with pytest.raises(Reverted, match=r"InvalidAmount\(amount=0\)"):
        use(world, prepaid, 0)
    with pytest.raises(Reverted, match=r"NotForThisMerchant\(programmeId=1, merchant=erin\)"):
        use(world, prepaid, 1, merchant=ERIN)


def test_cards_of_different_programmes_are_different() -> None:
    world, prepaid, token = beginning()
    load_card(world, prepaid, 500, programme_id=2)
    with pytest.raises(Reverted, match="CardTooLow"):
        use(world, prepaid, 1)
    use(world, prepaid, 1, programme_id=2)
    assert world.balance(token, MERCHANT) == OPENING_MINOR + 1


def test_a_card_is_used_up_to_its_last_second_and_then_refunded() -> None:
    world, prepaid, _ = beginning()
    load_card(world, prepaid, 500)
    world.advance(60)
    load_card(world, prepaid, 300)
    world.advance(100)
    use(world, prepaid, 200)
    with pytest.raises(Reverted, match=r"CardNotExpired\(programmeId=1, expiresAt=\d+, now=\d+\)"):
        world.call(CUSTOMER, prepaid, "refund", 1, CUSTOMER)
    world.advance(1)
    for name, values in (("pay", (1, MERCHANT, 1, MEMO)), ("loadCard", (1, CUSTOMER, 1))):
        with pytest.raises(Reverted, match=r"CardExpired\(programmeId=1, expiresAt=\d+, now=\d+\)"):
            world.call(CUSTOMER, prepaid, name, *values)
    done = world.call(ERIN, prepaid, "refund", 1, CUSTOMER)
    assert done.named("CardRefunded") == [{"programmeId": 1, "customer": CUSTOMER, "amount": 600}]
    assert euros(world, prepaid) == [3, -200, 197, 0]
    with pytest.raises(Reverted, match=r"CardEmpty\(programmeId=1, customer=bob\)"):
        world.call(ERIN, prepaid, "refund", 1, CUSTOMER)
    load_card(world, prepaid, 10)
    assert card(world, prepaid) == (10, world.now_s + 100)


def test_nobody_but_the_customer_prolongs_a_card_that_holds_money() -> None:
    world, prepaid, _ = beginning()
    load_card(world, prepaid, 500, payer=ISSUER)
    first = world.now_s + 100
    world.advance(60)
    done = load_card(world, prepaid, 1, payer=ISSUER)
    assert done.named("CardLoaded")[0]["expiresAt"] == first
    assert card(world, prepaid) == (501, first)
    load_card(world, prepaid, 1)
    assert card(world, prepaid) == (502, first + 60)


@pytest.mark.parametrize("party", [ISSUER, GUARDIAN])
def test_a_programme_ends_for_ever_and_every_card_is_refunded_at_once(party: Address) -> None:
    world, prepaid, _ = beginning()
    load_card(world, prepaid, 500)
    for other in (CUSTOMER, MERCHANT, ERIN):
        with pytest.raises(Reverted, match="CallerNotEntitled"):
            world.call(other, prepaid, "endProgramme", 1)
    done = world.call(party, prepaid, "endProgramme", 1)
    assert done.named("ProgrammeClosed") == [{"programmeId": 1, "party": party}]
    for who, name, values in (
        (CUSTOMER, "pay", (1, MERCHANT, 1, MEMO)),
        (CUSTOMER, "loadCard", (1, CUSTOMER, 1)),
        (ISSUER, "addMerchants", (1, (ERIN,))),
        (party, "endProgramme", (1,)),
    ):
        with pytest.raises(Reverted, match=r"ProgrammeEnded\(programmeId=1\)"):
            world.call(who, prepaid, name, *values)
    world.call(ERIN, prepaid, "refund", 1, CUSTOMER)
    assert euros(world, prepaid) == [0, 0, 0, 0]
    load_card(world, prepaid, 5, programme_id=2)


@pytest.mark.parametrize("name", ["addMerchants", "loadCard", "pay", "refund", "endProgramme", "programmeOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, prepaid, _ = beginning()
    values: dict[str, tuple[AbiValue, ...]] = {
        "addMerchants": ((BOB,),),
        "loadCard": (BOB, 1),
        "pay": (BOB, 1, MEMO),
        "refund": (BOB,),
    }
    with pytest.raises(Reverted, match=r"UnknownProgramme\(programmeId=7\)"):
        world.call(ISSUER, prepaid, name, 7, *values.get(name, ()))


def test_a_suspended_customer_neither_pays_nor_loses() -> None:
    world, prepaid, token = beginning()
    load_card(world, prepaid, 500, programme_id=2)
    world.call(DAVE, token, "suspend", CUSTOMER, True)
    with pytest.raises(Reverted, match=r"AccountMayNotSend\(account=bob"):
        use(world, prepaid, 5, programme_id=2)
    world.call(GUARDIAN, prepaid, "endProgramme", 2)
    world.call(ERIN, prepaid, "refund", 2, CUSTOMER)
    assert world.read(prepaid, "owedTo", CUSTOMER, token.address) == 500
    world.call(DAVE, token, "suspend", CUSTOMER, False)
    world.call(ERIN, prepaid, "withdraw", CUSTOMER, token.address)
    assert world.balance(token, CUSTOMER) == OPENING_MINOR


def test_a_suspended_issuer_stops_no_payment_and_is_owed_its_fee() -> None:
    world, prepaid, token = beginning()
    load_card(world, prepaid, 1_000, programme_id=2)
    world.call(DAVE, token, "suspend", ISSUER, True)
    use(world, prepaid, 1_000, programme_id=2)
    assert world.balance(token, MERCHANT) == OPENING_MINOR + 985
    assert world.read(prepaid, "owedTo", ISSUER, token.address) == 15


def test_a_suspended_merchant_or_a_pause_leaves_the_card_as_it_was() -> None:
    world, prepaid, token = beginning()
    load_card(world, prepaid, 500, programme_id=2)
    world.call(DAVE, token, "suspend", MERCHANT, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=carol\)"):
        use(world, prepaid, 5, programme_id=2)
    world.call(DAVE, token, "suspend", MERCHANT, False)
    pause(world, token, is_paused=True)
    with pytest.raises(Reverted, match=r"TransfersPaused\(\)"):
        use(world, prepaid, 5, programme_id=2)
    assert card(world, prepaid, 2)[0] == 500


@pytest.mark.parametrize("mode", [Mode.LIES, Mode.TAKES_FEE, Mode.ANSWERS_FALSE])
def test_a_token_that_brings_less_loads_no_card(mode: Mode) -> None:
    world, prepaid, token = beginning()
    world.call(DAVE, token, "misbehave", mode)
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        load_card(world, prepaid, 500, programme_id=2)
    assert card(world, prepaid, 2)[0] == 0


def test_a_token_that_calls_back_is_not_refunded_twice() -> None:
    world, prepaid, token = beginning()
    load_card(world, prepaid, 500, programme_id=2)
    world.call(ISSUER, prepaid, "loadCard", 2, ISSUER, 500)
    world.call(GUARDIAN, prepaid, "endProgramme", 2)
    again = encode_call(prepaid.interface.function("refund"), 2, CUSTOMER)
    world.call(DAVE, token, "callBack", prepaid.address, again)
    world.call(ERIN, prepaid, "refund", 2, CUSTOMER)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert world.balance(token, prepaid.address) == 500


# Stories.


@dataclass
class ModelProgramme:
    """A programme as the bookkeeper has it."""

    issuer: Address
    merchant: Address
    fee_per_mille: int
    validity_s: int
    cards: dict[Address, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(STORY_PEOPLE, (0, 0)))
    is_ended: bool = False


class Story:
    """One random story of programmes in one token."""

    def __init__(self) -> None:
        self.world, self.prepaid, self.token = beginning()
        self.book = Book()
        self.programmes: list[ModelProgramme] = []

    def create(self, who: Address, other: Address, number: int) -> None:
        if who == other:
            return
        terms = (self.token.address, GUARDIAN, number, 3 * number + 1, MEMO)
        programme_id = self.world.call(who, self.prepaid, "createProgramme", *terms).value
        self.world.call(who, self.prepaid, "addMerchants", programme_id, (other,))
        self.programmes.append(ModelProgramme(who, other, number, 3 * number + 1))

    def act(self, name: str, who: Address, other: Address, number: int) -> None:
        if not self.programmes:
            return
        index = recent(number, len(self.programmes))
        chosen = self.programmes[index]
        if name == "pay" and number % 2:
            other = chosen.merchant
        before = deepcopy((self.book, chosen))
        values: dict[str, tuple[AbiValue, ...]] = {
            "loadCard": (other, number * 9_000),
            "pay": (other, number % 9 * 900, MEMO),
            "refund": (other,),
            "endProgramme": (),
        }

        def modelled() -> None:
            if chosen.is_ended and name != "refund":
                raise Refused("ProgrammeEnded")
            {"loadCard": self.load, "pay": self.pay, "refund": self.refund, "endProgramme": self.end}[name](
                chosen, who, other, number
            )

        # The first two programmes are not the story's.
        if not agree(lambda: self.world.call(who, self.prepaid, name, index + 3, *values[name]), modelled):
            self.book, self.programmes[index] = before

    def load(self, chosen: ModelProgramme, who: Address, other: Address, number: int) -> None:
        if not number:
            raise Refused("InvalidAmount")
        balance, expires_at = chosen.cards[other]
        if balance and self.world.now_s > expires_at:
            raise Refused("CardExpired")
        self.book.take(who, number * 9_000)
        if not balance or who == other:
            expires_at = self.world.now_s + chosen.validity_s
        chosen.cards[other] = (balance + number * 9_000, expires_at)

    def pay(self, chosen: ModelProgramme, who: Address, other: Address, number: int) -> None:
        balance, expires_at = chosen.cards[who]
        amount = number % 9 * 900
        if not amount:
            raise Refused("InvalidAmount")
        if other != chosen.merchant:
            raise Refused("NotForThisMerchant")
        if amount > balance:
            raise Refused("CardTooLow")
        if self.world.now_s > expires_at:
            raise Refused("CardExpired")
        if who in self.book.suspended:
            raise Refused("AccountMayNotSend")
        fee = amount * chosen.fee_per_mille // 1_000
        self.book.pay(other, amount - fee)
        self.book.pay_or_owe(chosen.issuer, fee)
        chosen.cards[who] = (balance - amount, expires_at)

    def refund(self, chosen: ModelProgramme, _: Address, other: Address, __: int) -> None:
        balance, expires_at = chosen.cards[other]
        if not balance:
            raise Refused("CardEmpty")
        if self.world.now_s <= expires_at and not chosen.is_ended:
            raise Refused("CardNotExpired")
        self.book.pay_or_owe(other, balance)
        chosen.cards[other] = (0, expires_at)

    def end(self, chosen: ModelProgramme, who: Address, _: Address, __: int) -> None:
        if who != chosen.issuer:
            raise Refused("CallerNotEntitled")
        chosen.is_ended = True

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        match action:
            case "create":
                self.create(who, other, number)
            case "withdraw":
                values = (other, self.token.address)
                agree(
                    lambda: self.world.call(who, self.prepaid, "withdraw", *values), lambda: self.book.withdraw(other)
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
                self.act(action, who, other, number)
        self.check()

    def check(self) -> None:
        check(self.world, self.token, self.prepaid, self.book)
        loaded = sum(balance for programme in self.programmes for balance, _ in programme.cards.values())
        assert self.book.kept == loaded + sum(self.book.owed.values())

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        heal(self.world, self.token, self.book)
        self.world.advance(200)
        for index, chosen in enumerate(self.programmes):
            for who, (balance, _) in chosen.cards.items():
                if balance:
                    self.world.call(ERIN, self.prepaid, "refund", index + 3, who)
                    self.refund(chosen, ERIN, who, 0)
        withdraw_all(self.world, self.token, self.prepaid, self.book, ERIN)
        self.check()
        assert self.book.kept == 0


ACTIONS = (
    ["create"]
    + ["loadCard"] * 5
    + ["pay"] * 6
    + ["refund", "refund", "endProgramme", "withdraw", "pause", "suspend", "heal", "heal", "wait"]
)
STEPS = steps_of(ACTIONS, STORY_PEOPLE, STORY_PEOPLE, range(61))


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: Sequence[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.finish()

"""HashedTimelock: who gets the money, when, and that nobody else can change it."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings

from consensus.primitives.hashing import keccak256
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
from tests.contracts.settlement.tokens import approve, deploy_token, pause, wealth
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

SECRET = bytes(range(32))
SHA256, KECCAK256 = 1, 2
LOCKED, CLAIMED, RETURNED = 1, 2, 3
TEN_YEARS_S = 10 * 366 * 86_400


@cache
def _beginning() -> tuple[World, Contract, Contract]:
    world = new_world()
    timelock = world.deploy(load("HashedTimelock"))
    token = deploy_token(world)
    approve(world, token, timelock)
    approve(world, world.token(EUR), timelock)
    return world.freeze(), timelock, token


def beginning() -> tuple[World, Contract, Contract]:
    world, timelock, token = _beginning()
    return world.copy(), timelock, token


def lock(world: World, timelock: Contract, **changes: AbiValue) -> Done:
    """Let Alice lock 1 000 euros for Bob for 100 seconds."""
    arguments: dict[str, AbiValue] = {
        "token": EUR,
        "payee": BOB,
        "amount": 1_000,
        "digest": sha256(SECRET).digest(),
        "algorithm": SHA256,
        "expiresAt": world.now_s + 100,
        "memo": MEMO,
    }
    return world.call(ALICE, timelock, "lock", *(arguments | changes).values())


def test_a_lock_takes_the_money_and_says_all_its_terms() -> None:
    world, timelock, _ = beginning()
    done = lock(world, timelock)
    assert done.value == 1
    assert done.named("Locked") == [
        {
            "lockId": 1,
            "payer": ALICE,
            "payee": BOB,
            "token": EUR,
            "amount": 1_000,
            "digest": sha256(SECRET).digest(),
            "algorithm": SHA256,
            "expiresAt": world.now_s + 100,
            "memo": MEMO,
        }
    ]
    terms = (ALICE, BOB, EUR, 1_000, sha256(SECRET).digest(), SHA256, world.now_s + 100, LOCKED)
    assert world.read(timelock, "lockOf", 1) == terms
    assert wealth(world, world.token(EUR), [ALICE, BOB, timelock.address]) == [
        OPENING_MINOR - 1_000,
        OPENING_MINOR,
        1_000,
    ]
    assert lock(world, timelock).value == 2


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payee": ZERO_ADDRESS}, "InvalidPayee"),
        ({"amount": 0}, r"InvalidAmount\(amount=0\)"),
        ({"amount": OPENING_MINOR + 1}, r"ERC20InsufficientBalance\(sender=alice, balance=1000000, needed=1000001\)"),
        ({"algorithm": 0}, r"InvalidAlgorithm\(algorithm=0\)"),
        ({"algorithm": 3}, r"InvalidAlgorithm\(algorithm=3\)"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(changes: dict[str, AbiValue], error: str) -> None:
    world, timelock, _ = beginning()
    with pytest.raises(Reverted, match=error):
        lock(world, timelock, **changes)
    assert world.balance(world.token(EUR), ALICE) == OPENING_MINOR


def test_the_contract_itself_is_no_payee() -> None:
    world, timelock, _ = beginning()
    with pytest.raises(Reverted, match="InvalidPayee"):
        lock(world, timelock, payee=timelock.address)


@pytest.mark.parametrize(
    ("seconds", "is_accepted"), [(0, False), (1, True), (TEN_YEARS_S, True), (TEN_YEARS_S + 1, False)]
)
def test_an_expiry_is_in_the_future_and_within_ten_years(seconds: int, is_accepted: bool) -> None:
    world, timelock, _ = beginning()
    latest = world.now_s + TEN_YEARS_S
    if is_accepted:
        lock(world, timelock, expiresAt=world.now_s + seconds)
    else:
        with pytest.raises(Reverted, match=rf"InvalidExpiry\(.*now={world.now_s}, latest={latest}\)"):
            lock(world, timelock, expiresAt=world.now_s + seconds)


@pytest.mark.parametrize(("algorithm", "digest"), [(SHA256, sha256(SECRET).digest()), (KECCAK256, keccak256(SECRET))])
def test_whoever_knows_the_secret_brings_the_money_to_the_payee(algorithm: int, digest: bytes) -> None:
    world, timelock, _ = beginning()
    lock(world, timelock, algorithm=algorithm, digest=digest)
    done = world.call(ERIN, timelock, "claim", 1, SECRET)
    assert done.named("Claimed") == [{"lockId": 1, "secret": SECRET}]
    assert wealth(world, world.token(EUR), [ALICE, BOB, timelock.address]) == [
        OPENING_MINOR - 1_000,
        OPENING_MINOR + 1_000,
        0,
    ]


@pytest.mark.parametrize("algorithm", [SHA256, KECCAK256])
def test_another_secret_or_the_other_digest_brings_nothing(algorithm: int) -> None:
    world, timelock, _ = beginning()
    lock(world, timelock, algorithm=algorithm)
    secret = SECRET if algorithm == KECCAK256 else SECRET[:-1] + b"\xff"
    with pytest.raises(Reverted, match=r"WrongSecret\(lockId=1"):
        world.call(BOB, timelock, "claim", 1, secret)


def test_the_last_second_belongs_to_the_payee_and_the_next_to_the_payer() -> None:
    world, timelock, _ = beginning()
    lock(world, timelock)
    lock(world, timelock)
    world.advance(100)
    with pytest.raises(Reverted, match="LockNotExpired"):
        world.call(ALICE, timelock, "refund", 1)
    world.call(BOB, timelock, "claim", 1, SECRET)
    world.advance(1)
    with pytest.raises(Reverted, match="LockExpired"):
        world.call(BOB, timelock, "claim", 2, SECRET)
    assert world.call(ERIN, timelock, "refund", 2).named("Returned") == [{"lockId": 2}]
    assert wealth(world, world.token(EUR), [ALICE, BOB]) == [OPENING_MINOR - 1_000, OPENING_MINOR + 1_000]


def test_only_the_payee_can_give_the_money_back_early() -> None:
    world, timelock, _ = beginning()
    lock(world, timelock)
    for stranger in (ALICE, CAROL):
        with pytest.raises(Reverted, match=r"CallerIsNotPayee\(caller=\w+, payee=bob\)"):
            world.call(stranger, timelock, "decline", 1)
    world.call(BOB, timelock, "decline", 1)
    assert world.balance(world.token(EUR), ALICE) == OPENING_MINOR


@pytest.mark.parametrize(("ending", "state"), [("claim", CLAIMED), ("decline", RETURNED), ("refund", RETURNED)])
def test_a_lock_ends_once(ending: str, state: int) -> None:
    world, timelock, _ = beginning()
    lock(world, timelock)
    world.advance(101 if ending == "refund" else 0)
    world.call(BOB, timelock, ending, 1, *([SECRET] if ending == "claim" else []))
    for name, values in (("claim", [SECRET]), ("refund", []), ("decline", [])):
        with pytest.raises(Reverted, match=rf"LockEnded\(lockId=1, state={state}\)"):
            world.call(BOB, timelock, name, 1, *values)


@pytest.mark.parametrize("name", ["claim", "refund", "decline", "lockOf"])
def test_a_number_nobody_gave_out_is_refused(name: str) -> None:
    world, timelock, _ = beginning()
    with pytest.raises(Reverted, match=r"UnknownLock\(lockId=7\)"):
        world.call(BOB, timelock, name, 7, *([SECRET] if name == "claim" else []))


def test_a_claim_in_time_counts_although_the_currency_is_paused_beyond_the_expiry() -> None:
    world, timelock, _ = beginning()
    euro = world.token(EUR)
    lock(world, timelock)
    pause(world, euro, is_paused=True)
    world.call(BOB, timelock, "claim", 1, SECRET)
    assert world.read(timelock, "owedTo", BOB, EUR) == 1_000
    world.advance(1_000)
    with pytest.raises(Reverted, match="LockEnded"):
        world.call(ALICE, timelock, "refund", 1)
    with pytest.raises(Reverted, match="EnforcedPause"):
        world.call(BOB, timelock, "withdraw", BOB, EUR)
    pause(world, euro, is_paused=False)
    world.call(ERIN, timelock, "withdraw", BOB, EUR)
    assert wealth(world, euro, [BOB, timelock.address]) == [OPENING_MINOR + 1_000, 0]


def test_a_suspended_payer_gets_the_refund_once_admitted_again() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token=token.address)
    world.call(DAVE, token, "suspend", ALICE, True)
    world.advance(101)
    world.call(ERIN, timelock, "refund", 1)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=alice\)"):
        world.call(ALICE, timelock, "withdraw", ALICE, token.address)
    world.call(DAVE, token, "suspend", ALICE, False)
    world.call(ALICE, timelock, "withdraw", ALICE, token.address)
    assert world.balance(token, ALICE) == OPENING_MINOR


@dataclass
class ModelLock:
    """A lock as the bookkeeper has it."""

    payer: Address
    payee: Address
    amount: int
    expires_at: int
    is_open: bool = True


class Story:
    """One random story of locks in one token."""

    def __init__(self) -> None:
        self.world, self.timelock, self.token = beginning()
        self.book = Book()
        self.locks: list[ModelLock] = []

    def lock(self, who: Address, other: Address, number: int) -> None:
        expires_at = self.world.now_s + number % 50 + 1
        amount = number * 9_000
        terms = (self.token.address, other, amount, sha256(SECRET).digest(), SHA256, expires_at, MEMO)

        def modelled() -> None:
            if not amount:
                raise Refused("InvalidAmount")
            self.book.take(who, amount)
            self.locks.append(ModelLock(who, other, amount, expires_at))

        agree(lambda: self.world.call(who, self.timelock, "lock", *terms), modelled)

    def end(self, name: str, who: Address, number: int) -> None:
        lock_id = recent(number, len(self.locks) + 1) + 1
        secret = SECRET if number % 3 else bytes(32)

        def modelled() -> None:
            if lock_id > len(self.locks):
                raise Refused("UnknownLock")
            chosen = self.locks[lock_id - 1]
            if not chosen.is_open:
                raise Refused("LockEnded")
            has_expired = self.world.now_s > chosen.expires_at
            if name == "claim" and has_expired:
                raise Refused("LockExpired")
            if name == "claim" and secret != SECRET:
                raise Refused("WrongSecret")
            if name == "refund" and not has_expired:
                raise Refused("LockNotExpired")
            if name == "decline" and who != chosen.payee:
                raise Refused("CallerIsNotPayee")
            chosen.is_open = False
            self.book.pay_or_owe(chosen.payee if name == "claim" else chosen.payer, chosen.amount)

        values = [secret] if name == "claim" else []
        agree(lambda: self.world.call(who, self.timelock, name, lock_id, *values), modelled)

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        match action:
            case "lock":
                self.lock(who, other, number)
            case "claim" | "refund" | "decline":
                self.end(action, who, number)
            case "withdraw":
                agree(
                    lambda: self.world.call(who, self.timelock, "withdraw", other, self.token.address),
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
        check(self.world, self.token, self.timelock, self.book)

    def finish(self) -> None:
        """Let a stranger bring all money home."""
        heal(self.world, self.token, self.book)
        self.world.advance(100)
        for lock_id, chosen in enumerate(self.locks, 1):
            if chosen.is_open:
                self.world.call(ERIN, self.timelock, "refund", lock_id)
                self.book.pay(chosen.payer, chosen.amount)
        withdraw_all(self.world, self.token, self.timelock, self.book, ERIN)
        check(self.world, self.token, self.timelock, self.book)
        assert self.book.kept == 0


ACTIONS = (
    "lock",
    "lock",
    "claim",
    "claim",
    "refund",
    "decline",
    "withdraw",
    "pause",
    "suspend",
    "heal",
    "heal",
    "wait",
)
STEPS = steps_of(ACTIONS, STORY_PEOPLE, STORY_PEOPLE, range(61))


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: list[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    for step in steps:
        story.step(*step)
    story.finish()

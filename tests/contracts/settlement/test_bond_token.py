"""BondToken: coupons and par reach whoever holds the bond at that moment, whatever is transferred, frozen or moved."""

from collections.abc import Sequence
from copy import deepcopy
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
    heal,
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
    Reverted,
    World,
    new_world,
)

ISSUER, REGISTRAR = ALICE, DAVE
PAR = 1_000
UNITS = 100
YEAR_S = 365 * 86_400


def deploy(world: World, **changes: AbiValue) -> Contract:
    """Deploy a bond of Alice's with a hundred units of 10.00, due in a year."""
    arguments: dict[str, AbiValue] = {
        "name": "City of Basel 2.5 % 2031",
        "symbol": "BS31",
        "currency": EUR,
        "issuer": ISSUER,
        "registrar": REGISTRAR,
        "par": PAR,
        "units": UNITS,
        "maturity": world.now_s + YEAR_S,
    }
    return world.deploy(load("BondToken"), *(arguments | changes).values())


@cache
def _beginning() -> tuple[World, Contract, Contract, Contract]:
    world = new_world()
    token = deploy_token(world)
    bond, hostile = deploy(world), deploy(world, currency=token.address)
    approve(world, world.token(EUR), bond)
    approve(world, token, hostile)
    for each in (bond, hostile):
        for holder in (BOB, CAROL):
            world.call(REGISTRAR, each, "admit", holder, True)
        world.call(ISSUER, each, "transfer", BOB, 60)
        world.call(ISSUER, each, "transfer", CAROL, 30)
    return world.freeze(), bond, hostile, token


def beginning() -> tuple[World, Contract]:
    """Return a bond in euros: Bob has 60 units, Carol 30, the issuer 10."""
    world, bond, _, _ = _beginning()
    return world.copy(), bond


def hostile_beginning() -> tuple[World, Contract, Contract]:
    """Return the same in a token that can misbehave."""
    world, _, bond, token = _beginning()
    return world.copy(), bond, token


def units(world: World, bond: Contract) -> list[int]:
    return wealth(world, bond, [ISSUER, BOB, CAROL])


def euros(world: World, bond: Contract) -> list[int]:
    """Return how much more than at the start issuer, Bob and Carol have, and what the bond keeps."""
    *people, kept = wealth(world, world.token(EUR), [ISSUER, BOB, CAROL, bond.address])
    return [*(amount - OPENING_MINOR for amount in people), kept]


def mature(world: World, bond: Contract) -> None:
    """Let a year pass and the issuer pay redemption in."""
    world.advance(YEAR_S)
    world.call(ISSUER, bond, "payRedemption")


def test_it_says_what_it_is() -> None:
    world, bond = beginning()
    assert [world.read(bond, name) for name in ("name", "symbol", "decimals", "totalSupply")] == [
        "City of Basel 2.5 % 2031",
        "BS31",
        0,
        UNITS,
    ]
    assert world.call(ERIN, bond, "termsOf").values == (EUR, ISSUER, REGISTRAR, PAR, world.now_s + YEAR_S)
    assert units(world, bond) == [10, 60, 30]
    assert not world.read(bond, "isRedeemable")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"currency": BOB}, r"NoTokenHere\(token=bob\)"),
        ({"issuer": ZERO_ADDRESS}, "InvalidTerms"),
        ({"registrar": ZERO_ADDRESS}, "InvalidTerms"),
        ({"par": 0}, "InvalidTerms"),
        ({"units": 0}, "InvalidTerms"),
        ({"units": 2**64}, "InvalidTerms"),
        ({"maturity": 1_700_000_000}, "InvalidTerms"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(changes: dict[str, AbiValue], error: str) -> None:
    world, _ = beginning()
    with pytest.raises(Reverted, match=error):
        deploy(world, **changes)


def test_the_largest_bond_can_be_made() -> None:
    world, _ = beginning()
    largest = deploy(world, par=2**128 - 1, units=2**64 - 1, maturity=world.now_s + 1)
    assert world.read(largest, "totalSupply") == 2**64 - 1


# Transfers.


def test_bonds_move_between_admitted_holders() -> None:
    world, bond = beginning()
    done = world.call(BOB, bond, "transfer", CAROL, 5)
    assert done.named("Transfer") == [{"sender": BOB, "receiver": CAROL, "value": 5}]
    assert done.value is True
    world.call(BOB, bond, "transfer", BOB, 55)
    assert units(world, bond) == [10, 55, 35]


def test_a_spender_moves_what_it_was_allowed() -> None:
    world, bond = beginning()
    done = world.call(BOB, bond, "approve", ERIN, 7)
    assert done.named("Approval") == [{"owner": BOB, "spender": ERIN, "value": 7}]
    world.call(ERIN, bond, "transferFrom", BOB, CAROL, 5)
    assert world.read(bond, "allowance", BOB, ERIN) == 2
    with pytest.raises(Reverted, match=r"ERC20InsufficientAllowance\(spender=erin, allowance=2, needed=3\)"):
        world.call(ERIN, bond, "transferFrom", BOB, CAROL, 3)
    world.call(BOB, bond, "approve", ERIN, 2**256 - 1)
    world.call(ERIN, bond, "transferFrom", BOB, CAROL, 3)
    assert world.read(bond, "allowance", BOB, ERIN) == 2**256 - 1
    with pytest.raises(Reverted, match="ERC20InvalidSpender"):
        world.call(BOB, bond, "approve", ZERO_ADDRESS, 1)


@pytest.mark.parametrize(
    ("to", "amount", "error"),
    [
        (ZERO_ADDRESS, 1, "ERC20InvalidReceiver"),
        (ERIN, 1, r"ERC7943CannotReceive\(account=erin\)"),
        (CAROL, 61, r"ERC20InsufficientBalance\(sender=bob, balance=60, needed=61\)"),
    ],
)
def test_a_transfer_that_cannot_be_is_refused(to: Address, amount: int, error: str) -> None:
    world, bond = beginning()
    with pytest.raises(Reverted, match=error):
        world.call(BOB, bond, "transfer", to, amount)
    assert not world.read(bond, "canTransfer", BOB, to, amount)


def test_the_registrar_admits_and_excludes() -> None:
    world, bond = beginning()
    for caller in (ISSUER, BOB):
        with pytest.raises(Reverted, match=r"CallerIsNotRegistrar\(caller=\w+, registrar=dave\)"):
            world.call(caller, bond, "admit", ERIN, True)
    for account in (ZERO_ADDRESS, bond.address):
        with pytest.raises(Reverted, match="InvalidHolder"):
            world.call(REGISTRAR, bond, "admit", account, True)
    done = world.call(REGISTRAR, bond, "admit", BOB, False)
    assert done.named("HolderAdmitted") == [{"account": BOB, "isAdmitted": False}]
    assert [world.read(bond, name, BOB) for name in ("canSend", "canReceive")] == [False, False]
    with pytest.raises(Reverted, match=r"ERC7943CannotSend\(account=bob\)"):
        world.call(BOB, bond, "transfer", CAROL, 1)
    with pytest.raises(Reverted, match=r"ERC7943CannotReceive\(account=bob\)"):
        world.call(CAROL, bond, "transfer", BOB, 1)
    assert not world.read(bond, "canTransfer", BOB, CAROL, 1)
    world.call(REGISTRAR, bond, "admit", BOB, True)
    assert world.read(bond, "canTransfer", BOB, CAROL, 1)


def test_frozen_bonds_stay_and_the_others_move() -> None:
    world, bond = beginning()
    with pytest.raises(Reverted, match="CallerIsNotRegistrar"):
        world.call(ISSUER, bond, "setFrozenTokens", BOB, 1)
    done = world.call(REGISTRAR, bond, "setFrozenTokens", BOB, 40)
    assert done.named("Frozen") == [{"account": BOB, "amount": 40}]
    assert [world.read(bond, "canTransfer", BOB, CAROL, amount) for amount in (20, 21)] == [True, False]
    with pytest.raises(Reverted, match=r"ERC7943InsufficientUnfrozenBalance\(account=bob, amount=21, unfrozen=20\)"):
        world.call(BOB, bond, "transfer", CAROL, 21)
    world.call(BOB, bond, "transfer", CAROL, 20)
    world.call(REGISTRAR, bond, "setFrozenTokens", BOB, 1_000)
    assert world.read(bond, "getFrozenTokens", BOB) == 1_000
    assert not world.read(bond, "canTransfer", BOB, CAROL, 1)


def test_the_registrar_moves_bonds_frozen_ones_last() -> None:
    world, bond = beginning()
    world.call(REGISTRAR, bond, "setFrozenTokens", BOB, 40)
    with pytest.raises(Reverted, match="CallerIsNotRegistrar"):
        world.call(ISSUER, bond, "forcedTransfer", BOB, CAROL, 1)
    with pytest.raises(Reverted, match=r"ERC7943CannotReceive\(account=erin\)"):
        world.call(REGISTRAR, bond, "forcedTransfer", BOB, ERIN, 1)
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        world.call(REGISTRAR, bond, "forcedTransfer", BOB, CAROL, 61)
    done = world.call(REGISTRAR, bond, "forcedTransfer", BOB, CAROL, 20)
    assert done.named("ForcedTransfer") == [{"account": BOB, "receiver": CAROL, "amount": 20}]
    assert done.named("Frozen") == []
    done = world.call(REGISTRAR, bond, "forcedTransfer", BOB, CAROL, 15)
    assert done.named("Frozen") == [{"account": BOB, "amount": 25}]
    assert (units(world, bond), world.read(bond, "getFrozenTokens", BOB)) == ([10, 25, 65], 25)


# Coupons.


def test_a_coupon_is_due_to_whoever_holds_the_bond_when_it_is_paid_in() -> None:
    world, bond = beginning()
    done = world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    assert done.named("CouponPaidIn") == [{"amountPerUnit": 25, "units": 100, "memo": MEMO}]
    world.call(BOB, bond, "transfer", CAROL, 60)
    world.call(ISSUER, bond, "payCoupon", 10, MEMO)
    dues = [world.read(bond, "dueTo", who) for who in (ISSUER, BOB, CAROL, ERIN)]
    assert dues == [350, 60 * 25, 30 * 25 + 90 * 10, 0]
    assert world.call(ERIN, bond, "collect", BOB).named("Paid") == [{"account": BOB, "amount": 1_500}]
    world.call(CAROL, bond, "collect", CAROL)
    with pytest.raises(Reverted, match=r"NothingDue\(account=bob\)"):
        world.call(BOB, bond, "collect", BOB)
    assert euros(world, bond) == [-3_500, 1_500, 1_650, 350]


@pytest.mark.parametrize(("amount", "is_accepted"), [(0, False), (1, True), (2**64, False)])
def test_a_coupon_is_a_whole_amount_for_each_bond(amount: int, is_accepted: bool) -> None:
    world, bond = beginning()
    if is_accepted:
        world.call(ISSUER, bond, "payCoupon", amount, MEMO)
    else:
        with pytest.raises(Reverted, match=rf"InvalidCoupon\(amountPerUnit={amount}\)"):
            world.call(ISSUER, bond, "payCoupon", amount, MEMO)


def test_only_the_issuer_pays_in() -> None:
    world, bond = beginning()
    world.advance(YEAR_S)
    for name, values in (("payCoupon", (1, MEMO)), ("payRedemption", ()), ("retire", (1,))):
        with pytest.raises(Reverted, match=r"CallerIsNotIssuer\(caller=dave, issuer=alice\)"):
            world.call(REGISTRAR, bond, name, *values)


def test_an_issuer_without_money_pays_no_coupon_and_nothing_is_due() -> None:
    world, bond = beginning()
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        world.call(ISSUER, bond, "payCoupon", OPENING_MINOR, MEMO)
    assert world.read(bond, "dueTo", BOB) == 0


def test_a_forced_transfer_does_not_take_the_coupons_that_were_due() -> None:
    world, bond = beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    world.call(REGISTRAR, bond, "forcedTransfer", BOB, CAROL, 60)
    world.call(REGISTRAR, bond, "admit", BOB, False)
    world.call(ERIN, bond, "collect", BOB)
    assert euros(world, bond)[1] == 1_500


# Redemption.


def test_from_the_maturity_on_the_issuer_pays_par_and_everybody_is_redeemed() -> None:
    world, bond = beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    world.advance(YEAR_S - 1)
    with pytest.raises(Reverted, match="NotMature"):
        world.call(ISSUER, bond, "payRedemption")
    with pytest.raises(Reverted, match=r"NotRedeemable\(\)"):
        world.call(BOB, bond, "redeem", BOB)
    world.advance(1)
    assert world.call(ISSUER, bond, "payRedemption").named("RedemptionPaidIn") == [{"units": 100}]
    assert world.read(bond, "isRedeemable")
    done = world.call(ERIN, bond, "redeem", BOB)
    assert done.named("Redeemed") == [{"account": BOB, "units": 60}]
    assert done.named("Transfer")[0] == {"sender": BOB, "receiver": ZERO_ADDRESS, "value": 60}
    assert done.named("Paid") == [{"account": BOB, "amount": 61_500}]
    for holder in (CAROL, ISSUER):
        world.call(ERIN, bond, "redeem", holder)
    assert euros(world, bond) == [-102_500 + 10_250, 61_500, 30_750, 0]
    assert world.read(bond, "totalSupply") == 0
    with pytest.raises(Reverted, match=r"NothingToRedeem\(account=bob\)"):
        world.call(BOB, bond, "redeem", BOB)


def test_after_redemption_is_paid_in_there_is_no_coupon_and_no_second_redemption() -> None:
    world, bond = beginning()
    mature(world, bond)
    for name, values in (("payCoupon", (1, MEMO)), ("payRedemption", ()), ("retire", (1,))):
        with pytest.raises(Reverted, match=r"AlreadyRedeemable\(\)"):
            world.call(ISSUER, bond, name, *values)


def test_bonds_are_traded_until_they_are_redeemed() -> None:
    world, bond = beginning()
    mature(world, bond)
    world.call(BOB, bond, "transfer", CAROL, 60)
    world.call(ERIN, bond, "redeem", CAROL)
    assert euros(world, bond)[2] == 90_000


def test_frozen_bonds_are_redeemed_once_they_are_free() -> None:
    world, bond = beginning()
    world.call(REGISTRAR, bond, "setFrozenTokens", BOB, 40)
    mature(world, bond)
    world.call(BOB, bond, "redeem", BOB)
    assert (units(world, bond)[1], euros(world, bond)[1]) == (40, 20_000)
    with pytest.raises(Reverted, match="NothingToRedeem"):
        world.call(BOB, bond, "redeem", BOB)
    world.call(REGISTRAR, bond, "setFrozenTokens", BOB, 0)
    world.call(BOB, bond, "redeem", BOB)
    assert (units(world, bond)[1], euros(world, bond)[1]) == (0, 60_000)


def test_the_issuer_retires_its_own_bonds_and_pays_for_the_others_only() -> None:
    world, bond = beginning()
    with pytest.raises(Reverted, match="ERC20InsufficientBalance"):
        world.call(ISSUER, bond, "retire", 11)
    world.call(ISSUER, bond, "payCoupon", 1, MEMO)
    world.call(ISSUER, bond, "retire", 10)
    assert world.read(bond, "totalSupply") == 90
    assert world.read(bond, "dueTo", ISSUER) == 10
    mature(world, bond)
    assert euros(world, bond)[3] == 100 + 90_000


def test_without_bonds_nothing_is_paid_in() -> None:
    world, _ = beginning()
    bond = deploy(world, maturity=world.now_s + 1)
    world.call(ISSUER, bond, "retire", UNITS)
    world.advance(1)
    for name, values in (("payCoupon", (1, MEMO)), ("payRedemption", ())):
        with pytest.raises(Reverted, match=r"NothingOutstanding\(\)"):
            world.call(ISSUER, bond, name, *values)


# Tokens, suspensions, delivery versus payment.


def test_a_holder_whom_the_currency_suspends_is_paid_once_admitted_again_and_nobody_else_waits() -> None:
    world, bond, token = hostile_beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    world.call(DAVE, token, "suspend", BOB, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=bob\)"):
        world.call(ERIN, bond, "collect", BOB)
    world.call(ERIN, bond, "collect", CAROL)
    mature(world, bond)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=bob\)"):
        world.call(ERIN, bond, "redeem", BOB)
    assert (units(world, bond)[1], world.read(bond, "dueTo", BOB)) == (60, 1_500)
    world.call(DAVE, token, "suspend", BOB, False)
    world.call(ERIN, bond, "redeem", BOB)
    assert world.balance(token, BOB) == OPENING_MINOR + 61_500


def test_a_pause_of_the_currency_only_interrupts() -> None:
    world, bond = beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    pause(world, world.token(EUR), is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        world.call(BOB, bond, "collect", BOB)
    world.call(BOB, bond, "transfer", CAROL, 1)
    pause(world, world.token(EUR), is_paused=False)
    world.call(BOB, bond, "collect", BOB)
    assert euros(world, bond)[1] == 1_500


@pytest.mark.parametrize("mode", [Mode.LIES, Mode.TAKES_FEE, Mode.ANSWERS_FALSE])
def test_a_currency_that_brings_less_is_no_coupon(mode: Mode) -> None:
    world, bond, token = hostile_beginning()
    world.call(DAVE, token, "misbehave", mode)
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    assert world.read(bond, "dueTo", BOB) == 0


def test_a_currency_that_overcharges_cannot_take_another_holder_s_coupon() -> None:
    world, bond, token = hostile_beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    world.call(DAVE, token, "misbehave", Mode.OVERCHARGES)
    with pytest.raises(Reverted, match="AmountChanged"):
        world.call(BOB, bond, "collect", BOB)
    assert world.balance(token, bond.address) == 2_500


@pytest.mark.parametrize("name", ["collect", "redeem"])
def test_a_currency_that_calls_back_is_paid_once(name: str) -> None:
    world, bond, token = hostile_beginning()
    world.call(ISSUER, bond, "payCoupon", 25, MEMO)
    mature(world, bond)
    again = encode_call(bond.interface.function(name), BOB)
    world.call(DAVE, token, "callBack", bond.address, again)
    world.call(BOB, bond, name, BOB)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")


def test_bonds_are_delivered_against_payment() -> None:
    world, bond = beginning()
    engine = world.deploy(load("SettlementEngine"))
    world.call(REGISTRAR, bond, "admit", engine.address, True)
    world.call(BOB, bond, "approve", engine.address, 20)
    world.call(CAROL, world.token(EUR), "approve", engine.address, 19_600)
    legs = [(bond.address, BOB, CAROL, 20), (EUR, CAROL, BOB, 19_600)]
    world.call(ERIN, engine, "propose", legs, world.now_s + 100, NO_MEMO)
    world.call(BOB, engine, "affirm", 1)
    world.call(CAROL, engine, "affirm", 1)
    assert (units(world, bond), euros(world, bond)) == ([10, 40, 50], [0, 19_600, -19_600, 0])


# Stories.


class Story:
    """One random story of a bond. The bookkeeper takes a snapshot at each coupon."""

    def __init__(self) -> None:
        self.world, self.bond, self.token = hostile_beginning()
        self.book = Book()
        self.units = {ALICE: 10, BOB: 60, CAROL: 30}
        self.frozen = dict.fromkeys(STORY_PEOPLE, 0)
        self.admitted = {*STORY_PEOPLE}
        self.coupons: list[tuple[int, dict[Address, int]]] = []
        self.received = dict.fromkeys(STORY_PEOPLE, 0)
        self.par_due = dict.fromkeys(STORY_PEOPLE, 0)
        self.is_redeemable = False

    def due(self, who: Address) -> int:
        coupons = sum(amount * snapshot[who] for amount, snapshot in self.coupons)
        return coupons + self.par_due[who] - self.received[who]

    def free(self, who: Address) -> int:
        return max(0, self.units[who] - self.frozen[who])

    def agree(self, who: Address, name: str, values: Sequence[AbiValue], modelled: Any) -> None:
        """Compare a call with the model, which is as before if it refuses."""
        before = deepcopy((self.book, self.units, self.coupons, self.received, self.par_due, self.is_redeemable))
        if not agree(lambda: self.world.call(who, self.bond, name, *values), modelled):
            self.book, self.units, self.coupons, self.received, self.par_due, self.is_redeemable = before

    def transfer(self, who: Address, other: Address, amount: int) -> None:
        if who not in self.admitted:
            raise Refused("ERC7943CannotSend")
        if other not in self.admitted:
            raise Refused("ERC7943CannotReceive")
        if amount > self.units[who]:
            raise Refused("ERC20InsufficientBalance")
        if amount > self.free(who):
            raise Refused("ERC7943InsufficientUnfrozenBalance")
        self.units[who] -= amount
        self.units[other] += amount

    def force(self, who: Address, other: Address, amount: int) -> None:
        if other not in self.admitted:
            raise Refused("ERC7943CannotReceive")
        if amount > self.units[who]:
            raise Refused("ERC20InsufficientBalance")
        self.frozen[who] = min(self.frozen[who], self.units[who] - amount)
        self.units[who] -= amount
        self.units[other] += amount

    def pay_coupon(self, amount: int) -> None:
        if self.is_redeemable:
            raise Refused("AlreadyRedeemable")
        if not amount:
            raise Refused("InvalidCoupon")
        self.coupons.append((amount, dict(self.units)))
        self.book.take(ISSUER, amount * sum(self.units.values()))

    def pay_redemption(self) -> None:
        if self.is_redeemable:
            raise Refused("AlreadyRedeemable")
        self.book.take(ISSUER, PAR * sum(self.units.values()))
        self.is_redeemable = True

    def collect(self, who: Address) -> None:
        if not self.due(who):
            raise Refused("NothingDue")
        amount = self.due(who)
        self.book.pay(who, amount)
        self.received[who] += amount

    def redeem(self, who: Address) -> None:
        if not self.is_redeemable:
            raise Refused("NotRedeemable")
        if not self.free(who):
            raise Refused("NothingToRedeem")
        self.par_due[who] += PAR * self.free(who)
        self.units[who] -= self.free(who)
        self.collect(who)

    def step(self, action: str, who: Address, other: Address, number: int) -> None:
        match action:
            case "transfer":
                self.agree(who, action, (other, number), lambda: self.transfer(who, other, number))
            case "forcedTransfer":
                self.agree(REGISTRAR, action, (who, other, number), lambda: self.force(who, other, number))
            case "setFrozenTokens":
                self.world.call(REGISTRAR, self.bond, action, who, number)
                self.frozen[who] = number
            case "admit":
                self.admitted ^= {who}
                self.world.call(REGISTRAR, self.bond, action, who, who in self.admitted)
            case "payCoupon":
                self.agree(ISSUER, action, (number, MEMO), lambda: self.pay_coupon(number))
            case "payRedemption":
                self.agree(ISSUER, action, (), self.pay_redemption)
            case "collect":
                self.agree(ERIN, action, (who,), lambda: self.collect(who))
            case "redeem":
                self.agree(ERIN, action, (who,), lambda: self.redeem(who))
            case "heal":
                heal(self.world, self.token, self.book)
            case "pause":
                toggle_pause(self.world, self.token, self.book)
            case "suspend":
                toggle_suspension(self.world, self.token, self.book, who)
        self.check()

    def check(self) -> None:
        assert units(self.world, self.bond) == [self.units[who] for who in (ISSUER, BOB, CAROL)]
        assert self.world.read(self.bond, "totalSupply") == sum(self.units.values())
        holders = [*STORY_PEOPLE, self.bond.address]
        assert wealth(self.world, self.token, holders) == [*self.book.balances.values(), self.book.kept]
        assert [self.world.read(self.bond, "dueTo", who) for who in STORY_PEOPLE] == list(map(self.due, STORY_PEOPLE))

    def finish(self) -> None:
        """Let the registrar unfreeze, the issuer pay, and a stranger bring all money home."""
        heal(self.world, self.token, self.book)
        for who in STORY_PEOPLE:
            self.step("setFrozenTokens", who, who, 0)
        if not self.is_redeemable:
            self.world.call(DAVE, self.token, "give", ISSUER, UNITS * PAR)
            self.book.balances[ISSUER] += UNITS * PAR
            self.step("payRedemption", ISSUER, ISSUER, 0)
        for who in STORY_PEOPLE:
            self.step("redeem", who, who, 0)
            self.step("collect", who, who, 0)
        assert self.book.kept == 0
        assert not any(self.units.values())


ACTIONS = (
    ["transfer"] * 5
    + ["payCoupon"] * 3
    + ["collect"] * 3
    + ["redeem"] * 2
    + ["forcedTransfer", "setFrozenTokens", "admit", "payRedemption", "pause", "suspend", "heal", "heal"]
)
STEPS = steps_of(ACTIONS, STORY_PEOPLE, STORY_PEOPLE, range(61))


@settings(max_examples=STORIES, deadline=None)
@given(STEPS)
def test_in_no_story_money_goes_astray_or_stays_behind(steps: list[tuple[str, Address, Address, int]]) -> None:
    story = Story()
    story.world.advance(YEAR_S)
    for step in steps:
        story.step(*step)
    story.finish()

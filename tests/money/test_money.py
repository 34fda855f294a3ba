"""Random money through both doors agrees with a model that shares nothing with the contracts."""

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contracts.native import compliance, currency, enforcement, holds, money, redemptions
from tests.money.checks import check_state
from tests.money.doors import Doors
from tests.money.generator import POWERS, REGISTRY_SHAPES, SHAPES, SIGNED_SHAPES, Generator
from tests.money.machine import Tally, run_episode, world
from tests.money.model.ledger import Order, answer
from tests.money.model.roles import ROLES
from tests.money.world import ADDRESSES, CURRENCIES, CUSTOMERS, GENESIS_S, opening_state

RANDOM_SOURCES = st.randoms(use_true_random=False)


class Money(RuleBasedStateMachine):
    """Both doors beside the model; hypothesis decides what is called and when a block ends."""

    def __init__(self) -> None:
        super().__init__()
        self.doors = Doors(world(), has_contract_door=True)
        self.state = opening_state()
        self.now_s = GENESIS_S
        self.calls_in_block = 0

    @initialize(random=RANDOM_SOURCES)
    def open(self, random: Random) -> None:
        self.doors.start_block(self.now_s)
        for order in Generator(random, self.state).opening():
            self._make(order)

    @rule(random=RANDOM_SOURCES)
    def call(self, random: Random) -> None:
        generator = Generator(random, self.state)
        generator.now_s = self.now_s
        generator.holds_made = sum(len(found.holds) for found in self.state.moneys.values())
        self._make(generator.next_order())

    @rule(passed_s=st.sampled_from((1, 60, 90_000)))
    def end_block(self, passed_s: int) -> None:
        check_state(self.doors, self.state, self.now_s)
        self.doors.end_block()
        self.now_s += passed_s
        self.doors.start_block(self.now_s)

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        for address, found in self.state.moneys.items():
            held = sum(hold.remaining for hold in found.holds.values())
            parked = sum(row.amount for row in found.redemptions.values() if row.status == 1)
            assert sum(found.balances.values()) + held + parked == found.supply
            assert self.doors.read(address, "totalSupply") == (found.supply,)

    def _make(self, order: Order) -> None:
        assert self.doors.make(order) == answer(self.state, order, self.now_s)


def test_any_history_of_money_agrees_with_the_model() -> None:
    run_state_machine_as_test(Money, settings=settings(max_examples=8, stateful_step_count=15, deadline=None))


@pytest.fixture(scope="module")
def many_episodes() -> Tally:
    total = Tally()
    for episode in range(8):
        total.add(run_episode(2_026, episode, both_doors=episode < 2))
    return total


def test_episodes_agree_with_the_model_through_both_doors(many_episodes: Tally) -> None:
    assert many_episodes.failures == []
    assert many_episodes.orders_through_contract >= 960


@pytest.mark.parametrize("name", [*SHAPES, *REGISTRY_SHAPES, *SIGNED_SHAPES, "transferBatch", "execute"])
def test_every_function_of_money_is_obeyed_and_refused(many_episodes: Tally, name: str) -> None:
    outcomes = {error for called, error in many_episodes.counts if called == name}
    assert "ok" in outcomes, f"no {name} succeeded"
    if name not in ("approve", "createPolicy", "createCompoundPolicy"):
        assert len(outcomes) > 1, f"no {name} was refused"


WRONG_LEDGERS = {
    "an allowance is never used up": (money, "spend_allowance"),
    "a daily limit forgets": (money, "record"),
    "a hold leaves the held amount": (holds, "_leave_held"),
    "a redemption stays parked": (redemptions, "_close"),
    "an issuer needs no role": (currency, "require_role"),
    "a freezer needs no role": (enforcement, "require_role"),
    "no policy is asked": (compliance, "_require_policy"),
    "no log of a transfer": (money, "emit_transfer"),
}


@pytest.mark.parametrize("fault", WRONG_LEDGERS)
def test_wrong_ledger_is_noticed(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    module, name = WRONG_LEDGERS[fault]
    monkeypatch.setattr(module, name, lambda *_given, **_named: None)
    failures = [found for episode in range(3) for found in run_episode(7, episode, both_doors=False).failures]
    assert failures
    assert "replay: python -m tests.money --seed 7 --episode" in failures[0]


def role_cases() -> list[tuple[str, str, bool]]:
    return [(name, role, role == power) for name, power in POWERS.items() for role in ROLES]


ARGUMENTS: dict[str, tuple[object, ...]] = {
    "mint": (CUSTOMERS[0], 0, bytes(32)),
    "burn": (0, bytes(32)),
    "completeRedemption": (1,),
    "rejectRedemption": (1, bytes(32)),
    "setMinterAllowance": (CUSTOMERS[0], 5),
    "setSupplyCap": (2**100,),
    "setReserveRule": (0,),
    "grantRole": (ROLES["PAUSER_ROLE"], CUSTOMERS[1]),
    "revokeRole": (ROLES["PAUSER_ROLE"], CUSTOMERS[1]),
    "beginAdminTransfer": (CUSTOMERS[1],),
    "pause": (),
    "unpause": (),
    "setFrozenTokens": (CUSTOMERS[0], 5),
    "forcedTransfer": (CUSTOMERS[0], CUSTOMERS[1], 5),
    "attestReserves": (5, 5, bytes(32)),
    "setTransferPolicyId": (1,),
    "setLimitsEnabled": (True,),
    "setTierLimits": (1, 0, 0, 0, 0),
}


@pytest.mark.parametrize(("name", "role", "is_allowed"), role_cases())
def test_no_role_reaches_the_power_of_another(name: str, role: str, is_allowed: bool) -> None:
    doors = Doors(world(), has_contract_door=False)
    doors.start_block(GENESIS_S)
    euro, admin, holder = CURRENCIES[0], ADDRESSES[1], ADDRESSES[9]
    assert doors.make(Order(admin, euro, "grantRole", (ROLES[role], holder))).error is None
    assert doors.make(Order(CUSTOMERS[0], euro, "requestRedemption", (5, bytes(32)))).error is None
    if name == "unpause":
        assert doors.make(Order(admin, euro, "pause")).error is None
    error = doors.make(Order(holder, euro, name, ARGUMENTS[name])).error  # type: ignore[arg-type]  # a table of all types
    if is_allowed:
        assert error is None
    else:
        assert error == ("AccessControlUnauthorizedAccount", (holder, ROLES[POWERS[name]]))

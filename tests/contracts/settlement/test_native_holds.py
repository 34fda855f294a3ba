"""Native currencies in settlement contracts: what is set aside stays in the payer's position, held."""

import pytest
from hypothesis import given, settings

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from tests.contracts.settlement import test_escrow as escrows
from tests.contracts.settlement import test_settlement_engine as engines
from tests.contracts.settlement.stories import STORIES, STORY_PEOPLE, NativeBook, steps_of
from tests.contracts.settlement.tokens import held, pause, wealth
from tests.contracts.settlement.world import ALICE, BOB, CAROL, CNY, ERIN, EUR, MEMO, OPENING_MINOR, Reverted

# Escrow.


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_refund_of_a_native_currency_waits_for_nobody(is_paused: bool) -> None:
    world, escrow, _ = escrows.beginning()
    escrows.create(world, escrow)
    if is_paused:
        pause(world, world.token(EUR), is_paused=True)
    world.call(BOB, escrow, "refund", 1)
    assert escrows.euros(world, escrow) == [0, 0, 0]


def test_what_is_paid_during_a_pause_leaves_the_hold_and_is_owed() -> None:
    world, escrow, _ = escrows.beginning()
    escrows.create(world, escrow)
    pause(world, world.token(EUR), is_paused=True)
    done = world.call(ALICE, escrow, "payAll", 1)
    assert done.named("PaymentPostponed")[0]["amount"] == escrows.TOTAL
    assert held(world, EUR, [ALICE]) == 0
    assert wealth(world, world.token(EUR), [escrow.address]) == [escrows.TOTAL]
    pause(world, world.token(EUR), is_paused=False)
    world.call(ERIN, escrow, "withdraw", BOB, EUR)
    assert escrows.euros(world, escrow) == [escrows.TOTAL, escrows.TOTAL, 0]


@pytest.mark.parametrize("outsider", [ALICE, BOB, CAROL, ERIN])
def test_nobody_reaches_the_hold_past_the_contract(outsider: Address) -> None:
    world, escrow, _ = escrows.beginning()
    escrows.create(world, escrow)
    agreement = world.read(escrow, "escrowOf", 1)
    assert isinstance(agreement, tuple)
    hold_id = agreement[-1]
    world.advance(escrows.TEN_YEARS_S + escrows.DAY_S)
    for name, values in (("executeHold", [hold_id, 1]), ("releaseHold", [hold_id])):
        with pytest.raises(Reverted, match=r"HoldExecutorOnly|HoldNotReleasable"):
            world.call(outsider, world.token(EUR), name, *values)


@pytest.mark.parametrize(("used_up", "is_created"), [(7, True), (8, False)])
def test_who_uses_up_ids_must_be_early_eight_times(used_up: int, is_created: bool) -> None:
    world, escrow, _ = escrows.beginning()
    for attempt in range(used_up):
        number, again = (value.to_bytes(32, "big") for value in (1, attempt))
        payer = bytes(12) + ALICE
        hold_id = keccak256(bytes(12) + escrow.address + number + again + payer + world.block.previous_randao)
        world.call(CAROL, world.token(EUR), "createHold", hold_id, ERIN, ZERO_ADDRESS, 1, world.now_s + 1, MEMO)
    if is_created:
        escrows.create(world, escrow)
        assert held(world, EUR, [ALICE]) == escrows.TOTAL
    else:
        with pytest.raises(Reverted, match="HoldExists"):
            escrows.create(world, escrow)


@pytest.mark.parametrize("is_native", [True, False])
def test_with_however_little_gas_a_decision_is_carried_out_whole_or_not_at_all(is_native: bool) -> None:
    before, escrow, other = escrows.beginning()
    token = before.token(EUR) if is_native else other
    escrows.create(before, escrow, token=token.address)
    before.call(BOB, escrow, "dispute", 1)
    before = before.freeze()
    outcomes = []
    for gas in range(40_000, 420_000, 4_000):
        world = before.copy()
        try:
            world.call(CAROL, escrow, "resolve", 1, 450, gas=gas)
        except Reverted:
            outcomes.append(False)
            continue
        outcomes.append(True)
        assert wealth(world, token, [ALICE, BOB]) == [OPENING_MINOR - 450, OPENING_MINOR + 450]
    assert outcomes == sorted(outcomes) and outcomes[-1] and not outcomes[0]


NATIVE_STEPS = steps_of(
    [action for action in escrows.ACTIONS if action != "suspend"], STORY_PEOPLE, STORY_PEOPLE, range(61)
)


@settings(max_examples=STORIES, deadline=None)
@given(NATIVE_STEPS)
def test_in_no_story_of_a_native_currency_money_goes_astray_or_stays_behind(
    steps: list[tuple[str, Address, Address, int]],
) -> None:
    world, escrow, _ = escrows.beginning()
    story = escrows.Story(world, escrow, world.token(EUR), NativeBook())
    for step in steps:
        story.step(*step)
    story.finish()


# SettlementEngine.


def test_a_reservation_is_held_for_the_payee_with_the_trade_s_reference() -> None:
    world, engine, _ = engines.beginning()
    engines.propose(world, engine)
    created = world.call(ALICE, engine, "affirm", 1).named("HoldCreated")
    assert [(event["payer"], event["to"], event["notary"], event["amount"], event["memo"]) for event in created] == [
        (ALICE, BOB, engine.address, 700, MEMO)
    ]


def test_a_payee_that_gives_a_reservation_back_rejects() -> None:
    world, engine, _ = engines.beginning()
    engines.propose(world, engine, [engines.DVP[0], (EUR, CAROL, ALICE, 4), engines.DVP[1]])
    [created] = world.call(ALICE, engine, "affirm", 1).named("HoldCreated")
    world.call(CAROL, engine, "affirm", 1)
    world.call(BOB, world.token(CNY), "releaseHold", created["id"])
    with pytest.raises(Reverted, match="HoldClosed"):
        world.call(BOB, engine, "affirm", 1)
    assert world.call(CAROL, engine, "reject", 1, engines.REASON).named("InstructionRejected")
    assert (engines.moved(world, engine, CNY), engines.moved(world, engine, EUR)) == ([0, 0, 0, 0], [0, 0, 0, 0])


def test_reservations_return_during_a_pause() -> None:
    world, engine, _ = engines.beginning()
    engines.propose(world, engine)
    world.call(ALICE, engine, "affirm", 1)
    pause(world, world.token(CNY), is_paused=True)
    world.call(BOB, engine, "reject", 1, engines.REASON)
    assert engines.moved(world, engine, CNY) == [0, 0, 0, 0]

"""How contracts take and pay tokens, shown on HashedTimelock: whatever a token does, nobody else's money moves."""

from functools import cache

import pytest

from contracts.abi import AbiValue
from contracts.declarations import encode_call, encode_error
from contracts.loader import load
from tests.contracts.settlement.tokens import Mode, approve, deploy_token, pause, wealth
from tests.contracts.settlement.world import (
    ALICE,
    BOB,
    CAROL,
    DAVE,
    EUR,
    NO_MEMO,
    OPENING_MINOR,
    Contract,
    Done,
    Reverted,
    World,
    new_world,
)

SECRET = b"s" * 32
DIGEST = bytes.fromhex("40a3dd3c3b5f1eb6c3e8fc6a3d65e1e6dc2f1e6f0ff8c7e0a3b1c6a5e9a3c0b1")


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


def lock(world: World, timelock: Contract, token: Contract, amount: int = 1_000) -> Done:
    return world.call(ALICE, timelock, "lock", token.address, BOB, amount, DIGEST, 2, world.now_s + 100, NO_MEMO)


def decline(world: World, timelock: Contract, lock_id: int = 1) -> Done:
    """Let the payee give the money back: the plainest payment out of a contract."""
    return world.call(BOB, timelock, "decline", lock_id)


@pytest.mark.parametrize("mode", [Mode.HONEST, Mode.ANSWERS_NOTHING])
def test_a_token_that_moves_the_amount_is_taken_with_or_without_an_answer(mode: Mode) -> None:
    world, timelock, token = beginning()
    world.call(DAVE, token, "misbehave", mode)
    lock(world, timelock, token)
    assert world.balance(token, timelock.address) == 1_000
    decline(world, timelock)
    assert wealth(world, token, [ALICE, timelock.address]) == [OPENING_MINOR, 0]


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        (Mode.LIES, r"AmountChanged\(token=0x\w+, expected=1000, moved=0\)"),
        (Mode.TAKES_FEE, r"AmountChanged\(token=0x\w+, expected=1000, moved=900\)"),
        (Mode.ANSWERS_FALSE, "TransferRefused"),
        (Mode.FALSE_BUT_MOVES, "TransferRefused"),
        (Mode.ANSWERS_NONSENSE, "unnamed revert"),
    ],
)
def test_a_token_that_does_not_bring_the_amount_is_not_taken(mode: Mode, error: str) -> None:
    world, timelock, token = beginning()
    world.call(DAVE, token, "misbehave", mode)
    with pytest.raises(Reverted, match=error):
        lock(world, timelock, token)
    assert wealth(world, token, [ALICE, timelock.address]) == [OPENING_MINOR, 0]
    assert world.call(DAVE, token, "allowance", ALICE, timelock.address).value == 2**128


def test_an_address_without_code_is_no_token() -> None:
    world, timelock, _ = beginning()
    with pytest.raises(Reverted, match=r"NoTokenHere\(token=carol\)"):
        world.call(ALICE, timelock, "lock", CAROL, BOB, 1, DIGEST, 2, world.now_s + 100, NO_MEMO)


def test_the_token_s_own_reason_comes_through() -> None:
    world, timelock, token = beginning()
    world.call(DAVE, token, "suspend", ALICE, True)
    with pytest.raises(Reverted, match=r"AccountSuspended\(account=alice\)"):
        lock(world, timelock, token)
    euro = world.token(EUR)
    pause(world, euro, is_paused=True)
    with pytest.raises(Reverted, match=r"EnforcedPause\(\)"):
        lock(world, timelock, euro)
    with pytest.raises(Reverted, match=r"ERC20InsufficientAllowance\(spender=0x\w+, allowance=0, needed=5\)"):
        world.call(
            DAVE, timelock, "lock", world.token(EUR).address[:19] + b"\x02", BOB, 5, DIGEST, 2, world.now_s + 1, NO_MEMO
        )


@pytest.mark.parametrize("mode", [Mode.LIES, Mode.ANSWERS_FALSE])
def test_a_payment_that_moves_nothing_is_owed_and_paid_later(mode: Mode) -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    world.call(DAVE, token, "misbehave", mode)
    (postponed,) = decline(world, timelock).named("PaymentPostponed")
    assert (postponed["account"], postponed["token"], postponed["amount"]) == (ALICE, token.address, 1_000)
    assert world.read(timelock, "owedTo", ALICE, token.address) == 1_000
    with pytest.raises(Reverted, match=r"AmountChanged|TransferRefused"):
        world.call(CAROL, timelock, "withdraw", ALICE, token.address)
    assert world.read(timelock, "owedTo", ALICE, token.address) == 1_000
    world.call(DAVE, token, "misbehave", Mode.HONEST)
    (paid,) = world.call(CAROL, timelock, "withdraw", ALICE, token.address).named("OwedPaid")
    assert paid == {"account": ALICE, "token": token.address, "amount": 1_000}
    assert wealth(world, token, [ALICE, timelock.address]) == [OPENING_MINOR, 0]


def test_what_is_owed_is_paid_once() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    lock(world, timelock, token)
    pause(world, token, is_paused=True)
    decline(world, timelock, 1)
    pause(world, token, is_paused=False)
    world.call(ALICE, timelock, "withdraw", ALICE, token.address)
    with pytest.raises(Reverted, match=r"NothingOwed\(account=alice, token=0x\w+\)"):
        world.call(ALICE, timelock, "withdraw", ALICE, token.address)
    assert world.balance(token, timelock.address) == 1_000


def test_the_reason_for_postponing_is_in_the_event() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    world.call(DAVE, token, "suspend", ALICE, True)
    (postponed,) = decline(world, timelock).named("PaymentPostponed")
    suspended = next(error for error in token.interface.errors if error.name == "AccountSuspended")
    assert postponed["reason"] == encode_error(suspended, ALICE)


def test_a_token_that_answers_false_but_pays_has_paid() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    world.call(DAVE, token, "misbehave", Mode.FALSE_BUT_MOVES)
    assert decline(world, timelock).named("PaymentPostponed") == []
    assert wealth(world, token, [ALICE, timelock.address]) == [OPENING_MINOR, 0]


def test_a_token_that_overcharges_cannot_pay_one_out_of_another_s_money() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    lock(world, timelock, token)
    world.call(DAVE, token, "misbehave", Mode.OVERCHARGES)
    with pytest.raises(Reverted, match=r"AmountChanged\(token=0x\w+, expected=1000, moved=1100\)"):
        decline(world, timelock)
    assert world.balance(token, timelock.address) == 2_000


def test_two_tokens_never_pay_for_each_other() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    lock(world, timelock, world.token(EUR), 1_000)
    pause(world, token, is_paused=True)
    decline(world, timelock, 1)
    assert world.balance(world.token(EUR), timelock.address) == 1_000
    with pytest.raises(Reverted, match="NothingOwed"):
        world.call(ALICE, timelock, "withdraw", ALICE, EUR)


@pytest.mark.parametrize("name", ["decline", "withdraw", "lockOf", "owedTo", "lock"])
def test_a_token_cannot_call_back_into_the_contract_that_pays(name: str) -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    arguments: dict[str, tuple[AbiValue, ...]] = {
        "decline": (1,),
        "withdraw": (ALICE, token.address),
        "lockOf": (1,),
        "owedTo": (ALICE, token.address),
        "lock": (token.address, BOB, 5, DIGEST, 2, world.now_s + 100, NO_MEMO),
    }
    data = encode_call(timelock.interface.function(name), *arguments[name])
    world.call(DAVE, token, "callBack", timelock.address, data)
    decline(world, timelock)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")
    assert wealth(world, token, [ALICE, BOB, timelock.address]) == [OPENING_MINOR, OPENING_MINOR, 0]
    lock(world, timelock, token)
    assert world.call(DAVE, token, "callbackOutcome").values == (False, b"")


def test_a_stranger_who_leaves_the_token_too_little_gas_only_postpones_the_payment() -> None:
    world, timelock, token = beginning()
    lock(world, timelock, token)
    frozen = world.freeze()
    outcomes = set()
    for gas in range(40_000, 140_000, 4_000):
        world = frozen.copy()
        try:
            done = world.call(BOB, timelock, "decline", 1, gas=gas)
        except Reverted:
            outcomes.add("reverted")
            continue
        is_postponed = done.named("PaymentPostponed") != []
        outcomes.add("postponed" if is_postponed else "paid")
        assert world.balance(token, ALICE) == OPENING_MINOR - (1_000 if is_postponed else 0)
        assert world.read(timelock, "owedTo", ALICE, token.address) == (1_000 if is_postponed else 0)
    assert {"paid", "reverted"} <= outcomes

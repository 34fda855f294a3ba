"""Redeeming in two steps: parked, then burned or given back; each step with what it refuses."""

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import POLICY_REGISTRY
from contracts.native.roles import FREEZER_ROLE, ISSUER_ROLE, POLICY_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    ISSUER,
    MEMO,
    PAUSER,
    UNPAUSER,
    DictionaryContext,
    Ledger,
    Outcome,
    text,
)

REASON = b"\x05" * 32
REQUESTED, COMPLETED, REJECTED, CANCELLED = 1, 2, 3, 4


def request(ledger: Ledger, amount: int = 40_000, owner: Address = ALICE) -> Outcome:
    return ledger.call(owner, EUR, "requestRedemption", amount, MEMO)


def position(ledger: Ledger) -> tuple[AbiValue, ...]:
    return ledger.call(CAROL, EUR, "positionOf", ALICE).values


@pytest.fixture
def asked() -> Ledger:
    """Return a ledger on which Alice asked to redeem 40 000, as number 1."""
    ledger = Ledger()
    assert request(ledger).error is None
    return ledger


CLOSINGS: dict[str, tuple[Address, tuple[AbiValue, ...], int]] = {
    "completeRedemption": (ISSUER, (1,), COMPLETED),
    "rejectRedemption": (ISSUER, (1, REASON), REJECTED),
    "cancelRedemption": (ALICE, (1,), CANCELLED),
}


def test_a_request_parks_the_amount_and_supply_stays() -> None:
    ledger = Ledger()
    outcome = request(ledger)
    assert outcome.values == (1,)
    assert outcome.events == [f"RedemptionRequested(id=1, owner={text(ALICE)}, amount=40000, memo=0x{MEMO.hex()})"]
    assert position(ledger) == (60_000, 0, 0, 40_000, 60_000)
    assert ledger.read(EUR, "totalSupply") == 105_000
    asked_at = DictionaryContext.block_timestamp_s
    assert ledger.call(BOB, EUR, "redemptionOf", 1).values == (ALICE, 40_000, MEMO, asked_at, REQUESTED)
    assert request(ledger, 1).values == (2,)
    assert ledger.read(EUR, "redemptionCount") == 2


def test_what_is_parked_cannot_be_spent(asked: Ledger) -> None:
    assert "ERC20InsufficientBalance" in str(asked.call(ALICE, EUR, "transfer", BOB, 60_001).error)
    assert asked.call(ALICE, EUR, "transfer", BOB, 60_000).error is None


def test_no_more_than_the_balance_and_not_nothing_is_redeemed() -> None:
    ledger = Ledger()
    assert "ERC20InsufficientBalance" in str(request(ledger, 100_001).error)
    assert request(ledger, 0).error == "ZeroAmount()"
    assert "ERC20InvalidSender" in str(request(ledger, 1, ZERO_ADDRESS).error)
    assert request(ledger, 100_000).error is None


def test_what_is_frozen_is_not_redeemed() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", FREEZER_ROLE, ADMIN)
    ledger.call(ADMIN, EUR, "setFrozenTokens", ALICE, 60_001)
    assert "ERC7943InsufficientUnfrozenBalance" in str(request(ledger).error)
    assert request(ledger, 39_999).error is None


def test_who_may_not_pay_may_not_redeem() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", POLICY_ROLE, ADMIN)
    ledger.call(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN)
    ledger.call(ADMIN, EUR, "setTransferPolicyId", 2)
    assert request(ledger, 1).error is None
    ledger.call(ADMIN, POLICY_REGISTRY, "modify", 2, [ALICE], True)
    assert request(ledger, 1).error == f"ERC7943CannotSend(account={text(ALICE)})"


def test_completing_burns_what_was_parked(asked: Ledger) -> None:
    outcome = asked.call(ISSUER, EUR, "completeRedemption", 1)
    assert outcome.events == [
        f"Transfer(from={text(ALICE)}, to={text(ZERO_ADDRESS)}, value=40000)",
        f"Memo(from={text(ALICE)}, to={text(ZERO_ADDRESS)}, memo=0x{MEMO.hex()})",
        f"RedemptionCompleted(id=1, owner={text(ALICE)}, issuer={text(ISSUER)}, amount=40000)",
    ]
    assert position(asked) == (60_000, 0, 0, 0, 60_000)
    assert asked.read(EUR, "totalSupply") == 65_000


def test_rejecting_gives_back_with_a_reason(asked: Ledger) -> None:
    outcome = asked.call(ISSUER, EUR, "rejectRedemption", 1, REASON)
    assert outcome.events == [
        f"RedemptionRejected(id=1, owner={text(ALICE)}, issuer={text(ISSUER)}, amount=40000, reason=0x{REASON.hex()})"
    ]
    assert position(asked) == (100_000, 0, 0, 0, 100_000)
    assert asked.read(EUR, "totalSupply") == 105_000


def test_an_owner_cancels_and_has_it_back(asked: Ledger) -> None:
    outcome = asked.call(ALICE, EUR, "cancelRedemption", 1)
    assert outcome.events == [f"RedemptionCancelled(id=1, owner={text(ALICE)}, amount=40000)"]
    assert position(asked) == (100_000, 0, 0, 0, 100_000)


def test_nobody_else_closes_a_redemption(asked: Ledger) -> None:
    unauthorized = f"AccessControlUnauthorizedAccount(account={text(ALICE)}, neededRole=0x{ISSUER_ROLE.hex()})"
    assert asked.call(ALICE, EUR, "completeRedemption", 1).error == unauthorized
    assert asked.call(ALICE, EUR, "rejectRedemption", 1, REASON).error == unauthorized
    error = asked.call(ISSUER, EUR, "cancelRedemption", 1).error
    assert error == f"RedemptionOwnerOnly(id=1, caller={text(ISSUER)}, owner={text(ALICE)})"


@pytest.mark.parametrize("first", CLOSINGS)
@pytest.mark.parametrize("second", CLOSINGS)
def test_a_redemption_closes_once(asked: Ledger, first: str, second: str) -> None:
    caller, values, status = CLOSINGS[first]
    assert asked.call(caller, EUR, first, *values).error is None
    assert asked.call(BOB, EUR, "redemptionOf", 1).values[-1] == status
    caller, values, _ = CLOSINGS[second]
    assert asked.call(caller, EUR, second, *values).error == f"RedemptionClosed(id=1, status={status})"


@pytest.mark.parametrize("name", CLOSINGS)
def test_one_that_was_never_asked_for_is_not_closed(asked: Ledger, name: str) -> None:
    caller, values, _ = CLOSINGS[name]
    for unknown in (0, 2):
        error = asked.call(caller, EUR, name, unknown, *values[1:]).error
        assert error == f"UnknownRedemption(id={unknown})"
        assert asked.call(BOB, EUR, "redemptionOf", unknown).error == error


@pytest.mark.parametrize("name", CLOSINGS)
def test_a_pause_stops_every_step(asked: Ledger, name: str) -> None:
    asked.call(PAUSER, EUR, "pause")
    caller, values, _ = CLOSINGS[name]
    assert request(asked).error == "EnforcedPause()"
    assert asked.call(caller, EUR, name, *values).error == "EnforcedPause()"
    asked.call(UNPAUSER, EUR, "unpause")
    assert asked.call(caller, EUR, name, *values).error is None

"""Held sub-accounts: what a payee may not receive now waits for it; and what the law may do with it."""

import pytest

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import ACCOUNT_REGISTRY, OFFLINE_LOCKS
from contracts.native.errors import ACCOUNT_SUSPENDED, DAILY_IN_LIMIT_EXCEEDED, POLICY_REFUSES_RECIPIENT
from contracts.native.roles import ENFORCER_ROLE
from tests.contracts.ledger import ADMIN, ALICE, CAROL, EUR, MEMO, account, text
from tests.contracts.native.offline.till import (
    BANK,
    CLAIM_UNTIL_S,
    DEPOSIT,
    PAYEE,
    SECOND,
    TERMS,
    Till,
    hop,
    released,
    terms_of,
)

MEMO_TEXT = f"0x{MEMO.hex()}"


def kept_back(till: Till, why: str) -> tuple[Till, bytes]:
    """Let the payee be refused, and return the reason's selector."""
    match why:
        case "denied":
            return till.denying(PAYEE), POLICY_REFUSES_RECIPIENT.selector
        case "over its limit":
            return till.with_limits(incoming=999), DAILY_IN_LIMIT_EXCEEDED.selector
        case _:
            return till.with_limits().suspending(PAYEE), ACCOUNT_SUSPENDED.selector


@pytest.mark.parametrize("why", ["denied", "over its limit", "suspended"])
def test_what_a_payee_may_not_receive_now_waits_for_it(till: Till, why: str) -> None:
    till, reason = kept_back(till.opened(), why)
    outcome = till.redeems(1_000)
    assert outcome.values == (1_000,)
    assert outcome.events[0] == (
        f"PayoutHeld(currency={text(EUR)}, account={text(PAYEE)}, amount=1000, reason=0x{reason.hex()})"
    )
    assert till.money() == (95_000, 0, 0, DEPOSIT)
    assert till.held(PAYEE) == 1_000
    assert till.word()[:2] == (1_000, DEPOSIT)


def test_a_claim_and_a_release_wait_likewise(till: Till) -> None:
    till.with_purse().denying(PAYEE)
    assert till.claims(hop(0, 700)).values == (700,)
    assert till.held(PAYEE) == 700
    assert till.claims(hop(700, 800, SECOND)).values == (100,)
    assert till.held(SECOND) == 0


def test_a_release_pays_the_payer_and_holds_for_the_payee(till: Till) -> None:
    till.opened().denying(PAYEE)
    assert till.does(ALICE, "release", terms_of(TERMS), 2_000, released(2_000), 0, bytes(8), b"").error is None
    assert till.held(PAYEE) == 2_000
    assert till.money() == (98_000, 0, 0, 2_000)


def test_a_denied_payers_refund_waits_for_it(till: Till) -> None:
    till.opened().denying(ALICE).at(CLAIM_UNTIL_S + 1)
    assert till.does(CAROL, "refund", terms_of(TERMS)).values == (DEPOSIT,)
    assert till.held(ALICE) == DEPOSIT
    assert till.money() == (95_000, 0, 0, DEPOSIT)


def test_held_is_paid_by_anybody_once_the_account_may_receive(till: Till) -> None:
    till.with_limits().suspending(PAYEE).opened().redeems(1_000)
    refused = till.does(CAROL, "releaseHeld", EUR, PAYEE, 1_000)
    assert refused.error == f"AccountSuspended(account={text(PAYEE)}, status=2)"
    assert till.ledger.call(BANK, ACCOUNT_REGISTRY, "reinstate", PAYEE).error is None
    assert till.does(CAROL, "releaseHeld", EUR, PAYEE, 400).events == [
        f"Transfer(from={text(OFFLINE_LOCKS)}, to={text(PAYEE)}, value=400)",
        f"HeldReleased(currency={text(EUR)}, account={text(PAYEE)}, amount=400)",
    ]
    assert till.held(PAYEE) == 600
    assert till.money() == (95_000, 400, 0, 4_600)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((CAROL, PAYEE, 1), f"UnknownCurrency(currency={text(CAROL)})"),
        ((EUR, PAYEE, 0), "ZeroAmount()"),
        ((EUR, PAYEE, 1_001), "ExceedsHeld(held=1000)"),
        ((EUR, PAYEE, 1_000), f"PolicyRefusesRecipient(policyId=2, recipient={text(PAYEE)})"),
    ],
)
def test_release_of_held_refuses_by_name(till: Till, values: tuple[AbiValue, ...], error: str) -> None:
    till.opened().denying(PAYEE).redeems(1_000)
    assert till.does(CAROL, "releaseHeld", *values).error == error


def test_release_of_held_counts_against_limits_and_waits_for_the_end_of_a_pause(till: Till) -> None:
    till.opened().with_limits(incoming=999).redeems(1_000)
    assert till.does(CAROL, "releaseHeld", EUR, PAYEE, 600).error is None
    over = till.does(CAROL, "releaseHeld", EUR, PAYEE, 400)
    assert over.error == f"DailyInLimitExceeded(account={text(PAYEE)}, tier=255, limit=999, used=600, amount=400)"
    assert till.paused().does(CAROL, "releaseHeld", EUR, PAYEE, 1).error == "EnforcedPause()"


def test_the_law_moves_what_is_held(till: Till) -> None:
    till.opened().denying(PAYEE).with_enforcer().redeems(1_000)
    outcome = till.does(ADMIN, "enforceHeld", EUR, PAYEE, CAROL, 300, MEMO)
    assert outcome.events == [
        f"Transfer(from={text(OFFLINE_LOCKS)}, to={text(CAROL)}, value=300)",
        f"HeldEnforced(currency={text(EUR)}, account={text(PAYEE)}, to={text(CAROL)}, amount=300, reason={MEMO_TEXT})",
    ]
    assert till.held(PAYEE) == 700
    assert till.balance(CAROL) == 300


@pytest.mark.parametrize(
    ("caller", "values", "error"),
    [
        (ADMIN, (CAROL, PAYEE, CAROL, 1, MEMO), f"UnknownCurrency(currency={text(CAROL)})"),
        (
            CAROL,
            (EUR, PAYEE, CAROL, 1, MEMO),
            f"AccessControlUnauthorizedAccount(account={text(CAROL)}, neededRole=0x{ENFORCER_ROLE.hex()})",
        ),
        (ADMIN, (EUR, PAYEE, CAROL, 0, MEMO), "ZeroAmount()"),
        (ADMIN, (EUR, PAYEE, CAROL, 1_001, MEMO), "ExceedsHeld(held=1000)"),
        (ADMIN, (EUR, PAYEE, EUR, 1, MEMO), f"ERC20InvalidReceiver(receiver={text(EUR)})"),
        (ADMIN, (EUR, PAYEE, PAYEE, 1, MEMO), f"ERC7943CannotReceive(account={text(PAYEE)})"),
    ],
)
def test_enforcement_refuses_by_name(till: Till, caller: Address, values: tuple[AbiValue, ...], error: str) -> None:
    till.opened().denying(PAYEE).with_enforcer().redeems(1_000)
    assert till.does(caller, "enforceHeld", *values).error == error


def test_enforcement_waits_for_the_end_of_a_pause(till: Till) -> None:
    till.opened().denying(PAYEE).with_enforcer().redeems(1_000)
    assert till.paused().does(ADMIN, "enforceHeld", EUR, PAYEE, CAROL, 1, MEMO).error == "EnforcedPause()"


def test_neither_freezing_nor_a_forced_transfer_reaches_what_is_locked(till: Till) -> None:
    till.opened().with_enforcer()
    system = f"ERC20InvalidSender(sender={text(OFFLINE_LOCKS)})"
    assert till.ledger.call(ADMIN, EUR, "setFrozenTokens", OFFLINE_LOCKS, 1).error == system
    assert till.ledger.call(ADMIN, EUR, "forcedTransfer", OFFLINE_LOCKS, account(77), 1).error == system
    assert till.redeems(1).values == (1,)

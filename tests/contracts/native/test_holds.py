"""Holds: made, paid in parts, given back, extended; and what unwinds under pause, freeze and a changed policy."""

from dataclasses import dataclass, field

import pytest

from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts.abi import AbiValue
from contracts.addresses import POLICY_REGISTRY, PROTOCOL_CONFIG
from contracts.layout import UINT256_MAX
from contracts.native.roles import FREEZER_ROLE, LIMIT_ROLE, POLICY_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    JPY,
    MEMO,
    PAUSER,
    DictionaryContext,
    Ledger,
    Outcome,
    account,
    text,
)

NOTARY = account(40)
ID, OTHER_ID = b"\x01" * 32, b"\x02" * 32
NOW_S = DictionaryContext.block_timestamp_s
EXPIRES_S = NOW_S + 3_600
OPEN, EXECUTED, RELEASED = 1, 2, 3
ID_TEXT, MEMO_TEXT = f"0x{ID.hex()}", f"0x{MEMO.hex()}"


@dataclass
class Street:
    """A ledger at a time that the test sets."""

    patch: pytest.MonkeyPatch
    ledger: Ledger = field(default_factory=Ledger)

    def at(self, now_s: int) -> "Street":
        self.patch.setattr(DictionaryContext, "block_timestamp_s", now_s)
        return self

    def does(self, caller: Address, name: str, *values: AbiValue) -> Outcome:
        return self.ledger.call(caller, EUR, name, *values)

    def hold(
        self, amount: int = 40_000, *, hold_id: bytes = ID, notary: Address = NOTARY, expires_s: int = EXPIRES_S
    ) -> Outcome:
        return self.does(ALICE, "createHold", hold_id, BOB, notary, amount, expires_s, MEMO)

    def state(self) -> tuple[AbiValue, ...]:
        """Return amount, remaining and status of the hold."""
        values = self.does(CAROL, "holdOf", ID).values
        return values[3], values[4], values[8]

    def money(self) -> tuple[AbiValue, ...]:
        """Return what Alice has and holds, and what Bob has; together it never changes."""
        balance, held, *_ = self.does(CAROL, "positionOf", ALICE).values
        got = self.ledger.read(EUR, "balanceOf", BOB)
        assert isinstance(balance, int)
        assert isinstance(held, int)
        assert isinstance(got, int)
        assert balance + held + got == 100_000
        return balance, held, got


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Street:
    return Street(monkeypatch)


@pytest.fixture
def held(street: Street) -> Street:
    """Return a street on which 40 000 of Alice's are held for Bob by a notary."""
    assert street.hold().error is None
    return street


def test_a_hold_takes_the_amount_out_of_the_balance_and_logs_everything(street: Street) -> None:
    outcome = street.hold()
    assert outcome.events == [
        f"HoldCreated(id={ID_TEXT}, payer={text(ALICE)}, to={text(BOB)}, notary={text(NOTARY)}, amount=40000,"
        f" expiresAt={EXPIRES_S}, memo={MEMO_TEXT})"
    ]
    assert street.does(CAROL, "positionOf", ALICE).values == (60_000, 40_000, 0, 0, 60_000)
    expected = (ALICE, BOB, NOTARY, 40_000, 40_000, EXPIRES_S, 0, MEMO, OPEN)
    assert street.does(CAROL, "holdOf", ID).values == expected
    assert street.ledger.read(EUR, "totalSupply") == 105_000


def test_what_is_held_cannot_be_spent_or_held_again(held: Street) -> None:
    assert "ERC20InsufficientBalance" in str(held.does(ALICE, "transfer", BOB, 60_001).error)
    assert "ERC20InsufficientBalance" in str(held.hold(60_001, hold_id=OTHER_ID).error)
    assert held.hold(60_000, hold_id=OTHER_ID).error is None
    assert held.money() == (0, 100_000, 0)


def test_an_id_is_used_once_for_ever_in_a_currency(held: Street) -> None:
    assert held.hold(1).error == f"HoldExists(id={ID_TEXT})"
    assert held.does(NOTARY, "releaseHold", ID).error is None
    assert held.hold(1).error == f"HoldExists(id={ID_TEXT})"
    assert held.hold(1, hold_id=OTHER_ID).error is None
    assert held.ledger.call(BOB, JPY, "holdOf", ID).error == f"UnknownHold(id={ID_TEXT})"


def test_a_hold_needs_an_amount_a_future_and_a_notary_that_can_call(street: Street) -> None:
    assert street.hold(0).error == "ZeroAmount()"
    assert street.hold(expires_s=NOW_S).error == f"ExpiryPassed(expiresAt={NOW_S}, now={NOW_S})"
    assert street.hold(notary=PROTOCOL_CONFIG).error == f"InvalidNotary(notary={text(PROTOCOL_CONFIG)})"
    assert street.hold(1, expires_s=NOW_S + 1).error is None


def test_a_hold_passes_the_checks_of_a_payment(street: Street) -> None:
    def to(payee: Address) -> str:
        return str(street.does(ALICE, "createHold", ID, payee, NOTARY, 1, EXPIRES_S, MEMO).error)

    assert to(ZERO_ADDRESS) == f"ERC20InvalidReceiver(receiver={text(ZERO_ADDRESS)})"
    assert "ERC20InvalidReceiver" in to(EUR)
    street.does(PAUSER, "pause")
    assert to(BOB) == "EnforcedPause()"


def test_a_hold_takes_nothing_that_is_frozen(street: Street) -> None:
    street.does(ADMIN, "grantRole", FREEZER_ROLE, ADMIN)
    street.does(ADMIN, "setFrozenTokens", ALICE, 60_001)
    assert "ERC7943InsufficientUnfrozenBalance" in str(street.hold().error)
    assert street.hold(39_999).error is None


def test_a_spender_makes_a_hold_out_of_its_allowance(street: Street) -> None:
    street.does(ALICE, "approve", CAROL, 10)
    arguments: tuple[AbiValue, ...] = (ALICE, ID, BOB, NOTARY)
    assert (
        street.does(CAROL, "createHoldFrom", *arguments, 11, EXPIRES_S, MEMO).error
        == f"ERC20InsufficientAllowance(spender={text(CAROL)}, allowance=10, needed=11)"
    )
    assert street.does(CAROL, "createHoldFrom", *arguments, 7, EXPIRES_S, MEMO).error is None
    assert street.ledger.read(EUR, "allowance", ALICE, CAROL) == 3
    assert street.does(BOB, "holdOf", ID).values[0] == ALICE


def test_an_allowance_without_end_stays_when_a_hold_is_made_from_it(street: Street) -> None:
    street.does(ALICE, "approve", CAROL, UINT256_MAX)
    assert street.does(CAROL, "createHoldFrom", ALICE, ID, BOB, NOTARY, 7, EXPIRES_S, MEMO).error is None
    assert street.ledger.read(EUR, "allowance", ALICE, CAROL) == UINT256_MAX


def test_a_partial_execution_keeps_the_rest_held(held: Street) -> None:
    outcome = held.does(NOTARY, "executeHold", ID, 15_000)
    pair = f"from={text(ALICE)}, to={text(BOB)}"
    assert outcome.events == [
        f"Transfer({pair}, value=15000)",
        f"Memo({pair}, memo={MEMO_TEXT})",
        f"HoldExecuted(id={ID_TEXT}, payer={text(ALICE)}, to={text(BOB)}, amount=15000, remaining=25000)",
    ]
    assert (held.state(), held.money()) == ((40_000, 25_000, OPEN), (60_000, 25_000, 15_000))
    exceeded = f"HoldExceeded(id={ID_TEXT}, remaining=25000, needed=25001)"
    assert held.does(NOTARY, "executeHold", ID, 25_001).error == exceeded
    assert held.does(NOTARY, "executeHold", ID, 25_000).error is None
    assert (held.state(), held.money()) == ((40_000, 0, EXECUTED), (60_000, 0, 40_000))


def test_execution_with_release_gives_the_rest_back(held: Street) -> None:
    outcome = held.does(NOTARY, "executeHoldAndRelease", ID, 15_000)
    released = f"HoldReleased(id={ID_TEXT}, payer={text(ALICE)}, to={text(BOB)}, amount=25000, "
    assert outcome.events[-1] == released + f"releasedBy={text(NOTARY)})"
    assert (held.state(), held.money()) == ((40_000, 0, RELEASED), (85_000, 0, 15_000))


def test_execution_of_all_with_release_leaves_nothing_to_release(held: Street) -> None:
    outcome = held.does(NOTARY, "executeHoldAndRelease", ID, 40_000)
    assert [event.split("(")[0] for event in outcome.events] == ["Transfer", "Memo", "HoldExecuted"]
    assert held.state() == (40_000, 0, EXECUTED)


def test_nothing_is_no_execution(held: Street) -> None:
    for name in ("executeHold", "executeHoldAndRelease"):
        assert held.does(NOTARY, name, ID, 0).error == "ZeroAmount()"


def test_the_notary_executes_and_neither_payee_nor_payer_does(held: Street) -> None:
    for caller in (BOB, ALICE, CAROL):
        refused = f"HoldExecutorOnly(id={ID_TEXT}, caller={text(caller)}, executor={text(NOTARY)})"
        assert held.does(caller, "executeHold", ID, 1).error == refused
        assert held.does(caller, "executeHoldAndRelease", ID, 1).error == refused


def test_without_a_notary_the_payee_executes(street: Street) -> None:
    street.hold(notary=ZERO_ADDRESS)
    assert "HoldExecutorOnly" in str(street.does(NOTARY, "executeHold", ID, 1).error)
    assert street.does(BOB, "executeHold", ID, 1).error is None


@pytest.mark.parametrize("caller", [NOTARY, BOB])
def test_notary_and_payee_release_before_expiry(held: Street, caller: Address) -> None:
    assert held.does(caller, "releaseHold", ID).error is None
    assert (held.state(), held.money()) == ((40_000, 0, RELEASED), (100_000, 0, 0))


@pytest.mark.parametrize("caller", [ALICE, CAROL])
def test_anybody_else_releases_from_the_second_after_expiry(held: Street, caller: Address) -> None:
    refused = f"HoldNotReleasable(id={ID_TEXT}, caller={text(caller)}, expiresAt={EXPIRES_S})"
    assert held.at(EXPIRES_S).does(caller, "releaseHold", ID).error == refused
    outcome = held.at(EXPIRES_S + 1).does(caller, "releaseHold", ID)
    released = f"HoldReleased(id={ID_TEXT}, payer={text(ALICE)}, to={text(BOB)}, amount=40000, "
    assert outcome.events == [released + f"releasedBy={text(caller)})"]
    assert held.money() == (100_000, 0, 0)


def test_a_hold_without_notary_is_not_released_by_the_zero_address(street: Street) -> None:
    street.hold(notary=ZERO_ADDRESS)
    assert "HoldNotReleasable" in str(street.does(ZERO_ADDRESS, "releaseHold", ID).error)


def test_a_hold_is_paid_in_its_last_second_and_not_in_the_next(held: Street) -> None:
    assert held.at(EXPIRES_S).does(NOTARY, "executeHold", ID, 1).error is None
    expired = f"HoldExpired(id={ID_TEXT}, expiresAt={EXPIRES_S}, now={EXPIRES_S + 1})"
    assert held.at(EXPIRES_S + 1).does(NOTARY, "executeHold", ID, 1).error == expired
    assert held.does(NOTARY, "executeHoldAndRelease", ID, 1).error == expired
    assert held.money() == (60_000, 39_999, 1), "expired is not released"


def test_a_payer_extends_as_far_as_the_notary_consented(held: Street) -> None:
    later = EXPIRES_S + 100
    refused = f"ExtensionNotConsented(id={ID_TEXT}, expiresAt={later}, consentedUntil=0)"
    assert held.does(ALICE, "extendHold", ID, later).error == refused
    consent = held.does(NOTARY, "consentToExtension", ID, later)
    assert consent.events == [f"HoldExtensionConsented(id={ID_TEXT}, executor={text(NOTARY)}, consentedUntil={later})"]
    assert "ExtensionNotConsented" in str(held.does(ALICE, "extendHold", ID, later + 1).error)
    assert held.does(ALICE, "extendHold", ID, later).events == [
        f"HoldExtended(id={ID_TEXT}, payer={text(ALICE)}, previousExpiresAt={EXPIRES_S}, expiresAt={later})"
    ]
    assert held.at(later).does(NOTARY, "executeHold", ID, 1).error is None


def test_a_hold_is_extended_later_by_its_payer_while_it_lasts(held: Street) -> None:
    held.does(NOTARY, "consentToExtension", ID, EXPIRES_S + 100)
    refused = f"HoldPayerOnly(id={ID_TEXT}, caller={text(BOB)}, payer={text(ALICE)})"
    assert held.does(BOB, "extendHold", ID, EXPIRES_S + 1).error == refused
    for earlier in (EXPIRES_S, EXPIRES_S - 1):
        refused = f"ExpiryNotLater(id={ID_TEXT}, expiresAt={earlier}, current={EXPIRES_S})"
        assert held.does(ALICE, "extendHold", ID, earlier).error == refused
    held.at(EXPIRES_S + 1)
    assert "HoldExpired" in str(held.does(ALICE, "extendHold", ID, EXPIRES_S + 50).error)
    assert "HoldExpired" in str(held.does(NOTARY, "consentToExtension", ID, EXPIRES_S + 50).error)
    held.at(EXPIRES_S)
    assert held.does(ALICE, "extendHold", ID, EXPIRES_S + 1).error is None


def test_only_the_executor_consents_and_may_withdraw(held: Street) -> None:
    refused = f"HoldExecutorOnly(id={ID_TEXT}, caller={text(ALICE)}, executor={text(NOTARY)})"
    assert held.does(ALICE, "consentToExtension", ID, EXPIRES_S + 9).error == refused
    held.does(NOTARY, "consentToExtension", ID, EXPIRES_S + 9)
    held.does(NOTARY, "consentToExtension", ID, 0)
    assert "ExtensionNotConsented" in str(held.does(ALICE, "extendHold", ID, EXPIRES_S + 1).error)


CALLS: dict[str, tuple[Address, tuple[AbiValue, ...]]] = {
    "executeHold": (NOTARY, (1,)),
    "executeHoldAndRelease": (NOTARY, (1,)),
    "releaseHold": (NOTARY, ()),
    "consentToExtension": (NOTARY, (EXPIRES_S + 1,)),
    "extendHold": (ALICE, (EXPIRES_S + 1,)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("status", [EXECUTED, RELEASED])
def test_a_closed_hold_stays_closed(held: Street, name: str, status: int) -> None:
    closing: tuple[AbiValue, ...] = ("executeHold", ID, 40_000) if status == EXECUTED else ("releaseHold", ID)
    assert held.does(NOTARY, str(closing[0]), *closing[1:]).error is None
    caller, values = CALLS[name]
    assert held.does(caller, name, ID, *values).error == f"HoldClosed(id={ID_TEXT}, status={status})"


@pytest.mark.parametrize("name", [*CALLS, "holdOf"])
def test_a_hold_that_was_never_made_is_unknown(street: Street, name: str) -> None:
    caller, values = CALLS.get(name, (CAROL, ()))
    assert street.does(caller, name, ID, *values).error == f"UnknownHold(id={ID_TEXT})"


@pytest.mark.parametrize("name", CALLS)
def test_neither_a_pause_nor_a_freeze_stops_what_was_promised(held: Street, name: str) -> None:
    held.does(ADMIN, "grantRole", FREEZER_ROLE, ADMIN)
    held.does(NOTARY, "consentToExtension", ID, EXPIRES_S + 1)
    assert held.does(ADMIN, "setFrozenTokens", ALICE, UINT256_MAX).error is None
    assert held.does(PAUSER, "pause").error is None
    caller, values = CALLS[name]
    assert held.does(caller, name, ID, *values).error is None


def test_what_comes_back_to_a_frozen_payer_is_frozen(held: Street) -> None:
    held.does(ADMIN, "grantRole", FREEZER_ROLE, ADMIN)
    held.does(ADMIN, "setFrozenTokens", ALICE, 100_000)
    held.does(NOTARY, "releaseHold", ID)
    assert "unfrozen=0" in str(held.does(ALICE, "transfer", BOB, 1).error)


def refuse_by_policy(street: Street, who: Address) -> None:
    street.does(ADMIN, "grantRole", POLICY_ROLE, ADMIN)
    street.ledger.call(ADMIN, POLICY_REGISTRY, "createPolicy", 2, ADMIN)
    street.ledger.call(ADMIN, POLICY_REGISTRY, "modify", 2, [who], True)
    assert street.does(ADMIN, "setTransferPolicyId", 2).error is None


def test_a_payee_that_became_ineligible_is_not_paid_and_the_money_returns(held: Street) -> None:
    refuse_by_policy(held, BOB)
    refused = f"PolicyRefusesRecipient(policyId=2, recipient={text(BOB)})"
    assert held.does(NOTARY, "executeHold", ID, 1).error == refused
    assert held.does(NOTARY, "executeHoldAndRelease", ID, 1).error == refused
    assert held.does(NOTARY, "releaseHold", ID).error is None
    assert held.money() == (100_000, 0, 0)


def test_a_payer_that_became_ineligible_makes_no_new_hold_and_pays_the_old_one(held: Street) -> None:
    refuse_by_policy(held, ALICE)
    assert "PolicyRefusesSender" in str(held.hold(1, hold_id=OTHER_ID).error)
    assert held.does(NOTARY, "executeHold", ID, 40_000).error is None


def test_limits_count_when_a_hold_is_made_and_when_it_pays(street: Street) -> None:
    street.does(ADMIN, "grantRole", LIMIT_ROLE, ADMIN)
    street.does(ADMIN, "setTierLimits", 255, 0, 50_000, 30_000, 0)
    street.does(ADMIN, "setLimitsEnabled", True)
    assert street.hold(50_001).error is not None
    assert street.hold(50_000).error is None
    assert "DailyOutLimitExceeded" in str(street.hold(1, hold_id=OTHER_ID).error)
    assert "DailyInLimitExceeded" in str(street.does(NOTARY, "executeHold", ID, 30_001).error)
    assert street.does(NOTARY, "executeHold", ID, 30_000).error is None
    assert "DailyInLimitExceeded" in str(street.does(NOTARY, "executeHold", ID, 1).error)


def test_money_can_be_held_for_oneself(street: Street) -> None:
    assert street.does(ALICE, "createHold", ID, ALICE, NOTARY, 40_000, EXPIRES_S, MEMO).error is None
    assert street.does(NOTARY, "executeHoldAndRelease", ID, 15_000).error is None
    assert street.money() == (100_000, 0, 0)

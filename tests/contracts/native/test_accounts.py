"""Banks, their customers, suspensions, and the limits of tiers."""

import pytest

from consensus.primitives.scalars import Address
from contracts.abi import AbiValue
from contracts.addresses import ACCOUNT_REGISTRY
from contracts.native.roles import LIMIT_ROLE
from tests.contracts.ledger import (
    ADMIN,
    ALICE,
    BOB,
    CAROL,
    EUR,
    GOVERNOR,
    ISSUER,
    MEMO,
    DictionaryContext,
    Ledger,
    account,
    text,
)

BANK, OTHER = account(50), account(51)
REASON = b"\x07" * 32
NOW_S = DictionaryContext.block_timestamp_s


def does(ledger: Ledger, caller: Address, function: str, *values: AbiValue) -> str | None:
    return ledger.call(caller, ACCOUNT_REGISTRY, function, *values).error


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger with two banks; the first sponsors Alice and Bob in tier 3, whose limits are on in EUR."""
    made = Ledger()
    for bank, bic in ((BANK, "BANKDEFF"), (OTHER, "OTHRGB2LXXX")):
        assert does(made, GOVERNOR, "registerBank", bank, "Bank", bic, 1_000_000) is None
    for customer in (ALICE, BOB):
        assert does(made, BANK, "registerAccount", customer, 3) is None
    assert made.call(ADMIN, EUR, "grantRole", LIMIT_ROLE, ADMIN).error is None
    assert made.call(ADMIN, EUR, "setTierLimits", 3, 100, 250, 300, 400).error is None
    assert made.call(ADMIN, EUR, "setLimitsEnabled", True).error is None
    return made


def pay(ledger: Ledger, sender: Address, to: Address, amount: int) -> str | None:
    return ledger.call(sender, EUR, "transfer", to, amount).error


def test_records_and_banks_say_what_was_registered(ledger: Ledger) -> None:
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "recordOf", ALICE).values == (1, 3, 1, 1, NOW_S)
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "recordOf", OTHER).values == (2, 0, 1, 3, NOW_S)
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "recordOf", CAROL).values == (0, 0, 0, 0, 0)
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "bankOf", OTHER).values == (2, "Bank", "OTHRGB2LXXX", 1_000_000)
    assert ledger.read(ACCOUNT_REGISTRY, "sponsorOf", ALICE) == BANK
    assert does(ledger, CAROL, "sponsorOf", CAROL) == f"AccountNotRegistered(account={text(CAROL)})"
    assert ledger.read(ACCOUNT_REGISTRY, "bankCount") == 2
    assert ledger.read(ACCOUNT_REGISTRY, "bankAt", 1) == OTHER
    assert does(ledger, CAROL, "bankAt", 2) == "IndexOutOfRange(index=2, count=2)"


def test_the_governor_alone_registers_and_updates_banks(ledger: Ledger) -> None:
    assert "GovernorOnly" in str(does(ledger, BANK, "registerBank", CAROL, "C", "BANKDEFF", 1))
    assert "GovernorOnly" in str(does(ledger, BANK, "updateBank", BANK, "C", "BANKDEFF", 1))
    assert does(ledger, GOVERNOR, "updateBank", BANK, "New", "NEWBDEFF", 5) is None
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "bankOf", BANK).values == (1, "New", "NEWBDEFF", 5)
    assert does(ledger, GOVERNOR, "updateBank", CAROL, "C", "BANKDEFF", 1) == f"UnknownBank(bank={text(CAROL)})"


@pytest.mark.parametrize(
    ("name", "bic", "error"),
    [
        ("", "BANKDEFF", "InvalidBankName(name='')"),
        ("x" * 32, "BANKDEFF", f"InvalidBankName(name='{'x' * 32}')"),
        ("Bank", "BANKDEF", "InvalidBic(bic='BANKDEF')"),
        ("Bank", "bankdeff", "InvalidBic(bic='bankdeff')"),
    ],
)
def test_a_bank_has_a_name_and_a_bic(ledger: Ledger, name: str, bic: str, error: str) -> None:
    assert does(ledger, GOVERNOR, "registerBank", CAROL, name, bic, 1) == error
    assert does(ledger, GOVERNOR, "registerBank", CAROL, "x" * 31, "BANKDEFFXXX", 1) is None


def test_a_bank_registers_each_account_once_in_a_tier_that_exists(ledger: Ledger) -> None:
    assert does(ledger, ALICE, "registerAccount", CAROL, 1) == f"BankOnly(caller={text(ALICE)})"
    assert does(ledger, OTHER, "registerAccount", ALICE, 1) == (
        f"AccountRegisteredAlready(account={text(ALICE)}, sponsorId=1)"
    )
    assert does(ledger, BANK, "registerAccount", CAROL, 255) == "InvalidTier(tier=255, highest=254)"
    assert does(ledger, BANK, "registerAccount", CAROL, 254) is None


def test_the_sponsor_and_the_governor_set_tier_and_permissions(ledger: Ledger) -> None:
    refused = f"SponsorOnly(caller={text(OTHER)}, account={text(ALICE)}, sponsorId=1)"
    assert does(ledger, OTHER, "setTier", ALICE, 2) == refused
    assert does(ledger, OTHER, "setPermissions", ALICE, 3) == refused
    assert does(ledger, BANK, "setTier", ALICE, 2) is None
    assert does(ledger, GOVERNOR, "setPermissions", ALICE, 3) is None
    assert ledger.call(CAROL, ACCOUNT_REGISTRY, "recordOf", ALICE).values == (1, 2, 1, 3, NOW_S)
    assert does(ledger, GOVERNOR, "setPermissions", ALICE, 4) == "PermissionsNotHeld(permissions=4, highest=3)"


def test_a_bank_gives_no_permission_it_has_not(ledger: Ledger) -> None:
    assert does(ledger, GOVERNOR, "setPermissions", BANK, 1) is None
    assert does(ledger, BANK, "setPermissions", ALICE, 2) == "PermissionsNotHeld(permissions=2, highest=1)"
    assert "SponsorOnly" in str(does(ledger, BANK, "setPermissions", BANK, 3))


def test_a_sponsor_reinstates_its_own_suspension_but_not_the_governors(ledger: Ledger) -> None:
    assert "SponsorOnly" in str(does(ledger, OTHER, "suspend", ALICE, REASON))
    assert does(ledger, BANK, "reinstate", ALICE) == f"AccountNotSuspended(account={text(ALICE)})"
    assert does(ledger, BANK, "suspend", ALICE, REASON) is None
    assert does(ledger, BANK, "suspend", ALICE, REASON) == f"SuspendedAlready(account={text(ALICE)}, status=2)"
    assert does(ledger, BANK, "reinstate", ALICE) is None
    assert does(ledger, BANK, "suspend", ALICE, REASON) is None
    assert does(ledger, GOVERNOR, "suspend", ALICE, REASON) is None
    assert does(ledger, BANK, "reinstate", ALICE) == f"SuspendedByGovernor(account={text(ALICE)})"
    assert does(ledger, GOVERNOR, "reinstate", ALICE) is None


def test_a_suspended_bank_sponsors_nobody(ledger: Ledger) -> None:
    assert does(ledger, GOVERNOR, "suspend", BANK, REASON) is None
    suspended = f"AccountSuspended(account={text(BANK)}, status=3)"
    assert does(ledger, BANK, "registerAccount", CAROL, 1) == suspended
    assert does(ledger, BANK, "setTier", ALICE, 1) == suspended


def test_a_suspended_account_pays_nothing_and_is_still_paid(ledger: Ledger) -> None:
    assert pay(ledger, ALICE, BOB, 10) is None
    does(ledger, BANK, "suspend", BOB, REASON)
    assert pay(ledger, BOB, ALICE, 1) == f"AccountSuspended(account={text(BOB)}, status=2)"
    assert pay(ledger, ALICE, BOB, 10) is None


def test_a_payment_up_to_each_limit_passes_and_one_unit_more_does_not(ledger: Ledger) -> None:
    whose = f"account={text(ALICE)}, tier=3"
    assert pay(ledger, ALICE, CAROL, 101) == f"TransferLimitExceeded({whose}, limit=100, amount=101)"
    assert pay(ledger, ALICE, CAROL, 100) is None
    assert pay(ledger, ALICE, BOB, 100) is None
    assert pay(ledger, ALICE, CAROL, 51) == f"DailyOutLimitExceeded({whose}, limit=250, used=200, amount=51)"
    assert pay(ledger, ALICE, CAROL, 50) is None
    values = ledger.call(CAROL, EUR, "limitsOf", ALICE).values
    assert values == (3, 100, 400, 250, 250, 0, 300, 0, 300)
    assert ledger.call(CAROL, EUR, "limitsOf", BOB).values == (3, 100, 400, 250, 0, 250, 300, 100, 200)


def test_minting_counts_as_incoming_and_fills_the_wallet_no_further_than_its_limit(ledger: Ledger) -> None:
    whose = f"account={text(BOB)}, tier=3"
    assert ledger.call(ISSUER, EUR, "mint", BOB, 300, MEMO).error is None
    error = ledger.call(ISSUER, EUR, "mint", BOB, 1, MEMO).error
    assert error == f"DailyInLimitExceeded({whose}, limit=300, used=300, amount=1)"
    ledger.call(ADMIN, EUR, "setTierLimits", 3, 100, 250, 0, 400)
    error = ledger.call(ISSUER, EUR, "mint", BOB, 101, MEMO).error
    assert error == f"BalanceLimitExceeded({whose}, limit=400, balance=300, amount=101)"
    assert ledger.call(ISSUER, EUR, "mint", BOB, 100, MEMO).error is None


def test_a_new_utc_day_begins_with_nothing_used(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    # 86 400 seconds: the last of this day, then the first of the next.
    midnight_s = (NOW_S // 86_400 + 1) * 86_400
    for _ in range(2):
        assert pay(ledger, ALICE, CAROL, 100) is None
    monkeypatch.setattr(DictionaryContext, "block_timestamp_s", midnight_s - 1)
    assert "DailyOutLimitExceeded" in str(pay(ledger, ALICE, CAROL, 100))
    monkeypatch.setattr(DictionaryContext, "block_timestamp_s", midnight_s)
    assert pay(ledger, ALICE, CAROL, 100) is None


def test_limits_hold_only_while_they_are_on_and_never_for_tier_0(ledger: Ledger) -> None:
    assert "TransferLimitExceeded" in str(pay(ledger, ALICE, CAROL, 101))
    does(ledger, BANK, "setTier", ALICE, 0)
    assert pay(ledger, ALICE, CAROL, 101) is None
    does(ledger, BANK, "setTier", ALICE, 3)
    ledger.call(ADMIN, EUR, "setLimitsEnabled", False)
    assert pay(ledger, ALICE, CAROL, 101) is None


def test_whoever_no_bank_sponsors_has_the_limits_of_tier_255(ledger: Ledger) -> None:
    assert pay(ledger, ALICE, CAROL, 50) is None
    ledger.call(ADMIN, EUR, "setTierLimits", 255, 20, 0, 0, 0)
    assert "tier=255, limit=20, amount=21" in str(pay(ledger, CAROL, BOB, 21))
    assert pay(ledger, CAROL, BOB, 20) is None


def test_what_one_pays_to_oneself_uses_no_day_up(ledger: Ledger) -> None:
    for _ in range(4):
        assert pay(ledger, ALICE, ALICE, 100) is None
    assert ledger.call(CAROL, EUR, "limitsOf", ALICE).values[4] == 0


def test_limits_are_set_by_the_role_for_tiers_that_have_some(ledger: Ledger) -> None:
    assert "AccessControlUnauthorizedAccount" in str(ledger.call(ALICE, EUR, "setTierLimits", 3, 0, 0, 0, 0).error)
    assert "AccessControlUnauthorizedAccount" in str(ledger.call(ALICE, EUR, "setLimitsEnabled", False).error)
    assert ledger.call(ADMIN, EUR, "setTierLimits", 0, 1, 1, 1, 1).error == "UnlimitedTier(tier=0)"
    assert "LimitTooHigh" in str(ledger.call(ADMIN, EUR, "setTierLimits", 3, 0, 0, 0, 2**112).error)
    top = 2**112 - 1
    assert ledger.call(ADMIN, EUR, "setTierLimits", 3, top, top, top, top).error is None
    assert ledger.call(ADMIN, EUR, "tierLimitsOf", 3).values == (top, top, top, top)

"""Reserves: who attests them, and what a mint needs of them."""

import pytest

from contracts.native.roles import ATTESTOR_ROLE, DEFAULT_ADMIN_ROLE
from tests.contracts.ledger import (
    ADMIN,
    BOB,
    EUR,
    ISSUER,
    MEMO,
    PAUSER,
    DictionaryContext,
    Ledger,
    Outcome,
    account,
    text,
)

ATTESTOR = account(30)
DOCUMENT = b"\x0d" * 32
NOW_S = DictionaryContext.block_timestamp_s
DAY_S = 86_400


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger whose euro, of which 105 000 exist, has an attestor."""
    made = Ledger()
    assert made.call(ADMIN, EUR, "grantRole", ATTESTOR_ROLE, ATTESTOR).error is None
    return made


def attest(ledger: Ledger, amount: int, as_of_s: int = NOW_S) -> Outcome:
    return ledger.call(ATTESTOR, EUR, "attestReserves", amount, as_of_s, DOCUMENT)


def demand(ledger: Ledger, max_age_s: int) -> None:
    assert ledger.call(ADMIN, EUR, "setReserveRule", max_age_s).error is None


def mint(ledger: Ledger, amount: int) -> str | None:
    return ledger.call(ISSUER, EUR, "mint", BOB, amount, MEMO).error


def test_an_attestation_is_kept_and_logged(ledger: Ledger) -> None:
    assert ledger.call(BOB, EUR, "reserves").values == (0, 0, bytes(32))
    outcome = attest(ledger, 200_000, NOW_S - 5)
    expected = f"attestor={text(ATTESTOR)}, amount=200000, asOf={NOW_S - 5}, documentHash=0x{DOCUMENT.hex()}"
    assert outcome.events == [f"ReservesAttested({expected})"]
    assert ledger.call(BOB, EUR, "reserves").values == (200_000, NOW_S - 5, DOCUMENT)


def test_only_an_attestor_attests(ledger: Ledger) -> None:
    error = ledger.call(ADMIN, EUR, "attestReserves", 1, NOW_S, DOCUMENT).error
    assert error == f"AccessControlUnauthorizedAccount(account={text(ADMIN)}, neededRole=0x{ATTESTOR_ROLE.hex()})"


def test_an_attestation_is_of_now_or_before_and_no_older_than_the_last(ledger: Ledger) -> None:
    assert attest(ledger, 1, NOW_S + 1).error == f"AttestationFromFuture(asOf={NOW_S + 1}, now={NOW_S})"
    assert attest(ledger, 1, NOW_S - 1).error is None
    assert attest(ledger, 2, NOW_S - 2).error == f"AttestationSuperseded(asOf={NOW_S - 2}, latest={NOW_S - 1})"
    assert attest(ledger, 2, NOW_S - 1).error is None, "a correction of the same time"
    assert attest(ledger, 3, NOW_S).error is None


def test_a_reserve_is_at_most_what_a_supply_can_be(ledger: Ledger) -> None:
    assert attest(ledger, 2**128).error == f"ReservesTooHigh(amount={2**128}, highest={2**128 - 1})"
    demand(ledger, 7)
    assert attest(ledger, 2**128 - 1).error is None
    assert ledger.call(BOB, EUR, "reserves").values == (2**128 - 1, NOW_S, DOCUMENT)
    assert ledger.read(EUR, "reserveRule") == 7


def test_an_admin_sets_the_rule_and_an_attestor_does_not(ledger: Ledger) -> None:
    assert ledger.call(ADMIN, EUR, "setReserveRule", DAY_S).events == [f"ReserveRuleSet(maxAge={DAY_S})"]
    assert ledger.read(EUR, "reserveRule") == DAY_S
    error = ledger.call(ATTESTOR, EUR, "setReserveRule", 0).error
    role = DEFAULT_ADMIN_ROLE.hex()
    assert error == f"AccessControlUnauthorizedAccount(account={text(ATTESTOR)}, neededRole=0x{role})"


def test_without_the_rule_no_reserve_is_needed(ledger: Ledger) -> None:
    attest(ledger, 1)
    assert mint(ledger, 10) is None


def test_with_the_rule_supply_rises_to_the_reserve_and_no_further(ledger: Ledger) -> None:
    demand(ledger, DAY_S)
    attest(ledger, 105_010)
    assert mint(ledger, 11) == "ReservesExceeded(reserves=105010, supply=105000, amount=11)"
    assert mint(ledger, 10) is None


def test_an_attestation_ages_out_to_the_second(ledger: Ledger) -> None:
    demand(ledger, DAY_S)
    assert mint(ledger, 1) == f"AttestationAgedOut(asOf=0, maxAge={DAY_S}, now={NOW_S})"
    attest(ledger, 200_000, NOW_S - DAY_S - 1)
    assert mint(ledger, 1) == f"AttestationAgedOut(asOf={NOW_S - DAY_S - 1}, maxAge={DAY_S}, now={NOW_S})"
    attest(ledger, 200_000, NOW_S - DAY_S)
    assert mint(ledger, 1) is None


def test_reserves_are_asked_after_the_allowance_and_before_the_cap(ledger: Ledger) -> None:
    demand(ledger, DAY_S)
    ledger.call(ADMIN, EUR, "setSupplyCap", 105_000)
    assert "MinterAllowanceExceeded" in str(mint(ledger, 50_001))
    attest(ledger, 105_000)
    assert "ReservesExceeded" in str(mint(ledger, 1))
    attest(ledger, 105_001)
    assert "SupplyCapExceeded" in str(mint(ledger, 1))


def test_a_pause_does_not_stop_an_attestation(ledger: Ledger) -> None:
    ledger.call(PAUSER, EUR, "pause")
    assert attest(ledger, 1).error is None

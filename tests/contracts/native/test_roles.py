"""Who may change who may do what."""

import pytest

from consensus.primitives.hashing import keccak256
from consensus.primitives.scalars import ZERO_ADDRESS, Address
from contracts import addresses
from contracts.native.roles import DEFAULT_ADMIN_ROLE, ISSUER_ROLE, ROLE_NAMES
from tests.contracts.ledger import ADMIN, ALICE, BOB, CAROL, EUR, ISSUER, JPY, Ledger, text

ADMIN_HEX = f"0x{DEFAULT_ADMIN_ROLE.hex()}"
ISSUER_HEX = f"0x{ISSUER_ROLE.hex()}"


def test_a_role_is_the_hash_of_its_name_and_the_admin_role_is_zero() -> None:
    for name, role in ROLE_NAMES.items():
        assert role == (bytes(32) if name == "DEFAULT_ADMIN_ROLE" else keccak256(name.encode()))


def test_every_role_is_administered_by_admins() -> None:
    ledger = Ledger()
    for role in (*ROLE_NAMES.values(), b"\x07" * 32):
        assert ledger.read(EUR, "getRoleAdmin", role) == DEFAULT_ADMIN_ROLE


def test_a_granted_role_is_held_in_this_currency_alone() -> None:
    ledger = Ledger()
    outcome = ledger.call(ADMIN, EUR, "grantRole", ISSUER_ROLE, BOB)
    assert outcome.events == [f"RoleGranted(role={ISSUER_HEX}, account={text(BOB)}, sender={text(ADMIN)})"]
    assert ledger.read(EUR, "hasRole", ISSUER_ROLE, BOB) is True
    assert ledger.read(JPY, "hasRole", ISSUER_ROLE, BOB) is False
    assert ledger.read(EUR, "hasRole", DEFAULT_ADMIN_ROLE, BOB) is False


def test_granting_twice_or_revoking_what_is_not_held_changes_and_logs_nothing() -> None:
    ledger = Ledger()
    for name, account in (("grantRole", ISSUER), ("revokeRole", BOB)):
        outcome = ledger.call(ADMIN, EUR, name, ISSUER_ROLE, account)
        assert (outcome.error, outcome.events) == (None, [])
    ledger.call(ADMIN, EUR, "grantRole", DEFAULT_ADMIN_ROLE, ADMIN)
    assert ledger.read(EUR, "adminCount") == 1


@pytest.mark.parametrize("name", ["grantRole", "revokeRole"])
def test_only_an_admin_grants_and_revokes(name: str) -> None:
    assert (
        Ledger().call(ISSUER, EUR, name, ISSUER_ROLE, BOB).error
        == f"AccessControlUnauthorizedAccount(account={text(ISSUER)}, neededRole={ADMIN_HEX})"
    )


def test_a_revoked_role_is_gone() -> None:
    ledger = Ledger()
    outcome = ledger.call(ADMIN, EUR, "revokeRole", ISSUER_ROLE, ISSUER)
    assert outcome.events == [f"RoleRevoked(role={ISSUER_HEX}, account={text(ISSUER)}, sender={text(ADMIN)})"]
    assert ledger.read(EUR, "hasRole", ISSUER_ROLE, ISSUER) is False
    assert "AccessControlUnauthorizedAccount" in str(ledger.call(ISSUER, EUR, "mint", BOB, 1, bytes(32)).error)


@pytest.mark.parametrize("account", [ZERO_ADDRESS, EUR, addresses.CURRENCY_REGISTRY])
def test_no_role_goes_to_an_address_that_can_never_call(account: Address) -> None:
    ledger = Ledger()
    expected = f"InvalidRoleAccount(account={text(account)})"
    assert ledger.call(ADMIN, EUR, "grantRole", DEFAULT_ADMIN_ROLE, account).error == expected
    if account != ZERO_ADDRESS:
        assert ledger.call(ADMIN, EUR, "beginAdminTransfer", account).error == expected


def test_a_role_is_renounced_only_by_naming_oneself() -> None:
    ledger = Ledger()
    error = ledger.call(ISSUER, EUR, "renounceRole", ISSUER_ROLE, BOB).error
    assert error == "AccessControlBadConfirmation()"
    assert ledger.call(ISSUER, EUR, "renounceRole", ISSUER_ROLE, ISSUER).error is None
    assert ledger.read(EUR, "hasRole", ISSUER_ROLE, ISSUER) is False


def test_the_last_admin_stays_and_the_last_but_one_may_go() -> None:
    ledger = Ledger()
    last = f"LastAdmin(account={text(ADMIN)})"
    assert ledger.call(ADMIN, EUR, "renounceRole", DEFAULT_ADMIN_ROLE, ADMIN).error == last
    assert ledger.call(ADMIN, EUR, "revokeRole", DEFAULT_ADMIN_ROLE, ADMIN).error == last
    ledger.call(ADMIN, EUR, "grantRole", DEFAULT_ADMIN_ROLE, BOB)
    assert ledger.read(EUR, "adminCount") == 2
    assert ledger.call(ADMIN, EUR, "renounceRole", DEFAULT_ADMIN_ROLE, ADMIN).error is None
    assert ledger.read(EUR, "adminCount") == 1
    error = ledger.call(BOB, EUR, "renounceRole", DEFAULT_ADMIN_ROLE, BOB).error
    assert error == f"LastAdmin(account={text(BOB)})"


def test_the_admin_role_is_handed_over_in_two_steps() -> None:
    ledger = Ledger()
    begun = ledger.call(ADMIN, EUR, "beginAdminTransfer", BOB)
    assert begun.events == [f"AdminTransferBegun(currentAdmin={text(ADMIN)}, newAdmin={text(BOB)})"]
    assert ledger.call(CAROL, EUR, "pendingAdminTransfer").values == (ADMIN, BOB)
    assert ledger.read(EUR, "hasRole", DEFAULT_ADMIN_ROLE, BOB) is False
    accepted = ledger.call(BOB, EUR, "acceptAdminTransfer")
    assert accepted.events == [
        f"RoleGranted(role={ADMIN_HEX}, account={text(BOB)}, sender={text(BOB)})",
        f"RoleRevoked(role={ADMIN_HEX}, account={text(ADMIN)}, sender={text(BOB)})",
    ]
    assert ledger.read(EUR, "adminCount") == 1
    assert ledger.call(CAROL, EUR, "pendingAdminTransfer").values == (ZERO_ADDRESS, ZERO_ADDRESS)
    assert ledger.call(BOB, EUR, "acceptAdminTransfer").error == f"NoAdminTransfer(account={text(BOB)})"


def test_only_who_was_offered_the_admin_role_accepts_it() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "beginAdminTransfer", BOB)
    ledger.call(ADMIN, EUR, "beginAdminTransfer", ALICE)
    assert ledger.call(BOB, EUR, "acceptAdminTransfer").error == f"NoAdminTransfer(account={text(BOB)})"
    assert ledger.call(ALICE, EUR, "acceptAdminTransfer").error is None


def test_nobody_accepts_when_nothing_was_offered_not_even_the_zero_address() -> None:
    ledger = Ledger()
    for caller in (BOB, ADMIN, ZERO_ADDRESS):
        assert ledger.call(caller, EUR, "acceptAdminTransfer").error == f"NoAdminTransfer(account={text(caller)})"


def test_an_offer_is_withdrawn_with_the_zero_address() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "beginAdminTransfer", BOB)
    assert ledger.call(ADMIN, EUR, "beginAdminTransfer", ZERO_ADDRESS).error is None
    assert ledger.call(CAROL, EUR, "pendingAdminTransfer").values == (ZERO_ADDRESS, ZERO_ADDRESS)
    assert "NoAdminTransfer" in str(ledger.call(BOB, EUR, "acceptAdminTransfer").error)


def test_an_offer_by_somebody_who_is_admin_no_more_is_void() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", DEFAULT_ADMIN_ROLE, ALICE)
    ledger.call(ALICE, EUR, "beginAdminTransfer", BOB)
    ledger.call(ADMIN, EUR, "revokeRole", DEFAULT_ADMIN_ROLE, ALICE)
    assert (
        ledger.call(BOB, EUR, "acceptAdminTransfer").error
        == f"AccessControlUnauthorizedAccount(account={text(ALICE)}, neededRole={ADMIN_HEX})"
    )


def test_only_an_admin_offers_and_not_to_itself() -> None:
    ledger = Ledger()
    assert "AccessControlUnauthorizedAccount" in str(ledger.call(BOB, EUR, "beginAdminTransfer", BOB).error)
    assert ledger.call(ADMIN, EUR, "beginAdminTransfer", ADMIN).error == f"InvalidRoleAccount(account={text(ADMIN)})"


def test_a_handover_to_another_admin_leaves_that_one() -> None:
    ledger = Ledger()
    ledger.call(ADMIN, EUR, "grantRole", DEFAULT_ADMIN_ROLE, BOB)
    ledger.call(ADMIN, EUR, "beginAdminTransfer", BOB)
    assert ledger.call(BOB, EUR, "acceptAdminTransfer").error is None
    assert ledger.read(EUR, "adminCount") == 1
    assert ledger.read(EUR, "hasRole", DEFAULT_ADMIN_ROLE, BOB) is True
